// SPDX-License-Identifier: Apache-2.0
/* Reads the fields of one frame. */
#include <math.h>
#include <stdlib.h>

#include "base/crc.h"
#include "data/layout_int.h"

#define BLOCK ((size_t)64 * 1024)
#define ROWS_FIRST 8

/* ---- scratch: memory of one frame, kept for the next ---- */

struct scratch_block {
	struct scratch_block *next;
	size_t cap;
	max_align_t data[];
};

void layout__scratch_reset(struct layout__scratch *m)
{
	/* What an unusually large frame needed is given back. */
	for (struct scratch_block *b = m->first ? m->first->next : NULL, *next; b; b = next) {
		next = b->next;
		free(b);
	}
	if (m->first)
		m->first->next = NULL;
	m->now = m->first;
	m->used = 0;
}

void layout__scratch_clear(struct layout__scratch *m)
{
	layout__scratch_reset(m);
	free(m->first);
	m->first = m->now = NULL;
}

void *layout__scratch_alloc(struct layout__scratch *m, size_t n)
{
	size_t align = _Alignof(max_align_t);

	n = (n + align - 1) / align * align;
	if (!m->now || m->now->cap - m->used < n) {
		size_t cap = n > BLOCK ? n : BLOCK;
		struct scratch_block *b = malloc(sizeof(*b) + cap);

		must(b);
		b->next = NULL;
		b->cap = cap;
		if (m->now)
			m->now->next = b;
		else
			m->first = b;
		m->now = b;
		m->used = 0;
	}
	void *p = (char *)m->now->data + m->used;
	m->used += n;
	return p;
}

/* ---- bits and bytes ---- */

static bool fail(struct layout__run *r, enum layout_fault fault, const struct layout__field *f)
{
	r->fault = fault;
	r->at = f->name.p ? f->name.p : "";
	return false;
}

static size_t left(const struct layout__run *r)
{
	return r->end > r->pos ? r->end - r->pos : 0;
}

static uint64_t bits_msb(const uint8_t *b, size_t pos, int width)
{
	uint64_t v = 0;

	while (width > 0) {
		int here = 8 - (int)(pos & 7), n = here < width ? here : width;

		v = v << n | ((b[pos >> 3] >> (here - n)) & ((1u << n) - 1));
		pos += (size_t)n;
		width -= n;
	}
	return v;
}

static uint64_t bits_lsb(const uint8_t *b, size_t pos, int width)
{
	uint64_t v = 0;

	for (int at = 0; at < width;) {
		int here = 8 - (int)(pos & 7), n = here < width - at ? here : width - at;

		v |= (uint64_t)((b[pos >> 3] >> (pos & 7)) & ((1u << n) - 1)) << at;
		pos += (size_t)n;
		at += n;
	}
	return v;
}

static uint64_t bytes_of(const uint8_t *p, int n, bool little)
{
	uint64_t v = 0;

	for (int i = 0; i < n; i++)
		v = v << 8 | p[little ? n - 1 - i : i];
	return v;
}

/* The next @width bits, which are there. */
static uint64_t next_bits(struct layout__run *r, int width, bool little, bool lsb)
{
	size_t pos = r->pos;

	r->pos += (size_t)width;
	if (width <= 56 && pos / 8 + 8 <= r->size && width % 8 != 0) {
		uint64_t v = bytes_of(r->b + pos / 8, 8, lsb);

		return lsb ? v >> pos % 8 & ((UINT64_C(1) << width) - 1) : v << pos % 8 >> (64 - width);
	}
	if (width % 8 == 0 && pos % 8 == 0)
		return bytes_of(r->b + pos / 8, width / 8, little);
	return lsb ? bits_lsb(r->b, pos, width) : bits_msb(r->b, pos, width);
}

static int64_t sign_extend(uint64_t v, int width)
{
	return (int64_t)(v << (64 - width)) >> (64 - width);
}

static double half_float(uint16_t h)
{
	int exp = h >> 10 & 31, part = h & 1023;
	double v = exp == 0   ? ldexp(part, -24)
		   : exp < 31 ? ldexp(1024 + part, exp - 25)
		   : part     ? (double)NAN
			      : (double)INFINITY;

	return h >> 15 ? -v : v;
}

