/* SPDX-License-Identifier: Apache-2.0 */
/* replay: options, the course of the play, and its report. */
#include "demo/replay.h"

#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/limits.h"
#include "cli/cli.h"
#include "cli/deploy.h"
#include "data/envelope.h"
#include "demo/demo.h"
#include "demo/recording.h"
#include "os/clock.h"
#include "os/file.h"

#define LEAD_NS 2000000000LL /* from the last tablet's readiness to the first record */
#define SETTLE "settle_ms=60000"
#define MODEL_S 60.0

struct options {
	uint64_t people, seconds, viewers, slow_viewers;
	const char *recordings, *layout, *beside, *hgrm, *data;
	bool no_sql, json, viewers_given;
};

struct play {
	struct options o;
	struct arena arena;
	struct cli_session session;
	struct replay r;
	struct person *people;
	size_t n_people;
	struct replay_source sources[64][PERSON_STREAMS];
	struct replay_viewer *viewers;
	size_t n_viewers;
	pthread_t *threads;
	size_t n_threads;
	struct replay_query query, beside;
	struct hist *acked, *live;
	uint64_t expected, received, missing, duplicates, gaps, breaks, memory_kib;
	double played_s;
	bool terminal;
};

static volatile sig_atomic_t interrupted;

static void on_signal(int sig)
{
	(void)sig;
	interrupted = 1;
}

static void sleep_ms(long ms)
{
	const struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };

	(void)nanosleep(&ts, NULL);
}

/* --- options --- */

static const char about[] =
	"Plays signals as many tablets at once against a running server, at their real pace, and says how long it took\n"
	"until records were acknowledged, seen live, and shown by SQL; and from the ledger, whether any is missing or double.\n"
	"Every time counts from when the record was due, so that a server that stalls is charged for all that waited.\n"
	"The audience pipeline has to be deployed (mulgil deploy).  Exit code 6 if a record is missing.\n\n"
	"examples:\n  mulgil replay --people 100 --seconds 60\n"
	"  mulgil replay --people 1000 --seconds 300 --layout openbci.cyton --recordings DIR --slow-viewers 1000\n"
	"  mulgil replay --people 200 --beside \"SELECT count(*) FROM sensor a CROSS JOIN sensor b\"\n";

static bool number(const char *name, const char *text, uint64_t least, uint64_t most, uint64_t *ret, int *code)
{
	if (*code || !text)
		return false;
	if (!view_u64(view_str(text), most, ret) || *ret < least)
		*code = 1 + cli_fail(EXIT_USAGE, "%s: a number from %" PRIu64 " to %" PRIu64 " is expected", name, least, most);
	return !*code;
}

static int parse(int argc, char **argv, struct options *o)
{
	const char *people = NULL, *seconds = NULL, *viewers = NULL, *slow = NULL, *output = "text";
	const struct cli_option options[] = {
		{ "--people", "N", "tablets at once, each with a measurement of its own [10]", &people, NULL },
		{ "--seconds", "S", "how long [30]", &seconds, NULL },
		{ "--recordings", "DIR", "play the recordings found there [modelled people]", &o->recordings, NULL },
		{ "--layout", "PREFIX", "only streams of these layouts, as openbci.cyton [all]", &o->layout, NULL },
		{ "--viewers", "N", "of live signals, one for each of the first N people [all]", &viewers, NULL },
		{ "--slow-viewers", "N", "besides, as many that take a piece a second [0]", &slow, NULL },
		{ "--no-sql", NULL, "do not ask when SQL shows the records", NULL, &o->no_sql },
		{ "--beside", "SELECT", "a query that runs all the time beside it", &o->beside, NULL },
		{ "--hgrm", "PREFIX", "write PREFIX.acked.hgrm and so on, for HdrHistogram's plotter", &o->hgrm, NULL },
		{ "--data", "DIR", "the server's data folder [$MULGIL_DATA or mulgil-data]", &o->data, NULL },
		{ "--output", "text|json", "[text]", &output, NULL },
		{ 0 },
	};
	const struct cli_usage usage = { "mulgil replay [options]", about, options };
	int r;

	*o = (struct options){ .people = 10, .seconds = 30 };
	r = cli_options(&usage, &argc, argv);
	if (r)
		return r;
	if (argc)
		return 1 + cli_fail(EXIT_USAGE, "\"%s\" is not expected\nusage: %s", argv[0], usage.synopsis);
	if (strcmp(output, "text") != 0 && strcmp(output, "json") != 0)
		return 1 + cli_fail(EXIT_USAGE, "--output: text or json is expected");
	o->json = output[0] == 'j';
	(void)number("--people", people, 1, REPLAY_PEOPLE_MAX, &o->people, &r);
	(void)number("--seconds", seconds, 1, 86400, &o->seconds, &r);
	o->viewers = o->people;
	(void)number("--viewers", viewers, 0, o->people, &o->viewers, &r);
	(void)number("--slow-viewers", slow, 0, o->people, &o->slow_viewers, &r);
	return r;
}

