/* SPDX-License-Identifier: Apache-2.0 */
/* states_int -- private to svc/states. */
#pragma once

#include "svc/states/exec.h"
#include "svc/states/states.h"

#define STATES_SHARDS 256
#define STATES_WORKERS 64

struct runner;

struct states {
	struct states_opts o;
	const struct op_registry *registry; /* NULL before states_start() */
	struct runner *runner;
	int64_t epoch; /* of this process: every write of an execution checks it */
};

extern const struct aws_error STATES_INVALID_DEFINITION, STATES_INVALID_NAME, STATES_INVALID_ARN, STATES_INVALID_INPUT,
	STATES_INVALID_TOKEN, STATES_MACHINE_EXISTS, STATES_NO_MACHINE, STATES_NO_EXECUTION, STATES_EXECUTION_EXISTS,
	STATES_INVALID_TRACING, STATES_MISSING_PARAMETER, STATES_NO_RESOURCE;

#define STATES_N_OPS 13
extern const struct op states__ops[STATES_N_OPS];

int states__schema(struct meta *m, struct err *e);
/* A new epoch for every shard; executions that ran are listed by states__running(). */
int states__claim(struct states *s, struct err *e);
int states__running(struct states *s, struct arena *a, const char ***ret, size_t *ret_n, struct err *e);
/* Fills x (all but asl and root) and the definition and snapshot texts; 1 running, 0 not (any more). */
int states__load(struct states *s, const char *arn, struct exec *x, const char **ret_definition, const char **ret_snapshot,
		 struct err *e);
/* A new execution with the events of @st; ERR_EXISTS: one of that name is there. */
int states__insert_tx(struct states *s, struct meta_tx *tx, struct step *st, const char *definition_id, struct err *e);
/* The events of @st and the new snapshot; ERR_CONFLICT: this process no longer owns it. @before: last event until now. */
int states__save(struct states *s, struct step *st, int64_t before, struct err *e);

/* --- runner --- */
int runner_start(struct states *s, struct err *e);
void runner_stop(struct runner *r);
struct runner *runner_free(struct runner *r);
/* An execution that was just inserted (or is to be resumed). Any thread. */
void runner_begin(struct runner *r, const char *arn);
/* ERR_NOENT: it does not run.  Durable on return. */
int runner_abort(struct runner *r, const char *arn, const char *error, const char *cause, struct err *e);

/* --- tasks --- */
struct task {
	const struct op_registry *registry;
	const struct asl_resource *resource;
	const char *account, *role, *execution_arn, *machine_arn;
	const char *once; /* names this call, also when it is repeated after a crash */
};
/* Calls the integration; the result is in @a.  @poll: asks for the handle that an earlier call gave. */
void task_call(const struct task *t, const struct json *input, struct arena *a, struct task_result *ret);
void task_poll(const struct task *t, const struct json *handle, struct arena *a, struct task_result *ret);
