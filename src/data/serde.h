/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serde -- records of JSON to rows of a catalog's table, by the rules of the two SerDes of Firehose.
 *
 * A record is one JSON object, or several one after another; each becomes one row.  Rows come out as
 * JSON lines whose members are named c0, c1, ... after the columns' places, nulls left out, every value in
 * the one spelling that the SQL engine reads as the column's type (serde_stage_type()) without any way to
 * fail: ranges, calendars and characters are all checked here.
 *
 * A record is taken whole or not at all: one object that does not fit sets the whole record aside, so that
 * what is in the table and what is beside it never overlap.
 *
 * Both: keys find columns and fields of structs in any case (ASCII), the last of equal keys counts; keys
 * without a column are counted as dropped; a number with a fraction does not fit an integer (1.0 and 1e3 do); a
 * decimal is rounded to its scale (half up, as Hive does) but not cut in front; a text too long for varchar(n) does
 * not fit; a fraction of a second is cut to the microsecond; dates are yyyy-[M]M-[d]d; binary is base64.
 * OpenX: case matters if so set; texts are taken as numbers ("12", "0x1f") and booleans; numbers, and nested values as
 * JSON, are taken as texts; what is no array is an array of one; an array is a struct by position; with case folded, keys of
 * maps and of nested JSON become lower case.  Timestamps: yyyy-[M]M-[d]d [H]H:[m]m:[s]s[.f],
 * yyyy-MM-ddTHH:mm:ss[.f] with Z, an offset or nothing, and numbers (or texts of them): seconds since 1970 if they are
 * below 10^12, else milliseconds.
 * Hive: none of that; timestamps (and dates) by the patterns given, else yyyy-[M]M-[d]d [H]H:[m]m:[s]s[.f].
 *
 * Threads:  a struct serde by one at a time.
 * Limits:   SERDE_RECORD_MAX bytes of a record, SERDE_ROW_MAX of a row; beyond them it does not fit.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/view.h"

#define SERDE_ROW_MAX (15UL * 1024 * 1024) /* the engine's reader takes lines up to 16 MiB */
#define SERDE_RECORD_MAX (64UL * 1024 * 1024)
#define SERDE_MESSAGE 512

enum serde_kind { SERDE_OPENX, SERDE_HIVE };

struct serde_mapping {
	struct view column, key;
};

struct serde_opts {
	enum serde_kind kind;
	bool case_sensitive;                  /* OpenX */
	bool dots;                            /* OpenX: dots in keys are underscores in names */
	const struct serde_mapping *mappings; /* OpenX: of columns whose key has another name */
	size_t n_mappings;
	const struct view *formats;           /* Hive: JodaTime patterns, or "millis" */
	size_t n_formats;
};

struct serde_column {
	const char *name, *type;
};

struct serde;

/* Are the options right by themselves?  ERR_INVALID, ERR_UNSUPPORTED: names the pattern. */
int serde_check(const struct serde_opts *o, struct err *e) MUST_CHECK;
/* @o and @columns are copied.  ERR_INVALID, ERR_UNSUPPORTED, ERR_LIMIT: names the column. */
int serde_new(const struct serde_opts *o, const struct serde_column *columns, size_t n, struct serde **ret, struct err *e)
	MUST_CHECK;
struct serde *serde_free(struct serde *s); /* NULL is fine; returns NULL */
void serde_freep(struct serde **s);

/* The Hive type of column @i.  And that in which it is staged: binary as a string in the engine's \xNN spelling, to be cast. */
const char *serde_type(const struct serde *s, size_t i); /* its own, in the one spelling */
const char *serde_stage_type(const struct serde *s, size_t i);

enum serde_fault {
	SERDE_OK,
	SERDE_PARSE,     /* no JSON */
	SERDE_MALFORMED, /* JSON that does not fit the table; an empty record */
	SERDE_FULL,      /* @rows has no room: nothing was added; not the record's fault */
};

struct serde_result {
	size_t rows;
	size_t dropped;              /* keys that have no column or field */
	char first_dropped[64];      /* the first of them, cut */
	char message[SERDE_MESSAGE]; /* of a fault, valid UTF-8 */
};

/* The record's rows are appended to @rows; in case of a fault nothing is. */
enum serde_fault serde_record(struct serde *s, struct view record, struct buf *rows, struct serde_result *ret);
