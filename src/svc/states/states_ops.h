/* SPDX-License-Identifier: Apache-2.0 */
/* states_ops -- handlers, and what those of machines and of executions share. */
#pragma once

#include "svc/states/states_int.h"
#include "svc/states/states_rows.h"

struct machine {
	const char *name, *definition_id, *definition, *role, *revision;
	int64_t created_ms, updated_ms;
};

/* 1 found, 0 not, or an error. */
int states__machine_tx(struct meta_tx *tx, const char *name, struct arena *a, struct machine *ret, struct err *e);
const char *states__machine_arn(const struct states *s, struct arena *a, const char *name);
/* The name in "arn:aws:states:...:stateMachine:NAME"; InvalidArn, or StateMachineDoesNotExist for versions. */
int states__machine_name(struct op_ctx *cx, const char *arn, const char **ret);
int states__check_name(const char *name, struct err *e);
/* A page's token: text in base64. */
int states__token(struct op_ctx *cx, const char *token, const char **ret);
void states__out_token(struct op_ctx *cx, const char *text, struct out *o);

int states__create(struct op_ctx *cx, const void *input, struct out *o);
int states__update(struct op_ctx *cx, const void *input, struct out *o);
int states__describe(struct op_ctx *cx, const void *input, struct out *o);
int states__delete(struct op_ctx *cx, const void *input, struct out *o);
int states__list(struct op_ctx *cx, const void *input, struct out *o);
int states__tags(struct op_ctx *cx, const void *input, struct out *o);
int states__validate(struct op_ctx *cx, const void *input, struct out *o);
void states__out_settings(struct out *o);

int states__start(struct op_ctx *cx, const void *input, struct out *o);
int states__stop_execution(struct op_ctx *cx, const void *input, struct out *o);
int states__describe_execution(struct op_ctx *cx, const void *input, struct out *o);
int states__machine_of_execution(struct op_ctx *cx, const void *input, struct out *o);
int states__list_executions(struct op_ctx *cx, const void *input, struct out *o);
int states__get_history(struct op_ctx *cx, const void *input, struct out *o);
