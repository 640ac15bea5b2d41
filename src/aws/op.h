/* SPDX-License-Identifier: Apache-2.0 */
/*
 * op -- one const row per AWS operation: the idea the code is built around.
 *
 * From a service's table come routing, decoding and validation into a typed struct, `op_call` (Step Functions
 * integrations, EventBridge targets), metrics labels, docs and the contract test against botocore's models.
 * To add an operation: input struct + field table, handler, row, test; nothing else is edited.
 *
 * Input structs: every member named in a field table; absent ones are zero (NULL, .set false).  All memory is
 * the request's arena.  A member that AWS's model knows and mulgil does not honour is an OP_REFUSED row: its
 * presence is answered with the service's own error, naming it.  Members no model knows are refused as well.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "aws/cors.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/view.h"

/* --- values in input structs --- */
struct opt_int {
	bool set;
	int64_t v;
};
struct opt_num {
	bool set;
	double v;
};
struct opt_bool {
	bool set;
	bool v;
};
struct op_list { /* v: array of the element's struct, or of const char * / struct view / int64_t */
	bool set;
	size_t n;
	void *v;
};
struct op_pair {
	const char *key, *value;
};
struct op_map {
	bool set;
	size_t n;
	struct op_pair *v;
};
static inline int64_t opt_int_or(struct opt_int o, int64_t dflt)
{
	return o.set ? o.v : dflt;
}
static inline bool opt_bool_or(struct opt_bool o, bool dflt)
{
	return o.set ? o.v : dflt;
}

/* --- field tables --- */
enum op_kind {
	OPK_END,
	OPK_STR,     /* const char *; min, max: code points; no NUL */
	OPK_BLOB,    /* struct view; min, max: bytes; base64 undone (body of JSON and XML) */
	OPK_INT,     /* struct opt_int; min, max */
	OPK_NUM,     /* struct opt_num */
	OPK_BOOL,    /* struct opt_bool */
	OPK_TIME,    /* struct opt_int, ms */
	OPK_ENUM,    /* const char *, one of values[]; refused[]: AWS knows it, mulgil does not do it */
	OPK_JSON,    /* const struct json *: a structure or document kept as it is (JSON protocols only); with sub: one that
	                its rows (OPD_*, which have no struct) validate, with the model's own names and without nulls */
	OPK_OBJ,     /* pointer to the structure's struct, sub = its fields, size = its size */
	OPK_LIST,    /* struct op_list; sub[0] = the element's field (offset 0), size = an element's size; min, max: elements */
	OPK_MAP,     /* struct op_map, string to string; max: entries; sub: NULL, or two rows OP_ITEM_STR: limits of key and value */
	OPK_REFUSED, /* known to AWS, not honoured here */
};

/* Where a member travels in rest-json and rest-xml; json and query protocols have OPL_BODY only. */
enum op_loc {
	OPL_BODY,
	OPL_PATH,    /* {name} of the row's path */
	OPL_QUERY,   /* name in `at` */
	OPL_HEADER,  /* name in `at` */
	OPL_HEADERS, /* OPK_MAP: every header that begins with `at` (x-amz-meta-) */
	OPL_PAYLOAD, /* the body itself: OPK_BLOB (small, in memory), OPK_OBJ (one XML/JSON document, root element `at`)
	                or, with OP_STREAM in the row, read through op_body_*() */
};

struct aws_error;

struct op_field {
	const char *name; /* AWS's member name */
	const char *at;   /* name on the wire where it differs (XML element, header, query parameter), or NULL */
	uint8_t kind, loc;
	bool required;
	bool flat;        /* XML list without a wrapping element */
	size_t off, size;
	int64_t min, max; /* max 0: none */
	const struct op_field *sub;
	const char *const *values, *const *refused; /* NULL-terminated */
	const struct aws_error *invalid; /* OPK_ENUM: for a value that AWS does not know either; NULL: the service's.
	                                  * OPK_REFUSED: AWS itself does not take this header here, and says so with this */
};

#define OP__CHECK(st, m, type) \
	(offsetof(st, m) + 0 * sizeof(char[__builtin_types_compatible_p(__typeof__(((st *)0)->m), type) ? 1 : -1]))
#define OP_STR(st, m, nm, req, lo, hi, ...) \
	{ .name = nm, .kind = OPK_STR, .required = req, .off = OP__CHECK(st, m, const char *), .min = lo, .max = hi, __VA_ARGS__ }
