/* SPDX-License-Identifier: Apache-2.0 */
/* users: the file of further keys. */
#include "main/users.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "aws/aws.h"
#include "aws/policy.h"
#include "base/limits.h"
#include "base/yaml.h"
#include "os/file.h"
#include "svc/s3/s3.h"

#define KEY_MIN 16
#define KEY_MAX 128

struct user {
	const char *name, *account, *access_key, *secret, *arn;
};

/* --- policies --- */

static bool is_s3(struct view action)
{
	return action.n > 3 && view_eq_nocase(view_sub(action, 0, 3), VIEW("s3:"));
}

/* Services other than S3 are asked for everything at once ("*"): a Resource that says less could not be kept. */
static int statement(void *self, const struct policy_statement_texts *s, struct err *e)
{
	bool s3 = !s->actions.negated, all = !s->resources.negated;

	(void)self;
	for (size_t i = 0; i < s->actions.n; i++)
		s3 &= is_s3(s->actions.v[i]);
	for (size_t i = 0; i < s->resources.n; i++)
		all &= view_eq_str(s->resources.v[i], "*");
	if (!s3 && !all)
		return err_set(e, ERR_UNSUPPORTED, "a Resource other than \"*\" is only supported with actions that begin with \"s3:\"");
	for (size_t i = 0; i < s->keys.n; i++)
		if (!aws_key_known(s->keys.v[i]) && !s3_key_known(s->keys.v[i]))
			return err_set(e, ERR_UNSUPPORTED, "the condition key %.*s is not supported", VIEW_ARG(s->keys.v[i]));
	return 0;
}

static void set_free(struct policy_set *s)
{
	for (size_t i = 0; i < s->n; i++)
		policy_free(s->v[i]);
	free(s->v);
	free(s);
}

static struct policy_set *compile(const struct json *docs, struct err *e)
{
	const struct policy_rules rules = { .kind = POLICY_IDENTITY, .statement = statement };
	struct policy_set *s = calloc(1, sizeof(*s));

	must(s);
	s->v = calloc(json_len(docs) + 1, sizeof(*s->v));
	must(s->v);
	for (size_t i = 0; i < json_len(docs); i++) {
		s->v[i] = policy_compile(json_at(docs, i), &rules, e);
		if (!s->v[i]) {
			err_ctx(e, "policies[%zu]", i);
			set_free(s);
			return NULL;
		}
		s->n++;
	}
	return s;
}

/* --- members --- */

static bool only(const char *s, const char *allowed, size_t min, size_t max)
{
	size_t n = strlen(s);

	return n >= min && n <= max && strspn(s, allowed) == n;
}

#define DIGITS "0123456789"
#define ALNUM "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" DIGITS

static int text(const struct json *o, const char *name, const char *dflt, struct arena *a, const char **ret, struct err *e)
{
	const struct json *v = json_get(o, name);
	struct view s = json_str(v);

	*ret = v ? arena_str(a, s) : dflt;
	if (v && (!s.p || strlen(*ret) != s.n))
		return err_set(e, ERR_INVALID, "%s: a text is expected%s", name, json_is_number(v) ? " (in quotes)" : "");
	return *ret ? 0 : err_set(e, ERR_INVALID, "%s is missing", name);
}

static int check(const struct user *u, struct credentials *c, struct err *e)
{
	if (!only(u->name, ALNUM "_+=,.@-", 1, 64))
		return err_set(e, ERR_INVALID, "name: 1 to 64 letters, digits and _+=,.@-");
	if (!only(u->account, DIGITS, 12, 12))
		return err_set(e, ERR_INVALID, "account: 12 digits");
	if (!only(u->access_key, ALNUM, KEY_MIN, KEY_MAX))
		return err_set(e, ERR_INVALID, "access_key_id: %d to %d letters and digits", KEY_MIN, KEY_MAX);
	if (strlen(u->secret) < KEY_MIN || strlen(u->secret) > KEY_MAX)
		return err_set(e, ERR_INVALID, "secret_access_key: %d to %d characters", KEY_MIN, KEY_MAX);
	if (credentials_has(c, u->access_key))
		return err_set(e, ERR_INVALID, "access_key_id: another key has it already");
	return 0;
}