/* --- the cast --- */

static bool wanted(const struct play *p, const struct stream *s)
{
	return !p->o.layout || strncmp(s->dev->layout, p->o.layout, strlen(p->o.layout)) == 0;
}

static int build(struct play *p, const struct stream *s, struct replay_source *ret, struct err *e)
{
	*ret = (struct replay_source){ .stream = s, .n = s->n / s->record_samples, .record_s = (double)s->record_samples / s->rate };
	ret->payloads = ARENA_ARRAY(&p->arena, struct view, ret->n + 1);
	for (size_t i = 0; i < ret->n; i++) {
		struct buf b;
		size_t samples;
		int r;

		buf_init(&b, LIMIT_RECORD);
		r = stream_payload(s, (uint32_t)i, &b, &samples, e);
		ret->payloads[i] = arena_view(&p->arena, buf_view(&b));
		buf_clear(&b);
		if (r < 0)
			return r;
	}
	return 0;
}

/* People with at least one stream that is wanted come to the front; their streams are built. */
static int gather(struct play *p, struct err *e)
{
	size_t n = 0, kept = 0, max = ARRAY_LEN(p->sources);
	int r = 0;

	p->people = ARENA_ARRAY(&p->arena, struct person, max);
	if (p->o.recordings)
		r = recording_find(p->o.recordings, p->people, max, &n, &p->arena, e);
	else
		for (; n < 4 && r == 0; n++) {
			person_init(&p->people[n], arena_printf(&p->arena, "modelled %zu", n + 1), n);
			r = person_model(&p->people[n], &p->arena, 1, n, MODEL_S, e);
		}
	for (size_t i = 0; r == 0 && i < n; i++) {
		size_t streams = 0;

		for (size_t k = 0; r == 0 && k < p->people[i].n_streams; k++)
			if (wanted(p, &p->people[i].streams[k]))
				r = build(p, &p->people[i].streams[k], &p->sources[kept][streams++], e);
		kept += streams > 0;
	}
	p->n_people = kept;
	if (r == 0 && !kept)
		r = err_set(e, ERR_NOENT, "no stream of layout %s* is there to be played", p->o.layout);
	return r;
}

static void make_tablet(struct play *p, size_t number)
{
	struct replay_tablet *t = &p->r.tablets[number];
	const struct replay_source *from = p->sources[number % p->n_people];

	*t = (struct replay_tablet){ .r = &p->r, .number = number, .acked = hist_new(), .aws = aws_client_new(&p->r.conn) };
	uuid7(t->id);
	for (; t->n_streams < PERSON_STREAMS && from[t->n_streams].stream; t->n_streams++) {
		struct replay_stream *s = &t->streams[t->n_streams];

		s->from = &from[t->n_streams];
		s->n = (size_t)fmax(1, p->r.seconds / s->from->record_s);
		s->acked = calloc(s->n + 1, sizeof(*s->acked));
		must(s->acked);
		uuid7(s->id);
		must(envelope_stream_parse(view_str(s->id), s->id_bytes));
		p->expected += s->n;
	}
}

static int deployed(struct play *p, struct err *e)
{
	struct json *in = json_new_obj(&p->arena);
	const struct json *out;

	json_set_str(&p->arena, in, "DeliveryStreamName", p->r.delivery);
	if (aws_client_json(p->session.aws, "firehose", "Firehose_20150804.DescribeDeliveryStream", in, &p->arena, &out, e) < 0)
		return err_ctx(e, "the audience pipeline's delivery stream (mulgil deploy makes it)");
	return 0;
}

