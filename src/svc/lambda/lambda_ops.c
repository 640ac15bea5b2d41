/* SPDX-License-Identifier: Apache-2.0 */
/* lambda_ops: the operations of functions and their table. */
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/time.h"
#include "os/clock.h"
#include "os/crypto.h"
#include "os/file.h"
#include "svc/lambda/lambda_int.h"
#include "svc/lambda/lambda_rows.h"

#define NAME_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

#define ZIP_MAX (50 * MIB) /* AWS: a zip in the request */
#define S3_ZIP_MAX (250 * MIB)
#define EVENT_MAX (6 * MIB)
#define ASYNC_MAX (1 * MIB)
#define LIST_MAX 50

const struct aws_error LAMBDA_INVALID = { "InvalidParameterValueException", 400, false };
const struct aws_error LAMBDA_CONFLICT = { "ResourceConflictException", 409, false };
const struct aws_error LAMBDA_NOT_FOUND = { "ResourceNotFoundException", 404, false };
const struct aws_error LAMBDA_BUSY = { "TooManyRequestsException", 429, false };
const struct aws_error LAMBDA_BAD_ZIP = { "InvalidZipFileException", 502, true };
const struct aws_error LAMBDA_BAD_REQUEST = { "InvalidRequestContentException", 400, false };
const struct aws_error LAMBDA_TOO_LARGE = { "RequestTooLargeException", 413, false };
const struct aws_error LAMBDA_PRECONDITION = { "PreconditionFailedException", 412, false };
const struct aws_error LAMBDA_SERVICE = { "ServiceException", 500, true };
const struct aws_error *const lambda__errors[] = { &LAMBDA_INVALID,	&LAMBDA_CONFLICT,  &LAMBDA_NOT_FOUND,
						   &LAMBDA_BUSY,	&LAMBDA_BAD_ZIP,   &LAMBDA_BAD_REQUEST,
						   &LAMBDA_TOO_LARGE,	&LAMBDA_PRECONDITION, &LAMBDA_SERVICE,
						   NULL };

static void out_config(struct lambda *l, struct op_ctx *cx, const struct lambda_fn *f, struct out *o)
{
	char when[TIME_TEXT];

	time_iso(f->modified_ms, when);
	memcpy(when + strlen(when) - 1, "+0000", 6);
	out_str(o, "FunctionName", f->name);
	out_str(o, "FunctionArn", lambda__arn(l, f->name, cx->arena));
	out_str(o, "Runtime", f->runtime);
	out_str(o, "Role", f->role);
	out_str(o, "Handler", f->handler);
	out_int(o, "CodeSize", f->code_size);
	out_str(o, "Description", f->description);
	out_int(o, "Timeout", f->timeout_s);
	out_int(o, "MemorySize", f->memory_mb);
	out_str(o, "LastModified", when);
	out_str(o, "CodeSha256", f->code_sha256);
	out_str(o, "Version", "$LATEST");
	out_str(o, "PackageType", "Zip");
	out_str(o, "State", "Active");
	out_str(o, "LastUpdateStatus", "Successful");
	out_str(o, "RevisionId", f->revision);
	out_list(o, "Architectures", NULL);
	out_str(o, NULL, f->arch);
	out_list_end(o);
	if (f->env.n) {
		out_obj(o, "Environment");
		out_obj(o, "Variables");
		for (size_t i = 0; i < f->env.n; i++)
			out_str(o, f->env.v[i].key, f->env.v[i].value);
		out_obj_end(o);
		out_obj_end(o);
	}
}

/* Zip bytes from the request or from S3. */
static int code_bytes(struct op_ctx *cx, const struct lambda_code *c, struct view *ret)
{
	struct lambda *l = cx->self;
	int r;

	if (c->zip.p && (c->bucket || c->key))
		return aws_fail(&cx->err, &LAMBDA_INVALID, "Please do not provide other FunctionCode parameters when providing a ZipFile.");
	if (c->zip.p) {
		*ret = c->zip;
		return 0;
	}
	if (!c->bucket || !c->key)
		return aws_fail(&cx->err, &LAMBDA_INVALID, "Code: ZipFile, or S3Bucket and S3Key, must be given");
	r = l->o.s3->get(l->o.s3->self, c->bucket, c->key, S3_ZIP_MAX, cx->arena, ret, &cx->err);
	if (r < 0) {
		const char *why = arena_str(cx->arena, view_str(cx->err.msg));

		err_clear(&cx->err);
		return aws_fail(&cx->err, &LAMBDA_INVALID, "Error occurred while GetObject. S3Bucket %s, S3Key %s: %s",
				c->bucket, c->key, why);
	}
	return 0;
}

