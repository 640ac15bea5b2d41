/* SPDX-License-Identifier: Apache-2.0 */
/* The condition operators of policies. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "aws/policy_int.h"
#include "base/time.h"

/* --- names --- */

static const struct {
	const char *name;
	enum cond_op op;
	bool negate;
} operators[] = {
	{ "StringEquals", COND_STRING, false },
	{ "StringNotEquals", COND_STRING, true },
	{ "StringEqualsIgnoreCase", COND_STRING_NOCASE, false },
	{ "StringNotEqualsIgnoreCase", COND_STRING_NOCASE, true },
	{ "StringLike", COND_LIKE, false },
	{ "StringNotLike", COND_LIKE, true },
	{ "NumericEquals", COND_NUM_EQ, false },
	{ "NumericNotEquals", COND_NUM_EQ, true },
	{ "NumericLessThan", COND_NUM_LT, false },
	{ "NumericLessThanEquals", COND_NUM_LE, false },
	{ "NumericGreaterThan", COND_NUM_GT, false },
	{ "NumericGreaterThanEquals", COND_NUM_GE, false },
	{ "DateEquals", COND_DATE_EQ, false },
	{ "DateNotEquals", COND_DATE_EQ, true },
	{ "DateLessThan", COND_DATE_LT, false },
	{ "DateLessThanEquals", COND_DATE_LE, false },
	{ "DateGreaterThan", COND_DATE_GT, false },
	{ "DateGreaterThanEquals", COND_DATE_GE, false },
	{ "Bool", COND_BOOL, false },
	{ "IpAddress", COND_IP, false },
	{ "NotIpAddress", COND_IP, true },
	{ "ArnEquals", COND_ARN, false },
	{ "ArnNotEquals", COND_ARN, true },
	{ "ArnLike", COND_ARN, false },
	{ "ArnNotLike", COND_ARN, true },
	{ "Null", COND_NULL, false },
};

bool policy__cond_op(struct view name, struct cond *ret)
{
	if (view_starts(name, VIEW("ForAllValues:"))) {
		ret->quantifier = COND_ALL;
		name = view_from(name, 13);
	} else if (view_starts(name, VIEW("ForAnyValue:"))) {
		ret->quantifier = COND_SOME;
		name = view_from(name, 12);
	}
	if (view_ends(name, VIEW("IfExists"))) {
		ret->if_exists = true;
		name = view_sub(name, 0, name.n - 8);
	}
	for (size_t i = 0; i < ARRAY_LEN(operators); i++) {
		if (!view_eq_str(name, operators[i].name))
			continue;
		ret->op = operators[i].op;
		ret->negate = operators[i].negate;
		return ret->op != COND_NULL || (!ret->if_exists && ret->quantifier == COND_ONE);
	}
	return false;
}

bool policy__cond_is_pattern(enum cond_op op)
{
	return op == COND_STRING || op == COND_STRING_NOCASE || op == COND_LIKE || op == COND_ARN;
}

/* --- values --- */

static bool number(struct view v, double *ret)
{
	char text[40];
	size_t i = v.n && (v.p[0] == '-' || v.p[0] == '+'), digits = 0, dots = 0;

	if (v.n >= sizeof(text))
		return false;
	for (; i < v.n; i++) {
		digits += v.p[i] >= '0' && v.p[i] <= '9';
		dots += v.p[i] == '.';
		if (v.p[i] != '.' && (v.p[i] < '0' || v.p[i] > '9'))
			return false;
	}
	if (!digits || dots > 1)
		return false;
	(void)snprintf(text, sizeof(text), "%.*s", VIEW_ARG(v));
	*ret = strtod(text, NULL);
	return true;
}

/* ISO 8601: with a time, or a day alone; or seconds since 1970. */
static bool date(struct view v, int64_t *ret)
{
	char text[40];
	int64_t s;

	if (time_parse_iso(v, ret))
		return true;
	if (v.n == 10 && v.p[4] == '-') {
		(void)snprintf(text, sizeof(text), "%.*sT00:00:00Z", VIEW_ARG(v));
		return time_parse_iso(view_str(text), ret);
	}
	if (!view_i64(v, &s) || s > INT64_MAX / 1000 || s < INT64_MIN / 1000)
		return false;
	*ret = s * 1000;
	return true;
}

static bool boolean(struct view v, bool *ret)
{
	*ret = view_eq_nocase(v, VIEW("true"));
	return *ret || view_eq_nocase(v, VIEW("false"));
}

/* IPv4 that comes as IPv6 (::ffff:a.b.c.d) is IPv4. */
static void unmap(struct cond_ip *ip)
{
	static const uint8_t front[12] = { [10] = 0xff, [11] = 0xff };

	if (ip->size != 128 || ip->bits < 96 || memcmp(ip->b, front, sizeof(front)) != 0)
		return;
	memmove(ip->b, ip->b + 12, 4);
	ip->size = 32;
	ip->bits -= 96;
}

