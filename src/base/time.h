/* SPDX-License-Identifier: Apache-2.0 */
/*
 * time -- points in time as int64 ms since 1970-01-01 UTC, to and from text.  No clock: see os/clock.h.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/view.h"

#define TIME_TEXT 40 /* enough for every form below */

struct civil {
	int year, month, day, hour, minute, second, ms, yday /* 1.. */, wday /* 0 = Sunday */;
};

void time_civil(int64_t ms, struct civil *ret);
int64_t time_from_civil(const struct civil *c); /* yday and wday are ignored */

/* Each writes a NUL-terminated text and returns @out. */
char *time_iso(int64_t ms, char out[TIME_TEXT]);      /* 2026-11-22T20:46:56.123Z */
char *time_iso_s(int64_t ms, char out[TIME_TEXT]);    /* 2026-11-22T20:46:56Z */
char *time_basic(int64_t ms, char out[TIME_TEXT]);    /* 20261122T204656Z (SigV4) */
char *time_http(int64_t ms, char out[TIME_TEXT]);     /* Sun, 22 Nov 2026 20:46:56 GMT */

/* RFC 3339 with Z or an offset, fraction optional (cut to ms); basic form; IMF-fixdate,
 * also with "+0000" or "-0000" for GMT. */
bool time_parse_iso(struct view s, int64_t *ret_ms);
bool time_parse_basic(struct view s, int64_t *ret_ms);
bool time_parse_http(struct view s, int64_t *ret_ms);