#define OP_BLOB(st, m, nm, req, lo, hi, ...) \
	{ .name = nm, .kind = OPK_BLOB, .required = req, .off = OP__CHECK(st, m, struct view), .min = lo, .max = hi, __VA_ARGS__ }
#define OP_INT(st, m, nm, req, lo, hi, ...) \
	{ .name = nm, .kind = OPK_INT, .required = req, .off = OP__CHECK(st, m, struct opt_int), .min = lo, .max = hi, __VA_ARGS__ }
#define OP_NUM(st, m, nm, req, ...) \
	{ .name = nm, .kind = OPK_NUM, .required = req, .off = OP__CHECK(st, m, struct opt_num), __VA_ARGS__ }
#define OP_BOOL(st, m, nm, req, ...) \
	{ .name = nm, .kind = OPK_BOOL, .required = req, .off = OP__CHECK(st, m, struct opt_bool), __VA_ARGS__ }
#define OP_TIME(st, m, nm, req, ...) \
	{ .name = nm, .kind = OPK_TIME, .required = req, .off = OP__CHECK(st, m, struct opt_int), __VA_ARGS__ }
#define OP_ENUM(st, m, nm, req, vals, refs, ...) \
	{ .name = nm, .kind = OPK_ENUM, .required = req, .off = OP__CHECK(st, m, const char *), .values = vals, .refused = refs, __VA_ARGS__ }
#define OP_JSON(st, m, nm, req, ...) \
	{ .name = nm, .kind = OPK_JSON, .required = req, .off = OP__CHECK(st, m, const struct json *), __VA_ARGS__ }
#define OP_OBJ(st, m, nm, req, fields, ...) \
	{ .name = nm, .kind = OPK_OBJ, .required = req, .off = offsetof(st, m), .size = sizeof(*((st *)0)->m), .sub = fields, __VA_ARGS__ }
/* elem: type of one element; field: a one-row table for it made with OP_ITEM_*. */
#define OP_LIST(st, m, nm, req, elem, field, lo, hi, ...) \
	{ .name = nm, .kind = OPK_LIST, .required = req, .off = OP__CHECK(st, m, struct op_list), .size = sizeof(elem), .sub = field, .min = lo, .max = hi, __VA_ARGS__ }
#define OP_MAP(st, m, nm, req, hi, ...) \
	{ .name = nm, .kind = OPK_MAP, .required = req, .off = OP__CHECK(st, m, struct op_map), .max = hi, __VA_ARGS__ }
/* A structure that is kept, echoed or merged as JSON: the rows in @fields are OPD_* and OP_REFUSED. */
#define OP_DOC(st, m, nm, req, fields, ...) \
	{ .name = nm, .kind = OPK_JSON, .required = req, .off = OP__CHECK(st, m, const struct json *), .sub = fields, __VA_ARGS__ }
#define OPD_STR(nm, req, lo, hi) { .name = nm, .kind = OPK_STR, .required = req, .min = lo, .max = hi }
#define OPD_INT(nm, req, lo, hi) { .name = nm, .kind = OPK_INT, .required = req, .min = lo, .max = hi }
#define OPD_BOOL(nm, req) { .name = nm, .kind = OPK_BOOL, .required = req }
#define OPD_ENUM(nm, req, vals, refs) { .name = nm, .kind = OPK_ENUM, .required = req, .values = vals, .refused = refs }
#define OPD_OBJ(nm, req, fields) { .name = nm, .kind = OPK_OBJ, .required = req, .sub = fields }
#define OPD_LIST(nm, req, field, lo, hi) { .name = nm, .kind = OPK_LIST, .required = req, .sub = field, .min = lo, .max = hi }
#define OPD_MAP(nm, req, hi, pair) { .name = nm, .kind = OPK_MAP, .required = req, .max = hi, .sub = pair }
#define OP_REFUSED(nm, ...) { .name = nm, .kind = OPK_REFUSED, __VA_ARGS__ }
#define OP_END { .kind = OPK_END }
/* Elements of lists: their struct IS the element.  For OPK_OBJ elements the list holds the structs themselves.
 * XML: an element is <member> unless .at says otherwise; a list's own .at (with .flat) is the repeated element. */
