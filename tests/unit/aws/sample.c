/* SPDX-License-Identifier: Apache-2.0 */
/* Made-up services with every kind of member. */
#include "sample.h"

#include "base/macro.h"

struct sample_in sample_seen;
const struct aws_error SAMPLE_NOT_FOUND = { "ResourceNotFoundException", 404, false };
static const struct aws_error sample_bad = { "InvalidArgument", 400, false };
static const struct aws_error *const sample_errors[] = { &SAMPLE_NOT_FOUND, NULL };

static const char *const kinds[] = { "ONE", "TWO", NULL }, *const kinds_refused[] = { "THREE", NULL };
static const struct op_field tag_fields[] = {
	OP_STR(struct sample_tag, key, "Key", true, 1, 8),
	OP_STR(struct sample_tag, value, "Value", false, 0, 16),
	OP_END
};
static const struct op_field hints_fields[] = {
	OP_INT(struct sample_hints, size, "SizeInMBs", false, 1, 128),
	OP_INT(struct sample_hints, seconds, "IntervalInSeconds", true, 0, 900),
	OP_REFUSED("Jitter"),
	OP_END
};
static const struct op_field kept_item_fields[] = { OPD_STR("Type", true, 1, 8), OP_REFUSED("Later"), OP_END };
static const struct op_field kept_item[] = { OP_ITEM_OBJ(kept_item_fields) };
static const struct op_field kept_pair[] = { OP_ITEM_STR(1, 3), OP_ITEM_STR(0, 3) };
static const struct op_field kept_fields[] = {
	OPD_INT("Size", false, 1, 128), OPD_BOOL("On", false), OPD_ENUM("Kind", false, kinds, kinds_refused),
	OPD_LIST("Items", false, kept_item, 0, 2), OPD_MAP("Names", false, 2, kept_pair), OP_END
};
static const struct op_field tag_item[] = { OP_ITEM_OBJ(tag_fields, .at = "Tag") };
static const struct op_field name_item[] = { OP_ITEM_STR(1, 4) };
static const struct op_field port_item[] = { OP_ITEM_INT(1, 65535) };
static const struct op_field env_pair[] = { OP_ITEM_STR(1, 5), OP_ITEM_STR(0, 9) };

const struct op_field sample_fields[] = {
	OP_STR(struct sample_in, name, "Name", true, 1, 10),
	OP_ENUM(struct sample_in, kind, "Kind", false, kinds, kinds_refused),
	OP_BLOB(struct sample_in, data, "Data", false, 0, 8),
	OP_INT(struct sample_in, count, "Count", false, 1, 10),
	OP_TIME(struct sample_in, at, "At", false),
	OP_NUM(struct sample_in, ratio, "Ratio", false),
	OP_BOOL(struct sample_in, on, "On", false),
	OP_LIST(struct sample_in, tags, "Tags", false, struct sample_tag, tag_item, 0, 3),
	OP_LIST(struct sample_in, names, "Names", false, const char *, name_item, 1, 2),
	OP_LIST(struct sample_in, ports, "Ports", false, int64_t, port_item, 0, 0, .flat = true, .at = "Port"),
	OP_MAP(struct sample_in, env, "Env", false, 2, .sub = env_pair),
	OP_JSON(struct sample_in, document, "Document", false),
	OP_OBJ(struct sample_in, hints, "Hints", false, hints_fields),
	OP_DOC(struct sample_in, kept, "Kept", false, kept_fields),
	OP_REFUSED("Encryption"),
	OP_END
};

