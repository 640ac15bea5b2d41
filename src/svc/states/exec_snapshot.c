// SPDX-License-Identifier: Apache-2.0
/* An execution's threads as JSON, and back. */
#include <string.h>

#include "base/limits.h"
#include "svc/states/exec.h"

#define SNAPSHOT_DEPTH 1000
#define SNAPSHOT_VERSION 1

static const struct json *save_thread(struct arena *a, const struct thread *t)
{
	struct json *o = json_new_obj(a), *tries = json_new_arr(a), *kids, *results;

	json_set(a, o, "state", json_new_str(a, t->st->name));
	json_set_int(a, o, "index", (int64_t)t->index);
	json_set_int(a, o, "phase", t->phase);
	json_set(a, o, "raw", t->raw);
	if (t->eff && t->phase != PH_ENTER)
		json_set(a, o, "eff", t->eff);
	json_set_int(a, o, "prev", t->prev);
	json_set_int(a, o, "entered", t->entered);
	json_set_int(a, o, "entered_ms", t->entered_ms);
	json_set_int(a, o, "token", t->token);
	json_set_int(a, o, "due_ms", t->due_ms);
	json_set_int(a, o, "attempt", t->attempt);
	for (size_t i = 0; i < ARRAY_LEN(t->tries); i++)
		json_push(a, tries, json_new_int(a, t->tries[i]));
	json_set(a, o, "tries", tries);
	if (t->handle)
		json_set(a, o, "handle", t->handle);
	if (t->phase != PH_JOIN)
		return o;
	kids = json_new_arr(a);
	results = json_new_arr(a);
	for (size_t i = 0; i < t->n; i++) {
		struct json *r = json_new_arr(a);

		json_push(a, kids, t->kids[i] ? save_thread(a, t->kids[i]) : &json_null);
		if (t->results[i])
			json_push(a, r, t->results[i]);
		json_push(a, results, r);
	}
	json_set(a, o, "kids", kids);
	json_set(a, o, "results", results);
	json_set_int(a, o, "next", (int64_t)t->next);
	json_set_int(a, o, "max", (int64_t)t->max);
	if (t->items)
		json_set(a, o, "items", t->items);
	return o;
}

void exec_check_size(struct step *s)
{
	if (s->x->status == EXEC_RUNNING &&
	    json_text_size(save_thread(&s->x->arena, s->x->root), EXEC_SNAPSHOT_MAX) >= EXEC_SNAPSHOT_MAX)
		exec__over_size(s);
}

const char *exec_snapshot(struct exec *x)
{
	struct arena *a = &x->arena;
	struct json *o = json_new_obj(a);

	json_set_int(a, o, "v", SNAPSHOT_VERSION);
	json_set_int(a, o, "last", x->last);
	json_set_int(a, o, "seq", x->seq);
	json_set(a, o, "root", save_thread(a, x->root));
	return json_text(a, o);
}

/* --- back --- */
static int64_t num(const struct json *o, const char *name)
{
	return json_int(json_get(o, name), 0);
}

static struct thread *load_thread(struct step *s, const struct json *o, struct thread *parent,
				  const struct asl_scope *scope, struct err *e);

static bool load_kids(struct step *s, struct thread *t, const struct json *o, struct err *e)
{
	const struct json *kids = json_get(o, "kids"), *results = json_get(o, "results");

	t->n = json_len(kids);
	t->items = json_get(o, "items");
	t->next = (size_t)num(o, "next");
	t->max = (size_t)num(o, "max");
	t->kids = ARENA_ARRAY(&s->x->arena, struct thread *, t->n + 1);
	t->results = ARENA_ARRAY(&s->x->arena, const struct json *, t->n + 1);
	if (t->st->type != ASL_MAP && t->n > t->st->n_branches)
		return false;
	for (size_t i = 0; i < t->n; i++) {
		const struct json *k = json_at(kids, i);

		t->results[i] = json_at(json_at(results, i), 0);
		t->done += t->results[i] != NULL;
		if (json_is(k, JSON_NULL))
			continue;
		t->kids[i] = load_thread(s, k, t, &t->st->branches[t->st->type == ASL_MAP ? 0 : i], e);
		if (!t->kids[i])
			return false;
		t->running++;
	}
	return true;
}

