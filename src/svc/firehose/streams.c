/* SPDX-License-Identifier: Apache-2.0 */
/* streams -- the delivery streams there are: found by name, created, deleted, watched. */
#include <stdlib.h>

#include "base/limits.h"
#include "os/clock.h"
#include "os/crypto.h"
#include "os/file.h"
#include "svc/firehose/deliver.h"

#define ID_TEXT 33

char *fh__arn(const struct firehose *f, struct arena *a, const char *name)
{
	return arena_printf(a, "arn:aws:firehose:%s:%s:deliverystream/%s", f->region, f->account,
			    name);
}

struct fh_stream *fh__find(struct firehose *f, const char *name)
{
	LOCK_SCOPE(&f->lock);
	return map_get(&f->streams, view_str(name));
}

int fh__not_found(struct op_ctx *cx, const char *name)
{
	const struct firehose *f = cx->self;

	err_clear(&cx->err);
	return aws_fail(&cx->err, &FIREHOSE_NOT_FOUND, "Firehose %s under account %s not found.", name, f->account);
}

struct fh_stream *fh__need(struct op_ctx *cx, const char *name)
{
	struct fh_stream *s = fh__find(cx->self, name);

	if (!s)
		fh__not_found(cx, name);
	return s;
}

/* --- one stream --- */

static struct fh_stream *stream_free(struct fh_stream *s)
{
	fh__end(s);
	if (s->log && !s->foreign)
		log_close(s->log);
	fh__hold_free(s);
	lock_clear(&s->lock);
	arena_clear(&s->arena);
	free(s);
	return NULL;
}

static struct fh_stream *stream_new(struct firehose *f, const struct fh_row *r)
{
	struct fh_stream *s = calloc(1, sizeof(*s));

	must(s);
	s->f = f;
	arena_init(&s->arena, LIMIT_ARENA);
	lock_init(&s->lock, "firehose-stream");
	s->name = arena_str(&s->arena, view_str(r->name));
	s->id = arena_str(&s->arena, view_str(r->id));
	s->created_ms = r->created_ms;
	s->known = r->delivered;
	s->source_text = r->source ? arena_str(&s->arena, view_str(r->source)) : NULL;
	return s;
}

static int stream_open(struct fh_stream *s, struct err *e)
{
	const uint64_t max = s->f->log_bytes_max;
	const struct log_opts o = { .bytes_max = max,
				    .segment_bytes = max && max < 256 * MIB ? max / 4 : 0,
				    .keep_ms = s->f->log_keep_ms,
				    .keep_bytes = s->f->log_keep_bytes,
				    .locked = true };
	const char *dir = arena_printf(&s->arena, "%s/%s", s->f->dir, s->id);
	int rc = s->source_text ? fh__source_open(s, s->source_text, e) : ERR_NOENT;

	s->foreign = rc == 0;
	if (rc != ERR_NOENT) /* without its source it has an empty log */
		return rc;
	rc = file_mkdirs(dir, 0700, e);
	return rc ? rc : log_open_segments(dir, &o, &s->log, e);
}

struct telling {
	void (*fn)(void *arg, const char *stream, struct log *l);
	void *arg;
};

/* From now on it is found.  Who watches is told after the lock is dropped. */
static void publish_stream(struct firehose *f, struct fh_stream *s)
{
	struct telling tell[16];
	size_t n = 0;

	lock_take(&f->lock);
	map_put(&f->streams, view_str(s->name), s);
	s->next = f->all;
	f->all = s;
	for (const struct fh_watch *w = f->watches; w && n < ARRAY_LEN(tell); w = w->next)
		tell[n++] = (struct telling){ w->fn, w->arg };
	lock_drop(&f->lock);
	for (size_t i = 0; i < n && !s->source; i++)
		tell[i].fn(tell[i].arg, s->name, s->log);
}

