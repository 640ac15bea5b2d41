/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hive -- the column types of the catalog, as trees.
 *
 * Hive's spelling: boolean, tinyint, smallint, int (integer), bigint (long), float (real), double,
 * decimal(p,s), string, varchar(n), char(n), binary, date, timestamp, array<t>, map<k,t>,
 * struct<name:t,...>; case does not matter, white space around marks does not either.
 *
 * Threads:  pure functions, any thread.  A tree is not changed any more.
 * Memory:   the tree and its names live in the arena given.
 * Limits:   HIVE_DEPTH levels, HIVE_FIELDS fields of one struct.
 */
#pragma once

#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/view.h"

#define HIVE_DEPTH 16
#define HIVE_FIELDS 1000

enum hive_kind {
	HIVE_BOOLEAN,
	HIVE_TINYINT,
	HIVE_SMALLINT,
	HIVE_INT,
	HIVE_BIGINT,
	HIVE_FLOAT,
	HIVE_DOUBLE,
	HIVE_DECIMAL,
	HIVE_STRING,
	HIVE_VARCHAR,
	HIVE_CHAR,
	HIVE_BINARY,
	HIVE_DATE,
	HIVE_TIMESTAMP,
	HIVE_ARRAY,
	HIVE_MAP,
	HIVE_STRUCT,
};

struct hive_type;

struct hive_field {
	struct view name; /* as it is spelled */
	const struct hive_type *type;
};

struct hive_type {
	enum hive_kind kind;
	unsigned precision, scale;     /* decimal */
	unsigned length;               /* varchar, char: characters; 0: no limit */
	const struct hive_type *key;   /* map: a primitive type */
	const struct hive_type *value; /* array, map: of the elements */
	const struct hive_field *fields; /* struct: no two names are equal but for case */
	size_t n_fields;
};

/* ERR_INVALID says what is wrong with @text; ERR_UNSUPPORTED for uniontype; ERR_LIMIT. */
int hive_type_parse(struct arena *a, struct view text, const struct hive_type **ret, struct err *e) MUST_CHECK;
/* Appends the type's text; with @binary_as_string every binary in it is written as string. */
void hive_type_print(struct buf *b, const struct hive_type *t, bool binary_as_string);
