/* SPDX-License-Identifier: Apache-2.0 */
/* fixture -- Step Functions over a fresh meta, with stand-ins for the services that tasks call. */
#pragma once

#include "base/json.h"
#include "base/limits.h"
#include "os/thread.h"
#include "svc/states/states.h"
#include "unit.h"

struct fixture {
	struct meta *meta;
	struct states *states;
	struct op_registry *r;
	struct arena a;
	struct lock lock;
	struct cond cond;
	int calls, polls;   /* of functions; of job runs asked for */
	int fail;           /* the first so many calls of functions fail */
	int hold;           /* calls wait while it is not 0 */
	char last[2000];    /* payload of the last call */
};

void fixture_open(struct fixture *f, const char *dir);  /* not started */
void fixture_start(struct fixture *f);
void fixture_close(struct fixture *f);
/* The answer as JSON text, or "ErrorCode: message". */
const char *call(struct fixture *f, const char *op, const char *in);
const struct json *call_json(struct fixture *f, const char *op, const struct json *in);
/* Creates machine @name with @definition, starts it, and waits; the description of the ended execution. */
const struct json *run(struct fixture *f, const char *name, const char *definition, const char *input);
const struct json *wait_end(struct fixture *f, const char *arn);
/* "PassStateEntered<0 PassStateExited<2 ...": types and previous ids. */
const char *history(struct fixture *f, const char *arn);
void wait_event(struct fixture *f, const char *arn, const char *type);
bool wait_calls(struct fixture *f, int n);
void release(struct fixture *f); /* calls that wait go on */
const char *text(struct fixture *f, const struct json *o, const char *name);
