/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Works one store so that the harness can cut the power, and afterwards accounts for what was acknowledged.
 *
 *	store_driver run log|blob|meta DIR     prints one line per acknowledged item, at once
 *	store_driver check log|blob|meta DIR   reads these lines from stdin; exit 1 and a line per loss
 *	store_driver full FILLER DIR           writes until the disk is full, removes FILLER, must go on; exit 1
 *
 * Lines:  log "A <first number> <thread> <round>", "T <number>" before a trim to it
 *         blob "A <size> <seed> <reference>", "D 0 0 <reference>" before a delete      meta "A <id> 0 0"
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/view.h"
#include "fault.h"
#include "os/file.h"
#include "os/thread.h"
#include "store/blob.h"
#include "store/log.h"
#include "store/meta.h"

#define THREADS 2
#define LINES_MAX 4096

struct line {
	char what;
	uint64_t a, b, c;
	char text[256]; /* the third value as it is */
};

static struct line lines[LINES_MAX];
static size_t n_lines;

static void read_lines(void)
{
	char text[512];

	while (fgets(text, sizeof(text), stdin)) {
		struct view rest = view_trim(view_str(text)), part;
		struct line *l = &lines[n_lines++];

		must(n_lines < LINES_MAX);
		must(view_split(&rest, ' ', &part) && part.n == 1);
		l->what = part.p[0];
		must(view_split(&rest, ' ', &part) && view_u64(part, UINT64_MAX, &l->a));
		if (view_split(&rest, ' ', &part))
			must(view_u64(part, UINT64_MAX, &l->b));
		if (rest.p && !view_u64(rest, UINT64_MAX, &l->c))
			snprintf(l->text, sizeof(l->text), "%.*s", VIEW_ARG(rest));
	}
}

/* log */

#define LOG_ROUNDS 40
#define UNIT 3

static size_t log_text(char out[400], uint64_t thread, uint64_t round, unsigned i)
{
	size_t n = (size_t)snprintf(out, 400, "%" PRIu64 "/%" PRIu64 "/%u ", thread, round, i);

	memset(out + n, (int)('a' + round % 26), round * 7);
	return n + round * 7;
}

static struct log *log_open(const char *dir)
{
	struct log_opts o = { .segment_bytes = 16 * KIB };
	struct err e = { 0 };
	struct log *l = NULL;

	if (log_open_segments(dir, &o, &l, &e) < 0)
		fault_stop(&e);
	return l;
}

struct thread {
	void *store;
	uint64_t no;
};

/* Every third unit has no key. */
static int log_once(struct log *l, uint64_t thread, uint64_t round, const struct view v[UNIT], uint64_t *ret_first,
		    struct err *e)
{
	uint8_t key[LOG_KEY] = { (uint8_t)(1 + thread), (uint8_t)round };

	if (round % 3 == 2)
		return log_append(l, v, UNIT, ret_first, e);
	return log_append_once(l, key, v, UNIT, ret_first, e);
}

static void *log_work(void *arg)
{
	struct thread *t = arg;

	for (uint64_t round = 0; round < LOG_ROUNDS; round++) {
		static _Thread_local char text[UNIT][400];
		struct view v[UNIT];
		struct err e = { 0 };
		uint64_t first;

		for (unsigned i = 0; i < UNIT; i++)
			v[i] = view_of(text[i], log_text(text[i], t->no, round, i));
		if (log_once(t->store, t->no, round, v, &first, &e) < 0)
			fault_stop(&e);
		fault_tell("A %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", first, t->no, round);
		if (t->no == 0 && round % 15 == 14) {
			fault_tell("T %" PRIu64 "\n", first - 30);
			if (log_trim(t->store, first - 30, &e) < 0)
				fault_stop(&e);
		}
	}
	return NULL;
}

/* What each number should hold, by the acknowledgements. */
static void check_log_record(const struct log_record *r)
{
	for (size_t k = 0; k < n_lines; k++) {
		const struct line *l = &lines[k];
		char want[400];
		size_t n;

		if (l->what != 'A' || r->seq < l->a || r->seq >= l->a + UNIT)
			continue;
		n = log_text(want, l->b, l->c, (unsigned)(r->seq - l->a));
		if (r->data.n != n || memcmp(r->data.p, want, n) != 0)
			fault_loss("record", r->seq, "has other content");
	}
}

