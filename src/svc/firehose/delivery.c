/* SPDX-License-Identifier: Apache-2.0 */
/*
 * delivery -- from a stream's log to objects: one thread per stream.
 *
 * Records stream into a blob while they are gathered.  When the buffering hints say so the blob becomes durable,
 * and one transaction publishes it and moves the stream's offset behind its last record, provided that the offset
 * is still where the first one begins.  A crash before the commit leaves a blob that nothing names and the old
 * offset: the records are read again.
 */
#include <inttypes.h>

#include "base/base64.h"
#include "base/crc.h"
#include "base/limits.h"
#include "os/clock.h"
#include "os/crypto.h"
#include "os/diag.h"
#include "svc/firehose/firehose_int.h"

#define READ_RECORDS 512
#define READ_BYTES (4 * MIB)
#define IDLE_MS 10000
#define RETRY_MIN_MS 100
#define RETRY_MAX_MS 30000
#define PACKED_MAX (16 * MIB) /* what one record can make of compressed bytes, and far more */

struct gather {
	struct blob_writer *w; /* NULL: nothing gathered */
	struct digest *md5;
	uint64_t crc64;
	struct pack *pack;
	struct buf packed;
	uint64_t first, last, bytes;
	int64_t at_ms;
};

/* --- gathering --- */

static void gather_drop(struct gather *g)
{
	if (!g->w)
		return;
	blob_abort(g->w);
	digest_free(g->md5);
	pack_free(g->pack);
	buf_clear(&g->packed);
	*g = (struct gather){ 0 };
}

static int gather_begin(struct fh_stream *s, struct gather *g, const struct log_record *r,
			struct err *e)
{
	int rc;

	*g = (struct gather){ .first = r->seq, .at_ms = r->at_ms };
	rc = blob_begin(s->f->blob, &g->w, e);
	if (rc) {
		g->w = NULL;
		return rc;
	}
	g->md5 = digest_new(DIGEST_MD5);
	g->pack = s->config.data.compression ? pack_new(s->config.data.compression, s->name) : NULL;
	buf_init(&g->packed, PACKED_MAX);
	return 0;
}

static int gather_out(struct gather *g, struct view v, struct err *e)
{
	digest_add(g->md5, v.p, v.n);
	g->crc64 = crc64nvme(g->crc64, v.p, v.n);
	return blob_write(g->w, v.p, v.n, e);
}

static int gather_packed(struct gather *g, struct err *e)
{
	int rc = buf_check(&g->packed, "compressed records", e);

	if (!rc)
		rc = gather_out(g, buf_view(&g->packed), e);
	buf_reset(&g->packed);
	return rc;
}

static int gather_add(struct fh_stream *s, struct gather *g, const struct log_record *r,
		      struct err *e)
{
	int rc = g->w ? 0 : gather_begin(s, g, r, e);

	if (rc)
		return rc;
	if (g->pack) {
		pack_add(g->pack, r->data.p, r->data.n, &g->packed);
		rc = gather_packed(g, e);
	} else {
		rc = gather_out(g, r->data, e);
	}
	g->last = r->seq;
	g->bytes += r->data.n;
	return rc;
}

/* Ends @g whatever happens. */
static int gather_end(struct gather *g, struct arena *a, struct fh_object *ret, struct err *e)
{
	char *md5 = arena_alloc(a, 33);
	uint8_t sum[DIGEST_MAX], be[8];
	int rc = 0;

	if (g->pack) {
		g->pack = pack_end(g->pack, &g->packed);
		rc = gather_packed(g, e);
	}
	digest_end(g->md5, sum);
	hex_encode(md5, sum, 16);
	for (int i = 0; i < 8; i++)
		be[i] = (uint8_t)(g->crc64 >> (56 - 8 * i));
	*ret = (struct fh_object){
		.md5_hex = md5, .first = g->first, .last = g->last, .at_ms = g->at_ms
	};
	ret->crc64nvme = arena_str(a, base64_encode_arena(a, view_of(be, 8)));
	if (rc)
		blob_abort(g->w);
	else
		rc = blob_commit(g->w, a, &ret->ref, e);
	buf_clear(&g->packed);
	*g = (struct gather){ 0 };
	return rc;
}

/* --- publishing --- */

