/* SPDX-License-Identifier: Apache-2.0 */
/* issue_upload_urls: a tablet announces a measurement and gets presigned URLs, each bound to one object's length and digest. */
#include "runtime.h"

#include <inttypes.h>
#include <string.h>

#include "base/base64.h"
#include "base/time.h"
#include "data/layout.h"
#include "os/clock.h"

#define URL_SECONDS 900 /* 15 minutes */
#define STREAMS_MAX 64
#define FILES_MAX 16
#define STREAM_MAX (16UL * 1024) /* bytes of one stream's description, as in the ledger */
#define RATE_MIN 1e-3
#define RATE_MAX 1e6
#define FILE_MAX (5ULL << 30) /* a single PUT */
#define ID_MAX 64

struct file_kind {
	const char *modality, *name;
};
static const struct file_kind kinds[] = {
	{ "signature", "signature.png" },
	{ "profile", "profile.json" },
	{ "video", "video.mp4" },
};

static bool is_id(struct view v)
{
	if (!v.n || v.n > ID_MAX || v.p[0] == '.')
		return false;
	for (size_t i = 0; i < v.n; i++)
		if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-", v.p[i]) || !v.p[i])
			return false;
	return true;
}

static bool is_uuid(struct view v)
{
	if (v.n != 36)
		return false;
	for (size_t i = 0; i < 36; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? v.p[i] != '-' : !strchr("0123456789abcdef", v.p[i]) || !v.p[i])
			return false;
	}
	return true;
}

static int need_id(struct function_ctx *cx, const struct json *b, const char *name, struct view *ret)
{
	*ret = json_get_str(b, name);
	if (!is_id(*ret))
		return err_set(&cx->err, ERR_INVALID, "%s: 1 to %d of A-Z a-z 0-9 . _ - are expected", name, ID_MAX);
	return 0;
}

static int make_place(struct function_ctx *cx, const struct json *b, const char **ret)
{
	struct view measurement = json_get_str(b, "measurement"), screening, subject, started = json_get_str(b, "started_at_ns");
	char day[TIME_TEXT];
	struct view content;
	int64_t ns;
	int r;

	if (json_int(json_get(b, "v"), 0) != 1)
		return err_set(&cx->err, ERR_INVALID, "v: 1 is expected");
	if (!is_uuid(measurement))
		return err_set(&cx->err, ERR_INVALID, "measurement: a lower-case UUID is expected");
	if (!view_i64(started, &ns) || ns <= 0)
		return err_set(&cx->err, ERR_INVALID, "started_at_ns: nanoseconds since 1970 as text are expected");
	r = need_id(cx, b, "screening", &screening);
	if (r == 0)
		r = need_id(cx, b, "subject", &subject);
	if (r == 0)
		r = need_id(cx, b, "content", &content);
	if (r == 0)
		*ret = arena_printf(cx->arena, "dt=%.10s/screening=%.*s/subject=%.*s/measurement=%.*s", time_iso(ns / 1000000, day),
				    VIEW_ARG(screening), VIEW_ARG(subject), VIEW_ARG(measurement));
	return r;
}

static int check_streams(struct function_ctx *cx, const struct json *streams)
{
	if (json_len(streams) > STREAMS_MAX)
		return err_set(&cx->err, ERR_LIMIT, "streams: at most %d", STREAMS_MAX);
	for (size_t i = 0; i < json_len(streams); i++) {
		const struct json *s = json_at(streams, i);
		const struct layout *l = layout_catalog_by_id(json_get_str(s, "layout"));
		struct layout_stream *ls;

		double rate = json_double(json_get(s, "rate"), 0); /* 0: the layout's */

		if (strlen(json_text(cx->arena, s)) > STREAM_MAX)
			return err_set(&cx->err, ERR_LIMIT, "streams[%zu]: longer than %lu bytes", i, STREAM_MAX);
		if (rate != 0 && !(rate >= RATE_MIN && rate <= RATE_MAX))
			return err_set(&cx->err, ERR_INVALID, "streams[%zu].rate: %g to %g Hz", i, RATE_MIN, RATE_MAX);
		if (!is_uuid(json_get_str(s, "stream")))
			return err_set(&cx->err, ERR_INVALID, "streams[%zu].stream: a lower-case UUID is expected", i);
		if (!is_id(json_get_str(s, "modality")))
			return err_set(&cx->err, ERR_INVALID, "streams[%zu].modality: a name is expected", i);
		if (!l)
			return err_set(&cx->err, ERR_INVALID, "streams[%zu].layout: \"%.*s\" is not in the catalog", i,
				       VIEW_ARG(json_get_str(s, "layout")));
		ls = layout_stream_new(l, json_get(s, "params"), &cx->err);
		if (!ls)
			return err_ctx(&cx->err, "streams[%zu].params", i);
		layout_stream_free(ls);
	}
	return 0;
}

struct issue {
	const char *bucket, *place, *base_url;
	struct json *uploads;
};

static void add_upload(struct function_ctx *cx, const struct issue *is, const char *modality, const char *key,
		       const struct sign_header *h, size_t n)
{
	const struct aws_client_opts *o = aws_client_info(cx->aws);
	struct sign_key k = { o->access_key, o->secret, o->token, o->region, "s3" };
	struct arena *a = cx->arena;
	struct json *u = json_new_obj(a), *headers = json_new_obj(a);
	const struct sign_what what = {
		.method = "PUT",
		.path = aws_client_s3_path(a, is->bucket, key),
		.headers = h,
		.n_headers = n,
		.expires_s = URL_SECONDS,
		.now_ms = clock_ms(),
	};

	json_set_str(a, u, "modality", modality);
	json_set_str(a, u, "key", key);
	json_set_str(a, u, "method", "PUT");
	json_set_str(a, u, "url", sign_url(&k, is->base_url, &what, a));
	for (size_t i = 0; i < n; i++)
		json_set_str(a, headers, h[i].name, h[i].value);
	if (n)
		json_set(a, u, "headers", headers);
	json_push(a, is->uploads, u);
}

