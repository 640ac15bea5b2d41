// SPDX-License-Identifier: Apache-2.0
/*
 * First line: an input; the rest: a definition.  What compiles is run: tasks answer or fail in turn, timers fire at
 * once, and after every step the snapshot must restore to itself.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "svc/states/exec.h"

#define STEPS 60

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void answer(struct step *s, const struct exec_action *a, int i)
{
	struct err e = { 0 };
	const struct json *v = json_parse(&s->x->arena, VIEW("{\"a\":[1,{\"b\":null}],\"Payload\":\"x\"}"), 8, &e);
	struct task_result r = { .ok = i % 3 != 2, .output = v, .error = "E", .cause = "C" };

	if (a->kind == ACT_TIMER) {
		exec_timer(s, a->token);
		return;
	}
	if (a->kind == ACT_TASK && a->resource->sync && r.ok)
		r.handle = v;
	exec_result(s, a->token, &r);
}

static void check_snapshot(struct exec *x)
{
	struct exec y = { .asl = x->asl, .arn = x->arn, .input = x->input };
	struct step s;
	struct err e = { 0 };
	const char *text = exec_snapshot(x), *again;

	arena_init(&y.arena, LIMIT_ARENA);
	step_init(&s, &y, 0);
	must(exec_restore(&s, view_str(text), false, &e) == 0);
	again = exec_snapshot(&y);
	must(view_eq(view_str(text), view_str(again)));
	arena_clear(&y.arena);
}

static void play(const struct asl *m, const struct json *input, const char *text)
{
	struct exec x = { .asl = m, .arn = "arn:aws:states:r:a:execution:m:x", .name = "x", .machine_name = "m",
			  .machine_arn = "arn:aws:states:r:a:stateMachine:m", .role = "r", .input = text };
	struct step s;

	arena_init(&x.arena, LIMIT_ARENA);
	step_init(&s, &x, 1000);
	exec_begin(&s, input);
	for (int i = 0; i < STEPS && x.status == EXEC_RUNNING; i++) {
		struct exec_action a[64];
		size_t count;

		exec_advance(&s);
		if (x.status == EXEC_RUNNING && i < 8)
			check_snapshot(&x);
		count = s.n_actions < ARRAY_LEN(a) ? s.n_actions : ARRAY_LEN(a);
		for (size_t k = 0; k < count; k++)
			a[k] = s.actions[k];
		s.n_events = s.n_actions = 0;
		if (x.arena.used > 64 * MIB)
			break;
		for (size_t k = 0; k < count && x.status == EXEC_RUNNING; k++)
			answer(&s, &a[k], i + (int)k);
	}
	exec_stop(&s, NULL, NULL);
	must(x.status != EXEC_RUNNING);
	arena_clear(&x.arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena a;
	struct err e = { 0 };
	struct asl_problem problem = { 0 };
	struct view rest = view_of(p, n), first = VIEW("");
	const struct json *input;
	struct asl *m;

	view_split(&rest, '\n', &first);
	arena_init(&a, LIMIT_ARENA);
	m = asl_compile(rest.p ? rest : VIEW(""), NULL, &a, &problem);
	must(m || (problem.code && problem.message && problem.location));
	input = json_parse(&a, first, ASL_DEPTH, &e);
	if (m && input && n < 20000)
		play(m, input, arena_str(&a, first));
	asl_free(m);
	arena_clear(&a);
	return 0;
}
