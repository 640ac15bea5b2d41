/* SPDX-License-Identifier: Apache-2.0 */
/* Partition keys by jq 1.6: values as jq prints them, and every way a record has none. */
#include "data/keyquery.h"

#include <signal.h>
#include <sys/time.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/macro.h"
#include "unit.h"

/* "a=1;b=x;" in jq's order, or the error's text */
static char *run(struct arena *a, struct keyquery *q, const char *record)
{
	const struct keyquery_key *v;
	struct err e = { 0 };
	char *all = arena_str(a, VIEW(""));
	size_t n;

	if (keyquery_run(q, a, view_str(record), &v, &n, &e) < 0)
		return arena_printf(a, "! %s", e.msg);
	for (size_t i = 0; i < n; i++)
		all = arena_printf(a, "%s%.*s=%.*s;", all, VIEW_ARG(v[i].name), VIEW_ARG(v[i].value));
	return all;
}

TEST(keyquery_values)
{
	static const struct {
		const char *program, *record, *keys;
	} cases[] = {
		{ "{a:.x,b:(.y|strftime(\"%Y\"))}", "{\"x\":1,\"y\":1565382027}", "a=1;b=2019;" },
		{ "{a:.x}", " {\"x\":\"a/b c\"}\n", "a=a/b c;" },
		{ "{a:.x}", "{\"x\":true}", "a=true;" },
		{ "{a:.x}", "{\"x\":false}", "a=false;" },
		{ "{a:.x}", "{\"x\":3.0}", "a=3;" },
		{ "{a:.x}", "{\"x\":0.1}", "a=0.1;" },
		{ "{a:.x}", "{\"x\":12345678901234567890}", "a=12345678901234567000;" },
		{ "{a:.x}", "{\"x\":null}",
		  "! a: partitionKeys values must not be null or empty" },
		{ "{a:.x}", "{}", "! a: partitionKeys values must not be null or empty" },
		{ "{a:.x}", "{\"x\":\"\"}",
		  "! a: partitionKeys values must not be null or empty" },
		{ "{a:.x}", "{\"x\":{}}",
		  "! a: partitionKeys values must be strings, numbers or booleans" },
		{ "{a:.x}", "{\"x\":[1]}",
		  "! a: partitionKeys values must be strings, numbers or booleans" },
		{ "{a:.x[]}", "{\"x\":[1,2]}", "! the query gives more than one result" },
		{ "{a:.x[]}", "{\"x\":[]}", "! the query gives nothing" },
		{ ".x", "{\"x\":1}", "! the query does not give an object" },
		{ "{a:.x}", "5", "! Cannot index number with string \"x\"" },
		{ "{a:.x}", "{}{}", "! Non JSON record provided" },
		{ "{a:.x}", "", "! Non JSON record provided" },
		{ "{a:.x}", "{\"x\":", "! Non JSON record provided" },
		{ "{a:.x}", "hello", "! Non JSON record provided" },
		{ "{a:error({b:1})}", "{}", "! the query failed" },
		{ "{a:(.x|test(\"^b\"))}", "{\"x\":\"bc\"}", "a=true;" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct keyquery *q;
		struct err e = { 0 };
		struct arena a;
		char *got;

		arena_init(&a, MIB);
		if (keyquery_new(cases[i].program, &q, &e) < 0)
			fail_msg("%s: %s", cases[i].program, e.msg);
		for (int again = 0; again < 2; again++) {
			got = run(&a, q, cases[i].record);
			if (strcmp(got, cases[i].keys) != 0)
				fail_msg("%s: %s", cases[i].record, got);
		}
		keyquery_free(q);
		arena_clear(&a);
	}
}

TEST(keyquery_programs_that_are_none)
{
	static const struct {
		const char *program, *message;
	} cases[] = {
		{ "{a:", "syntax error, unexpected $end at <top-level>, line 1:" },
		{ "foo", "foo/0 is not defined at <top-level>, line 1:" },
		{ "{a:.x} 5", "syntax error, unexpected LITERAL, expecting $end at <top-level>, line 1:" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct keyquery *q = NULL;
		struct err e = { 0 };

		assert_int_equal(keyquery_new(cases[i].program, &q, &e), ERR_INVALID);
		assert_string_equal(e.msg, cases[i].message);
		assert_null(q);
	}
}

TEST(keyquery_value_too_long)
{
	struct keyquery *q;
	struct err e = { 0 };
	struct arena a;

	arena_init(&a, MIB);
	assert_int_equal(keyquery_new("{a:(\"x\"*1024),b:(\"x\"*1025)}", &q, &e), 0);
	assert_string_equal(run(&a, q, "1"),
			    "! b: partitionKeys values must not be longer than 1024 bytes");
	keyquery_free(q);
	arena_clear(&a);
}

static struct keyquery *running;

#ifdef __SANITIZE_THREAD__
/* ThreadSanitizer holds signals back until the program calls something that it knows, which jq's own loops never do. */
int __sigaction(int sig, const struct sigaction *act, struct sigaction *old);
#define SIGACTION __sigaction
#else
#define SIGACTION sigaction
#endif

static void on_tick(int sig)
{
	(void)sig;
	keyquery_interrupt(running);
}

TEST(keyquery_endless_program_is_interrupted_and_the_query_is_still_good)
{
	static const struct itimerval soon = { .it_value = { .tv_usec = 50000 } };
	const struct sigaction tick = { .sa_handler = on_tick };
	struct err e = { 0 };
	struct arena a;

	arena_init(&a, MIB);
	assert_int_equal(keyquery_new("def f: f; if .x then {a:1} else f end", &running, &e), 0);
	assert_int_equal(SIGACTION(SIGVTALRM, &tick, NULL), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(setitimer(ITIMER_VIRTUAL, &soon, NULL), 0);
		assert_string_equal(run(&a, running, "{}"), "! the query ran longer than it may");
		assert_string_equal(run(&a, running, "{\"x\":1}"), "a=1;");
	}
	running = keyquery_free(running);
	arena_clear(&a);
}
