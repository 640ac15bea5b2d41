/* SPDX-License-Identifier: Apache-2.0 */
/*
 * events -- EventBridge: the outbox of events, rules, and the dispatcher that brings events to targets.
 *
 * Threads: any.  Durable: every accepted event and every change of a rule before its answer.
 * Start:   events_new() gives the port and answers operations; events_start() starts the dispatcher, which takes
 *          up where it stood.  events_stop() ends it (no op_call() is made any more); then events_free().
 */
#pragma once

#include "aws/op.h"
#include "store/meta.h"
#include "svc/ports.h"

struct events;

struct events_opts {
	struct meta *meta;
	const char *region, *account;
};

extern const struct service events_service;

int events_new(const struct events_opts *o, struct events **ret, struct err *e) MUST_CHECK;
/* @r: where targets are called; must outlive events_stop(). */
int events_start(struct events *ev, const struct op_registry *r, struct err *e) MUST_CHECK;
void events_stop(struct events *ev);
struct events *events_free(struct events *ev); /* stops; NULL is fine; returns NULL */
struct events_port events_port(struct events *ev);
