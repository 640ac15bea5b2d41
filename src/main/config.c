/* SPDX-License-Identifier: Apache-2.0 */
/* config: the table of settings and where their values come from. */
#include "main/config.h"

#include <ctype.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/limits.h"
#include "base/view.h"
#include "base/yaml.h"
#include "os/file.h"

enum kind { TEXT, NUMBER };

struct setting {
	const char *name, *dflt, *arg, *doc;
	enum kind kind;
	size_t off;
	int64_t min, max;
};

#define TEXT_ROW(m, dflt, arg, doc) { #m, dflt, arg, doc, TEXT, offsetof(struct config, m), 0, 0 }
#define NUMBER_ROW(m, dflt, lo, hi, doc) { #m, dflt, "N", doc, NUMBER, offsetof(struct config, m), lo, hi }

static const struct setting settings[] = {
	TEXT_ROW(data, "mulgil-data", "DIR", "folder that holds everything; made if it is not there"),
	TEXT_ROW(api, "127.0.0.1:4566", "ADDR:PORT", "where AWS clients connect; port 0: any free one"),
	TEXT_ROW(console, "127.0.0.1:4580", "ADDR:PORT", "where browsers connect; port 0: any free one; \"off\": none"),
	TEXT_ROW(region, "ap-northeast-2", "NAME", "region in ARNs and signatures"),
	TEXT_ROW(account, "000000000000", "12 DIGITS", "account in ARNs"),
	TEXT_ROW(s3_domain, "localhost", "NAME", "host that may have a bucket's name in front: BUCKET.NAME; BUCKET.s3.* always may"),
	TEXT_ROW(log_level, "info", "LEVEL", "least level of messages: debug, info, warn, error"),
	TEXT_ROW(function_dir, "off", "DIR", "folder that functions may read and write besides their own; \"off\": none"),
	TEXT_ROW(users, "off", "FILE", "further users, their keys and policies, as YAML of mode 0600; \"off\": the root key alone"),
	TEXT_ROW(encryption, "off", "off|AES256", "what is done to new objects that nothing is said of: SSE-S3 as every bucket's default"),
	TEXT_ROW(master_key, "auto", "FILE", "the key that wraps the buckets' keys; \"auto\": master.key in the data folder, made if it is not there"),
	TEXT_ROW(public_access_block, "on", "on|off", "whether a bucket blocks public access until it is told otherwise"),
	NUMBER_ROW(fast_threads, "64", 1, 256, "threads for short requests"),
	NUMBER_ROW(slow_threads, "32", 1, 256, "threads for long requests"),
	NUMBER_ROW(sql_children, "2", 1, 64, "child processes for SQL"),
	NUMBER_ROW(sql_memory_mb, "1024", 128, 1048576, "memory of one of them, MiB"),
	NUMBER_ROW(compaction_quiet_s, "30", 1, 86400, "seconds without new samples after which a partition's small files are merged to the end"),
	NUMBER_ROW(function_children, "32", 1, 1024, "child processes for functions, all together"),
	NUMBER_ROW(log_max_mb, "1048576", 1, 1048576, "what a delivery stream's log may hold, MiB; when it is full, clients are told to slow down"),
	NUMBER_ROW(log_keep_h, "0", 0, 8784, "hours that records stay in a log after all have read them"),
	NUMBER_ROW(log_keep_mb, "1024", 0, 1048576, "size of a log from which on they do not, MiB; 0: log_max_mb"),
	NUMBER_ROW(lifecycle_interval_s, "3600", 1, 86400, "how often S3 lifecycle rules are looked at, besides every midnight UTC"),
	NUMBER_ROW(scrub_every_s, "604800", 0, 31536000, "how often all objects are read again, slowly, to find damage, seconds; 0: only by mulgil verify --deep"),
	NUMBER_ROW(lifecycle_day_s, "86400", 1, 86400, "length of a day in S3 lifecycle rules: for tests only"),
};

static const struct setting *find(struct view name)
{
	for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
		const char *s = settings[i].name;
		size_t k = 0;

		while (k < name.n && s[k] && (name.p[k] == s[k] || (name.p[k] == '-' && s[k] == '_')))
			k++;
		if (k == name.n && !s[k])
			return &settings[i];
	}
	return NULL;
}