/* The admin lock keeps streams from coming meanwhile, so that each is told once. */
void fh__watch(struct firehose *f, void (*fn)(void *arg, const char *stream, struct log *l),
	       void *arg)
{
	struct fh_watch *w = calloc(1, sizeof(*w));
	size_t slot = 0;
	struct map_entry *it = NULL;

	must(w);
	LOCK_SCOPE(&f->admin);
	*w = (struct fh_watch){ .next = f->watches, .fn = fn, .arg = arg };
	lock_take(&f->lock);
	f->watches = w;
	lock_drop(&f->lock);
	while (map_next(&f->streams, &slot, &it)) { /* changed under admin only */
		const struct fh_stream *s = it->value;

		if (!s->source) /* others see what is put here; a data stream has its own readers */
			fn(arg, s->name, s->log);
	}
}

/* --- creation, deletion --- */

struct create_arg {
	const struct fh_row *row;
	const struct fh_tag *tags;
	size_t n_tags;
};

static int create_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct create_arg *a = arg;
	int rc = fh__insert(tx, a->row, e);

	for (size_t i = 0; !rc && i < a->n_tags; i++)
		rc = fh__tag_put(tx, a->row->id, &a->tags[i], e);
	return rc;
}

static int in_use(const struct firehose *f, const char *name, struct err *e)
{
	return aws_fail(e, &FIREHOSE_IN_USE, "Firehose %s under accountId %s already exists", name,
			f->account);
}

int fh__create(struct firehose *f, const struct fh_row *asked, const struct json *destination, const struct fh_tag *tags,
	       size_t n_tags, struct err *e)
{
	CLEANUP(arena_clear) struct arena a;
	char uuid[UUID_TEXT], id[ID_TEXT];
	struct fh_row row = *asked;
	const char *name = row.name;
	struct create_arg arg = { &row, tags, n_tags };
	struct fh_stream *s;
	size_t n = 0;
	int rc;

	arena_init(&a, LIMIT_ARENA);
	row.id = id;
	row.created_ms = clock_ms();
	row.version = 1;
	row.delivered = row.origin;
	row.config = json_text(&a, destination);
	uuid7(uuid);
	for (size_t i = 0; uuid[i]; i++)
		if (uuid[i] != '-')
			id[n++] = uuid[i];
	id[n] = 0;
	LOCK_SCOPE(&f->admin);
	if (fh__find(f, name))
		return in_use(f, name, e);
	s = stream_new(f, &row);
	/* The log first: a folder without a row is nothing, a row without a log would be a stream that loses. */
	rc = stream_open(s, e);
	if (!rc)
		rc = meta_write(f->meta, create_fn, &arg, e);
	if (rc) {
		stream_free(s);
		return rc;
	}
	publish_stream(f, s);
	if (f->delivering)
		fh__begin(s);
	return 0;
}

struct delete_arg {
	struct fh_row row;
};

static int delete_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct delete_arg *a = arg;

	return fh__remove(tx, &a->row, clock_ms(), e);
}

int fh__delete(struct firehose *f, const char *name, struct err *e)
{
	struct delete_arg a;
	struct fh_stream *s;
	int rc;

	LOCK_SCOPE(&f->admin);
	s = fh__find(f, name);
	if (!s)
		return aws_fail(e, &FIREHOSE_NOT_FOUND, "Firehose %s under account %s not found.",
				name, f->account);
	a.row = (struct fh_row){ .name = s->name, .id = s->id };
	rc = meta_write(f->meta, delete_fn, &a, e);
	if (rc)
		return rc;
	lock_take(&f->lock);
	map_del(&f->streams, view_str(name));
	lock_drop(&f->lock);
	s->deleted = true;
	fh__end(s);
	if (s->foreign)
		fh__source_close(s);
	return 0;
}

/* --- the service --- */

struct firehose *firehose_new(const struct firehose_opts *o)
{
	struct firehose *f = calloc(1, sizeof(*f));