/* The file with its key; NULL after an error. */
static const struct json *issue_file(struct function_ctx *cx, const struct issue *is, const struct json *f, size_t i)
{
	struct arena *a = cx->arena;
	struct view modality = json_get_str(f, "modality"), sha = json_get_str(f, "sha256");
	const struct file_kind *k = NULL;
	uint64_t bytes;
	uint8_t raw[32];
	struct json *out;
	const char *key;

	for (size_t j = 0; j < ARRAY_LEN(kinds); j++)
		if (view_eq_str(modality, kinds[j].modality))
			k = &kinds[j];
	if (!k) {
		err_set(&cx->err, ERR_INVALID, "files[%zu].modality: signature, profile or video is expected", i);
		return NULL;
	}
	if (!view_u64(json_get_str(f, "bytes"), FILE_MAX, &bytes)) {
		err_set(&cx->err, ERR_INVALID, "files[%zu].bytes: a number as text, at most %llu, is expected", i,
			(unsigned long long)FILE_MAX);
		return NULL;
	}
	if (sha.n != 64 || !hex_decode(raw, sha)) {
		err_set(&cx->err, ERR_INVALID, "files[%zu].sha256: 64 hex digits are expected", i);
		return NULL;
	}
	key = arena_printf(a, "v1/%s/%s/%s", k->modality, is->place, k->name);
	const struct sign_header h[] = {
		{ "content-length", arena_printf(a, "%" PRIu64, bytes) },
		{ "x-amz-checksum-sha256", arena_str(a, base64_encode_arena(a, view_of(raw, 32))) },
	};

	add_upload(cx, is, k->modality, key, h, ARRAY_LEN(h));
	out = json_copy(a, f);
	json_set_str(a, out, "key", key);
	return out;
}

static int begin(struct function_ctx *cx, const struct json *b, struct issue *is)
{
	struct arena *a = cx->arena;
	const struct json *files = json_get(b, "files");
	struct json *keyed = json_new_arr(a), *doc = json_copy(a, b);

	if (json_len(files) > FILES_MAX)
		return err_set(&cx->err, ERR_LIMIT, "files: at most %d", FILES_MAX);
	for (size_t i = 0; i < json_len(files); i++) {
		const struct json *f = issue_file(cx, is, json_at(files, i), i);

		if (!f)
			return cx->err.code;
		json_push(a, keyed, f);
	}
	add_upload(cx, is, "manifest", arena_printf(a, "v1/manifest/%s/_manifest.json", is->place), NULL, 0);
	json_set_str(a, doc, "place", is->place);
	json_set(a, doc, "files", keyed);
	return aws_client_put(cx->aws, is->bucket, arena_printf(a, "v1/manifest/%s/_begin.json", is->place), "application/json",
			      view_str(json_text(a, doc)), a, &cx->err);
}

static const struct json *answer(struct arena *a, int status, const struct json *body)
{
	struct json *o = json_new_obj(a), *h = json_new_obj(a);

	json_set_int(a, o, "statusCode", status);
	json_set_str(a, h, "content-type", "application/json");
	json_set(a, o, "headers", h);
	json_set_str(a, o, "body", json_text(a, body));
	return o;
}

static int issue(struct function_ctx *cx, const struct json *event, const struct json *b, struct json *out)
{
	struct arena *a = cx->arena;
	struct issue is = { .uploads = json_new_arr(a) };
	struct view host = json_get_str(json_get(event, "headers"), "host");
	const char *stream;
	int r = function_setting(cx, "RAW_BUCKET", &is.bucket);

	if (r == 0)
		r = function_setting(cx, "STREAM_NAME", &stream);
	if (r == 0)
		r = make_place(cx, b, &is.place);
	if (r == 0)
		r = check_streams(cx, json_get(b, "streams"));
	if (r < 0)
		return r;
	/* The address under which the tablet reached us, not ours. */
	is.base_url = host.p ? arena_printf(a, "http://%.*s", VIEW_ARG(host)) : aws_client_info(cx->aws)->endpoint;
	r = begin(cx, b, &is);
	if (r < 0)
		return r;
	json_set(a, out, "measurement", json_get(b, "measurement"));
	json_set_str(a, out, "place", is.place);
	json_set_str(a, out, "stream", stream);
	json_set(a, out, "uploads", is.uploads);
	return 0;
}

int issue_upload_urls(struct function_ctx *cx, const struct json *event, const struct json **ret)
{
	struct arena *a = cx->arena;
	struct view body = json_get_str(event, "body");
	struct json *out = json_new_obj(a);
	const struct json *b = NULL;
	int r;

	if (json_is_true(json_get(event, "isBase64Encoded")) && !base64_decode_arena(a, body, &body))
		err_set(&cx->err, ERR_INVALID, "body: broken base64");
	else
		b = json_parse(a, body, JSON_DEPTH, &cx->err);
	r = b ? issue(cx, event, b, out) : cx->err.code;
	if (r == ERR_INVALID || r == ERR_LIMIT) { /* the tablet's mistake: told to the tablet */
		out = json_new_obj(a);
		json_set_str(a, out, "message", cx->err.msg);
		err_clear(&cx->err);
		*ret = answer(a, 400, out);
		return 0;
	}
	*ret = answer(a, 200, out);
	return r;
}
