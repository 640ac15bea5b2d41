// SPDX-License-Identifier: Apache-2.0
/* A body that op_scan.c takes has to give what the general way gives; one that it does not take stays as it was. */
#include <stddef.h>
#include <stdint.h>

#include "aws/aws_int.h"
#include "sample.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void same_text(const char *a, const char *b)
{
	must(!a == !b && (!a || strcmp(a, b) == 0));
}

static void same_record(const struct sample_record *a, const struct sample_record *b)
{
	must(a->data.p && b->data.p && view_eq(a->data, b->data));
	same_text(a->key, b->key);
}

static void same(const struct sample_bulk_in *a, const struct sample_bulk_in *b)
{
	same_text(a->name, b->name);
	must(a->records.set == b->records.set && a->records.n == b->records.n);
	for (size_t i = 0; i < a->records.n; i++)
		same_record((const struct sample_record *)a->records.v + i, (const struct sample_record *)b->records.v + i);
	must(!a->one == !b->one);
	if (a->one)
		same_record(a->one, b->one);
	must(a->count.set == b->count.set);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena a;
	struct err e = { 0 };
	struct decode d = { .arena = &a, .service = &sample_json, .mode = DECODE_JSON, .err = &e };
	struct sample_bulk_in fast = { 0 }, general = { 0 };
	const struct json *tree = NULL;
	char *text;

	arena_init(&a, LIMIT_ARENA);
	text = arena_dup(&a, p, n ? n : 1);
	if (aws__scan(&d, &sample_bulk, text, n, &fast)) {
		must(aws__parse_json(&a, view_of(p, n), &tree, &e) == 0 && aws__decode(&d, &sample_bulk, tree, &general) == 0);
		same(&fast, &general);
	} else {
		must(memcmp(text, p, n) == 0 && !fast.name && !fast.records.set && !fast.one);
	}
	arena_clear(&a);
	return 0;
}
