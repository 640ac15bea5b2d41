/* SPDX-License-Identifier: Apache-2.0 */
/* Prefix expressions of delivery streams. */
#include "data/prefix.h"

#include "base/utf8.h"
#include "data/prefix_int.h"

#define PIECES_MAX 256
#define RANDOM_LEN 11

enum piece_kind { PIECE_TEXT, PIECE_TIME, PIECE_RANDOM, PIECE_ERROR_TYPE, PIECE_QUERY, PIECE_LAMBDA };

struct piece {
	enum piece_kind kind;
	struct view text; /* itself, the timestamp's format, or the key's name */
};

struct prefix {
	enum prefix_use use;
	struct piece v[PIECES_MAX];
	size_t n;
	bool expressions;
};

/* --- parsing --- */

static int parse_firehose(struct view text, struct view name, enum prefix_use use,
			  enum piece_kind *ret, struct err *e)
{
	if (view_eq_str(name, "random-string")) {
		*ret = PIECE_RANDOM;
		return 0;
	}
	if (!view_eq_str(name, "error-output-type"))
		return err_set(e, ERR_INVALID, "%.*s: unknown expression of the namespace firehose",
			       VIEW_ARG(text));
	if (use == PREFIX_DATA)
		return err_set(e, ERR_INVALID, "Prefix cannot contain %.*s", VIEW_ARG(text));
	*ret = PIECE_ERROR_TYPE;
	return 0;
}

/* @text: "!{namespace:value}" */
static int parse_expression(struct view text, enum prefix_use use, struct piece *ret, struct err *e)
{
	struct view inner = view_sub(text, 2, text.n - 3), value;
	ptrdiff_t colon = view_chr(inner, ':');
	struct view ns = view_sub(inner, 0, colon < 0 ? inner.n : (size_t)colon);

	if (colon < 0)
		return err_set(e, ERR_INVALID, "%.*s: an expression is !{namespace:value}",
			       VIEW_ARG(text));
	value = view_from(inner, (size_t)colon + 1);
	*ret = (struct piece){ .text = value };
	if (view_eq_str(ns, "timestamp")) {
		ret->kind = PIECE_TIME;
		return prefix__check_timestamp(value, e);
	}
	if (view_eq_str(ns, "firehose"))
		return parse_firehose(text, value, use, &ret->kind, e);
	if (view_eq_str(ns, "partitionKeyFromQuery") || view_eq_str(ns, "partitionKeyFromLambda")) {
		if (use == PREFIX_ERROR)
			return err_set(e, ERR_INVALID, "ErrorOutputPrefix cannot contain %.*s",
				       VIEW_ARG(text));
		if (!value.n)
			return err_set(e, ERR_INVALID, "%.*s: the key has no name", VIEW_ARG(text));
		ret->kind = view_eq_str(ns, "partitionKeyFromQuery") ? PIECE_QUERY : PIECE_LAMBDA;
		return 0;
	}
	return err_set(e, ERR_INVALID, "%.*s: unknown namespace", VIEW_ARG(text));
}

static int add(struct prefix *p, struct piece piece, struct err *e)
{
	if (p->n == PIECES_MAX)
		return err_set(e, ERR_INVALID, "a prefix has at most %d expressions",
			       PIECES_MAX / 2);
	p->v[p->n++] = piece;
	return 0;
}

static int parse(struct prefix *p, struct view text, struct err *e)
{
	while (text.n) {
		ptrdiff_t at = view_find(text, VIEW("!{")), end;
		struct piece piece = { .kind = PIECE_TEXT };
		int rc;

		if (at != 0) {
			piece.text = view_sub(text, 0, at < 0 ? text.n : (size_t)at);
			text = view_from(text, piece.text.n);
			if (add(p, piece, e))
				return e->code;
			continue;
		}
		end = view_chr(text, '}');
		if (end < 0)
			return err_set(e, ERR_INVALID, "%.*s: the expression is not closed",
				       VIEW_ARG(text));
		rc = parse_expression(view_sub(text, 0, (size_t)end + 1), p->use, &piece, e);
		if (!rc)
			rc = add(p, piece, e);
		if (rc)
			return rc;
		p->expressions = true;
		text = view_from(text, (size_t)end + 1);
	}
	return 0;
}

