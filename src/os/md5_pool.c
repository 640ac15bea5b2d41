// SPDX-License-Identifier: Apache-2.0
/* The thread behind md5_pool: as many jobs as there are lanes, a slice of each at a time. */
#include "os/md5_pool.h"

#include <stdlib.h>

#include "base/limits.h"

#define SLICE_BLOCKS (16 * KIB / MD5_BLOCK) /* then jobs that came meanwhile may join */

struct md5_pool {
	struct lock lock;
	struct cond work;
	struct md5_job *head, **tail; /* waiting for a lane */
	size_t open, queued, waiters; /* jobs begun, jobs in the list, writers that can do nothing but wait */
	bool closing;
	pthread_t thread;
	/* the thread's own */
	struct md5_job *lanes[MD5_LANES];
	size_t n;
};

/* Few pieces take as long as many, so the first waits for others, while nobody waits for it. */
static bool worth_it(const struct md5_pool *q)
{
	size_t most = q->open < 2 * MD5_LANES ? q->open / 2 : MD5_LANES;

	return q->queued && (q->waiters || q->queued >= most || q->closing);
}

/* Ends the jobs whose pieces are done and lets waiting ones in; false: nothing will come any more. */
static bool turn(struct md5_pool *q)
{
	size_t kept = 0;

	LOCK_SCOPE(&q->lock);
	for (size_t i = 0; i < q->n; i++) {
		struct md5_job *j = q->lanes[i];

		if (j->n) {
			q->lanes[kept++] = j;
		} else {
			j->busy = false;
			cond_signal(&j->done);
		}
	}
	q->n = kept;
	while (!q->n && !worth_it(q) && !q->closing)
		cond_wait(&q->work, &q->lock);
	while (q->head && q->n < MD5_LANES) {
		q->lanes[q->n++] = q->head;
		q->head = q->head->next;
		q->queued--;
	}
	if (!q->head)
		q->tail = &q->head;
	return q->n > 0;
}

static void slice(struct md5_pool *q)
{
	struct md5 *m[MD5_LANES];
	const uint8_t *p[MD5_LANES];
	size_t blocks = SLICE_BLOCKS;

	for (size_t i = 0; i < q->n; i++) {
		struct md5_job *j = q->lanes[i];

		m[i] = &j->md5;
		p[i] = j->p;
		if (j->n / MD5_BLOCK < blocks)
			blocks = j->n / MD5_BLOCK;
	}
	md5_add_blocks(m, p, q->n, blocks);
	for (size_t i = 0; i < q->n; i++) {
		struct md5_job *j = q->lanes[i];

		j->p += blocks * MD5_BLOCK;
		j->n -= blocks * MD5_BLOCK;
	}
}

static void *run(void *arg)
{
	struct md5_pool *q = arg;

	while (turn(q))
		slice(q);
	return NULL;
}

struct md5_pool *md5_pool_new(void)
{
	struct md5_pool *q = calloc(1, sizeof(*q));

	must(q);
	lock_init(&q->lock, "md5");
	cond_init(&q->work);
	q->tail = &q->head;
	q->thread = thread_start("md5", run, q);
	return q;
}

struct md5_pool *md5_pool_free(struct md5_pool *q)
{
	if (!q)
		return NULL;
	lock_take(&q->lock);
	q->closing = true;
	cond_signal(&q->work);
	lock_drop(&q->lock);
	thread_join(q->thread);
	cond_clear(&q->work);
	lock_clear(&q->lock);
	free(q);
	return NULL;
}

void md5_job_begin(struct md5_pool *q, struct md5_job *j)
{
	*j = (struct md5_job){ .pool = q };
	md5_init(&j->md5);
	cond_init(&j->done);
	LOCK_SCOPE(&q->lock);
	q->open++;
}

void md5_job_wait(struct md5_job *j)
{
	struct md5_pool *q = j->pool;

	LOCK_SCOPE(&q->lock);
	if (!j->busy)
		return;
	q->waiters++;
	cond_signal(&q->work);
	while (j->busy)
		cond_wait(&j->done, &q->lock);
	q->waiters--;
}

/* What makes no whole block, before or after, is too little to hand over. */
void md5_job_add(struct md5_job *j, const void *p, size_t n)
{
	struct md5_pool *q = j->pool;
	const uint8_t *from = p;
	size_t have, blocks;

	md5_job_wait(j);
	have = j->md5.size % MD5_BLOCK;
	if (have) {
		size_t first = MD5_BLOCK - have < n ? MD5_BLOCK - have : n;

		md5_add(&j->md5, from, first);
		from += first;
		n -= first;
	}
	blocks = n / MD5_BLOCK * MD5_BLOCK;
	if (!blocks || n % MD5_BLOCK) {
		md5_add(&j->md5, from, n);
		return;
	}
	LOCK_SCOPE(&q->lock);
	j->p = from;
	j->n = blocks;
	j->busy = true;
	j->next = NULL;
	*q->tail = j;
	q->tail = &j->next;
	q->queued++;
	if (worth_it(q))
		cond_signal(&q->work);
}

void md5_job_drop(struct md5_job *j)
{
	md5_job_wait(j);
	cond_clear(&j->done);
	LOCK_SCOPE(&j->pool->lock);
	j->pool->open--;
}

void md5_job_end(struct md5_job *j, uint8_t ret[16])
{
	md5_job_drop(j);
	md5_end(&j->md5, ret);
}
