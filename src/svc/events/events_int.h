/* SPDX-License-Identifier: Apache-2.0 */
/* events_int -- private to svc/events. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "data/pattern.h"
#include "os/thread.h"
#include "svc/events/events.h"

#define EVENTS_BUS "default"
#define EVENTS_WORKERS 8
#define EVENTS_WAITING_MAX 10000          /* deliveries in memory: above, no new events are read */
#define EVENTS_WAITING_BYTES (256UL * 1024 * 1024) /* the same, of their payloads */
#define EVENTS_BATCH 100                  /* events matched in one transaction */
#define EVENTS_BATCH_BYTES (4UL * 1024 * 1024)     /* of events in one transaction, above one */
#define EVENTS_PASS_BYTES (32UL * 1024 * 1024)     /* of payloads in one transaction, above one event's */
#define EVENTS_EVENT_BYTES (512UL * 1024 * 1024)   /* of payloads for all targets of one event */
#define EVENTS_ATTEMPTS 16                /* then a delivery is kept as failed until the next start */
#define EVENTS_KEEP_MS (24LL * 3600 * 1000) /* of outbox rows, at least */
#define EVENTS_RULES_MAX 1000
#define EVENTS_TARGETS_MAX 100             /* of one rule */
#define EVENTS_INPUTS_MAX (64L * 1024 * 1024) /* bytes of inputs, templates and paths of all targets */
#define EVENTS_PAYLOAD_MAX (4UL * 1024 * 1024)
#define EVENTS_REQUEST_MAX (1024 * 1024)  /* bytes of all entries of one PutEvents */

struct dispatcher;

struct events {
	struct events_opts o;
	struct dispatcher *dispatcher; /* NULL before events_start() */
};

extern const struct aws_error EVENTS_NOT_FOUND, EVENTS_INVALID_PATTERN, EVENTS_LIMIT;

/* --- rules and targets as rows --- */
struct rule {
	const char *name, *pattern, *state, *description, *role;
	int64_t created_ms;
};

struct target {
	const char *rule, *id, *arn, *role;
	const char *input, *input_path, *template;
	const char *paths; /* JSON object: name to path; with template */
};

const char *events__rule_arn(const struct events *ev, struct arena *a, const char *rule);
/* Reads one rule inside a transaction: 1, 0 or an error. */
int events__rule_tx(struct meta_tx *tx, const char *name, struct arena *a, struct rule *ret, struct err *e);
int events__targets_tx(struct meta_tx *tx, const char *rule, const char *after, int64_t max, struct arena *a,
		       struct target **ret, size_t *ret_n, struct err *e);

/* --- events --- */
/* The envelope that patterns and targets see. */
const struct json *events__envelope(const struct events *ev, struct arena *a, const struct event *x);

/* --- input of a target (events_input.c, pure) --- */
/* Checks Input, InputPath and InputTransformer; ERR_INVALID with a wire error. */
int events__input_check(struct arena *a, const struct target *t, struct err *e);
/* The JSON text that the target is given. */
int events__input_make(struct arena *a, const struct target *t, const char *rule_arn, const struct json *event,
		       const char **ret, struct err *e);

/* --- targets (events_target.c) --- */
/* Is this an ARN that deliveries can be made to? */
int events__target_check(const char *id, const char *arn, struct err *e);
/* See events_port.target. */
int events__target_exists(void *ev, const char *arn, struct arena *a, struct err *e);
/* Where targets are called, once the dispatcher was started; else NULL. */
const struct op_registry *events__registry(const struct events *ev);
struct delivery {
	uint64_t n; /* of the event */
	const char *event_id, *rule, *target, *arn, *payload;
	const char *lane; /* NULL: in no order */
	int64_t attempts, due_ms;
};
int events__deliver(const struct events *ev, const struct op_registry *r, const struct delivery *d, struct arena *a,
		    struct err *e);

/* --- dispatcher --- */
int events__dispatcher_start(struct events *ev, const struct op_registry *r, struct err *e);
void events__dispatcher_stop(struct events *ev);
void events__dispatcher_free(struct events *ev);
/* Called after the commit that added events or changed rules; any thread. */
void events__wake(void *ev);

#define EVENTS_N_OPS 12
extern const struct op events__ops[EVENTS_N_OPS];
