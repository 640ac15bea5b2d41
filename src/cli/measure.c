/* SPDX-License-Identifier: Apache-2.0 */
/* measure, verify: what the ledger says of measurements. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/time.h"
#include "cli/cli_int.h"

static const struct json *get(struct cli_session *s, const char *path, const char *query, struct err *e)
{
	struct http_result res;
	int r = aws_client_call(s->aws, &(struct aws_request){ .service = "mulgil", .method = "GET", .path = path, .query = query },
				&s->arena, &res, e);

	return r < 0 ? NULL : json_parse(&s->arena, res.body, JSON_DEPTH, e);
}

static int64_t missing_in(const struct json *stream)
{
	const struct json *gaps = json_get(stream, "missing");
	int64_t n = 0;

	for (size_t i = 0; i < json_len(gaps); i++)
		n += json_int(json_at(json_at(gaps, i), 1), 0) - json_int(json_at(json_at(gaps, i), 0), 0) + 1;
	return n;
}

static void print_list(const struct json *doc)
{
	const struct json *all = json_get(doc, "measurements");

	printf("%-36s  %-10s  %-12s  %-12s  %-12s  %8s  %7s  %10s\n", "MEASUREMENT", "STATE", "SCREENING", "SUBJECT", "CONTENT",
	       "RECORDS", "MISSING", "DUPLICATES");
	for (size_t i = 0; i < json_len(all); i++) {
		const struct json *m = json_at(all, i);

		printf("%-36.*s  %-10.*s  %-12.*s  %-12.*s  %-12.*s  %8" PRId64 "  %7" PRId64 "  %10" PRId64 "\n",
		       VIEW_ARG(json_get_str(m, "measurement")), VIEW_ARG(json_get_str(m, "state")),
		       VIEW_ARG(json_get_str(m, "screening")), VIEW_ARG(json_get_str(m, "subject")),
		       VIEW_ARG(json_get_str(m, "content")), json_int(json_get(m, "received"), 0),
		       json_int(json_get(m, "missing"), 0), json_int(json_get(m, "duplicates"), 0));
	}
}

static void print_stream(const struct json *x)
{
	const struct json *gaps = json_get(x, "missing");

	printf("  stream %.*s  %.*s  %.*s\n", VIEW_ARG(json_get_str(x, "stream")), VIEW_ARG(json_get_str(x, "modality")),
	       VIEW_ARG(json_get_str(x, "layout")));
	printf("    records    expected %" PRId64 ", received %" PRId64 ", decoded %" PRId64 ", missing %" PRId64
	       ", duplicates refused %" PRId64 ", conflicts %" PRId64 ", quarantined %" PRId64 "\n",
	       json_int(json_get(x, "expected"), 0), json_int(json_get(x, "received"), 0), json_int(json_get(x, "decoded"), 0),
	       missing_in(x), json_int(json_get(x, "duplicates"), 0), json_int(json_get(x, "conflicts"), 0),
	       json_int(json_get(x, "quarantined"), 0));
	printf("    samples    %" PRId64 " in %" PRId64 " frames, bad %" PRId64 ", lost %" PRId64 "\n",
	       json_int(json_get(x, "samples"), 0), json_int(json_get(x, "frames"), 0), json_int(json_get(x, "bad_frames"), 0),
	       json_int(json_get(x, "lost_frames"), 0));
	if (json_len(gaps)) {
		fputs("    missing    ", stdout);
		for (size_t i = 0; i < json_len(gaps); i++)
			printf("%s%" PRId64 "-%" PRId64, i ? ", " : "", json_int(json_at(json_at(gaps, i), 0), 0),
			       json_int(json_at(json_at(gaps, i), 1), 0));
		putchar('\n');
	}
}

static void print_measurement(const struct json *m)
{
	const struct json *streams = json_get(m, "streams"), *files = json_get(m, "files"), *problems = json_get(m, "problems");

	printf("measurement %.*s: %.*s\n  screening %.*s, subject %.*s, content %.*s\n", VIEW_ARG(json_get_str(m, "measurement")),
	       VIEW_ARG(json_get_str(m, "state")), VIEW_ARG(json_get_str(m, "screening")), VIEW_ARG(json_get_str(m, "subject")),
	       VIEW_ARG(json_get_str(m, "content")));
	for (size_t i = 0; i < json_len(streams); i++)
		print_stream(json_at(streams, i));
	for (size_t i = 0; i < json_len(files); i++) {
		const struct json *f = json_at(files, i);

		printf("  file %.*s  %s  %.*s\n", VIEW_ARG(json_get_str(f, "modality")),
		       json_is_true(json_get(f, "arrived")) ? "arrived" : "MISSING", VIEW_ARG(json_get_str(f, "key")));
	}
	for (size_t i = 0; i < json_len(problems); i++)
		printf("  problem: %.*s\n", VIEW_ARG(json_str(json_at(problems, i))));
}

static const struct json *show(struct cli_session *s, const char *id, struct err *e)
{
	for (const char *p = id; *p; p++)
		if (!strchr("0123456789abcdef-", *p)) {
			err_set(e, ERR_INVALID, "\"%s\" is no measurement id; see mulgil measure ls", id);
			return NULL;
		}
	return get(s, arena_printf(&s->arena, "/-/measurements/%s", id), "settle_ms=5000", e);
}

int cli_measure(int argc, char **argv)
{
	const char *data = NULL, *output = "text";
	const struct cli_option options[] = {
		{ "--data", "DIR", "the server's data folder [$MULGIL_DATA or mulgil-data]", &data, NULL },
		{ "--output", "text|json", "[text]", &output, NULL },
		{ 0 },
	};
	const struct cli_usage usage = {
		"mulgil measure ls | show MEASUREMENT [options]",
		"What the ledger knows: per measurement what was expected, what arrived, what is missing or double.\n\n"
		"examples:\n  mulgil measure ls\n  mulgil measure show 0197a0c8-5e4d-7f3a-9c01-12233445566f --output json\n",
		options,
	};
	struct cli_session s;
	struct err e = { 0 };
	const struct json *doc;
	bool list;
	int r = cli_options(&usage, &argc, argv);

	if (r)
		return r - 1;
	list = argc == 1 && strcmp(argv[0], "ls") == 0;
	if (!list && (argc != 2 || strcmp(argv[0], "show") != 0))
		return cli_fail(EXIT_USAGE, "ls or show MEASUREMENT is expected\nusage: %s", usage.synopsis);
	if (!cli_open(&s, data))
		return EXIT_NO_SERVER;
	doc = list ? get(&s, "/-/measurements", NULL, &e) : show(&s, argv[1], &e);
	if (!doc)
		r = cli_fail(EXIT_FAILED, "%s", e.msg);
	else if (output[0] == 'j')
		puts(json_text(&s.arena, doc));
	else if (list)
		print_list(doc);
	else
		print_measurement(doc);
	cli_close(&s);
	return r;
}

/* Prints one measurement's findings; true if it is complete. */
static bool check_one(struct cli_session *s, const char *id, struct json *all, struct err *e)
{
	const struct json *m = show(s, id, e);
	bool complete;

	if (!m)
		return false;
	json_push(&s->arena, all, m);
	complete = view_eq(json_get_str(m, "state"), VIEW("complete")) && json_len(json_get(m, "problems")) == 0;
	return complete;
}

