/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layout -- declared layouts of device bytes: compile, decode, encode.
 *
 * A layout is a JSON object that says how a device's bytes are framed and what the fields of a frame
 * are; docs/layouts.md has the language.  Nothing here knows a device.  A layout is
 * immutable once compiled; what belongs to one device and one stream (gains, the bytes of a frame
 * that straddles two records, the last counter) is in a layout_stream.
 *
 * Threads:  a struct layout may be used by any number of threads; a layout_stream by one at a time.
 * Memory:   layouts are ref/unref; everything a sink is given lasts until it returns.
 * Limits:   LAYOUT_* below; a layout over them is ERR_LIMIT, a frame over them is a bad frame.
 * Refused by name, ERR_UNSUPPORTED: framing "csv", codec "ganglion_delta".
 * Integers: a raw value is an int64; a u64 of 2^63 or more makes its frame bad ("range").
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/view.h"

#define LAYOUT_TEXT_MAX (64 * 1024) /* bytes of a layout's JSON */
#define LAYOUT_DEPTH_MAX 8          /* fields within cases and groups */
#define LAYOUT_FIELDS_MAX 256
#define LAYOUT_NAMES_MAX 256           /* different names: fields, bit-fields, peeks, parameters */
#define LAYOUT_NAME_MAX 64             /* bytes of a name */
#define LAYOUT_EXPR_MAX 256            /* bytes of an expression */
#define LAYOUT_FRAME_MAX (1024 * 1024) /* bytes of a frame */
#define LAYOUT_ELEMENTS_MAX (1024 * 1024) /* numbers of a frame */
#define LAYOUT_ROWS_MAX (256 * 1024)      /* rows of a frame, over all groups */

struct layout;

/*
 * Compiles the JSON text of one layout.  @id is kept for messages and layout_id(); it may be empty.
 * NULL and @e: ERR_INVALID naming the place ("fields[2].type: ..."), ERR_LIMIT, ERR_UNSUPPORTED.
 */
struct layout *layout_compile(struct view id, struct view text, struct err *e) MUST_CHECK;
struct layout *layout_compile_json(struct view id, const struct json *v, struct err *e) MUST_CHECK;
struct layout *layout_ref(const struct layout *l);
struct layout *layout_unref(const struct layout *l); /* NULL is fine; returns NULL */
void layout_unrefp(struct layout **l);

struct view layout_id(const struct layout *l);

enum layout_time_model {
	LAYOUT_TIME_NONE,
	LAYOUT_TIME_COUNTER,
	LAYOUT_TIME_STAMP,
	LAYOUT_TIME_SYNC,
	LAYOUT_TIME_HOST
};

struct layout_time {
	enum layout_time_model model;
	double rate;       /* samples/s of each channel; 0: not stated */
	int per_packet;    /* counter: samples of each channel per frame; 0: not stated */
	struct view field; /* stamp: name of the field */
	int64_t epoch_ms;  /* stamp: the device's zero as ms since 1970 */
	int64_t unit_ns;   /* stamp: ns of one unit; 0 for ticks of 1 / rate */
	bool last_sample;  /* stamp is that of the frame's last sample, else of the first */
	int wrap_bits;     /* 0: never wraps */
};
const struct layout_time *layout_time_of(const struct layout *l);

/* ---- decoding ---- */

struct layout_row;

enum layout_value_type {
	LAYOUT_NUMBER, /* n = 1 */
	LAYOUT_ARRAY,  /* n elements */
	LAYOUT_TABLE,  /* a codec: n elements in rows of width */
	LAYOUT_ROWS,   /* a group: n rows */
};

struct layout_value {
	struct view name;
	int field; /* which field of the layout; -1: a bit-field or a slot */
	enum layout_value_type type;
	size_t n;
	size_t width;
	const int64_t *raw;      /* integers as they were sent; NULL for floats and rows */
	const double *raw_float; /* floats as they were sent; NULL for integers and rows */
	const double *scaled;    /* NULL when the field has neither scale nor offset */
	const struct layout_row *rows;
};

struct layout_row {
	const struct layout_value *v;
	size_t n;
};

enum layout_check { LAYOUT_CHECK_NONE, LAYOUT_CHECK_OK, LAYOUT_CHECK_BAD };

struct layout_frame {
	uint64_t offset; /* of its first byte among all bytes fed */
	struct view bytes;
	struct layout_row fields; /* in the layout's order, hidden ones left out */
	struct layout_row slow;   /* the side channel: cyclic slots of this frame */
	enum layout_check check;
	bool dup;      /* same counter as the frame before: keep the first */
	uint64_t lost; /* frames missing in front of this one, by the counters */
};

enum layout_fault {
	LAYOUT_FRAMING, /* a length that cannot be */
	LAYOUT_CONST,
	LAYOUT_CHECKSUM,
	LAYOUT_SHORT, /* fewer bytes than the fields need */
	LAYOUT_NO_CASE,
	LAYOUT_RANGE, /* an expression without a value, a number too large, over a limit */
};
const char *layout_fault_name(
	enum layout_fault f); /* "framing", "const", "checksum", "short", "no_case", "range" */

struct layout_bad {
	enum layout_fault fault;
	uint64_t offset;
	struct view bytes;
	const char *field; /* name of the field at which it failed, or "" */
};

