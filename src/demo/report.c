/* SPDX-License-Identifier: Apache-2.0 */
/* report: the table, the headline numbers beside the cloud version's, and PASS or FAIL. */
#include "demo/report.h"

#include <inttypes.h>
#include <string.h>

#include "demo/tablet_int.h"

#define REASONS_SHOWN 20

static const char *const part_names[PARTS] = { "signature", "profile", "video", "biosignals" };

/* One headline number. */
struct headline {
	const char *name, *key, *cloud, *unit;
	double goal, got;
	bool known;
};

#define HEADLINES 6

static void headlines(const struct report *r, struct headline h[HEADLINES])
{
	const struct headline all[HEADLINES] = {
		{ "sample sent -> live view, p99", "live_p99_ms", ">= 60 s", "ms", 50, r->live.p99, r->live.n > 0 },
		{ "record acknowledged -> SQL, max", "sql_max_ms", "minutes", "ms", 1000, r->sql.max, r->sql.n > 0 },
		{ "last byte -> stored and verified, max", "verified_max_ms", "< 1 min", "ms", 1000, r->verified.max, r->verified.n > 0 },
		{ "last byte -> result readable, max", "result_max_ms", "< 3 min", "ms", 5000, r->result.max, r->result.n > 0 },
		{ "server start -> first answer", "start_ms", "", "ms", 100, r->start_ms, r->start_ms > 0 },
		{ "resident memory, idle", "idle_mib", "", "MiB", 60, r->idle_mib, r->idle_mib > 0 },
	};

	memcpy(h, all, sizeof(all));
}

const struct json *report_reasons(const struct report *r, struct arena *a)
{
	struct json *out = json_new_arr(a);

	if (r->stopped)
		json_push(a, out, json_new_cstr(a, r->stopped));
	for (size_t i = 0; r->rb && i < r->rb->n; i++) {
		const struct finding *f = &r->rb->findings[i];
		const struct person *p = r->rb->tablets[i].person;

		for (size_t k = 0; k < f->n_problems && k < PROBLEMS_MAX; k++)
			json_push(a, out, json_new_cstr(a, arena_printf(a, "%s (%s): %s", p->subject, p->name, f->problems[k])));
		if (f->n_problems > PROBLEMS_MAX)
			json_push(a, out, json_new_cstr(a, arena_printf(a, "%s: and %zu more", p->subject, f->n_problems - PROBLEMS_MAX)));
	}
	return out;
}

/* --- text --- */

static const char *devices(const struct person *p, struct arena *a)
{
	const char *all = "";

	for (size_t i = 0; i < p->n_streams; i++) {
		const char *model = p->streams[i].dev->model;

		if (!strstr(all, model))
			all = arena_printf(a, "%s%s%s", all, all[0] ? " + " : "", model);
	}
	return all;
}

static const char *heart(const struct finding *f, struct arena *a)
{
	if (f->dropped)
		return "not analysed";
	if (f->hr_expected <= 0)
		return "-";
	return arena_printf(a, "%8.3f (%.3f)", f->hr, f->hr_expected);
}

static void people(const struct report *r, struct arena *a, FILE *out)
{
	fprintf(out, "\n%-7s %-14s %-25s %-5s %7s %7s %7s %5s %5s  %-20s %s\n", "person", "who", "devices", "parts", "sent", "stored",
		"decoded", "gaps", "dups", "heart rate (expected)", "");
	for (size_t i = 0; i < r->rb->n; i++) {
		const struct finding *f = &r->rb->findings[i];
		const struct person *p = r->rb->tablets[i].person;
		int parts = 0;

		for (size_t k = 0; k < PARTS; k++)
			parts += f->verified[k];
		fprintf(out, "%-7s %-14s %-25s %d/%d   %7" PRIu64 " %7" PRIu64 " %7" PRIu64 " %5" PRIu64 " %5" PRIu64 "  %-20s %s\n",
			p->subject, p->name, devices(p, a), parts, PARTS, f->sent, f->received, f->decoded, f->missing, f->duplicates,
			heart(f, a), f->n_problems ? "PROBLEM" : f->dropped ? "as planned" : "ok");
		if (f->dropped)
			fprintf(out, "        left out, and named by the ledger%s: %s\n", f->n_problems ? "?" : "", f->dropped);
	}
}