static int open_stage(struct play *p, struct err *e)
{
	char id[UUID_TEXT];

	uuid7(id);
	p->r.conn = *aws_client_info(p->session.aws);
	p->r.raw = "audience-raw";
	p->r.database = "audience";
	p->r.delivery = "audience-biosignals";
	p->r.screening = arena_printf(&p->arena, "replay-%s", id + 24);
	p->r.seconds = (double)p->o.seconds;
	p->r.n = p->o.people;
	p->r.wall_ns = clock_ns() - clock_mono_ns();
	p->r.start_ns = clock_mono_ns() + LEAD_NS + (int64_t)p->o.people * 4000000;
	p->r.tablets = ARENA_ARRAY(&p->arena, struct replay_tablet, p->r.n);
	if (deployed(p, e) < 0)
		return e->code;
	for (size_t i = 0; i < p->r.n; i++)
		make_tablet(p, i);
	return 0;
}

/* --- the play --- */

static void start(struct play *p, const char *name, void *(*fn)(void *), void *arg)
{
	p->threads[p->n_threads++] = thread_start(name, fn, arg);
}

static void add_viewer(struct play *p, size_t tablet, bool slow)
{
	struct replay_viewer *v = &p->viewers[p->n_viewers++];

	*v = (struct replay_viewer){ .tablet = &p->r.tablets[tablet], .slow = slow, .live = hist_new() };
	start(p, slow ? "slow viewer" : "viewer", replay_view, v);
}

static void progress(const struct play *p, const char *what)
{
	if (p->terminal)
		fprintf(stderr, "\r\x1b[K%s: %" PRIu64 " of %" PRIu64 " records acknowledged, %" PRIu64 " requests repeated", what,
			atomic_load(&p->r.sent), p->expected, atomic_load(&p->r.trouble));
}

static void play(struct play *p)
{
	p->threads = ARENA_ARRAY(&p->arena, pthread_t, 3 * p->r.n + 8);
	p->viewers = ARENA_ARRAY(&p->arena, struct replay_viewer, 2 * p->r.n);
	for (size_t i = 0; i < p->r.n; i++)
		start(p, "tablet", replay_send, &p->r.tablets[i]);
	for (size_t i = 0; i < p->o.viewers; i++)
		add_viewer(p, i, false);
	for (size_t i = 0; i < p->o.slow_viewers; i++)
		add_viewer(p, i, true);
	p->query = (struct replay_query){ .r = &p->r, .visible = hist_new(), .took = hist_new() };
	p->beside = (struct replay_query){ .r = &p->r, .beside = p->o.beside, .visible = hist_new(), .took = hist_new() };
	if (!p->o.no_sql)
		start(p, "queries", replay_query, &p->query);
	if (p->o.beside)
		start(p, "beside", replay_beside, &p->beside);
	while (atomic_load(&p->r.played) < p->r.n && !interrupted) {
		progress(p, clock_mono_ns() < p->r.start_ns ? "beginning" : "playing");
		sleep_ms(200);
	}
	p->played_s = (double)(clock_mono_ns() - p->r.start_ns) / 1e9;
	if (!interrupted) /* what was acknowledged last is to be seen, too */
		sleep_ms(2000);
	atomic_store(&p->r.stop, true);
	for (size_t i = 0; i < p->n_threads; i++)
		thread_join(p->threads[i]);
	if (p->terminal)
		fputs("\r\x1b[K", stderr);
}

/* --- the outcome --- */

static int ledger(struct play *p, struct err *e)
{
	const struct aws_request settle = { .service = "mulgil", .method = "GET", .query = SETTLE, .timeout_ms = 90000,
					    .path = arena_printf(&p->arena, "/-/measurements/%s", p->r.tablets[0].id) };
	const struct aws_request list = { .service = "mulgil", .method = "GET", .path = "/-/measurements", .max = GIB };
	struct http_result res;
	const struct json *all;
	int r = aws_client_call(p->session.aws, &settle, &p->arena, &res, e);

	if (r == 0)
		r = aws_client_call(p->session.aws, &list, &p->arena, &res, e);
	if (r < 0)
		return err_ctx(e, "the ledger");
	all = json_get(json_parse(&p->arena, res.body, JSON_DEPTH, e), "measurements");
	for (size_t i = 0; i < json_len(all); i++) {
		const struct json *m = json_at(all, i);

		if (!view_eq_str(json_get_str(m, "screening"), p->r.screening))
			continue;
		p->received += (uint64_t)json_int(json_get(m, "received"), 0);
		p->missing += (uint64_t)json_int(json_get(m, "missing"), 0);
		p->duplicates += (uint64_t)json_int(json_get(m, "duplicates"), 0);
	}
	return e->code;
}

