/* SPDX-License-Identifier: Apache-2.0 */
/* env: prints the exports that an AWS client needs. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"

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
		printf("export AWS_ENDPOINT_URL=%s\nexport AWS_ACCESS_KEY_ID=%s\nexport AWS_SECRET_ACCESS_KEY=%s\n"
		       "export AWS_REGION=%s\nexport AWS_DEFAULT_REGION=%s\nunset AWS_SESSION_TOKEN AWS_PROFILE\n",
		       s.endpoint, s.access_key, s.secret, s.region, s.region);
		/* The AWS CLI before 2.13 (Debian 12 has 2.9) and boto3 before 1.28 do not know AWS_ENDPOINT_URL. */
		puts("aws() { command aws --endpoint-url \"$AWS_ENDPOINT_URL\" \"$@\"; }");
	}
	cli_close(&s);
	return 0;
}
