/* SPDX-License-Identifier: Apache-2.0 */
/* sql: runs one statement through the Athena API and prints the result. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

#define RESULTS_BUCKET "mulgil-queries"

static int ensure_bucket(struct cli_session *s, struct err *e)
{
	struct http_result res;
	int r = aws_client_call(s->aws, &(struct aws_request){ .service = "s3", .method = "HEAD", .path = "/" RESULTS_BUCKET },
				&s->arena, &res, e);

	if (r != ERR_NOENT)
		return r;
	err_clear(e);
	return aws_client_call(s->aws,
			       &(struct aws_request){ .service = "s3", .method = "PUT", .path = "/" RESULTS_BUCKET,
						      .body = view_str(arena_printf(&s->arena,
										    "<CreateBucketConfiguration><LocationConstraint>%s"
										    "</LocationConstraint></CreateBucketConfiguration>",
										    s->region)) },
			       &s->arena, &res, e);
}

int cli_sql(int argc, char **argv)
{
	const char *data = NULL, *database = "audience", *output = "s3://" RESULTS_BUCKET "/cli/", *timeout = "600";
	const struct cli_option options[] = {
		{ "--data", "DIR", "the server's data folder [$MULGIL_DATA or mulgil-data]", &data, NULL },
		{ "--database", "NAME", "database for names without one [audience]", &database, NULL },
		{ "--output-location", "S3URL", "where Athena keeps the result [" "s3://" RESULTS_BUCKET "/cli/]", &output, NULL },
		{ "--timeout", "SECONDS", "how long to wait [600]", &timeout, NULL },
		{ 0 },
	};
	const struct cli_usage usage = {
		"mulgil sql [options] \"SELECT ...\"",
		"Runs a query over the catalog's tables and prints the result as CSV.\n\n"
		"examples:\n  mulgil sql \"SELECT * FROM meta\"\n"
		"  mulgil sql \"SELECT measurement_id, value FROM analysis WHERE \\\"index\\\" = 'hr'\"\n",
		options,
	};
	struct cli_session s;
	struct err e = { 0 };
	struct view csv;
	int64_t seconds;
	int r = cli_options(&usage, &argc, argv);

	if (r)
		return r - 1;
	if (argc != 1 || !view_i64(view_str(timeout), &seconds) || seconds < 1 || seconds > 86400)
		return cli_fail(EXIT_USAGE, "one statement is expected\nusage: %s", usage.synopsis);
	if (!cli_open(&s, data))
		return EXIT_NO_SERVER;
	r = strstr(output, RESULTS_BUCKET) ? ensure_bucket(&s, &e) : 0;
	if (r == 0)
		r = aws_client_query(s.aws, database, argv[0], output, (int)seconds * 1000, &s.arena, &csv, &e);
	if (r == 0)
		fwrite(csv.p, 1, csv.n, stdout);
	else
		cli_fail(0, "%s", e.msg);
	cli_close(&s);
	return r == 0 ? 0 : EXIT_FAILED;
}