/* A client that repeats what was acknowledged gets the same answer. */
static void check_log_again(struct log *l)
{
	uint64_t last = log_last(l), first;
	struct err e = { 0 };

	for (size_t k = 0; k < n_lines; k++) {
		const struct line *i = &lines[k];

		if (i->what != 'A' || i->c % 3 == 2)
			continue;
		if (log_once(l, i->b, i->c, (const struct view[UNIT]){ VIEW("x"), VIEW("y"), VIEW("z") }, &first, &e) < 0)
			fault_stop(&e);
		if (first != i->a || log_last(l) != last) {
			fault_loss("unit", i->a, "was stored again");
			return;
		}
	}
}

static void check_log(const char *dir)
{
	struct log *l = log_open(dir);
	const struct view unit[UNIT] = { VIEW("more"), VIEW("more"), VIEW("more") };
	struct log_record rec[64];
	struct log_reader *r;
	struct err e = { 0 };
	uint64_t first = log_first(l), last = log_last(l), next = first, trimmed = 1, more;
	int n;

	for (size_t k = 0; k < n_lines; k++) {
		if (lines[k].what == 'T')
			trimmed = lines[k].a;
	}
	for (size_t k = 0; k < n_lines; k++) {
		if (lines[k].what != 'A')
			continue;
		if (lines[k].a + UNIT - 1 > last || (lines[k].a < first && lines[k].a >= trimmed))
			fault_loss("unit", lines[k].a, "is not there");
	}
	if (log_reader_new(l, first, &r, &e) < 0)
		fault_stop(&e);
	while (next <= last && (n = log_read(r, rec, 64, 100000, 0, &e)) > 0) {
		for (int i = 0; i < n; i++) {
			check_log_record(&rec[i]);
			if (rec[i].seq != next++)
				fault_loss("record", rec[i].seq, "is out of order");
		}
	}
	if (e.code < 0)
		fault_stop(&e);
	if (last % UNIT)
		fault_loss("unit", last, "is there in part");
	log_reader_free(r);
	check_log_again(l);
	if (log_append(l, unit, UNIT, &more, &e) < 0)
		fault_stop(&e);
	if (more != last + 1)
		fault_loss("record", more, "got a wrong number");
	log_close(l);
}

/* blob */

static const size_t sizes[] = { 300, 150000, 20000, 0, 1100000 };
#define BLOB_ROUNDS 30

static struct blob_store *blob_open(const char *dir)
{
	struct blob_store *b = NULL;
	struct err e = { 0 };

	if (blob_open_files(dir, &b, &e) < 0)
		fault_stop(&e);
	return b;
}

static void *blob_work(void *arg)
{
	struct thread *t = arg;
	const char *before = NULL, *ref;
	struct err e = { 0 };
	struct arena a;

	arena_init(&a, MIB);
	for (uint64_t round = 0; round < BLOB_ROUNDS; round++) {
		uint64_t seed = round * THREADS + t->no;
		size_t n = sizes[round % ARRAY_LEN(sizes)];
		char *p = fault_bytes(n, seed);

		if (blob_put(t->store, view_of(p, n), &a, &ref, &e) < 0)
			fault_stop(&e);
		free(p);
		fault_tell("A %zu %" PRIu64 " %s\n", n, seed, ref);
		if (round % 4 == 3) {
			fault_tell("D 0 0 %s\n", before);
			if (blob_delete(t->store, before, &e) < 0)
				fault_stop(&e);
		}
		before = ref;
	}
	arena_clear(&a);
	return NULL;
}

static bool was_deleted(const char *ref)
{
	for (size_t k = 0; k < n_lines; k++) {
		if (lines[k].what == 'D' && strcmp(lines[k].text, ref) == 0)
			return true;
	}
	return false;
}

static bool acknowledged(void *arg, struct view key)
{
	(void)arg;
	for (size_t k = 0; k < n_lines; k++) {
		if (lines[k].what == 'A' && view_eq(blob_key(lines[k].text), key) && !was_deleted(lines[k].text))
			return true;
	}
	return false;
}

static void check_blob_one(struct blob_store *b, const struct line *l)
{
	char *want = fault_bytes(l->a, l->b), *got = malloc(l->a + 1);
	struct blob_reader *r;
	struct err e = { 0 };
	ssize_t n;

	must(got);
	if (blob_reader_open(b, l->text, &r, &e) < 0) {
		fault_loss("blob", l->b, e.msg);
	} else {
		n = blob_read(r, got, l->a + 1, 0, &e);
		if (n != (ssize_t)l->a || memcmp(want, got, l->a) != 0)
			fault_loss("blob", l->b, n < 0 ? e.msg : "has other content");
		blob_reader_close(r);
	}
	free(want);
	free(got);
}