static const struct op_field record_fields[] = {
	OP_BLOB(struct sample_record, data, "Data", true, 0, 70),
	OP_STR(struct sample_record, key, "Key", false, 1, 4),
	OP_END
};
static const struct op_field record_item[] = { OP_ITEM_OBJ(record_fields) };
static const struct op_field bulk_fields[] = {
	OP_STR(struct sample_bulk_in, name, "Name", true, 1, 10),
	OP_LIST(struct sample_bulk_in, records, "Records", false, struct sample_record, record_item, 1, 3),
	OP_OBJ(struct sample_bulk_in, one, "One", false, record_fields),
	OP_INT(struct sample_bulk_in, count, "Count", false, 0, 0),
	OP_REFUSED("Encryption"),
	OP_END
};
const struct op sample_bulk = { .name = "Bulk", .in = bulk_fields, .in_size = sizeof(struct sample_bulk_in), .flags = OP_BULK };

static int echo(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct sample_in *in = input;
	const struct sample_tag *tags = in->tags.v;

	sample_seen = *in;
	if (strcmp(in->name, "nobody") == 0)
		return aws_fail(&cx->err, &SAMPLE_NOT_FOUND, "there is no %s", in->name);
	if (strcmp(in->name, "broken") == 0)
		return err_set(&cx->err, ERR_IO, "a secret of the disk");
	out_str(o, "Name", in->name);
	out_blob(o, "Data", in->data);
	if (in->at.set)
		out_time(o, "At", in->at.v);
	if (in->ratio.set)
		out_num(o, "Ratio", in->ratio.v);
	if (in->tags.set) {
		out_list(o, "Tags", "Tag");
		for (size_t i = 0; i < in->tags.n; i++) {
			out_obj(o, NULL);
			out_str(o, "Key", tags[i].key);
			out_str(o, "Value", tags[i].value);
			out_obj_end(o);
		}
		out_list_end(o);
	}
	if (in->names.set) {
		out_list(o, NULL, "Names");
		for (size_t i = 0; i < in->names.n; i++)
			out_str(o, NULL, ((const char **)in->names.v)[i]);
		out_list_end(o);
	}
	out_bool(o, "On", opt_bool_or(in->on, false));
	return 0;
}

static int nothing(struct op_ctx *cx, const void *input, struct out *o)
{
	(void)cx;
	(void)input;
	(void)o;
	return 0;
}

static const struct op ops[] = {
	{ "Echo", echo, sample_fields, sizeof(struct sample_in), OP_WRITE | OP_BULK, "Gives back what it gets." },
	{ "Nothing", nothing, NULL, 0, OP_SLOW, "Does nothing." },
};

const struct service sample_json = {
	.name = "sample", .signing_name = "sample", .target_prefix = "Sample_2026", .api_version = "2026-11-22",
	.protocol = OP_JSON_1_1, .ops = ops, .n_ops = ARRAY_LEN(ops), .errors = sample_errors,
};
const struct service sample_query = {
	.name = "sampleq", .signing_name = "sampleq", .api_version = "2026-11-22", .protocol = OP_QUERY, .ops = ops,
	.n_ops = ARRAY_LEN(ops), .errors = sample_errors, .xml_namespace = "https://sample/doc/",
};

/* rest-xml: a small S3 */
struct sample_rest_in {
	const char *bucket, *key, *acl, *prefix;
	struct opt_int max;
	struct op_map meta;
	struct view body;
	struct sample_in *document;
};

