/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec -- one execution as a tree of threads, and the rules by which it moves.  Pure: no I/O, no clock.
 *
 * A step (exec_begin, exec_result, exec_timer, exec_stop) moves every thread as far as it gets without waiting, and
 * collects the history events that happened and the actions that are to follow.  The caller makes the events and
 * the snapshot durable, and only then performs the actions; if it cannot, it forgets the execution and restores the
 * last snapshot.  A restored execution asks again for what it was waiting for.
 *
 * Threads: one at a time per execution.   Memory: everything lives in the execution's arena.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "svc/states/asl.h"

#define EXEC_EVENTS_MAX 250000 /* of one execution's history */
#define EXEC_BATCH 500         /* events of one step; the rest follows in the next */
#define EXEC_DATA_MAX (1024 * 1024)          /* bytes of a state's input, parameters or output, as JSON */
#define EXEC_SNAPSHOT_MAX (8 * 1024 * 1024)  /* bytes of all that an execution holds at a time, as JSON */
#define EXEC_STEP_BYTES (32 * 1024 * 1024)   /* memory taken after which a step pauses, so that the caller can pack */
#define EXEC_ARENA (1024UL * 1024 * 1024)    /* never reached within the limits above: a tree takes up to 25 times its text */
#define EXEC_CONCURRENCY 200                 /* items of a Map at once */

enum exec_status { EXEC_RUNNING, EXEC_SUCCEEDED, EXEC_FAILED, EXEC_TIMED_OUT, EXEC_ABORTED };
const char *exec_status_name(enum exec_status s);

enum phase {
	PH_ENTER, /* about to enter .st */
	PH_BODY,  /* entered; to do what the state does */
	PH_WAIT,  /* Wait: until due_ms */
	PH_RETRY, /* until due_ms, then PH_BODY */
	PH_TASK,  /* called */
	PH_POLL,  /* .sync: submitted; asked again and again */
	PH_JOIN,  /* Parallel, Map: its threads run */
	PH_OVER,
};

struct thread {
	struct thread *parent;
	size_t index;                  /* among the parent's: branch or item */
	const struct asl_scope *scope;
	const struct asl_state *st;
	enum phase phase;
	const struct json *raw;        /* the state's input */
	const struct json *eff;        /* after InputPath and Parameters; set by the body */
	int64_t prev;                  /* the event before the next one of this thread */
	int64_t entered, entered_ms;
	int64_t token;                 /* of what it waits for; later answers with another token do not count */
	int64_t due_ms;
	int64_t tries[ASL_RETRIERS];             /* of the state's retriers */
	int64_t attempt;               /* retries of this state so far */
	const struct json *handle;     /* PH_POLL: what was submitted */
	/* PH_JOIN: */
	struct thread **kids;          /* NULL: not begun or over */
	const struct json **results;
	size_t n, next, running, done, max;
	const struct json *items;      /* Map */
};

struct exec {
	struct arena arena;
	const struct asl *asl;
	const char *arn, *name, *machine_arn, *machine_name, *role;
	const char *input;
	int64_t started_ms;
	struct thread *root;
	int64_t last;   /* event */
	int64_t seq;    /* token */
	enum exec_status status;
	const char *output, *error, *cause;
};

struct exec_event {
	int64_t n, prev;
	const char *type, *details; /* details: the members of the event's own structure, or NULL */
};

enum action_kind { ACT_TIMER, ACT_TASK, ACT_POLL };
struct exec_action {
	enum action_kind kind;
	int64_t token, due_ms;
	int64_t event; /* TASK: the last event before it: the same when it is repeated after a crash, another in a retry */
	const struct asl_resource *resource;
	const struct json *input; /* TASK: parameters; POLL: the handle */
};

struct step {
	struct exec *x;
	int64_t now;
	struct thread **ready;
	size_t n_ready, cap_ready;
	struct exec_event *events;
	size_t n_events, cap_events;
	struct exec_action *actions;
	size_t n_actions, cap_actions;
	bool changed; /* the snapshot is not what it was */
};

/* What came of a task. */
struct task_result {
	bool ok;
	bool pending;               /* POLL: not finished yet */
	const struct json *output;  /* ok */
	const struct json *handle;  /* ok, .sync: submitted, to be asked for */
	const char *error, *cause;  /* not ok */
};

void step_init(struct step *s, struct exec *x, int64_t now); /* collects in the execution's arena */
void exec_begin(struct step *s, const struct json *input);   /* event 1 and the first thread */
void exec_advance(struct step *s);                           /* runs what is ready; true work left: s->n_ready */
void exec_result(struct step *s, int64_t token, const struct task_result *r);
void exec_timer(struct step *s, int64_t token);
void exec_stop(struct step *s, const char *error, const char *cause);

const char *exec_snapshot(struct exec *x);
/* Ends the execution with States.DataLimitExceeded if its snapshot would be too large. */
void exec_check_size(struct step *s);
/* Sets up root from a snapshot; s collects what is ready.  @resume: and the actions to repeat (calls get new tokens). */
int exec_restore(struct step *s, struct view text, bool resume, struct err *e) MUST_CHECK;

/* --- private to exec*.c --- */
int64_t exec__emit(struct step *s, int64_t prev, const char *type, const struct json *details);
void exec__ready(struct step *s, struct thread *t);
void exec__act(struct step *s, const struct exec_action *a);
struct thread *exec__thread(struct exec *x, struct thread *parent, const struct asl_scope *scope, size_t index);
void exec__env(struct step *s, struct thread *t, const struct json *input, struct asl_env *v);
void exec__fail(struct step *s, struct thread *t, const char *error, const char *cause);
/* false: @v is larger than EXEC_DATA_MAX, and the state has failed. */
bool exec__fits(struct step *s, struct thread *t, const struct json *v);
void exec__over_size(struct step *s);
void exec__fail_env(struct step *s, struct thread *t, const struct asl_env *v);
void exec__finish(struct step *s, struct thread *t, const struct json *result, int64_t prev);
void exec__leave(struct step *s, struct thread *t, const struct json *output, int64_t prev);
void exec__join(struct step *s, struct thread *t);      /* Parallel and Map: begin */
void exec__kid_done(struct step *s, struct thread *kid, const struct json *output);
void exec__kid_failed(struct step *s, struct thread *kid, const char *error, const char *cause);
void exec__abort(struct step *s, struct thread *t);     /* and all below it */
const char *exec__state_event(struct exec *x, const struct thread *t, const char *what);
