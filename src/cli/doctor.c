/* SPDX-License-Identifier: Apache-2.0 */
/* doctor: looks at the machine, the data folder and the server, and says what to mend. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "cli/cli.h"
#include "os/clock.h"
#include "os/file.h"

#define DISK_LOW (1ULL << 30)

struct report {
	struct cli_session *s;
	struct json *rows;
	bool json;
	int bad;
};

static void tell(struct report *r, bool ok, const char *what, const char *fmt, ...) PRINTF_LIKE(4, 5);
static void tell(struct report *r, bool ok, const char *what, const char *fmt, ...)
{
	struct arena *a = &r->s->arena;
	struct json *row = json_new_obj(a);
	const char *text;
	va_list ap;

	va_start(ap, fmt);
	text = arena_vprintf(a, fmt, ap);
	va_end(ap);
	r->bad += !ok;
	json_set_str(a, row, "check", what);
	json_set(a, row, "ok", json_new_bool(ok));
	json_set_str(a, row, "detail", text);
	json_push(a, r->rows, row);
	if (!r->json)
		printf("%-6s %-14s %s\n", ok ? "ok" : "BAD", what, text);
}

static void check_disk(struct report *r)
{
	struct statvfs v;
	uint64_t free_bytes;

	if (statvfs(r->s->data, &v) < 0) {
		tell(r, false, "disk", "%s cannot be read", r->s->data);
		return;
	}
	free_bytes = (uint64_t)v.f_bavail * v.f_frsize;
	tell(r, free_bytes > DISK_LOW, "disk", "%.1f GiB free%s", (double)free_bytes / (1 << 30),
	     free_bytes > DISK_LOW ? "" : ": make room, writes will soon be refused");
}

static void check_sync(struct report *r)
{
	const char *name = arena_printf(&r->s->arena, "%s/doctor.tmp", r->s->data);
	CLEANUP(fd_closep) int fd = open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct err e = { 0 };
	int64_t t0;

	if (fd < 0 || file_pwrite_all(fd, "mulgil", 6, 0, &e) < 0) {
		tell(r, false, "write", "%s is not writable", r->s->data);
		return;
	}
	t0 = clock_mono_ns();
	file_sync_data(fd);
	tell(r, true, "write", "one durable write took %.2f ms", (double)(clock_mono_ns() - t0) / 1e6);
	(void)unlink(name);
}

static void check_key(struct report *r)
{
	struct stat st;
	const char *name = arena_printf(&r->s->arena, "%s/root-key.json", r->s->data);

	if (stat(name, &st) < 0)
		tell(r, true, "root key", "given in the environment");
	else
		tell(r, (st.st_mode & 077) == 0, "root key", "%s, mode %04o%s", name, (unsigned)st.st_mode & 07777,
		     (st.st_mode & 077) ? ": others can read it; chmod 600 it and make a new one" : "");
}

static void check_files(struct report *r)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) == 0)
		tell(r, l.rlim_cur >= 1024, "open files", "limit %" PRIu64 "%s", (uint64_t)l.rlim_cur,
		     l.rlim_cur >= 1024 ? "" : ": raise it to at least 1024 (ulimit -n)");
}

static void check_server(struct report *r)
{
	struct arena *a = &r->s->arena;
	struct err e = { 0 };
	struct http_result res;
	int64_t t0 = clock_mono_ns();
	int x = aws_client_call(r->s->aws, &(struct aws_request){ .service = "mulgil", .method = "GET", .path = "/-/measurements" },
				a, &res, &e);

	if (x < 0)
		tell(r, false, "server", "%s: %s", r->s->endpoint, e.msg);
	else
		tell(r, true, "server", "%s answers a signed request in %.1f ms", r->s->endpoint,
		     (double)(clock_mono_ns() - t0) / 1e6);
}

static void check_clock(struct report *r)
{
	tell(r, clock_ms() > 1700000000000LL, "clock", "%s",
	     clock_ms() > 1700000000000LL ? "is set" : "is wrong: signatures will be refused; set it (NTP)");
}

int cli_doctor(int argc, char **argv)
{
	const char *data = NULL, *output = "text";
	const struct cli_option options[] = {
		{ "--data", "DIR", "the server's data folder [$MULGIL_DATA or mulgil-data]", &data, NULL },
		{ "--output", "text|json", "[text]", &output, NULL },
		{ 0 },
	};
	const struct cli_usage usage = {
		"mulgil doctor [--data DIR] [--output text|json]",
		"Looks at the machine, the data folder and the running server; exit code 1 if something should be mended.\n",
		options,
	};
	struct cli_session s;
	struct report r = { .s = &s };
	int x = cli_options(&usage, &argc, argv);

	if (x)
		return x - 1;
	if (!cli_open(&s, data))
		return EXIT_NO_SERVER;
	r.json = output[0] == 'j';
	r.rows = json_new_arr(&s.arena);
	check_disk(&r);
	check_sync(&r);
	check_files(&r);
	check_key(&r);
	check_clock(&r);
	check_server(&r);
	if (r.json)
		puts(json_text(&s.arena, r.rows));
	cli_close(&s);
	return r.bad ? EXIT_FAILED : 0;
}
