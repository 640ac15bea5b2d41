/* SPDX-License-Identifier: Apache-2.0 */
/* Evaluation of compiled policies. */
#include "aws/policy.h"

#include "aws/policy_int.h"
#include "base/buf.h"
#include "base/limits.h"

/* --- patterns --- */

/* Bytes of the character at @i: continuation bytes belong to it. */
static size_t step(struct view v, size_t i)
{
	size_t n = 1;

	while (i + n < v.n && ((unsigned char)v.p[i + n] & 0xc0) == 0x80)
		n++;
	return n;
}

/* Only the last star is ever gone back to: no recursion, at worst pattern times text. */
bool policy__match(struct view pattern, struct view text)
{
	size_t p = 0, t = 0, star = SIZE_MAX, mark = 0;

	while (t < text.n) {
		if (p < pattern.n && pattern.p[p] == PAT_STAR) {
			star = p++;
			mark = t;
		} else if (p < pattern.n && pattern.p[p] == PAT_ANY) {
			p++;
			t += step(text, t);
		} else if (p < pattern.n && pattern.p[p] == text.p[t]) {
			p++;
			t++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			mark += step(text, mark);
			t = mark;
		} else {
			return false;
		}
	}
	while (p < pattern.n && pattern.p[p] == PAT_STAR)
		p++;
	return p == pattern.n;
}

/* Cuts the part before a colon off, or all where there are @left parts to come. */
static bool arn_part(struct view *rest, int left, struct view *ret)
{
	if (left > 1)
		return view_split(rest, ':', ret);
	*ret = *rest;
	return rest->p != NULL;
}

bool policy__match_arn(struct view pattern, struct view text)
{
	struct view p, t;

	for (int left = 6; left > 0; left--)
		if (!arn_part(&pattern, left, &p) || !arn_part(&text, left, &t) || !policy__match(p, t))
			return false;
	return true;
}

static bool expand_one(struct view var, const struct policy_request *q, struct view *ret)
{
	struct view name = var, dflt = VIEW_NONE;
	struct policy_values got = { 0 };
	ptrdiff_t at = view_chr(var, PAT_DEFAULT);

	if (at >= 0) {
		name = view_sub(var, 0, (size_t)at);
		dflt = view_from(var, (size_t)at + 1);
	}
	*ret = q->key && q->key(q->self, name, &got) && got.n == 1 ? got.v[0] : dflt;
	return ret->p != NULL;
}

