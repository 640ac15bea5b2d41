/* SPDX-License-Identifier: Apache-2.0 */
/* From a policy document to its compiled form; what is not known is an error. */
#include <stdlib.h>

#include "aws/policy_int.h"
#include "base/buf.h"
#include "base/limits.h"

#define DEPTH_MAX 10

struct compile {
	struct policy *p;
	const struct policy_rules *r;
	struct err *e;
};

static int bad(struct compile *c, const char *message)
{
	return err_set(c->e, ERR_INVALID, "%s", message);
}

/* --- lists of texts --- */

static size_t list_len(const struct json *v)
{
	return json_is(v, JSON_ARR) ? json_len(v) : 1;
}

static const struct json *list_at(const struct json *v, size_t i)
{
	return json_is(v, JSON_ARR) ? json_at(v, i) : v;
}

/* A text, or a number or boolean as its text; VIEW_NONE: something else. */
static struct view scalar(struct compile *c, const struct json *v)
{
	if (json_is(v, JSON_STR))
		return json_str(v);
	if (json_is(v, JSON_BOOL) || json_is_number(v))
		return view_str(json_text(&c->p->arena, v));
	return VIEW_NONE;
}

static struct view *texts(struct compile *c, const struct json *v, size_t *ret_n)
{
	size_t n = list_len(v);
	struct view *t = ARENA_ARRAY(&c->p->arena, struct view, n + 1);

	for (size_t i = 0; i < n; i++) {
		t[i] = arena_view(&c->p->arena, json_str(list_at(v, i)));
		if (!t[i].p)
			return NULL;
	}
	*ret_n = n;
	return n ? t : NULL;
}

/* --- patterns --- */

