/* SPDX-License-Identifier: Apache-2.0 */
/* compact: merges the small Parquet files of the lake's partitions, in the background. */
#include "measure/compact.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/limits.h"
#include "measure/compact_plan.h"
#include "os/clock.h"
#include "os/crypto.h"
#include "os/diag.h"
#include "os/file.h"

#define WALK_NS (600 * 1000000000LL) /* how often all partitions are looked at, besides soon after the start */
#define LIST_MAX 100000
#define ARENA_MAX (1UL * GIB)

struct place { /* one partition that has new files */
	char *database, *table, *location;
	unsigned touches;   /* since it was looked at */
	int64_t touched_ns; /* mono */
};

struct compactor {
	struct measure *m;
	struct lock lock;
	struct cond wake;
	struct map places; /* by location */
	int64_t quiet_ns; /* a partition without a new file for so long is merged whatever the tiers say */
	bool stop;
	struct sql_cancel *cancel;
	int64_t walk_ns; /* the actor's own: when to walk next */
	pthread_t thread;
};

/* --- what waits --- */

static void place_free(struct place *p)
{
	free(p->database);
	free(p->table);
	free(p->location);
	free(p);
}

static void touch(struct compactor *c, const struct glue_table *t, const char *location, unsigned touches)
{
	LOCK_SCOPE(&c->lock);
	struct place *p = map_get(&c->places, view_str(location));

	if (!p) {
		p = calloc(1, sizeof(*p));
		must(p);
		p->database = strdup(t->database);
		p->table = strdup(t->name);
		p->location = strdup(location);
		must(p->database && p->table && p->location);
		map_put(&c->places, view_str(location), p);
		cond_signal(&c->wake); /* the actor did not know that it has to wake for it */
	}
	p->touched_ns = clock_mono_ns();
	p->touches += touches;
	if (p->touches >= COMPACT_FANOUT)
		cond_signal(&c->wake);
}

void compact_touch(struct compactor *c, const struct glue_table *t, const char *location)
{
	if (c)
		touch(c, t, location, 1);
}

/* The place that is due first, or NULL and *ret_until. */
static struct place *due(struct compactor *c, int64_t now, int64_t *ret_until)
{
	struct map_entry *it = NULL;
	size_t slot = 0;

	LOCK_ASSERT_HELD(&c->lock);
	*ret_until = c->walk_ns;
	while (map_next(&c->places, &slot, &it)) {
		struct place *p = it->value;

		if (p->touches >= COMPACT_FANOUT || now - p->touched_ns >= c->quiet_ns)
			return p;
		if (p->touched_ns + c->quiet_ns < *ret_until)
			*ret_until = p->touched_ns + c->quiet_ns;
	}
	return NULL;
}

/* --- one merge --- */

struct merge {
	struct measure *m;
	struct arena *a;
	struct glue_table table;
	const struct s3_object *from[COMPACT_FILES];
	size_t n;
	uint64_t rows; /* of the sources */
	struct lake_file to;
};

const char *compact_columns(const struct glue_table *t, struct arena *a)
{
	uint8_t sum[DIGEST_MAX];
	struct buf b;

	buf_init(&b, MIB);
	for (size_t i = 0; i < t->n_columns; i++)
		buf_printf(&b, "%s %s\n", t->columns[i].name, t->columns[i].type);
	digest_once(DIGEST_SHA256, buf_view(&b), sum);
	buf_clear(&b);
	return hex_arena(a, sum, 8);
}

static const char *tag(const struct port_tag *t, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(t[i].key, key) == 0)
			return t[i].value;
	return NULL;
}

static bool wanted(const struct glue_table *t)
{
	const char *said = tag(t->parameters, t->n_parameters, "mulgil.compaction");
	const char *source = tag(t->parameters, t->n_parameters, "mulgil.source");

	return said ? strcmp(said, "on") == 0 : source && strncmp(source, "firehose:", 9) == 0;
}

