/* SPDX-License-Identifier: Apache-2.0 */
/*
 * post_form -- a browser's upload form (multipart/form-data, RFC 7578): its fields, then its file as a stream.
 *
 * The file is the field `file`; fields that decide anything come before it.  What comes behind (a browser's submit
 * button) is skipped, but the form has to be whole: post_form_read() returns 0 only behind the closing delimiter and
 * the end of the body.  Every line ends with CR LF; nothing but white space stands before the first delimiter or
 * behind the last.
 *
 * Threads:  one at a time.
 * Memory:   the arena given; fields are copied into it.
 * Limits:   POST_FIELDS_BYTES before the file, as with AWS, and again behind it; POST_FIELDS_MAX fields.
 * Errors:   AWS's MalformedPOSTRequest, MaxPostPreDataLengthExceededError, IncorrectNumberOfFilesInPostRequest, and
 *           what the source says.
 */
#pragma once

#include "aws/aws_int.h"

#define POST_FIELDS_BYTES (20 * KIB)
#define POST_FIELDS_MAX 100

struct post_form;

/* Reads up to the file's first byte.  @content_type: of the request, with the boundary. */
int post_form_open(const struct body_source *s, struct view content_type, struct arena *a, struct post_form **ret,
		   struct err *e) MUST_CHECK;
/* The file's bytes; 0: the form has ended well.  Of the type of body_source.read. */
ssize_t post_form_read(void *form, void *p, size_t n, struct err *e);
/* The fields before the file in their order; names as they came. */
const struct sigv4_pair *post_form_fields(const struct post_form *f, size_t *ret_n);
/* By name, in any case; VIEW_NONE if there is none.  No two fields have the same name. */
struct view post_form_get(const struct post_form *f, const char *name);
/* Behind the last slash of what the browser calls the file; VIEW("") if it says nothing. */
struct view post_form_filename(const struct post_form *f);
