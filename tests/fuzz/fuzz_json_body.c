// SPDX-License-Identifier: Apache-2.0
/* First byte: J (JSON), X (XML), F (form) or S (op_call); the rest: a body, decoded by a rich field table. */
#include <stddef.h>
#include <stdint.h>

#include "aws/aws_int.h"
#include "sample.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* "a=b" lines, as the router reads a form. */
static const struct json *flat_form(struct arena *a, struct view text)
{
	struct json *o = json_new_obj(a);
	struct view line;

	for (size_t i = 0; i < 100 && text.p && view_split(&text, '&', &line); i++) {
		ptrdiff_t eq = view_chr(line, '=');

		if (eq > 0)
			json_set_view(a, o, view_sub(line, 0, (size_t)eq), json_new_str(a, view_from(line, (size_t)eq + 1)));
	}
	return o;
}

static const struct json *tree_of(const struct decode *d, uint8_t kind, struct view text)
{
	const struct json *j = NULL;
	const struct xml *x;
	struct err e = { 0 };

	if (kind == 'X') {
		x = xml_parse(d->arena, text, &e);
		return x ? aws__tree_of_xml(d, sample_fields, x) : NULL;
	}
	if (kind == 'F') {
		const struct json *params = flat_form(d->arena, text);

		if (text.n && text.p[0] == '{' && aws__parse_json(d->arena, text, &params, &e) < 0)
			return NULL;
		return aws__tree_of_form(d, sample_fields, params);
	}
	return aws__parse_json(d->arena, text, &j, &e) < 0 ? NULL : j;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const struct op op = { .name = "Echo", .in = sample_fields, .in_size = sizeof(struct sample_in) };
	struct arena a;
	struct err e = { 0 };
	struct decode d = { .arena = &a, .service = &sample_json, .err = &e };
	struct sample_in in = { 0 };
	const struct json *tree;

	if (n < 1)
		return 0;
	arena_init(&a, LIMIT_ARENA);
	d.mode = p[0] == 'J' ? DECODE_JSON : p[0] == 'S' ? DECODE_SDK : DECODE_TEXT;
	if (p[0] == 'X')
		d.service = &sample_xml;
	tree = tree_of(&d, p[0], view_of(p + 1, n - 1));
	if (tree && aws__decode(&d, &op, tree, &in) == 0)
		must(in.name && strlen(in.name) > 0 && (!in.count.set || (in.count.v >= 1 && in.count.v <= 10)));
	else
		must(!tree || e.wire);
	arena_clear(&a);
	return 0;
}