static double float_of(uint64_t v, int width)
{
	union {
		uint64_t u;
		double d;
	} d = { v };
	union {
		uint32_t u;
		float f;
	} f = { (uint32_t)v };

	return width == 16 ? half_float((uint16_t)v) : width == 32 ? (double)f.f : d.d;
}

static void to_byte(struct layout__run *r)
{
	r->pos = (r->pos + 7) / 8 * 8;
}

/* An integer; false for a u64 that an int64 cannot hold. */
static bool next_integer(struct layout__run *r, const struct layout__field *f, int64_t *ret)
{
	uint64_t v = next_bits(r, f->width, f->little, f->lsb);

	*ret = f->type == 'i' ? sign_extend(v, f->width) : (int64_t)v;
	if (f->mask15)
		*ret = (int64_t)(v & 0x7fff) - (v & 0x4000 ? 0x8000 : 0);
	return f->type == 'i' || f->mask15 || v <= INT64_MAX;
}

/* @n numbers of @bytes bytes each; with constants for the last four the compiler makes a loop for each width. */
static inline __attribute__((always_inline)) void whole_bytes(int64_t *out, size_t n, const uint8_t *p, int bytes, bool little,
							      bool negative)
{
	for (size_t i = 0; i < n; i++, p += bytes) {
		uint64_t v = bytes_of(p, bytes, little);

		out[i] = negative ? sign_extend(v, 8 * bytes) : (int64_t)v;
	}
}

#define WIDTH(bytes) \
	case 8 * (bytes): \
		if (f->little) \
			whole_bytes(out, n, p, bytes, true, negative); \
		else \
			whole_bytes(out, n, p, bytes, false, negative); \
		break

/* The next @n integers, if they are of whole bytes and all fit; else nothing is read. */
static bool next_whole(struct layout__run *r, const struct layout__field *f, int64_t *out, size_t n)
{
	const uint8_t *p = r->b + r->pos / 8;
	bool negative = f->type == 'i';

	if (r->pos % 8 || f->mask15)
		return false;
	switch (f->width) {
		WIDTH(1);
		WIDTH(2);
		WIDTH(3);
		WIDTH(4);
	default:
		return false;
	}
	r->pos += n * (size_t)f->width;
	return true;
}

/* ---- checks ---- */

static uint32_t crc16_ccitt(const uint8_t *p, size_t n)
{
	uint32_t c = 0xffff;

	for (size_t i = 0; i < n; i++) {
		c ^= (uint32_t)p[i] << 8;
		for (int k = 0; k < 8; k++)
			c = (c & 0x8000 ? c << 1 ^ 0x1021 : c << 1) & 0xffff;
	}
	return c;
}

uint32_t layout__checksum(enum check_algo algo, const uint8_t *p, size_t n)
{
	uint32_t sum = 0, x = 0;

	if (algo == CHECK_CRC16)
		return crc16_ccitt(p, n);
	if (algo == CHECK_CRC32C)
		return crc32c(0, p, n);
	for (size_t i = 0; i < n; i++) {
		sum += p[i];
		x ^= p[i];
	}
	if (algo == CHECK_XOR8)
		return x;
	if (algo == CHECK_SUM16)
		return sum & 0xffff;
	return (algo == CHECK_SUM8_INV ? ~sum : sum) & 0xff;
}

static bool read_check(struct layout__run *r, const struct layout__field *f)
{
	size_t at = r->pos / 8, from = f->from < at ? f->from : at;

	if (left(r) < (size_t)f->width)
		return fail(r, LAYOUT_SHORT, f);
	uint64_t v = next_bits(r, f->width, f->little, f->lsb);
	if (v == layout__checksum(f->algo, r->b + from, at - from)) {
		if (r->check == LAYOUT_CHECK_NONE)
			r->check = LAYOUT_CHECK_OK;
		return true;
	}
	r->check = LAYOUT_CHECK_BAD;
	return f->mark ? true : fail(r, LAYOUT_CHECKSUM, f);
}

