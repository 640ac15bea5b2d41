/* SPDX-License-Identifier: Apache-2.0 */
/* kinesis: the service: its errors, the streams there are, and the actor that keeps their retention periods. */
#include "svc/kinesis/kinesis.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "os/clock.h"
#include "os/crypto.h"
#include "os/diag.h"
#include "os/file.h"
#include "svc/kinesis/kinesis_int.h"

#define EXPIRE_NS (60 * 1000000000LL)
#define HOUR_MS (3600 * 1000LL)

const struct aws_error KINESIS_NOT_FOUND = { "ResourceNotFoundException", 400, false };
const struct aws_error KINESIS_IN_USE = { "ResourceInUseException", 400, false };
const struct aws_error KINESIS_INVALID = { "InvalidArgumentException", 400, false };
const struct aws_error KINESIS_LIMIT = { "LimitExceededException", 400, false };
const struct aws_error KINESIS_THROTTLED = { "ProvisionedThroughputExceededException", 400, false };
const struct aws_error KINESIS_EXPIRED = { "ExpiredIteratorException", 400, false };
const struct aws_error KINESIS_VALIDATION = { "ValidationException", 400, false };

static const struct aws_error *const errors[] = { &KINESIS_NOT_FOUND, &KINESIS_IN_USE,  &KINESIS_INVALID, &KINESIS_LIMIT,
						  &KINESIS_THROTTLED, &KINESIS_EXPIRED, &KINESIS_VALIDATION, NULL };

const struct service kinesis_service = {
	.name = "kinesis",
	.signing_name = "kinesis",
	.target_prefix = "Kinesis_20131202",
	.api_version = "2013-12-02",
	.protocol = OP_JSON_1_1,
	.ops = kinesis__ops,
	.n_ops = KINESIS_N_OPS,
	.errors = errors,
	.invalid = &KINESIS_VALIDATION,
	.refused = &KINESIS_INVALID,
};

int64_t kinesis__now(const struct kinesis *k)
{
	return k->o.now_ms ? k->o.now_ms() : clock_ms();
}

const char *kinesis__arn(const struct kinesis *k, struct arena *a, const char *name)
{
	return arena_printf(a, "arn:aws:kinesis:%s:%s:stream/%s", k->region, k->account, name);
}

/* --- finding --- */

struct kn_stream *kinesis__find(struct kinesis *k, const char *name)
{
	LOCK_SCOPE(&k->lock);
	return map_get(&k->streams, view_str(name));
}

static int not_found(struct op_ctx *cx, const char *name)
{
	const struct kinesis *k = cx->self;

	return aws_fail(&cx->err, &KINESIS_NOT_FOUND, "Stream %.200s under account %s not found.", name, k->account);
}

/* The name that is meant, or NULL with the error set. */
static const char *name_of(struct op_ctx *cx, const char *name, const char *arn)
{
	const struct kinesis *k = cx->self;
	struct view prefix = view_str(kinesis__arn(k, cx->arena, "")), v = view_str(arn);

	if (!arn && !name) {
		aws_fail(&cx->err, &KINESIS_INVALID, "Either StreamName or StreamARN has to be given.");
		return NULL;
	}
	if (!arn)
		return name;
	if (!view_starts(v, prefix)) {
		not_found(cx, arn);
		return NULL;
	}
	v = view_from(v, prefix.n);
	if (name && !view_eq_str(v, name)) {
		aws_fail(&cx->err, &KINESIS_INVALID, "StreamName and StreamARN name two streams.");
		return NULL;
	}
	return arena_str(cx->arena, v);
}

struct kn_stream *kinesis__need(struct op_ctx *cx, const char *name, const char *arn)
{
	const char *which = name_of(cx, name, arn);
	struct kn_stream *s = which ? kinesis__find(cx->self, which) : NULL;

	if (which && !s)
		not_found(cx, which);
	return s;
}