bool policy__expand(struct view pattern, const struct policy_request *q, struct view *ret)
{
	struct buf b;
	bool ok = true;

	*ret = pattern;
	if (view_chr(pattern, PAT_VAR) < 0)
		return true;
	buf_init(&b, MIB);
	while (ok && pattern.n) {
		ptrdiff_t at = view_chr(pattern, PAT_VAR), end = view_chr(pattern, PAT_END);
		struct view value;

		if (at < 0) {
			buf_add_view(&b, pattern);
			break;
		}
		must(end > at);
		buf_add_view(&b, view_sub(pattern, 0, (size_t)at));
		ok = expand_one(view_sub(pattern, (size_t)at + 1, (size_t)(end - at - 1)), q, &value);
		if (ok)
			buf_add_view(&b, value);
		pattern = view_from(pattern, (size_t)end + 1);
	}
	ok = ok && !b.over;
	if (ok)
		*ret = arena_view(q->arena, buf_view(&b));
	buf_clear(&b);
	return ok;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* A written pattern; what a variable would be is unknown, so it is a star. */
bool policy_glob(struct view pattern, struct view text, bool any_case)
{
	struct arena a;
	char *p, *t;
	size_t n = 0;
	bool fits;

	arena_init(&a, MIB);
	p = arena_str(&a, pattern);
	t = arena_str(&a, text);
	for (size_t i = 0; i < pattern.n; i++) {
		ptrdiff_t end = view_starts(view_from(pattern, i), VIEW("${")) ? view_chr(view_from(pattern, i), '}') : -1;
		char c = pattern.p[i];

		if (end > 0) {
			i += (size_t)end;
			c = '*';
		}
		p[n++] = c == '*' ? PAT_STAR : c == '?' ? PAT_ANY : any_case ? lower(c) : c;
	}
	for (size_t i = 0; any_case && i < text.n; i++)
		t[i] = lower(t[i]);
	fits = policy__match(view_of(p, n), view_of(t, text.n));
	arena_clear(&a);
	return fits;
}

/* --- statements --- */

static bool action_fits(const struct patterns *l, const struct policy_request *q)
{
	char *s = arena_str(q->arena, q->action);
	bool any = false;

	for (char *c = s; *c; c++)
		*c = lower(*c);
	for (size_t i = 0; i < l->n && !any; i++)
		any = policy__match(l->v[i], view_of(s, q->action.n));
	return any != l->negated;
}

static bool resource_fits(const struct patterns *l, const struct policy_request *q)
{
	bool any = false;
	struct view p;

	for (size_t i = 0; i < l->n && !any; i++)
		any = (l->v[i].n == 1 && l->v[i].p[0] == PAT_STAR) ||
		      (policy__expand(l->v[i], q, &p) && policy__match_arn(p, q->resource));
	return any != l->negated;
}

static bool is_root(const struct policy_request *q)
{
	return view_ends(q->arn, VIEW(":root"));
}

/* A role's sessions are meant by the role: arn:aws:sts::A:assumed-role/NAME/SESSION by arn:aws:iam::A:role/[PATH/]NAME. */
static bool session_of(struct view arn, struct view role)
{
	struct view part[6], rest = arn, name, want = role;
	size_t n = 0;

	while (n < 6 && view_split(&rest, ':', &part[n]))
		n++;
	if (n != 6 || !view_eq_str(part[2], "sts") || !view_starts(part[5], VIEW("assumed-role/")))
		return false;
	rest = view_from(part[5], 13);
	(void)view_split(&rest, '/', &name);
	for (n = 0; n < 5 && view_split(&want, ':', &rest); n++)
		if (n == 4 && !view_eq(rest, part[4]))
			return false;
	if (!view_starts(want, VIEW("role/")))
		return false;
	while (view_split(&want, '/', &rest))
		;
	return view_eq(rest, name);
}

static enum policy_effect principal_fits(const struct principal *p, const struct policy_request *q)
{
	switch (p->kind) {
	case PRINCIPAL_ANY:
		return POLICY_ALLOW;
	case PRINCIPAL_ACCOUNT:
		if (!view_eq(p->text, q->account))
			return POLICY_NONE;
		return is_root(q) ? POLICY_ALLOW : POLICY_DELEGATE;
	case PRINCIPAL_CANONICAL:
		if (!view_eq(p->text, q->canonical_id))
			return POLICY_NONE;
		return is_root(q) ? POLICY_ALLOW : POLICY_DELEGATE;
	case PRINCIPAL_ARN:
		return view_eq(p->text, q->arn) || session_of(q->arn, p->text) ? POLICY_ALLOW : POLICY_NONE;
	case PRINCIPAL_NOBODY:
		return POLICY_NONE;
	}
	return POLICY_NONE;
}

static enum policy_effect who_fits(const struct statement *s, const struct policy_request *q)
{
	enum policy_effect best = POLICY_NONE;

	if (!s->principals)
		return POLICY_ALLOW;
	for (size_t i = 0; i < s->n_principals; i++) {
		enum policy_effect one = principal_fits(&s->principals[i], q);

		best = one > best ? one : best;
	}
	if (s->not_principal)
		return best == POLICY_ALLOW ? POLICY_NONE : POLICY_ALLOW;
	return best;
}

enum policy_effect policy_eval(const struct policy *p, const struct policy_request *q)
{
	enum policy_effect best = POLICY_NONE;

	for (size_t i = 0; i < p->n; i++) {
		const struct statement *s = &p->v[i];
		enum policy_effect who = who_fits(s, q);
		size_t k = 0;

		if (who == POLICY_NONE || (s->allow && who <= best))
			continue;
		if (!action_fits(&s->actions, q) || !resource_fits(&s->resources, q))
			continue;
		while (k < s->n_conds && policy__cond_fits(&s->conds[k], q))
			k++;
		if (k < s->n_conds)
			continue;
		if (!s->allow)
			return POLICY_DENY;
		best = who;
	}
	return best;
}

/* --- public or not --- */

static bool fixed_text(struct view v)
{
	return view_chr(v, PAT_STAR) < 0 && view_chr(v, PAT_ANY) < 0 && view_chr(v, PAT_VAR) < 0;
}

/* Whether a condition narrows to values that AWS takes as not public. */
static bool narrows(const struct cond *c)
{
	static const char *const keys[] = { "aws:PrincipalArn", "aws:PrincipalOrgID", "aws:PrincipalAccount", "aws:SourceArn",
					    "aws:SourceVpc", "aws:SourceVpce", "aws:SourceOwner", "aws:SourceAccount",
					    "aws:userid", "s3:DataAccessPointArn", "s3:DataAccessPointAccount",
					    "s3:x-amz-server-side-encryption-aws-kms-key-id" };
	bool known = false;

	if (c->negate || c->if_exists || c->quantifier != COND_ONE)
		return false;
	if (c->op == COND_IP) {
		for (size_t i = 0; i < c->n; i++)
			if (c->v[i].ip.bits < (c->v[i].ip.size == 32 ? 8U : 32U))
				return false;
		return view_eq_nocase(c->key, VIEW("aws:SourceIp"));
	}
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		known |= view_eq_nocase(c->key, view_str(keys[i]));
	if (!known || !policy__cond_is_pattern(c->op))
		return false;
	for (size_t i = 0; i < c->n; i++)
		if (!fixed_text(c->v[i].text))
			return false;
	return true;
}

static bool statement_public(const struct statement *s)
{
	bool any = false;

	for (size_t i = 0; i < s->n_principals; i++)
		any |= s->principals[i].kind == PRINCIPAL_ANY;
	for (size_t i = 0; any && i < s->n_conds; i++)
		any = !narrows(&s->conds[i]);
	return any && s->allow;
}

bool policy_is_public(const struct policy *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (statement_public(&p->v[i]))
			return true;
	return false;
}