static const struct op_field bucket_fields[] = {
	OP_STR(struct sample_rest_in, bucket, "Bucket", true, 0, 0, .loc = OPL_PATH),
	OP_END
};
static const struct op_field list_fields[] = {
	OP_STR(struct sample_rest_in, bucket, "Bucket", true, 0, 0, .loc = OPL_PATH),
	OP_STR(struct sample_rest_in, prefix, "Prefix", false, 0, 0, .loc = OPL_QUERY, .at = "prefix"),
	OP_INT(struct sample_rest_in, max, "MaxKeys", false, 0, 1000, .loc = OPL_QUERY, .at = "max-keys"),
	OP_REFUSED("Delimiter", .loc = OPL_QUERY, .at = "delimiter"),
	OP_END
};
static const struct op_field put_fields[] = {
	OP_STR(struct sample_rest_in, bucket, "Bucket", true, 0, 0, .loc = OPL_PATH),
	OP_STR(struct sample_rest_in, key, "Key", true, 1, 1024, .loc = OPL_PATH),
	OP_STR(struct sample_rest_in, acl, "ACL", false, 0, 0, .loc = OPL_HEADER, .at = "x-amz-acl"),
	OP_REFUSED("GrantRead", .loc = OPL_HEADER, .at = "x-amz-grant-read"),
	OP_MAP(struct sample_rest_in, meta, "Metadata", false, 0, .loc = OPL_HEADERS, .at = "x-amz-meta-"),
	OP_BLOB(struct sample_rest_in, body, "Body", false, 0, 0, .loc = OPL_PAYLOAD),
	OP_END
};
static const struct op_field tagging_fields[] = {
	OP_STR(struct sample_rest_in, bucket, "Bucket", true, 0, 0, .loc = OPL_PATH),
	OP_STR(struct sample_rest_in, key, "Key", true, 1, 1024, .loc = OPL_PATH),
	OP_OBJ(struct sample_rest_in, document, "Document", true, sample_fields, .loc = OPL_PAYLOAD, .at = "Doc"),
	OP_END
};

static char stored[1 << 20];
static size_t stored_n;

static int rest_put(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct sample_rest_in *in = input;
	ssize_t n;

	stored_n = 0;
	if (!cx->body) {
		memcpy(stored, in->body.p, in->body.n);
		stored_n = in->body.n;
	}
	while (cx->body && (n = op_body_read(cx->body, stored + stored_n, 1000, &cx->err)) != 0) {
		if (n < 0)
			return cx->err.code;
		stored_n += (size_t)n;
		must(stored_n + 1000 < sizeof(stored));
	}
	out_header(o, "ETag", "ETag", "\"abc\"");
	if (cx->body && op_body_trailer(cx->body, "x-amz-checksum-crc32").p)
		out_header(o, "ChecksumCRC32", "x-amz-checksum-crc32",
			   arena_str(cx->arena, op_body_trailer(cx->body, "x-amz-checksum-crc32")));
	for (size_t i = 0; i < in->meta.n; i++)
		out_header(o, NULL, arena_printf(cx->arena, "seen-%s", in->meta.v[i].key), in->meta.v[i].value);
	return 0;
}

static int rest_get(struct op_ctx *cx, const void *input, struct out *o)
{
	int rc = op_stream_begin(cx, o, stored_n);

	(void)input;
	return rc < 0 ? rc : op_stream_write(cx, o, view_of(stored, stored_n));
}

static int rest_list(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct sample_rest_in *in = input;

	(void)cx;
	out_str(o, "Name", in->bucket);
	out_str(o, "Prefix", in->prefix);
	out_int(o, "MaxKeys", opt_int_or(in->max, 1000));
	out_list(o, NULL, "Contents");
	for (int i = 0; i < 2; i++) {
		out_obj(o, NULL);
		out_str(o, "Key", i ? "<b>" : "a");
		out_obj_end(o);
	}
	out_list_end(o);
	return 0;
}

static int rest_doc(struct op_ctx *cx, const void *input, struct out *o)
{
	sample_seen = *((const struct sample_rest_in *)input)->document;
	(void)cx;
	(void)o;
	return 0;
}

static int rest_named(struct op_ctx *cx, const void *input, struct out *o)
{
	(void)input;
	out_str(o, "Operation", cx->op->name);
	return 0;
}

