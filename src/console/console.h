/* SPDX-License-Identifier: Apache-2.0 */
/*
 * console -- the web page and what it reads: measurements, executions, live signals.
 *
 * Two doors lead to the same answers: console_answer() for requests that the API port has verified already (the command
 * line and functions sign for service "mulgil"), and console_page(), the handler of the console port, where people
 * sign in with an access key and hold a session cookie.
 * Paths: /-/measurements, /-/measurements/<id>, /-/signals?measurement=<id> (docs/audience-pipeline.md section 5),
 * /-/executions, /-/executions/<name> (with definition and history), and the page itself on the console port.
 * Threads: handlers run on workers; signals are written by measure's threads, which never wait for a viewer.
 */
#pragma once

#include "aws/op.h"
#include "http/server.h"
#include "measure/measure.h"

struct console;

struct console_opts {
	struct measure *measure;
	const struct op_registry *registry; /* executions are read through op_call() */
	const char *region, *account;
	/* true if this access key and secret belong together (constant time). */
	bool (*sign_in)(void *arg, const char *access_key, const char *secret);
	void *arg;
};

int console_new(const struct console_opts *o, struct console **ret, struct err *e) MUST_CHECK;
void console_stop(struct console *c); /* ends signals, and waits for that; new ones are refused */
struct console *console_free(struct console *c); /* stops; no handler may be running; returns NULL */

/* A request whose signature has been verified; path begins with "/-/".  Answers it, with 404 if there is no such path. */
void console_answer(struct console *c, struct http_req *r);
/* The console port's lane and handler (arg: the console). */
enum pool_lane console_lane(const struct http_req *r, void *console);
void console_page(struct http_req *r, void *console);
