/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies that come in bulk (PutRecordBatch): from their text into the input struct, without a tree in between.
 *
 * Only the plain texts that clients write are taken: members of the table, each once; texts of printable ASCII
 * without escapes; base64 with nothing escaped but the slash.  All else is left to the general way, which then
 * finds the error as well.  Whatever is taken gives the same struct as there (tests/fuzz/fuzz_scan.c compares).
 *
 * The text is looked at first and decoded when nothing can fail any more, so that base64 can be undone in place and
 * the general way finds the text untouched.
 */
#include "aws/aws_int.h"
#include "base/base64.h"

#define SCAN_FIELDS 64 /* members of one structure, as there are bits */

struct scan {
	const struct decode *d;
	char *p, *end;
	bool escapes; /* some base64 has escaped slashes */
};

static void skip_space(struct scan *s)
{
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\n' || *s->p == '\t' || *s->p == '\r'))
		s->p++;
}

/* The next character is @c: it is taken. */
static bool take_here(struct scan *s, char c)
{
	if (s->p == s->end || *s->p != c)
		return false;
	s->p++;
	return true;
}

static bool take(struct scan *s, char c)
{
	skip_space(s);
	return take_here(s, c);
}

static bool scan_text(struct scan *s, struct view *ret)
{
	char *from;

	if (!take(s, '"'))
		return false;
	from = s->p;
	while (s->p < s->end && *s->p >= ' ' && *s->p < 0x7f && *s->p != '"' && *s->p != '\\')
		s->p++;
	*ret = view_of(from, (size_t)(s->p - from));
	return take_here(s, '"');
}

static bool in_limits(const struct op_field *f, size_t n)
{
	return (f->min <= 0 || n >= (uint64_t)f->min) && (f->max <= 0 || n <= (uint64_t)f->max);
}

static bool scan_str(struct scan *s, const struct op_field *f, const char **slot)
{
	struct view v;

	if (!scan_text(s, &v) || !in_limits(f, v.n))
		return false;
	*slot = arena_str(s->d->arena, v);
	return true;
}

/* The last character before @pad times '=' has no bits that belong to no byte. */
static bool ends_well(char last, size_t pad)
{
	static const char low4[] = "AQgw", low2[] = "AEIMQUYcgkosw048";

	return pad == 0 || memchr(pad == 2 ? low4 : low2, last, pad == 2 ? 4 : 16);
}

/* Base64 to the closing quote; *slot is still the text of it. */
static bool scan_blob(struct scan *s, const struct op_field *f, struct view *slot)
{
	size_t chars = 0, pad = 0;
	char *from;

	if (!take(s, '"'))
		return false;
	from = s->p;
	for (;;) {
		size_t n = base64_span(view_of(s->p, (size_t)(s->end - s->p)));

		chars += n;
		s->p += n;
		if (s->end - s->p < 2 || s->p[0] != '\\' || s->p[1] != '/')
			break;
		s->escapes = true;
		s->p++; /* the slash is of the alphabet */
	}
	while (pad < 2 && s->end - s->p > (ptrdiff_t)pad && s->p[pad] == '=')
		pad++;
	if ((chars + pad) % 4 || (pad && !ends_well(s->p[-1], pad)))
		return false;
	s->p += pad;
	*slot = view_of(from, (size_t)(s->p - from));
	return in_limits(f, (chars + pad) / 4 * 3 - pad) && take_here(s, '"');
}

static bool scan_fields(struct scan *s, const struct op_field *fields, void *ret);

static bool scan_list(struct scan *s, const struct op_field *f, struct op_list *slot)
{
	if (f->sub->kind != OPK_OBJ || f->max <= 0 || !take(s, '['))
		return false;
	slot->set = true;
	slot->v = arena_alloc(s->d->arena, (size_t)f->max * f->size);
	do {
		if (slot->n == (uint64_t)f->max || !scan_fields(s, f->sub->sub, (char *)slot->v + slot->n * f->size))
			return false;
		slot->n++;
	} while (take(s, ','));
	return in_limits(f, slot->n) && take(s, ']');
}

static bool scan_value(struct scan *s, const struct op_field *f, void *slot)
{
	switch ((enum op_kind)f->kind) {
	case OPK_STR:
		return scan_str(s, f, slot);
	case OPK_BLOB:
		return scan_blob(s, f, slot);
	case OPK_OBJ:
		*(void **)slot = arena_alloc(s->d->arena, f->size ? f->size : 1);
		return scan_fields(s, f->sub, *(void **)slot);
	case OPK_LIST:
		return scan_list(s, f, slot);
	default:
		return false;
	}
}

static bool all_required(const struct op_field *fields, uint64_t seen)
{
	for (size_t i = 0; fields[i].kind != OPK_END; i++)
		if (fields[i].required && !(seen >> i & 1))
			return false;
	return true;
}

static bool scan_fields(struct scan *s, const struct op_field *fields, void *ret)
{
	uint64_t seen = 0;

	if (!take(s, '{'))
		return false;
	do {
		const struct op_field *f;
		struct view name;

		if (!scan_text(s, &name) || !take(s, ':'))
			return false;
		f = aws__field_of(s->d, fields, name);
		if (!f || f - fields >= SCAN_FIELDS || (seen >> (f - fields) & 1))
			return false;
		if (!scan_value(s, f, (char *)ret + f->off))
			return false;
		seen |= UINT64_C(1) << (f - fields);
	} while (take(s, ','));
	return all_required(fields, seen) && take(s, '}');
}

/* --- in the second round nothing fails --- */
static struct view without_escapes(char *p, size_t n)
{
	size_t out = 0;

	for (size_t i = 0; i < n; i++)
		if (p[i] != '\\')
			p[out++] = p[i];
	return view_of(p, out);
}

static void decode_blob(const struct scan *s, struct view *slot)
{
	char *p = (char *)(uintptr_t)slot->p; /* of the text, which is the caller's to change */
	struct view text = s->escapes ? without_escapes(p, slot->n) : *slot;

	must(base64_decode(p, text, &slot->n));
}

static void decode_fields(const struct scan *s, const struct op_field *fields, void *ret)
{
	for (; fields->kind != OPK_END; fields++) {
		void *slot = (char *)ret + fields->off;
		const struct op_list *l = slot;

		if (fields->kind == OPK_BLOB && ((struct view *)slot)->p)
			decode_blob(s, slot);
		else if (fields->kind == OPK_OBJ && *(void **)slot)
			decode_fields(s, fields->sub, *(void **)slot);
		for (size_t i = 0; fields->kind == OPK_LIST && i < l->n; i++)
			decode_fields(s, fields->sub->sub, (char *)l->v + i * fields->size);
	}
}

bool aws__scan(const struct decode *d, const struct op *op, char *text, size_t n, void *ret)
{
	struct scan s = { .d = d, .p = text, .end = text + n };
	bool plain;

	must(d->mode == DECODE_JSON && op->in);
	plain = scan_fields(&s, op->in, ret);
	skip_space(&s);
	plain = plain && s.p == s.end;
	if (plain)
		decode_fields(&s, op->in, ret);
	else
		memset(ret, 0, op->in_size);
	return plain;
}
