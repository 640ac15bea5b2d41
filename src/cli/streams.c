/* SPDX-License-Identifier: Apache-2.0 */
/* streams: verify --streams, the accounts of delivery streams. */
#include <inttypes.h>
#include <stdio.h>

#include "cli/cli_int.h"

static int64_t number(const struct json *o, const char *name)
{
	return json_int(json_get(o, name), 0);
}

static void print(const struct json *all)
{
	printf("%-32s  %10s  %10s  %10s  %10s  %10s\n", "STREAM", "ACCEPTED", "DELIVERED", "REJECTED", "DROPPED", "PENDING");
	for (size_t i = 0; i < json_len(all); i++) {
		const struct json *o = json_at(all, i);
		struct view problem = json_get_str(o, "problem");

		printf("%-32.*s  %10" PRId64 "  %10" PRId64 "  %10" PRId64 "  %10" PRId64 "  %10" PRId64 "\n",
		       VIEW_ARG(json_get_str(o, "stream")), number(o, "accepted"), number(o, "delivered"), number(o, "rejected"),
		       number(o, "dropped"), number(o, "pending"));
		if (problem.p)
			printf("  WRONG: %.*s\n", VIEW_ARG(problem));
	}
}

int cli__streams(struct cli_session *s, bool json)
{
	const struct json *doc = NULL, *all;
	struct http_result res;
	struct err e = { 0 };
	size_t problems = 0;

	if (aws_client_call(s->aws, &(struct aws_request){ .service = "mulgil", .method = "GET", .path = "/-/verify/streams" },
			    &s->arena, &res, &e) == 0)
		doc = json_parse(&s->arena, res.body, JSON_DEPTH, &e);
	if (!doc)
		return cli_fail(EXIT_FAILED, "%s", e.msg);
	all = json_get(doc, "streams");
	for (size_t i = 0; i < json_len(all); i++)
		problems += json_get_str(json_at(all, i), "problem").p != NULL;
	if (json)
		puts(json_text(&s->arena, all));
	else
		print(all);
	if (!json)
		printf("%zu stream%s: %s\n", json_len(all), json_len(all) == 1 ? "" : "s",
		       problems ? "records are not accounted for" : "every record is accounted for");
	return problems ? EXIT_MISSING : 0;
}