#define OP_ITEM_STR(lo, hi, ...) { .name = "member", .kind = OPK_STR, .min = lo, .max = hi, __VA_ARGS__ }
#define OP_ITEM_OBJ(fields, ...) { .name = "member", .kind = OPK_OBJ, .sub = fields, __VA_ARGS__ }
#define OP_ITEM_INT(lo, hi, ...) { .name = "member", .kind = OPK_INT, .min = lo, .max = hi, __VA_ARGS__ } /* int64_t */
#define OP_ITEM_BLOB(lo, hi, ...) { .name = "member", .kind = OPK_BLOB, .min = lo, .max = hi, __VA_ARGS__ }
#define OP_ITEM_JSON(...) { .name = "member", .kind = OPK_JSON, __VA_ARGS__ }
#define OP_ITEM_ENUM(vals, refs, ...) { .name = "member", .kind = OPK_ENUM, .values = vals, .refused = refs, __VA_ARGS__ }

/* --- errors --- */
struct aws_error {
	const char *code; /* AWS's own: "ResourceNotFoundException", "NoSuchKey" */
	int status;
	bool server_fault;
	const char *query_code; /* what the query protocol called it, where that differs; see service.query_names */
};
/* Errors every service may give (codes are AWS's).  A handler that returns a code without a wire error is answered with
 * the service's invalid error (ERR_INVALID), AWS_ACCESS_DENIED (ERR_DENIED), AWS_NOT_IMPLEMENTED (ERR_UNSUPPORTED),
 * AWS_UNAVAILABLE (ERR_BUSY, ERR_TIMEOUT) or AWS_INTERNAL; the text of the last goes to the log only.  S3 and query
 * services spell some of these differently ("InternalError", "SlowDown"): the answer takes care of it. */
extern const struct aws_error AWS_ACCESS_DENIED, AWS_INTERNAL, AWS_VALIDATION, AWS_SERIALIZATION, AWS_UNKNOWN_OPERATION,
	AWS_THROTTLING, AWS_UNAVAILABLE, AWS_NOT_IMPLEMENTED, AWS_TOO_LARGE, AWS_MALFORMED_XML, AWS_INVALID_URI;

/* Sets @e with a service's own error; returns @e->code (ERR_INVALID for 4xx, ERR_INTERNAL for 5xx). */
#define aws_fail(e, wire_err, ...) aws_fail_at((e), (wire_err), __FILE__, __LINE__, __VA_ARGS__)
int aws_fail_at(struct err *e, const struct aws_error *wire, const char *file, int line, const char *fmt, ...)
	PRINTF_LIKE(5, 6);

/* --- output: JSON or XML as it goes, by the service's protocol; handlers build no DOM --- */
/* A value wider than what the struct says is written as it is.  A document not closed by the handler is a bug: it aborts. */
struct out;
void out_str(struct out *o, const char *name, const char *s);      /* NULL: left out */
void out_view(struct out *o, const char *name, struct view v);     /* absent: left out */
void out_blob(struct out *o, const char *name, struct view bytes); /* base64 */
void out_int(struct out *o, const char *name, int64_t i);
void out_num(struct out *o, const char *name, double d);
void out_bool(struct out *o, const char *name, bool b);
/* Epoch seconds with fraction in JSON, ISO 8601 in XML and for op_call(). */
void out_time(struct out *o, const char *name, int64_t ms);
void out_json(struct out *o, const char *name, const struct json *v); /* JSON protocols; NULL: left out */
void out_obj(struct out *o, const char *name);  /* begins a structure or map; name NULL inside a list */
void out_obj_end(struct out *o);
/* Begins a list.  @item: name of the XML element of one item; flat lists (S3) give @name NULL and @item. */
void out_list(struct out *o, const char *name, const char *item);
void out_list_end(struct out *o);
/* rest protocols: members that travel in headers; op_call() sees them under @member. NULL value: left out. */
void out_header(struct out *o, const char *member, const char *header, const char *value);
void out_status(struct out *o, int status);       /* default 200 */
void out_root(struct out *o, const char *element); /* XML root element; default <OperationName>Result */
void out_body(struct out *o, const char *content_type, struct view bytes); /* raw body (copied) instead of a document */

/* --- what a handler is given --- */
struct op_caller {
	const char *account;    /* 12 digits */
	const char *access_key;
	const char *arn;        /* of the caller */
	const char *source_ip;
	/* Calls from inside that may be repeated after a crash: the same text, the same call.  Operations that start work
	 * that would count twice give back what the first call began.  NULL: every call is its own. */
	const char *once;
	/* What the policies of who asks allow; NULL: everything in its account. */
	const struct policy_set *may;
};

