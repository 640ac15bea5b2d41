/* SPDX-License-Identifier: Apache-2.0 */
/* demo: options, the course of the whole show, and its exit code. */
#include "demo/demo.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "cli/cli.h"
#include "cli/deploy.h"
#include "demo/live.h"
#include "demo/probe.h"
#include "demo/recording.h"
#include "demo/report.h"
#include "demo/tablet_int.h"
#include "os/clock.h"

#define PEOPLE_MAX 256
#define SUBSCRIBE_MS 5000

struct options {
	uint64_t people, seconds, seed, video_mb;
	double speed;
	unsigned faults;
	const char *faults_text, *recordings, *data;
	bool keep, json;
};

struct demo {
	struct options o;
	struct arena arena;
	struct show show;
	struct host host;
	struct person *people;
	struct tablet *tablets;
	struct live *lives;
	pthread_t *threads, *live_threads, probe_thread;
	size_t n, n_live;
	struct probe probe;
	bool probing, terminal;
	int64_t played_from_ns, played_to_ns;
	const char *state_machine;
};

static volatile sig_atomic_t interrupted;

static void on_signal(int sig)
{
	(void)sig;
	interrupted = 1;
}

static void say(const struct demo *d, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void say(const struct demo *d, const char *fmt, ...)
{
	va_list ap;

	if (d->terminal)
		fputs("\r\x1b[K", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

/* --- options --- */

static bool positive(const char *text, double *ret)
{
	char *end;

	*ret = strtod(text, &end);
	return text[0] && !*end && isfinite(*ret) && *ret > 0;
}

static int numbers_of(struct options *o, const char *people, const char *seconds, const char *speed, const char *seed,
		      const char *video)
{
	if (people && (!view_u64(view_str(people), PEOPLE_MAX, &o->people) || !o->people))
		return cli_fail(EXIT_USAGE, "--people: a number from 1 to %d is expected", PEOPLE_MAX);
	if (seconds && (!view_u64(view_str(seconds), 7200, &o->seconds) || o->seconds < 20))
		return cli_fail(EXIT_USAGE, "--seconds: a number from 20 to 7200 is expected");
	if (speed && !positive(speed, &o->speed))
		return cli_fail(EXIT_USAGE, "--speed: a number above 0 is expected");
	if (seed && !view_u64(view_str(seed), UINT64_MAX, &o->seed))
		return cli_fail(EXIT_USAGE, "--seed: a whole number is expected");
	if (video && !view_u64(view_str(video), 512, &o->video_mb))
		return cli_fail(EXIT_USAGE, "--video-mb: a number up to 512 is expected");
	return 0;
}

static const char about[] =
	"Starts a server with a fresh data folder, deploys the audience pipeline, plays tablets and their viewers at once, reads\n"
	"everything back through the AWS APIs, and proves that nothing is missing or double.\n\n"
	"Exit code 0 only if all of it holds.  Speed is printed beside its goal; a goal missed does not change the exit code.\n"
	"With --faults drop some records are never sent: then exactly these have to be named as missing.\n\n"
	"examples:\n  mulgil demo --people 20 --faults dup,reorder,restart\n  mulgil demo --recordings DIR --output json\n";

static int parse(int argc, char **argv, struct options *o)
{
	const char *people = NULL, *seconds = NULL, *speed = NULL, *seed = NULL, *video = NULL, *output = "text";
	struct err e = { 0 };
	const struct cli_option options[] = {
		{ "--people", "N", "how many at once [8]; recordings first, modelled people for the rest", &people, NULL },
		{ "--recordings", "DIR", "play the recordings found there too", &o->recordings, NULL },
		{ "--seconds", "S", "of signal of each modelled person [60]", &seconds, NULL },
		{ "--speed", "X", "times real time [such that everybody's signal takes 10 s]", &speed, NULL },
		{ "--faults", "LIST", "drop,dup,reorder,restart: put in on purpose [none]", &o->faults_text, NULL },
		{ "--video-mb", "N", "size of each person's video [1]", &video, NULL },
		{ "--seed", "N", "other people, other faults [1]", &seed, NULL },
		{ "--data", "DIR", "data folder to use and to leave there [a temporary one]", &o->data, NULL },
		{ "--keep", NULL, "leave the temporary data folder there", NULL, &o->keep },
		{ "--output", "text|json", "json: one document on stdout [text]", &output, NULL },
		{ 0 },
	};
	const struct cli_usage usage = { "mulgil demo [options]", about, options };
	int r;

	*o = (struct options){ .people = 8, .seconds = 60, .seed = 1, .video_mb = 1, .faults_text = "" };
	r = cli_options(&usage, &argc, argv);
	if (r)
		return r;
	if (argc)
		return 1 + cli_fail(EXIT_USAGE, "\"%s\" is not expected\nusage: %s", argv[0], usage.synopsis);
	if (strcmp(output, "text") != 0 && strcmp(output, "json") != 0)
		return 1 + cli_fail(EXIT_USAGE, "--output: text or json is expected");
	o->json = output[0] == 'j';
	if (plan_faults(o->faults_text, &o->faults, &e) < 0)
		return 1 + cli_fail(EXIT_USAGE, "%s", e.msg);
	r = numbers_of(o, people, seconds, speed, seed, video);
	return r ? r + 1 : 0;
}

/* --- the cast --- */

static int gather(struct demo *d, struct err *e)
{
	size_t max = d->o.people > recordings_n ? d->o.people : recordings_n, n = 0;
	int r = 0;

	d->people = ARENA_ARRAY(&d->arena, struct person, max);
	if (d->o.recordings)
		r = recording_find(d->o.recordings, d->people, max, &n, &d->arena, e);
	for (; n < d->o.people && r == 0; n++) {
		struct person *p = &d->people[n];

		person_init(p, arena_printf(&d->arena, "modelled %zu", n + 1), n);
		r = person_model(p, &d->arena, d->o.seed, n, (double)d->o.seconds, e);
		for (size_t k = 0; k < p->n_streams && r == 0; k++)
			r = stream_check(&p->streams[k], e);
	}
	d->n = n;
	return r;
}

/* --- the stage --- */

static void deployed(void *arg, const char *action, const char *type, const char *logical_id, const char *physical_id)
{
	struct demo *d = arg;

	(void)physical_id;
	if (d->terminal)
		fprintf(stderr, "\r\x1b[K%s %s (%s)", action, logical_id, type);
}

static int deploy(struct demo *d, struct err *e)
{
	struct deploy_opts o = { .progress = deployed, .progress_arg = d };
	struct aws_client *c = aws_client_new(&d->show.conn);
	const struct json *out;
	struct view url, part;
	int64_t t0 = clock_mono_ns();
	int r = deploy_run(c, &o, &out, &d->arena, e);

	aws_client_free(c);
	if (r < 0)
		return err_ctx(e, "deploying the pipeline");
	url = json_get_str(out, "UploadUrl");
	d->show.delivery = arena_str(&d->arena, json_get_str(out, "Stream"));
	d->state_machine = arena_str(&d->arena, json_get_str(out, "StateMachine"));
	if (!view_starts(url, VIEW("http://")) || !d->show.delivery[0] || !d->state_machine[0])
		return err_set(e, ERR_CORRUPT, "the template's outputs are not UploadUrl, Stream and StateMachine");
	url = view_from(url, 7);
	(void)view_split(&url, '/', &part);
	d->show.url_path = arena_printf(&d->arena, "/%.*s", VIEW_ARG(url));
	say(d, "pipeline deployed in %.1f s", (double)(clock_mono_ns() - t0) / 1e9);
	return 0;
}

static int open_stage(struct demo *d, struct err *e)
{
	char id[UUID_TEXT];
	int r = host_start(&d->host, d->o.data, e);

	if (r < 0)
		return r;
	say(d, "server at %s, data in %s, first answer after %.0f ms", d->host.endpoint, d->host.dir, d->host.start_ms);
	uuid4(id);
	d->show.conn = (struct aws_client_opts){ d->host.endpoint, d->host.region, d->host.access_key, d->host.secret, NULL };
	d->show.screening = arena_printf(&d->arena, "demo-%.8s", id);
	d->show.content = "film-1";
	d->show.seed = d->o.seed;
	d->show.video_bytes = d->o.video_mb * 1000000;
	d->show.faults = d->o.faults;
	d->show.speed = d->o.speed;
	return deploy(d, e);
}

/* --- the play --- */

static void progress(const struct demo *d, const char *what)
{
	uint64_t sent = atomic_load(&d->show.sent), all = atomic_load(&d->show.to_send);
	int bar = all ? (int)(30 * sent / all) : 0;

	if (d->terminal)
		fprintf(stderr, "\r\x1b[K%-10s [%.*s%.*s] %llu of %llu records, %u of %zu ended, %u done", what, bar > 30 ? 30 : bar,
			"##############################", bar > 30 ? 0 : 30 - bar, "..............................", (unsigned long long)sent,
			(unsigned long long)all, atomic_load(&d->show.ended), d->n, atomic_load(&d->show.done));
}

static void start_people(struct demo *d)
{
	d->tablets = ARENA_ARRAY(&d->arena, struct tablet, d->n);
	d->threads = ARENA_ARRAY(&d->arena, pthread_t, d->n);
	for (size_t i = 0; i < d->n; i++)
		tablet_init(&d->tablets[i], &d->show, &d->people[i], i);
	for (size_t i = 0; i < d->n; i++)
		d->threads[i] = thread_start("tablet", tablet_run, &d->tablets[i]);
	while (atomic_load(&d->show.ready) < d->n) {
		progress(d, "uploading");
		tablet__sleep_ms(10);
		if (interrupted)
			atomic_store(&d->show.stop, true);
	}
}

static void start_viewers(struct demo *d)
{
	int64_t end = clock_mono_ns() + SUBSCRIBE_MS * 1000000LL;

	d->lives = ARENA_ARRAY(&d->arena, struct live, d->n);
	d->live_threads = ARENA_ARRAY(&d->arena, pthread_t, d->n);
	for (size_t i = 0; i < d->n; i++) {
		live_init(&d->lives[i], &d->tablets[i]);
		d->live_threads[i] = thread_start("viewer", live_run, &d->lives[i]);
	}
	d->n_live = d->n;
	for (size_t i = 0; i < d->n; i++)
		while (!atomic_load(&d->lives[i].there) && clock_mono_ns() < end)
			tablet__sleep_ms(2);
	probe_init(&d->probe, &d->show, d->tablets, d->n);
	d->probe_thread = thread_start("probe", probe_run, &d->probe);
	d->probing = true;
}

static int play(struct demo *d, struct err *e)
{
	bool kill = d->o.faults & FAULT_RESTART;
	int r = 0;

	start_people(d);
	start_viewers(d);
	say(d, "%zu people are ready, their files uploaded; playing", d->n);
	d->played_from_ns = clock_mono_ns();
	atomic_store(&d->show.go, true);
	while (r == 0 && atomic_load(&d->show.ended) < d->n) {
		progress(d, "playing");
		if (kill && atomic_load(&d->show.sent) * 2 > atomic_load(&d->show.to_send)) {
			kill = false;
			say(d, "killing the server (SIGKILL) in the middle");
			r = host_kill_and_restart(&d->host, e);
			if (r == 0)
				say(d, "it answers again after %.0f ms", d->host.restart_ms);
		}
		if (r == 0 && interrupted)
			r = err_set(e, ERR_CANCELLED, "interrupted");
		tablet__sleep_ms(20);
	}
	d->played_to_ns = clock_mono_ns();
	if (r < 0)
		atomic_store(&d->show.stop, true);
	say(d, "all manifests are up");
	atomic_store(&d->probe.stop, true);
	while (atomic_load(&d->show.done) < d->n) {
		progress(d, "analysing");
		tablet__sleep_ms(20);
		if (interrupted)
			atomic_store(&d->show.stop, true);
	}
	for (size_t i = 0; i < d->n; i++)
		thread_join(d->threads[i]);
	thread_join(d->probe_thread);
	if (d->terminal)
		fputs("\r\x1b[K", stderr);
	return r;
}

/* --- the outcome --- */

static struct spread spread_of(double *ms, size_t n)
{
	return (struct spread){ live_percentile(ms, n, 50), live_percentile(ms, n, 99), live_percentile(ms, n, 100), n };
}

/* Time from each tablet's last byte to @at (offset of one of its stamps). */
static struct spread since_last_byte(struct demo *d, size_t at)
{
	double ms[PEOPLE_MAX];
	size_t n = 0;

	for (size_t i = 0; d->tablets && i < d->n && n < PEOPLE_MAX; i++) { /* none: the server did not start */
		int64_t t;

		memcpy(&t, (const char *)&d->tablets[i] + at, sizeof(t));
		if (t && d->tablets[i].last_byte_ns)
			ms[n++] = (double)(t - d->tablets[i].last_byte_ns) / 1e6;
	}
	return spread_of(ms, n);
}

static void count(struct demo *d, struct report *r)
{
	double *all;
	size_t n = 0;

	for (size_t i = 0; i < d->n_live; i++)
		n += d->lives[i].n;
	all = ARENA_ARRAY(&d->arena, double, n + 1);
	n = 0;
	for (size_t i = 0; i < d->n_live; i++) {
		if (d->lives[i].n)
			memcpy(all + n, d->lives[i].ms, d->lives[i].n * sizeof(double));
		n += d->lives[i].n;
		r->live_events += d->lives[i].events;
	}
	r->live = spread_of(all, n);
	r->sql = spread_of(d->probe.ms, d->probe.n);
	r->verified = since_last_byte(d, offsetof(struct tablet, verified_ns));
	r->result = since_last_byte(d, offsetof(struct tablet, result_ns));
	r->sql_error = d->probe.last_error[0] ? d->probe.last_error : NULL;
	r->start_ms = d->host.start_ms;
	r->restart_ms = d->host.restart_ms;
	r->idle_mib = (double)d->host.idle_kib / 1024;
	r->played_s = (double)(d->played_to_ns - d->played_from_ns) / 1e9;
	for (size_t i = 0; i < d->n; i++)
		r->resent += d->tablets[i].retries;
}

/* Live viewers and the probe end when they are told to and the server is gone. */
static void close_stage(struct demo *d, bool keep)
{
	atomic_store(&d->show.stop, true);
	host_stop(&d->host, keep);
	for (size_t i = 0; i < d->n_live; i++)
		thread_join(d->live_threads[i]);
}

static void print(const struct demo *d, const struct report *r)
{
	struct arena a;
	struct buf b;

	arena_init(&a, GIB);
	if (d->o.json) {
		buf_init(&b, GIB);
		json_print_pretty(&b, report_json(r, &a));
		printf("%.*s\n", (int)b.n, b.p);
		buf_clear(&b);
	} else {
		report_text(r, &a, stdout);
	}
	fflush(stdout);
	arena_clear(&a);
}

static void clean(struct demo *d, struct readback *rb, bool read)
{
	if (read)
		readback_clear(rb);
	for (size_t i = 0; i < d->n_live; i++)
		live_clear(&d->lives[i]);
	if (d->probing)
		probe_clear(&d->probe);
	for (size_t i = 0; d->tablets && i < d->n; i++)
		tablet_clear(&d->tablets[i]);
	arena_clear(&d->arena);
}

static int run(struct demo *d)
{
	struct report rep = { .seed = d->o.seed, .faults = d->o.faults_text };
	struct readback rb;
	struct err e = { 0 };
	struct arena a;
	bool read = false, pass, keep = d->o.keep || d->o.data;
	int r = gather(d, &e);

	if (r < 0) {
		arena_clear(&d->arena);
		return cli_fail(EXIT_FAILED, "%s", e.msg);
	}
	r = open_stage(d, &e);
	if (r == 0)
		r = play(d, &e);
	if (r == 0 && interrupted)
		r = err_set(&e, ERR_CANCELLED, "interrupted");
	if (r == 0) {
		readback_init(&rb, &d->show, d->tablets, d->n, d->state_machine);
		say(d, "reading everything back");
		readback_run(&rb);
		read = true;
		rep.rb = &rb;
	}
	arena_init(&a, GIB);
	rep.stopped = r < 0 ? e.msg : NULL;
	rep.dir = keep && d->host.dir ? arena_str(&d->arena, view_str(d->host.dir)) : NULL;
	pass = json_len(report_reasons(&rep, &a)) == 0;
	arena_clear(&a);
	if (!pass && d->host.dir)
		fprintf(stderr, "the server's last messages:\n%s\n", host_log_tail(&d->host));
	close_stage(d, keep);
	count(d, &rep);
	print(d, &rep);
	clean(d, &rb, read);
	return pass ? 0 : EXIT_FAILED;
}

int demo_main(int argc, char **argv)
{
	static struct demo d;
	int r;

	r = parse(argc, argv, &d.o);
	if (r)
		return r - 1;
	arena_init(&d.arena, 16 * GIB);
	d.terminal = isatty(STDERR_FILENO);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGINT, on_signal); /* the server and the folder are cleaned up */
	signal(SIGTERM, on_signal);
	return run(&d);
}
