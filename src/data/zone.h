/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zone -- a time zone's rules: what UTC is there.
 *
 * From a TZif file (RFC 8536, versions 1 to 4, as systems keep them in /usr/share/zoneinfo): its transitions, and behind
 * the last one its footer, a POSIX TZ rule.  Leap seconds are not applied (systems' "posix" files have none).
 *
 * Threads:  pure functions.   Memory: a zone lives in the arena given.
 */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/view.h"

struct zone;

/* @name: as it was asked for ("Asia/Seoul"), for the pattern letters VV.  ERR_CORRUPT: not a TZif file. */
int zone_parse(struct arena *a, struct view name, struct view tzif, const struct zone **ret, struct err *e) MUST_CHECK;

struct zone_at {
	int64_t offset_s;       /* local time minus UTC */
	struct view abbreviation; /* "KST" */
};
struct zone_at zone_at(const struct zone *z, int64_t at_ms); /* @z NULL: UTC */
struct view zone_name(const struct zone *z);                 /* NULL: "UTC" */
