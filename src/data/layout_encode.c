// SPDX-License-Identifier: Apache-2.0
/* Frames from integers: the inverse of decoding, for modelled people. */
#include <math.h>

#include "data/layout_int.h"

#define CHECKS_MAX 16

struct late_check {
	const struct layout__field *f;
	size_t at; /* byte of the frame */
};

struct packer {
	const struct layout *l;
	uint64_t index;
	const struct layout_put *puts;
	size_t n_puts;
	struct buf *out;
	size_t start; /* of the frame in out */
	size_t bits;  /* of the last byte already used; 0: none */
	struct layout__slot env[LAYOUT_NAMES_MAX];
	struct late_check checks[CHECKS_MAX];
	size_t n_checks;
	struct err *e;
};

static const struct layout_put *find_put(const struct packer *p, struct view name)
{
	for (size_t i = 0; i < p->n_puts; i++)
		if (view_eq_str(name, p->puts[i].name))
			return &p->puts[i];
	return NULL;
}

static void put_bit(struct packer *p, bool bit, bool lsb)
{
	uint8_t *last;

	if (p->bits == 0)
		buf_add_char(p->out, 0);
	if (p->out->over)
		return;
	last = (uint8_t *)p->out->p + p->out->n - 1;
	*last = (uint8_t)(*last | bit << (lsb ? p->bits : 7 - p->bits));
	p->bits = (p->bits + 1) % 8;
}

static void put_bits(struct packer *p, const struct layout__field *f, uint64_t v)
{
	int bytes = f->width / 8;

	if (f->width % 8 || p->bits) {
		for (int i = 0; i < f->width; i++)
			put_bit(p, v >> (f->lsb ? i : f->width - 1 - i) & 1, f->lsb);
		return;
	}
	for (int i = 0; i < bytes; i++)
		buf_add_char(p->out, (char)(v >> 8 * (f->little ? i : bytes - 1 - i)));
}

static bool fits(const struct layout__field *f, int64_t v)
{
	if (f->mask15)
		return v >= -0x4000 && v <= 0x3fff;
	if (f->type == 'u')
		return v >= 0 && (f->width >= 63 || v < (int64_t)1 << f->width);
	return f->width == 64 ||
	       (v >= -((int64_t)1 << (f->width - 1)) && v < (int64_t)1 << (f->width - 1));
}

static int put_integer(struct packer *p, const struct layout__field *f, int64_t v)
{
	uint64_t u = (uint64_t)v;

	if (!fits(f, v))
		return err_set(p->e, ERR_INVALID, "field %.*s: %lld does not fit",
			       VIEW_ARG(f->name), (long long)v);
	if (f->mask15)
		u &= 0x7fff;
	put_bits(p, f, u);
	return 0;
}

/* The value of a counter at this frame; 0 for what is none. */
static uint64_t counter_value(const struct packer *p, const struct layout__field *f)
{
	for (size_t i = 0; i < p->l->n_counters; i++) {
		const struct layout__counter *c = &p->l->counters[i];
		uint64_t m = (uint64_t)c->modulo;

		if (c->slot == f->slot)
			return (uint64_t)((unsigned __int128)(p->index % m) * (uint64_t)c->stride %
					  m);
	}
	return 0;
}

/* Adds the bit-fields that are given. */
static int add_bitfields(struct packer *p, const struct layout__field *f, uint64_t *v)
{
	for (size_t i = 0; i < f->n_bits; i++) {
		const struct layout__bits *b = &f->bits[i];
		const struct layout_put *put = find_put(p, b->name);

		if (!put)
			continue;
		if (put->n != 1 || put->v[0] < 0 || put->v[0] >> b->width)
			return err_set(p->e, ERR_INVALID, "bit-field %s: does not fit", put->name);
		*v |= (uint64_t)put->v[0] << b->lsb;
	}
	return 0;
}

/* The value of the cyclic slot whose turn it is, if it is given. */
static int slot_value(struct packer *p, const struct layout__field *f, uint64_t *v)
{
	double by;

	if (!f->by)
		return 0;
	if (!layout__eval(f->by, p->env, 0, &by))
		return err_set(p->e, ERR_INVALID, "field %.*s: its slot is unknown",
			       VIEW_ARG(f->name));
	for (size_t i = 0; i < f->n_slots; i++) {
		const struct layout_put *put = find_put(p, f->slots[i].name);

		if (put && put->n == 1 && fabs(trunc(by) - (double)f->slots[i].n) < 0.5)
			*v = (uint64_t)put->v[0];
	}
	return 0;
}

/* What the layout itself gives to @f: its const, a counter, its bit-fields, a cyclic slot. */
static int own_value(struct packer *p, const struct layout__field *f, int64_t *ret)
{
	uint64_t v = counter_value(p, f);

	if (add_bitfields(p, f, &v) < 0 || slot_value(p, f, &v) < 0)
		return p->e->code;
	*ret = f->has_const ? f->constant : (int64_t)v;
	return 0;
}