int kinesis__source_named(struct kinesis *k, const char *name, struct arena *a, struct kn_source *ret)
{
	const struct firehose_port *f = k->o.firehose;
	struct kn_stream *s = kinesis__find(k, name);
	struct log *log;

	if (s) {
		LOCK_SCOPE(&k->lock);
		*ret = (struct kn_source){ .log = s->log, .name = s->row.name, .row = s->row };
		return 0;
	}
	log = f && f->log ? f->log(f->self, name) : NULL;
	if (!log)
		return ERR_NOENT;
	*ret = (struct kn_source){ .log = log, .name = arena_str(a, view_str(name)), .plain = true };
	ret->row = (struct kn_row){ .name = ret->name, .id = ret->name, .shards = 1, .retention_h = KINESIS_RETENTION_MIN_H };
	return 0;
}

int kinesis__source(struct op_ctx *cx, const char *name, const char *arn, struct kn_source *ret)
{
	const char *which = name_of(cx, name, arn);

	if (!which)
		return cx->err.code;
	return kinesis__source_named(cx->self, which, cx->arena, ret) ? not_found(cx, which) : 0;
}

int kinesis__horizon(struct kinesis *k, const struct kn_source *s, uint64_t *ret, struct err *e)
{
	uint64_t first = log_first(s->log);
	int rc;

	*ret = first;
	if (s->plain)
		return 0;
	rc = log_at_time(s->log, kinesis__now(k) - s->row.retention_h * HOUR_MS, ret, e);
	if (*ret < first)
		*ret = first;
	return rc;
}

/* --- streams --- */

static struct kn_stream *stream_free(struct kn_stream *s)
{
	if (s->log)
		log_close(s->log);
	while (s->holds) {
		struct kn_hold *h = s->holds;

		s->holds = h->next;
		free(h);
	}
	arena_clear(&s->arena);
	free(s);
	return NULL;
}

static int stream_open(struct kinesis *k, const struct kn_row *r, struct kn_stream **ret, struct err *e)
{
	const struct log_opts o = { .bytes_max = k->o.log_bytes_max, .locked = true };
	struct kn_stream *s = calloc(1, sizeof(*s));
	const char *dir;
	int rc;

	must(s);
	s->k = k;
	arena_init(&s->arena, MIB);
	s->row = *r;
	s->row.name = arena_str(&s->arena, view_str(r->name));
	s->row.id = arena_str(&s->arena, view_str(r->id));
	dir = arena_printf(&s->arena, "%s/%s", k->dir, r->id);
	rc = file_mkdirs(dir, 0700, e);
	if (!rc)
		rc = log_open_segments(dir, &o, &s->log, e);
	if (rc) {
		stream_free(s);
		return err_ctx(e, "stream %s", r->name);
	}
	*ret = s;
	return 0;
}

static void publish(struct kinesis *k, struct kn_stream *s)
{
	LOCK_SCOPE(&k->lock);
	map_put(&k->streams, view_str(s->row.name), s);
	s->next = k->all;
	k->all = s;
}

struct add_arg {
	const struct kn_row *row;
	const struct op_pair *tags;
	size_t n_tags;
};

static int add_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	const struct add_arg *a = arg;
	int rc = kinesis__insert(tx, a->row, e);

	for (size_t i = 0; !rc && i < a->n_tags; i++)
		rc = kinesis__tag_put(tx, a->row->id, &a->tags[i], e);
	return rc;
}

int kinesis__add(struct kinesis *k, const struct kn_row *r, const struct op_pair *tags, size_t n_tags, struct err *e)
{
	struct add_arg a = { r, tags, n_tags };
	struct kn_stream *s = NULL;
	int rc;

	LOCK_SCOPE(&k->admin);
	if (kinesis__find(k, r->name))
		return aws_fail(e, &KINESIS_IN_USE, "Stream %s under account %s already exists.", r->name, k->account);
	/* The log first: a folder without a row is litter, a row without a log would be a stream that loses. */
	rc = stream_open(k, r, &s, e);
	if (!rc)
		rc = meta_write(k->o.meta, add_fn, &a, e);
	if (rc) {
		if (s)
			stream_free(s);
		return rc;
	}
	publish(k, s);
	return 0;
}

