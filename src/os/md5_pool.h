/* SPDX-License-Identifier: Apache-2.0 */
/*
 * md5_pool -- one thread that computes the MD5 of many streams side by side (base/md5.h).
 *
 * A writer hands a piece over and goes on with other work on the same bytes, or with receiving the next ones; when
 * several writers do so at once, their pieces take little more time than one.
 *
 * Threads:  any; a job belongs to one writer.
 * Memory:   a piece is not copied: it stays untouched until md5_pool_wait().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/md5.h"
#include "os/thread.h"

struct md5_pool;

struct md5_job {
	struct md5 md5;
	struct md5_pool *pool;
	/* of the piece that is being worked on */
	const uint8_t *p;
	size_t n;
	bool busy;
	struct cond done;
	struct md5_job *next;
};

struct md5_pool *md5_pool_new(void);
struct md5_pool *md5_pool_free(struct md5_pool *q); /* after all jobs are ended; returns NULL */

void md5_job_begin(struct md5_pool *q, struct md5_job *j);
/* Waits for the piece before, then hands this one over. */
void md5_job_add(struct md5_job *j, const void *p, size_t n);
void md5_job_wait(struct md5_job *j); /* no piece is worked on any more */
void md5_job_end(struct md5_job *j, uint8_t ret[16]);
void md5_job_drop(struct md5_job *j); /* without a result */
