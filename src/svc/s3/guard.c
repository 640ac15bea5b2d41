/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guard -- what decides about access to a bucket (owner, policy, public access block), kept in memory.
 *
 * Read once; whoever changes something forgets it after the commit and before the client is answered.  A reading that had
 * begun before that is not kept: `round` has moved on.
 */
#include <stdlib.h>

#include "aws/policy.h"
#include "base/limits.h"
#include "svc/s3/s3_access.h"

struct s3_guards {
	struct lock lock;
	struct map map; /* bucket -> struct s3_guard */
	uint64_t round;
};

struct s3_guards *s3__guards_new(void)
{
	struct s3_guards *g = calloc(1, sizeof(*g));

	must(g);
	lock_init(&g->lock, "s3 guards");
	map_init(&g->map);
	return g;
}

void s3__guard_drop(struct s3_guard *g)
{
	if (!g || atomic_fetch_sub(&g->refs, 1) > 1)
		return;
	policy_free(g->policy);
	free(g->owner);
	free(g);
}

struct s3_guards *s3__guards_free(struct s3_guards *g)
{
	struct map_entry *it = NULL;
	size_t slot = 0;

	while (map_next(&g->map, &slot, &it))
		s3__guard_drop(it->value);
	map_clear(&g->map);
	lock_clear(&g->lock);
	free(g);
	return NULL;
}

void s3__guard_forget(struct s3 *s, const char *bucket)
{
	LOCK_SCOPE(&s->guards->lock);
	s->guards->round++;
	s3__guard_drop(map_del(&s->guards->map, view_str(bucket)));
}

static struct s3_guard *known(struct s3_guards *g, const char *bucket, uint64_t *ret_round)
{
	struct s3_guard *found;

	LOCK_SCOPE(&g->lock);
	found = map_get(&g->map, view_str(bucket));
	if (found)
		atomic_fetch_add(&found->refs, 1);
	*ret_round = g->round;
	return found;
}

static void keep(struct s3_guards *g, const char *bucket, struct s3_guard *guard, uint64_t round)
{
	LOCK_SCOPE(&g->lock);
	if (g->round != round)
		return;
	atomic_fetch_add(&guard->refs, 1);
	s3__guard_drop(map_put(&g->map, view_str(bucket), guard));
}

struct read_arg {
	const struct s3 *s;
	struct arena a;
	const char *bucket, *policy;
	struct s3_bucket row;
	struct s3_block block;
};

static int read_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct read_arg *r = arg;
	bool removed;
	int rc = s3__bucket_need(tx, r->bucket, &r->row, e);

	if (!rc)
		rc = s3__block_get(r->s, tx, r->bucket, &r->a, &r->block, &removed, e);
	if (!rc)
		rc = s3__config_get(tx, r->bucket, S3_CONFIG_POLICY, &r->a, &r->policy, e);
	return rc < 0 ? rc : 0;
}

static struct s3_guard *make(const struct s3 *s, const struct read_arg *r)
{
	struct s3_guard *g = calloc(1, sizeof(*g));
	struct err why = { 0 };

	must(g);
	g->refs = 1;
	g->owner = strdup(r->row.owner[0] ? r->row.owner : s->account);
	must(g->owner);
	sha256_hex(view_str(g->owner), g->owner_id);
	g->restricted = r->block.restricted;
	if (r->policy) {
		g->policy = s3__policy_compile(r->bucket, view_str(r->policy), &why);
		g->broken = !g->policy;
	}
	return g;
}

int s3__guard_get(struct s3 *s, const char *bucket, struct s3_guard **ret, struct err *e)
{
	struct read_arg r = { .s = s, .bucket = bucket };
	uint64_t round;
	int rc;

	*ret = known(s->guards, bucket, &round);
	if (*ret)
		return 0;
	arena_init(&r.a, LIMIT_ARENA);
	rc = meta_read(s->meta, read_fn, &r, e);
	if (rc == 0) {
		*ret = make(s, &r);
		keep(s->guards, bucket, *ret, round);
	}
	arena_clear(&r.a);
	return rc;
}