static int delete_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	const struct kn_stream *s = arg;

	return kinesis__remove(tx, s->row.id, e);
}

/* As with AWS the records are gone with it; their files go at the next start, when nobody can be reading them. */
int kinesis__delete(struct kinesis *k, struct kn_stream *s, struct err *e)
{
	int rc;

	LOCK_SCOPE(&k->admin);
	if (s->deleted)
		return 0;
	rc = meta_write(k->o.meta, delete_fn, s, e);
	if (rc)
		return rc;
	s->deleted = true;
	lock_take(&k->lock);
	map_del(&k->streams, view_str(s->row.name));
	lock_drop(&k->lock);
	return 0;
}

struct retain_arg {
	const struct kn_stream *s;
	int64_t hours;
};

static int retain_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	const struct retain_arg *a = arg;

	return kinesis__update(tx, a->s->row.id, a->hours, e);
}

int kinesis__retain(struct kn_stream *s, int64_t hours, struct err *e)
{
	struct retain_arg a = { s, hours };
	int rc = meta_write(s->k->o.meta, retain_fn, &a, e);

	LOCK_SCOPE(&s->k->lock);
	if (!rc)
		s->row.retention_h = hours;
	return rc;
}

/* --- retention --- */

static void expire(struct kinesis *k, struct kn_stream *s)
{
	struct kn_source x = { .log = s->log, .name = s->row.name };
	struct err e = { 0 };
	uint64_t from;
	int rc;

	lock_take(&k->lock);
	x.row = s->row;
	lock_drop(&k->lock);
	rc = kinesis__horizon(k, &x, &from, &e);
	lock_take(&k->lock);
	for (const struct kn_hold *h = s->holds; h; h = h->next)
		if (h->seq < from)
			from = h->seq;
	lock_drop(&k->lock);
	if (!rc)
		rc = log_trim(s->log, from, &e);
	if (rc)
		diag(DIAG_WARN, "kinesis", "stream %s: what is older than %lld hours is kept: %s", s->row.name,
		     (long long)x.row.retention_h, e.msg);
}

void kinesis_expire(struct kinesis *k)
{
	struct kn_stream *first;

	lock_take(&k->lock);
	first = k->all;
	lock_drop(&k->lock);
	for (struct kn_stream *s = first; s; s = s->next) /* streams come at the front only, and stay */
		expire(k, s);
}

static void *actor(void *arg)
{
	struct kinesis *k = arg;
	int64_t next = clock_mono_ns() + EXPIRE_NS;

	lock_take(&k->lock);
	while (!k->stop) {
		if (cond_wait_until(&k->wake, &k->lock, next))
			continue;
		lock_drop(&k->lock);
		kinesis_expire(k);
		next = clock_mono_ns() + EXPIRE_NS;
		lock_take(&k->lock);
	}
	lock_drop(&k->lock);
	return NULL;
}

/* --- beginning and end --- */

struct rows_arg {
	struct arena *a;
	struct kn_row *v;
	size_t n;
};

static int rows_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct rows_arg *r = arg;

	return kinesis__rows(tx, r->a, &r->v, &r->n, e);
}

static bool known(const struct rows_arg *r, const char *id)
{
	for (size_t i = 0; i < r->n; i++)
		if (strcmp(r->v[i].id, id) == 0)
			return true;
	return false;
}

static void dir_closep(DIR **d)
{
	if (*d)
		closedir(*d);
}