struct op_body; /* streamed request body (OP_STREAM rows): payload bytes, signatures and framing checked and undone */
ssize_t op_body_read(struct op_body *b, void *p, size_t n, struct err *e); /* 0: whole and verified */
int64_t op_body_length(const struct op_body *b); /* decoded length, -1 unknown */
/* Trailing checksum headers ("x-amz-checksum-crc32"); known after the end. VIEW_NONE if absent. */
struct view op_body_trailer(const struct op_body *b, const char *name);

struct op_ctx {
	struct arena *arena;
	struct err err;            /* for the handler to fill and return err.code */
	void *self;                /* the service */
	const struct op *op;
	struct op_caller caller;
	const char *region, *request_id;
	struct view endpoint;      /* "http://host:port" as the client addressed us; for URLs in answers */
	struct op_body *body;      /* OP_STREAM rows called over HTTP; else NULL (op_call gives the payload member) */
	bool form;                 /* PutObject that came as a browser's form */
	void *transport;           /* private to aws/, as are the next two */
	struct op_pair details[6]; /* op_error_detail() */
	size_t n_details;
	struct op_pair error_headers[4]; /* op_error_header() */
	size_t n_error_headers;
};
/* One more element of an S3 error document ("Condition", "Key"); at most 6, text is copied. Before or after aws_fail(). */
void op_error_detail(struct op_ctx *cx, const char *element, const char *text);
/* A header that goes out with the error; at most 4, text is copied. */
void op_error_header(struct op_ctx *cx, const char *name, const char *value);
/* A request header or query parameter that is no member (conditional headers are members); VIEW_NONE if absent. */
struct view op_header(const struct op_ctx *cx, const char *name);
/* What tells a request that is sent again, because its answer was lost, from one that only looks the same: a digest of
 * the SDK's invocation id (amz-sdk-invocation-id; calls from inside: op_caller.once), the caller, the operation and the
 * body.  false: the client does not say. */
#define OP_RETRY_KEY 16
bool op_retry_key(const struct op_ctx *cx, uint8_t ret[OP_RETRY_KEY]);

/* Streamed answers (GetObject): call once instead of out_body(); headers set before with out_header(). Blocks while
 * the client is slow.  @len: exactly this many bytes follow.  HEAD: op_stream_begin() only. */
int op_stream_begin(struct op_ctx *cx, struct out *o, uint64_t len) MUST_CHECK;
int op_stream_write(struct op_ctx *cx, struct out *o, struct view piece) MUST_CHECK; /* ERR_CANCELLED: client gone */
/* The next @n bytes are those of @fd from @off. */
int op_stream_file(struct op_ctx *cx, struct out *o, int fd, off_t off, uint64_t n) MUST_CHECK;
/* Instead of all three: the answer is the bytes of a file and leaves behind the handler's back.  @fd stays the
 * caller's. */
int op_answer_file(struct op_ctx *cx, struct out *o, int fd, off_t off, uint64_t len) MUST_CHECK;

enum op_flags {
	OP_WRITE = 1,     /* changes something */
	OP_SLOW = 2,      /* runs in the slow lane */
	OP_STREAM = 4,    /* the payload member is read through op_ctx.body */
	OP_STREAM_OUT = 8,
	OP_OPEN_QUERY = 16, /* rest: unknown query parameters are allowed */
	OP_WAITS = 32,    /* may do nothing but wait: runs in the waiting lane */
	OP_BULK = 64,     /* JSON protocols: bodies are large and plain (records); see op_scan.c */
};

typedef int (*op_fn)(struct op_ctx *cx, const void *in, struct out *o);

struct op {
	const char *name;
	op_fn fn;
	const struct op_field *in;
	size_t in_size;
	unsigned flags;
	const char *doc; /* one line */
	/* rest-json, rest-xml: */
	const char *method;
	const char *path;  /* "/{Bucket}/{Key+}", "/2015-03-31/functions/{FunctionName}/invocations" */
	/* parameters that select this row among the same method and path: "uploads", "list-type=2", "partNumber&uploadId";
	 * NULL: none.  The row with the most selectors that all fit wins. */
	const char *query;
	const char *header; /* header that selects it: "x-amz-copy-source"; NULL: none */
	int status;        /* success status when not 200 */
};

