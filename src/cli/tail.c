/* SPDX-License-Identifier: Apache-2.0 */
/* tail: follows the live signals of one measurement. */
#include <stdio.h>
#include <string.h>

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

int cli_tail(int argc, char **argv)
{
	const char *data = NULL;
	const struct cli_option options[] = {
		{ "--data", "DIR", "the server's data folder [$MULGIL_DATA or mulgil-data]", &data, NULL },
		{ 0 },
	};
	const struct cli_usage usage = {
		"mulgil tail MEASUREMENT [--data DIR]",
		"Prints the samples of a measurement as they arrive, one JSON document a record, until it is interrupted.\n\n"
		"example:\n  mulgil tail 0197a0c8-5e4d-7f3a-9c01-12233445566f | jq -c '.channels[].values'\n",
		options,
	};
	struct cli_session s;
	struct err e = { 0 };
	struct http_result res;
	struct buf b;
	int r = cli_options(&usage, &argc, argv);

	if (r)
		return r - 1;
	if (argc != 1 || strspn(argv[0], "0123456789abcdef-") != strlen(argv[0]))
		return cli_fail(EXIT_USAGE, "one measurement id is expected\nusage: %s", usage.synopsis);
	if (!cli_open(&s, data))
		return EXIT_NO_SERVER;
	buf_init(&b, 16UL * 1024 * 1024);
	r = aws_client_call(s.aws,
			    &(struct aws_request){ .service = "mulgil", .method = "GET", .path = "/-/signals",
						   .query = arena_printf(&s.arena, "measurement=%s", argv[0]), .sink = print_piece,
						   .sink_arg = &b, .timeout_ms = 24U * 3600 * 1000 },
			    &s.arena, &res, &e);
	if (r < 0)
		cli_fail(0, "%s", e.msg);
	buf_clear(&b);
	cli_close(&s);
	return r < 0 ? EXIT_FAILED : 0;
}
