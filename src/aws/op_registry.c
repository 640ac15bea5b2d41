/* SPDX-License-Identifier: Apache-2.0 */
/* The services of this program and calls of their operations from inside. */
#include <stdlib.h>

#include "aws/aws_int.h"
#include "os/crypto.h"

#define SERVICES_MAX 32

struct op_registry {
	struct entry {
		const struct service *s;
		void *self;
	} v[SERVICES_MAX];
	size_t n;
	char region[64], endpoint[256];
};

struct op_registry *op_registry_new(void)
{
	struct op_registry *r = calloc(1, sizeof(*r));

	must(r);
	return r;
}

struct op_registry *op_registry_free(struct op_registry *r)
{
	free(r);
	return NULL;
}

static void table_check(const struct service *s)
{
	for (size_t i = 0; i < s->n_ops; i++) {
		const struct op *o = &s->ops[i];

		must(o->name && o->fn && o->doc);
		must(i == 0 || strcmp(s->ops[i - 1].name, o->name) < 0);
		must((s->protocol != OP_REST_JSON && s->protocol != OP_REST_XML) || (o->method && o->path));
	}
}

void op_registry_add(struct op_registry *r, const struct service *s, void *self)
{
	must(r->n < SERVICES_MAX);
	table_check(s);
	r->v[r->n++] = (struct entry){ s, self };
}

static void copy_text(char *to, size_t cap, struct view v)
{
	must(v.n < cap);
	memcpy(to, v.p, v.n);
	to[v.n] = '\0';
}

void op_registry_context(struct op_registry *r, const char *region, struct view endpoint)
{
	copy_text(r->region, sizeof(r->region), view_str(region));
	copy_text(r->endpoint, sizeof(r->endpoint), endpoint.p ? endpoint : VIEW(""));
}

const struct service *op_registry_find(const struct op_registry *r, struct view service, void **ret_self)
{
	for (size_t i = 0; i < r->n; i++) {
		if (!view_eq_str(service, r->v[i].s->name) && !view_eq_str(service, r->v[i].s->signing_name))
			continue;
		if (ret_self)
			*ret_self = r->v[i].self;
		return r->v[i].s;
	}
	return NULL;
}

size_t op_registry_count(const struct op_registry *r)
{
	return r->n;
}

const struct service *op_registry_at(const struct op_registry *r, size_t i, void **ret_self)
{
	must(i < r->n);
	if (ret_self)
		*ret_self = r->v[i].self;
	return r->v[i].s;
}

static bool same_but_first(struct view a, const char *b)
{
	struct view v = view_str(b);

	return a.n == v.n && a.n > 0 && (a.p[0] | 0x20) == (v.p[0] | 0x20) &&
	       view_eq(view_from(a, 1), view_from(v, 1));
}

const struct op *op_find(const struct service *s, struct view name, bool first_letter_any_case)
{
	for (size_t i = 0; i < s->n_ops; i++)
		if (view_eq_str(name, s->ops[i].name) ||
		    (first_letter_any_case && same_but_first(name, s->ops[i].name)))
			return &s->ops[i];
	return NULL;
}

static int call_run(const struct op *op, struct op_ctx *cx, const void *in, struct out *o)
{
	int rc = op->fn(cx, in, o);

	if (rc < 0 && !cx->err.code)
		err_set(&cx->err, rc, "%s failed", op->name);
	if (rc == 0 && cx->err.code)
		rc = cx->err.code;
	return rc;
}

struct call {
	const struct op_registry *r;
	const struct service *s;
	const struct op *op;
	void *self;
	const struct op_caller *caller;
};

static int call_op(const struct call *c, const struct json *in, struct arena *a, const struct json **ret, struct err *e)
{
	const struct decode d = { .arena = a, .service = c->s, .mode = DECODE_SDK, .err = e };
	void *input = arena_alloc(a, c->op->in_size ? c->op->in_size : 1);
	struct op_ctx *cx = ARENA_NEW(a, struct op_ctx);
	struct out *o = ARENA_NEW(a, struct out);
	char id[UUID_TEXT];
	int rc = aws__decode(&d, c->op, in ? in : json_new_obj(a), input);

	if (rc < 0)
		return rc;
	uuid4(id);
	*cx = (struct op_ctx){ .arena = a, .self = c->self, .op = c->op, .caller = *c->caller, .region = c->r->region,
			       .request_id = arena_str(a, view_str(id)), .endpoint = view_str(c->r->endpoint) };
	aws__out_init(o, &aws__out_tree, a);
	rc = call_run(c->op, cx, input, o);
	if (rc < 0) {
		*e = cx->err;
	} else {
		aws__out_finish(o);
		*ret = aws__out_json_tree(o);
	}
	aws__out_clear(o);
	return rc;
}

int op_call(const struct op_registry *r, const char *service, const char *operation, const struct json *in,
	    const struct op_caller *caller, struct arena *a, const struct json **ret, struct err *e)
{
	struct call c = { .r = r, .caller = caller };

	c.s = op_registry_find(r, view_str(service), &c.self);
	c.op = c.s ? op_find(c.s, view_str(operation), true) : NULL;
	if (!c.op)
		return aws_fail(e, &AWS_UNKNOWN_OPERATION, "there is no operation %s:%s", service, operation);
	if (in && !json_is(in, JSON_OBJ))
		return aws_fail(e, &AWS_SERIALIZATION, "the input of %s:%s has to be an object", service, operation);
	return call_op(&c, in, a, ret, e);
}
