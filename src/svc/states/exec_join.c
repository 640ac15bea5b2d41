// SPDX-License-Identifier: Apache-2.0
/* Parallel and Map: starting their threads, and what follows when these end. */
#include "svc/states/exec.h"

static const struct json *iteration(struct step *s, const struct thread *t, size_t index)
{
	struct arena *a = &s->x->arena;
	struct json *o = json_new_obj(a);

	json_set(a, o, "name", json_new_str(a, t->st->name));
	json_set_int(a, o, "index", (int64_t)index);
	return o;
}

/* The input of item @i; NULL: failed. */
static const struct json *item_input(struct step *s, struct thread *t, struct thread *kid)
{
	const struct json *selector = json_get(t->st->def, "ItemSelector");
	struct asl_env v;
	const struct asl_state *st = kid->st;
	const struct json *r;

	if (!selector)
		selector = json_get(t->st->def, "Parameters");
	if (!selector)
		return json_at(t->items, kid->index);
	kid->st = t->st; /* the context tells of the Map state, with the item */
	kid->entered_ms = t->entered_ms;
	exec__env(s, kid, t->eff, &v);
	kid->st = st;
	r = asl_template(&v, selector);
	if (!r)
		exec__fail_env(s, t, &v);
	return r && exec__fits(s, t, r) ? r : NULL;
}

static bool start_item(struct step *s, struct thread *t, int64_t prev)
{
	struct thread *kid = exec__thread(s->x, t, &t->st->branches[0], t->next);

	t->kids[t->next++] = kid;
	t->running++;
	kid->prev = exec__emit(s, prev, "MapIterationStarted", iteration(s, t, kid->index));
	kid->raw = item_input(s, t, kid);
	if (!kid->raw)
		return false;
	exec__ready(s, kid);
	return true;
}

static void all_done(struct step *s, struct thread *t, int64_t prev)
{
	struct json *out = json_new_arr(&s->x->arena);

	for (size_t i = 0; i < t->n; i++)
		json_push(&s->x->arena, out, t->results[i]);
	exec__emit(s, prev, exec__state_event(s->x, t, "Succeeded"), NULL);
	t->kids = NULL;
	t->items = NULL;
	exec__finish(s, t, out, prev);
}

static void make_room(struct step *s, struct thread *t, size_t n)
{
	t->n = n;
	t->next = t->running = t->done = 0;
	t->kids = ARENA_ARRAY(&s->x->arena, struct thread *, n + 1);
	t->results = ARENA_ARRAY(&s->x->arena, const struct json *, n + 1);
	t->phase = PH_JOIN;
}

static void begin_parallel(struct step *s, struct thread *t)
{
	t->items = NULL;
	make_room(s, t, t->st->n_branches);
	t->prev = exec__emit(s, t->prev, "ParallelStateStarted", NULL);
	for (size_t i = 0; i < t->n; i++) {
		struct thread *kid = exec__thread(s->x, t, &t->st->branches[i], i);

		kid->prev = t->prev;
		kid->raw = t->eff;
		t->kids[i] = kid;
		t->running++;
		exec__ready(s, kid);
	}
	t->next = t->n;
}

static bool fail(struct step *s, struct thread *t, struct asl_env *v, const char *cause)
{
	v->fail = (struct asl_failure){ .error = "States.Runtime", .cause = cause };
	exec__fail_env(s, t, v);
	return false;
}

static bool concurrency(struct step *s, struct thread *t, struct asl_env *v)
{
	const struct json *path = json_get(t->st->def, "MaxConcurrencyPath");
	const struct json *x = json_get(t->st->def, "MaxConcurrency");

	if (path) {
		x = asl_value(v, json_str(path), "MaxConcurrencyPath");
		if (!x) {
			exec__fail_env(s, t, v);
			return false;
		}
		if (!json_is(x, JSON_INT) || json_int(x, 0) < 0)
			return fail(s, t, v, arena_printf(v->a, "The MaxConcurrencyPath field refers to value \"%s\" which is not a "
							  "valid integer: %.*s",
							  json_is(x, JSON_STR) ? arena_str(v->a, json_str(x)) : json_text(v->a, x),
							  VIEW_ARG(json_str(path))));
	}
	t->max = (size_t)json_int(x, 0);
	if (t->max == 0 || t->max > EXEC_CONCURRENCY)
		t->max = EXEC_CONCURRENCY;
	return true;
}

static bool find_items(struct step *s, struct thread *t, struct asl_env *v)
{
	const struct json *path = json_get(t->st->def, "ItemsPath");

	t->items = path ? asl_value(v, json_str(path), "ItemsPath") : t->eff;
	if (!t->items) {
		exec__fail_env(s, t, v);
		return false;
	}
	if (json_is(t->items, JSON_ARR))
		return true;
	t->items = NULL;
	return fail(s, t, v, arena_printf(v->a, "Reference path \"%.*s\" must point to array.",
					  VIEW_ARG(path ? json_str(path) : VIEW("$"))));
}

static void begin_map(struct step *s, struct thread *t)
{
	struct json *o = json_new_obj(&s->x->arena);
	struct asl_env v;

	exec__env(s, t, t->eff, &v);
	if (!concurrency(s, t, &v) || !find_items(s, t, &v))
		return;
	make_room(s, t, json_len(t->items));
	json_set_int(&s->x->arena, o, "length", (int64_t)t->n);
	t->prev = exec__emit(s, t->prev, "MapStateStarted", o);
	while (t->next < t->n && t->running < t->max)
		if (!start_item(s, t, t->prev))
			return;
	if (t->n == 0)
		all_done(s, t, t->prev);
}

void exec__join(struct step *s, struct thread *t)
{
	if (t->st->type == ASL_MAP)
		begin_map(s, t);
	else
		begin_parallel(s, t);
}

void exec__kid_done(struct step *s, struct thread *kid, const struct json *output)
{
	struct thread *t = kid->parent;

	t->kids[kid->index] = NULL;
	t->results[kid->index] = output;
	t->running--;
	t->done++;
	t->prev = kid->prev;
	s->changed = true;
	if (t->st->type == ASL_MAP) {
		t->prev = exec__emit(s, kid->prev, "MapIterationSucceeded", iteration(s, t, kid->index));
		if (t->next < t->n && !start_item(s, t, kid->prev))
			return;
	}
	if (t->done == t->n)
		all_done(s, t, t->prev);
}

void exec__kid_failed(struct step *s, struct thread *kid, const char *error, const char *cause)
{
	struct thread *t = kid->parent;

	if (t->st->type == ASL_MAP)
		exec__emit(s, kid->prev, "MapIterationFailed", iteration(s, t, kid->index));
	t->kids[kid->index] = NULL;
	t->prev = kid->prev;
	for (size_t i = 0; i < t->n; i++) {
		struct thread *other = t->kids[i];

		if (!other)
			continue;
		exec__abort(s, other);
		if (t->st->type == ASL_MAP)
			exec__emit(s, other->prev, "MapIterationAborted", iteration(s, t, i));
	}
	exec__fail(s, t, error, cause);
}