/* ---- output ---- */

struct out {
	struct layout_value *v;
	size_t n;
};

/* A place for a value of this name: that of an earlier one, or a new one. */
static struct layout_value *place(const struct layout__run *r, struct out *o, struct view name)
{
	for (size_t i = 0; r->l->twice && i < o->n; i++)
		if (o->v[i].name.p == name.p)
			return &o->v[i];
	return &o->v[o->n++];
}

static void put_integer(struct layout__run *r, struct out *o, struct view name, int64_t i)
{
	int64_t *p = layout__scratch_alloc(r->m, sizeof(*p));

	*p = i;
	*place(r, o, name) = (struct layout_value){ .name = name, .field = -1, .n = 1, .width = 1, .raw = p };
}

static void put_slow(struct layout__run *r, struct view name, int64_t i)
{
	if (r->n_slow == r->cap_slow) {
		size_t cap = r->cap_slow ? r->cap_slow * 2 : ROWS_FIRST;
		struct layout_value *v = layout__scratch_alloc(r->m, cap * sizeof(*v));

		if (r->n_slow)
			memcpy(v, r->slow, r->n_slow * sizeof(*v));
		r->slow = v;
		r->cap_slow = cap;
	}
	struct out o = { r->slow, r->n_slow };
	put_integer(r, &o, name, i);
	r->n_slow = o.n;
}

/* Factor and offset of element @i. */
static bool scale_at(struct layout__run *r, const struct layout__field *f, size_t i, double *scale,
		     double *offset)
{
	const struct layout__folded *c = &r->folded[f->index];

	*scale = c->fixed ? c->scale : 1;
	*offset = c->fixed ? c->offset : 0;
	if (c->fixed)
		return true;
	return (!f->scale || layout__eval(f->scale, r->env, i, scale)) &&
	       (!f->offset || layout__eval(f->offset, r->env, i, offset));
}

static void scale_all(const struct layout__field *f, const struct layout_value *v, double k, double o, double *out)
{
	if (f->offset_last)
		for (size_t i = 0; i < v->n; i++)
			out[i] = (v->raw ? (double)v->raw[i] : v->raw_float[i]) * k + o;
	else
		for (size_t i = 0; i < v->n; i++)
			out[i] = ((v->raw ? (double)v->raw[i] : v->raw_float[i]) - o) * k;
}

/* Scales element i of row i / width by i % width. */
static bool put_scaled(struct layout__run *r, const struct layout__field *f, struct layout_value *v,
		       size_t width)
{
	double *out, k, o;

	if (!f->scaled)
		return true;
	out = layout__scratch_alloc(r->m, (v->n + 1) * sizeof(*out));
	v->scaled = out;
	if (r->folded[f->index].fixed) {
		scale_all(f, v, r->folded[f->index].scale, r->folded[f->index].offset, out);
		return true;
	}
	for (size_t i = 0; i < v->n; i++) {
		double x = v->raw ? (double)v->raw[i] : v->raw_float[i];

		if (!scale_at(r, f, width ? i % width : i, &k, &o))
			return fail(r, LAYOUT_RANGE, f);
		out[i] = f->offset_last ? x * k + o : (x - o) * k;
	}
	return true;
}

/* ---- values ---- */

/* A whole number from an expression, 0 to @max. */
static bool whole(struct layout__run *r, const struct layout__expr *x,
		  const struct layout__field *f, double max, size_t *ret)
{
	double d;

	if (!layout__eval(x, r->env, 0, &d) || d < 0 || d > max)
		return fail(r, LAYOUT_RANGE, f);
	*ret = (size_t)d;
	return true;
}

/* How many elements; checked against what is left and against the limit. */
static bool count_of(struct layout__run *r, const struct layout__field *f, size_t *ret)
{
	size_t n = 1;

	if (f->type == 'f')
		to_byte(r);
	if (f->count == COUNT_ALL)
		n = left(r) / (size_t)f->width;
	else if (f->count == COUNT_EXPR && !whole(r, f->n, f, 1e9, &n))
		return false;
	if (n * (size_t)f->width > left(r))
		return fail(r, LAYOUT_SHORT, f);
	if (n > LAYOUT_ELEMENTS_MAX - r->elements)
		return fail(r, LAYOUT_RANGE, f);
	r->elements += n;
	*ret = n;
	return true;
}