static int set_code(struct op_ctx *cx, const struct lambda_code *c, struct lambda_fn *f)
{
	struct lambda *l = cx->self;
	struct view zip;
	uint8_t sha[DIGEST_MAX];
	int r = code_bytes(cx, c, &zip);

	if (r < 0)
		return r;
	if (zip.n < 22 || (memcmp(zip.p, "PK\003\004", 4) != 0 && memcmp(zip.p, "PK\005\006", 4) != 0))
		return aws_fail(&cx->err, &LAMBDA_INVALID, "Could not unzip uploaded file. Please check your file, then try to upload again.");
	digest_once(DIGEST_SHA256, zip, sha);
	f->code_sha256 = arena_str(cx->arena, base64_encode_arena(cx->arena, view_of(sha, 32)));
	f->code_size = (int64_t)zip.n;
	return blob_put(l->o.blob, zip, cx->arena, &f->code_ref, &cx->err);
}

static int check_env(struct op_ctx *cx, const struct lambda_env *env, struct lambda_fn *f)
{
	size_t total = 0;

	if (!env)
		return 0;
	for (size_t i = 0; i < env->variables.n; i++) {
		const struct op_pair *p = &env->variables.v[i];

		total += strlen(p->key) + strlen(p->value);
		if (strncmp(p->key, "AWS_", 4) == 0 || strcmp(p->key, "_HANDLER") == 0)
			return aws_fail(&cx->err, &LAMBDA_INVALID,
					"Lambda was unable to configure your environment variables because the environment "
					"variables you have provided contains reserved keys that are currently not supported for "
					"modification. Reserved keys used in this request: %s",
					p->key);
		if (!p->key[0] || strchr(p->key, '='))
			return aws_fail(&cx->err, &LAMBDA_INVALID, "Environment.Variables: \"%s\" is no name", p->key);
	}
	if (total > 4096)
		return aws_fail(&cx->err, &LAMBDA_INVALID, "Environment.Variables: %zu bytes; at most 4096", total);
	f->env = env->variables;
	return 0;
}

static int create_function(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct lambda_create *in = input;
	struct lambda *l = cx->self;
	struct lambda_fn f = {
		.name = lambda__plain_name(in->name, cx->arena),
		.role = in->role,
		.handler = in->handler,
		.runtime = in->runtime,
		.description = in->description ? in->description : "",
		.timeout_s = opt_int_or(in->timeout, 3),
		.memory_mb = opt_int_or(in->memory, 128),
		.arch = in->architectures.n ? ((const char **)in->architectures.v)[0] : "x86_64",
	};
	int r;

	if (!in->runtime)
		return aws_fail(&cx->err, &LAMBDA_INVALID, "Runtime is mandatory for functions defined with deployment packages.");
	if (strlen(f.name) > 64 || f.name[strspn(f.name, NAME_CHARS)])
		return aws_fail(&cx->err, &LAMBDA_INVALID, "FunctionName: \"%s\" is no name; at most 64 of [a-zA-Z0-9-_]", f.name);
	r = check_env(cx, in->environment, &f);
	if (r == 0)
		r = set_code(cx, in->code, &f);
	if (r == 0)
		r = lambda__save(l, &f, true, cx->arena, &cx->err);
	if (r == 0)
		out_config(l, cx, &f, o);
	return r;
}

static int check_revision(struct op_ctx *cx, const char *given, const struct lambda_fn *f)
{
	if (given && strcmp(given, f->revision) != 0)
		return aws_fail(&cx->err, &LAMBDA_PRECONDITION,
				"The RevisionId provided does not match the latest RevisionId. Call the GetFunction API to retrieve "
				"the latest RevisionId");
	return 0;
}

