/* SPDX-License-Identifier: Apache-2.0 */
/* The public face of logs: hands every call to the log's backend. */
#include "store/log.h"

#include "store/dirlock.h"
#include "store/log_backend.h"

int log_lock(const char *dir, int *ret_fd, struct err *e)
{
	return dirlock_take(dir, ret_fd, e);
}

struct log *log_close(struct log *l)
{
	if (l)
		l->vt->close(l);
	return NULL;
}

int log_append(struct log *l, const struct view *records, size_t n, uint64_t *ret_first, struct err *e)
{
	return l->vt->append(l, records, n, ret_first, e);
}

int log_append_once(struct log *l, const uint8_t key[LOG_KEY], const struct view *records, size_t n,
		    uint64_t *ret_first, struct err *e)
{
	return l->vt->append_once(l, key, records, n, ret_first, e);
}

uint64_t log_first(struct log *l)
{
	return l->vt->first(l);
}

uint64_t log_last(struct log *l)
{
	return l->vt->last(l);
}

void log_watch(struct log *l, log_watch_fn fn, void *arg)
{
	l->vt->watch(l, fn, arg);
}

void log_unwatch(struct log *l, log_watch_fn fn, void *arg)
{
	l->vt->unwatch(l, fn, arg);
}

int log_at_time(struct log *l, int64_t at_ms, uint64_t *ret_seq, struct err *e)
{
	return l->vt->at_time(l, at_ms, ret_seq, e);
}

int log_reader_new(struct log *l, uint64_t from, struct log_reader **ret, struct err *e)
{
	return l->vt->reader_new(l, from, ret, e);
}

int log_read(struct log_reader *r, struct log_record *ret, size_t n, size_t bytes_max, int timeout_ms, struct err *e)
{
	return r->vt->read(r, ret, n, bytes_max, timeout_ms, e);
}

void log_reader_wake(struct log_reader *r)
{
	r->vt->reader_wake(r);
}

struct log_reader *log_reader_free(struct log_reader *r)
{
	if (r)
		r->vt->reader_free(r);
	return NULL;
}

int log_trim(struct log *l, uint64_t seq, struct err *e)
{
	return l->vt->trim(l, seq, e);
}