static bool read_numbers(struct layout__run *r, const struct layout__field *f,
			 struct layout_value *v)
{
	int64_t *raw = NULL;
	double *real = NULL;

	if (!count_of(r, f, &v->n))
		return false;
	v->type = f->count == COUNT_ONE ? LAYOUT_NUMBER : LAYOUT_ARRAY;
	if (f->type == 'f')
		v->raw_float = real = layout__scratch_alloc(r->m, (v->n + 1) * sizeof(*real));
	else
		v->raw = raw = layout__scratch_alloc(r->m, (v->n + 1) * sizeof(*raw));
	if (raw && next_whole(r, f, raw, v->n))
		return true;
	for (size_t i = 0; i < v->n; i++) {
		if (real)
			real[i] = float_of(next_bits(r, f->width, f->little, f->lsb), f->width);
		else if (!next_integer(r, f, &raw[i]))
			return fail(r, LAYOUT_RANGE, f);
	}
	return true;
}

static void set_slot(struct layout__run *r, int slot, const struct layout_value *v)
{
	struct layout__slot *s = &r->env[slot];

	if (v->type != LAYOUT_NUMBER)
		*s = (struct layout__slot){ .state = SLOT_LIST };
	else if (v->raw)
		*s = (struct layout__slot){ .state = SLOT_NUMBER,
					    .d = (double)*v->raw,
					    .i = *v->raw };
	else
		*s = (struct layout__slot){ .state = SLOT_NUMBER, .d = *v->raw_float };
}

static void read_bitfields(struct layout__run *r, const struct layout__field *f, int64_t v,
			   struct out *o)
{
	for (size_t i = 0; i < f->n_bits; i++) {
		const struct layout__bits *b = &f->bits[i];
		int64_t part = v >> b->lsb & (int64_t)(((uint64_t)1 << b->width) - 1);

		if (r->l->looked_at[b->slot])
			r->env[b->slot] = (struct layout__slot){ .state = SLOT_NUMBER, .d = (double)part, .i = part };
		put_integer(r, o, b->name, part);
	}
}

static bool read_cyclic(struct layout__run *r, const struct layout__field *f, int64_t v)
{
	double by;

	if (!layout__eval(f->by, r->env, 0, &by))
		return fail(r, LAYOUT_RANGE, f);
	for (size_t i = 0; i < f->n_slots; i++)
		if (fabs(trunc(by) - (double)f->slots[i].n) < 0.5)
			put_slow(r, f->slots[i].name, v);
	return true;
}

static bool read_value(struct layout__run *r, const struct layout__field *f, struct out *o)
{
	struct layout_value v = { .name = f->name, .field = f->index, .width = 1 };

	if (!read_numbers(r, f, &v))
		return false;
	if (f->has_const && *v.raw != f->constant)
		return fail(r, LAYOUT_CONST, f);
	if (r->l->looked_at[f->slot])
		set_slot(r, f->slot, &v);
	if (f->n_bits)
		read_bitfields(r, f, *v.raw, o);
	if (f->by)
		return read_cyclic(r, f, *v.raw);
	if (f->hidden)
		return true;
	if (!put_scaled(r, f, &v, 0))
		return false;
	*place(r, o, f->name) = v;
	return true;
}

/* ---- the other kinds ---- */

static bool read_fields(struct layout__run *r, const struct layout__fields *fs, struct out *o);

static bool read_switch(struct layout__run *r, const struct layout__field *f, struct out *o)
{
	double on;

	if (!layout__eval(f->on, r->env, 0, &on))
		return fail(r, LAYOUT_RANGE, f);
	for (size_t i = 0; i < f->n_cases; i++) {
		const struct layout__case *c = &f->cases[i];

		if (c->any || (on >= c->lo && on <= c->hi))
			return read_fields(r, &c->fields, o);
	}
	return fail(r, LAYOUT_NO_CASE, f);
}

