/* SPDX-License-Identifier: Apache-2.0 */
/*
 * asl -- Amazon States Language definitions, checked and prepared for running.
 *
 * JSONPath only.  Everything known but not honoured is refused with the field's name.
 * A compiled definition is immutable: any number of threads may use it.
 */
#pragma once

#include "aws/op.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/view.h"

#define ASL_SECONDS_MAX 3155760000 /* a hundred years: what is longer is as long */
#define ASL_TEXT_MAX (1024 * 1024)
#define ASL_DEPTH 64   /* of JSON */
#define ASL_NESTED 16  /* Parallel and Map within each other */
#define ASL_NAME_MAX 80
#define ASL_RETRIERS 8 /* of one state */

enum asl_type { ASL_TASK, ASL_PASS, ASL_CHOICE, ASL_WAIT, ASL_PARALLEL, ASL_MAP, ASL_SUCCEED, ASL_FAIL };

struct asl_resource {
	const char *function;      /* a function's ARN called directly, or NULL and: */
	const char *service, *op;  /* as in op_call() */
	const char *type, *name;   /* in the history: "athena", "startQueryExecution.sync" */
	const char *prefix;        /* of error names: "Athena" */
	bool sdk, sync;
};

struct asl_scope;

struct asl_state {
	struct view name;
	enum asl_type type;
	const struct json *def;
	struct view next;                  /* absent: the end */
	const struct asl_scope *branches;  /* Parallel: all; Map: one */
	size_t n_branches;
	struct asl_resource resource;      /* Task */
};

struct asl_scope {
	struct view start;
	struct asl_state *states;
	size_t n;
};

struct asl {
	struct arena arena;
	struct asl_scope root;
	int64_t timeout_s; /* 0: none */
};

struct asl_problem {
	const char *code;     /* "SCHEMA_VALIDATION_FAILED", "INVALID_JSON_DESCRIPTION" */
	const char *message, *location; /* location "" when there is none */
};

/* NULL and @problem (its texts in @a).  @r: where integrations are looked up; NULL: integrations are not checked. */
struct asl *asl_compile(struct view text, const struct op_registry *r, struct arena *a, struct asl_problem *problem);
struct asl *asl_free(struct asl *m); /* NULL is fine; returns NULL */
const struct asl_state *asl_find(const struct asl_scope *s, struct view name);
/* "Pass", "Task"... */
const char *asl_type_name(enum asl_type t);

/* --- values (asl_data.c) --- */
struct asl_failure {
	const char *error, *cause;
	bool whole; /* the cause is the whole text; else the runner puts the state in front of it */
};

struct asl_env {
	struct arena *a;
	const struct json *input;   /* what $ is */
	const struct json *context; /* what $$ is */
	struct asl_failure fail;    /* set when a function returns NULL */
};

/* InputPath, OutputPath: @path is the field's value, NULL when it is not there. */
const struct json *asl_filter(struct asl_env *v, const struct json *path);
/* A path or an intrinsic function of field @field. */
const struct json *asl_value(struct asl_env *v, struct view text, const char *field);
/* Parameters, ResultSelector, ItemSelector: members whose name ends with .$ are evaluated. */
const struct json *asl_template(struct asl_env *v, const struct json *t);
/* ResultPath of @def: @result put into @raw. */
const struct json *asl_result(struct asl_env *v, const struct json *def, const struct json *raw, const struct json *result);

/* --- choices (asl_choice.c) --- */
/* 1 true, 0 false, -1 v->fail. */
int asl_choice(struct asl_env *v, const struct json *rule);
/* NULL, or what is wrong with a rule; *ret_at: the place below @at. */
const char *asl_choice_check(struct arena *a, const struct json *rule, bool top, const char *at, const char **ret_at);
/* RFC 3339 with T and an offset or Z. */
bool asl_timestamp(struct view s, int64_t *ret_ms);