	must(f && o->meta && o->blob && o->s3.put_tx);
	f->meta = o->meta;
	f->blob = o->blob;
	f->s3 = o->s3;
	f->dir = strdup(o->dir);
	f->region = strdup(o->region);
	f->account = strdup(o->account);
	f->staging = strdup(o->staging ? o->staging : "");
	must(f->dir && f->region && f->account && f->staging);
	f->kinesis = o->kinesis;
	f->glue = o->glue;
	f->sql = o->sql;
	f->jq = o->jq;
	f->logs = o->logs;
	f->log_bytes_max = o->log_bytes_max;
	f->log_keep_ms = o->log_keep_ms;
	f->log_keep_bytes = o->log_keep_bytes;
	f->log_lock = -1;
	lock_init(&f->admin, "firehose-admin");
	lock_init(&f->lock, "firehose");
	map_init(&f->streams);
	fh__sched_init(f);
	return f;
}

struct start_arg {
	struct firehose *f;
	struct fh_stream *list;
	struct err *e;
};

static void found(void *arg, const struct fh_row *r)
{
	struct start_arg *a = arg;
	struct fh_stream *s = stream_new(a->f, r); /* opened later, outside of the transaction */

	s->next = a->list;
	a->list = s;
}

static int start_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct start_arg *a = arg;
	int rc = fh__rows(tx, found, a, e);

	for (struct fh_stream *s = a->list; !rc && s; s = s->next)
		rc = fh__hold_load(s, tx, e);
	return rc;
}

static int start_one(struct fh_stream *s, struct err *e)
{
	int rc = stream_open(s, e);

	return rc ? err_ctx(e, "delivery stream %s", s->name) : 0;
}

int firehose_start(struct firehose *f, struct err *e)
{
	struct start_arg a = { .f = f };
	int rc = file_mkdirs(f->dir, 0700, e);

	LOCK_SCOPE(&f->admin);
	if (!rc)
		rc = log_lock(f->dir, &f->log_lock, e);
	if (!rc)
		rc = meta_schema(f->meta, fh__ddl, e);
	if (!rc)
		rc = meta_steps(f->meta, "firehose", fh__steps, e);
	if (!rc)
		rc = meta_read(f->meta, start_fn, &a, e);
	while (a.list) {
		struct fh_stream *s = a.list;

		a.list = s->next;
		if (!rc)
			rc = start_one(s, e);
		if (rc)
			stream_free(s);
		else
			publish_stream(f, s);
	}
	return rc;
}

int firehose_deliver(struct firehose *f, const struct op_registry *ops, struct err *e)
{
	LOCK_SCOPE(&f->admin);
	atomic_store(&f->ops, ops);
	f->delivering = true;
	for (struct fh_stream *s = f->all; s; s = s->next) /* changed under admin only */
		if (!s->deleted)
			fh__begin(s);
	return 0;
}

void firehose_stop(struct firehose *f)
{
	LOCK_SCOPE(&f->admin);
	for (struct fh_stream *s = f->all; s; s = s->next)
		fh__end(s);
	f->delivering = false;
}

struct firehose *firehose_free(struct firehose *f)
{
	if (!f)
		return NULL;
	firehose_stop(f);
	while (f->all) {
		struct fh_stream *s = f->all;

		f->all = s->next;
		stream_free(s);
	}
	while (f->watches) {
		struct fh_watch *w = f->watches;

		f->watches = w->next;
		free(w);
	}
	fh__sched_clear(f);
	fd_closep(&f->log_lock);
	map_clear(&f->streams);
	lock_clear(&f->lock);
	lock_clear(&f->admin);
	free(f->dir);
	free(f->region);
	free(f->account);
	free(f->staging);
	free(f);
	return NULL;
}

/* --- the port --- */

static struct log *port_log(void *self, const char *stream)
{
	struct fh_stream *s = fh__find(self, stream);

	return s && !s->source ? s->log : NULL;
}

static void port_hold(void *self, const char *stream, const char *reader, uint64_t seq)
{
	struct fh_stream *s = fh__find(self, stream);

	if (s)
		fh__hold(s, reader, seq);
}

static void port_watch(void *self, void (*fn)(void *arg, const char *stream, struct log *l),
		       void *arg)
{
	fh__watch(self, fn, arg);
}

struct firehose_port firehose_port(struct firehose *f)
{
	return (struct firehose_port){
		.self = f, .log = port_log, .hold = port_hold, .watch = port_watch
	};
}
