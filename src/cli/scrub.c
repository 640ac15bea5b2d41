/* SPDX-License-Identifier: Apache-2.0 */
/* scrub: verify --deep, which has the server read again all that it keeps. */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/limits.h"
#include "cli/cli_int.h"

struct deep {
	struct cli_session *s;
	bool text, progress;
	int64_t rows, bytes, problems;
	struct json *all; /* problems, for --output json */
};

/* Each answer has an arena's worth of room: a walk may be long. */
static const struct json *ask(struct deep *d, struct arena *a, const char *path, const char *query, struct err *e)
{
	struct http_result res;
	int r = aws_client_call(d->s->aws,
				&(struct aws_request){ .service = "mulgil", .method = "GET", .path = path, .query = query }, a,
				&res, e);

	return r < 0 ? NULL : json_parse(a, res.body, JSON_DEPTH, e);
}

static void print_problem(const struct json *p)
{
	struct view key = json_get_str(p, "key"), version = json_get_str(p, "version"), upload = json_get_str(p, "upload");

	fputs("DAMAGED ", stdout);
	if (key.p)
		printf("s3://%.*s/%.*s", VIEW_ARG(json_get_str(p, "bucket")), VIEW_ARG(key));
	else
		fputs("metadata", stdout);
	if (version.p)
		printf(" version %.*s", VIEW_ARG(version));
	if (upload.p)
		printf(" part %" PRId64 " of upload %.*s", json_int(json_get(p, "part"), 0), VIEW_ARG(upload));
	printf(": %.*s\n", VIEW_ARG(json_get_str(p, "problem")));
}

static void take(struct deep *d, const struct json *answer)
{
	const struct json *list = json_get(answer, "problems");

	d->rows += json_int(json_get(answer, "rows"), 0);
	d->bytes += json_int(json_get(answer, "bytes"), 0);
	for (size_t i = 0; i < json_len(list); i++) {
		d->problems++;
		if (d->text)
			print_problem(json_at(list, i));
		else
			json_push(&d->s->arena, d->all, json_copy(&d->s->arena, json_at(list, i)));
	}
	if (d->progress)
		fprintf(stderr, "\r%" PRId64 " objects and parts, %" PRId64 " MiB read, %" PRId64 " damaged ", d->rows,
			d->bytes / (int64_t)MIB, d->problems);
}

static int walk(struct deep *d, struct err *e)
{
	CLEANUP(arena_clear) struct arena a;
	char next[16 * LIMIT_KEY] = "after=";
	const struct json *answer;

	arena_init(&a, LIMIT_ARENA);
	answer = ask(d, &a, "/-/verify/metadata", NULL, e);
	if (answer)
		take(d, answer);
	while (answer) {
		struct view more;

		arena_clear(&a);
		answer = ask(d, &a, "/-/verify/objects", next, e);
		if (!answer)
			break;
		take(d, answer);
		more = json_get_str(answer, "next");
		if (!more.p)
			return 0;
		snprintf(next, sizeof(next), "after=%.*s", VIEW_ARG(more));
	}
	return e->code;
}

int cli__deep(struct cli_session *s, bool json)
{
	struct deep d = { .s = s, .text = !json, .progress = isatty(STDERR_FILENO) != 0, .all = json_new_arr(&s->arena) };
	struct json *o = json_new_obj(&s->arena);
	struct err e = { 0 };
	int r = walk(&d, &e);

	if (d.progress)
		fputc('\n', stderr);
	if (json) {
		json_set_int(&s->arena, o, "rows", d.rows);
		json_set_int(&s->arena, o, "bytes", d.bytes);
		json_set(&s->arena, o, "problems", d.all);
		puts(json_text(&s->arena, o));
	} else if (!r) {
		printf("%" PRId64 " objects and parts, %" PRId64 " bytes read: ", d.rows, d.bytes);
		if (d.problems)
			printf("%" PRId64 " damaged\n", d.problems);
		else
			puts("all as they were written");
	}
	if (r)
		return cli_fail(EXIT_FAILED, "%s", e.msg);
	return d.problems ? EXIT_MISSING : 0;
}