static void check_blob(const char *dir)
{
	struct blob_store *b = blob_open(dir);
	struct err e = { 0 };
	uint64_t removed;
	const char *ref;
	struct arena a;

	arena_init(&a, MIB);
	for (int round = 0; round < 2; round++) {
		for (size_t k = 0; k < n_lines; k++) {
			if (lines[k].what == 'A' && !was_deleted(lines[k].text))
				check_blob_one(b, &lines[k]);
		}
		if (blob_sweep(b, SWEEP_ALL, acknowledged, NULL, &removed, &e) < 0)
			fault_stop(&e);
	}
	if (blob_put(b, VIEW("more"), &a, &ref, &e) < 0)
		fault_stop(&e);
	arena_clear(&a);
	blob_close(b);
}

/* meta */

#define META_ROUNDS 40

static int meta_insert(struct meta_tx *tx, void *arg, struct err *e)
{
	char body[600];
	int64_t id = *(int64_t *)arg;

	memset(body, (int)('a' + id % 26), sizeof(body));
	if (tx_run(tx, e, "INSERT INTO p_one (id, body) VALUES (?, ?)", "iv", id, view_of(body, sizeof(body))) < 0)
		return e->code;
	return tx_run(tx, e, "INSERT INTO p_two (id) VALUES (?)", "i", id);
}

static struct meta *meta_open(const char *dir)
{
	struct meta *m = NULL;
	struct err e = { 0 };

	if (meta_open_sqlite(dir, &m, &e) < 0)
		fault_stop(&e);
	if (meta_schema(m,
			"CREATE TABLE IF NOT EXISTS p_one (id BIGINT PRIMARY KEY, body TEXT);"
			"CREATE TABLE IF NOT EXISTS p_two (id BIGINT PRIMARY KEY)",
			&e) < 0)
		fault_stop(&e);
	return m;
}

static void *meta_work(void *arg)
{
	struct thread *t = arg;
	struct err e = { 0 };

	for (int64_t round = 0; round < META_ROUNDS; round++) {
		int64_t id = round * THREADS + (int64_t)t->no;

		if (meta_write(t->store, meta_insert, &id, &e) < 0)
			fault_stop(&e);
		fault_tell("A %" PRId64 " 0 0\n", id);
	}
	return NULL;
}

static int verify_rows(struct meta_tx *tx, void *arg, struct err *e)
{
	struct tx_rows *r;
	int rc;

	for (size_t k = 0; k < n_lines; k++) {
		rc = tx_one(tx, &r, e, "SELECT length(body) FROM p_one WHERE id = ?", "i", (int64_t)lines[k].a);
		if (rc < 0)
			return rc;
		if (rc == 0 || row_int(r, 0) != 600)
			fault_loss("row", lines[k].a, "is not there");
		if (rc)
			tx_end(r);
	}
	rc = tx_one(tx, &r, e, "SELECT count(*) FROM p_one WHERE id NOT IN (SELECT id FROM p_two)", "");
	if (rc < 0)
		return rc;
	if (row_int(r, 0))
		fault_loss("transactions", (uint64_t)row_int(r, 0), "are there in part");
	tx_end(r);
	rc = tx_one(tx, &r, e, "PRAGMA integrity_check", "");
	if (rc < 0)
		return rc;
	if (!view_eq_str(row_view(r, 0), "ok"))
		fault_loss("database", 0, "fails its integrity check");
	tx_end(r);
	return 0;
}

static void check_meta(const char *dir)
{
	struct meta *m = meta_open(dir);
	struct err e = { 0 };

	if (meta_read(m, verify_rows, NULL, &e) < 0)
		fault_stop(&e);
	meta_close(m);
}

/* A full disk */

#define FULL_BYTES 500000
#define FULL_ROUNDS 1000

struct stores {
	struct log *log;
	struct blob_store *blob;
	struct meta *meta;
	char *bytes;
	int64_t next_id;
	unsigned taken[3]; /* by log, blob, meta */
};