static void numbers(const struct report *r, FILE *out)
{
	struct headline h[HEADLINES];

	headlines(r, h);
	fprintf(out, "\n%-40s %-10s %10s %12s\n", "", "the cloud", "our goal", "measured");
	for (size_t i = 0; i < HEADLINES; i++) {
		fprintf(out, "%-40s %-10s %7s%.0f %s ", h[i].name, h[i].cloud, "< ", h[i].goal, h[i].unit);
		if (h[i].known)
			fprintf(out, "%10.1f %s  %s\n", h[i].got, h[i].unit, h[i].got < h[i].goal ? "met" : "missed");
		else
			fprintf(out, "%10s\n", "-");
	}
	fprintf(out, "live view: %zu records, p50 %.1f ms, max %.1f ms; SQL: %zu probes, p50 %.0f ms; result: p50 %.0f ms\n",
		r->live.n, r->live.p50, r->live.max, r->sql.n, r->sql.p50, r->result.p50);
	if (r->sql_error && !r->sql.n)
		fprintf(out, "SQL probes failed: %s\n", r->sql_error);
	if (r->restart_ms > 0)
		fprintf(out, "server killed in the middle: it answered again after %.0f ms; %" PRIu64 " calls were repeated\n",
			r->restart_ms, r->resent);
}

void report_text(const struct report *r, struct arena *a, FILE *out)
{
	const struct json *reasons = report_reasons(r, a);
	uint64_t sent = 0, raw = 0;

	if (r->rb) {
		people(r, a, out);
		for (size_t i = 0; i < r->rb->n; i++) {
			sent += r->rb->findings[i].samples_sent;
			raw += r->rb->findings[i].raw;
		}
		fprintf(out, "%" PRIu64 " samples sent and compared with SQL by count and sum; %" PRIu64 " envelopes in %" PRIu64
			" raw objects\n", sent, raw, r->rb->raw_objects);
		numbers(r, out);
	}
	if (r->dir)
		fprintf(out, "data: %s\n", r->dir);
	for (size_t i = 0; i < json_len(reasons) && i < REASONS_SHOWN; i++)
		fprintf(out, "- %.*s\n", VIEW_ARG(json_str(json_at(reasons, i))));
	if (json_len(reasons) > REASONS_SHOWN)
		fprintf(out, "- and %zu more (--output json lists them)\n", json_len(reasons) - REASONS_SHOWN);
	if (json_len(reasons))
		fprintf(out, "FAIL: %zu reasons above\n", json_len(reasons));
	else
		fputs("PASS: everything sent is stored once, decoded, verified and analysed as expected\n", out);
}

/* --- JSON --- */

static void set_u64(struct arena *a, struct json *o, const char *name, uint64_t v)
{
	json_set_int(a, o, name, (int64_t)v);
}

/* ms from the last byte on; null: never. */
static void set_since(struct arena *a, struct json *o, const char *name, const struct tablet *t, int64_t ns)
{
	double ms = (double)(ns - t->last_byte_ns) / 1e6;

	json_set(a, o, name, ns ? json_new_num(a, ms) : &json_null);
}

