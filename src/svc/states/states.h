/* SPDX-License-Identifier: Apache-2.0 */
/*
 * states -- Step Functions: state machines, and the runner that takes executions from state to state.
 *
 * Threads: any.  Durable: a transition is durable before its side effects start; after a crash executions go on
 *          where their history ends, a task that had completed is never run again.
 * Start:   states_new() answers operations; states_start() starts the runner and resumes executions.  states_stop()
 *          ends it: no task is begun, those under way are waited for and kept if they succeed, executions stay as they are;
 *          then states_free().
 */
#pragma once

#include "aws/op.h"
#include "store/meta.h"

struct states;

struct states_opts {
	struct meta *meta;
	const char *region, *account;
	unsigned workers; /* tasks at once; 0: 64 */
};

extern const struct service states_service;

int states_new(const struct states_opts *o, struct states **ret, struct err *e) MUST_CHECK;
/* @r: where tasks are called, and where definitions' integrations are looked up; must outlive states_stop(). */
int states_start(struct states *s, const struct op_registry *r, struct err *e) MUST_CHECK;
void states_stop(struct states *s);
struct states *states_free(struct states *s); /* stops; NULL is fine; returns NULL */