static int verify(struct cli_session *s, int argc, char **argv, struct json *found, struct err *e)
{
	const struct json *list = argc ? NULL : get(s, "/-/measurements", NULL, e), *all = json_get(list, "measurements");
	size_t n = argc ? (size_t)argc : json_len(all);
	int r = 0;

	for (size_t i = 0; i < n && !e->code; i++) {
		const char *id = argc ? argv[i] : arena_str(&s->arena, json_get_str(json_at(all, i), "measurement"));

		if (!check_one(s, id, found, e))
			r = EXIT_MISSING;
	}
	return e->code ? cli_fail(EXIT_FAILED, "%s", e->msg) : r;
}

static int verify_measurements(struct cli_session *s, int argc, char **argv, bool json)
{
	struct json *found = json_new_arr(&s->arena);
	struct err e = { 0 };
	int r = verify(s, argc, argv, found, &e);

	if (json) {
		puts(json_text(&s->arena, found));
		return r;
	}
	for (size_t i = 0; i < json_len(found); i++)
		print_measurement(json_at(found, i));
	if (!e.code)
		printf("%zu measurement%s: %s\n", json_len(found), json_len(found) == 1 ? "" : "s",
		       r ? "something is missing" : "nothing missing, nothing double");
	return r;
}

int cli_verify(int argc, char **argv)
{
	const char *data = NULL, *output = "text";
	bool deep = false, streams = false;
	const struct cli_option options[] = {
		{ "--deep", NULL, "read all objects and metadata again, compare them with their checksums", NULL, &deep },
		{ "--streams", NULL, "check the accounts of the delivery streams", NULL, &streams },
		{ "--data", "DIR", "the server's data folder [$MULGIL_DATA or mulgil-data]", &data, NULL },
		{ "--output", "text|json", "[text]", &output, NULL },
		{ 0 },
	};
	const struct cli_usage usage = {
		"mulgil verify [MEASUREMENT... | --deep | --streams] [options]",
		"Checks that nothing of the measurements (all of them if none is named) is missing or double.\n"
		"With --deep it checks instead that every byte that the server keeps is what was written, with --streams that\n"
		"every record that a delivery stream has accepted was delivered, rejected or dropped, or waits.\n"
		"Exit code 0: everything is there; 6: something is missing or damaged, and it is named.\n\n"
		"examples:\n  mulgil verify && echo safe to clear the tablets\n  mulgil verify --deep\n",
		options,
	};
	struct cli_session s;
	int r = cli_options(&usage, &argc, argv);

	if (r)
		return r - 1;
	if ((deep || streams) && argc)
		return cli_fail(EXIT_USAGE, "%s checks all there is; it takes no measurement", deep ? "--deep" : "--streams");
	if (!cli_open(&s, data))
		return EXIT_NO_SERVER;
	if (deep || streams) {
		r = deep ? cli__deep(&s, output[0] == 'j') : cli__streams(&s, output[0] == 'j');
		cli_close(&s);
		return r;
	}
	r = verify_measurements(&s, argc, argv, output[0] == 'j');
	cli_close(&s);
	return r;
}