/* One more row; the names that it sets are gone behind it. */
static bool read_row(struct layout__run *r, const struct layout__field *f,
		     const struct layout__slot *names, struct layout_row *row)
{
	struct out o = { layout__scratch_alloc(r->m, (f->rows.values + 1) * sizeof(*o.v)), 0 };

	memcpy(r->env, names, r->l->n_names * sizeof(*names));
	if (++r->rows > LAYOUT_ROWS_MAX)
		return fail(r, LAYOUT_RANGE, f);
	if (!read_fields(r, &f->rows, &o))
		return false;
	*row = (struct layout_row){ o.v, o.n };
	return true;
}

static bool read_rows(struct layout__run *r, const struct layout__field *f, size_t count,
		      struct layout_value *v)
{
	size_t bytes = r->l->n_names * sizeof(struct layout__slot), cap = 0;
	struct layout__slot *names = layout__scratch_alloc(r->m, bytes);
	struct layout_row *rows = NULL;
	bool all = f->count == COUNT_ALL;

	memcpy(names, r->env, bytes);
	while (all ? left(r) >= 8 * f->min : v->n < count) {
		size_t before = r->pos;

		if (v->n == cap) {
			cap = cap ? cap * 2 : ROWS_FIRST;
			struct layout_row *more = layout__scratch_alloc(r->m, cap * sizeof(*more));

			if (v->n)
				memcpy(more, rows, v->n * sizeof(*rows));
			rows = more;
		}
		if (!read_row(r, f, names, &rows[v->n]))
			return false;
		v->n++;
		/* a row that reads nothing would go on for ever */
		if (all && r->pos == before)
			return fail(r, LAYOUT_RANGE, f);
	}
	memcpy(r->env, names, bytes);
	v->rows = rows;
	return true;
}

static bool read_group(struct layout__run *r, const struct layout__field *f, struct out *o)
{
	struct layout_value v = {
		.name = f->name, .field = f->index, .type = LAYOUT_ROWS, .width = 1
	};
	size_t keep = r->end, cut = 8 * f->end_before, count = 0;

	if (cut > r->end)
		return fail(r, LAYOUT_SHORT, f);
	if (f->count == COUNT_EXPR && !whole(r, f->n, f, LAYOUT_ROWS_MAX, &count))
		return false;
	r->end -= cut;
	if (!read_rows(r, f, count, &v))
		return false;
	r->end = keep;
	*place(r, o, f->name) = v;
	return true;
}

/* The next row of a compressed block: the row before, plus a difference for each channel. */
static bool delta_row(struct layout__run *r, const struct layout__field *f, int width,
		      size_t channels, int64_t *row)
{
	const int64_t *before = row - channels;

	if (left(r) < (size_t)width * channels)
		return fail(r, LAYOUT_SHORT, f);
	for (size_t c = 0; c < channels; c++) {
		uint64_t d = width ? (uint64_t)sign_extend(bits_lsb(r->b, r->pos, width), width)
				   : 0;

		row[c] = (int64_t)((uint64_t)before[c] + d);
		r->pos += (size_t)width;
	}
	return true;
}

/* Room for @more elements behind the @n of @raw, which may move. */
static bool delta_room(struct layout__run *r, const struct layout__field *f, int64_t **raw,
		       size_t n, size_t more, size_t *cap)
{
	if (more > LAYOUT_ELEMENTS_MAX - r->elements)
		return fail(r, LAYOUT_RANGE, f);
	r->elements += more;
	if (*raw && n + more <= *cap)
		return true;
	*cap = (n + more) * 2;
	int64_t *grown = layout__scratch_alloc(r->m, *cap * sizeof(*grown));
	if (n)
		memcpy(grown, *raw, n * sizeof(**raw));
	*raw = grown;
	return true;
}