static int update_code(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct lambda_update_code *in = input;
	struct lambda *l = cx->self;
	struct lambda_fn f;
	const char *old;
	int r = lambda__load(l, in->name, cx->arena, &f, &cx->err);

	if (r == 0)
		r = check_revision(cx, in->revision, &f);
	if (r < 0)
		return r;
	old = f.code_ref;
	if (in->architectures.n)
		f.arch = ((const char **)in->architectures.v)[0];
	r = set_code(cx, &(struct lambda_code){ in->zip, in->bucket, in->key }, &f);
	if (r == 0 && !opt_bool_or(in->dry_run, false)) {
		r = lambda__save(l, &f, false, cx->arena, &cx->err);
		fn_retire(l->o.fn, f.name, f.revision);
		if (r == 0)
			r = blob_delete(l->o.blob, old, &cx->err);
	}
	if (r == 0)
		out_config(l, cx, &f, o);
	return r;
}

static int update_configuration(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct lambda_update_config *in = input;
	struct lambda *l = cx->self;
	struct lambda_fn f;
	int r = lambda__load(l, in->name, cx->arena, &f, &cx->err);

	if (r == 0)
		r = check_revision(cx, in->revision, &f);
	if (r == 0)
		r = check_env(cx, in->environment, &f);
	if (r < 0)
		return r;
	f.role = in->role ? in->role : f.role;
	f.handler = in->handler ? in->handler : f.handler;
	f.description = in->description ? in->description : f.description;
	f.runtime = in->runtime ? in->runtime : f.runtime;
	f.timeout_s = opt_int_or(in->timeout, f.timeout_s);
	f.memory_mb = opt_int_or(in->memory, f.memory_mb);
	r = lambda__save(l, &f, false, cx->arena, &cx->err);
	if (r == 0) {
		fn_retire(l->o.fn, f.name, f.revision);
		out_config(l, cx, &f, o);
	}
	return r;
}

static int get_function(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct lambda_name *in = input;
	struct lambda_fn f;
	int r = lambda__load(cx->self, in->name, cx->arena, &f, &cx->err);

	if (r < 0)
		return r;
	out_obj(o, "Configuration");
	out_config(cx->self, cx, &f, o);
	out_obj_end(o);
	out_obj(o, "Code");
	out_str(o, "RepositoryType", "S3");
	out_obj_end(o);
	return 0;
}

static int get_function_configuration(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct lambda_name *in = input;
	struct lambda_fn f;
	int r = lambda__load(cx->self, in->name, cx->arena, &f, &cx->err);

	if (r == 0)
		out_config(cx->self, cx, &f, o);
	return r;
}

static int list_functions(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct lambda_list *in = input;
	int64_t max = opt_int_or(in->max, LIST_MAX);
	struct lambda_fn *v;
	size_t n;
	int r;

	max = max > LIST_MAX ? LIST_MAX : max;
	r = lambda__list(cx->self, in->marker, max + 1, cx->arena, &v, &n, &cx->err);
	if (r < 0)
		return r;
	out_list(o, "Functions", NULL);
	for (size_t i = 0; i < n && (int64_t)i < max; i++) {
		out_obj(o, NULL);
		out_config(cx->self, cx, &v[i], o);
		out_obj_end(o);
	}
	out_list_end(o);
	if ((int64_t)n > max)
		out_str(o, "NextMarker", v[max - 1].name);
	return 0;
}

static int delete_function(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct lambda_name *in = input;
	struct lambda *l = cx->self;
	struct lambda_fn f;
	int r = lambda__load(l, in->name, cx->arena, &f, &cx->err);

	if (r == 0)
		r = lambda__delete(l, f.name, &cx->err);
	if (r < 0)
		return r;
	fn_retire(l->o.fn, f.name, NULL);
	out_status(o, 204);
	return blob_delete(l->o.blob, f.code_ref, &cx->err);
}

/* --- invoke --- */

static int check_event(struct op_ctx *cx, struct view event)
{
	struct err e = { 0 };

	if (!json_parse(cx->arena, event, 1000, &e))
		return aws_fail(&cx->err, &LAMBDA_BAD_REQUEST, "Could not parse request body into json: %s", e.msg);
	return 0;
}

