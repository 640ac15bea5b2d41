/* SPDX-License-Identifier: Apache-2.0 */
/* readback: the ledger's answer, the executions, and the result of each person. */
#include "demo/readback.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/limits.h"
#include "demo/tablet_int.h"
#include "os/clock.h"

#define SETTLE_MS 10000
#define EXECUTIONS_S 60
#define STREAM_SHORT 8 /* characters of a stream's id in messages */

void readback_init(struct readback *rb, const struct show *s, struct tablet *tablets, size_t n, const char *state_machine)
{
	*rb = (struct readback){ .show = s, .tablets = tablets, .n = n, .state_machine = state_machine };
	arena_init(&rb->arena, 4 * GIB);
	rb->findings = ARENA_ARRAY(&rb->arena, struct finding, n);
	rb->aws = aws_client_new(&s->conn);
}

void readback_clear(struct readback *rb)
{
	rb->aws = aws_client_free(rb->aws);
	arena_clear(&rb->arena);
}

void readback__problem(struct readback *rb, size_t i, const char *fmt, ...)
{
	struct finding *f = &rb->findings[i];
	va_list ap;

	va_start(ap, fmt);
	if (f->n_problems < PROBLEMS_MAX)
		f->problems[f->n_problems] = arena_vprintf(&rb->arena, fmt, ap);
	f->n_problems++;
	va_end(ap);
}

/* --- what was sent --- */

static void add_ranges(struct buf *b, const uint32_t *v, size_t n)
{
	for (size_t i = 0; i < n;) {
		size_t k = i;

		while (k + 1 < n && v[k + 1] == v[k] + 1)
			k++;
		buf_printf(b, k > i ? "%s%" PRIu32 "-%" PRIu32 : "%s%" PRIu32, i ? ", " : "", v[i], v[k]);
		i = k + 1;
	}
}

static void count_sent(struct readback *rb, size_t i)
{
	const struct tablet *t = &rb->tablets[i];
	struct finding *f = &rb->findings[i];
	struct buf b;

	buf_init(&b, MIB);
	for (size_t k = 0; k < t->person->n_streams; k++) {
		const struct stream *s = &t->person->streams[k];
		const struct plan *p = &t->plans[k];

		f->records += s->records;
		f->sent += s->records - p->n_dropped;
		f->accepted += t->accepted[k];
		f->samples_sent += s->n * s->dev->channels;
		for (size_t d = 0; d < p->n_dropped; d++) {
			size_t from = (size_t)p->dropped[d] * s->record_samples, left = s->n - from;

			f->samples_sent -= (left < s->record_samples ? left : s->record_samples) * s->dev->channels;
		}
		if (!p->n_dropped)
			continue;
		buf_printf(&b, "%sstream %s: ", b.n ? "; " : "", s->id);
		add_ranges(&b, p->dropped, p->n_dropped);
	}
	f->dropped = b.n ? arena_str(&rb->arena, buf_view(&b)) : NULL;
	buf_clear(&b);
}

/* --- the ledger --- */

static const struct json *named(const struct json *all, const char *member, const char *value)
{
	for (size_t i = 0; i < json_len(all); i++)
		if (view_eq_str(json_get_str(json_at(all, i), member), value))
			return json_at(all, i);
	return NULL;
}

static uint64_t count(const struct json *o, const char *name)
{
	int64_t v = json_int(json_get(o, name), -1);

	return v < 0 ? UINT64_MAX : (uint64_t)v;
}

/* The ledger has to name exactly the records that were not sent. */
static void check_missing(struct readback *rb, size_t i, size_t k, const struct json *missing)
{
	const struct stream *s = &rb->tablets[i].person->streams[k];
	const struct plan *p = &rb->tablets[i].plans[k];
	struct finding *f = &rb->findings[i];
	size_t d = 0;

	for (size_t r = 0; r < json_len(missing); r++) {
		int64_t from = json_int(json_at(json_at(missing, r), 0), -1), to = json_int(json_at(json_at(missing, r), 1), -2);

		for (int64_t seq = from; seq <= to && seq < s->records; seq++) {
			f->missing++;
			if (d < p->n_dropped && p->dropped[d] == (uint32_t)seq) {
				d++;
				continue;
			}
			f->lost_unplanned++;
		}
	}
	if (f->lost_unplanned)
		readback__problem(rb, i, "stream %.*s: %" PRIu64 " records are missing that were acknowledged", STREAM_SHORT, s->id,
				  f->lost_unplanned);
	if (d != p->n_dropped)
		readback__problem(rb, i, "stream %.*s: the ledger names %zu of the %zu records left out", STREAM_SHORT, s->id, d,
				  p->n_dropped);
}

