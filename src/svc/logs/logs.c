/* SPDX-License-Identifier: Apache-2.0 */
/* logs: rows, and the thread that keeps the lines which the program's own functions and jobs print. */
#include "svc/logs/logs.h"

#include <stdlib.h>
#include <string.h>

#include "os/clock.h"
#include "os/diag.h"
#include "svc/logs/logs_int.h"

#define WAITING_MAX (16UL * 1024 * 1024)
#define KEEP_EVERY_MS 200

int logs__schema(struct meta *m, struct err *e)
{
	return meta_schema(m,
			   "CREATE TABLE IF NOT EXISTS logs_group (name TEXT PRIMARY KEY, made_ms BIGINT NOT NULL);"
			   "CREATE TABLE IF NOT EXISTS logs_stream (grp TEXT NOT NULL, name TEXT NOT NULL, made_ms BIGINT NOT NULL,"
			   " first_ms BIGINT, last_ms BIGINT, PRIMARY KEY (grp, name));"
			   "CREATE TABLE IF NOT EXISTS logs_event (id INTEGER PRIMARY KEY, grp TEXT NOT NULL, stream TEXT NOT NULL,"
			   " at_ms BIGINT NOT NULL, taken_ms BIGINT NOT NULL, message TEXT NOT NULL);"
			   "CREATE INDEX IF NOT EXISTS logs_event_by_stream ON logs_event (grp, stream, at_ms, id);",
			   e);
}

int logs__make_tx(struct meta_tx *tx, const char *group, const char *stream, struct err *e)
{
	int64_t now = clock_ms();
	int r = tx_run(tx, e, "INSERT INTO logs_group (name, made_ms) VALUES (?, ?) ON CONFLICT DO NOTHING", "si", group, now);

	if (r < 0)
		return r;
	return tx_run(tx, e, "INSERT INTO logs_stream (grp, name, made_ms) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", "ssi",
		      group, stream, now);
}

int logs__add_tx(struct meta_tx *tx, const char *group, const char *stream, int64_t at_ms, struct view text, struct err *e)
{
	int r = tx_run(tx, e, "INSERT INTO logs_event (grp, stream, at_ms, taken_ms, message) VALUES (?, ?, ?, ?, ?)", "ssiiv",
		       group, stream, at_ms, clock_ms(), text.p ? text : VIEW(""));

	if (r < 0)
		return r;
	return tx_run(tx, e,
		      "UPDATE logs_stream SET first_ms = COALESCE(first_ms, ?), last_ms = ? WHERE grp = ? AND name = ?", "iiss",
		      at_ms, at_ms, group, stream);
}

static int keep_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	const struct logs_line *p;
	int r = 0;

	for (p = arg; p && r == 0; p = p->next) {
		r = logs__make_tx(tx, p->group, p->stream, e);
		if (r == 0)
			r = logs__add_tx(tx, p->group, p->stream, p->at_ms, p->text, e);
	}
	return r;
}

static struct logs_line *take(struct logs *l)
{
	struct logs_line *first = l->first;

	l->first = NULL;
	l->last = &l->first;
	l->bytes = 0;
	return first;
}

static void keep(struct logs *l, struct logs_line *first)
{
	struct err e = { 0 };

	if (first && meta_write(l->meta, keep_tx, first, &e) < 0)
		diag(DIAG_ERROR, "logs", "lines of functions were not kept: %s", e.msg);
	while (first) {
		struct logs_line *next = first->next;

		free(first);
		first = next;
	}
}

static void *keeper(void *arg)
{
	struct logs *l = arg;
	bool stop = false;

	while (!stop) {
		struct logs_line *first;
		uint64_t lost;

		lock_take(&l->lock);
		if (!l->stopping)
			(void)cond_wait_until(&l->wake, &l->lock, clock_mono_ns() + KEEP_EVERY_MS * 1000000LL);
		stop = l->stopping;
		first = take(l);
		lost = l->lost;
		l->lost = 0;
		lock_drop(&l->lock);
		if (lost)
			diag(DIAG_WARN, "logs", "%llu lines came faster than they could be kept", (unsigned long long)lost);
		keep(l, first);
	}
	return NULL;
}

static void port_write(void *self, const char *group, const char *stream, int64_t at_ms, struct view text)
{
	struct logs *l = self;
	size_t ng = strlen(group) + 1, ns = strlen(stream) + 1;
	struct logs_line *p = malloc(sizeof(*p) + ng + ns + text.n + 1);
	char *s;

	must(p);
	s = (char *)(p + 1);
	memcpy(s, group, ng);
	memcpy(s + ng, stream, ns);
	memcpy(s + ng + ns, text.p ? text.p : "", text.n);
	*p = (struct logs_line){ NULL, s, s + ng, at_ms, view_of(s + ng + ns, text.n) };
	LOCK_SCOPE(&l->lock);
	if (l->bytes + text.n > WAITING_MAX) {
		l->lost++;
		free(p);
		return;
	}
	l->bytes += text.n + sizeof(*p);
	*l->last = p;
	l->last = &p->next;
}

int logs_new(struct meta *m, const char *region, const char *account, struct logs **ret, struct err *e)
{
	struct logs *l;
	int r = logs__schema(m, e);

	if (r < 0)
		return r;
	l = calloc(1, sizeof(*l));
	must(l);
	l->meta = m;
	l->region = strdup(region);
	l->account = strdup(account);
	l->port = (struct logs_port){ l, port_write };
	l->last = &l->first;
	lock_init(&l->lock, "logs");
	cond_init(&l->wake);
	*ret = l;
	return 0;
}

int logs_start(struct logs *l, struct err *e)
{
	(void)e;
	l->thread = thread_start("logs", keeper, l);
	l->running = true;
	return 0;
}

struct logs *logs_free(struct logs *l)
{
	if (!l)
		return NULL;
	if (l->running) {
		lock_take(&l->lock);
		l->stopping = true;
		cond_signal(&l->wake);
		lock_drop(&l->lock);
		thread_join(l->thread);
	}
	cond_clear(&l->wake);
	lock_clear(&l->lock);
	free(l->region);
	free(l->account);
	free(l);
	return NULL;
}

const struct logs_port *logs_port(struct logs *l)
{
	return &l->port;
}

const char *logs__group_arn(struct logs *l, const char *group, struct arena *a)
{
	return arena_printf(a, "arn:aws:logs:%s:%s:log-group:%s", l->region, l->account, group);
}
