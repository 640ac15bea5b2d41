/* SPDX-License-Identifier: Apache-2.0 */
/* host: the data folder, the child process, and how to reach it. */
#include "demo/host.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "demo/tablet_int.h"
#include "os/clock.h"
#include "os/file.h"

#define START_S 20
#define STOP_MS 10000
#define TAIL 2000

static const char *temporary(struct arena *a, struct err *e)
{
	const char *tmp = getenv("TMPDIR");
	char *dir = arena_printf(a, "%s/mulgil-demo-XXXXXX", tmp && tmp[0] ? tmp : "/tmp");

	if (mkdtemp(dir))
		return dir;
	err_sys(e, ERR_IO, "making the folder %s", dir);
	return NULL;
}

/* The environment without what would point this server elsewhere or give it another's key. */
static const char *const *child_env(struct arena *a)
{
	static const char *const left_out[] = { "MULGIL_ROOT_", "MULGIL_DATA=", "MULGIL_API=", "MULGIL_CONSOLE=", "AWS_" };
	size_t n = 0, k = 0;
	const char **env;

	while (environ[n])
		n++;
	env = ARENA_ARRAY(a, const char *, n + 1);
	for (size_t i = 0; i < n; i++) {
		bool keep = true;

		for (size_t j = 0; j < ARRAY_LEN(left_out); j++)
			keep = keep && strncmp(environ[i], left_out[j], strlen(left_out[j])) != 0;
		if (keep)
			env[k++] = environ[i];
	}
	return env;
}

static const char *own_path(struct arena *a, struct err *e)
{
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (n <= 0) {
		err_sys(e, ERR_IO, "finding this program");
		return NULL;
	}
	return arena_str(a, view_of(path, (size_t)n));
}

static const char *member(struct host *h, const char *file, const char *name)
{
	struct err e = { 0 };
	const struct json *doc = NULL;
	struct view text, v;

	if (file_read(arena_printf(&h->arena, "%s/%s", h->dir, file), &h->arena, 64 * KIB, &text, &e) == 0)
		doc = json_parse(&h->arena, text, 8, &e);
	v = json_get_str(doc, name);
	return v.n ? arena_str(&h->arena, v) : NULL;
}

/* endpoint.json is written when everything is ready. */
static bool answers(struct host *h, struct http_client *c)
{
	struct err e = { 0 };
	struct http_call q = { .method = "GET", .body_fd = -1, .timeout_ms = 1000 };
	struct http_result res;

	if (!h->endpoint)
		h->endpoint = member(h, "endpoint.json", "api");
	if (!h->endpoint)
		return false;
	q.url = arena_printf(&h->arena, "%s/-/health", h->endpoint);
	return http_call(c, &q, &h->arena, &res, &e) == 0 && res.status == 200;
}

static int run(struct host *h, const char *api, const char *page, double *ret_ms, struct err *e)
{
	const char *program = own_path(&h->arena, e);
	const char *const argv[] = { program, "serve", "--data", h->dir, "--api", api, "--console", page, NULL };
	struct proc_opts o = { .argv = argv, .env = child_env(&h->arena), .fd_in = -1, .fd_out = h->log_fd, .fd_err = h->log_fd };
	struct http_client *c;
	int64_t t0 = clock_mono_ns();
	bool up = false;
	int r, status;

	if (!program)
		return e->code;
	r = proc_start(&o, &h->proc, e);
	if (r < 0)
		return r;
	h->running = true;
	c = http_client_new();
	while (h->running && !(up = answers(h, c)) && clock_mono_ns() - t0 < START_S * 1000000000LL)
		if (proc_wait(&h->proc, 1, &status)) {
			h->running = false;
			r = err_set(e, ERR_IO, "the server ended at once; it says:\n%s", host_log_tail(h));
		}
	*ret_ms = (double)(clock_mono_ns() - t0) / 1e6;
	http_client_free(c);
	if (r == 0 && !up)
		r = err_set(e, ERR_TIMEOUT, "the server has not answered within %d s; it says:\n%s", START_S, host_log_tail(h));
	return r;
}