static int invoke_async(struct op_ctx *cx, const struct lambda_fn *f, struct view event, struct out *o)
{
	if (event.n > ASYNC_MAX)
		return aws_fail(&cx->err, &LAMBDA_TOO_LARGE, "%zu byte payload is too large for the Event invocation type (limit %lu bytes)",
				event.n, ASYNC_MAX);
	out_status(o, 202);
	return lambda__enqueue(cx->self, f->name, event, cx->caller.once, &cx->err);
}

static int invoke(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct lambda_invoke *in = input;
	struct view event = in->payload.n ? in->payload : VIEW("{}");
	struct lambda_fn f;
	struct fn_result res;
	int r = lambda__load(cx->self, in->name, cx->arena, &f, &cx->err);

	if (r == 0)
		r = check_event(cx, event);
	if (r < 0)
		return r;
	if (in->type && strcmp(in->type, "Event") == 0)
		return invoke_async(cx, &f, event, o);
	if (in->type && strcmp(in->type, "DryRun") == 0) {
		out_status(o, 204);
		return 0;
	}
	if (event.n > EVENT_MAX)
		return aws_fail(&cx->err, &LAMBDA_TOO_LARGE, "%zu byte payload is too large for the RequestResponse invocation type (limit %lu bytes)",
				event.n, EVENT_MAX);
	r = lambda__run(cx->self, &f, event, cx->arena, &res, &cx->err);
	if (r < 0)
		return r;
	out_header(o, "ExecutedVersion", "X-Amz-Executed-Version", "$LATEST");
	if (res.failed)
		out_header(o, "FunctionError", "X-Amz-Function-Error", "Unhandled");
	if (in->log_type && strcmp(in->log_type, "Tail") == 0)
		out_header(o, "LogResult", "X-Amz-Log-Result", arena_str(cx->arena, base64_encode_arena(cx->arena, res.log_tail)));
	out_body(o, "application/json", res.payload);
	return 0;
}

/* --- function URLs --- */

static void out_url(struct op_ctx *cx, const struct lambda_fn *f, struct out *o)
{
	char when[TIME_TEXT];

	time_iso_s(f->url_ms, when);
	/* A path, not a host name of its own: tablets in the field have no DNS that answers for us. */
	out_str(o, "FunctionUrl", arena_printf(cx->arena, "%.*s/-/url/%s/", VIEW_ARG(cx->endpoint), f->url_id));
	out_str(o, "FunctionArn", lambda__arn(cx->self, f->name, cx->arena));
	out_str(o, "AuthType", f->url_auth);
	out_str(o, "CreationTime", when);
	out_str(o, "LastModifiedTime", when);
	out_str(o, "InvokeMode", "BUFFERED");
}

static int create_url(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct lambda_url_in *in = input;
	struct lambda_fn f;
	char id[33];
	int r = lambda__load(cx->self, in->name, cx->arena, &f, &cx->err);

	if (r < 0)
		return r;
	if (f.url_id)
		return aws_fail(&cx->err, &LAMBDA_CONFLICT, "Failed to create function url config for [functionArn = %s]. Error message:  FunctionUrlConfig exists for this Lambda function",
				lambda__arn(cx->self, f.name, cx->arena));
	random_text(id, 32, "abcdefghijklmnopqrstuvwxyz234567");
	f.url_id = id;
	f.url_auth = in->auth;
	f.url_ms = clock_ms();
	r = lambda__save(cx->self, &f, false, cx->arena, &cx->err);
	if (r == 0)
		out_url(cx, &f, o);
	return r;
}

static int get_url(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct lambda_name *in = input;
	struct lambda_fn f;
	int r = lambda__load(cx->self, in->name, cx->arena, &f, &cx->err);

	if (r == 0 && !f.url_id)
		return aws_fail(&cx->err, &LAMBDA_NOT_FOUND, "The resource you requested does not exist.");
	if (r == 0)
		out_url(cx, &f, o);
	return r;
}

static int delete_url(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct lambda_name *in = input;
	struct lambda_fn f;
	int r = lambda__load(cx->self, in->name, cx->arena, &f, &cx->err);

	if (r == 0 && !f.url_id)
		return aws_fail(&cx->err, &LAMBDA_NOT_FOUND, "The resource you requested does not exist.");
	if (r < 0)
		return r;
	f.url_id = f.url_auth = NULL;
	return lambda__save(cx->self, &f, false, cx->arena, &cx->err);
}

