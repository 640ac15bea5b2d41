/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine -- DuckDB, opened once; one job per process forked from there.
 *
 * Threads: engine_open() leaves one thread, so that fork() and the sandbox are sound; engine_job() starts more.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"

struct engine;

int engine_open(struct engine **ret, struct err *e) MUST_CHECK;
/* Enters the job's sandbox and runs it; adds the answer's members to @answer. */
int engine_job(struct engine *g, const struct json *job, struct arena *a, struct json *answer, struct err *e) MUST_CHECK;
/* Removes what was spilled to disk. */
void engine_close(struct engine *g);
