/* SPDX-License-Identifier: Apache-2.0 */
/* session: options, messages, and the way to the server. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "cli/cli.h"
#include "os/file.h"

int cli_fail(int code, const char *fmt, ...)
{
	va_list ap;

	fputs("mulgil: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return code;
}

static void print_help(const struct cli_usage *u)
{
	printf("usage: %s\n\n%s\n", u->synopsis, u->about);
	if (u->options && u->options->name)
		puts("options:");
	for (const struct cli_option *o = u->options; o && o->name; o++) {
		char left[64];

		snprintf(left, sizeof(left), "%s%s%s", o->name, o->arg ? " " : "", o->arg ? o->arg : "");
		printf("  %-26s %s\n", left, o->doc);
	}
}

static const struct cli_option *find(const struct cli_usage *u, struct view name)
{
	for (const struct cli_option *o = u->options; o && o->name; o++)
		if (view_eq_str(name, o->name))
			return o;
	return NULL;
}

int cli_options(const struct cli_usage *u, int *argc, char **argv)
{
	int rest = 0;

	for (int i = 0; i < *argc; i++) {
		struct view v = view_str(argv[i]), name;
		const struct cli_option *o;

		if (view_eq(v, VIEW("--help")) || view_eq(v, VIEW("-h"))) {
			print_help(u);
			return 1;
		}
		if (!view_starts(v, VIEW("--")) || v.n == 2) {
			argv[rest++] = argv[i];
			continue;
		}
		(void)view_split(&v, '=', &name);
		o = find(u, name);
		if (!o)
			return 1 + cli_fail(EXIT_USAGE, "there is no option %s\nusage: %s", argv[i], u->synopsis);
		if (!o->arg) {
			*o->on = true;
			continue;
		}
		if (!v.p && ++i >= *argc)
			return 1 + cli_fail(EXIT_USAGE, "%s needs a value\nusage: %s", o->name, u->synopsis);
		*o->value = v.p ? v.p : argv[i];
	}
	*argc = rest;
	return 0;
}

static const struct json *read_doc(struct cli_session *s, const char *name, struct err *e)
{
	struct view text;

	if (file_read(arena_printf(&s->arena, "%s/%s", s->data, name), &s->arena, 65536, &text, e) < 0)
		return NULL;
	return json_parse(&s->arena, text, 8, e);
}

static const char *text_of(struct cli_session *s, const struct json *doc, const char *name)
{
	struct view v = json_get_str(doc, name);

	return v.p ? arena_str(&s->arena, v) : NULL;
}

static const char *env_or(const char *name, const char *other)
{
	const char *v = getenv(name);

	return v && v[0] ? v : other;
}

static void find_keys(struct cli_session *s)
{
	struct err e = { 0 };
	const struct json *key;

	s->access_key = getenv("AWS_ACCESS_KEY_ID");
	s->secret = getenv("AWS_SECRET_ACCESS_KEY");
	s->token = getenv("AWS_SESSION_TOKEN");
	if (s->access_key && s->secret)
		return;
	s->token = NULL;
	s->access_key = getenv("MULGIL_ROOT_ACCESS_KEY_ID");
	s->secret = getenv("MULGIL_ROOT_SECRET_ACCESS_KEY");
	if (s->access_key && s->secret)
		return;
	key = read_doc(s, "root-key.json", &e);
	s->access_key = text_of(s, key, "access_key_id");
	s->secret = text_of(s, key, "secret_access_key");
}

/* Says which server and which key are missing, if one is. */
static bool complete(const struct cli_session *s)
{
	if (!s->endpoint) {
		cli_fail(0, "no server has run in %s, and AWS_ENDPOINT_URL is not set\n"
			    "Start one with `mulgil serve --data %s`, or name its folder with --data.", s->data, s->data);
		return false;
	}
	if (!s->access_key || !s->secret) {
		cli_fail(0, "no access key: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name the data folder with --data");
		return false;
	}
	return true;
}

bool cli_open(struct cli_session *s, const char *data)
{
	struct err e = { 0 };
	const struct json *doc;

	*s = (struct cli_session){ .data = data ? data : env_or("MULGIL_DATA", "mulgil-data") };
	arena_init(&s->arena, LIMIT_ARENA);
	doc = read_doc(s, "endpoint.json", &e);
	s->endpoint = env_or("AWS_ENDPOINT_URL", text_of(s, doc, "api"));
	s->console = text_of(s, doc, "console");
	s->region = env_or("AWS_REGION", env_or("AWS_DEFAULT_REGION", text_of(s, doc, "region")));
	s->account = text_of(s, doc, "account");
	if (!s->region)
		s->region = "ap-northeast-2";
	find_keys(s);
	if (!complete(s)) {
		arena_clear(&s->arena);
		return false;
	}
	s->aws = aws_client_new(&(struct aws_client_opts){ s->endpoint, s->region, s->access_key, s->secret, s->token });
	return true;
}

void cli_close(struct cli_session *s)
{
	aws_client_free(s->aws);
	arena_clear(&s->arena);
}
