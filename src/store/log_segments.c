/* SPDX-License-Identifier: Apache-2.0 */
/* Logs on local segments: a journal is appended to, readers pread its files. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/limits.h"
#include "os/clock.h"
#include "os/file.h"
#include "store/journal.h"
#include "store/log_backend.h"
#include "store/log_marks.h"

#define FIRST_BYTES (64 * KIB)
#define READ_MIN (64 * KIB)
#define READ_MAX (8 * MIB)

struct seglog {
	struct log base;
	struct journal *j;
	struct log_marks marks;
};

struct seglog_reader {
	struct log_reader base;
	struct journal *j; /* held: the log is there as long */
	struct log_marks *marks;
	uint64_t marked;   /* offset from which on it leaves the next mark */
	atomic_bool wake;
	uint64_t next;    /* number of the next record to hand out */
	uint64_t segment; /* begins with this record; 0: none yet */
	uint64_t off, at; /* offset in it of record number @at, from where reading goes on */
	uint8_t *buf;
	size_t cap, pos, have; /* what was read ahead: from byte @pos, which is at offset @off, to @have */
};

static const struct log_vtable seglog_vtable;

static struct seglog *seglog_of(struct log *l)
{
	return CONTAINER_OF(l, struct seglog, base);
}

static struct seglog_reader *reader_of(struct log_reader *r)
{
	return CONTAINER_OF(r, struct seglog_reader, base);
}

int log_open_segments(const char *dir, const struct log_opts *o, struct log **ret, struct err *e)
{
	const struct log_opts none = { 0 };
	struct journal_opts jo = {
		.kind = "LOG ",
		.version = SEGMENT_KEYED,
		.first_bytes = FIRST_BYTES,
		.segment_bytes = o && o->segment_bytes ? o->segment_bytes : 64 * MIB,
		.bytes_max = o && o->bytes_max ? o->bytes_max : 1024 * GIB,
		.keep_ms = (o ? o : &none)->keep_ms,
		.keep_bytes = (o ? o : &none)->keep_bytes,
		.locked = (o ? o : &none)->locked,
	};
	struct journal *j;
	struct seglog *l;

	if (journal_open(dir, &jo, &j, e) < 0)
		return err_ctx(e, "log");
	l = calloc(1, sizeof(*l));
	must(l);
	*l = (struct seglog){ .base.vt = &seglog_vtable, .j = j };
	log_marks_init(&l->marks);
	*ret = &l->base;
	return 0;
}

static void seglog_close(struct log *log)
{
	struct seglog *l = seglog_of(log);

	journal_close(l->j);
	log_marks_clear(&l->marks);
	free(l);
}

static int seglog_append(struct log *l, const struct view *records, size_t n, uint64_t *ret_first, struct err *e)
{
	return journal_append(seglog_of(l)->j, records, n, NULL, ret_first, NULL, e);
}

static int seglog_append_once(struct log *l, const uint8_t key[LOG_KEY], const struct view *records, size_t n,
			      uint64_t *ret_first, struct err *e)
{
	_Static_assert(LOG_KEY == SEGMENT_KEY, "keys are stored as they are");
	return journal_append(seglog_of(l)->j, records, n, key, ret_first, NULL, e);
}

static uint64_t seglog_first(struct log *l)
{
	return journal_first(seglog_of(l)->j);
}

static uint64_t seglog_last(struct log *l)
{
	return journal_last(seglog_of(l)->j);
}

static int seglog_reader_new(struct log *l, uint64_t from, struct log_reader **ret, struct err *e)
{
	struct seglog_reader *r;

	if (from == 0)
		return err_set(e, ERR_INVALID, "records are numbered from 1");
	r = calloc(1, sizeof(*r));
	must(r);
	*r = (struct seglog_reader){ .base.vt = &seglog_vtable, .j = seglog_of(l)->j, .marks = &seglog_of(l)->marks,
				     .next = from };
	journal_hold(r->j);
	*ret = &r->base;
	return 0;
}

static void seglog_reader_free(struct log_reader *reader)
{
	struct seglog_reader *r = reader_of(reader);

	journal_release(r->j);
	free(r->buf);
	free(r);
}

static void seglog_reader_wake(struct log_reader *r)
{
	journal_wake(reader_of(r)->j, &reader_of(r)->wake);
}

