/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli -- the mulgil command's subcommands that talk to a running server, and what they share.
 *
 * Every subcommand takes (argc, argv) behind its own name and returns the exit code:
 *   0 done; 1 failed; 2 wrong use; 3 no server; 6 a measurement is not complete, or something is damaged (verify).
 * Each knows --help, --data DIR and, where it prints a result, --output text|json.  Results go to stdout, messages to
 * stderr.
 */
#pragma once

#include <stdbool.h>

#include "aws/client.h"

#define EXIT_FAILED 1
#define EXIT_USAGE 2
#define EXIT_NO_SERVER 3
#define EXIT_MISSING 6

int cli_env(int argc, char **argv);
int cli_doctor(int argc, char **argv);
int cli_sql(int argc, char **argv);
int cli_tail(int argc, char **argv);
int cli_measure(int argc, char **argv);
int cli_verify(int argc, char **argv);
int cli_deploy(int argc, char **argv);

/* --- where the server is, and with which key --- */
struct cli_session {
	struct arena arena;
	const char *data;                       /* --data, MULGIL_DATA, or "mulgil-data" */
	const char *endpoint, *console, *region, *account;
	const char *access_key, *secret, *token; /* from the environment, else the data folder's root key */
	struct aws_client *aws;
};
/* From AWS_ENDPOINT_URL and the AWS keys where they are set, else from the data folder.  Says on stderr what is missing
 * and how to mend it; returns false. */
bool cli_open(struct cli_session *s, const char *data);
void cli_close(struct cli_session *s);

/* --- options: one table per subcommand --- */
struct cli_option {
	const char *name;   /* "--data" */
	const char *arg;    /* name of its value for --help; NULL: a switch */
	const char *doc;
	const char **value; /* of options with a value */
	bool *on;           /* of switches */
};
struct cli_usage {
	const char *synopsis; /* "mulgil sql [--output csv|json] \"SELECT ...\"" */
	const char *about;    /* what it does, examples */
	const struct cli_option *options; /* ended by a row without name; --help is always there */
};
/* Takes options out of argv; the rest stays in argv[0..*argc).  0: go on; else the exit code + 1 (help printed: 1). */
int cli_options(const struct cli_usage *u, int *argc, char **argv);
/* Prints "mulgil: <message>" and what to do next. */
int cli_fail(int code, const char *fmt, ...) PRINTF_LIKE(2, 3);
