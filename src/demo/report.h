/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report -- the demo's outcome in numbers: a table for people, or one JSON document for programs.
 *
 * Threads:  one.   Memory:  from the arena given.
 */
#pragma once

#include <stdio.h>

#include "base/json.h"
#include "demo/host.h"
#include "demo/readback.h"

struct spread { /* ms */
	double p50, p99, max;
	size_t n;
};

struct report {
	const struct readback *rb;
	uint64_t seed;
	const char *faults, *dir; /* dir: NULL if it is removed */
	struct spread live, sql, verified, result;
	double start_ms, restart_ms, idle_mib, played_s;
	uint64_t live_events, resent;
	const char *sql_error; /* NULL, or why a probe's last query failed */
	const char *stopped; /* NULL, or why the run ended before its end */
};

/* What is not as it should be; an empty array: PASS. */
const struct json *report_reasons(const struct report *r, struct arena *a);
void report_text(const struct report *r, struct arena *a, FILE *out);
const struct json *report_json(const struct report *r, struct arena *a);