/* The segment of the next record; *ret_to: how far it can be read. */
static int reader_segment(struct seglog_reader *r, struct segment_file **ret, uint64_t *ret_to, struct err *e)
{
	struct journal_place p;

	if (!journal_place_of(r->j, r->next, &p))
		return err_set(e, ERR_NOENT, "record %" PRIu64 " was removed from the log", r->next);
	if (journal_file_get(r->j, p.first, ret, e) < 0)
		return err_ctx(e, "record %" PRIu64, r->next);
	if (r->segment != p.first) {
		struct log_mark m = { p.first, p.from, p.first };

		(void)log_marks_find(r->marks, p.first, r->next, &m);
		r->segment = p.first;
		r->off = m.off;
		r->at = m.at;
		r->marked = m.off + MARKS_STEP;
		r->pos = r->have = 0;
	}
	*ret_to = p.to;
	return 0;
}

static void reader_reserve(struct seglog_reader *r, size_t n)
{
	if (r->cap >= n)
		return;
	free(r->buf);
	r->buf = malloc(n);
	must(r->buf);
	r->cap = n;
}

/* It has caught up; who knows for how long. */
static void reader_shrink(struct seglog_reader *r)
{
	free(r->buf);
	r->buf = NULL;
	r->cap = r->pos = r->have = 0;
}

static int corrupt(struct seglog_reader *r, struct err *e)
{
	char name[SEGMENT_NAME];

	r->pos = r->have = 0; /* the file may be put right */
	segment_name(r->segment, name);
	return err_set(e, ERR_CORRUPT,
		       "record %" PRIu64 " at byte %" PRIu64
		       " of segment %s cannot be read; put back a good copy of this file",
		       r->at, r->off, name);
}

/* Hands out what is whole in the buffer and moves on behind it; *ret_need: bytes of the first that is not. */
static int reader_decode(struct seglog_reader *r, const struct segment_info *seg, struct log_record *ret, size_t n,
			 size_t bytes_max, uint64_t *ret_need, struct err *e)
{
	struct segment_record rec;
	size_t bytes = 0;
	int count = 0;

	*ret_need = SEGMENT_RECORD;
	while ((size_t)count < n && r->pos < r->have) {
		enum segment_look look = segment_decode(r->buf + r->pos, r->have - r->pos, seg, r->off, &rec, ret_need);

		if (look == LOOK_SHORT)
			break;
		if (look == LOOK_BAD || rec.seq != r->at)
			return count ? count : corrupt(r, e);
		if (rec.seq >= r->next && rec.type != RECORD_KEY) {
			if (count && bytes + rec.len > bytes_max)
				break;
			ret[count++] = (struct log_record){
				.seq = rec.seq,
				.at_ms = rec.at_ms,
				.data = view_of(r->buf + r->pos + SEGMENT_RECORD, rec.len),
			};
			bytes += rec.len;
			r->next = rec.seq + 1;
		}
		r->pos += segment_room(rec.len);
		r->off += segment_room(rec.len);
		r->at = rec.seq + (rec.type != RECORD_KEY);
		if (r->off >= r->marked) {
			log_marks_put(r->marks, &(struct log_mark){ r->segment, r->off, r->at });
			r->marked = r->off + MARKS_STEP;
		}
		*ret_need = SEGMENT_RECORD;
	}
	return count;
}

static size_t chunk_size(size_t bytes_max, uint64_t need, uint64_t left)
{
	uint64_t want = bytes_max < READ_MIN ? READ_MIN : bytes_max > READ_MAX ? READ_MAX : bytes_max;

	if (want < need)
		want = need;
	return (size_t)(want < left ? want : left);
}

/* At least @need bytes from where the reader is, of a segment that can be read to offset @to. */
static int read_ahead(struct seglog_reader *r, int fd, uint64_t need, uint64_t to, size_t bytes_max, struct err *e)
{
	size_t want = chunk_size(bytes_max, need, to - r->off);
	ssize_t have;

	if (want < need)
		return corrupt(r, e);
	reader_reserve(r, want);
	r->pos = r->have = 0;
	have = file_pread_all(fd, r->buf, want, (off_t)r->off, e);
	if (have < 0)
		return err_ctx(e, "record %" PRIu64, r->at);
	if ((size_t)have < want)
		return corrupt(r, e);
	r->have = want;
	return 0;
}