int prefix_parse(struct arena *a, struct view text, enum prefix_use use, const struct prefix **ret,
		 struct err *e)
{
	struct prefix *p = ARENA_NEW(a, struct prefix);
	int rc;

	if (!utf8_valid(text) || (text.n && memchr(text.p, 0, text.n)))
		return err_set(e, ERR_INVALID, "a prefix is UTF-8 text");
	if (utf8_len(text) > PREFIX_TEXT_MAX)
		return err_set(e, ERR_INVALID, "a prefix has at most %d characters",
			       PREFIX_TEXT_MAX);
	p->use = use;
	rc = parse(p, arena_view(a, text.p ? text : VIEW("")), e);
	if (!rc)
		*ret = p;
	return rc;
}

static bool has(const struct prefix *p, enum piece_kind kind)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].kind == kind)
			return true;
	return false;
}

int prefix_check_pair(const struct prefix *data, const struct prefix *error, struct err *e)
{
	if (data->expressions && (!error || !error->n))
		return err_set(e, ERR_INVALID,
			       "ErrorOutputPrefix cannot be null or empty when Prefix contains "
			       "expressions");
	if (error && error->expressions && !has(error, PIECE_ERROR_TYPE))
		return err_set(e, ERR_INVALID,
			       "ErrorOutputPrefix has expressions, so it has to contain "
			       "!{firehose:error-output-type}");
	return 0;
}

bool prefix_has_expressions(const struct prefix *p)
{
	return p->expressions;
}

bool prefix_gets_date(const struct prefix *p)
{
	return p->use == PREFIX_DATA && !p->expressions;
}

/* --- partition keys --- */

static enum prefix_keys kind_of(const struct piece *v)
{
	return v->kind == PIECE_QUERY ? PREFIX_QUERY : PREFIX_LAMBDA;
}

static bool is_key(const struct piece *v)
{
	return v->kind == PIECE_QUERY || v->kind == PIECE_LAMBDA;
}

bool prefix_next_key(const struct prefix *p, size_t *at, enum prefix_keys *ret_kind, struct view *ret_name)
{
	for (; *at < p->n; ++*at) {
		const struct piece *v = &p->v[*at];
		size_t i = 0;

		while (i < *at && (p->v[i].kind != v->kind || !view_eq(p->v[i].text, v->text)))
			i++;
		if (!is_key(v) || i < *at)
			continue;
		*ret_kind = kind_of(v);
		*ret_name = v->text;
		++*at;
		return true;
	}
	return false;
}

/* --- values --- */

/* SplitMix64 (Steele, Lea, Flood 2014): good enough to spread keys; nothing here is a secret. */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static void put_random(struct buf *b, uint64_t *state)
{
	static const char letters[] =
		"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

	for (int i = 0; i < RANDOM_LEN; i++)
		buf_add_char(b, letters[next_random(state) % (sizeof(letters) - 1)]);
}

void prefix_eval(const struct prefix *p, const struct prefix_env *env, struct buf *ret)
{
	uint64_t random = env->seed;

	for (size_t i = 0; i < p->n; i++) {
		switch (p->v[i].kind) {
		case PIECE_TEXT:
			buf_add_view(ret, p->v[i].text);
			break;
		case PIECE_TIME:
			prefix_timestamp(p->v[i].text, env->at_ms, env->zone, ret);
			break;
		case PIECE_QUERY:
		case PIECE_LAMBDA:
			buf_add_view(ret, env->key ? env->key(env->arg, kind_of(&p->v[i]), p->v[i].text) : VIEW(""));
			break;
		case PIECE_RANDOM:
			put_random(ret, &random);
			break;
		case PIECE_ERROR_TYPE:
			buf_add_str(ret, env->error_type ? env->error_type : "");
			break;
		}
	}
	if (prefix_gets_date(p))
		prefix_timestamp(VIEW("yyyy/MM/dd/HH/"), env->at_ms, env->zone, ret);
}