/* Logs of streams that were deleted, or whose creation did not come to its end. */
static void sweep(const struct kinesis *k, const struct rows_arg *r)
{
	CLEANUP(dir_closep) DIR *d = opendir(k->dir);

	for (const struct dirent *x; d && (x = readdir(d));) {
		struct err e = { 0 };

		if (x->d_name[0] == '.' || known(r, x->d_name))
			continue;
		if (file_remove_tree(arena_printf(r->a, "%s/%s", k->dir, x->d_name), &e) < 0)
			diag(DIAG_WARN, "kinesis", "%s", e.msg);
	}
}

static int open_all(struct kinesis *k, struct err *e)
{
	CLEANUP(arena_clear) struct arena a;
	struct rows_arg r = { .a = &a };
	int rc;

	arena_init(&a, LIMIT_ARENA);
	rc = meta_read(k->o.meta, rows_fn, &r, e);
	if (!rc)
		sweep(k, &r);
	for (size_t i = 0; !rc && i < r.n; i++) {
		struct kn_stream *s;

		rc = stream_open(k, &r.v[i], &s, e);
		if (!rc)
			publish(k, s);
	}
	return rc;
}

int kinesis_new(const struct kinesis_opts *o, struct kinesis **ret, struct err *e)
{
	struct kinesis *k;
	int rc = meta_schema(o->meta, kinesis__ddl, e);

	if (!rc)
		rc = file_mkdirs(o->dir, 0700, e);
	if (rc < 0)
		return err_ctx(e, "kinesis");
	k = calloc(1, sizeof(*k));
	must(k);
	k->o = *o;
	k->dir = strdup(o->dir);
	k->region = strdup(o->region);
	k->account = strdup(o->account);
	must(k->dir && k->region && k->account);
	lock_init(&k->admin, "kinesis-admin");
	lock_init(&k->lock, "kinesis");
	cond_init(&k->wake);
	map_init(&k->streams);
	k->log_lock = -1;
	rc = log_lock(k->dir, &k->log_lock, e);
	if (!rc)
		rc = open_all(k, e);
	if (rc < 0) {
		kinesis_free(k);
		return err_ctx(e, "kinesis");
	}
	k->running = true;
	k->actor = thread_start("kinesis", actor, k);
	*ret = k;
	return 0;
}

struct kinesis *kinesis_free(struct kinesis *k)
{
	if (!k)
		return NULL;
	lock_take(&k->lock);
	k->stop = true;
	cond_signal(&k->wake);
	lock_drop(&k->lock);
	if (k->running)
		thread_join(k->actor);
	while (k->all) {
		struct kn_stream *s = k->all;

		k->all = s->next;
		stream_free(s);
	}
	map_clear(&k->streams);
	fd_closep(&k->log_lock);
	cond_clear(&k->wake);
	lock_clear(&k->lock);
	lock_clear(&k->admin);
	free(k->dir);
	free(k->region);
	free(k->account);
	free(k);
	return NULL;
}

/* --- the port --- */

static struct log *port_log(void *self, const char *name, const char **ret_id)
{
	struct kn_stream *s = kinesis__find(self, name);

	*ret_id = s ? s->row.id : NULL;
	return s ? s->log : NULL;
}

static void port_hold(void *self, const char *name, const char *reader, uint64_t seq)
{
	struct kinesis *k = self;
	struct kn_stream *s = kinesis__find(k, name);
	struct kn_hold **h;

	if (!s)
		return;
	LOCK_SCOPE(&k->lock);
	for (h = &s->holds; *h && strcmp((*h)->reader, reader) != 0;)
		h = &(*h)->next;
	if (seq == UINT64_MAX && *h) {
		struct kn_hold *gone = *h;

		*h = gone->next;
		free(gone);
	} else if (seq != UINT64_MAX) {
		size_t n = strlen(reader) + 1;

		if (!*h) {
			*h = calloc(1, sizeof(**h) + n);
			must(*h);
			memcpy((*h)->reader, reader, n);
		}
		(*h)->seq = seq;
	}
}

struct kinesis_port kinesis_port(struct kinesis *k)
{
	return (struct kinesis_port){ .self = k, .log = port_log, .hold = port_hold, .record = kinesis__record_parse };
}
