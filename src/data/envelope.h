/* SPDX-License-Identifier: Apache-2.0 */
/*
 * envelope -- the 52 bytes in front of every bio-signal record, and its JSON form.
 *
 * Little-endian: magic "MG" | version u8 | flags u8 | layout u32 | stream 16 bytes | seq u32 |
 * t_tablet_ns i64 | t_device i64 | len u32 | crc32c u32 over bytes 0-47 and the payload; then the
 * payload.  (stream, seq) is the key by which duplicates are recognised.
 *
 * Threads:  pure functions, any thread.
 * Memory:   a parsed envelope's payload points into the bytes it was parsed from.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/view.h"

#define ENVELOPE_HEAD 52
#define ENVELOPE_VERSION 1
#define ENVELOPE_STREAM_TEXT 37 /* UUID as text, with its NUL */

/* Why bytes are no envelope, in the order of the checks; the names are the quarantine's reasons. */
enum envelope_fault {
	ENVELOPE_OK,
	ENVELOPE_LENGTH, /* shorter than a head, or len is not what follows */
	ENVELOPE_MAGIC,
	ENVELOPE_VERSION_UNKNOWN,
	ENVELOPE_FLAGS, /* a reserved bit is set */
	ENVELOPE_CRC,
};

struct envelope {
	uint8_t version; /* 1 */
	uint8_t flags;   /* 0 */
	uint32_t layout; /* number in the catalog (layout.h); 0: not stated */
	uint8_t stream[16];
	uint32_t seq;
	int64_t t_tablet_ns; /* ns since 1970-01-01 UTC when the payload's last byte arrived */
	int64_t t_device;    /* device clock in its own unit, or 0 */
	uint32_t crc;        /* set by envelope_parse() */
	struct view payload;
};

/* @ret is filled only for ENVELOPE_OK. */
enum envelope_fault envelope_parse(struct view bytes, struct envelope *ret) MUST_CHECK;
/* "length", "magic", "version", "flags", "crc"; "ok" for ENVELOPE_OK. */
const char *envelope_fault_name(enum envelope_fault f);

/* Appends head and payload; len and crc are computed, version and flags are written as given. */
void envelope_build(struct buf *out, const struct envelope *env);

/*
 * The JSON form: {"v":1,"flags":0,"layout":2,"stream":"<uuid>","seq":41,"t_tablet_ns":"...",
 * "t_device":"0","data":"<base64>"}; all members but flags and layout are required, unknown ones are
 * refused.  The payload lives in @a.  ERR_INVALID names the member.
 */
int envelope_from_json(struct arena *a, const struct json *v, struct envelope *ret, struct err *e)
	MUST_CHECK;
const struct json *envelope_to_json(struct arena *a, const struct envelope *env);

/* Lower-case UUID text of a stream id; returns @out. */
char *envelope_stream_text(const uint8_t stream[16], char out[ENVELOPE_STREAM_TEXT]);
/* Reads 8-4-4-4-12 hex digits of either case; false if @text is not that. */
bool envelope_stream_parse(struct view text, uint8_t ret[16]);
