/* SPDX-License-Identifier: Apache-2.0 */
/* Plays S3, events, Firehose, Glue and SQL for the ledger. */
#include "fixture.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "os/clock.h"
#include "os/file.h"

static struct fixture *of(void *self)
{
	return self;
}

/* --- SQL: one file with the staged lines, each with its head's members --- */

static int join(struct view lines, struct view heads, struct arena *a, struct buf *ret, struct err *e)
{
	const struct json *by_h[256] = { 0 };
	struct view line;

	while (view_split(&heads, '\n', &line)) {
		const struct json *h = line.n ? json_parse(a, line, JSON_DEPTH, e) : NULL;

		if (h)
			by_h[json_int(json_get(h, "h"), 0) % 256] = h;
	}
	while (view_split(&lines, '\n', &line)) {
		const struct json *row = line.n ? json_parse(a, line, JSON_DEPTH, e) : NULL, *h;
		struct json *both;

		if (!row)
			continue;
		both = json_copy(a, row);
		h = by_h[json_int(json_get(row, "h"), 0) % 256];
		if (!h)
			return err_set(e, ERR_INVALID, "a row without its head");
		for (size_t i = 0; i < json_len(h); i++)
			json_set_view(a, both, h->obj.v[i].name, h->obj.v[i].value);
		json_print(ret, both);
		buf_add_char(ret, '\n');
	}
	return e->code;
}

static int run(struct sql *s, const struct sql_job *job, struct arena *a, struct sql_result *ret, struct err *e)
{
	static const char *const partition[] = { "2025-02-19", "s1", "ppg" };
	struct fixture *f = (struct fixture *)s;
	struct view lines, heads;
	struct buf joined;
	int r;

	if (atomic_load(&f->failures) > 0) {
		atomic_fetch_sub(&f->failures, 1);
		return err_set(e, ERR_INTERNAL, "the child ended by itself");
	}
	if (file_read(job->tables[0].files[0].path, a, 64 * MIB, &lines, e) < 0 ||
	    file_read(job->tables[1].files[0].path, a, 64 * MIB, &heads, e) < 0)
		return e->code;
	ret->files = ARENA_NEW(a, struct sql_out_file);
	ret->n_files = 1;
	*ret->files = (struct sql_out_file){ .path = arena_printf(a, "%s/0.parquet", job->out_path), .partition = partition };
	buf_init(&joined, 64 * MIB);
	r = join(lines, heads, a, &joined, e);
	if (r == 0)
		r = file_replace(ret->files->path, buf_view(&joined), 0600, e);
	buf_clear(&joined);
	return r;
}

static const struct sql_vtable sql_table = { .run = run };

/* --- S3: manifests to read, objects as rows of a table of ours --- */

static int s3_get(void *self, const char *bucket, const char *key, size_t max, struct arena *a, struct view *ret, struct err *e)
{
	struct fixture *f = of(self);

	(void)bucket;
	(void)max;
	(void)e;
	*ret = arena_view(a, view_str(f->texts[view_ends(view_str(key), VIEW("/_manifest.json")) ? 1 : 0]));
	return 0;
}

static int s3_ready(void *self, const char *bucket, const char **ref, struct arena *a,
		    struct err *e)
{
	(void)self, (void)bucket, (void)ref, (void)a, (void)e;
	return 0;
}

static int s3_put_tx(void *self, struct meta_tx *tx, const struct s3_new *o, struct err *e)
{
	(void)self;
	return tx_run(tx, e, "INSERT INTO test_object (key, ref) VALUES (?, ?)", "ss", o->key, o->ref);
}

static int s3_head(void *self, const char *bucket, const char *key, struct arena *a, struct s3_object *ret, struct err *e)
{
	(void)self;
	(void)bucket;
	(void)a;
	(void)ret;
	return err_set(e, ERR_NOENT, "no object %s", key);
}

/* --- events --- */

static int read_events(void *self, uint64_t after, size_t max, struct arena *a, struct event **ret, size_t *ret_n, struct err *e)
{
	struct fixture *f = of(self);
	size_t n = atomic_load(&f->n_manifests);

	(void)max;
	(void)e;
	*ret = arena_alloc(a, sizeof(f->manifests));
	for (*ret_n = 0; after + *ret_n < n; ++*ret_n)
		(*ret)[*ret_n] = f->manifests[after + *ret_n];
	return 0;
}