/* What the server knows by itself.  What a client may choose (aws:Referer, s3:prefix) must not become part of a pattern. */
static bool may_be_variable(struct view name)
{
	static const char *const names[] = { "aws:CurrentTime", "aws:EpochTime", "aws:PrincipalAccount", "aws:PrincipalArn",
					     "aws:PrincipalType", "aws:RequestedRegion", "aws:ResourceAccount",
					     "aws:SecureTransport", "aws:SourceIp", "aws:userid", "aws:username" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (view_eq_nocase(name, view_str(names[i])))
			return true;
	return false;
}

/* "${name}" or "${name, 'default'}" or one of "${*}", "${?}", "${$}"; @v is what is between the braces. */
static int variable(struct compile *c, struct view v, struct buf *b)
{
	struct view name, rest = v;

	if (v.n == 1 && (v.p[0] == '*' || v.p[0] == '?' || v.p[0] == '$')) {
		buf_add_char(b, v.p[0]);
		return 0;
	}
	(void)view_split(&rest, ',', &name);
	name = view_trim(name);
	rest = view_trim(rest);
	if (!may_be_variable(name))
		return err_set(c->e, ERR_INVALID, "Policy has an invalid variable: ${%.*s}", VIEW_ARG(name));
	if (rest.p && (rest.n < 2 || rest.p[0] != '\'' || rest.p[rest.n - 1] != '\''))
		return err_set(c->e, ERR_INVALID, "Policy has an invalid variable: ${%.*s}", VIEW_ARG(v));
	buf_add_char(b, PAT_VAR);
	buf_add_view(b, name);
	if (rest.p) {
		buf_add_char(b, PAT_DEFAULT);
		buf_add_view(b, view_sub(rest, 1, rest.n - 2));
	}
	buf_add_char(b, PAT_END);
	return 0;
}

static int pattern_into(struct compile *c, struct view v, bool wild, bool variables, struct buf *b)
{
	for (size_t i = 0; i < v.n; i++) {
		struct view rest = view_from(v, i);
		ptrdiff_t end;

		if (!variables || !view_starts(rest, VIEW("${"))) {
			buf_add_char(b, wild && v.p[i] == '*' ? PAT_STAR : wild && v.p[i] == '?' ? PAT_ANY : v.p[i]);
			continue;
		}
		end = view_chr(rest, '}');
		if (end < 0)
			return bad(c, "Invalid policy syntax.");
		if (variable(c, view_sub(rest, 2, (size_t)end - 2), b) < 0)
			return c->e->code;
		i += (size_t)end;
	}
	return 0;
}

static int pattern(struct compile *c, struct view v, bool wild, bool variables, struct view *ret)
{
	struct buf b;
	int rc;

	buf_init(&b, 2 * MIB);
	rc = pattern_into(c, v, wild, variables && c->p->variables, &b);
	if (rc == 0)
		rc = buf_check(&b, "a pattern of the policy", c->e);
	if (rc == 0)
		*ret = arena_view(&c->p->arena, buf_view(&b));
	buf_clear(&b);
	return rc;
}

/* Exactly one of Action and NotAction, Resource and NotResource. */
static const struct json *either(struct compile *c, const struct json *s, const char *name, const char *negated, bool *ret_not)
{
	const struct json *yes = json_get(s, name), *no = json_get(s, negated);

	if (yes && no)
		bad(c, "Invalid policy syntax.");
	else if (!yes && !no)
		err_set(c->e, ERR_INVALID, "Missing required field %s", name);
	*ret_not = !yes;
	return c->e->code ? NULL : yes ? yes : no;
}

static int actions(struct compile *c, const struct json *s, struct statement *st, struct policy_texts *t)
{
	const struct json *v = either(c, s, "Action", "NotAction", &st->actions.negated);

	if (!v)
		return c->e->code;
	t->v = texts(c, v, &t->n);
	t->negated = st->actions.negated;
	if (!t->v)
		return bad(c, "Policy has invalid action");
	st->actions.n = t->n;
	st->actions.v = ARENA_ARRAY(&c->p->arena, struct view, t->n);
	for (size_t i = 0; i < t->n; i++) {
		char *l = arena_str(&c->p->arena, t->v[i]);
		ptrdiff_t colon = view_chr(t->v[i], ':');

		if (!view_eq_str(t->v[i], "*") && (colon < 1 || (size_t)colon + 1 == t->v[i].n))
			return bad(c, "Policy has invalid action");
		for (char *k = l; *k; k++)
			if (*k >= 'A' && *k <= 'Z')
				*k = (char)(*k | 0x20);
		if (pattern(c, view_of(l, t->v[i].n), true, false, &st->actions.v[i]) < 0)
			return c->e->code;
	}
	return 0;
}

static size_t colons(struct view v)
{
	size_t n = 0;

	for (size_t i = 0; i < v.n; i++)
		n += v.p[i] == ':';
	return n;
}

static int resources(struct compile *c, const struct json *s, struct statement *st, struct policy_texts *t)
{
	const struct json *v = either(c, s, "Resource", "NotResource", &st->resources.negated);

	if (!v)
		return c->e->code;
	t->v = texts(c, v, &t->n);
	t->negated = st->resources.negated;
	if (!t->v)
		return bad(c, "Policy has invalid resource");
	st->resources.n = t->n;
	st->resources.v = ARENA_ARRAY(&c->p->arena, struct view, t->n);
	for (size_t i = 0; i < t->n; i++) {
		if (!view_eq_str(t->v[i], "*") && (!view_starts(t->v[i], VIEW("arn:")) || colons(t->v[i]) < 5))
			return bad(c, "Policy has invalid resource");
		if (pattern(c, t->v[i], true, true, &st->resources.v[i]) < 0)
			return c->e->code;
	}
	return 0;
}

/* --- principals --- */

static bool is_account(struct view v)
{
	uint64_t n;

	return v.n == 12 && view_u64(v, UINT64_MAX, &n);
}

static bool named(struct view v, const char *kind)
{
	return view_starts(v, view_str(kind)) && v.n > strlen(kind);
}

/* arn:aws:iam::123456789012:root, :user/..., :role/..., or arn:aws:sts::123456789012:assumed-role/role/session. */
static bool arn_principal(struct view v, struct principal *ret)
{
	struct view part[5] = { 0 }, rest = v;
	size_t n = 0;

	while (n < 5 && view_split(&rest, ':', &part[n]))
		n++;
	if (!rest.p || !is_account(part[4]) || view_chr(v, '*') >= 0 || view_chr(v, '?') >= 0)
		return false;
	*ret = (struct principal){ PRINCIPAL_ARN, v };
	if (view_starts(v, VIEW("arn:aws:sts::")))
		return n == 5 && named(rest, "assumed-role/");
	if (n != 5 || !view_starts(v, VIEW("arn:aws:iam::")))
		return false;
	if (view_eq_str(rest, "root"))
		*ret = (struct principal){ PRINCIPAL_ACCOUNT, part[4] };
	return ret->kind == PRINCIPAL_ACCOUNT || named(rest, "user/") || named(rest, "role/");
}

static bool aws_principal(struct view v, struct principal *ret)
{
	*ret = (struct principal){ view_eq_str(v, "*") ? PRINCIPAL_ANY : PRINCIPAL_ACCOUNT, v };
	return ret->kind == PRINCIPAL_ANY || is_account(v) || arn_principal(v, ret);
}

/* One value of {"AWS": ...} and the like.  Services act inside, by no key, and nobody is federated: to allow them changes
 * nothing, but to deny a service could not be kept. */
static int principal(struct compile *c, const struct statement *st, struct view type, struct view v, struct principal *ret)
{
	if (v.p && view_eq_str(type, "AWS")) {
		if (!aws_principal(v, ret))
			return bad(c, "Invalid principal in policy");
		return 0;
	}
	*ret = (struct principal){ PRINCIPAL_NOBODY, v };
	if (v.n == 64 && view_eq_str(type, "CanonicalUser")) {
		ret->kind = PRINCIPAL_CANONICAL;
		return 0;
	}
	if (!v.n || (!view_eq_str(type, "Service") && !view_eq_str(type, "Federated")))
		return bad(c, "Invalid principal in policy");
	if (!st->allow && view_eq_str(type, "Service"))
		return err_set(c->e, ERR_UNSUPPORTED, "a Deny for the Principal Service %.*s is not supported", VIEW_ARG(v));
	return 0;
}

static int principal_map(struct compile *c, const struct json *v, struct statement *st)
{
	size_t n = 0;

	for (size_t i = 0; i < json_len(v); i++)
		n += list_len(v->obj.v[i].value);
	if (!n)
		return bad(c, "Invalid principal in policy");
	st->principals = ARENA_ARRAY(&c->p->arena, struct principal, n);
	for (size_t i = 0; i < json_len(v); i++) {
		const struct json_member *m = &v->obj.v[i];

		for (size_t k = 0; k < list_len(m->value); k++) {
			struct view text = arena_view(&c->p->arena, json_str(list_at(m->value, k)));

			if (principal(c, st, m->name, text, &st->principals[st->n_principals++]) < 0)
				return c->e->code;
		}
	}
	return 0;
}

static int principals(struct compile *c, const struct json *s, struct statement *st)
{
	const struct json *yes = json_get(s, "Principal"), *no = json_get(s, "NotPrincipal"), *v = yes ? yes : no;

	if (c->r->kind == POLICY_IDENTITY)
		return v ? bad(c, "Policy document should not specify a principal.") : 0;
	if (!v)
		return bad(c, "Missing required field Principal");
	if (yes && no)
		return bad(c, "Invalid policy syntax.");
	st->not_principal = !yes;
	if (!yes && st->allow)
		return bad(c, "Allow with NotPrincipal is not allowed.");
	if (json_is(v, JSON_OBJ))
		return principal_map(c, v, st);
	if (!view_eq_str(json_str(v), "*"))
		return bad(c, "Invalid principal in policy");
	st->principals = ARENA_NEW(&c->p->arena, struct principal);
	st->principals[0] = (struct principal){ PRINCIPAL_ANY, VIEW("*") };
	st->n_principals = 1;
	return 0;
}

/* --- conditions --- */

static int cond_value(struct compile *c, struct cond *k, struct view v)
{
	struct cond_value *w = &k->v[k->n++];
	bool wild = k->op == COND_LIKE || k->op == COND_ARN;

	if (policy__cond_is_pattern(k->op)) {
		if (k->op == COND_ARN && colons(v) < 5)
			return bad(c, "Invalid value in Conditions: an ARN is expected");
		return pattern(c, v, wild, true, &w->text);
	}
	if (policy__cond_value(k->op, v, w))
		return 0;
	return k->op == COND_IP ? bad(c, "Invalid IP address in Conditions")
				: err_set(c->e, ERR_INVALID, "Invalid value in Conditions: %.*s", VIEW_ARG(v));
}

static int cond_key(struct compile *c, const struct cond *op, const struct json_member *m, struct cond *ret)
{
	size_t n = list_len(m->value);

	*ret = *op;
	ret->key = arena_view(&c->p->arena, m->name);
	ret->v = ARENA_ARRAY(&c->p->arena, struct cond_value, n + 1);
	if (view_chr(m->name, ':') < 1)
		return bad(c, "Policy has an invalid condition key");
	for (size_t i = 0; i < n; i++) {
		struct view v = scalar(c, list_at(m->value, i));

		if (!v.p)
			return bad(c, "Invalid policy syntax.");
		if (cond_value(c, ret, v) < 0)
			return c->e->code;
	}
	return n ? 0 : bad(c, "Invalid policy syntax.");
}

static int conditions(struct compile *c, const struct json *s, struct statement *st, struct policy_texts *keys)
{
	const struct json *v = json_get(s, "Condition");
	struct view *names;
	size_t n = 0;

	if (v && !json_is(v, JSON_OBJ))
		return bad(c, "Invalid policy syntax.");
	for (size_t i = 0; i < json_len(v); i++)
		n += json_len(v->obj.v[i].value);
	st->conds = ARENA_ARRAY(&c->p->arena, struct cond, n + 1);
	names = ARENA_ARRAY(&c->p->arena, struct view, n + 1);
	for (size_t i = 0; i < json_len(v); i++) {
		const struct json_member *m = &v->obj.v[i];
		struct cond op = { 0 };

		if (!policy__cond_op(m->name, &op))
			return err_set(c->e, ERR_INVALID, "Invalid Condition type : %.*s", VIEW_ARG(m->name));
		if (!json_is(m->value, JSON_OBJ))
			return bad(c, "Invalid policy syntax.");
		for (size_t k = 0; k < json_len(m->value); k++) {
			if (cond_key(c, &op, &m->value->obj.v[k], &st->conds[st->n_conds]) < 0)
				return c->e->code;
			names[st->n_conds] = st->conds[st->n_conds].key;
			st->n_conds++;
		}
	}
	*keys = (struct policy_texts){ .v = names, .n = st->n_conds };
	return 0;
}

/* --- the document --- */

static int known_fields(struct compile *c, const struct json *o, const char *const *names)
{
	for (size_t i = 0; i < json_len(o); i++) {
		size_t k = 0;

		while (names[k] && !view_eq_str(o->obj.v[i].name, names[k]))
			k++;
		if (!names[k])
			return err_set(c->e, ERR_INVALID, "Unknown field %.*s", VIEW_ARG(o->obj.v[i].name));
	}
	return 0;
}

static int effect(struct compile *c, const struct json *s, struct statement *st)
{
	struct view v = json_get_str(s, "Effect");

	if (!json_get(s, "Effect"))
		return bad(c, "Missing required field Effect");
	st->allow = view_eq_str(v, "Allow");
	if (!st->allow && !view_eq_str(v, "Deny"))
		return err_set(c->e, ERR_INVALID, "Invalid effect: %.*s", VIEW_ARG(v));
	return 0;
}

static int statement(struct compile *c, const struct json *s, struct statement *st)
{
	static const char *const names[] = { "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction",
					     "Resource", "NotResource", "Condition", NULL };
	struct policy_statement_texts t = { 0 };
	int rc = json_is(s, JSON_OBJ) ? known_fields(c, s, names) : bad(c, "Invalid policy syntax.");

	if (rc == 0 && json_get(s, "Sid") && !json_is(json_get(s, "Sid"), JSON_STR))
		rc = bad(c, "Invalid policy syntax.");
	if (rc == 0)
		rc = effect(c, s, st);
	if (rc == 0)
		rc = principals(c, s, st);
	if (rc == 0)
		rc = actions(c, s, st, &t.actions);
	if (rc == 0)
		rc = resources(c, s, st, &t.resources);
	if (rc == 0)
		rc = conditions(c, s, st, &t.keys);
	t.allow = st->allow;
	return rc == 0 && c->r->statement ? c->r->statement(c->r->self, &t, c->e) : rc;
}

static int version(struct compile *c, const struct json *doc)
{
	const struct json *v = json_get(doc, "Version");

	c->p->variables = view_eq_str(json_str(v), "2012-10-17");
	if (v && !c->p->variables && !view_eq_str(json_str(v), "2008-10-17"))
		return bad(c, "The policy must contain a valid version string");
	return 0;
}

static int document(struct compile *c, const struct json *doc)
{
	static const char *const names[] = { "Version", "Id", "Statement", NULL };
	const struct json *s = json_get(doc, "Statement");
	int rc;

	if (!json_is(doc, JSON_OBJ))
		return bad(c, "Policies must be valid JSON and the first byte must be '{'");
	rc = known_fields(c, doc, names);
	if (rc == 0)
		rc = version(c, doc);
	if (rc == 0 && json_get(doc, "Id") && !json_is(json_get(doc, "Id"), JSON_STR))
		rc = bad(c, "Invalid policy syntax.");
	if (rc < 0)
		return rc;
	if (!s)
		return bad(c, "Missing required field Statement");
	c->p->n = list_len(s);
	if (!c->p->n)
		return bad(c, "Could not parse the policy: Statement is empty!");
	c->p->v = ARENA_ARRAY(&c->p->arena, struct statement, c->p->n);
	for (size_t i = 0; rc == 0 && i < c->p->n; i++)
		rc = statement(c, list_at(s, i), &c->p->v[i]);
	return rc;
}

struct policy *policy_compile(const struct json *doc, const struct policy_rules *r, struct err *e)
{
	struct compile c = { .p = calloc(1, sizeof(struct policy)), .r = r, .e = e };

	must(c.p);
	arena_init(&c.p->arena, LIMIT_ARENA);
	if (document(&c, doc) < 0)
		return policy_free(c.p);
	return c.p;
}

struct policy *policy_parse(struct view text, const struct policy_rules *r, struct err *e)
{
	struct err why = { 0 };
	struct policy *p = NULL;
	const struct json *doc;
	struct arena a;

	arena_init(&a, LIMIT_ARENA);
	doc = view_starts(text, VIEW("{")) ? json_parse(&a, text, DEPTH_MAX, &why) : NULL;
	if (doc)
		p = policy_compile(doc, r, e);
	else
		err_set(e, ERR_INVALID, "%s", why.code ? "This policy contains invalid Json"
						       : "Policies must be valid JSON and the first byte must be '{'");
	arena_clear(&a);
	return p;
}

struct policy *policy_free(struct policy *p)
{
	if (!p)
		return NULL;
	arena_clear(&p->arena);
	free(p);
	return NULL;
}