static int set(struct config *c, const struct setting *s, const char *value, const char *where, struct err *e)
{
	int64_t n;

	if (s->kind == TEXT) {
		if (!value[0])
			return err_set(e, ERR_INVALID, "%s: %s is empty", where, s->name);
		memcpy((char *)c + s->off, &value, sizeof(value));
		return 0;
	}
	if (!view_i64(view_str(value), &n) || n < s->min || n > s->max)
		return err_set(e, ERR_INVALID, "%s: %s is \"%s\"; a number from %lld to %lld", where, s->name, value,
			       (long long)s->min, (long long)s->max);
	memcpy((char *)c + s->off, &n, sizeof(n));
	return 0;
}

static int from_file(struct config *c, const char *path, struct arena *a, struct err *e)
{
	const struct json *doc;
	struct view text;
	int r = file_read(path, a, MIB, &text, e);

	if (r < 0)
		return err_ctx(e, "configuration file");
	doc = yaml_parse(a, text, e);
	if (!doc)
		return err_ctx(e, "configuration file %s", path);
	if (!json_is(doc, JSON_OBJ) && !json_is(doc, JSON_NULL))
		return err_set(e, ERR_INVALID, "configuration file %s: lines of \"name: value\" are expected", path);
	for (size_t i = 0; i < json_len(doc) && r == 0; i++) {
		const struct json_member *m = &doc->obj.v[i];
		const struct setting *s = find(m->name);
		struct view v = json_str(m->value);

		if (!s)
			return err_set(e, ERR_INVALID, "configuration file %s: there is no setting \"%.*s\"", path,
				       VIEW_ARG(m->name));
		if (!v.p && !json_is(m->value, JSON_INT))
			return err_set(e, ERR_INVALID, "configuration file %s: %s: one text or number is expected", path, s->name);
		r = set(c, s, v.p ? arena_str(a, v) : json_text(a, m->value), path, e);
	}
	return r;
}

static int from_environment(struct config *c, struct arena *a, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < ARRAY_LEN(settings) && r == 0; i++) {
		char *name = arena_printf(a, "MULGIL_%s", settings[i].name);
		const char *v;

		for (char *p = name; *p; p++)
			*p = (char)toupper((unsigned char)*p);
		v = getenv(name);
		if (v)
			r = set(c, &settings[i], v, name, e);
	}
	return r;
}

/* Calls @fn for every --name value (or --name=value); --config and --help are told apart by the caller. */
static int each_flag(int argc, char **argv, struct arena *a, struct err *e,
		     int (*fn)(void *arg, struct view name, const char *value, struct err *e), void *arg)
{
	for (int i = 0; i < argc; i++) {
		struct view v = view_str(argv[i]), name;
		const char *value;
		int r;

		if (!view_starts(v, VIEW("--")))
			return err_set(e, ERR_INVALID, "\"%s\" is no option; see mulgil serve --help", argv[i]);
		v = view_from(v, 2);
		if (view_eq(v, VIEW("help")))
			continue;
		(void)view_split(&v, '=', &name);
		value = v.p ? arena_str(a, v) : ++i < argc ? argv[i] : NULL;
		if (!value)
			return err_set(e, ERR_INVALID, "--%.*s needs a value", VIEW_ARG(name));
		r = fn(arg, name, value, e);
		if (r < 0)
			return r;
	}
	return 0;
}

struct flags {
	struct config *c;
	const char *file;
};

static int file_flag(void *arg, struct view name, const char *value, struct err *e)
{
	struct flags *f = arg;

	(void)e;
	if (view_eq(name, VIEW("config")))
		f->file = value;
	return 0;
}

static int value_flag(void *arg, struct view name, const char *value, struct err *e)
{
	struct flags *f = arg;
	const struct setting *s = find(name);

	if (view_eq(name, VIEW("config")))
		return 0;
	if (!s)
		return err_set(e, ERR_INVALID, "there is no option --%.*s; see mulgil serve --help", VIEW_ARG(name));
	return set(f->c, s, value, "command line", e);
}

