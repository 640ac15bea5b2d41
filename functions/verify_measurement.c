/* SPDX-License-Identifier: Apache-2.0 */
/* verify_measurement: the ledger's word on the records, an own look at every file, and the rows of audience.meta. */
#include "runtime.h"

#include <inttypes.h>
#include <string.h>

#include "base/base64.h"
#include "base/limits.h"
#include "base/time.h"
#include "filecheck.h"
#include "os/clock.h"
#include "os/crypto.h"

#define SETTLE_MS 10000
#define MANIFEST_MAX MIB
#define PIPELINE_VERSION "audience@1"

struct verify {
	struct function_ctx *cx;
	struct arena *a;
	const char *bucket, *begin_key;
	struct view id;
	const struct json *manifest, *begin, *ledger;
	struct json *problems;
	struct buf report;
	int64_t files, streams;
};

static void problem(struct verify *v, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void problem(struct verify *v, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	json_push(v->a, v->problems, json_new_cstr(v->a, arena_vprintf(v->a, fmt, ap)));
	va_end(ap);
}

static int get_json(struct verify *v, const char *key, const struct json **ret)
{
	struct err *e = &v->cx->err;
	struct view text;
	int r = aws_client_get(v->cx->aws, v->bucket, key, MANIFEST_MAX, v->a, &text, e);

	if (r < 0)
		return r;
	*ret = json_parse(v->a, text, JSON_DEPTH, e);
	return *ret ? 0 : err_ctx(e, "s3://%s/%s", v->bucket, key);
}

static int ask_ledger(struct verify *v)
{
	struct http_result res;
	int r = aws_client_call(v->cx->aws,
				&(struct aws_request){ .service = "mulgil", .method = "GET",
						       .path = arena_printf(v->a, "/-/measurements/%.*s", VIEW_ARG(v->id)),
						       .query = arena_printf(v->a, "settle_ms=%d", SETTLE_MS) },
				v->a, &res, &v->cx->err);

	if (r < 0)
		return err_ctx(&v->cx->err, "ledger of measurement %.*s", VIEW_ARG(v->id));
	v->ledger = json_parse(v->a, res.body, JSON_DEPTH, &v->cx->err);
	return v->ledger ? 0 : v->cx->err.code;
}

/* --- files --- */

struct look {
	struct filecheck check;
	struct digest *sha;
	uint64_t bytes;
};

static int look_piece(void *arg, struct view piece)
{
	struct look *l = arg;

	filecheck_add(&l->check, piece);
	digest_add(l->sha, piece.p, piece.n);
	l->bytes += piece.n;
	return 0;
}

static enum filecheck_kind kind_of(struct view modality)
{
	if (view_eq(modality, VIEW("signature")))
		return FILECHECK_PNG;
	if (view_eq(modality, VIEW("video")))
		return FILECHECK_MP4;
	return view_eq(modality, VIEW("profile")) ? FILECHECK_JSON : FILECHECK_ANY;
}

/* Reads the object once; ERR_NOENT is a finding, not a failure. */
static int look_at(struct verify *v, struct view modality, const char *key, struct look *l, char sha[65])
{
	struct http_result res;
	uint8_t raw[DIGEST_MAX];
	const char *bad;
	int r;

	*l = (struct look){ .sha = digest_new(DIGEST_SHA256) };
	filecheck_init(&l->check, kind_of(modality));
	/* A video takes as long as it takes: the function's own time-out ends it. */
	r = aws_client_call(v->cx->aws, &(struct aws_request){ .service = "s3", .method = "GET", .sink = look_piece, .sink_arg = l,
							       .path = aws_client_s3_path(v->a, v->bucket, key),
							       .timeout_ms = 24U * 3600 * 1000 },
			    v->a, &res, &v->cx->err);
	digest_end(l->sha, raw);
	hex_encode(sha, raw, 32);
	sha[64] = 0;
	bad = filecheck_end(&l->check);
	if (r == 0 && bad)
		problem(v, "%.*s: %s", VIEW_ARG(modality), bad);
	return r;
}

static void begin_row(struct verify *v, struct json *row, const char *modality)
{
	static const struct {
		const char *column, *member;
	} copied[] = {
		{ "measurement_id", "measurement" }, { "subject_pid", "subject" }, { "content_id", "content" },
		{ "content_version", "content_version" }, { "venue_id", "venue" }, { "seat", "seat" }, { "tablet_id", "tablet" },
		{ "app_version", "app_version" }, { "os_version", "os_version" }, { "consent_id", "consent_id" },
		{ "consent_version", "consent_version" }, { "age_band", "age_band" }, { "sex", "sex" }, { "cohort", "group" },
	};
	struct view started = json_get_str(v->begin, "started_at_ns"), ended = json_get_str(v->manifest, "ended_at_ns");
	char t[TIME_TEXT];
	int64_t ns;

	for (size_t i = 0; i < ARRAY_LEN(copied); i++)
		if (json_get(v->begin, copied[i].member))
			json_set(v->a, row, copied[i].column, json_get(v->begin, copied[i].member));
	if (view_i64(started, &ns))
		json_set_str(v->a, row, "started_at", time_iso(ns / 1000000, t));
	if (view_i64(ended, &ns))
		json_set_str(v->a, row, "ended_at", time_iso(ns / 1000000, t));
	json_set_str(v->a, row, "modality", modality);
	json_set_int(v->a, row, "schema_version", 1);
	json_set_str(v->a, row, "ingested_at", time_iso(clock_ms(), t));
	json_set_str(v->a, row, "pipeline_version", PIPELINE_VERSION);
	json_set_str(v->a, row, "screening_id", arena_str(v->a, json_get_str(v->begin, "screening")));
	json_set_str(v->a, row, "dt", arena_str(v->a, view_sub(json_get_str(v->begin, "place"), 3, 10)));
}

static void report_row(struct verify *v, const struct json *row)
{
	json_print(&v->report, row);
	buf_add_char(&v->report, '\n');
}

static int check_file(struct verify *v, const struct json *f)
{
	struct view modality = json_get_str(f, "modality"), expected = json_get_str(f, "sha256");
	const char *key = arena_str(v->a, json_get_str(f, "key"));
	struct json *row = json_new_obj(v->a);
	char sha[65];
	struct look l;
	uint64_t bytes = 0;
	int r = look_at(v, modality, key, &l, sha);

	if (r == ERR_NOENT) {
		err_clear(&v->cx->err);
		problem(v, "%.*s: s3://%s/%s has not arrived", VIEW_ARG(modality), v->bucket, key);
		return 0;
	}
	if (r < 0)
		return r;
	v->files++;
	if (!view_u64(json_get_str(f, "bytes"), UINT64_MAX, &bytes) || bytes != l.bytes)
		problem(v, "%.*s: %" PRIu64 " bytes; %" PRIu64 " were announced", VIEW_ARG(modality), l.bytes, bytes);
	if (!view_eq_nocase(expected, view_str(sha)))
		problem(v, "%.*s: SHA-256 is %s; %.*s was announced", VIEW_ARG(modality), sha, VIEW_ARG(expected));
	begin_row(v, row, arena_str(v->a, modality));
	json_set_str(v->a, row, "raw_uri", arena_printf(v->a, "s3://%s/%s", v->bucket, key));
	json_set_int(v->a, row, "raw_bytes", (int64_t)l.bytes);
	json_set_str(v->a, row, "raw_sha256", sha);
	report_row(v, row);
	return 0;
}

/* The begin manifest announces, the end manifest confirms: every file of either. */
static int check_files(struct verify *v)
{
	const struct json *announced = json_get(v->begin, "files"), *ended = json_get(v->manifest, "files");
	int r = 0;

	for (size_t i = 0; i < json_len(announced) && r == 0; i++)
		r = check_file(v, json_at(announced, i));
	for (size_t i = 0; i < json_len(ended) && r == 0; i++) {
		struct view key = json_get_str(json_at(ended, i), "key");
		bool known = false;

		for (size_t j = 0; j < json_len(announced); j++)
			known |= view_eq(key, json_get_str(json_at(announced, j), "key"));
		if (!known)
			problem(v, "files[%zu]: key %.*s was not issued", i, VIEW_ARG(key));
	}
	return r;
}

/* --- streams --- */

static const struct json *stream_of(const struct json *doc, struct view id)
{
	const struct json *all = json_get(doc, "streams");

	for (size_t i = 0; i < json_len(all); i++)
		if (view_eq(json_get_str(json_at(all, i), "stream"), id))
			return json_at(all, i);
	return NULL;
}

static void report_stream(struct verify *v, const struct json *s)
{
	static const char *const device[][2] = { { "device_model", "device_model" },
						 { "device_serial_hash", "device_serial_hash" },
						 { "firmware", "firmware" } };
	const struct json *begun = stream_of(v->begin, json_get_str(s, "stream"));
	struct json *row = json_new_obj(v->a);
	double samples = json_double(json_get(s, "samples"), 0), lost = json_double(json_get(s, "lost_frames"), 0);

	begin_row(v, row, arena_str(v->a, json_get_str(s, "modality")));
	for (size_t i = 0; i < ARRAY_LEN(device); i++)
		if (json_get(begun, device[i][1]))
			json_set(v->a, row, device[i][0], json_get(begun, device[i][1]));
	json_set_str(v->a, row, "layout_id", arena_str(v->a, json_get_str(s, "layout")));
	json_set(v->a, row, "samples", json_get(s, "samples"));
	json_set_int(v->a, row, "expected_samples", (int64_t)(samples + lost));
	json_set(v->a, row, "lost", json_get(s, "lost_frames"));
	json_set(v->a, row, "duplicates", json_get(s, "duplicates"));
	json_set(v->a, row, "bad_frames", json_get(s, "bad_frames"));
	json_set(v->a, row, "coverage", json_new_num(v->a, samples > 0 ? samples / (samples + lost) : 0));
	json_set(v->a, row, "raw_bytes", json_get(s, "bytes"));
	if (json_get(s, "sha256")) /* there is none while records are missing */
		json_set(v->a, row, "raw_sha256", json_get(s, "sha256"));
	report_row(v, row);
}

static void check_streams(struct verify *v)
{
	const struct json *all = json_get(v->ledger, "streams"), *found = json_get(v->ledger, "problems");

	for (size_t i = 0; i < json_len(found); i++)
		json_push(v->a, v->problems, json_at(found, i));
	for (size_t i = 0; i < json_len(all); i++) {
		report_stream(v, json_at(all, i));
		v->streams++;
	}
	if (json_len(found) == 0 && !view_eq(json_get_str(v->ledger, "state"), VIEW("complete")))
		problem(v, "the ledger says %.*s", VIEW_ARG(json_get_str(v->ledger, "state")));
}

/* --- all of it --- */

static int load(struct verify *v, const struct json *event)
{
	struct arena *a = v->a;
	struct view key = json_get_str(json_get(event, "object"), "key");
	ptrdiff_t at = view_find(key, VIEW("/_manifest.json"));
	int r;

	v->bucket = arena_str(a, json_get_str(json_get(event, "bucket"), "name"));
	if (at < 0 || !v->bucket)
		return err_set(&v->cx->err, ERR_INVALID, "the event names no end manifest");
	v->begin_key = arena_printf(a, "%.*s/_begin.json", (int)at, key.p);
	r = get_json(v, arena_str(a, key), &v->manifest);
	if (r == 0)
		r = get_json(v, v->begin_key, &v->begin);
	if (r < 0)
		return r;
	v->id = json_get_str(v->begin, "measurement");
	if (!view_eq(v->id, json_get_str(v->manifest, "measurement")))
		return err_set(&v->cx->err, ERR_INVALID, "%.*s: its measurement is another one than that of its place",
			       VIEW_ARG(key));
	return 0;
}

static const struct json *make_answer(struct verify *v)
{
	struct arena *a = v->a;
	struct json *o = json_new_obj(a);
	struct view place = json_get_str(v->begin, "place");

	json_set(a, o, "measurement", json_get(v->begin, "measurement"));
	json_set(a, o, "place", json_get(v->begin, "place"));
	json_set(a, o, "dt", json_new_str(a, view_sub(place, 3, 10)));
	json_set(a, o, "screening", json_get(v->begin, "screening"));
	json_set(a, o, "subject", json_get(v->begin, "subject"));
	json_set(a, o, "content", json_get(v->begin, "content"));
	json_set(a, o, "complete", json_new_bool(json_len(v->problems) == 0));
	json_set(a, o, "problems", v->problems);
	json_set_int(a, o, "streams", v->streams);
	json_set_int(a, o, "files", v->files);
	return o;
}

int verify_measurement(struct function_ctx *cx, const struct json *event, const struct json **ret)
{
	struct verify v = { .cx = cx, .a = cx->arena, .problems = json_new_arr(cx->arena) };
	const char *processed;
	int r = function_setting(cx, "PROCESSED_BUCKET", &processed);

	buf_init(&v.report, 16 * MIB);
	if (r == 0)
		r = load(&v, event);
	if (r == 0)
		r = ask_ledger(&v);
	if (r == 0)
		r = check_files(&v);
	if (r == 0) {
		check_streams(&v);
		r = buf_check(&v.report, "report", &cx->err);
	}
	if (r == 0)
		r = aws_client_put(cx->aws, processed,
				   arena_printf(v.a, "verified/measurement_id=%.*s/report.json", VIEW_ARG(v.id)),
				   "application/x-ndjson", buf_view(&v.report), v.a, &cx->err);
	if (r == 0)
		*ret = make_answer(&v);
	buf_clear(&v.report);
	return r;
}
