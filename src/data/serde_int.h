/* SPDX-License-Identifier: Apache-2.0 */
/* serde_int -- what the files of serde share. */
#pragma once

#include "base/map.h"
#include "data/hive.h"
#include "data/joda.h"
#include "data/json_text.h"
#include "data/serde.h"

/* A type with what is needed to fill it. */
struct serde_node {
	const struct hive_type *type;
	struct view path;  /* column, column.field, for messages */
	struct view label; /* of a column or field: its name in the row, with quotes and colon */
	struct serde_node *key, *value;
	struct serde_node *fields; /* struct: type->n_fields of them */
	struct map names;          /* struct: of keys to fields */
	struct view *slots;        /* struct: the value of each field in the object at hand; no text: none */
};

struct serde {
	struct arena arena;
	enum serde_kind kind;
	bool fold, dots; /* keys become lower case; dots underscores */
	const struct joda **formats;
	size_t n_formats;
	struct serde_node root; /* the table as a struct */
	struct hive_type table;
	const char **types, **stage_types;
	/* of the record at hand */
	struct buf *out;
	struct buf text, name, nested; /* scratch: of a value, of a key, of nested JSON */
	struct serde_result *result;
};

/* Sets the message if there is none yet; false. */
bool serde__bad(struct serde *s, const struct serde_node *n, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* For input string: "..." */
bool serde__bad_value(struct serde *s, const struct serde_node *n, struct view raw);
/* A scalar's text: of a string unescaped (in s->text), of others as they are. */
struct view serde__text(struct serde *s, struct view raw);

/* serde_value.c: one value that is not null, appended to s->out; in quotes also where JSON needs none, if @quoted.
 * False: it does not fit, and the message says so. */
bool serde__scalar(struct serde *s, const struct serde_node *n, struct view raw, bool quoted);
/* serde_number.c: from -@max - 1 to @max; hex only to @max. */
bool serde__integer(struct view text, int64_t max, int64_t *ret);
/* The digits of a decimal with exactly @scale behind the point. */
bool serde__decimal(struct view text, unsigned precision, unsigned scale, char out[48]);
/* A number as JSON spells it, or as Java's parser takes it besides (a '+', ".5", "5."). */
bool serde__is_number(struct view text);
/* serde_time.c */
bool serde__date(const struct serde *s, struct view text, int64_t *ret_us);
/* @number: it was no string. */
bool serde__timestamp(const struct serde *s, struct view text, bool number, int64_t *ret_us);
