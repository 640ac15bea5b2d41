/* SPDX-License-Identifier: Apache-2.0 */
/*
 * macro -- the few compiler helpers that all of mulgil uses.
 *
 * must() is an assertion that stays on in release builds: it states what has to be true whatever the
 * input; what can happen is handled with an error instead.
 */
#pragma once

#include <stddef.h>

/* For locals of wide registers: AddressSanitizer's stack for use after return is aligned to less than they are. */
#define REAL_STACK __attribute__((no_sanitize("address")))
#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, first) __attribute__((format(printf, fmt, first)))
#define NORETURN __attribute__((noreturn))
#define UNUSED __attribute__((unused))

/* CLEANUP(freep): runs freep(&var) when the variable's scope ends. */
#define CLEANUP(fn) __attribute__((cleanup(fn)))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define CONTAINER_OF(p, type, member) ((type *)(void *)((char *)(p) - offsetof(type, member)))

void must_failed(const char *what, const char *file, int line) NORETURN;

#define must(cond) \
	do { \
		if (__builtin_expect(!(cond), 0)) \
			must_failed(#cond, __FILE__, __LINE__); \
	} while (0)
