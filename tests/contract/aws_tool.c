/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of the mulgil command that the contract tests need, for builds without it:
 * aws_tool op-table; aws_tool sigv4, aws_tool policy (JSON lines in, JSON lines out).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/aws.h"
#include "aws/gate_eval.h"
#include "aws/policy_json.h"
#include "base/limits.h"

#ifdef WITH_ATHENA
extern const struct service athena_service;
#endif
#ifdef WITH_EVENTS
extern const struct service events_service;
#endif
#ifdef WITH_FIREHOSE
extern const struct service firehose_service;
#endif
#ifdef WITH_GLUE
extern const struct service glue_service;
#endif
#ifdef WITH_LAMBDA
extern const struct service lambda_service;
#endif
#ifdef WITH_LOGS
extern const struct service logs_service;
#endif
#ifdef WITH_S3
extern const struct service s3_service;
#endif
#ifdef WITH_SQS
extern const struct service sqs_service;
#endif
#ifdef WITH_STATES
extern const struct service states_service;
#endif
#ifdef WITH_STS
extern const struct service sts_service;
#endif

static void add_all(struct op_registry *r)
{
#ifdef WITH_ATHENA
	op_registry_add(r, &athena_service, NULL);
#endif
#ifdef WITH_EVENTS
	op_registry_add(r, &events_service, NULL);
#endif
#ifdef WITH_FIREHOSE
	op_registry_add(r, &firehose_service, NULL);
#endif
#ifdef WITH_GLUE
	op_registry_add(r, &glue_service, NULL);
#endif
#ifdef WITH_LAMBDA
	op_registry_add(r, &lambda_service, NULL);
#endif
#ifdef WITH_LOGS
	op_registry_add(r, &logs_service, NULL);
#endif
#ifdef WITH_S3
	op_registry_add(r, &s3_service, NULL);
#endif
#ifdef WITH_SQS
	op_registry_add(r, &sqs_service, NULL);
#endif
#ifdef WITH_STATES
	op_registry_add(r, &states_service, NULL);
#endif
#ifdef WITH_STS
	op_registry_add(r, &sts_service, NULL);
#endif
}

static int op_table(void)
{
	struct op_registry *r = op_registry_new();
	struct buf b;

	add_all(r);
	buf_init(&b, 64 * MIB);
	aws_describe(r, &b);
	must(!b.over);
	fwrite(b.p, 1, b.n, stdout);
	buf_clear(&b);
	op_registry_free(r);
	return 0;
}

typedef int (*eval_fn)(struct arena *a, const struct json *in, const struct json **ret, struct err *e);

static void eval_line(eval_fn fn, struct view line)
{
	struct arena a;
	struct err e = { 0 };
	const struct json *in, *out = NULL;

	arena_init(&a, LIMIT_ARENA);
	in = json_parse(&a, line, JSON_DEPTH, &e);
	if (!in || fn(&a, in, &out, &e) < 0) {
		struct json *o = json_new_obj(&a);

		json_set_str(&a, o, "error", e.msg);
		out = o;
	}
	puts(json_text(&a, out));
	arena_clear(&a);
}

static int eval_lines(eval_fn fn)
{
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	while ((n = getline(&line, &cap, stdin)) > 0)
		eval_line(fn, view_of(line, (size_t)n));
	free(line);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "op-table") == 0)
		return op_table();
	if (argc == 2 && strcmp(argv[1], "sigv4") == 0)
		return eval_lines(gate_eval);
	if (argc == 2 && strcmp(argv[1], "policy") == 0)
		return eval_lines(policy_json);
	fprintf(stderr, "usage: aws_tool op-table|sigv4|policy\n");
	return 2;
}
