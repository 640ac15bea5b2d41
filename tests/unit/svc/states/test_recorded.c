// SPDX-License-Identifier: Apache-2.0
/* Executions recorded from the real service: their end must be the same. */
#include <string.h>

#include "cases.h"
#include "fixture.h"

/* What is refused by name is no failure here. */
static bool in_scope(struct view definition)
{
	static const char *const out[] = { "\"JSONata\"", "\"Assign\"", "\"DISTRIBUTED\"", "ToleratedFailure", "\"ItemReader\"",
					   "\"Label\"", "\"EXPRESS\"" };

	for (size_t i = 0; i < ARRAY_LEN(out); i++)
		if (view_find(definition, view_str(out[i])) >= 0)
			return false;
	return true;
}

/* Recorded texts hold placeholders (<...>) where they differ from run to run. */
static bool same(const struct json *want, const struct json *got)
{
	struct view w = json_str(want);

	if (w.p)
		return view_chr(w, '<') >= 0 || view_eq_str(w, "date") || view_eq_str(w, "timestamp") ||
		       view_eq_str(w, "generated-uuid") || view_eq_str(w, "snf_role_arn") || json_equal(want, got);
	if (json_len(want) != json_len(got) || (want && got && want->type != got->type && !json_is_number(want)))
		return false;
	for (size_t i = 0; json_is(want, JSON_OBJ) && i < want->obj.n; i++)
		if (!same(want->obj.v[i].value, json_get_view(got, want->obj.v[i].name)))
			return false;
	for (size_t i = 0; json_is(want, JSON_ARR) && i < want->arr.n; i++)
		if (!same(want->arr.v[i], json_at(got, i)))
			return false;
	return json_is(want, JSON_OBJ) || json_is(want, JSON_ARR) || json_equal(want, got);
}

static const struct json *parsed(struct fixture *f, struct view t)
{
	struct err e = { 0 };

	return t.p ? json_parse(&f->a, t, JSON_DEPTH, &e) : NULL;
}

static bool ends_alike(struct fixture *f, const struct json *c, const struct json *d)
{
	const struct json *ev = json_get(c, "expected_events"), *last = json_at(ev, json_len(ev) ? json_len(ev) - 1 : 0);
	const struct json *failed = json_get(last, "executionFailedEventDetails"), *out;

	if (json_get(c, "expected_output"))
		return same(json_get(c, "expected_output"), parsed(f, json_get_str(d, "output")));
	if (failed)
		return same(json_get(failed, "error"), json_get(d, "error")) && same(json_get(failed, "cause"), json_get(d, "cause"));
	out = json_get(json_get(last, "executionSucceededEventDetails"), "output");
	if (json_is(out, JSON_STR))
		out = parsed(f, json_str(out)) ? parsed(f, json_str(out)) : out;
	return same(out, parsed(f, json_get_str(d, "output")));
}

TEST(states_end_as_recorded)
{
	struct fixture f;
	const struct json *all, *cases;
	size_t n = 0, good = 0, skipped = 0;

	fixture_open(&f, unit_tmpdir());
	all = cases_read(&f.a, "cases/asl/exec_core.json.gz");
	if (!all) {
		fixture_close(&f);
		skip_test("no recorded executions");
	}
	fixture_start(&f);
	cases = json_is(all, JSON_ARR) ? all : json_get(all, "cases");
	for (size_t i = 0; i < json_len(cases); i++) {
		const struct json *c = json_at(cases, i), *def = json_get(c, "definition"), *input = json_get(c, "input"), *d;
		const char *t = json_is(def, JSON_STR) ? text(&f, c, "definition") : json_text(&f.a, def);

		/* A recorded input whose time was replaced by a placeholder cannot be played. */
		if (!in_scope(view_str(t)) || view_find(json_str(input), VIEW("<timestamp>")) >= 0) {
			skipped++;
			continue;
		}
		n++;
		d = run(&f, arena_printf(&f.a, "m%zu", i), t, json_is(input, JSON_STR) ? text(&f, c, "input") : "{}");
		if (ends_alike(&f, c, d))
			good++;
		else
			fprintf(stderr, "%s [%zu]\n\tgot  %s\n\twant %s\n", text(&f, c, "id"), i, json_text(&f.a, d),
				json_text(&f.a, json_at(json_get(c, "expected_events"), json_len(json_get(c, "expected_events")) - 1)));
	}
	fprintf(stderr, "# recorded executions: %zu/%zu, %zu use what is refused by name\n", good, n, skipped);
	assert_int_equal(good, n);
	fixture_close(&f);
}