static int check(const struct config *c, struct err *e)
{
	static const char *const levels[] = { "debug", "info", "warn", "error" };
	uint64_t n;
	bool known = false;

	for (size_t i = 0; i < ARRAY_LEN(levels); i++)
		known |= strcmp(c->log_level, levels[i]) == 0;
	if (!known)
		return err_set(e, ERR_INVALID, "log_level is \"%s\"; debug, info, warn or error", c->log_level);
	if (strcmp(c->encryption, "off") != 0 && strcmp(c->encryption, "AES256") != 0)
		return err_set(e, ERR_INVALID, "encryption is \"%s\"; off or AES256", c->encryption);

	if (strcmp(c->public_access_block, "on") != 0 && strcmp(c->public_access_block, "off") != 0)
		return err_set(e, ERR_INVALID, "public_access_block is \"%s\"; on or off", c->public_access_block);
	if (strlen(c->account) != 12 || !view_u64(view_str(c->account), UINT64_MAX, &n))
		return err_set(e, ERR_INVALID, "account is \"%s\"; 12 digits", c->account);
	if (strlen(c->region) > 32)
		return err_set(e, ERR_INVALID, "region is longer than 32 characters");
	if (strspn(c->region, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(c->region))
		return err_set(e, ERR_INVALID, "region is \"%s\"; lower-case letters, digits and -", c->region);
	if (strcmp(c->region, "us-east-1") == 0)
		return err_set(e, ERR_INVALID, "region us-east-1: clients sign its URLs with SigV2, which is refused; take any other");
	return 0;
}

/* Children run in folders of their own: the data folder's path must mean the same everywhere. */
static int make_absolute(struct config *c, struct arena *a, struct err *e)
{
	char here[PATH_MAX];

	if (c->data[0] == '/')
		return 0;
	if (!getcwd(here, sizeof(here)))
		return err_sys(e, ERR_IO, "the current folder");
	c->data = arena_printf(a, "%s/%s", here, c->data);
	return 0;
}

int config_load(int argc, char **argv, struct arena *a, struct config *ret, bool *ret_help, struct err *e)
{
	struct flags f = { ret, getenv("MULGIL_CONFIG") };
	int r = 0;

	*ret_help = false;
	for (int i = 0; i < argc; i++)
		if (strcmp(argv[i], "--help") == 0)
			*ret_help = true;
	if (*ret_help)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(settings) && r == 0; i++)
		r = set(ret, &settings[i], settings[i].dflt, "default", e);
	if (r == 0)
		r = each_flag(argc, argv, a, e, file_flag, &f);
	if (r == 0 && f.file)
		r = from_file(ret, f.file, a, e);
	if (r == 0)
		r = from_environment(ret, a, e);
	if (r == 0)
		r = each_flag(argc, argv, a, e, value_flag, &f);
	if (r == 0)
		r = make_absolute(ret, a, e);
	return r == 0 ? check(ret, e) : r;
}

void config_help(struct buf *b)
{
	buf_add_str(b, "usage: mulgil serve [--config FILE] [--NAME VALUE]...\n\n"
		       "Runs the server in the foreground until SIGINT or SIGTERM.\n\n"
		       "  --config FILE                settings as YAML, \"name: value\"\n");
	for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
		const struct setting *s = &settings[i];
		char left[64], name[32];
		size_t k;

		for (k = 0; k < sizeof(name) - 1 && s->name[k]; k++)
			name[k] = s->name[k] == '_' ? '-' : s->name[k];
		name[k] = 0;
		snprintf(left, sizeof(left), "--%s %s", name, s->arg);
		buf_printf(b, "  %-28s %s [%s]\n", left, s->doc, s->dflt);
	}
	buf_add_str(b, "\nEvery setting can also be given as MULGIL_NAME in the environment.  The root key is\n"
		       "MULGIL_ROOT_ACCESS_KEY_ID and MULGIL_ROOT_SECRET_ACCESS_KEY, or made at the first start and\n"
		       "kept in DIR/root-key.json (mode 0600).\n\n"
		       "users file:\n"
		       "  users:\n"
		       "  - name: tablet                 # \"root\": the root of an account\n"
		       "    account: \"111111111111\"      # without it the server's own\n"
		       "    access_key_id: AKIA...\n"
		       "    secret_access_key: ...\n"
		       "    policies:                    # IAM documents; without any, nothing is allowed\n"
		       "    - Statement: {Effect: Allow, Action: \"s3:*\", Resource: \"arn:aws:s3:::raw/*\"}\n\n"
		       "examples:\n  mulgil serve --data /var/lib/mulgil\n"
		       "  mulgil serve --api 127.0.0.1:0 --console off      # any free port; see mulgil env\n");
}

int config_address(const char *text, struct arena *a, const char **ret_host, uint16_t *ret_port, struct err *e)
{
	struct view v = view_str(text), host;
	ptrdiff_t colon = -1;
	uint64_t port;

	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] == ':')
			colon = (ptrdiff_t)i;
	if (colon < 0 || !view_u64(view_from(v, (size_t)colon + 1), 65535, &port))
		return err_set(e, ERR_INVALID, "\"%s\" is no address; ADDR:PORT, as 127.0.0.1:4566", text);
	host = view_sub(v, 0, (size_t)colon);
	if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
		host = view_sub(host, 1, host.n - 2);
	*ret_host = arena_str(a, host);
	*ret_port = (uint16_t)port;
	return 0;
}