static void check_number(struct readback *rb, size_t i, const struct stream *s, const char *what, uint64_t got, uint64_t expected)
{
	if (got != expected)
		readback__problem(rb, i, "stream %.*s: %s is %" PRIu64 ", expected %" PRIu64, STREAM_SHORT, s->id, what, got, expected);
}

static void check_stream(struct readback *rb, size_t i, size_t k, const struct json *l)
{
	const struct tablet *t = &rb->tablets[i];
	const struct stream *s = &t->person->streams[k];
	struct finding *f = &rb->findings[i];
	uint64_t sent = s->records - t->plans[k].n_dropped, left = 0;

	if (!l) {
		readback__problem(rb, i, "stream %.*s: the ledger does not know it", STREAM_SHORT, s->id);
		return;
	}
	for (size_t d = 0; d < t->plans[k].n_dropped; d++) {
		size_t more = s->n - (size_t)t->plans[k].dropped[d] * s->record_samples;

		left += more < s->record_samples ? more : s->record_samples;
	}
	check_number(rb, i, s, "expected", count(l, "expected"), s->records);
	check_number(rb, i, s, "received", count(l, "received"), sent);
	check_number(rb, i, s, "decoded", count(l, "decoded"), sent);
	check_number(rb, i, s, "samples", count(l, "samples"), s->n - left);
	check_number(rb, i, s, "conflicts", count(l, "conflicts"), 0);
	check_number(rb, i, s, "quarantined", count(l, "quarantined"), 0);
	check_number(rb, i, s, "bad_frames", count(l, "bad_frames"), 0);
	/* A repetition after a lost acknowledgement may have been accepted twice without us knowing. */
	if (count(l, "duplicates") < t->accepted[k] - sent || (!t->retries && count(l, "duplicates") != t->accepted[k] - sent))
		check_number(rb, i, s, "duplicates", count(l, "duplicates"), t->accepted[k] - sent);
	if (!t->plans[k].n_dropped && !json_is_true(json_get(l, "sha256_ok")))
		readback__problem(rb, i, "stream %.*s: its SHA-256 is not that of the manifest", STREAM_SHORT, s->id);
	check_missing(rb, i, k, json_get(l, "missing"));
	f->received += count(l, "received");
	f->decoded += count(l, "decoded");
	f->duplicates += count(l, "duplicates");
	f->conflicts += count(l, "conflicts");
	f->quarantined += count(l, "quarantined");
	f->samples_ledger += count(l, "samples");
}

static void check_files(struct readback *rb, size_t i, const struct json *files)
{
	struct finding *f = &rb->findings[i];

	for (size_t k = 0; k < TABLET_FILES; k++) {
		const struct tablet_file *file = &rb->tablets[i].files[k];
		const struct json *o = named(files, "modality", file->modality);

		if (!json_is_true(json_get(o, "arrived")) || !json_is_true(json_get(o, "size_ok")))
			readback__problem(rb, i, "%s: the ledger has not got it", file->modality);
		/* Confirmed by the meta table; what is incomplete does not come that far. */
		f->verified[k] = json_is_true(json_get(o, "arrived")) && json_is_true(json_get(o, "size_ok"));
	}
}

static void ask_ledger(struct readback *rb, size_t i)
{
	const struct tablet *t = &rb->tablets[i];
	struct finding *f = &rb->findings[i];
	const char *expected = f->dropped ? "incomplete" : "complete";
	struct http_result res;
	struct err e = { 0 };
	const struct json *doc;
	int r = aws_client_call(rb->aws,
				&(struct aws_request){ .service = "mulgil", .method = "GET",
						       .path = arena_printf(&rb->arena, "/-/measurements/%s", t->person->id),
						       .query = arena_printf(&rb->arena, "settle_ms=%d", SETTLE_MS) },
				&rb->arena, &res, &e);

	doc = r < 0 ? NULL : json_parse(&rb->arena, res.body, JSON_DEPTH, &e);
	if (!doc) {
		readback__problem(rb, i, "the ledger gives no answer: %s", e.msg);
		return;
	}
	f->state = arena_str(&rb->arena, json_get_str(doc, "state"));
	if (strcmp(f->state, expected) != 0)
		readback__problem(rb, i, "the ledger says %s, expected %s", f->state, expected);
	for (size_t k = 0; k < t->person->n_streams; k++)
		check_stream(rb, i, k, named(json_get(doc, "streams"), "stream", t->person->streams[k].id));
	check_files(rb, i, json_get(doc, "files"));
	f->verified[PART_BIOSIGNALS] = strcmp(f->state, "complete") == 0;
}

/* --- executions --- */