/* A reference row of whole bytes, then blocks: width in bits, count, signed differences (Polar). */
static bool read_delta(struct layout__run *r, const struct layout__field *f, struct out *o)
{
	struct layout_value v = { .name = f->name, .field = f->index, .type = LAYOUT_TABLE };
	size_t channels = 0, resolution = 0, cap = 0;
	int64_t *raw = NULL;

	to_byte(r);
	if (!whole(r, f->on, f, 256, &channels) || !whole(r, f->resolution, f, 64, &resolution))
		return false;
	if (channels == 0 || resolution == 0)
		return fail(r, LAYOUT_RANGE, f);
	int bytes = ((int)resolution + 7) / 8;
	if (left(r) < channels * (size_t)bytes * 8)
		return fail(r, LAYOUT_SHORT, f);
	if (!delta_room(r, f, &raw, 0, channels, &cap))
		return false;
	must(raw);
	for (; v.n < channels; v.n++)
		raw[v.n] = sign_extend(next_bits(r, bytes * 8, true, false), bytes * 8);
	while (left(r) >= 16) {
		int width = (int)next_bits(r, 8, false, false);
		size_t count = (size_t)next_bits(r, 8, false, false);

		if (width > 64)
			return fail(r, LAYOUT_RANGE, f);
		if (!delta_room(r, f, &raw, v.n, count * channels, &cap))
			return false;
		for (; count > 0; count--, v.n += channels)
			if (!delta_row(r, f, width, channels, raw + v.n))
				return false;
		to_byte(r);
	}
	v.raw = raw;
	v.width = channels;
	if (!put_scaled(r, f, &v, channels))
		return false;
	*place(r, o, f->name) = v;
	return true;
}

static bool read_skip(struct layout__run *r, const struct layout__field *f)
{
	size_t n = 0;

	to_byte(r);
	if (!whole(r, f->on, f, LAYOUT_FRAME_MAX, &n))
		return false;
	if (8 * n > left(r))
		return fail(r, LAYOUT_SHORT, f);
	r->pos += 8 * n;
	return true;
}

static bool read_field(struct layout__run *r, const struct layout__field *f, struct out *o)
{
	switch (f->kind) {
	case FIELD_VALUE:
		return read_value(r, f, o);
	case FIELD_SWITCH:
		return read_switch(r, f, o);
	case FIELD_GROUP:
		return read_group(r, f, o);
	case FIELD_CODEC:
		return read_delta(r, f, o);
	case FIELD_SKIP:
		return read_skip(r, f);
	default:
		return read_check(r, f);
	}
}

static bool read_fields(struct layout__run *r, const struct layout__fields *fs, struct out *o)
{
	for (size_t i = 0; i < fs->n; i++) {
		const struct layout__field *f = &fs->v[i];
		double cond = 1;

		if (f->cond && !layout__eval(f->cond, r->env, 0, &cond))
			return fail(r, LAYOUT_RANGE, f);
		if (fpclassify(cond) != FP_ZERO && !read_field(r, f, o))
			return false;
	}
	return true;
}

static bool read_peeks(struct layout__run *r, size_t n)
{
	for (size_t i = 0; i < r->l->n_peeks; i++) {
		const struct layout__peek *p = &r->l->peeks[i];
		int64_t at = p->at < 0 ? (int64_t)n + p->at : p->at;

		if (at < 0 || at >= (int64_t)n) {
			r->fault = LAYOUT_SHORT;
			r->at = p->name.p;
			return false;
		}
		int64_t v = r->b[at] & p->mask;
		r->env[p->slot] =
			(struct layout__slot){ .state = SLOT_NUMBER, .d = (double)v, .i = v };
	}
	return true;
}

bool layout__run(struct layout__run *r, struct view bytes, struct layout_row *ret)
{
	struct out o = { layout__scratch_alloc(r->m, (r->l->fields.values + 1) * sizeof(*o.v)), 0 };

	r->b = (const uint8_t *)bytes.p;
	r->pos = 0;
	r->end = 8 * bytes.n;
	r->size = bytes.n;
	r->elements = r->rows = r->n_slow = r->cap_slow = 0;
	r->check = LAYOUT_CHECK_NONE;
	r->at = "";
	if (!read_peeks(r, bytes.n) || !read_fields(r, &r->l->fields, &o))
		return false;
	*ret = (struct layout_row){ o.v, o.n };
	return true;
}