/* --- who may do what --- */
struct policy;
struct policy_values;
struct op_access { /* one thing that an operation does to a resource */
	const char *action;   /* "s3:GetObject" */
	const char *resource; /* ARN, or "*" */
	const char *owner;    /* the account that the resource belongs to; NULL: the server's */
	const struct policy *policy; /* of the resource, or NULL */
	bool broken;          /* the resource has a policy that cannot be read: nobody may, but .always */
	bool restricted;      /* a public policy counts for the owner's account only */
	bool always;          /* the root of the owner may, whatever the policy says */
	/* Condition keys of the service; false: absent.  Those of aws_key_known() are known without it. */
	bool (*key)(void *self, struct view name, struct policy_values *ret);
	void *self;
};
/* 0, or AccessDenied in cx->err.  Calls from inside (op_call) may do everything. */
int op_authorize(struct op_ctx *cx, const struct op_access *w) MUST_CHECK;

/* What a list or map of an answer was called; lists and maps were flat. */
struct op_query_name {
	const char *member;  /* NULL behind the last */
	const char *element; /* of one item; NULL: the operation's name and "ResultEntry" */
	bool map;            /* items are Name and Value */
};

enum op_protocol { OP_JSON_1_0, OP_JSON_1_1, OP_REST_JSON, OP_REST_XML, OP_QUERY };

struct service {
	const char *name;          /* ours and botocore's: "s3", "firehose", "events", "stepfunctions", ... */
	const char *signing_name;  /* in the credential scope: "states" for stepfunctions */
	const char *target_prefix; /* "Firehose_20150804", NULL for rest and query */
	const char *api_version;   /* "2015-08-04" */
	enum op_protocol protocol;
	const struct op *ops;      /* sorted by name */
	size_t n_ops;
	const struct aws_error *const *errors; /* all the service's own, NULL-terminated: docs and contract test */
	const struct aws_error *invalid;       /* for members that fail validation; NULL: AWS_VALIDATION */
	const struct aws_error *refused;       /* for members known but not honoured; NULL: S3 AWS_NOT_IMPLEMENTED, others .invalid */
	const char *xml_namespace;             /* of the root element; NULL: none.  rest-xml and query */
	cors_fn cors;                          /* of the one service that has buckets; else NULL */
	/* A JSON service that was spoken to in the query protocol once: such requests (no X-Amz-Target) are answered as they
	 * were, with these names; fields of the input have the old ones in .at (.flat: OPK_JSON is a map of Name and Value).
	 * Errors in JSON carry the old codes in x-amzn-query-error, which clients still switch on.  NULL: no such past. */
	const struct op_query_name *query_names;
	/* Asks op_authorize() for all that the operation would do, before its handler runs and before anything of a streamed
	 * body is read.  NULL: the action with the operation's name, on everything of the server's account. */
	int (*authorize)(struct op_ctx *cx, const void *in);
	/* After a failure of the handler: replaces cx->err where it would tell who may not know what there is.  NULL: nothing
	 * to hide. */
	void (*conceal)(struct op_ctx *cx, const void *in);
};

/* --- calling an operation from inside (workflows, rule targets) --- */
struct op_registry;
struct op_registry *op_registry_new(void);
void op_registry_add(struct op_registry *r, const struct service *s, void *self);
const struct service *op_registry_find(const struct op_registry *r, struct view service, void **ret_self);
size_t op_registry_count(const struct op_registry *r);
const struct service *op_registry_at(const struct op_registry *r, size_t i, void **ret_self);
const struct op *op_find(const struct service *s, struct view name, bool first_letter_any_case);
/* What op_ctx says of region and endpoint in calls from inside; copied.  Before the first op_call(). */
void op_registry_context(struct op_registry *r, const char *region, struct view endpoint);
struct op_registry *op_registry_free(struct op_registry *r);
/*
 * Decodes @in (AWS SDK's JSON shape: member names as in the model, first letter in any case; blobs are text, or any
 * other JSON value whose text is meant; in answers blobs are text where they are UTF-8, else base64), runs the operation for @caller, and gives its
 * output as one JSON value in the SDK's shape.  On failure @e->wire is the service's error.  Worker or actor threads.
 */
int op_call(const struct op_registry *r, const char *service, const char *operation, const struct json *in,
	    const struct op_caller *caller, struct arena *a, const struct json **ret, struct err *e) MUST_CHECK;