char *fh__object_key(const struct fh_stream *s, const struct fh_object *o, struct arena *a)
{
	const struct fh_config *c = &s->config;
	const char *range = arena_printf(a, "%s:%" PRIu64 "-%" PRIu64, s->id, o->first, o->last);
	struct prefix_env env = { .at_ms = o->at_ms, .zone = c->zone };
	uint8_t h[DIGEST_MAX];
	struct buf b;
	char *key;

	digest_once(DIGEST_SHA256, view_str(range), h);
	memcpy(&env.seed, h + 16, sizeof(env.seed));
	/* RFC 9562, version 8, by our own rule: it begins with the first record's number, so that the objects of one
	 * second sort in the order of their records. */
	for (int i = 0; i < 6; i++)
		h[i] = (uint8_t)(o->first >> (40 - 8 * i));
	h[6] = (uint8_t)((h[6] & 0x0f) | 0x80);
	h[8] = (uint8_t)((h[8] & 0x3f) | 0x80);
	buf_init(&b, 16 * KIB);
	prefix_eval(s->config.data.prefix, &env, &b);
	buf_printf(&b, "%s-%" PRId64 "-", s->name, s->version);
	prefix_timestamp(VIEW("yyyy-MM-dd-HH-mm-ss"), o->at_ms, NULL, &b);
	buf_printf(&b, "-%s-%s-%s-%s-%s", hex_arena(a, h, 4), hex_arena(a, h + 4, 2),
		   hex_arena(a, h + 6, 2), hex_arena(a, h + 8, 2), hex_arena(a, h + 10, 6));
	buf_add_str(&b, c->extension ? c->extension : pack_extension(c->data.compression));
	key = arena_str(a, buf_view(&b));
	buf_clear(&b);
	return key;
}

struct publish_arg {
	struct fh_stream *s;
	const struct fh_object *o;
	struct s3_new new;
};

static int publish_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct publish_arg *p = arg;
	const struct s3_port *s3 = &p->s->f->s3;
	int rc = fh__advance(tx, p->s->id, p->s->delivered, p->o->last, e);

	return rc ? rc : s3->put_tx(s3->self, tx, &p->new, e);
}

int fh__publish(struct fh_stream *s, const struct fh_object *o, struct err *e)
{
	CLEANUP(arena_clear) struct arena a;
	struct publish_arg p = { .s = s, .o = o };

	arena_init(&a, LIMIT_ARENA);
	p.new = (struct s3_new){
		.bucket = s->config.data.bucket,
		.key = fh__object_key(s, o, &a),
		.ref = o->ref,
		.md5_hex = o->md5_hex,
		.crc64nvme = o->crc64nvme,
		.content_type = "application/octet-stream",
		.content_encoding = pack_encoding(s->config.data.compression),
		.reason = "PutObject",
		.requester = s->f->account,
		.source_ip = "127.0.0.1",
	};
	return meta_write(s->f->meta, publish_fn, &p, e);
}

static bool stopped(struct fh_stream *s)
{
	LOCK_SCOPE(&s->lock);
	return s->stop;
}

/* false: told to stop. */
static bool wait_ms(struct fh_stream *s, int64_t ms)
{
	int64_t until = clock_mono_ns() + ms * 1000000;

	LOCK_SCOPE(&s->lock);
	while (!s->stop && cond_wait_until(&s->wake, &s->lock, until))
		;
	return !s->stop;
}

static void trim(struct fh_stream *s)
{
	uint64_t held = fh__held(s);
	struct err e = { 0 };

	if (log_trim(s->log, held < s->delivered + 1 ? held : s->delivered + 1, &e) < 0)
		diag(DIAG_WARN, "firehose", "the log of %s is not trimmed: %s", s->name, e.msg);
}

/* The destination may fail as long as it likes: the records wait in the log.  false: told to stop, or the stream was
 * deleted: what is not delivered then must not be taken for delivered, or the log would be trimmed of it. */
static bool publish_until_done(struct fh_stream *s, struct fh_object *o, struct arena *a)
{
	const struct s3_port *s3 = &s->f->s3;
	const char *bucket = s->config.data.bucket;
	int64_t pause = RETRY_MIN_MS;

	for (;;) {
		struct err e = { 0 };
		int rc = s3->ready(s3->self, bucket, &o->ref, a, &e);

		if (!rc)
			rc = fh__publish(s, o, &e);
		if (!rc || rc == ERR_CONFLICT) {
			s->delivered = o->last;
			err_clear(&e);
			if (rc && blob_delete(s->f->blob, o->ref, &e) < 0)
				diag(DIAG_WARN, "firehose", "%s", e.msg);
			return true;
		}
		if (rc == ERR_CANCELLED)
			return false;
		if (pause == RETRY_MIN_MS || pause == RETRY_MAX_MS)
			diag(DIAG_WARN, "firehose", "delivery of %s waits: %s", s->name, e.msg);
		if (!wait_ms(s, pause))
			return false;
		pause = pause * 2 < RETRY_MAX_MS ? pause * 2 : RETRY_MAX_MS;
	}
}

