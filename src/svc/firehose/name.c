/* SPDX-License-Identifier: Apache-2.0 */
/* name -- targets and the names of their objects. */
#include <inttypes.h>

#include "base/base64.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "os/crypto.h"
#include "svc/firehose/deliver.h"

/* A Wednesday in September has the longest names. */
#define LONGEST_DAY_MS 1790812799999
#define DATE_PATH "yyyy/MM/dd/HH/"

const struct fh_place *fh__place(const struct fh_config *c, enum fh_target_kind kind)
{
	return kind == FH_BACKUP ? c->backup : &c->data;
}

/* --- values of partition keys --- */

static struct view find(const struct fh_key *v, size_t n, struct view name)
{
	for (size_t i = 0; i < n; i++)
		if (view_eq(v[i].name, name))
			return v[i].value;
	return VIEW_NONE;
}

static struct view key_of(void *arg, enum prefix_keys kind, struct view name)
{
	const struct fh_target *t = arg;

	return kind == PREFIX_QUERY ? find(t->query, t->n_query, name) : find(t->lambda, t->n_lambda, name);
}

static struct prefix_env env_of(const struct fh_config *c, const struct fh_target *t, int64_t at_ms)
{
	return (struct prefix_env){ .at_ms = at_ms,
				    .zone = c->zone,
				    .error_type = t->error_type,
				    .key = key_of,
				    .arg = (void *)(uintptr_t)t };
}

void fh__target_id(const struct fh_config *c, const struct fh_target *t, char ret[FH_TARGET_ID])
{
	struct digest *d = digest_new(DIGEST_SHA256);
	uint8_t h[DIGEST_MAX];
	enum prefix_keys kind;
	struct view name;
	size_t at = 0;

	if (t->error_type)
		digest_add(d, t->error_type, strlen(t->error_type));
	while (t->kind == FH_DATA && prefix_next_key(c->data.prefix, &at, &kind, &name)) {
		struct view v = key_of((void *)(uintptr_t)t, kind, name);
		uint64_t n = v.n;

		digest_add(d, &n, sizeof(n));
		digest_add(d, v.p, v.n);
	}
	digest_end(d, h);
	ret[0] = (char)t->kind;
	hex_encode(ret + 1, h, 16);
	ret[FH_TARGET_ID - 1] = 0;
}

bool fh__prefix_fits(const char *stream, const struct fh_config *c, const struct prefix_env *env)
{
	struct prefix_env longest = *env;
	size_t rest = strlen(stream) + sizeof("-18446744073709551615-2026-09-30-23-59-59-") + 36 +
		      (c->extension ? strlen(c->extension) : 8);
	struct buf b;
	bool fits;

	longest.at_ms = LONGEST_DAY_MS;
	buf_init(&b, 64 * KIB);
	prefix_eval(c->data.prefix, &longest, &b);
	fits = !b.over && b.n + rest <= LIMIT_KEY;
	buf_clear(&b);
	return fits;
}

/* AWS puts values as they are, so "..", "/" and the like are just characters of a name: no file is ever called after it. */
const char *fh__target_wrong(const struct fh_stream *s, const struct fh_config *c, const struct fh_target *t)
{
	struct prefix_env env = env_of(c, t, 0);
	enum prefix_keys kind;
	struct view name;
	size_t at = 0;

	while (prefix_next_key(c->data.prefix, &at, &kind, &name)) {
		struct view v = key_of((void *)(uintptr_t)t, kind, name);

		if (!v.n)
			return "partitionKeys values must not be null or empty";
		if (!utf8_valid(v) || memchr(v.p, 0, v.n))
			return "a value of partitionKeys is not text";
	}
	return fh__prefix_fits(s->name, c, &env) ? NULL : "the name of the object would be longer than 1024 bytes";
}

/* --- names --- */

/* Without an expression AWS puts the error type and a date behind what it was given; its text has the day of the year
 * there, its example month and day, which is what is done here. */
static void put_error_prefix(const struct fh_config *c, const struct fh_place *to, const struct prefix_env *env, struct buf *b)
{
	if (to->error_prefix)
		prefix_eval(to->error_prefix, env, b);
	else
		buf_add_str(b, to->prefix_text);
	if (to->error_prefix && prefix_has_expressions(to->error_prefix))
		return;
	buf_printf(b, "%s/", env->error_type);
	prefix_timestamp(VIEW(DATE_PATH), env->at_ms, c->zone, b);
}

static void put_extension(const struct fh_config *c, const struct fh_target *t, struct buf *b)
{
	if (t->kind == FH_ERROR)
		return;
	if (t->kind == FH_DATA && c->extension)
		buf_add_str(b, c->extension);
	else if (t->kind == FH_DATA && c->conversion)
		buf_add_str(b, ".parquet");
	else
		buf_add_str(b, pack_extension(fh__place(c, t->kind)->compression));
}

char *fh__object_key(const struct fh_stream *s, const struct fh_config *c, int64_t version, const struct fh_target *t,
		     const struct fh_object *o, struct arena *a)
{
	struct prefix_env env = env_of(c, t, o->at_ms);
	char target[FH_TARGET_ID];
	const char *range;
	uint8_t h[DIGEST_MAX];
	struct buf b;
	char *key;

	fh__target_id(c, t, target);
	range = arena_printf(a, "%s:%s:%" PRIu64 "-%" PRIu64, s->id, target, o->first, o->last);
	digest_once(DIGEST_SHA256, view_str(range), h);
	memcpy(&env.seed, h + 16, sizeof(env.seed));
	/* RFC 9562, version 8, by our own rule: it begins with the first record's number, so that the objects of one
	 * second sort in the order of their records. */
	for (int i = 0; i < 6; i++)
		h[i] = (uint8_t)(o->first >> (40 - 8 * i));
	h[6] = (uint8_t)((h[6] & 0x0f) | 0x80);
	h[8] = (uint8_t)((h[8] & 0x3f) | 0x80);
	buf_init(&b, 16 * KIB);
	if (t->kind == FH_ERROR)
		put_error_prefix(c, &c->data, &env, &b);
	else
		prefix_eval(fh__place(c, t->kind)->prefix, &env, &b);
	buf_printf(&b, "%s-%" PRId64 "-", s->name, version);
	prefix_timestamp(VIEW("yyyy-MM-dd-HH-mm-ss"), o->at_ms, NULL, &b);
	buf_printf(&b, "-%s-%s-%s-%s-%s", hex_arena(a, h, 4), hex_arena(a, h + 4, 2), hex_arena(a, h + 6, 2),
		   hex_arena(a, h + 8, 2), hex_arena(a, h + 10, 6));
	put_extension(c, t, &b);
	key = arena_str(a, buf_view(&b));
	buf_clear(&b);
	return key;
}