/* The server's greatest resident memory, where it runs on this machine. */
static uint64_t memory_kib(struct play *p)
{
	struct err e = { 0 };
	struct view text;
	const struct json *doc;
	ptrdiff_t at;
	uint64_t kib = 0;

	if (file_read(arena_printf(&p->arena, "%s/endpoint.json", p->session.data), &p->arena, 65536, &text, &e) < 0)
		return 0;
	doc = json_parse(&p->arena, text, 8, &e);
	if (file_read(arena_printf(&p->arena, "/proc/%" PRId64 "/status", json_int(json_get(doc, "pid"), 0)), &p->arena, 65536, &text,
		      &e) < 0)
		return 0;
	at = view_find(text, VIEW("VmHWM:"));
	text = at < 0 ? VIEW_NONE : view_trim(view_from(text, (size_t)at + 6));
	at = view_chr(text, ' ');
	return at > 0 && view_u64(view_sub(text, 0, (size_t)at), UINT64_MAX, &kib) ? kib : 0;
}

static void sum_up(struct play *p)
{
	p->acked = hist_new();
	p->live = hist_new();
	for (size_t i = 0; i < p->r.n; i++)
		hist_merge(p->acked, p->r.tablets[i].acked);
	for (size_t i = 0; i < p->n_viewers; i++) {
		hist_merge(p->live, p->viewers[i].live);
		p->gaps += p->viewers[i].gaps;
		p->breaks += p->viewers[i].breaks;
	}
	p->memory_kib = memory_kib(p);
}

static const char *first_failure(const struct play *p)
{
	for (size_t i = 0; i < p->r.n; i++)
		if (p->r.tablets[i].failed[0])
			return p->r.tablets[i].failed;
	return NULL;
}

static void text_row(const char *name, const struct hist *h)
{
	if (!hist_count(h))
		return;
	printf("  %-32s %8" PRIu64 " %9.2f %9.2f %9.2f %9.2f %9.2f\n", name, hist_count(h), (double)hist_percentile(h, 50) / 1e6,
	       (double)hist_percentile(h, 90) / 1e6, (double)hist_percentile(h, 99) / 1e6, (double)hist_percentile(h, 99.9) / 1e6,
	       (double)hist_max(h) / 1e6);
}

static void report_text(const struct play *p)
{
	double mb = (double)atomic_load(&p->r.bytes) / 1e6;

	printf("%zu people, %.0f s, %zu sources: %" PRIu64 " of %" PRIu64 " records acknowledged, %.1f MB, %.2f MB/s offered and sent\n",
	       p->r.n, p->r.seconds, p->n_people, atomic_load(&p->r.sent), p->expected, mb, mb / p->played_s);
	printf("  %-32s %8s %9s %9s %9s %9s %9s\n", "ms, since the record was due", "n", "p50", "p90", "p99", "p99.9", "max");
	text_row("acknowledged (durable)", p->acked);
	text_row("seen live", p->live);
	puts("ms, since it was acknowledged");
	text_row("shown by SQL", p->query.visible);
	puts("ms, of one query");
	text_row("max(seq) of every stream", p->query.took);
	text_row("the one beside", p->beside.took);
	printf("ledger: %" PRIu64 " received, %" PRIu64 " missing, %" PRIu64 " repetitions refused\n", p->received, p->missing,
	       p->duplicates);
	printf("requests repeated %" PRIu64 ", records refused for now %" PRIu64 ", queries failed %" PRIu64 ", live: gaps %" PRIu64
	       ", connections that broke %" PRIu64 "\n",
	       atomic_load(&p->r.trouble), atomic_load(&p->r.refused), p->query.failed + p->beside.failed, p->gaps, p->breaks);
	if (p->memory_kib)
		printf("server: at most %.0f MiB of memory\n", (double)p->memory_kib / 1024);
	if (p->query.error[0])
		printf("last query that failed: %s\n", p->query.error);
	if (p->beside.error[0])
		printf("the one beside failed: %s\n", p->beside.error);
}

static struct json *json_row(struct arena *a, const struct hist *h)
{
	static const struct {
		const char *name;
		double p;
	} at[] = { { "p50", 50 }, { "p90", 90 }, { "p99", 99 }, { "p99.9", 99.9 }, { "max", 100 } };
	struct json *o = json_new_obj(a);

	json_set_int(a, o, "n", (int64_t)hist_count(h));
	for (size_t i = 0; i < ARRAY_LEN(at); i++)
		json_set(a, o, at[i].name, json_new_num(a, (double)hist_percentile(h, at[i].p) / 1e6));
	return o;
}

