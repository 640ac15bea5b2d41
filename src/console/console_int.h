/* SPDX-License-Identifier: Apache-2.0 */
/* console_int -- what the files of this folder share. */
#pragma once

#include <stdatomic.h>

#include "console/console.h"
#include "os/thread.h"

#define SESSION_COUNT 256
#define SESSION_MS (12LL * 3600 * 1000)

struct session {
	uint8_t token_sha256[32];
	int64_t until_ms; /* 0: free */
};

struct console {
	struct console_opts o;
	struct lock lock;
	struct cond changed;
	_Atomic unsigned streams; /* signals under way; changed under the lock */
	struct session sessions[SESSION_COUNT];
	int64_t failed_ms[16]; /* of the last failed sign-ins, for slowing guesses down */
	unsigned failed;
};

void console__answer(struct http_req *r, int status, const char *type, struct view body);
void console__error(struct http_req *r, int status, const char *code, const char *message);
void console__fail(struct http_req *r, const struct err *e);
const char *console__param(struct http_req *r, const char *name); /* NULL: not there */
/* signals.c */
void console__signals(struct console *c, struct http_req *r);
void console__signals_stop(struct console *c);

/* The built page (web/), embedded: name, type, bytes. */
struct console_file {
	const char *path, *type;
	const unsigned char *data;
	size_t n;
};
extern const struct console_file console__files[];
extern const size_t console__n_files;
