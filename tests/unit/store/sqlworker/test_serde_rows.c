/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What serde writes the engine always reads: random tables and random records, in rounds.  Everything that serde let
 * through has to become a row of a Parquet file, or a whole delivery would wait for one record.
 */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "data/serde.h"
#include "os/file.h"
#include "store/sql.h"
#include "unit.h"

#define ROUNDS 6
#define COLUMNS 8
#define RECORDS 1500

struct dice {
	uint64_t x;
};

static uint32_t roll(struct dice *d, uint32_t n)
{
	d->x = d->x * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(d->x >> 33) % n;
}

#define PICK(d, list) (list)[roll((d), (uint32_t)(sizeof(list) / sizeof((list)[0])))]

static const char *const primitives[] = { "boolean", "tinyint", "smallint", "int", "bigint", "float", "double", "decimal(38,10)",
					  "decimal(4,4)", "decimal", "string", "varchar(4)", "char(3)", "binary", "date",
					  "timestamp" };

static void add_type(struct dice *d, struct buf *b, int depth)
{
	uint32_t kind = depth < 3 ? roll(d, 10) : 9;

	if (kind < 2) {
		buf_add_str(b, "array<");
		add_type(d, b, depth + 1);
		buf_add_char(b, '>');
	} else if (kind < 4) {
		buf_printf(b, "map<%s,", PICK(d, primitives));
		add_type(d, b, depth + 1);
		buf_add_char(b, '>');
	} else if (kind < 6) {
		buf_add_str(b, "struct<Ab:");
		add_type(d, b, depth + 1);
		buf_add_str(b, ",\"q y':");
		add_type(d, b, depth + 1);
		buf_add_char(b, '>');
	} else {
		buf_add_str(b, PICK(d, primitives));
	}
}

static const char *const scalars[] = {
	"null", "true", "false", "0", "-0", "1", "-1", "127", "128", "-128", "-129", "32767", "32768", "2147483647", "-2147483648",
	"2147483648", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "1e19", "1.5", "-0.0", "0.00005",
	"0.99995", "3.4028235e38", "3.5e38", "1.7976931348623157e308", "4.9e-324", "1e-400", "1e400", "123456789012345678901234567890",
	"99999999999999999999999999999.99999999995", "1518033528", "1518033528123", "1518033528.1234567", "-62135596800",
	"253402300799.999999", "253402300800", "\"\"", "\"x\"", "\"\\u0000\"", "\"\\ud83d\\ude00\"", "\"\xc3\xa9\"", "\"\\\\x41\"",
	"\"\\\\\"", "\"NaN\"", "\"-Infinity\"", "\"TRUE\"", "\" 12 \"", "\"0x7f\"", "\"+1.5e3\"", "\"2026-11-22\"", "\"0001-01-01\"",
	"\"9999-12-31\"", "\"2024-2-29\"", "\"2026-11-22 20:46:56.123456789\"", "\"2026-11-22T20:46:56+09:00\"",
	"\"9999-12-31T23:59:59.999999Z\"", "\"0001-1-1 0:0:0\"", "\"AAEC/w==\"", "\"'\"", "\"a\\\"b\"", "\"null\"", "\"\\n\"",
	"\"{}\"", "\"\\u2028\"", "[]", "{}",
};
static const char *const keys[] = { "Ab", "aB", "\\\"q y'", "1", "01", "true", "2026-11-22", "0.00005", "AAEC/w==", "AQ==", "",
				    "x", "1518033528", "\\u0000", "NaN", "NAN", "-0", "0", "0.0", "other" };

static const char *const numbers[] = { "0", "-0", "0.0", "1", "01", "1.0", "1e0", "+1", "-1" }; /* alike, so that they meet in a map */

static void add_value(struct dice *d, struct buf *b, int depth)
{
	uint32_t kind = depth < 4 ? roll(d, 8) : 7, n = roll(d, 5);
	bool alike = roll(d, 2);

	if (kind > 1) {
		buf_add_str(b, PICK(d, scalars));
		return;
	}
	buf_add_char(b, kind ? '{' : '[');
	for (uint32_t i = 0; i < n; i++) {
		buf_add_str(b, i ? ", " : "");
		if (kind)
			buf_printf(b, "\"%s\" : ", alike ? PICK(d, numbers) : PICK(d, keys));
		add_value(d, b, depth + 1);
	}
	buf_add_char(b, kind ? '}' : ']');
}

