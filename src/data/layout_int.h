/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layout_int -- a compiled layout as the files layout*.c share it.  Nobody else includes this.
 *
 * Names are interned: a name is a slot, and the values of all slots while a frame is read are a
 * struct layout__env.  Expressions are compiled to postfix form.
 */
#pragma once

#include <stdatomic.h>

#include "data/layout.h"

#define LAYOUT_STACK 64      /* operands of an expression at one time */
#define LAYOUT_LIST_MAX 1024 /* numbers of a parameter that is a list */
#define LAYOUT_SYNC_MAX 16   /* bytes of a sync */
#define SLOT_LENGTH 0        /* _n: bytes of the frame */

/* ---- names and their values ---- */

enum slot_state { SLOT_UNSET, SLOT_NUMBER, SLOT_LIST };

struct layout__slot {
	enum slot_state state;
	double d;
	int64_t i;          /* d as it was read; only of fields */
	const double *list; /* of a parameter; NULL for an array field */
	size_t n;
};

/* ---- expressions ---- */

enum expr_op {
	EXPR_NUM,
	EXPR_NAME,
	EXPR_ELEMENT,
	EXPR_INDEX,
	EXPR_NEG,
	EXPR_NOT,
	EXPR_MUL,
	EXPR_DIV,
	EXPR_MOD,
	EXPR_ADD,
	EXPR_SUB,
	EXPR_EQ,
	EXPR_NE,
	EXPR_LT,
	EXPR_LE,
	EXPR_GT,
	EXPR_GE,
	EXPR_AND,
	EXPR_OR,
	EXPR_MIN,
	EXPR_MAX,
};

struct layout__step {
	enum expr_op op;
	int slot;
	double num;
};

struct layout__expr {
	struct layout__step *v;
	size_t n;
	bool indexed; /* depends on the element's number */
};

/* ---- fields ---- */

enum field_kind { FIELD_VALUE, FIELD_SWITCH, FIELD_GROUP, FIELD_CODEC, FIELD_SKIP, FIELD_CHECK };
enum field_count { COUNT_ONE, COUNT_ALL, COUNT_EXPR };
enum check_algo { CHECK_SUM8, CHECK_SUM8_INV, CHECK_SUM16, CHECK_XOR8, CHECK_CRC16, CHECK_CRC32C };

struct layout__fields {
	struct layout__field *v;
	size_t n;
	size_t values; /* most values that one reading gives */
};

struct layout__bits {
	struct view name;
	int slot;
	int lsb, width;
};

struct layout__cyclic {
	int64_t n;
	struct view name;
};

struct layout__case {
	bool any;
	double lo, hi;
	struct layout__fields fields;
};

struct layout__text {
	struct view *v;
	size_t n;
};

struct layout__field {
	enum field_kind kind;
	int index; /* among all fields of the layout */
	struct view name;
	int slot;
	const struct layout__expr *cond; /* NULL: always */

	char type; /* 'u' 'i' 'f' */
	int width; /* bits */
	bool little, lsb;
	enum field_count count;
	const struct layout__expr *n;

	bool has_const, hidden, mask15;
	int64_t constant;
	struct layout__bits *bits;
	size_t n_bits;
	const struct layout__expr *by; /* cyclic */
	struct layout__cyclic *slots;
	size_t n_slots;

	const struct layout__expr *scale, *offset; /* NULL: 1 and 0 */
	bool scaled, offset_last;

	struct view unit, what; /* what: "kind" */
	struct layout__text labels, site;
	bool has_range, has_no_value, has_clip;
	double range_lo, range_hi;
	int64_t no_value, clip;

	const struct layout__expr *on; /* switch; channels of a codec; bytes of a skip */
	const struct layout__expr *resolution;
	struct layout__case *cases;
	size_t n_cases;
	struct layout__fields rows; /* group */
	size_t min, end_before;

	enum check_algo algo;
	size_t from;
	bool mark;
};

/* ---- the layout ---- */

enum framing_kind { FRAMING_MESSAGE, FRAMING_FIXED, FRAMING_LENGTH, FRAMING_SYNC };

struct layout__framing {
	enum framing_kind kind;
	size_t length; /* fixed; sync: 0 when a byte tells it */
	int width;     /* length: bytes of the prefix */
	bool little;
	int64_t add;
	uint8_t sync[LAYOUT_SYNC_MAX];
	size_t n_sync;
	size_t at;
	int max; /* -1: none */
	bool has_tail;
	uint8_t mask, value;
};

struct layout__param {
	struct view name;
	int slot;
	const double *v;
	size_t n; /* 0: one number, v[0] */
};

struct layout__peek {
	int slot;
	struct view name;
	int at;
	uint8_t mask;
};

