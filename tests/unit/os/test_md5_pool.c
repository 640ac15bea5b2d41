/* SPDX-License-Identifier: Apache-2.0 */
/* The MD5 thread: many writers at once, pieces of every length, jobs that are dropped. */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "os/md5_pool.h"
#include "os/thread.h"
#include "unit.h"

#define WRITERS 40 /* more than there are lanes */

struct writer {
	struct md5_pool *pool;
	uint8_t *data;
	size_t n, piece;
	bool good;
};

static void *write_one(void *arg)
{
	struct writer *w = arg;
	struct md5_job j;
	struct md5 plain;
	uint8_t got[16], want[16];

	md5_init(&plain);
	md5_add(&plain, w->data, w->n);
	md5_end(&plain, want);
	md5_job_begin(w->pool, &j);
	for (size_t at = 0; at < w->n; at += w->piece)
		md5_job_add(&j, w->data + at, w->piece < w->n - at ? w->piece : w->n - at);
	md5_job_end(&j, got);
	w->good = memcmp(got, want, sizeof(got)) == 0;
	return NULL;
}

TEST(md5_pool_serves_many_writers)
{
	struct md5_pool *pool = md5_pool_new();
	struct writer w[WRITERS];
	pthread_t t[WRITERS];

	for (size_t i = 0; i < WRITERS; i++) {
		w[i] = (struct writer){ .pool = pool, .n = 1000 + i * 7777, .piece = i % 3 ? 64 * KIB : 4096 + i };
		w[i].data = malloc(w[i].n);
		must(w[i].data);
		for (size_t k = 0; k < w[i].n; k++)
			w[i].data[k] = (uint8_t)(k * 13 + (k >> 9) + i);
		t[i] = thread_start("writer", write_one, &w[i]);
	}
	for (size_t i = 0; i < WRITERS; i++) {
		thread_join(t[i]);
		assert_true(w[i].good);
		free(w[i].data);
	}
	md5_pool_free(pool);
}

/* Pieces are gathered, but nobody waits for a writer that has none. */
TEST(md5_pool_waits_for_no_idle_writer)
{
	struct md5_pool *pool = md5_pool_new();
	static const uint8_t data[64 * KIB];
	struct md5_job j[MD5_LANES];
	struct md5 plain;
	uint8_t got[16], want[16];

	md5_init(&plain);
	md5_add(&plain, data, sizeof(data));
	md5_end(&plain, want);
	for (size_t i = 0; i < MD5_LANES; i++)
		md5_job_begin(pool, &j[i]);
	md5_job_add(&j[0], data, sizeof(data));
	md5_job_end(&j[0], got);
	assert_memory_equal(got, want, sizeof(got));
	for (size_t i = 1; i < MD5_LANES; i++)
		md5_job_drop(&j[i]);
	md5_pool_free(pool);
}

TEST(md5_pool_drops_a_job_whose_piece_is_being_worked_on)
{
	struct md5_pool *pool = md5_pool_new();
	char *data = calloc(1, MIB);
	struct md5_job j;

	must(data);
	for (int i = 0; i < 20; i++) {
		md5_job_begin(pool, &j);
		md5_job_add(&j, data, MIB);
		md5_job_drop(&j);
	}
	free(data);
	md5_pool_free(pool);
}