/* Writes to each store; which of them were full, one bit each. */
static unsigned write_each(struct stores *s)
{
	struct view v = { s->bytes, FULL_BYTES };
	struct err e[3] = { 0 };
	const char *ref;
	unsigned full = 0;
	struct arena a;
	int rc[3];

	arena_init(&a, MIB);
	rc[0] = log_append(s->log, &v, 1, NULL, &e[0]);
	rc[1] = blob_put(s->blob, v, &a, &ref, &e[1]);
	rc[2] = meta_write(s->meta, meta_insert, &s->next_id, &e[2]);
	s->next_id++;
	for (unsigned i = 0; i < 3; i++) {
		if (rc[i] == ERR_LIMIT)
			full |= 1u << i;
		else if (rc[i] < 0)
			fault_stop(&e[i]);
		else
			s->taken[i]++;
	}
	arena_clear(&a);
	return full;
}

static int count_rows(struct meta_tx *tx, void *arg, struct err *e)
{
	struct tx_rows *r;
	int rc = tx_one(tx, &r, e, "SELECT count(*) FROM p_one", "");

	if (rc <= 0)
		return rc;
	*(int64_t *)arg = row_int(r, 0);
	tx_end(r);
	return 0;
}

static void check_full(const struct stores *s)
{
	struct err e = { 0 };
	int64_t rows = 0;

	if (log_last(s->log) != s->taken[0])
		fault_loss("records, of all", s->taken[0], "were kept");
	if (meta_read(s->meta, count_rows, &rows, &e) < 0)
		fault_stop(&e);
	if (rows != s->taken[2])
		fault_loss("rows, of all", s->taken[2], "were kept");
}

static void open_each(struct stores *s, const char *dir)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/log", dir);
	s->log = log_open(path);
	snprintf(path, sizeof(path), "%s/blob", dir);
	s->blob = blob_open(path);
	snprintf(path, sizeof(path), "%s/meta", dir);
	s->meta = meta_open(path);
}

static void close_each(struct stores *s)
{
	log_close(s->log);
	blob_close(s->blob);
	meta_close(s->meta);
}

/* Log and blobs leave some room for deletions; others do not. */
static void fill_up(const char *filler)
{
	static const char zeros[65536];
	int fd = open(filler, O_WRONLY | O_APPEND | O_CLOEXEC);

	must(fd >= 0);
	for (size_t n = sizeof(zeros); n; n /= 2) {
		while (write(fd, zeros, n) == (ssize_t)n)
			;
	}
	close(fd);
}

static void full(const char *filler, const char *dir)
{
	struct stores s = { .bytes = fault_bytes(FULL_BYTES, 1) };
	unsigned seen = 0;

	open_each(&s, dir);
	for (int i = 0; i < FULL_ROUNDS && seen != 7; i++) {
		if (seen == 3)
			fill_up(filler);
		seen |= write_each(&s);
	}
	if (seen != 7)
		fault_loss("disk", seen, "was not full for all of log 1, blob 2, meta 4");
	must(unlink(filler) == 0);
	for (int i = 0; i < 10; i++) {
		if (write_each(&s))
			fault_loss("store", (uint64_t)i, "does not go on with room again");
	}
	check_full(&s);
	close_each(&s);
	open_each(&s, dir);
	check_full(&s);
	close_each(&s);
	free(s.bytes);
}

static void run_threads(void *store, void *(*work)(void *))
{
	struct thread t[THREADS];
	pthread_t id[THREADS];

	for (unsigned i = 0; i < THREADS; i++) {
		t[i] = (struct thread){ store, i };
		id[i] = thread_start("work", work, &t[i]);
	}
	for (unsigned i = 0; i < THREADS; i++)
		thread_join(id[i]);
}

static void run(const char *what, const char *dir)
{
	if (strcmp(what, "log") == 0) {
		struct log *l = log_open(dir);

		run_threads(l, log_work);
		log_close(l);
	} else if (strcmp(what, "blob") == 0) {
		struct blob_store *b = blob_open(dir);

		run_threads(b, blob_work);
		blob_close(b);
	} else {
		struct meta *m = meta_open(dir);

		run_threads(m, meta_work);
		meta_close(m);
	}
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 64;
	if (strcmp(argv[1], "run") == 0) {
		run(argv[2], argv[3]);
		return 0;
	}
	if (strcmp(argv[1], "full") == 0) {
		full(argv[2], argv[3]);
		return fault_losses() ? 1 : 0;
	}
	read_lines();
	if (strcmp(argv[2], "log") == 0)
		check_log(argv[3]);
	else if (strcmp(argv[2], "blob") == 0)
		check_blob(argv[3]);
	else
		check_meta(argv[3]);
	return fault_losses() ? 1 : 0;
}