struct layout__counter {
	struct view name;
	int slot;
	int64_t modulo, stride;
};

struct layout {
	atomic_int refs;
	struct arena arena;
	struct view id;
	struct layout__framing framing;
	bool little, lsb;
	struct view names[LAYOUT_NAMES_MAX];
	bool declared[LAYOUT_NAMES_MAX]; /* by a field, a peek or a parameter */
	bool by_field[LAYOUT_NAMES_MAX]; /* by a field or a peek: differs from frame to frame */
	bool looked_at[LAYOUT_NAMES_MAX]; /* by an expression or a counter; others need no value in between */
	bool twice;                      /* some name is given by two fields */
	size_t n_names;
	struct layout__param *params;
	size_t n_params;
	struct layout__peek *peeks;
	size_t n_peeks;
	struct layout__counter *counters;
	size_t n_counters;
	struct layout_time time;
	struct layout__fields fields;
	const struct layout__field *all[LAYOUT_FIELDS_MAX];
	size_t n_fields;
};

/* The slot of @name, made if it is new; negative with @e ERR_LIMIT. */
int layout__slot(struct layout *l, struct view name, struct err *e);

/* layout_expr.c.  @v is a number or a string; @index allows i, the number of the element. */
const struct layout__expr *layout__expr(struct layout *l, const struct json *v, bool index,
					struct err *e);
/* False: an unset name, a list without index, an index outside, a division by zero, not finite. */
bool layout__eval(const struct layout__expr *x, const struct layout__slot *env, size_t index,
		  double *ret);
/* Whether parameters alone decide it. */
bool layout__expr_fixed(const struct layout *l, const struct layout__expr *x);

/* layout_fields.c */
int layout__fields(struct layout *l, const struct json *v, int depth, struct layout__fields *ret,
		   struct err *e);
/* layout_keys.c: members of a JSON object, with the grammar's types. */
int layout__keys(const struct json *obj, const char *const *allowed, struct err *e);
int layout__int(const struct json *obj, const char *name, int64_t lo, int64_t hi, int64_t dflt,
		int64_t *ret, struct err *e);
int layout__int_required(const struct json *obj, const char *name, int64_t lo, int64_t hi,
			 int64_t *ret, struct err *e);
int layout__bool(const struct json *obj, const char *name, bool dflt, bool *ret, struct err *e);
int layout__name(struct layout *l, const struct json *obj, const char *name, struct view *ret,
		 struct err *e);
int layout__text(struct layout *l, const struct json *obj, const char *name, struct view *ret,
		 struct err *e);
/* A number (*ret_n is 0) or a list of numbers. */
int layout__numbers(struct arena *a, const struct json *v, const double **ret, size_t *ret_n,
		    struct err *e);
/* Index of the member's string among @words; @dflt when it is absent (negative: required). */
int layout__word(const struct json *obj, const char *name, const char *const *words, int dflt,
		 int *ret, struct err *e);

/* ---- reading one frame: layout_run.c ---- */

struct layout__scratch {
	struct scratch_block *first, *now;
	size_t used;
};

void layout__scratch_reset(struct layout__scratch *m);
void layout__scratch_clear(struct layout__scratch *m);
void *layout__scratch_alloc(struct layout__scratch *m, size_t n);

/* Scale and offset of a field where parameters alone decide them. */
struct layout__folded {
	bool fixed;
	double scale, offset;
};

struct layout__run {
	const struct layout *l;
	const struct layout__folded *folded; /* by field index */
	struct layout__slot env[LAYOUT_NAMES_MAX];
	struct layout__scratch *m;
	const uint8_t *b;
	size_t pos, end; /* bits */
	size_t size;     /* bytes of the frame */
	size_t elements, rows;
	struct layout_value *slow;
	size_t n_slow, cap_slow;
	enum layout_check check;
	enum layout_fault fault;
	const char *at; /* field at which it failed */
};

/* Reads all fields; false with fault and at. */
bool layout__run(struct layout__run *r, struct view bytes, struct layout_row *ret);
uint32_t layout__checksum(enum check_algo algo, const uint8_t *p, size_t n);

struct layout_stream {
	const struct layout *l;
	struct arena arena;
	struct layout__slot params[LAYOUT_NAMES_MAX]; /* the values that every frame starts with */
	int *fresh; /* slots that a frame sets and something looks at */
	size_t n_fresh;
	struct layout__folded *folded;
	double rate;
	double channels; /* 0: not stated */
	struct layout__run run;
	struct layout__scratch scratch;
	struct buf carry;
	uint64_t offset; /* bytes fed before the carry's first */
	int64_t *last;   /* per counter */
	bool *has_last;
	struct layout_report report;
	const struct layout_channel *channel_list; /* made when first asked for */
	size_t n_channels;
};