/* What is no number makes the sum wrong, and then nothing is replaced. */
static uint64_t rows_of(const struct s3_object *o)
{
	uint64_t rows = 0;

	(void)view_u64(view_str(tag(o->meta, o->n_meta, COMPACT_ROWS)), UINT32_MAX, &rows);
	return rows;
}

/* Ours, directly in the partition, with the table's columns of today. */
static bool mergeable(const struct s3_object *o, size_t prefix, const char *columns)
{
	const char *has = tag(o->meta, o->n_meta, COMPACT_COLUMNS);

	return has && strcmp(has, columns) == 0 && o->n_refs &&
	       !strchr(o->key + prefix, '/') && view_ends(view_str(o->key), VIEW(".parquet"));
}

/* Chooses the sources; none: nothing to do. */
static int choose(struct merge *g, const char *location, bool quiet, struct err *e)
{
	const struct s3_port *s3 = g->m->o.s3;
	const char *prefix = "", *columns = compact_columns(&g->table, g->a);
	size_t n = 0, n_files = 0, picked[COMPACT_FILES];
	struct s3_object *all = NULL;
	const struct s3_object **files;
	uint64_t *size;
	int r = lake_split(location, g->a, &g->to.bucket, &prefix, e);

	if (r == 0)
		r = s3->list(s3->self, g->to.bucket, prefix, NULL, LIST_MAX, g->a, &all, &n, e);
	if (r < 0)
		return r;
	files = ARENA_ARRAY(g->a, const struct s3_object *, n + 1);
	size = ARENA_ARRAY(g->a, uint64_t, n + 1);
	for (size_t i = 0; i < n; i++)
		if (mergeable(&all[i], strlen(prefix), columns)) {
			files[n_files] = &all[i];
			size[n_files++] = all[i].size;
		}
	g->n = compact_plan(size, n_files, quiet, picked);
	for (size_t i = 0; i < g->n; i++) {
		g->from[i] = files[picked[i]];
		g->rows += rows_of(g->from[i]);
	}
	char id[UUID_TEXT];

	uuid7(id);
	g->to.key = arena_printf(g->a, "%spart-%s-merged-%s.parquet", prefix, g->table.name, id);
	return 0;
}

/* The rows keep the order in which samples are written, as far as the table has its columns. */
static const char *select_text(const struct merge *g)
{
	static const char *const order[] = { "stream_id", "channel", "seq", "chunk" };
	const char *text = "SELECT ", *by = " ORDER BY ";
	size_t n = 0;

	for (size_t i = 0; i < g->table.n_columns; i++)
		text = arena_printf(g->a, "%s%s\"%s\"", text, i ? ", " : "", g->table.columns[i].name);
	for (size_t k = 0; k < ARRAY_LEN(order); k++)
		for (size_t i = 0; i < g->table.n_columns; i++)
			if (strcmp(g->table.columns[i].name, order[k]) == 0)
				by = arena_printf(g->a, "%s%s%s", by, n++ ? ", " : "", order[k]);
	return arena_printf(g->a, "%s FROM lake.files%s", text, n ? by : "");
}

