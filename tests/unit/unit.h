/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unit -- cmocka tests that register themselves.
 *
 *	TEST(view_split_keeps_empty_parts) { assert_true(...); }
 *
 * One program per folder of src/; `program [FILTER...]` runs the tests whose name contains a filter, -l lists.
 * skip_test("why") ends a test as skipped, and says so.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

typedef void (*unit_fn)(void **state);
void unit_register(const char *name, const char *file, unit_fn fn);

#define TEST(name) \
	static void test_##name(void **state); \
	__attribute__((constructor)) static void test_register_##name(void) \
	{ \
		unit_register(#name, __FILE__, test_##name); \
	} \
	static void test_##name(__attribute__((unused)) void **state)

#define skip_test(...) \
	do { \
		fprintf(stderr, "SKIPPED %s: ", __func__); \
		fprintf(stderr, __VA_ARGS__); \
		fputc('\n', stderr); \
		skip(); \
	} while (0)

/* Path of a file in $MULGIL_TEST_DATA (default ../shared beside the checkout), or NULL if it is not there. */
const char *unit_data(const char *path);
/* A fresh empty directory, removed at the end of the program if all tests passed. */
const char *unit_tmpdir(void);