bool policy__ip(struct view text, struct cond_ip *ret)
{
	char addr[64];
	struct view a = text, rest = text;
	uint64_t bits;

	*ret = (struct cond_ip){ 0 };
	(void)view_split(&rest, '/', &a);
	if (a.n >= sizeof(addr) || memchr(a.p, 0, a.n))
		return false;
	(void)snprintf(addr, sizeof(addr), "%.*s", VIEW_ARG(a));
	if (inet_pton(AF_INET, addr, ret->b) == 1)
		ret->size = 32;
	else if (inet_pton(AF_INET6, addr, ret->b) == 1)
		ret->size = 128;
	else
		return false;
	bits = ret->size;
	if (rest.p && !view_u64(rest, ret->size, &bits))
		return false;
	ret->bits = (unsigned)bits;
	unmap(ret);
	return true;
}

bool policy__cond_value(enum cond_op op, struct view text, struct cond_value *ret)
{
	switch (op) {
	case COND_NUM_EQ:
	case COND_NUM_LT:
	case COND_NUM_LE:
	case COND_NUM_GT:
	case COND_NUM_GE:
		return number(text, &ret->num);
	case COND_DATE_EQ:
	case COND_DATE_LT:
	case COND_DATE_LE:
	case COND_DATE_GT:
	case COND_DATE_GE:
		return date(text, &ret->ms);
	case COND_BOOL:
	case COND_NULL:
		return boolean(text, &ret->yes);
	case COND_IP:
		return policy__ip(text, &ret->ip);
	case COND_STRING:
	case COND_STRING_NOCASE:
	case COND_LIKE:
	case COND_ARN:
		return true;
	}
	return false;
}

/* --- judging --- */

static bool in_net(const struct cond_ip *net, const struct cond_ip *ip)
{
	if (net->size != ip->size || ip->bits != ip->size)
		return false;
	for (unsigned i = 0; i < net->bits; i++)
		if ((net->b[i / 8] ^ ip->b[i / 8]) & (0x80U >> (i % 8)))
			return false;
	return true;
}

static bool ordered(enum cond_op op, int cmp)
{
	switch (op) {
	case COND_NUM_LT:
	case COND_DATE_LT:
		return cmp < 0;
	case COND_NUM_LE:
	case COND_DATE_LE:
		return cmp <= 0;
	case COND_NUM_GT:
	case COND_DATE_GT:
		return cmp > 0;
	case COND_NUM_GE:
	case COND_DATE_GE:
		return cmp >= 0;
	default:
		return cmp == 0;
	}
}

static bool text_fits(const struct cond *c, struct view want, struct view have, const struct policy_request *q)
{
	struct view p;

	if (!policy__expand(want, q, &p))
		return false;
	if (c->op == COND_STRING)
		return view_eq(p, have);
	if (c->op == COND_STRING_NOCASE)
		return view_eq_nocase(p, have);
	return c->op == COND_LIKE ? policy__match(p, have) : policy__match_arn(p, have);
}

/* Whether @have is one of the values; what cannot be read is none of them. */
static bool one_of(const struct cond *c, struct view have, const struct policy_request *q)
{
	struct cond_value h = { 0 };
	bool readable = policy__cond_value(c->op, have, &h), fits = false;

	for (size_t i = 0; readable && i < c->n && !fits; i++) {
		const struct cond_value *w = &c->v[i];

		if (policy__cond_is_pattern(c->op))
			fits = text_fits(c, w->text, have, q);
		else if (c->op == COND_BOOL)
			fits = w->yes == h.yes;
		else if (c->op == COND_IP)
			fits = in_net(&w->ip, &h.ip);
		else if (c->op <= COND_NUM_GE)
			fits = ordered(c->op, h.num < w->num ? -1 : h.num > w->num);
		else
			fits = ordered(c->op, h.ms < w->ms ? -1 : h.ms > w->ms);
	}
	return fits;
}

static bool null_fits(const struct cond *c, bool there)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->v[i].yes != there)
			return true;
	return false;
}

bool policy__cond_fits(const struct cond *c, const struct policy_request *q)
{
	struct policy_values have = { 0 };
	bool there = q->key && q->key(q->self, c->key, &have), any = false, all = true;

	if (!there)
		have.n = 0;
	if (c->op == COND_NULL)
		return null_fits(c, there);
	if (!there && c->if_exists)
		return true;
	for (size_t i = 0; i < have.n; i++) {
		bool one = one_of(c, have.v[i], q) != c->negate;

		any |= one;
		all &= one;
	}
	switch (c->quantifier) {
	case COND_ALL:
		return all;
	case COND_SOME:
		return any;
	case COND_ONE:
		break;
	}
	return c->negate ? all : any;
}