/* One to three objects, each with a few of the columns. */
static void add_record(struct dice *d, struct buf *b)
{
	for (uint32_t objects = 1 + roll(d, 3); objects; objects--) {
		buf_add_str(b, "{\"b\":1");
		for (int c = 0; c < COLUMNS; c++)
			if (roll(d, 6) == 0) {
				buf_printf(b, ",\"a%d\":", c);
				add_value(d, b, 0);
			}
		buf_add_str(b, "}");
	}
}

struct round {
	struct arena a;
	struct serde *s;
	struct serde_column columns[COLUMNS];
	struct buf rows;
	size_t n_rows, taken;
};

static void fill(struct round *r, struct dice *d, enum serde_kind kind)
{
	struct serde_opts o = { .kind = kind, .case_sensitive = roll(d, 2) };
	struct err e = { 0 };
	struct buf b;

	buf_init(&b, MIB);
	for (int c = 0; c < COLUMNS; c++) {
		buf_reset(&b);
		add_type(d, &b, 0);
		r->columns[c] = (struct serde_column){ arena_printf(&r->a, "a%d", c), arena_str(&r->a, buf_view(&b)) };
	}
	if (serde_new(&o, r->columns, COLUMNS, &r->s, &e) < 0)
		fail_msg("%s", e.msg);
	for (int i = 0; i < RECORDS; i++) {
		struct serde_result res;

		buf_reset(&b);
		add_record(d, &b);
		if (serde_record(r->s, buf_view(&b), &r->rows, &res) == SERDE_OK) {
			r->n_rows += res.rows;
			r->taken++;
		}
	}
	buf_clear(&b);
}

static void to_parquet(struct round *r, struct sql *sql, const char *dir, int number)
{
	struct sql_column staged[COLUMNS], out[COLUMNS];
	struct sql_file file = { .path = arena_printf(&r->a, "%s/rows-%d.json", dir, number) };
	struct sql_table table = { .schema = "s", .name = "rows", .columns = staged, .n_columns = COLUMNS, .format = SQL_JSON,
				   .files = &file, .n_files = 1 };
	struct sql_job job = { .text = "SELECT * FROM s.rows", .tables = &table, .n_tables = 1, .output = SQL_TO_PARQUET,
			       .out_columns = out, .n_out_columns = COLUMNS };
	struct sql_result res;
	struct err e = { 0 };

	job.out_path = arena_printf(&r->a, "%s/out-%d", dir, number);
	assert_int_equal(file_mkdirs(job.out_path, 0700, &e), 0);
	assert_int_equal(file_replace(file.path, buf_view(&r->rows), 0600, &e), 0);
	for (int c = 0; c < COLUMNS; c++) {
		staged[c] = (struct sql_column){ .name = arena_printf(&r->a, "c%d", c), .type = serde_stage_type(r->s, (size_t)c) };
		out[c] = (struct sql_column){ .name = r->columns[c].name, .type = serde_type(r->s, (size_t)c) };
	}
	if (sql_run(sql, &job, &r->a, &res, &e) < 0)
		fail_msg("round %d: %s", number, e.msg);
	assert_int_equal(res.rows, r->n_rows);
}

TEST(serde_rows_are_always_read)
{
	struct sql_pool_opts o = { .children = 1, .memory_bytes = 256 * MIB, .program = getenv("MULGIL_SQL"),
				   .scratch = unit_tmpdir() };
	struct dice d = { 20261122 };
	const char *rounds = getenv("MULGIL_SERDE_ROUNDS"); /* more of them: MULGIL_SERDE_ROUNDS=200 */
	struct err e = { 0 };
	struct sql *sql;
	uint64_t n = ROUNDS;

	if (rounds)
		assert_true(view_u64(view_str(rounds), 100000, &n));
	assert_int_equal(sql_open_pool(&o, &sql, &e), 0);
	for (int i = 0; i < (int)n; i++) {
		struct round r = { .n_rows = 0 };

		arena_init(&r.a, 256 * MIB);
		buf_init(&r.rows, 64 * MIB);
		fill(&r, &d, i % 3 == 2 ? SERDE_HIVE : SERDE_OPENX);
		assert_true(r.taken > RECORDS / 20 && r.taken < RECORDS);
		to_parquet(&r, sql, o.scratch, i);
		serde_free(r.s);
		buf_clear(&r.rows);
		arena_clear(&r.a);
	}
	sql_close(sql);
}
