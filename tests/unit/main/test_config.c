/* SPDX-License-Identifier: Apache-2.0 */
/* config: where a value comes from, what is refused, addresses. */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "main/config.h"
#include "os/file.h"
#include "unit.h"

#define ARGS_MAX 8

/* Loads with these words (ended by NULL); the error's text, or NULL. */
static const char *load(struct arena *a, struct config *c, bool *help, const char *const *words)
{
	char *argv[ARGS_MAX];
	struct err e = { 0 };
	int n = 0;

	for (; words[n]; n++)
		argv[n] = arena_str(a, view_str(words[n]));
	*c = (struct config){ 0 };
	return config_load(n, argv, a, c, help, &e) < 0 ? arena_str(a, view_str(e.msg)) : NULL;
}
#define LOAD(...) load(&a, &c, &help, (const char *const[]){ __VA_ARGS__, NULL })

TEST(config_defaults)
{
	struct config c;
	struct arena a;
	bool help;

	arena_init(&a, LIMIT_ARENA);
	assert_null(LOAD(NULL));
	assert_false(help);
	assert_string_equal(c.api, "127.0.0.1:4566");
	assert_string_equal(c.console, "127.0.0.1:4580");
	assert_string_equal(c.region, "ap-northeast-2");
	assert_true(c.fast_threads > 0 && c.sql_children > 0);
	arena_clear(&a);
}

TEST(config_command_line_before_environment_before_file)
{
	struct config c;
	struct arena a;
	struct err e = { 0 };
	const char *file;
	bool help;

	arena_init(&a, LIMIT_ARENA);
	file = arena_printf(&a, "%s/c.yaml", unit_tmpdir());
	assert_int_equal(file_replace(file, VIEW("data: from-file\nregion: eu-west-1\nfast-threads: 3\nslow_threads: 4\n"), 0600, &e), 0);
	setenv("MULGIL_REGION", "eu-west-2", 1);
	setenv("MULGIL_FAST_THREADS", "5", 1);
	assert_null(LOAD("--config", file, "--fast-threads=7"));
	/* Made absolute: children work in folders of their own. */
	assert_true(c.data[0] == '/');
	assert_true(view_ends(view_str(c.data), VIEW("/from-file")));
	assert_string_equal(c.region, "eu-west-2");
	assert_int_equal(c.fast_threads, 7);
	assert_int_equal(c.slow_threads, 4);
	unsetenv("MULGIL_REGION");
	unsetenv("MULGIL_FAST_THREADS");
	arena_clear(&a);
}

TEST(config_refuses)
{
	static const struct {
		const char *words[3], *named;
	} cases[] = {
		{ { "--coffee", "1" }, "--coffee" },	     { { "coffee" }, "\"coffee\"" },
		{ { "--data" }, "--data needs a value" },    { { "--data", "" }, "data is empty" },
		{ { "--fast-threads", "0" }, "fast_threads" }, { { "--fast-threads", "1e3" }, "fast_threads" },
		{ { "--account", "12" }, "12 digits" },	     { { "--account", "12345678901x" }, "12 digits" },
		{ { "--region", "EU" }, "region" },	     { { "--region", "us-east-1" }, "us-east-1" },
	};
	struct config c;
	struct arena a;
	bool help;

	arena_init(&a, LIMIT_ARENA);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *got = load(&a, &c, &help, cases[i].words);

		if (!got || !strstr(got, cases[i].named))
			fail_msg("%s: %s", cases[i].words[0], got ? got : "accepted");
	}
	arena_clear(&a);
}

TEST(config_refuses_in_a_file)
{
	static const char *const texts[] = { "coffee: 1\n", "- a\n", "a: [\n", "fast-threads: many\n" };
	struct config c;
	struct arena a;
	bool help;

	arena_init(&a, LIMIT_ARENA);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		const char *file = arena_printf(&a, "%s/c.yaml", unit_tmpdir());
		struct err e = { 0 };

		assert_int_equal(file_replace(file, view_str(texts[i]), 0600, &e), 0);
		assert_non_null(LOAD("--config", file));
	}
	assert_non_null(LOAD("--config", "/nonexistent/c.yaml"));
	arena_clear(&a);
}

TEST(config_help_names_every_setting)
{
	struct config c;
	struct arena a;
	struct buf b;
	bool help;

	arena_init(&a, LIMIT_ARENA);
	buf_init(&b, MIB);
	assert_null(LOAD("--help"));
	assert_true(help);
	config_help(&b);
	assert_true(view_find(buf_view(&b), VIEW("--data DIR")) > 0);
	assert_true(view_find(buf_view(&b), VIEW("--sql-memory-mb")) > 0);
	buf_clear(&b);
	arena_clear(&a);
}

TEST(config_addresses)
{
	static const char *const wrong[] = { "", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", ":-1" };
	const char *host;
	struct err e = { 0 };
	struct arena a;
	uint16_t port;

	arena_init(&a, LIMIT_ARENA);
	assert_int_equal(config_address("127.0.0.1:0", &a, &host, &port, &e), 0);
	assert_string_equal(host, "127.0.0.1");
	assert_int_equal(port, 0);
	assert_int_equal(config_address("[::1]:65535", &a, &host, &port, &e), 0);
	assert_string_equal(host, "::1");
	assert_int_equal(port, 65535);
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		err_clear(&e);
		assert_int_equal(config_address(wrong[i], &a, &host, &port, &e), ERR_INVALID);
	}
	arena_clear(&a);
}