static const struct op ops[] = {
	{ "CreateFunction", create_function, lambda_create_fields, sizeof(struct lambda_create), OP_WRITE | OP_SLOW,
	  "Creates a function from a zip.", "POST", "/2015-03-31/functions", .status = 201 },
	{ "CreateFunctionUrlConfig", create_url, lambda_url_fields, sizeof(struct lambda_url_in), OP_WRITE,
	  "Gives a function an HTTP address.", "POST", "/2021-10-31/functions/{FunctionName}/url", .status = 201 },
	{ "DeleteFunction", delete_function, lambda_delete_fields, sizeof(struct lambda_name), OP_WRITE,
	  "Deletes a function.", "DELETE", "/2015-03-31/functions/{FunctionName}", .status = 200 },
	{ "DeleteFunctionUrlConfig", delete_url, lambda_url_name_fields, sizeof(struct lambda_name), OP_WRITE,
	  "Takes a function's HTTP address away.", "DELETE", "/2021-10-31/functions/{FunctionName}/url", .status = 204 },
	{ "GetFunction", get_function, lambda_get_fields, sizeof(struct lambda_name), 0, "Tells about a function.", "GET",
	  "/2015-03-31/functions/{FunctionName}" },
	{ "GetFunctionConfiguration", get_function_configuration, lambda_get_fields, sizeof(struct lambda_name), 0,
	  "Tells a function's settings.", "GET", "/2015-03-31/functions/{FunctionName}/configuration" },
	{ "GetFunctionUrlConfig", get_url, lambda_url_name_fields, sizeof(struct lambda_name), 0,
	  "Tells a function's HTTP address.", "GET", "/2021-10-31/functions/{FunctionName}/url" },
	{ "Invoke", invoke, lambda_invoke_fields, sizeof(struct lambda_invoke), OP_WRITE | OP_SLOW, "Runs a function.", "POST",
	  "/2015-03-31/functions/{FunctionName}/invocations" },
	{ "ListFunctions", list_functions, lambda_list_fields, sizeof(struct lambda_list), 0, "Lists functions.", "GET",
	  "/2015-03-31/functions" },
	{ "UpdateFunctionCode", update_code, lambda_update_code_fields, sizeof(struct lambda_update_code), OP_WRITE | OP_SLOW,
	  "Replaces a function's code.", "PUT", "/2015-03-31/functions/{FunctionName}/code" },
	{ "UpdateFunctionConfiguration", update_configuration, lambda_update_config_fields, sizeof(struct lambda_update_config),
	  OP_WRITE, "Changes a function's settings.", "PUT", "/2015-03-31/functions/{FunctionName}/configuration" },
};

const struct service lambda_service = {
	.name = "lambda",
	.signing_name = "lambda",
	.api_version = "2015-03-31",
	.protocol = OP_REST_JSON,
	.ops = ops,
	.n_ops = ARRAY_LEN(ops),
	.errors = lambda__errors,
	.invalid = &LAMBDA_INVALID,
};

int lambda_new(const struct lambda_opts *o, struct lambda **ret, struct err *e)
{
	struct lambda *l;
	int r = lambda__schema(o->meta, e);

	if (r == 0)
		r = file_mkdirs(o->code_dir, 0755, e);
	if (r < 0)
		return r;
	l = calloc(1, sizeof(*l));
	must(l);
	l->o = *o;
	lock_init(&l->unpack, "lambda_unpack");
	lock_init(&l->lock, "lambda_queue");
	cond_init(&l->wake);
	*ret = l;
	return 0;
}

int lambda_start(struct lambda *l, struct err *e)
{
	uint64_t removed;
	int r = blob_sweep(l->o.blob, SWEEP_ALL, lambda__uses_blob, l, &removed, e);

	if (r == 0)
		lambda__queue_start(l);
	return r;
}

struct lambda *lambda_free(struct lambda *l)
{
	if (!l)
		return NULL;
	lambda__queue_stop(l);
	cond_clear(&l->wake);
	lock_clear(&l->lock);
	lock_clear(&l->unpack);
	free(l);
	return NULL;
}