static int known_members(const struct json *o, const char *const *names, struct err *e)
{
	for (size_t i = 0; i < json_len(o); i++) {
		size_t k = 0;

		while (names[k] && !view_eq_str(o->obj.v[i].name, names[k]))
			k++;
		if (!names[k])
			return err_set(e, ERR_INVALID, "there is no member \"%.*s\"", VIEW_ARG(o->obj.v[i].name));
	}
	return 0;
}

static int read_user(const struct json *o, const char *account, struct arena *a, struct user *ret, struct err *e)
{
	static const char *const names[] = { "name", "account", "access_key_id", "secret_access_key", "policies", NULL };
	int rc = json_is(o, JSON_OBJ) ? known_members(o, names, e) : err_set(e, ERR_INVALID, "a user's members are expected");

	if (rc == 0)
		rc = text(o, "name", NULL, a, &ret->name, e);
	if (rc == 0)
		rc = text(o, "account", account, a, &ret->account, e);
	if (rc == 0)
		rc = text(o, "access_key_id", NULL, a, &ret->access_key, e);
	if (rc == 0)
		rc = text(o, "secret_access_key", NULL, a, &ret->secret, e);
	return rc;
}

static int add_user(struct credentials *c, const struct json *o, const char *account, struct arena *a, struct err *e)
{
	const struct json *docs = json_get(o, "policies");
	struct policy_set *may = NULL;
	struct user u = { 0 };
	int rc = read_user(o, account, a, &u, e);
	bool root;

	if (rc == 0)
		rc = check(&u, c, e);
	if (rc < 0)
		return rc;
	root = strcmp(u.name, "root") == 0;
	if (root && docs)
		return err_set(e, ERR_INVALID, "policies: the root of an account has none, it may do everything there");
	if (docs && !json_is(docs, JSON_ARR))
		return err_set(e, ERR_INVALID, "policies: a list is expected");
	if (!root) {
		may = compile(docs, e);
		if (!may)
			return e->code;
	}
	u.arn = arena_printf(a, root ? "arn:aws:iam::%s:root" : "arn:aws:iam::%s:user/%s", u.account, u.name);
	credentials_add_user(c, u.access_key, u.secret, u.account, u.arn, may);
	return 0;
}

/* --- the file --- */

static int check_mode(const char *file, struct err *e)
{
	struct stat st;

	if (stat(file, &st) < 0)
		return err_sys(e, ERR_NOENT, "cannot be read");
	if (st.st_mode & 077)
		return err_set(e, ERR_INVALID, "it holds secrets and its mode is %04o; chmod 600 it", st.st_mode & 07777);
	return 0;
}

static int load(struct credentials *c, const char *file, const char *account, struct arena *a, struct err *e)
{
	static const char *const names[] = { "users", NULL };
	const struct json *doc, *users;
	struct view content;
	int rc = check_mode(file, e);

	if (rc == 0)
		rc = file_read(file, a, MIB, &content, e);
	if (rc < 0)
		return rc;
	doc = yaml_parse(a, content, e);
	users = json_get(doc, "users");
	if (!doc)
		return e->code;
	if (!json_is(doc, JSON_OBJ) || !json_is(users, JSON_ARR))
		return err_set(e, ERR_INVALID, "a list \"users\" is expected");
	rc = known_members(doc, names, e);
	for (size_t i = 0; rc == 0 && i < json_len(users); i++) {
		rc = add_user(c, json_at(users, i), account, a, e);
		if (rc < 0)
			err_ctx(e, "users[%zu]", i);
	}
	return rc;
}

int users_load(struct credentials *c, const char *file, const char *account, struct err *e)
{
	struct arena a;
	int rc;

	arena_init(&a, LIMIT_ARENA);
	rc = load(c, file, account, &a, e);
	arena_clear(&a);
	return rc < 0 ? err_ctx(e, "users file %s", file) : 0;
}