/* What is gathered becomes an object.  On failure the records are read again. */
static int flush(struct fh_stream *s, struct gather *g, struct err *e)
{
	CLEANUP(arena_clear) struct arena a;
	struct fh_object o;
	int rc;

	arena_init(&a, LIMIT_ARENA);
	rc = gather_end(g, &a, &o, e);
	if (rc)
		return rc;
	if (!publish_until_done(s, &o, &a)) {
		if (blob_delete(s->f->blob, o.ref, e) < 0)
			return e->code;
		return err_set(e, ERR_CANCELLED, "delivery ends");
	}
	trim(s);
	return 0;
}

/* --- the actor --- */

static int timeout_of(const struct fh_stream *s, const struct gather *g)
{
	int64_t left;

	if (!g->w)
		return IDLE_MS;
	left = g->at_ms + s->config.data.interval_s * 1000 - clock_ms();
	return left < 0 ? 0 : left < IDLE_MS ? (int)left : IDLE_MS;
}

static bool is_due(const struct fh_stream *s, const struct gather *g)
{
	return g->w && (g->bytes >= (uint64_t)s->config.data.size_mb * MIB || timeout_of(s, g) == 0);
}

static int step(struct fh_stream *s, struct gather *g, struct err *e)
{
	struct log_record r[READ_RECORDS];
	int n = log_read(s->reader, r, READ_RECORDS, READ_BYTES, timeout_of(s, g), e);

	if (n < 0)
		return n;
	for (int i = 0; i < n; i++) {
		int rc = gather_add(s, g, &r[i], e);

		if (!rc && g->bytes >= (uint64_t)s->config.data.size_mb * MIB)
			rc = flush(s, g, e);
		if (rc)
			return rc;
	}
	return is_due(s, g) ? flush(s, g, e) : 0;
}

static int reader_at(struct fh_stream *s, struct err *e)
{
	uint64_t first = log_first(s->log), from = s->delivered + 1;
	struct log_reader *r;
	int rc;

	if (from < first) {
		diag(DIAG_ERROR, "firehose",
		     "records %" PRIu64 " to %" PRIu64 " of %s are not in its log", from, first - 1,
		     s->name);
		from = first;
	}
	rc = log_reader_new(s->log, from, &r, e);
	if (rc)
		return rc;
	LOCK_SCOPE(&s->lock);
	s->reader = r;
	return 0;
}

static void reader_end(struct fh_stream *s)
{
	struct log_reader *r;

	lock_take(&s->lock);
	r = s->reader;
	s->reader = NULL;
	lock_drop(&s->lock);
	if (r)
		log_reader_free(r);
}

static void *deliver(void *arg)
{
	struct fh_stream *s = arg;
	struct gather g = { 0 };
	int64_t pause = RETRY_MIN_MS;

	while (!stopped(s)) {
		struct err e = { 0 };
		int rc = s->reader ? 0 : reader_at(s, &e);

		if (!rc && !stopped(s))
			rc = step(s, &g, &e);
		if (!rc) {
			pause = RETRY_MIN_MS;
			continue;
		}
		gather_drop(&g);
		reader_end(s);
		if (rc == ERR_CANCELLED)
			break;
		diag(DIAG_ERROR, "firehose", "delivery of %s: %s", s->name, e.msg);
		wait_ms(s, pause);
		pause = pause * 2 < RETRY_MAX_MS ? pause * 2 : RETRY_MAX_MS;
	}
	gather_drop(&g);
	reader_end(s);
	return NULL;
}

int fh__delivery_start(struct fh_stream *s, struct err *e)
{
	(void)e;
	s->stop = false;
	s->running = true;
	s->actor = thread_start("firehose", deliver, s);
	return 0;
}

void fh__delivery_stop(struct fh_stream *s)
{
	if (!s->running)
		return;
	lock_take(&s->lock);
	s->stop = true;
	cond_broadcast(&s->wake);
	if (s->reader)
		log_reader_wake(s->reader);
	lock_drop(&s->lock);
	thread_join(s->actor);
	s->running = false;
}