static uint64_t last_event(void *self)
{
	return atomic_load(&of(self)->n_manifests);
}

static int emit_tx(void *self, struct meta_tx *tx, const struct event *ev, struct err *e)
{
	struct fixture *f = of(self);

	(void)tx;
	(void)e;
	LOCK_SCOPE(&f->emitted_lock);
	buf_printf(&f->emitted, "%s %s %s\n", ev->source, ev->detail_type, ev->detail);
	return 0;
}

bool was_emitted(struct fixture *f, const char *part)
{
	int64_t until = clock_mono_ns() + 30000000000LL;

	while (clock_mono_ns() < until) {
		bool yes;

		lock_take(&f->emitted_lock);
		yes = f->emitted.n && strstr(f->emitted.p, part);
		lock_drop(&f->emitted_lock);
		if (yes)
			return true;
		(void)poll(NULL, 0, 5);
	}
	return false;
}

static void manifest(struct fixture *f, const char *key, const char *text)
{
	size_t n = atomic_load(&f->n_manifests);

	f->texts[n] = text;
	f->manifests[n] = (struct event){
		.n = n + 1, .id = "e", .source = "aws.s3", .detail_type = "Object Created", .resources = "[]",
		.detail = arena_printf(&f->a, "{\"bucket\":{\"name\":\"raw\"},\"object\":{\"key\":\"v1/manifest/x/%s\"}}", key),
	};
	atomic_store(&f->n_manifests, n + 1);
}

void end(struct fixture *f, int last_seq)
{
	manifest(f, "_manifest.json",
		 arena_printf(&f->a,
			      "{\"v\":1,\"measurement\":\"" MEASUREMENT "\",\"ended_at_ns\":\"1740000003000000000\",\"streams\":[{\"stream\":\"" STREAM
			      "\",\"first_seq\":0,\"last_seq\":%d,\"bytes\":\"0\",\"sha256\":\"\"}],\"files\":[]}",
			      last_seq));
}

/* --- Firehose and Glue --- */

static struct log *log_of(void *self, const char *name)
{
	(void)name;
	return of(self)->log;
}

static void hold(void *self, const char *name, const char *reader, uint64_t seq)
{
	(void)self;
	(void)name;
	(void)reader;
	(void)seq;
}

static void watch(void *self, void (*fn)(void *arg, const char *stream, struct log *l), void *arg)
{
	fn(arg, "bio", of(self)->log);
}

static int databases(void *self, struct arena *a, const char ***ret, size_t *ret_n, struct err *e)
{
	static const char *names[] = { "audience" };

	(void)self;
	(void)a;
	(void)e;
	*ret = names;
	*ret_n = 1;
	return 0;
}

static int tables(void *self, const char *database, struct arena *a, struct glue_table **ret, size_t *ret_n, struct err *e)
{
	static struct glue_column columns[] = { { "channel", "string" }, { "values", "array<int>" } };
	static struct glue_column keys[] = { { "dt", "date" }, { "screening_id", "string" }, { "modality", "string" } };
	static struct port_tag parameters[] = { { "mulgil.source", "firehose:bio" }, { "mulgil.record", "envelope@1" } };
	static struct glue_table table = { .name = "sensor", .columns = columns, .n_columns = 2, .partition_keys = keys,
					   .n_partition_keys = 3, .location = "s3://processed/sensor/", .parameters = parameters,
					   .n_parameters = 2 };

	(void)self;
	(void)e;
	*ret = ARENA_NEW(a, struct glue_table);
	**ret = table;
	(*ret)->database = database;
	*ret_n = 1;
	return 0;
}

static int partition_tx(void *self, struct meta_tx *tx, const char *database, const char *table, const char *const *values, size_t n,
			const char *location, struct err *e)
{
	(void)self;
	(void)tx;
	(void)database;
	(void)table;
	(void)location;
	(void)e;
	assert_int_equal(n, 3);
	assert_string_equal(values[1], "s1");
	return 0;
}

/* --- making --- */

