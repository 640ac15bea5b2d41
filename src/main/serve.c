/* SPDX-License-Identifier: Apache-2.0 */
/* serve: settings, start, wait for a signal, stop. */
#include "main/serve.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/limits.h"
#include "cli/cli.h"
#include "main/wire.h"
#include "os/clock.h"
#include "os/diag.h"

#define DESCRIPTORS 32768

static enum diag_level level_of(const char *name)
{
	static const char *const names[] = { "debug", "info", "warn", "error" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(name, names[i]) == 0)
			return (enum diag_level)i;
	return DIAG_INFO;
}

/* Every tablet and every viewer holds a connection; what the system grants by default is for programs without any. */
static void raise_descriptors(void)
{
	struct err e = { 0 };
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_cur < DESCRIPTORS) {
		l.rlim_cur = l.rlim_max < DESCRIPTORS ? l.rlim_max : DESCRIPTORS;
		if (setrlimit(RLIMIT_NOFILE, &l) < 0) {
			(void)err_sys(&e, ERR_IO, "the limit of open files stays");
			diag(DIAG_WARN, "serve", "%s", e.msg);
		}
	}
}

static int run(const struct config *c, const sigset_t *stop)
{
	static struct wire w;
	struct err e = { 0 };
	int64_t t0 = clock_mono_ns();
	int sig, r = wire_new(c, &w, &e);

	if (r == 0)
		r = wire_start(&w, &e);
	if (r < 0) {
		int code = cli_fail(EXIT_FAILED, "%s", e.msg);

		wire_free(&w);
		return code;
	}
	diag(DIAG_INFO, "serve", "ready in %.0f ms: api %s%s%s, data %s", (double)(clock_mono_ns() - t0) / 1e6, w.endpoint,
	     w.page_url[0] ? ", console " : "", w.page_url, c->data);
	(void)sigwait(stop, &sig);
	diag(DIAG_INFO, "serve", "%s: stopping", strsignal(sig));
	wire_free(&w);
	return 0;
}

static int print_help(void)
{
	struct buf b;

	buf_init(&b, MIB);
	config_help(&b);
	fputs(b.p, stdout);
	buf_clear(&b);
	return 0;
}

static int serve(int argc, char **argv, struct arena *a)
{
	struct config c = { 0 };
	struct err e = { 0 };
	sigset_t stop;
	bool help;

	if (config_load(argc, argv, a, &c, &help, &e) < 0)
		return cli_fail(EXIT_USAGE, "%s", e.msg);
	if (help)
		return print_help();
	/* Before any thread is there, so that all of them have it blocked. */
	sigemptyset(&stop);
	sigaddset(&stop, SIGINT);
	sigaddset(&stop, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &stop, NULL);
	signal(SIGPIPE, SIG_IGN);
	diag_set_level(level_of(c.log_level));
	raise_descriptors();
	return run(&c, &stop);
}

int serve_main(int argc, char **argv)
{
	struct arena a;
	int r;

	arena_init(&a, MIB);
	r = serve(argc, argv, &a);
	arena_clear(&a);
	return r;
}