struct layout_sink {
	void *ctx;
	void (*frame)(void *ctx, const struct layout_frame *f);
	void (*bad)(void *ctx, const struct layout_bad *b); /* may be NULL: only counted */
};

struct layout_report {
	uint64_t frames; /* good and bad */
	uint64_t bad;
	uint64_t lost; /* by the counters; the envelope's seq is the first witness */
	uint64_t dup;
	uint64_t skipped;   /* bytes passed over while looking for a sync */
	uint64_t discarded; /* bytes of unfinished frames thrown away at a gap or at the end */
};

struct layout_stream;

/*
 * @params is a JSON object of the device's parameters (numbers, or arrays of numbers for use as
 * gain[i]) that override the layout's own; NULL: none.  Other members than the layout's params,
 * "rate" and "channels" are refused, so that a misspelt gain is not ignored.
 * NULL and @e ERR_INVALID: names the parameter.
 */
struct layout_stream *layout_stream_new(const struct layout *l, const struct json *params,
					struct err *e) MUST_CHECK;
struct layout_stream *layout_stream_free(struct layout_stream *s);
void layout_stream_freep(struct layout_stream **s);

/*
 * Payloads of one stream, in seq order.  With framing "message" a payload is a frame; with all others
 * frames may straddle payloads, and the unfinished rest is carried.  After a frame whose const or
 * checksum is wrong under "sync" framing, the search goes on one byte behind its start.
 */
void layout_stream_feed(struct layout_stream *s, struct view bytes, const struct layout_sink *sink);
/* A seq is missing, or the stream ended: good frames within the carried rest are still given out (a
 * false sync may have hidden them), what remains is thrown away and counted. */
void layout_stream_gap(struct layout_stream *s, const struct layout_sink *sink);
const struct layout_report *layout_stream_report(const struct layout_stream *s);
size_t layout_stream_carried(
	const struct layout_stream *s); /* bytes waiting for the rest of their frame */

/* {"off":0,"raw":{...},"value":{...}} and, when they apply, "slow", "check", "dup", "gap". */
const struct json *layout_frame_json(struct arena *a, const struct layout_frame *f);

/* ---- channels: what the lake and the live view need ---- */

struct layout_channel {
	struct view
		name; /* label, else site, else the field's name (with a number where it has several) */
	struct view kind;     /* eeg, ppg, ecg, eda, acc, gyro, mag, temp, rr, status */
	struct view unit;     /* "" when not stated */
	struct view site;     /* "" when not stated */
	double scale, offset; /* value = (raw - offset) * scale */
	double rate;          /* samples/s; 0: not stated */
	bool is_float;
	bool has_range, has_no_value, has_clip;
	double range_lo, range_hi;
	int64_t no_value, clip;
	/* where: */
	int field;
	size_t lane, lanes; /* every lanes-th element from lane on */
};

/*
 * The channels of all fields that have a kind, in the layout's order.
 *
 * A field that is an array of N is
 *   - one channel with N samples per frame, if time.per_packet is N (Muse);
 *   - N / per_packet channels, sample after sample, if per_packet is more than 1 and divides N;
 *   - otherwise N channels with one sample per frame (Cyton) or per row of its group (Polar).
 * An array of count "*" has as many channels as it has labels or sites, else as the parameter
 * "channels" says if time.per_packet is more than 1, else one.
 *
 * The array lasts as long as @s.  ERR_UNSUPPORTED: a scale that depends on a field.
 */
int layout_stream_channels(const struct layout_stream *s, const struct layout_channel **ret,
			   size_t *ret_n, struct err *e) MUST_CHECK;

/* Samples of channel @c in @f: writes at most @max, returns how many there are (0 when the field is
 * not in this frame).  _counts is for integer fields, _values scales and also takes floats. */
size_t layout_channel_counts(const struct layout_channel *c, const struct layout_frame *f,
			     int64_t *out, size_t max);
size_t layout_channel_values(const struct layout_channel *c, const struct layout_frame *f,
			     double *out, size_t max);

/* ---- encoding: modelled people ---- */

/* Integers of one field, bit-field or slot, by name; for a field in a group its rows one after another. */
struct layout_put {
	const char *name;
	const int64_t *v;
	size_t n;
};

/*
 * Appends frame number @index.  Consts, counters (index * stride modulo), lengths, tails and checks are
 * filled in, fields not given are 0, a group has as many rows as its first field given.
 * ERR_INVALID: an unknown name, a wrong count, a number that does not fit.
 * ERR_UNSUPPORTED: floats, switches and codecs.  ERR_LIMIT: @out is full.
 */
int layout_encode(const struct layout *l, uint64_t index, const struct layout_put *puts, size_t n,
		  struct buf *out, struct err *e) MUST_CHECK;

/* ---- catalog: the layouts that are built in (pipelines/audience/layouts.json) ---- */

/* A layout's number is its place in the file, from 1; places never change.  NULL: no such layout.  The
 * layouts live for ever: no unref needed. */
size_t layout_catalog_count(void);
const struct layout *layout_catalog_by_number(uint32_t number);
const struct layout *layout_catalog_by_id(struct view id);
uint32_t layout_catalog_number(struct view id);     /* 0: no such layout */
struct view layout_catalog_source(uint32_t number); /* its JSON text; VIEW_NONE */
