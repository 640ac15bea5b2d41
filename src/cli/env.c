/* SPDX-License-Identifier: Apache-2.0 */
/* env: prints the exports that an AWS client needs. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"

/* In single quotes: `eval` shall see a value and nothing else, whatever stands in the data folder's files. */
static const char *quoted(struct arena *a, const char *s)
{
	struct buf b;

	buf_init(&b, 64UL * 1024);
	buf_add_char(&b, '\'');
	for (; s && *s; s++) {
		if (*s == '\'')
			buf_add_str(&b, "'\\''");
		else
			buf_add_char(&b, *s);
	}
	buf_add_char(&b, '\'');
	s = arena_str(a, buf_view(&b));
	buf_clear(&b);
	return s;
}

static void print_exports(struct cli_session *s)
{
	struct arena *a = &s->arena;
	const char *region = quoted(a, s->region);

	printf("export AWS_ENDPOINT_URL=%s\nexport AWS_ACCESS_KEY_ID=%s\nexport AWS_SECRET_ACCESS_KEY=%s\n"
	       "export AWS_REGION=%s\nexport AWS_DEFAULT_REGION=%s\nunset AWS_SESSION_TOKEN AWS_PROFILE\n",
	       quoted(a, s->endpoint), quoted(a, s->access_key), quoted(a, s->secret), region, region);
	/* The AWS CLI before 2.13 (Debian 12 has 2.9) and boto3 before 1.28 do not know AWS_ENDPOINT_URL. */
	puts("aws() { command aws --endpoint-url \"$AWS_ENDPOINT_URL\" \"$@\"; }");
}

int cli_env(int argc, char **argv)
{
	const char *data = NULL, *output = "text";
	const struct cli_option options[] = {
		{ "--data", "DIR", "the server's data folder [$MULGIL_DATA or mulgil-data]", &data, NULL },
		{ "--output", "text|json", "exports for a shell, or one JSON object [text]", &output, NULL },
		{ 0 },
	};
	const struct cli_usage usage = {
		"mulgil env [--data DIR] [--output text|json]",
		"Prints what an AWS client needs to talk to the running server.\n\n"
		"example:\n  eval \"$(mulgil env)\" && aws s3 ls\n",
		options,
	};
	struct cli_session s;
	int r = cli_options(&usage, &argc, argv);

	if (r)
		return r - 1;
	/* What is in the environment already may be another server's: only the data folder counts here. */
	unsetenv("AWS_ENDPOINT_URL");
	unsetenv("AWS_ACCESS_KEY_ID");
	unsetenv("AWS_REGION");
	unsetenv("AWS_DEFAULT_REGION");
	if (!cli_open(&s, data))
		return EXIT_NO_SERVER;
	if (output[0] == 'j') {
		struct json *o = json_new_obj(&s.arena);

		json_set_str(&s.arena, o, "AWS_ENDPOINT_URL", s.endpoint);
		json_set_str(&s.arena, o, "AWS_ACCESS_KEY_ID", s.access_key);
		json_set_str(&s.arena, o, "AWS_SECRET_ACCESS_KEY", s.secret);
		json_set_str(&s.arena, o, "AWS_REGION", s.region);
		json_set_str(&s.arena, o, "AWS_DEFAULT_REGION", s.region);
		json_set_str(&s.arena, o, "MULGIL_CONSOLE", s.console);
		puts(json_text(&s.arena, o));
	} else {
		print_exports(&s);
	}
	cli_close(&s);
	return 0;
}