static void start(struct fixture *f)
{
	struct measure_opts o = { .meta = f->meta, .blobs = f->blobs, .sql = &f->sql, .s3 = &f->s3, .events = &f->events,
				  .firehose = &f->firehose, .glue = &f->glue };

	o.staging_dir = arena_printf(&f->a, "%s/blob/staging", f->dir);
	if (file_mkdirs(o.staging_dir, 0700, &f->e) < 0 || measure_new(&o, &f->m, &f->e) < 0 || measure_start(f->m, &f->e) < 0)
		fail_msg("%s", f->e.msg);
}

struct fixture *fixture_new(const char *layout)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	arena_init(&f->a, LIMIT_ARENA);
	f->dir = unit_tmpdir();
	f->sql.v = &sql_table;
	f->s3 = (struct s3_port){ .self = f, .get = s3_get, .ready = s3_ready, .put_tx = s3_put_tx, .head = s3_head };
	f->events = (struct events_port){ .self = f, .read = read_events, .last = last_event, .emit_tx = emit_tx };
	lock_init(&f->emitted_lock, "emitted");
	buf_init(&f->emitted, 16 * MIB);
	f->firehose = (struct firehose_port){ f, log_of, hold, watch };
	f->glue = (struct glue_port){ .self = f, .databases = databases, .tables = tables, .partition_tx = partition_tx };
	if (meta_open_sqlite(arena_printf(&f->a, "%s/meta", f->dir), &f->meta, &f->e) < 0 ||
	    blob_open_files(arena_printf(&f->a, "%s/blob", f->dir), &f->blobs, &f->e) < 0 ||
	    log_open_segments(arena_printf(&f->a, "%s/log", f->dir), &(struct log_opts){ 0 }, &f->log, &f->e) < 0 ||
	    meta_schema(f->meta, "CREATE TABLE IF NOT EXISTS test_object (key TEXT PRIMARY KEY, ref TEXT NOT NULL)", &f->e) < 0)
		fail_msg("%s", f->e.msg);
	manifest(f, "_begin.json",
		 arena_printf(&f->a,
			      "{\"v\":1,\"measurement\":\"" MEASUREMENT "\",\"screening\":\"s1\",\"subject\":\"p-1\",\"content\":\"film\","
			      "\"started_at_ns\":\"1740000000000000000\",\"place\":\"dt=2025-02-19/screening=s1/subject=p-1/measurement=" MEASUREMENT
			      "\",\"streams\":[{\"stream\":\"" STREAM "\",\"modality\":\"ppg\",\"layout\":\"%s\",\"rate\":100.0}],\"files\":[]}",
			      layout));
	start(f);
	return f;
}

void fixture_restart(struct fixture *f)
{
	f->m = measure_free(f->m);
	start(f);
}

void fixture_free(struct fixture *f)
{
	f->m = measure_free(f->m);
	f->log = log_close(f->log);
	f->blobs = blob_close(f->blobs);
	f->meta = meta_close(f->meta);
	buf_clear(&f->emitted);
	lock_clear(&f->emitted_lock);
	arena_clear(&f->a);
	free(f);
}

/* --- doing and looking --- */

void put_bytes(struct fixture *f, struct view record)
{
	uint64_t first;

	if (log_append(f->log, &record, 1, &first, &f->e) < 0)
		fail_msg("%s", f->e.msg);
}

void put(struct fixture *f, uint32_t seq, struct view payload)
{
	put_at(f, seq, payload, 1740000000000000000 + (int64_t)seq * 1000000);
}

void put_at(struct fixture *f, uint32_t seq, struct view payload, int64_t t_tablet_ns)
{
	struct envelope env = { .version = 1, .seq = seq, .t_tablet_ns = t_tablet_ns, .payload = payload };
	struct buf b;

	assert_true(envelope_stream_parse(VIEW(STREAM), env.stream));
	buf_init(&b, MIB);
	envelope_build(&b, &env);
	put_bytes(f, buf_view(&b));
	buf_clear(&b);
}

const struct json *shown(struct fixture *f)
{
	const struct json *v;
	struct buf b;

	buf_init(&b, MIB);
	if (measure_settle(f->m, 30000, &f->e) < 0 || measure_show(f->m, MEASUREMENT, &b, &f->e) < 0)
		fail_msg("%s", f->e.msg);
	v = json_parse(&f->a, arena_view(&f->a, buf_view(&b)), JSON_DEPTH, &f->e);
	assert_non_null(v);
	buf_clear(&b);
	return v;
}

