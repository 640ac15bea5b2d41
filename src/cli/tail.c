/* SPDX-License-Identifier: Apache-2.0 */
/* tail: follows live signals. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"
#include "cli/cli.h"

static int print_piece(void *arg, struct view piece)
{
	/* Server-sent events as they come: "data: {...}" lines, each a JSON document. */
	static const char prefix[] = "data: ";
	struct buf *b = arg;
	ptrdiff_t at;

	buf_add_view(b, piece);
	while ((at = view_chr(buf_view(b), '\n')) >= 0) {
		struct view line = view_sub(buf_view(b), 0, (size_t)at);

		if (view_starts(line, view_str(prefix)))
			printf("%.*s\n", VIEW_ARG(view_from(line, sizeof(prefix) - 1)));
		buf_consume(b, (size_t)at + 1);
	}
	fflush(stdout);
	return b->over || ferror(stdout);
}

/* A refusal is a JSON document without a line's end. */
static void tell_failure(struct arena *a, struct view rest, const struct err *e)
{
	struct err quiet = { 0 };
	struct view message = json_get_str(json_parse(a, rest, JSON_DEPTH, &quiet), "message");

	if (message.n)
		cli_fail(0, "%.*s", VIEW_ARG(message));
	else
		cli_fail(0, "%s", e->msg);
}

static void add(struct buf *query, const char *name, const char *value)
{
	if (!value)
		return;
	buf_printf(query, "%s%s=", query->n ? "&" : "", name);
	uri_encode(query, view_str(value), false);
}

int cli_tail(int argc, char **argv)
{
	const char *data = NULL, *stream = NULL, *delivery = NULL, *channel = NULL, *hz = NULL;
	const struct cli_option options[] = {
		{ "--stream", "ID", "only this device's stream", &stream, NULL },
		{ "--delivery", "NAME", "only what comes by this delivery stream", &delivery, NULL },
		{ "--channel", "NAME", "only this channel", &channel, NULL },
		{ "--hz", "N", "least, greatest, first and last of N buckets a second in place of all samples", &hz, NULL },
		{ "--data", "DIR", "the server's data folder [$MULGIL_DATA or mulgil-data]", &data, NULL },
		{ 0 },
	};
	const struct cli_usage usage = {
		"mulgil tail [MEASUREMENT] [--stream ID] [--delivery NAME] [--channel NAME] [--hz N] [--data DIR]",
		"Prints samples as they arrive, one JSON document a record, and alarms as they begin and end, until it is interrupted.\n\n"
		"example:\n  mulgil tail 0197a0c8-5e4d-7f3a-9c01-12233445566f | jq -c '.channels[]?.values'\n",
		options,
	};
	struct cli_session s;
	struct err e = { 0 };
	struct http_result res;
	struct buf b, query;
	int r = cli_options(&usage, &argc, argv);

	if (r)
		return r - 1;
	if (argc > 1 || (!argc && !stream && !delivery))
		return cli_fail(EXIT_USAGE, "a measurement's id, --stream or --delivery is expected\nusage: %s", usage.synopsis);
	if (!cli_open(&s, data))
		return EXIT_NO_SERVER;
	buf_init(&b, 16UL * 1024 * 1024);
	buf_init(&query, 16UL * 1024);
	add(&query, "measurement", argc ? argv[0] : NULL);
	add(&query, "stream", stream);
	add(&query, "delivery", delivery);
	add(&query, "channel", channel);
	add(&query, "hz", hz);
	r = aws_client_call(s.aws,
			    &(struct aws_request){ .service = "mulgil", .method = "GET", .path = "/-/signals", .query = query.p,
						   .sink = print_piece, .sink_arg = &b, .timeout_ms = 24U * 3600 * 1000 },
			    &s.arena, &res, &e);
	if (r < 0)
		tell_failure(&s.arena, buf_view(&b), &e);
	buf_clear(&query);
	buf_clear(&b);
	cli_close(&s);
	return r < 0 ? EXIT_FAILED : 0;
}