static int write_merged(struct compactor *c, struct merge *g, const char *dir, struct err *e)
{
	struct sql_column *columns = ARENA_ARRAY(g->a, struct sql_column, g->table.n_columns + 1);
	struct sql_file *files = ARENA_ARRAY(g->a, struct sql_file, g->n);
	struct sql_table t = { .schema = "lake", .name = "files", .columns = columns, .n_columns = g->table.n_columns,
			       .format = SQL_PARQUET, .files = files, .n_files = g->n };
	struct sql_job job = { .text = select_text(g), .tables = &t, .n_tables = 1, .output = SQL_TO_PARQUET,
			       .out_path = dir, .out_columns = columns, .n_out_columns = g->table.n_columns,
			       .cancel = c->cancel };
	const struct s3_port *s3 = g->m->o.s3;
	struct sql_result res = { 0 };
	int r = file_mkdirs(dir, 0700, e);

	for (size_t i = 0; i < g->table.n_columns; i++)
		columns[i] = (struct sql_column){ .name = g->table.columns[i].name, .type = g->table.columns[i].type };
	for (size_t i = 0; r == 0 && i < g->n; i++)
		r = s3->path(s3->self, g->from[i], g->a, &files[i].path, e);
	if (r == 0)
		r = sql_run(g->m->o.sql, &job, g->a, &res, e);
	if (r < 0)
		return r;
	if (res.n_files != 1 || res.files[0].rows != g->rows)
		return err_set(e, ERR_CORRUPT,
			       "%zu files of table %s.%s should have %" PRIu64 " rows, merged they have %" PRIu64
			       ": they are left as they are",
			       g->n, g->table.database, g->table.name, g->rows, res.n_files ? res.files[0].rows : 0);
	return lake_adopt(g->m, &g->table, &res.files[0], g->a, &g->to, e);
}

static int replace_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	const struct merge *g = arg;
	const struct s3_port *s3 = g->m->o.s3;
	struct s3_new o;
	int r = 0;

	for (size_t i = 0; r == 0 && i < g->n; i++)
		r = s3->remove_tx(s3->self, tx, g->from[i], e);
	lake_object(&g->to, &o);
	return r ? r : s3->put_tx(s3->self, tx, &o, e);
}

static int merge(struct compactor *c, struct merge *g, struct err *e)
{
	const char *dir = arena_printf(g->a, "%s/merge-%s", g->m->o.staging_dir, strrchr(g->to.key, '-') + 1);
	struct err quiet = { 0 };
	int r = write_merged(c, g, dir, e);

	if (r == 0)
		r = meta_write(g->m->o.meta, replace_tx, g, e);
	if (file_remove_tree(dir, &quiet) < 0)
		diag(DIAG_WARN, "compaction", "%s", quiet.msg);
	err_clear(&quiet);
	if (r < 0 && g->to.ref && blob_delete(g->m->o.blobs, g->to.ref, &quiet) < 0)
		diag(DIAG_WARN, "compaction", "%s", quiet.msg); /* the next start sweeps it */
	return r;
}

/* 1: merged something; 0: there was nothing to merge. */
static int look(struct compactor *c, const struct place *p, bool quiet, struct err *e)
{
	CLEANUP(arena_clear) struct arena a;
	const struct measure_opts *o = &c->m->o;
	struct merge *g;
	void *pin;
	int r;

	arena_init(&a, ARENA_MAX);
	g = ARENA_NEW(&a, struct merge);
	*g = (struct merge){ .m = c->m, .a = &a };
	r = o->glue->table(o->glue->self, p->database, p->table, &a, &g->table, e);
	if (r < 0 || !wanted(&g->table))
		return r;
	pin = o->s3->pin(o->s3->self);
	r = choose(g, p->location, quiet, e);
	if (r == 0 && g->n) {
		r = merge(c, g, e);
		r = r ? r : 1;
	}
	o->s3->unpin(o->s3->self, pin);
	return r;
}

/* --- the actor --- */

static bool stopped(struct compactor *c)
{
	LOCK_SCOPE(&c->lock);
	return c->stop;
}

static void work(struct compactor *c, const struct place *p, bool quiet)
{
	struct err e = { 0 };
	int r;

	do
		r = look(c, p, quiet, &e);
	while (r > 0 && !stopped(c));
	/* The table or bucket is gone, or somebody else was quicker: what there is then is looked at when it is touched. */
	if (r < 0 && r != ERR_CANCELLED && r != ERR_CONFLICT && r != ERR_NOENT)
		diag(DIAG_WARN, "compaction", "%s: %s; its files stay as they are until the next look", p->location, e.msg);
}

