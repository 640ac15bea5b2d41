/* SPDX-License-Identifier: Apache-2.0 */
/* suite_blob -- what every backend of blob must pass: SUITE_BLOB(prefix, open) in its test file. */
#pragma once

#include "store/blob.h"
#include "unit.h"

/* Opens the store kept in @dir (again). */
typedef struct blob_store *(*suite_blob_open)(const char *dir);

#define SUITE_BLOB_TESTS(X, ...) \
	X(gives_back_every_size, __VA_ARGS__) \
	X(keeps_blobs_over_reopening, __VA_ARGS__) \
	X(streams_in_pieces, __VA_ARGS__) \
	X(reads_any_range, __VA_ARGS__) \
	X(abort_leaves_nothing, __VA_ARGS__) \
	X(adopts_a_file, __VA_ARGS__) \
	X(gives_paths, __VA_ARGS__) \
	X(deletes, __VA_ARGS__) \
	X(sweeps_what_is_not_used, __VA_ARGS__) \
	X(sweep_spares_what_came_after_opening, __VA_ARGS__) \
	X(refuses_what_is_no_reference, __VA_ARGS__) \
	X(many_writers, __VA_ARGS__)

#define SUITE_BLOB_DECLARE(test, ...) void suite_blob_##test(suite_blob_open open);
SUITE_BLOB_TESTS(SUITE_BLOB_DECLARE, )

#define SUITE_BLOB_ONE(test, prefix, open) \
	TEST(prefix##_##test) \
	{ \
		suite_blob_##test(open); \
	}
#define SUITE_BLOB(prefix, open) SUITE_BLOB_TESTS(SUITE_BLOB_ONE, prefix, open)

/* @n bytes that depend on @seed; the caller frees. */
char *suite_blob_bytes(size_t n, unsigned seed);
/* Puts them and gives the reference in @a. */
const char *suite_blob_put(struct blob_store *b, struct arena *a, size_t n, unsigned seed);
/* Reads @ref and fails unless it is just these bytes. */
void suite_blob_check(struct blob_store *b, const char *ref, size_t n, unsigned seed);
/* The error of reading all of it, or 0. */
int suite_blob_error(struct blob_store *b, const char *ref);