struct executions {
	const struct json *described[4096];
	size_t n;
	bool running;
};

static int call(struct readback *rb, const char *target, const struct json *in, const struct json **ret, struct err *e)
{
	return aws_client_json(rb->aws, "states", arena_printf(&rb->arena, "AWSStepFunctions.%s", target), in, &rb->arena, ret, e);
}

static int list_page(struct readback *rb, struct view *token, struct executions *x, struct err *e)
{
	struct json *in = json_new_obj(&rb->arena), *one;
	const struct json *out, *all;
	int r;

	json_set_str(&rb->arena, in, "stateMachineArn", rb->state_machine);
	if (token->n)
		json_set(&rb->arena, in, "nextToken", json_new_str(&rb->arena, *token));
	r = call(rb, "ListExecutions", in, &out, e);
	if (r < 0)
		return r;
	all = json_get(out, "executions");
	for (size_t k = 0; k < json_len(all) && r == 0 && x->n < ARRAY_LEN(x->described); k++) {
		one = json_new_obj(&rb->arena);
		json_set(&rb->arena, one, "executionArn", json_get(json_at(all, k), "executionArn"));
		r = call(rb, "DescribeExecution", one, &x->described[x->n], e);
		if (r == 0)
			x->running |= view_eq(json_get_str(x->described[x->n++], "status"), VIEW("RUNNING"));
	}
	*token = json_get_str(out, "nextToken");
	return r;
}

static int list_executions(struct readback *rb, struct executions *x, struct err *e)
{
	struct view token = VIEW_NONE;
	int r;

	*x = (struct executions){ .n = 0 };
	do
		r = list_page(rb, &token, x, e);
	while (r == 0 && token.n);
	return r;
}

/* Every execution that the measurement's manifest started; uploaded twice, it started two. */
static void check_executions(struct readback *rb, size_t i, const struct executions *x)
{
	struct finding *f = &rb->findings[i];
	const char *expected = f->dropped ? "FAILED" : "SUCCEEDED";
	size_t found = 0;

	for (size_t k = 0; k < x->n; k++) {
		struct view status = json_get_str(x->described[k], "status"), error = json_get_str(x->described[k], "error");

		if (view_find(json_get_str(x->described[k], "input"), view_str(rb->tablets[i].person->id)) < 0)
			continue;
		found++;
		f->execution = arena_str(&rb->arena, status);
		if (!view_eq_str(status, expected) || (f->dropped && !view_eq(error, VIEW("MeasurementIncomplete"))))
			readback__problem(rb, i, "its execution is %.*s %.*s %.*s, expected %s", VIEW_ARG(status), VIEW_ARG(error),
					  VIEW_ARG(view_sub(json_get_str(x->described[k], "cause"), 0, 300)), expected);
	}
	if (!found)
		readback__problem(rb, i, "its manifest has started no execution");
}

static void ask_executions(struct readback *rb)
{
	struct executions *x = ARENA_NEW(&rb->arena, struct executions);
	int64_t end = clock_mono_ns() + EXECUTIONS_S * 1000000000LL;
	struct err e = { 0 };
	int r = list_executions(rb, x, &e);

	while (r == 0 && x->running && clock_mono_ns() < end) {
		tablet__sleep_ms(100);
		r = list_executions(rb, x, &e);
	}
	for (size_t i = 0; i < rb->n; i++) {
		if (r < 0)
			readback__problem(rb, i, "executions: %s", e.msg);
		else
			check_executions(rb, i, x);
	}
}

/* --- results --- */

static void check_result(struct readback *rb, size_t i)
{
	const struct tablet *t = &rb->tablets[i];
	struct finding *f = &rb->findings[i];
	const char *bad;

	for (size_t k = 0; k < t->person->n_expects; k++)
		if (strcmp(t->person->expects[k].member, "hr") == 0)
			f->hr_expected = t->person->expects[k].value;
	f->hr = json_double(json_get(json_get(t->result, "pulse"), "hr"), 0);
	if (f->dropped)
		return; /* an incomplete measurement is not analysed */
	bad = t->result ? person_compare(t->person, t->result, &rb->arena) : "there is no result";
	if (bad)
		readback__problem(rb, i, "%s", bad);
}

void readback_run(struct readback *rb)
{
	for (size_t i = 0; i < rb->n; i++) {
		count_sent(rb, i);
		if (rb->tablets[i].failed)
			readback__problem(rb, i, "the tablet gave up: %s", rb->tablets[i].failed);
		ask_ledger(rb, i);
	}
	ask_executions(rb);
	readback__raw(rb);
	readback__sql(rb);
	readback__meta(rb);
	for (size_t i = 0; i < rb->n; i++)
		check_result(rb, i);
}
