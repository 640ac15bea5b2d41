/* SPDX-License-Identifier: Apache-2.0 */
/*
 * joda -- points in time by a pattern in JodaTime's syntax (DateTimeFormat).
 *
 * Letters: y Y M d D E a K h H k m s S Z, text in single quotes, all other characters themselves.
 * As in JodaTime a number may have fewer digits than letters, a fraction no more; names are English
 * in any case; without an offset the time is UTC; what a pattern leaves out is 1970-01-01T00:00:00 (a
 * year: 2000, if there is a month).  "millis" is milliseconds since 1970.
 * Not supported, and told so: two-digit years, eras, centuries, week dates, zone names.
 *
 * Threads:  pure functions, any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/view.h"

#define JODA_PIECES 64
#define TIME_US_MIN (-62135596800000000LL) /* 0001-01-01T00:00:00 */
#define TIME_US_MAX 253402300799999999LL   /* 9999-12-31T23:59:59.999999 */

struct joda;

/* ERR_INVALID, ERR_UNSUPPORTED (names the letter), ERR_LIMIT.  Lives in @a; @pattern is copied. */
int joda_compile(struct arena *a, struct view pattern, const struct joda **ret, struct err *e) MUST_CHECK;
/* The whole of @text, cut to the microsecond; false if it is not of that form, or not within the years 1 to 9999. */
bool joda_parse(const struct joda *j, struct view text, int64_t *ret_us);
bool joda_is_millis(const struct joda *j);

struct when {
	int64_t year, month, day, hour, minute, second, us;
};
/* Microseconds since 1970 of a date and time that exist (24:00 does not). */
bool when_us(const struct when *w, int64_t *ret_us);