static void set_name(struct packer *p, const struct layout__field *f, int64_t v)
{
	p->env[f->slot] = (struct layout__slot){ .state = SLOT_NUMBER, .d = (double)v, .i = v };
	for (size_t i = 0; i < f->n_bits; i++) {
		const struct layout__bits *b = &f->bits[i];
		int64_t part = v >> b->lsb & (int64_t)(((uint64_t)1 << b->width) - 1);

		p->env[b->slot] =
			(struct layout__slot){ .state = SLOT_NUMBER, .d = (double)part, .i = part };
	}
}

/* How many elements @f has in this frame or row; "*" takes all that are given, divided by the rows. */
static int count_of(struct packer *p, const struct layout__field *f, const struct layout_put *put,
		    size_t rows, size_t *ret)
{
	double n = 1;
	size_t whole = 1;

	if (f->count == COUNT_ALL)
		whole = put ? put->n / rows : 0;
	else if (f->count == COUNT_EXPR &&
		 (!layout__eval(f->n, p->env, 0, &n) || n < 0 || n > LAYOUT_ELEMENTS_MAX))
		return err_set(p->e, ERR_INVALID, "field %.*s: its count is unknown",
			       VIEW_ARG(f->name));
	*ret = f->count == COUNT_EXPR ? (size_t)n : whole;
	if (put && put->n != *ret * rows)
		return err_set(p->e, ERR_INVALID, "field %s: %zu numbers; %zu are needed",
			       put->name, put->n, *ret * rows);
	return 0;
}

static int pack_value(struct packer *p, const struct layout__field *f, size_t row, size_t rows)
{
	const struct layout_put *put = find_put(p, f->name);
	int64_t own = 0;
	size_t n = 0;

	if (f->type == 'f')
		return err_set(p->e, ERR_UNSUPPORTED, "field %.*s: floats are not encoded",
			       VIEW_ARG(f->name));
	if (count_of(p, f, put, rows, &n) < 0)
		return p->e->code;
	if (!put && own_value(p, f, &own) < 0)
		return p->e->code;
	for (size_t i = 0; i < n; i++) {
		int64_t v = put ? put->v[row * n + i] : own;

		if (put_integer(p, f, v) < 0)
			return p->e->code;
		if (f->count == COUNT_ONE)
			set_name(p, f, v);
		else
			p->env[f->slot] = (struct layout__slot){ .state = SLOT_LIST };
	}
	return 0;
}

/* Rows of a group: as its first field given says. */
static size_t rows_given(const struct packer *p, const struct layout__field *f)
{
	for (size_t i = 0; i < f->rows.n; i++) {
		const struct layout__field *x = &f->rows.v[i];
		const struct layout_put *put = x->kind == FIELD_VALUE ? find_put(p, x->name) : NULL;
		double n = 1;

		if (put && x->count == COUNT_EXPR && layout__eval(x->n, p->env, 0, &n) && n >= 1)
			return put->n / (size_t)n;
		if (put)
			return put->n;
	}
	return 0;
}

static int pack_fields(struct packer *p, const struct layout__fields *fs, size_t row, size_t rows);

static int pack_group(struct packer *p, const struct layout__field *f)
{
	size_t n = rows_given(p, f);
	double want;

	if (f->count == COUNT_EXPR &&
	    (!layout__eval(f->n, p->env, 0, &want) || want < 0 || (size_t)want != n))
		return err_set(p->e, ERR_INVALID,
			       "group %.*s: %zu rows are given; its count differs",
			       VIEW_ARG(f->name), n);
	if (n > LAYOUT_ROWS_MAX)
		return err_set(p->e, ERR_LIMIT, "group %.*s: %zu rows", VIEW_ARG(f->name), n);
	for (size_t i = 0; i < n; i++)
		if (pack_fields(p, &f->rows, i, n) < 0)
			return p->e->code;
	return 0;
}

static int pack_check(struct packer *p, const struct layout__field *f)
{
	if (p->n_checks == CHECKS_MAX || p->bits)
		return err_set(p->e, ERR_UNSUPPORTED, "check %.*s cannot be encoded here",
			       VIEW_ARG(f->name));
	p->checks[p->n_checks++] = (struct late_check){ f, p->out->n - p->start };
	put_bits(p, f, 0);
	return 0;
}

static int pack_skip(struct packer *p, const struct layout__field *f)
{
	double n;

	if (!layout__eval(f->on, p->env, 0, &n) || n < 0 || n > LAYOUT_FRAME_MAX)
		return err_set(p->e, ERR_INVALID, "the length of a skip is unknown");
	p->bits = 0;
	for (size_t i = 0; i < (size_t)n; i++)
		buf_add_char(p->out, 0);
	return 0;
}

static int pack_field(struct packer *p, const struct layout__field *f, size_t row, size_t rows)
{
	switch (f->kind) {
	case FIELD_VALUE:
		return pack_value(p, f, row, rows);
	case FIELD_GROUP:
		return pack_group(p, f);
	case FIELD_CHECK:
		return pack_check(p, f);
	case FIELD_SKIP:
		return pack_skip(p, f);
	default:
		return err_set(p->e, ERR_UNSUPPORTED, "switches and codecs are not encoded");
	}
}