static void report_json(struct play *p)
{
	struct arena *a = &p->arena;
	struct json *o = json_new_obj(a), *ms = json_new_obj(a);
	struct buf b;

	json_set_int(a, o, "people", (int64_t)p->r.n);
	json_set(a, o, "seconds", json_new_num(a, p->played_s));
	json_set_int(a, o, "expected", (int64_t)p->expected);
	json_set_int(a, o, "acknowledged", (int64_t)atomic_load(&p->r.sent));
	json_set_int(a, o, "bytes", (int64_t)atomic_load(&p->r.bytes));
	json_set(a, ms, "acknowledged", json_row(a, p->acked));
	json_set(a, ms, "live", json_row(a, p->live));
	json_set(a, ms, "sql", json_row(a, p->query.visible));
	json_set(a, ms, "query", json_row(a, p->query.took));
	json_set(a, o, "ms", ms);
	json_set_int(a, o, "received", (int64_t)p->received);
	json_set_int(a, o, "missing", (int64_t)p->missing);
	json_set_int(a, o, "duplicates", (int64_t)p->duplicates);
	json_set_int(a, o, "repeated", (int64_t)atomic_load(&p->r.trouble));
	json_set_int(a, o, "live_gaps", (int64_t)p->gaps);
	json_set_int(a, o, "queries_failed", (int64_t)(p->query.failed + p->beside.failed));
	json_set_int(a, o, "server_memory_kib", (int64_t)p->memory_kib);
	buf_init(&b, GIB);
	json_print_pretty(&b, o);
	printf("%.*s\n", (int)b.n, b.p);
	buf_clear(&b);
}

static int write_hgrm(struct play *p, const char *name, const struct hist *h, struct err *e)
{
	struct buf b;
	int r;

	buf_init(&b, GIB);
	hist_print(h, 1e6, &b);
	r = file_replace(arena_printf(&p->arena, "%s.%s.hgrm", p->o.hgrm, name), buf_view(&b), 0644, e);
	buf_clear(&b);
	return r;
}

static int conclude(struct play *p, struct err *e)
{
	const char *failure;
	int r = ledger(p, e);

	sum_up(p);
	if (p->o.json)
		report_json(p);
	else
		report_text(p);
	if (r == 0 && p->o.hgrm)
		r = write_hgrm(p, "acked", p->acked, e);
	if (r == 0 && p->o.hgrm)
		r = write_hgrm(p, "live", p->live, e);
	if (r == 0 && p->o.hgrm)
		r = write_hgrm(p, "sql", p->query.visible, e);
	if (r < 0)
		return cli_fail(EXIT_FAILED, "%s", e->msg);
	failure = first_failure(p);
	if (failure)
		return cli_fail(EXIT_FAILED, "a tablet gave up: %s", failure);
	if (p->received != p->expected || p->missing)
		return cli_fail(EXIT_MISSING, "%" PRIu64 " records were played, the ledger has %" PRIu64, p->expected, p->received);
	return 0;
}

static void clean(struct play *p)
{
	for (size_t i = 0; p->r.tablets && i < p->r.n; i++) {
		hist_free(p->r.tablets[i].acked);
		aws_client_free(p->r.tablets[i].aws);
		for (size_t k = 0; k < p->r.tablets[i].n_streams; k++)
			free(p->r.tablets[i].streams[k].acked);
	}
	for (size_t i = 0; i < p->n_viewers; i++)
		hist_free(p->viewers[i].live);
	hist_free(p->query.visible);
	hist_free(p->query.took);
	hist_free(p->beside.visible);
	hist_free(p->beside.took);
	hist_free(p->acked);
	hist_free(p->live);
	cli_close(&p->session);
	arena_clear(&p->arena);
}

int replay_main(int argc, char **argv)
{
	static struct play p;
	struct err e = { 0 };
	int r = parse(argc, argv, &p.o);

	if (r)
		return r - 1;
	if (!cli_open(&p.session, p.o.data))
		return EXIT_NO_SERVER;
	arena_init(&p.arena, 16 * GIB);
	p.terminal = isatty(STDERR_FILENO);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGINT, on_signal);
	r = gather(&p, &e);
	if (r == 0)
		r = open_stage(&p, &e);
	if (r < 0) {
		r = cli_fail(EXIT_FAILED, "%s", e.msg);
	} else {
		play(&p);
		r = interrupted ? cli_fail(EXIT_FAILED, "interrupted") : conclude(&p, &e);
	}
	clean(&p);
	return r;
}