static int read_keys(struct host *h, struct err *e)
{
	h->page = member(h, "endpoint.json", "console");
	h->region = member(h, "endpoint.json", "region");
	h->access_key = member(h, "root-key.json", "access_key_id");
	h->secret = member(h, "root-key.json", "secret_access_key");
	if (!h->region || !h->access_key || !h->secret)
		return err_set(e, ERR_CORRUPT, "%s has no endpoint.json and root-key.json as expected", h->dir);
	h->idle_kib = host_resident_kib(h);
	return 0;
}

int host_start(struct host *h, const char *dir, struct err *e)
{
	const char *stale;
	int r = 0;

	*h = (struct host){ .log_fd = -1, .ours = !dir };
	arena_init(&h->arena, 64 * MIB);
	h->dir = dir ? dir : temporary(&h->arena, e);
	if (!h->dir)
		return e->code;
	if (dir)
		r = file_mkdirs(dir, 0700, e);
	if (r < 0)
		return r;
	stale = arena_printf(&h->arena, "%s/endpoint.json", h->dir);
	(void)unlink(stale); /* of a server that ran here before */
	h->log_fd = open(arena_printf(&h->arena, "%s/server.log", h->dir), O_CREAT | O_APPEND | O_RDWR | O_CLOEXEC, 0600);
	if (h->log_fd < 0)
		return err_sys(e, ERR_IO, "%s/server.log", h->dir);
	r = run(h, "127.0.0.1:0", "127.0.0.1:0", &h->start_ms, e);
	return r < 0 ? r : read_keys(h, e);
}

/* "http://127.0.0.1:4566/x" is 127.0.0.1:4566; NULL: "off". */
static const char *address(struct host *h, const char *url)
{
	struct view v = url ? view_str(url) : VIEW("http://off"), part;

	v = view_starts(v, VIEW("http://")) ? view_from(v, 7) : v;
	(void)view_split(&v, '/', &part);
	return arena_str(&h->arena, part);
}

int host_kill_and_restart(struct host *h, struct err *e)
{
	proc_kill(&h->proc);
	h->running = false;
	return run(h, address(h, h->endpoint), address(h, h->page), &h->restart_ms, e);
}

uint64_t host_resident_kib(const struct host *h)
{
	char path[64], text[4096];
	struct view rest, line;
	uint64_t kib;
	int fd;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)h->proc.pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text));
	close(fd);
	rest = view_of(text, n > 0 ? (size_t)n : 0);
	while (view_split(&rest, '\n', &line))
		if (view_starts(line, VIEW("VmRSS:")) && view_ends(line, VIEW(" kB")) &&
		    view_u64(view_trim(view_sub(line, 6, line.n - 9)), UINT64_MAX, &kib))
			return kib;
	return 0;
}

const char *host_log_tail(struct host *h)
{
	off_t end = h->log_fd < 0 ? 0 : lseek(h->log_fd, 0, SEEK_END), from = end > TAIL ? end - TAIL : 0;
	char *text = arena_alloc(&h->arena, TAIL + 1);
	struct err e = { 0 };
	ssize_t n = h->log_fd < 0 ? 0 : file_pread_all(h->log_fd, text, (size_t)(end - from), from, &e);

	text[n > 0 ? n : 0] = 0;
	return text;
}

void host_stop(struct host *h, bool keep)
{
	struct err e = { 0 };
	int status;

	if (h->running) {
		proc_signal(&h->proc, SIGTERM);
		if (!proc_wait(&h->proc, STOP_MS, &status))
			proc_kill(&h->proc);
		h->running = false;
	}
	fd_closep(&h->log_fd);
	if (h->ours && !keep && h->dir && file_remove_tree(h->dir, &e) < 0)
		fprintf(stderr, "mulgil: %s\n", e.msg);
	arena_clear(&h->arena);
}
