/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aws_int -- what the files of aws/ share among themselves: the writer behind struct out, decoding, bodies.
 */
#pragma once

#include "aws/gate.h"
#include "aws/op.h"
#include "aws/sigv4.h"
#include "base/buf.h"
#include "base/limits.h"
#include "base/xml.h"

/* --- out --- */
#define OUT_DEPTH 32

enum out_scalar { OUT_TEXT, OUT_BYTES, OUT_INT, OUT_NUM, OUT_BOOL, OUT_TIME, OUT_JSON };

struct out_value {
	enum out_scalar kind;
	struct view text; /* OUT_TEXT, OUT_BYTES */
	int64_t i;        /* OUT_INT, OUT_TIME (ms), OUT_BOOL */
	double d;
	const struct json *json;
};

struct out_ops {
	void (*value)(struct out *o, const char *name, const struct out_value *v);
	void (*open)(struct out *o, const char *name, const char *item, bool list);
	void (*close)(struct out *o, bool list);
	void (*end)(struct out *o); /* the document is whole */
};

struct out_header {
	const char *member, *name, *value;
};

struct out_level {
	bool list, any;
	const char *name, *item; /* XML: elements to close with; item: of a list */
	struct json *tree;
};

struct out {
	const struct out_ops *ops;
	struct arena *a;
	struct buf buf;
	struct out_level stack[OUT_DEPTH];
	int depth;
	bool wrote; /* anything of a document */
	int status;
	struct out_header *headers; /* of an object's metadata there may be hundreds */
	size_t n_headers, cap_headers;
	const char *root;         /* asked for with out_root(), or NULL */
	const char *default_root, *xml_namespace; /* XML */
	const char *query_name;   /* query protocol: the operation, for <NameResponse><NameResult> */
	const char *request_id;
	const char *content_type; /* of out_body(), else NULL */
	struct view body;
	bool raw;
	/* streaming */
	bool streaming;
	uint64_t stream_left;
	struct buf stream; /* op_call: what was streamed */
};

extern const struct out_ops aws__out_json, aws__out_xml, aws__out_tree;

void aws__out_init(struct out *o, const struct out_ops *ops, struct arena *a);
void aws__out_clear(struct out *o);
void aws__out_xml_decl(struct buf *b);
/* Ends the document; the body is o->buf (JSON, XML), or o->body if o->raw. */
void aws__out_finish(struct out *o);
const struct json *aws__out_json_tree(struct out *o); /* of aws__out_tree */
/* Writes what aws__out_tree has collected into o->buf as an answer of the query protocol. */
void aws__out_query(struct out *o, const struct op_query_name *names);

/* --- decoding --- */
enum decode_mode {
	DECODE_JSON, /* a JSON body: types have to be right, blobs are base64 */
	DECODE_TEXT, /* XML, form: every scalar is a string */
	DECODE_SDK,  /* op_call(): see op.h */
};

struct decode {
	struct arena *arena;
	const struct service *service;
	enum decode_mode mode;
	struct err *err;
	bool skip_payload; /* OP_STREAM over HTTP: the payload member comes through op_body */
};

/* Fills the operation's zeroed struct from @tree (an object by member names; members that do not travel in the body
 * are JSON_STR).  Validates; @d->err has the wire error. */
int aws__decode(const struct decode *d, const struct op *op, const struct json *tree, void *ret) MUST_CHECK;
/* The same for the plain @text of a body, without a tree (op_scan.c).  true: done, and blobs lie where @text was.
 * false: it is not plain, and as it was; the general way knows what to say about it. */
bool aws__scan(const struct decode *d, const struct op *op, char *text, size_t n, void *ret);
/* The row of a member by its name on the wire, or NULL. */
const struct op_field *aws__field_of(const struct decode *d, const struct op_field *fields, struct view name);
/* Trees for aws__decode(). */
struct json *aws__tree_of_xml(const struct decode *d, const struct op_field *fields, const struct xml *x);
struct json *aws__tree_of_form(const struct decode *d, const struct op_field *fields, const struct json *params);
const struct op_field *aws__field_payload(const struct op_field *fields);
const struct aws_error *aws__err_invalid(const struct service *s);
const struct aws_error *aws__err_refused(const struct service *s);
/* A member known but not honoured, or not known at all: sets d->err. */
int aws__refuse(const struct decode *d, const char *path, bool known);

/* --- rest binding --- */
#define LABELS_MAX 4

struct route {
	const struct op *op;
	struct op_pair_view {
		struct view name, value; /* raw */
	} labels[LABELS_MAX];
	size_t n_labels;
};

/* The row for a method, path and query, all raw; false: none.  @has_header tells of selecting headers. */
bool aws__route(const struct service *s, struct view method, struct view path, struct view query,
		bool (*has_header)(const void *self, const char *name), const void *self, struct route *ret);

struct rest_input {
	const struct route *route;
	const struct sigv4_pair *headers, *params; /* params decoded */
	size_t n_headers, n_params;
	bool presigned;
	struct view body; /* VIEW_NONE for OP_STREAM */
};
/* Everything of a rest request as one tree for aws__decode(). */
int aws__bind(const struct decode *d, const struct rest_input *in, const struct json **ret) MUST_CHECK;
/* A JSON text, not too deep and not too many values. */
int aws__parse_json(struct arena *a, struct view text, const struct json **ret, struct err *e) MUST_CHECK;

/* --- digests beside a document --- */
/* Whether @header is the checksum of the body of a request whose body is a document. */
bool aws__is_body_digest(const struct op *op, struct view header);
int aws__check_body_digest(struct view header, struct view text, struct view body, struct err *e) MUST_CHECK;

/* --- who may do what (access.c) --- */
int aws__authorize(struct op_ctx *cx, const struct service *s, const void *in) MUST_CHECK;

/* --- bodies --- */
struct op_body;
struct body_source {
	ssize_t (*read)(void *self, void *p, size_t n, struct err *e);
	void *self;
	int64_t length; /* on the wire; -1 unknown */
	struct view whole; /* all of it, if it is in memory */
};
/* The payload behind @s: framing undone and verified as @g says. @decoded: x-amz-decoded-content-length, -1 absent;
 * @trailers: the x-amz-trailer header. */
int aws__body_new(const struct gate_result *g, const struct body_source *s, int64_t decoded, struct view trailers,
		  struct arena *a, struct op_body **ret, struct err *e) MUST_CHECK;
bool aws__body_done(const struct op_body *b);
void aws__body_end(struct op_body *b);
/* As one piece: in the arena, or where the source has it as a whole. */
int aws__body_all(struct op_body *b, size_t max, struct arena *a, struct view *ret, struct err *e) MUST_CHECK;
