/* SPDX-License-Identifier: Apache-2.0 */
/* main: the mulgil command; picks the subcommand. */
#include <stdio.h>
#include <string.h>

#include "aws/aws.h"
#include "cli/cli.h"
#include "demo/demo.h"
#include "main/eval.h"
#include "main/serve.h"
#include "main/wire.h"

static int op_table(int argc, char **argv)
{
	struct op_registry *r = op_registry_new();
	struct buf b;

	(void)argc;
	(void)argv;
	buf_init(&b, 64UL * 1024 * 1024);
	services_register(r, NULL);
	aws_describe(r, &b);
	puts(b.p);
	buf_clear(&b);
	op_registry_free(r);
	return 0;
}

static int version(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	puts("mulgil " MULGIL_VERSION);
	return 0;
}

static int help(int argc, char **argv);

static const struct command {
	const char *name;
	int (*fn)(int argc, char **argv);
	const char *doc; /* NULL: not listed */
} commands[] = {
	{ "serve", serve_main, "runs the server in the foreground" },
	{ "replay", replay_main, "plays signals as many tablets at their real pace, and measures" },
	{ "demo", demo_main, "plays tablets through the whole pipeline and proves that nothing is missing" },
	{ "deploy", cli_deploy, "puts up a CloudFormation template (the audience pipeline)" },
	{ "env", cli_env, "prints the exports an AWS client needs" },
	{ "doctor", cli_doctor, "looks for what should be mended" },
	{ "measure", cli_measure, "lists and shows measurements" },
	{ "verify", cli_verify, "checks that no measurement misses anything (exit code 6 if one does)" },
	{ "sql", cli_sql, "runs a query" },
	{ "tail", cli_tail, "follows the live signals of a measurement" },
	{ "eval", eval_main, "runs one of the pure functions over JSON lines" },
	{ "op-table", op_table, "prints the operation table as JSON" },
	{ "version", version, "prints the version" },
	{ "help", help, NULL },
	{ "--help", help, NULL },
	{ "-h", help, NULL },
	{ "--version", version, NULL },
};

static int help(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	puts("mulgil: a data pipeline for measurements of people in the field, speaking the AWS APIs\n\n"
	     "usage: mulgil COMMAND [options]      mulgil COMMAND --help tells more\n");
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (commands[i].doc)
			printf("  %-10s %s\n", commands[i].name, commands[i].doc);
	puts("\nfirst steps:\n  mulgil demo\n  mulgil serve --data DIR &\n  eval \"$(mulgil env --data DIR)\"\n  aws s3 ls");
	return 0;
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		help(0, NULL);
		return EXIT_USAGE;
	}
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].fn(argc - 2, argv + 2);
	return cli_fail(EXIT_USAGE, "there is no command \"%s\"; see mulgil help", argv[1]);
}
