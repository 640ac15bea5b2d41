/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mulgil-jq: runs jq programs over records that it is given, and may die of them.
 *
 * The processor time of a record is limited twice: first jq's own loop is told to stop, and if it does not get to see
 * that (one library call may take long), the process ends.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "base/macro.h"
#include "data/keyquery.h"
#include "os/landlock.h"
#include "store/jq.h"
#include "store/jqworker/wire.h"

#define PROGRAMS 16 /* compiled ones that are kept */
#define FLUSH_BYTES (64 * KIB)
#define RECORD_MEMORY (4 * MIB)
#define EXIT_BROKEN 4  /* a message that makes no sense */
#define EXIT_STUCK 5
#define EXIT_SANDBOX 6

struct program {
	char *text;
	struct keyquery *query;
	unsigned used;
};

static struct program programs[PROGRAMS];
static unsigned clock_now;
static struct keyquery *volatile running;
static volatile sig_atomic_t told;

#ifdef __SANITIZE_THREAD__
/* ThreadSanitizer holds signals back until the program calls something that it knows, which jq's own loops never do. */
int __sigaction(int sig, const struct sigaction *act, struct sigaction *old);
#define SIGACTION __sigaction
#else
#define SIGACTION sigaction
#endif

static void on_tick(int sig)
{
	(void)sig;
	if (told || !running)
		_exit(EXIT_STUCK);
	told = 1;
	keyquery_interrupt(running);
}

static void timer(bool on)
{
	const struct timeval limit = { .tv_sec = on ? JQ_RECORD_MS / 1000 : 0 };
	const struct itimerval t = { .it_value = limit, .it_interval = limit };

	told = 0;
	must(setitimer(ITIMER_VIRTUAL, &t, NULL) == 0);
}

/* --- the socket --- */

static bool read_all(void *data, size_t n)
{
	char *p = data;

	while (n) {
		ssize_t r = read(STDIN_FILENO, p, n);

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return false;
		p += r;
		n -= (size_t)r;
	}
	return true;
}

static void write_out(struct buf *b)
{
	size_t done = 0;

	if (b->over)
		_exit(EXIT_BROKEN);
	while (done < b->n) {
		ssize_t r = write(STDOUT_FILENO, b->p + done, b->n - done);

		if (r < 0 && errno != EINTR)
			_exit(EXIT_BROKEN);
		done += r > 0 ? (size_t)r : 0;
	}
	buf_reset(b);
}

/* --- programs --- */

/* The one that was not used for the longest time makes room. */
static struct program *room_for_program(void)
{
	struct program *p = &programs[0];

	for (size_t i = 1; i < PROGRAMS; i++)
		if (programs[i].used < p->used)
			p = &programs[i];
	p->query = keyquery_free(p->query);
	free(p->text);
	*p = (struct program){ 0 };
	return p;
}

static struct keyquery *program_for(struct view text, struct err *e)
{
	struct program *p;
	int rc;

	clock_now++;
	for (size_t i = 0; i < PROGRAMS; i++)
		if (programs[i].text && view_eq_str(text, programs[i].text)) {
			programs[i].used = clock_now;
			return programs[i].query;
		}
	p = room_for_program();
	p->text = strndup(text.p, text.n);
	must(p->text);
	timer(true);
	rc = keyquery_new(p->text, &p->query, e);
	timer(false);
	if (rc) {
		free(p->text);
		p->text = NULL;
		return NULL;
	}
	p->used = clock_now;
	return p->query;
}

/* --- answers --- */

static void add_answer(struct buf *out, char kind, struct view body)
{
	wire_number(out, body.n + 1);
	buf_add_char(out, kind);
	buf_add_view(out, body);
}

static void add_failure(struct buf *out, char kind, const struct err *e)
{
	add_answer(out, kind, view_str(e->msg));
}

static void answer(struct keyquery *q, struct view record, struct buf *out)
{
	const struct keyquery_key *v = NULL;
	struct err e = { 0 };
	struct arena a;
	struct buf b;
	size_t n = 0;
	int rc;

	arena_init(&a, RECORD_MEMORY);
	buf_init(&b, WIRE_ANSWER_MAX);
	running = q;
	timer(true);
	rc = keyquery_run(q, &a, record, &v, &n, &e);
	timer(false);
	running = NULL;
	for (size_t i = 0; !rc && i < n; i++) {
		wire_text(&b, v[i].name);
		wire_text(&b, v[i].value);
	}
	if (!rc && (b.over || b.n > JQ_KEYS_MAX + 8 * n))
		rc = err_set(&e, ERR_LIMIT, "partitionKeys must not be longer than %d bytes together", JQ_KEYS_MAX);
	if (rc)
		add_failure(out, rc == ERR_TIMEOUT ? WIRE_LATE : WIRE_FAILED, &e);
	else
		add_answer(out, WIRE_KEYS, buf_view(&b));
	buf_clear(&b);
	arena_clear(&a);
	if (rc == ERR_TIMEOUT || out->n > FLUSH_BYTES)
		write_out(out);
}

static void work(struct view request)
{
	struct view program, record;
	struct err e = { 0 };
	struct keyquery *q;
	struct buf out;
	size_t n;

	if (!wire_take_text(&request, &program) || !wire_take_number(&request, &n))
		_exit(EXIT_BROKEN);
	buf_init(&out, FLUSH_BYTES + 2 * WIRE_ANSWER_MAX);
	q = program_for(program, &e);
	if (!q)
		add_failure(&out, WIRE_PROGRAM, &e);
	for (size_t i = 0; q && i < n; i++) {
		if (!wire_take_text(&request, &record))
			_exit(EXIT_BROKEN);
		answer(q, record, &out);
	}
	write_out(&out);
	buf_clear(&out);
}

/* --- the process --- */

static void enter_sandbox(void)
{
	struct err e = { 0 };
	int fd, abi;

	tzset(); /* reads files */
	if (landlock_ruleset(NULL, 0, false, &fd, &abi, &e) < 0 || (fd >= 0 && !landlock_enter(fd)))
		_exit(EXIT_SANDBOX);
	if (fd >= 0)
		(void)close(fd);
}

int main(void)
{
	struct sigaction tick = { .sa_handler = on_tick, .sa_flags = SA_RESTART };
	const char hello = WIRE_HELLO;
	sigset_t none;
	char h[4];

	must(sigemptyset(&none) == 0 && sigprocmask(SIG_SETMASK, &none, NULL) == 0);
	must(SIGACTION(SIGVTALRM, &tick, NULL) == 0);
	must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	enter_sandbox();
	if (write(STDOUT_FILENO, &hello, 1) != 1)
		return EXIT_BROKEN;
	while (read_all(h, sizeof(h))) {
		size_t n = wire_number_of(h);
		char *text = n <= WIRE_REQUEST_MAX ? malloc(n + 1) : NULL;

		if (!text || !read_all(text, n))
			return EXIT_BROKEN;
		work(view_of(text, n));
		free(text);
	}
	return 0;
}