static const struct json *person_json(const struct report *r, size_t i, struct arena *a)
{
	const struct finding *f = &r->rb->findings[i];
	const struct tablet *t = &r->rb->tablets[i];
	struct json *o = json_new_obj(a), *parts = json_new_obj(a), *layouts = json_new_arr(a), *problems = json_new_arr(a);

	json_set_str(a, o, "subject", t->person->subject);
	json_set_str(a, o, "name", t->person->name);
	json_set(a, o, "recorded", json_new_bool(t->person->recorded));
	json_set_str(a, o, "measurement", t->person->id);
	for (size_t k = 0; k < t->person->n_streams; k++)
		json_push(a, layouts, json_new_cstr(a, t->person->streams[k].dev->layout));
	json_set(a, o, "layouts", layouts);
	for (size_t k = 0; k < PARTS; k++)
		json_set(a, parts, part_names[k], json_new_bool(f->verified[k]));
	json_set(a, o, "verified", parts);
	json_set(a, o, "state", json_new_cstr(a, f->state));
	json_set(a, o, "execution", json_new_cstr(a, f->execution));
	set_u64(a, o, "records", f->records);
	set_u64(a, o, "sent", f->sent);
	set_u64(a, o, "acknowledged", f->accepted);
	set_u64(a, o, "stored", f->received);
	set_u64(a, o, "decoded", f->decoded);
	set_u64(a, o, "raw_envelopes", f->raw);
	set_u64(a, o, "missing", f->missing);
	set_u64(a, o, "duplicates", f->duplicates);
	set_u64(a, o, "conflicts", f->conflicts);
	set_u64(a, o, "quarantined", f->quarantined);
	set_u64(a, o, "samples_sent", f->samples_sent);
	set_u64(a, o, "samples_sql", f->samples_sql);
	json_set(a, o, "dropped", json_new_cstr(a, f->dropped));
	json_set(a, o, "heart_rate", f->hr > 0 ? json_new_num(a, f->hr) : &json_null);
	json_set(a, o, "heart_rate_expected", f->hr_expected > 0 ? json_new_num(a, f->hr_expected) : &json_null);
	set_since(a, o, "verified_ms", t, t->verified_ns);
	set_since(a, o, "result_ms", t, t->result_ns);
	json_set(a, o, "result", t->result ? t->result : &json_null);
	for (size_t k = 0; k < f->n_problems && k < PROBLEMS_MAX; k++)
		json_push(a, problems, json_new_cstr(a, f->problems[k]));
	json_set(a, o, "problems", problems);
	return o;
}

static const struct json *spread_json(struct arena *a, const struct spread *s)
{
	struct json *o = json_new_obj(a);

	json_set_int(a, o, "n", (int64_t)s->n);
	json_set(a, o, "p50_ms", s->n ? json_new_num(a, s->p50) : &json_null);
	json_set(a, o, "p99_ms", s->n ? json_new_num(a, s->p99) : &json_null);
	json_set(a, o, "max_ms", s->n ? json_new_num(a, s->max) : &json_null);
	return o;
}

static const struct json *numbers_json(const struct report *r, struct arena *a)
{
	struct json *o = json_new_obj(a), *list = json_new_arr(a);
	struct headline h[HEADLINES];

	json_set(a, o, "live", spread_json(a, &r->live));
	json_set(a, o, "sql", spread_json(a, &r->sql));
	json_set(a, o, "verified", spread_json(a, &r->verified));
	json_set(a, o, "result", spread_json(a, &r->result));
	headlines(r, h);
	for (size_t i = 0; i < HEADLINES; i++) {
		struct json *one = json_new_obj(a);

		json_set_str(a, one, "key", h[i].key);
		json_set_str(a, one, "name", h[i].name);
		json_set_str(a, one, "cloud", h[i].cloud[0] ? h[i].cloud : NULL);
		json_set(a, one, "goal", json_new_num(a, h[i].goal));
		json_set_str(a, one, "unit", h[i].unit);
		json_set(a, one, "measured", h[i].known ? json_new_num(a, h[i].got) : &json_null);
		json_set(a, one, "met", h[i].known ? json_new_bool(h[i].got < h[i].goal) : &json_null);
		json_push(a, list, one);
	}
	json_set(a, o, "headline", list);
	json_set(a, o, "sql_last_error", json_new_cstr(a, r->sql_error));
	json_set(a, o, "played_s", json_new_num(a, r->played_s));
	json_set(a, o, "restart_ms", r->restart_ms > 0 ? json_new_num(a, r->restart_ms) : &json_null);
	set_u64(a, o, "calls_repeated", r->resent);
	return o;
}

const struct json *report_json(const struct report *r, struct arena *a)
{
	struct json *o = json_new_obj(a), *all = json_new_arr(a);
	const struct json *reasons = report_reasons(r, a);

	json_set_int(a, o, "v", 1);
	json_set(a, o, "pass", json_new_bool(!json_len(reasons)));
	json_set(a, o, "reasons", reasons);
	set_u64(a, o, "seed", r->seed);
	json_set_str(a, o, "faults", r->faults);
	json_set(a, o, "data", json_new_cstr(a, r->dir));
	for (size_t i = 0; r->rb && i < r->rb->n; i++)
		json_push(a, all, person_json(r, i, a));
	json_set(a, o, "people", all);
	json_set(a, o, "numbers", numbers_json(r, a));
	return o;
}