static int pack_fields(struct packer *p, const struct layout__fields *fs, size_t row, size_t rows)
{
	for (size_t i = 0; i < fs->n; i++) {
		double cond = 1;

		if (fs->v[i].cond && !layout__eval(fs->v[i].cond, p->env, 0, &cond))
			return err_set(p->e, ERR_INVALID, "a condition has no value");
		if (fpclassify(cond) != FP_ZERO && pack_field(p, &fs->v[i], row, rows) < 0)
			return p->e->code;
	}
	return 0;
}

/* Whether @name is something of the layout. */
static bool known(const struct layout *l, const char *name)
{
	for (size_t i = 0; i < l->n_names; i++)
		if (view_eq_str(l->names[i], name))
			return true;
	return false;
}

static int finish_sync(struct packer *p, uint8_t *b, size_t n)
{
	const struct layout__framing *f = &p->l->framing;
	int64_t told = (int64_t)n - f->add;

	if (f->length && n != f->length)
		return err_set(p->e, ERR_INVALID, "the fields give %zu bytes; a frame has %zu", n,
			       f->length);
	if (n < f->n_sync || memcmp(b, f->sync, f->n_sync) != 0)
		return err_set(p->e, ERR_UNSUPPORTED, "no field gives the sync");
	if (!f->length) {
		if (told < 0 || told > (f->max >= 0 ? f->max : 255) || f->at >= n)
			return err_set(p->e, ERR_INVALID, "a frame of %zu bytes has no length", n);
		b[f->at] = (uint8_t)told;
	}
	if (f->has_tail)
		b[n - 1] = (uint8_t)((b[n - 1] & ~f->mask) | f->value);
	return 0;
}

static int finish_length(struct packer *p, uint8_t *b, size_t n)
{
	const struct layout__framing *f = &p->l->framing;
	int64_t told = (int64_t)n - f->add;

	if (told < 0 || (f->width < 4 && told >> (8 * f->width)))
		return err_set(p->e, ERR_INVALID, "a frame of %zu bytes has no length", n);
	for (int i = 0; i < f->width; i++)
		b[i - f->width] = (uint8_t)(told >> 8 * (f->little ? i : f->width - 1 - i));
	return 0;
}

/* What only the whole frame tells: lengths, the tail, then the checks over them. */
static int finish(struct packer *p)
{
	uint8_t none = 0, *b = p->out->p ? (uint8_t *)p->out->p + p->start : &none;
	size_t n = p->out->n - p->start;
	int rc = 0;

	if (n > LAYOUT_FRAME_MAX)
		return err_set(p->e, ERR_LIMIT, "a frame of %zu bytes", n);
	if (p->l->framing.kind == FRAMING_SYNC)
		rc = finish_sync(p, b, n);
	else if (p->l->framing.kind == FRAMING_LENGTH)
		rc = finish_length(p, b, n);
	else if (p->l->framing.kind == FRAMING_FIXED && n != p->l->framing.length)
		rc = err_set(p->e, ERR_INVALID, "the fields give %zu bytes; a frame has %zu", n,
			     p->l->framing.length);
	for (size_t i = 0; rc == 0 && i < p->n_checks; i++) {
		const struct layout__field *f = p->checks[i].f;
		size_t at = p->checks[i].at, from = f->from < at ? f->from : at,
		       w = (size_t)f->width / 8;
		uint32_t sum = layout__checksum(f->algo, b + from, at - from);

		for (size_t k = 0; k < w; k++)
			b[at + k] = (uint8_t)(sum >> 8 * (f->little ? k : w - 1 - k));
	}
	return rc;
}

static int pack(struct packer *p)
{
	for (size_t i = 0; i < p->n_puts; i++)
		if (!known(p->l, p->puts[i].name))
			return err_set(p->e, ERR_INVALID, "there is no field %s", p->puts[i].name);
	for (size_t i = 0; i < p->l->n_params; i++)
		if (p->l->params[i].n == 0)
			p->env[p->l->params[i].slot] = (struct layout__slot){
				.state = SLOT_NUMBER, .d = p->l->params[i].v[0]
			};
	if (p->l->framing.kind == FRAMING_LENGTH)
		for (int i = 0; i < p->l->framing.width; i++)
			buf_add_char(p->out, 0);
	p->start = p->out->n;
	if (pack_fields(p, &p->l->fields, 0, 1) < 0)
		return p->e->code;
	if (buf_check(p->out, "a frame", p->e) < 0)
		return p->e->code;
	return finish(p);
}

int layout_encode(const struct layout *l, uint64_t index, const struct layout_put *puts, size_t n,
		  struct buf *out, struct err *e)
{
	struct packer p = { .l = l, .index = index, .puts = puts, .n_puts = n, .out = out, .e = e };
	size_t before = out->n;

	if (pack(&p) < 0) {
		out->n = before;
		return err_ctx(e, "layout %.*s", VIEW_ARG(l->id));
	}
	return 0;
}
