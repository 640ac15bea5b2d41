/* SPDX-License-Identifier: Apache-2.0 */
/*
 * post_policy -- what the signed policy document of an upload form allows.
 *
 * Every field has to be named by a condition but x-amz-signature, policy, file and those that begin with x-ignore-;
 * `bucket`, which is the URL's, is a field like the others.  Names compare in any case, values as they are.  Every
 * condition has to hold, also of a field that the form does not have (it does not).
 * Source: AWS "Creating a POST policy".  Errors: AccessDenied "Invalid according to Policy: ..." and, for a document
 * that is none, InvalidPolicyDocument.
 */
#pragma once

#include "aws/aws_int.h"

struct post_fields {
	const struct sigv4_pair *v;
	size_t n;
	struct view bucket; /* of the URL */
};

struct post_range { /* of the file's length */
	uint64_t min, max;
};

/* @document: base64, as signed. */
int post_policy_check(struct view document, const struct post_fields *f, int64_t now_ms, struct arena *a,
		      struct post_range *ret, struct err *e) MUST_CHECK;
