// SPDX-License-Identifier: Apache-2.0
/* Arena, buf and err. */
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/macro.h"

#include "unit.h"

/* True when @fn(@arg) ends a child process with SIGABRT. */
static bool aborts(void (*fn)(void *), void *arg)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		signal(SIGABRT, SIG_DFL);
		if (!freopen("/dev/null", "w", stderr))
			_exit(1);
		fn(arg);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

TEST(arena_gives_zeroed_aligned_memory)
{
	struct arena a;
	size_t total = 0;

	arena_init(&a, 16 << 20);
	for (size_t n = 0; n < 3000; n += 7) {
		unsigned char *p = arena_alloc(&a, n);

		assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xaa, n);
		total += n;
	}
	assert_int_equal(a.used, total);
	arena_clear(&a);
	assert_int_equal(a.used, 0);
	assert_string_equal(arena_printf(&a, "%s-%d", "x", 7), "x-7");
	assert_int_equal(strlen(arena_printf(&a, "%01000d", 7)), 1000);
	assert_null(arena_view(&a, VIEW_NONE).p);
	assert_non_null(arena_view(&a, VIEW("")).p);
	assert_string_equal(arena_str(&a, view_of("abcd", 2)), "ab");
	arena_clear(&a);
}

static void overfill(void *arg)
{
	arena_alloc(arg, 101);
}

TEST(arena_aborts_at_its_ceiling)
{
	struct arena a;

	arena_init(&a, 100);
	assert_true(aborts(overfill, &a));
	arena_alloc(&a, 100);
	arena_clear(&a);
}

TEST(buf_grows_to_its_ceiling)
{
	struct buf b;
	struct err e = { 0 };

	buf_init(&b, 1000);
	assert_int_equal(buf_view(&b).n, 0);
	for (int i = 0; i < 99; i++)
		buf_add_str(&b, "0123456789");
	buf_printf(&b, "%s%d", "abc", 1234567);
	assert_int_equal(b.n, 1000);
	assert_int_equal(buf_check(&b, "answer", &e), 0);
	buf_add_char(&b, 'x');
	assert_true(b.over);
	assert_int_equal(b.n, 1000);
	assert_int_equal(buf_check(&b, "answer", &e), ERR_LIMIT);
	assert_string_equal(e.msg, "answer is larger than 1000 bytes");
	assert_int_equal(b.p[1000], '\0');
	buf_reset(&b);
	buf_add_view(&b, VIEW("hello"));
	buf_consume(&b, 2);
	assert_string_equal(b.p, "llo");
	buf_printf(&b, "%0500d", 1);
	assert_int_equal(b.n, 503);
	assert_null(buf_reserve(&b, SIZE_MAX));
	buf_clear(&b);
}

TEST(err_is_set_once_and_gets_context)
{
	struct err e = { 0 };

	assert_int_equal(err_set(&e, ERR_NOENT, "stream %s does not exist", "eeg"), ERR_NOENT);
	assert_int_equal(err_ctx(&e, "PutRecord %d", 3), ERR_NOENT);
	assert_string_equal(e.msg, "PutRecord 3: stream eeg does not exist");
	assert_true(strstr(e.file, "test_memory.c") && e.line > 0);
	err_clear(&e);
	errno = ENOSPC;
	assert_int_equal(err_sys(&e, ERR_IO, "cannot write %s", "x"), ERR_IO);
	assert_string_equal(e.msg, "cannot write x: No space left on device");
	assert_string_equal(err_text(ERR_CONFLICT), "changed meanwhile");
	assert_string_equal(err_text(-999), "unknown error");
}

static void set_again(void *arg)
{
	err_set(arg, ERR_IO, "again");
}

TEST(err_set_twice_is_a_bug)
{
	struct err e = { 0 };

	err_set(&e, ERR_IO, "first");
	assert_true(aborts(set_again, &e));
}

TEST(err_long_messages_are_cut)
{
	struct err e = { 0 };

	err_set(&e, ERR_INVALID, "%05000d", 1);
	err_ctx(&e, "%02000d", 2);
	assert_int_equal(strlen(e.msg), ERR_MSG_MAX - 1);
}

TEST(buf_numbers_are_printfs)
{
	static const int64_t whole[] = { 0, 1, -1, 9, 10, 99, 100, -100, 12345, INT64_MAX, INT64_MIN };
	static const double some[] = { 0,       1,        -1,       0.5,      0.1,       1e-4,      9.99e-5,  123456,  123456.7, 999998.4,
				       999999,  1e6,      -1e-3,    100000,   0.0001234567, 12.5,     4.0E-4,  1e300,    -2.5e-7,
				       0.99999951, 9.9999951, 1.000001, 1234.5678, 3.14159265, 65535.0 / 2 };
	struct buf b;
	char want[64];
	uint64_t x = 88172645463325252ULL;

	buf_init(&b, 4096);
	for (size_t i = 0; i < ARRAY_LEN(whole); i++) {
		buf_reset(&b);
		buf_add_i64(&b, whole[i]);
		snprintf(want, sizeof(want), "%lld", (long long)whole[i]);
		assert_string_equal(b.p, want);
	}
	for (size_t i = 0; i < ARRAY_LEN(some); i++) {
		buf_reset(&b);
		buf_add_g6(&b, some[i]);
		snprintf(want, sizeof(want), "%.6g", some[i]);
		assert_string_equal(b.p, want);
	}
	for (int i = 0; i < 200000; i++) {
		double v, got;

		x ^= x << 13, x ^= x >> 7, x ^= x << 17;
		v = ((double)(int64_t)x / 9.3e18) * (i % 2 ? 1000 : i % 3 ? 1 : 400000);
		buf_reset(&b);
		buf_add_g6(&b, v);
		snprintf(want, sizeof(want), "%.6g", v);
		if (strcmp(b.p, want) == 0)
			continue;
		got = strtod(b.p, NULL); /* between two texts: as near as the other one */
		if (!(fabs(got - v) <= fabs(strtod(want, NULL) - v) * (1 + 1e-9)))
			fail_msg("%.17g: %s, printf %s", v, b.p, want);
	}
	buf_clear(&b);
}