/* What a restored thread waits for is asked for again. */
static void resume(struct step *s, struct thread *t)
{
	switch (t->phase) {
	case PH_ENTER:
	case PH_BODY:
		break;
	case PH_TASK: /* without a result: a new attempt */
	case PH_POLL:
		t->token = ++s->x->seq;
		exec__act(s, &(struct exec_action){ .kind = t->phase == PH_TASK ? ACT_TASK : ACT_POLL, .token = t->token, .event = t->prev,
						    .resource = &t->st->resource,
						    .input = t->phase == PH_TASK ? t->eff : t->handle });
		if (!t->due_ms)
			break;
		exec__act(s, &(struct exec_action){ .kind = ACT_TIMER, .token = t->token, .due_ms = t->due_ms });
		break;
	case PH_WAIT:
	case PH_RETRY:
		exec__act(s, &(struct exec_action){ .kind = ACT_TIMER, .token = t->token, .due_ms = t->due_ms });
		break;
	case PH_JOIN:
	case PH_OVER:
		break;
	}
}

static struct thread *load_thread(struct step *s, const struct json *o, struct thread *parent,
				  const struct asl_scope *scope, struct err *e)
{
	struct thread *t = exec__thread(s->x, parent, scope, (size_t)num(o, "index"));
	const struct json *tries = json_get(o, "tries");

	t->st = asl_find(scope, json_get_str(o, "state"));
	t->raw = json_get(o, "raw");
	if (!t->st || !t->raw || num(o, "phase") > PH_OVER) {
		if (!e->code)
			err_set(e, ERR_CORRUPT, "the snapshot does not fit the definition");
		return NULL;
	}
	t->phase = (enum phase)num(o, "phase");
	t->eff = json_get(o, "eff");
	t->prev = num(o, "prev");
	t->entered = num(o, "entered");
	t->entered_ms = num(o, "entered_ms");
	t->token = num(o, "token");
	t->due_ms = num(o, "due_ms");
	t->attempt = num(o, "attempt");
	for (size_t i = 0; i < ARRAY_LEN(t->tries); i++)
		t->tries[i] = json_int(json_at(tries, i), 0);
	t->handle = json_get(o, "handle");
	if (t->phase == PH_JOIN && !load_kids(s, t, o, e)) {
		if (!e->code)
			err_set(e, ERR_CORRUPT, "the snapshot does not fit the definition");
		return NULL;
	}
	return t;
}

static void resume_all(struct step *s, struct thread *t, bool actions)
{
	if (t->phase == PH_ENTER || t->phase == PH_BODY)
		exec__ready(s, t);
	else if (actions)
		resume(s, t);
	for (size_t i = 0; t->phase == PH_JOIN && i < t->n; i++)
		if (t->kids[i])
			resume_all(s, t->kids[i], actions);
}

int exec_restore(struct step *s, struct view text, bool resume_too, struct err *e)
{
	const struct json *o = json_parse(&s->x->arena, text, SNAPSHOT_DEPTH, e);

	if (!o)
		return err_ctx(e, "snapshot");
	if (num(o, "v") != SNAPSHOT_VERSION)
		return err_set(e, ERR_CORRUPT, "snapshot of version %lld", (long long)num(o, "v"));
	s->x->last = num(o, "last");
	s->x->seq = num(o, "seq");
	s->x->root = load_thread(s, json_get(o, "root"), NULL, &s->x->asl->root, e);
	if (!s->x->root)
		return e->code;
	resume_all(s, s->x->root, resume_too);
	return 0;
}