/* The next record is durable: it and what follows in its segment, of what was read ahead if it is there. */
static int reader_fill(struct seglog_reader *r, struct log_record *ret, size_t n, size_t bytes_max, struct err *e)
{
	CLEANUP(segment_file_putp) struct segment_file *f = NULL;
	uint64_t to = 0, need;
	int count;

	if (reader_segment(r, &f, &to, e) < 0)
		return e->code;
	while ((count = reader_decode(r, &f->info, ret, n, bytes_max, &need, e)) == 0)
		if (read_ahead(r, f->fd, need, to, bytes_max, e) < 0)
			return e->code;
	return count;
}

static int seglog_read(struct log_reader *reader, struct log_record *ret, size_t n, size_t bytes_max, int timeout_ms,
		       struct err *e)
{
	struct seglog_reader *r = reader_of(reader);
	int64_t deadline = clock_mono_ns() + (int64_t)timeout_ms * 1000000;

	if (timeout_ms < 0)
		deadline = INT64_MAX;
	if (n == 0)
		return err_set(e, ERR_INVALID, "room for no record");
	if (journal_closing(r->j))
		return err_set(e, ERR_CANCELLED, "the log is closing");
	if (!journal_wait(r->j, r->next, deadline, &r->wake)) {
		if (journal_closing(r->j))
			return err_set(e, ERR_CANCELLED, "the log is closing");
		reader_shrink(r);
		return 0;
	}
	return reader_fill(r, ret, n, bytes_max, e);
}

static void seglog_watch(struct log *l, log_watch_fn fn, void *arg)
{
	journal_watch(seglog_of(l)->j, fn, arg);
}

static void seglog_unwatch(struct log *l, log_watch_fn fn, void *arg)
{
	journal_unwatch(seglog_of(l)->j, fn, arg);
}

/* The first of the records from @from up to @to that was accepted at @at_ms or later; @to + 1 if none was. */
static int scan_time(struct log *l, uint64_t from, uint64_t to, int64_t at_ms, uint64_t *ret_seq, struct err *e)
{
	struct log_record rec[64];
	struct log_reader *r;

	*ret_seq = from;
	if (seglog_reader_new(l, from, &r, e) < 0)
		return e->code;
	while (*ret_seq <= to) {
		int n = seglog_read(r, rec, ARRAY_LEN(rec), MIB, 0, e), i = 0;

		while (i < n && rec[i].seq <= to && rec[i].at_ms < at_ms)
			i++;
		*ret_seq += (uint64_t)(i > 0 ? i : 0);
		if (n < 0 || i < n)
			break;
	}
	seglog_reader_free(r);
	return e->code;
}

/* Of the segments' first records the last one before @at_ms begins the only segment to look through. */
static int find_time(struct log *l, int64_t at_ms, uint64_t *ret_seq, struct err *e)
{
	uint64_t lo = seglog_first(l), hi = seglog_last(l) + 1, found;
	struct journal_place p;

	while (lo < hi && journal_place_of(seglog_of(l)->j, lo + (hi - lo) / 2, &p)) {
		uint64_t middle = p.first > lo ? p.first : p.next;

		if (!middle || middle >= hi)
			break;
		if (scan_time(l, middle, middle, at_ms, &found, e) < 0)
			return e->code;
		if (found == middle)
			hi = middle;
		else
			lo = middle;
	}
	return scan_time(l, lo, hi - 1, at_ms, ret_seq, e);
}

static int seglog_at_time(struct log *l, int64_t at_ms, uint64_t *ret_seq, struct err *e)
{
	int rc;

	/* Trimmed under our hands: the log has moved on, so this ends. */
	while ((rc = find_time(l, at_ms, ret_seq, e)) == ERR_NOENT)
		err_clear(e);
	return rc;
}

static int seglog_trim(struct log *l, uint64_t seq, struct err *e)
{
	return journal_trim(seglog_of(l)->j, seq, e) < 0 ? err_ctx(e, "trim") : 0;
}

static const struct log_vtable seglog_vtable = {
	.name = "segments",
	.close = seglog_close,
	.append = seglog_append,
	.append_once = seglog_append_once,
	.first = seglog_first,
	.last = seglog_last,
	.watch = seglog_watch,
	.unwatch = seglog_unwatch,
	.at_time = seglog_at_time,
	.reader_new = seglog_reader_new,
	.read = seglog_read,
	.reader_wake = seglog_reader_wake,
	.reader_free = seglog_reader_free,
	.trim = seglog_trim,
};