const struct json *stream(struct fixture *f)
{
	return json_at(json_get(shown(f), "streams"), 0);
}

int64_t number(const struct json *o, const char *name)
{
	assert_non_null(json_get(o, name));
	return json_int(json_get(o, name), -1);
}

struct row {
	int64_t seq, chunk;
	const struct json *all, *values;
};

struct look {
	struct fixture *f;
	const char *channel;
	struct row rows[256];
	size_t n;
	struct buf text;
};

static void look_at(struct look *q, struct view lines)
{
	struct view line;

	while (view_split(&lines, '\n', &line)) {
		const struct json *o = line.n ? json_parse(&q->f->a, line, JSON_DEPTH, &q->f->e) : NULL;

		if (!o || !view_eq_str(json_get_str(o, "channel"), q->channel))
			continue;
		assert_true(q->n < ARRAY_LEN(q->rows));
		assert_int_equal(number(o, "n"), json_len(json_get(o, "values")));
		q->rows[q->n++] = (struct row){ number(o, "seq"), number(o, "chunk"), o, json_get(o, "values") };
	}
}

static int objects_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct look *q = arg;
	struct tx_rows *r;
	int rc = tx_query(tx, &r, e, "SELECT ref FROM test_object", "");

	while (rc == 0 && (rc = tx_next(r, e)) > 0) {
		const char *path;
		struct view lines = VIEW_NONE;

		if (blob_path(q->f->blobs, row_str(r, 0, &q->f->a), &q->f->a, &path, e) < 0 || file_read(path, &q->f->a, MIB, &lines, e) < 0)
			fail_msg("%s", e->msg);
		look_at(q, lines);
		rc = 0;
	}
	return rc;
}

static int by_seq(const void *x, const void *y)
{
	const struct row *a = x, *b = y;

	if (a->seq != b->seq)
		return a->seq < b->seq ? -1 : 1;
	return a->chunk < b->chunk ? -1 : a->chunk > b->chunk;
}

static void rows_of(struct look *q)
{
	buf_init(&q->text, MIB);
	if (meta_read(q->f->meta, objects_tx, q, &q->f->e) < 0)
		fail_msg("%s", q->f->e.msg);
	qsort(q->rows, q->n, sizeof(q->rows[0]), by_seq);
}

const char *times(struct fixture *f, const char *channel)
{
	struct look q = { .f = f, .channel = channel };
	const char *s;

	rows_of(&q);
	for (size_t i = 0; i < q.n; i++)
		buf_printf(&q.text, "%lld %.17g %lld;", (long long)number(q.rows[i].all, "t0_utc_us"),
			   json_double(json_get(q.rows[i].all, "dt_us"), 0), (long long)number(q.rows[i].all, "gap_before"));
	s = arena_str(&f->a, buf_view(&q.text));
	buf_clear(&q.text);
	return s;
}

const char *samples(struct fixture *f, const char *channel)
{
	struct look q = { .f = f, .channel = channel };
	const char *s;

	rows_of(&q);
	for (size_t i = 0; i < q.n; i++)
		for (size_t k = 0; k < json_len(q.rows[i].values); k++)
			buf_printf(&q.text, "%s%lld", q.text.n ? "," : "", (long long)json_int(json_at(q.rows[i].values, k), 0));
	s = arena_str(&f->a, buf_view(&q.text));
	buf_clear(&q.text);
	return s;
}

static int quarantine_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct look *q = arg;
	struct tx_rows *r;
	int rc = tx_query(tx, &r, e, "SELECT reason, seq FROM measure_quarantine ORDER BY log", "");

	while (rc == 0 && (rc = tx_next(r, e)) > 0) {
		buf_printf(&q->text, "%s %lld;", row_str(r, 0, &q->f->a), (long long)row_int(r, 1));
		rc = 0;
	}
	return rc;
}

const char *quarantine(struct fixture *f)
{
	struct look q = { .f = f };
	const char *s;

	buf_init(&q.text, MIB);
	if (meta_read(f->meta, quarantine_tx, &q, &f->e) < 0)
		fail_msg("%s", f->e.msg);
	s = arena_str(&f->a, buf_view(&q.text));
	buf_clear(&q.text);
	return s;
}