#define REST sizeof(struct sample_rest_in)
static const struct op rest_ops[] = {
	{ "CopyObject", rest_named, put_fields, REST, OP_WRITE, "Copies.", "PUT", "/{Bucket}/{Key+}", .header = "x-amz-copy-source" },
	{ "CreateBucket", rest_named, bucket_fields, REST, OP_WRITE, "Makes a bucket.", "PUT", "/{Bucket}" },
	{ "DeleteBucket", rest_named, bucket_fields, REST, OP_WRITE, "Removes a bucket.", "DELETE", "/{Bucket}", .status = 204 },
	{ "GetObject", rest_get, put_fields, REST, OP_STREAM_OUT, "Reads.", "GET", "/{Bucket}/{Key+}" },
	{ "HeadObject", rest_get, put_fields, REST, OP_STREAM_OUT, "Looks.", "HEAD", "/{Bucket}/{Key+}" },
	{ "ListBuckets", rest_named, NULL, REST, 0, "Lists buckets.", "GET", "/" },
	{ "ListObjects", rest_list, list_fields, REST, 0, "Lists.", "GET", "/{Bucket}" },
	{ "ListObjectsV2", rest_list, list_fields, REST, 0, "Lists.", "GET", "/{Bucket}", "list-type=2" },
	{ "PutDocument", rest_doc, tagging_fields, REST, OP_WRITE, "Takes XML.", "PUT", "/{Bucket}/{Key+}", "tagging" },
	{ "PutObject", rest_put, put_fields, REST, OP_WRITE | OP_STREAM, "Stores.", "PUT", "/{Bucket}/{Key+}" },
};

const struct service sample_xml = {
	.name = "s3", .signing_name = "s3", .api_version = "2006-03-01", .protocol = OP_REST_XML, .ops = rest_ops,
	.n_ops = ARRAY_LEN(rest_ops), .errors = sample_errors, .invalid = &sample_bad, .xml_namespace = "http://s3/doc/",
};

/* rest-json: a small Lambda */
struct sample_invoke_in {
	const char *function, *mode;
	struct view payload;
	struct opt_int max;
	const char *handler;
};
static const struct op_field create_fields[] = {
	OP_STR(struct sample_invoke_in, function, "FunctionName", true, 1, 140, .loc = OPL_PATH),
	OP_STR(struct sample_invoke_in, handler, "Handler", true, 1, 20),
	OP_INT(struct sample_invoke_in, max, "MaxItems", false, 1, 50, .loc = OPL_QUERY, .at = "MaxItems"),
	OP_END
};
static const struct op_field invoke_fields[] = {
	OP_STR(struct sample_invoke_in, function, "FunctionName", true, 1, 140, .loc = OPL_PATH),
	OP_STR(struct sample_invoke_in, mode, "InvocationType", false, 0, 0, .loc = OPL_HEADER, .at = "X-Amz-Invocation-Type"),
	OP_BLOB(struct sample_invoke_in, payload, "Payload", false, 0, 100, .loc = OPL_PAYLOAD),
	OP_END
};

static int invoke(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct sample_invoke_in *in = input;

	out_header(o, "Mode", "X-Amz-Mode", in->mode);
	out_header(o, "Name", "X-Amz-Function", in->function);
	out_status(o, 202);
	(void)cx;
	out_body(o, "application/json", in->payload);
	return 0;
}

static int configure(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct sample_invoke_in *in = input;

	(void)cx;
	out_str(o, "FunctionName", in->function);
	out_str(o, "Handler", in->handler);
	return 0;
}

static const struct op lambda_ops[] = {
	{ "Configure", configure, create_fields, sizeof(struct sample_invoke_in), OP_WRITE, "Sets.", "PUT", "/2015-03-31/functions/{FunctionName}/configuration" },
	{ "Invoke", invoke, invoke_fields, sizeof(struct sample_invoke_in), OP_SLOW, "Runs.", "POST", "/2015-03-31/functions/{FunctionName}/invocations" },
};

const struct service sample_rest = {
	.name = "lambda", .signing_name = "lambda", .api_version = "2015-03-31", .protocol = OP_REST_JSON,
	.ops = lambda_ops, .n_ops = ARRAY_LEN(lambda_ops), .errors = sample_errors,
};
