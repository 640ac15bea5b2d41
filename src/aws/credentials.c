/* SPDX-License-Identifier: Apache-2.0 */
/* The keys that may sign, in memory: the root key, users' keys, and temporary keys of functions. */
#include "aws/credentials.h"

#include <stdio.h>
#include <stdlib.h>

#include "aws/policy.h"
#include "base/map.h"
#include "os/clock.h"
#include "os/crypto.h"
#include "os/thread.h"

struct credentials {
	struct lock lock;
	struct map keys; /* access key -> struct entry */
	char account[16];
	char dummy[41]; /* secret for unknown keys: the same work is done for them */
};

struct entry {
	char *secret, *token, *arn, *account; /* account NULL: ours */
	int64_t expires_ms;
	struct policy_set *may;
};

static void set_free(struct policy_set *s)
{
	for (size_t i = 0; s && i < s->n; i++)
		policy_free(s->v[i]);
	if (s)
		free(s->v);
	free(s);
}

static void entry_free(struct entry *t)
{
	if (!t)
		return;
	crypto_wipe(t->secret, strlen(t->secret));
	free(t->secret);
	free(t->token);
	free(t->arn);
	free(t->account);
	set_free(t->may);
	free(t);
}

static char *dup_text(const char *s)
{
	char *p = s ? strdup(s) : NULL;

	must(!s || p);
	return p;
}

struct credentials *credentials_new(const char *account)
{
	struct credentials *c = calloc(1, sizeof(*c));

	must(c && strlen(account) < sizeof(c->account));
	(void)snprintf(c->account, sizeof(c->account), "%s", account);
	lock_init(&c->lock, "credentials");
	map_init(&c->keys);
	random_text(c->dummy, 40, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789");
	return c;
}

struct credentials *credentials_free(struct credentials *c)
{
	struct map_entry *it = NULL;
	size_t slot = 0;

	if (!c)
		return NULL;
	while (map_next(&c->keys, &slot, &it))
		entry_free(it->value);
	map_clear(&c->keys);
	lock_clear(&c->lock);
	free(c);
	return NULL;
}

void credentials_add(struct credentials *c, const char *access_key, const char *secret, const char *token,
		     int64_t expires_ms, const char *arn)
{
	struct entry *t = calloc(1, sizeof(*t));

	must(t);
	t->secret = dup_text(secret);
	t->token = dup_text(token);
	t->arn = dup_text(arn);
	t->expires_ms = expires_ms;
	LOCK_SCOPE(&c->lock);
	entry_free(map_put(&c->keys, view_str(access_key), t));
}

void credentials_add_user(struct credentials *c, const char *access_key, const char *secret, const char *account,
			  const char *arn, struct policy_set *may)
{
	struct entry *t = calloc(1, sizeof(*t));

	must(t);
	t->secret = dup_text(secret);
	t->account = dup_text(account);
	t->arn = dup_text(arn);
	t->may = may;
	LOCK_SCOPE(&c->lock);
	entry_free(map_put(&c->keys, view_str(access_key), t));
}

bool credentials_has(struct credentials *c, const char *access_key)
{
	LOCK_SCOPE(&c->lock);
	return map_get(&c->keys, view_str(access_key)) != NULL;
}

void credentials_remove(struct credentials *c, const char *access_key)
{
	LOCK_SCOPE(&c->lock);
	entry_free(map_del(&c->keys, view_str(access_key)));
}

/* Temporary keys would pile up otherwise; they are kept an hour longer, to say "expired" and not "unknown". */
static void forget_expired(struct credentials *c, int64_t now_ms)
{
	struct map_entry *it = NULL;
	size_t slot = 0;

	LOCK_SCOPE(&c->lock);
	while (map_next(&c->keys, &slot, &it)) {
		struct entry *t = it->value;

		if (t->expires_ms && t->expires_ms + 3600 * 1000 < now_ms)
			entry_free(map_del(&c->keys, it->key));
	}
}

void credentials_session(struct credentials *c, const char *arn, int64_t ttl_ms, struct session_key *ret)
{
	static const char upper[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	static const char all[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

	memcpy(ret->access_key, "ASIA", 4);
	random_text(ret->access_key + 4, 16, upper);
	random_text(ret->secret, 40, all);
	random_text(ret->token, 64, all);
	forget_expired(c, clock_ms());
	credentials_add(c, ret->access_key, ret->secret, ret->token, clock_ms() + ttl_ms, arn);
}

bool credentials__find(struct credentials *c, struct view access_key, struct arena *a, struct credential *ret)
{
	const struct entry *t;

	LOCK_SCOPE(&c->lock);
	t = map_get(&c->keys, access_key);
	*ret = (struct credential){ .account = arena_str(a, view_str(t && t->account ? t->account : c->account)),
				    .secret = arena_str(a, view_str(t ? t->secret : c->dummy)) };
	if (!t)
		return false;
	ret->token = t->token ? arena_str(a, view_str(t->token)) : NULL;
	ret->arn = arena_str(a, view_str(t->arn));
	ret->expires_ms = t->expires_ms;
	ret->may = t->may;
	return true;
}