static int touch_partitions(struct compactor *c, const struct glue_table *t, struct arena *a, struct err *e)
{
	const struct glue_port *g = c->m->o.glue;
	struct glue_partition *parts;
	size_t n = 0;
	int r;

	if (!t->n_partition_keys) {
		touch(c, t, t->location, 0);
		return 0;
	}
	r = g->partitions(g->self, t->database, t->name, NULL, a, &parts, &n, e);
	for (size_t i = 0; r == 0 && i < n; i++)
		if (parts[i].location)
			touch(c, t, parts[i].location, 0);
	return r;
}

/* Every partition of the tables that are merged: what a restart, or a failure, has left behind. */
static int walk(struct compactor *c, struct err *e)
{
	CLEANUP(arena_clear) struct arena a;
	const struct glue_port *g = c->m->o.glue;
	const char **databases;
	size_t n = 0;
	int r;

	arena_init(&a, ARENA_MAX);
	r = g->databases(g->self, &a, &databases, &n, e);
	for (size_t i = 0; r == 0 && i < n; i++) {
		struct glue_table *tables;
		size_t n_tables = 0;

		r = g->tables(g->self, databases[i], &a, &tables, &n_tables, e);
		for (size_t k = 0; r == 0 && k < n_tables; k++)
			if (wanted(&tables[k]) && tables[k].location)
				r = touch_partitions(c, &tables[k], &a, e);
	}
	return r;
}

static void step(struct compactor *c, struct place *p, bool quiet)
{
	if (p)
		work(c, p, quiet);
	if (clock_mono_ns() >= c->walk_ns) {
		struct err e = { 0 };

		if (walk(c, &e) < 0)
			diag(DIAG_WARN, "compaction", "%s", e.msg);
		c->walk_ns = clock_mono_ns() + WALK_NS;
	}
	if (p && quiet)
		place_free(p);
}

static void *compact(void *arg)
{
	struct compactor *c = arg;

	lock_take(&c->lock);
	while (!c->stop) {
		int64_t now = clock_mono_ns(), until;
		struct place *p = due(c, now, &until);
		bool quiet = p && now - p->touched_ns >= c->quiet_ns;

		if (!p && now < until) {
			(void)cond_wait_until(&c->wake, &c->lock, until);
			continue;
		}
		if (quiet)
			map_del(&c->places, view_str(p->location));
		else if (p)
			p->touches = 0;
		lock_drop(&c->lock);
		step(c, p, quiet);
		lock_take(&c->lock);
	}
	lock_drop(&c->lock);
	return NULL;
}

struct compactor *compactor_start(struct measure *m)
{
	struct compactor *c = calloc(1, sizeof(*c));

	must(c);
	c->m = m;
	lock_init(&c->lock, "compactor");
	cond_init(&c->wake);
	map_init(&c->places);
	c->cancel = sql_cancel_new();
	c->quiet_ns = (m->o.compact_quiet_s ? m->o.compact_quiet_s : 30) * 1000000000LL;
	c->walk_ns = clock_mono_ns() + c->quiet_ns;
	c->thread = thread_start("compact", compact, c);
	return c;
}

void compactor_stop(struct compactor *c)
{
	LOCK_SCOPE(&c->lock);
	if (c->stop)
		return;
	c->stop = true;
	sql_cancel_fire(c->cancel);
	cond_signal(&c->wake);
}

struct compactor *compactor_free(struct compactor *c)
{
	struct map_entry *it = NULL;
	size_t slot = 0;

	if (!c)
		return NULL;
	compactor_stop(c);
	thread_join(c->thread);
	while (map_next(&c->places, &slot, &it))
		place_free(it->value);
	map_clear(&c->places);
	c->cancel = sql_cancel_free(c->cancel);
	cond_clear(&c->wake);
	lock_clear(&c->lock);
	free(c);
	return NULL;
}
