/* SPDX-License-Identifier: Apache-2.0 */
/* Keys from children that die: of the record that it was, and of no other. */
#include "store/jq.h"

#include <stdlib.h>

#include "base/buf.h"
#include "unit.h"

static struct jq *open_jq(void)
{
	const struct jq_opts o = { .program = getenv("MULGIL_JQ"), .children = 1 };
	struct err e = { 0 };
	struct jq *j;

	assert_non_null(o.program);
	if (jq_open(&o, &j, &e) < 0)
		fail_msg("%s", e.msg);
	return j;
}

static void check(struct jq *j, const char *program, const char *message)
{
	struct err e = { 0 };

	if (!message && jq_check(j, program, &e) < 0)
		fail_msg("%s: %s", program, e.msg);
	if (!message)
		return;
	assert_int_equal(jq_check(j, program, &e), ERR_INVALID);
	if (!view_starts(view_str(e.msg), view_str(message)))
		fail_msg("%s: %s", program, e.msg);
}

TEST(jq_check_refuses)
{
	struct jq *j = open_jq();

	check(j, "{a:.x}", NULL);
	check(j, "{a:.x.y|error}", NULL); /* on {} it fails, which records may do */
	check(j, "{a:", "syntax error, unexpected $end at <top-level>, line 1:");
	check(j, "def f: f; {a:f}", "it does not end within a second when it is given {}");
	check(j, "{a:([]|.[500000000]=1|length)}", "jq ran out of memory, took too long or failed (");
	check(j, "{a:.x}", NULL);
	jq_close(j);
}

/* Records 0..n-1; {"x":"bomb"} at @bomb kills the child, the others give their number. */
static void keys_around(struct jq *j, size_t n, size_t bomb)
{
	struct view *records;
	struct jq_answer *answers;
	struct err e = { 0 };
	struct arena a;

	arena_init(&a, 64 * MIB);
	records = ARENA_ARRAY(&a, struct view, n);
	answers = ARENA_ARRAY(&a, struct jq_answer, n);
	for (size_t i = 0; i < n; i++)
		records[i] = i == bomb ? VIEW("{\"x\":\"bomb\"}") :
					 view_str(arena_printf(&a, "{\"x\":%zu}", i));
	if (jq_keys(j, "{k:(if .x==\"bomb\" then ([]|.[500000000]=1|length) else .x end),c:\"ok\"}", records, n, &a,
		    answers, &e) < 0)
		fail_msg("%s", e.msg);
	for (size_t i = 0; i < n; i++) {
		if (i == bomb) {
			assert_true(view_starts(view_str(answers[i].failed), VIEW("jq ran out of memory")));
			continue;
		}
		assert_null(answers[i].failed);
		assert_int_equal(answers[i].n_keys, 2);
		for (size_t c = 0; c < 2; c++)
			if (view_eq_str(answers[i].keys[c].name, "k"))
				assert_true(view_eq_str(answers[i].keys[c].value, arena_printf(&a, "%zu", i)));
			else
				assert_true(view_eq_str(answers[i].keys[c].value, "ok"));
	}
	arena_clear(&a);
}

TEST(jq_record_that_kills_fails_alone)
{
	struct jq *j = open_jq();

	keys_around(j, 500, 500);
	keys_around(j, 40, 17);
	keys_around(j, 3, 0);
	keys_around(j, 3, 2);
	jq_close(j);
}

TEST(jq_record_that_does_not_end_fails_alone)
{
	static const struct view records[] = { { "{}", 2 }, { "{\"x\":1}", 7 }, { "{}", 2 } };
	struct jq *j = open_jq();
	struct jq_answer v[3];
	struct err e = { 0 };
	struct arena a;

	arena_init(&a, MIB);
	assert_int_equal(jq_keys(j, "def f: f; {a:(if .x then f else 1 end)}", records, 3, &a, v, &e), 0);
	assert_null(v[0].failed);
	assert_string_equal(v[1].failed, "the query ran longer than it may");
	assert_null(v[2].failed);
	arena_clear(&a);
	jq_close(j);
}

TEST(jq_long_records_and_long_keys)
{
	struct jq *j = open_jq();
	struct view records[6];
	struct jq_answer v[6];
	struct err e = { 0 };
	struct arena a;
	struct buf b;

	arena_init(&a, MIB);
	buf_init(&b, 2 * MIB);
	buf_add_str(&b, "{\"x\":\"");
	while (b.n < LIMIT_RECORD)
		buf_add_str(&b, "0123456789abcdef");
	buf_add_str(&b, "\"}");
	for (int i = 0; i < 6; i++)
		records[i] = buf_view(&b);
	assert_int_equal(jq_keys(j, "{a:(.x|length)}", records, 6, &a, v, &e), 0);
	assert_true(view_eq_str(v[5].keys[0].value, "1024000"));
	assert_int_equal(jq_keys(j, "{a:.x[0:1000],b:.x[0:1000],c:.x[0:50]}", records, 1, &a, v, &e), 0);
	assert_string_equal(v[0].failed, "partitionKeys must not be longer than 2048 bytes together");
	buf_clear(&b);
	arena_clear(&a);
	jq_close(j);
}

TEST(jq_sees_nothing)
{
	static const struct view records[] = { { "{}", 2 } };
	struct jq *j = open_jq();
	struct jq_answer v[1];
	struct err e = { 0 };
	struct arena a;

	arena_init(&a, MIB);
	/* jqscan refuses these before; here they get past it. */
	check(j, "import \"/etc/passwd\" as $x; {a:1}", "");
	/* Refused before by jqscan; what it gets past that is this. */
	assert_int_equal(jq_keys(j, "{a:(env|has(\"PATH\") or has(\"HOME\"))}", records, 1, &a, v, &e), 0);
	assert_true(view_eq_str(v[0].keys[0].value, "false"));
	arena_clear(&a);
	jq_close(j);
}

TEST(jq_stopped_and_not_there)
{
	const struct jq_opts none = { .program = "/nonexistent/jq" };
	struct jq *j = open_jq();
	struct err e = { 0 };

	jq_stop(j);
	assert_int_equal(jq_check(j, "{a:.x}", &e), ERR_CANCELLED);
	err_clear(&e);
	jq_close(j);
	assert_int_equal(jq_open(&none, &j, &e), ERR_NOENT);
	assert_null(jq_close(NULL));
}
