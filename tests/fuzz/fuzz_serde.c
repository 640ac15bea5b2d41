/* SPDX-License-Identifier: Apache-2.0 */
/* A type, a line, and a record: whatever becomes rows is JSON, one object a line; what does not leaves nothing and says why. */
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "data/serde.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static size_t check_lines(struct view rows)
{
	struct view line;
	size_t n = 0;

	for (; rows.n && view_split(&rows, '\n', &line); n++) {
		struct err e = { 0 };
		struct arena a;

		arena_init(&a, GIB);
		must(json_is(json_parse(&a, line, JSON_DEPTH + 2, &e), JSON_OBJ));
		arena_clear(&a);
	}
	return n;
}

static void run(const struct serde_opts *o, const char *type, struct view record)
{
	const struct serde_column columns[] = { { "a", type }, { "b", "string" } };
	CLEANUP(serde_freep) struct serde *s = NULL;
	struct serde_result r;
	struct err e = { 0 };
	struct buf b;

	if (serde_new(o, columns, 2, &s, &e) < 0) {
		must(e.code == ERR_INVALID || e.code == ERR_UNSUPPORTED || e.code == ERR_LIMIT);
		return;
	}
	buf_init(&b, MIB);
	switch (serde_record(s, record, &b, &r)) {
	case SERDE_OK:
		must(check_lines(buf_view(&b)) == r.rows);
		break;
	case SERDE_PARSE:
	case SERDE_MALFORMED:
		must(!b.n && r.message[0] && utf8_valid(view_str(r.message)) && utf8_valid(view_str(r.first_dropped)));
		break;
	default:
		must(!b.n);
	}
	buf_clear(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const struct serde_mapping mappings[] = { { { "b", 1 }, { "B b", 3 } } };
	struct view rest = view_of(p, n), type = VIEW_NONE, format = VIEW_NONE;
	struct arena a;

	(void)view_split(&rest, '\n', &type);
	(void)view_split(&rest, '\n', &format);
	arena_init(&a, MIB);
	if (type.n < 4096) {
		struct serde_opts o = { .kind = SERDE_OPENX, .dots = n % 2, .case_sensitive = n % 3 == 0, .mappings = mappings,
					.n_mappings = n % 5 == 0 };

		run(&o, arena_str(&a, type), rest);
		run(&(struct serde_opts){ .kind = SERDE_HIVE, .formats = &format, .n_formats = format.n > 0 }, arena_str(&a, type),
		    rest);
	}
	arena_clear(&a);
	return 0;
}
