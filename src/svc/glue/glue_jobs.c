// SPDX-License-Identifier: Apache-2.0
/* glue_jobs: operations on jobs and their runs. */
#include <stdio.h>

#include "os/clock.h"
#include "os/crypto.h"
#include "svc/glue/glue_int.h"

#define PAGE 100
#define TIMEOUT_MIN 2880 /* Glue's default */

struct job_row {
	const struct json *doc;
	int64_t made_ms;
};

static int need_job(struct meta_tx *tx, struct glue_call *c, struct job_row *ret, struct err *e)
{
	struct tx_rows *r;
	int found = tx_one(tx, &r, e, "SELECT doc, made_ms FROM glue_job WHERE name = ?", "s",
			   c->name);

	if (found == 0)
		return aws_fail(e, &GLUE_NOT_FOUND, "Job %s not found.", c->name);
	if (found < 0)
		return found;
	ret->doc = json_parse(c->arena, row_view(r, 0), JSON_DEPTH, e);
	ret->made_ms = row_int(r, 1);
	tx_end(r);
	return ret->doc ? 0 : err_ctx(e, "job in the catalog");
}

/* --- jobs --- */

static int create_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct glue_call *c = arg;
	int r = tx_run(tx, e, "INSERT INTO glue_job (name, doc, made_ms) VALUES (?, ?, ?)", "ssi",
		       c->name, c->doc, clock_ms());

	if (r != ERR_EXISTS)
		return r;
	err_clear(e);
	return aws_fail(e, &GLUE_EXISTS, "Job with name: %s already exists.", c->name);
}

static int check_job(struct op_ctx *cx, const struct glue_in *in)
{
	const struct glue_command_in *c = in->command;

	if (!c || !in->role)
		return aws_fail(&cx->err, &GLUE_INVALID, "%s is required", c ? "Role" : "Command");
	if (!c->name || strcmp(c->name, "sql") != 0)
		return aws_fail(&cx->err, &GLUE_INVALID,
				"Command.Name %s is not supported: jobs are of the sql kind",
				c->name ? c->name : "(none)");
	if (!c->script || !view_starts(view_str(c->script), VIEW("s3://")))
		return aws_fail(&cx->err, &GLUE_INVALID,
				"Command.ScriptLocation must be an s3:// address");
	if (opt_int_or(in->max_retries, 0) != 0)
		return aws_fail(&cx->err, &GLUE_INVALID,
				"MaxRetries other than 0 is not supported");
	if (in->execution && opt_int_or(in->execution->max_concurrent, 1) < 1)
		return aws_fail(&cx->err, &GLUE_INVALID,
				"ExecutionProperty.MaxConcurrentRuns must be at least 1");
	return 0;
}

static const char *job_doc(struct op_ctx *cx, const struct glue_in *in, const char *name)
{
	struct json *doc = json_new_obj(cx->arena), *command = json_new_obj(cx->arena),
		    *execution = json_new_obj(cx->arena);

	json_set_str(cx->arena, doc, "Name", name);
	json_set_str(cx->arena, doc, "JobMode", "SCRIPT");
	json_set_str(cx->arena, doc, "Description", in->description);
	json_set_str(cx->arena, doc, "Role", in->role);
	json_set_int(cx->arena, execution, "MaxConcurrentRuns",
		     in->execution ? opt_int_or(in->execution->max_concurrent, 1) : 1);
	json_set(cx->arena, doc, "ExecutionProperty", execution);
	json_set_str(cx->arena, command, "Name", "sql");
	json_set_str(cx->arena, command, "ScriptLocation", in->command->script);
	json_set(cx->arena, doc, "Command", command);
	json_set(cx->arena, doc, "DefaultArguments", glue_doc_map(cx->arena, &in->arguments));
	if (in->fixed_arguments.set)
		json_set(cx->arena, doc, "NonOverridableArguments",
			 glue_doc_map(cx->arena, &in->fixed_arguments));
	json_set_int(cx->arena, doc, "MaxRetries", 0);
	json_set_int(cx->arena, doc, "Timeout", opt_int_or(in->timeout, TIMEOUT_MIN));
	json_set_str(cx->arena, doc, "ExecutionClass", "STANDARD");
	json_set_int(cx->arena, doc, "LastModifiedOn", clock_ms());
	return json_text(cx->arena, doc);
}

int glue__create_job(struct op_ctx *cx, const void *input, struct out *o)
{
	struct glue_call c = glue__call(cx, input, o);

	if (check_job(cx, c.in) < 0)
		return cx->err.code;
	c.name = c.in->name;
	c.doc = job_doc(cx, c.in, c.name);
	if (glue__write(cx, &c, create_tx) < 0)
		return cx->err.code;
	out_str(o, "Name", c.name);
	return 0;
}

static int update_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct glue_call *c = arg;
	struct job_row j = { 0 };

	if (need_job(tx, c, &j, e) < 0)
		return e->code;
	return tx_run(tx, e, "UPDATE glue_job SET doc = ? WHERE name = ?", "ss", c->doc, c->name);
}

/* As with AWS, the definition is overwritten as a whole.  Runs under way keep the one they started with. */
int glue__update_job(struct op_ctx *cx, const void *input, struct out *o)
{
	struct glue_call c = glue__call(cx, input, o);

	if (check_job(cx, c.in->update) < 0)
		return cx->err.code;
	c.name = c.in->job;
	c.doc = job_doc(cx, c.in->update, c.name);
	if (glue__write(cx, &c, update_tx) < 0)
		return cx->err.code;
	out_str(o, "JobName", c.name);
	return 0;
}

static void out_job(struct glue_call *c, const char *name, const struct job_row *j)
{
	out_obj(c->o, name);
	glue_doc_out(c->o, j->doc, c->arena);
	out_time(c->o, "CreatedOn", j->made_ms);
	if (!json_get(j->doc, "LastModifiedOn"))
		out_time(c->o, "LastModifiedOn", j->made_ms);
	out_obj_end(c->o);
}

static int get_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct glue_call *c = arg;
	struct job_row j = { 0 };

	if (need_job(tx, c, &j, e) < 0)
		return e->code;
	out_job(c, "Job", &j);
	return 0;
}

int glue__get_job(struct op_ctx *cx, const void *input, struct out *o)
{
	struct glue_call c = glue__call(cx, input, o);

	c.name = c.in->job;
	return glue__read(cx, &c, get_tx);
}

static int list_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct glue_call *c = arg;
	int64_t max = opt_int_or(c->in->max, PAGE), n = 0;
	const char *last = NULL;
	struct tx_rows *rows = NULL;
	int r = tx_query(tx, &rows, e,
			 "SELECT name, doc, made_ms FROM glue_job WHERE name > ? ORDER BY name",
			 "s", c->in->token ? c->in->token : "");

	if (r < 0)
		return r;
	out_list(c->o, "Jobs", NULL);
	while ((r = tx_next(rows, e)) > 0) {
		struct job_row j = { .made_ms = row_int(rows, 2) };

		if (n++ == max ||
		    !(j.doc = json_parse(c->arena, row_view(rows, 1), JSON_DEPTH, e))) {
			tx_end(rows);
			break;
		}
		last = row_str(rows, 0, c->arena);
		out_job(c, NULL, &j);
	}
	out_list_end(c->o);
	if (r > 0 && !e->code)
		out_str(c->o, "NextToken", last);
	return e->code;
}

int glue__get_jobs(struct op_ctx *cx, const void *input, struct out *o)
{
	struct glue_call c = glue__call(cx, input, o);

	return glue__read(cx, &c, list_tx);
}

/* As with AWS it is no error if there is no such job.  A run that is running ends, its row is gone. */
static int delete_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct glue_call *c = arg;
	int r = tx_run(tx, e, "DELETE FROM glue_run WHERE job = ?", "s", c->name);

	return r < 0 ? r : tx_run(tx, e, "DELETE FROM glue_job WHERE name = ?", "s", c->name);
}

int glue__delete_job(struct op_ctx *cx, const void *input, struct out *o)
{
	struct glue_call c = glue__call(cx, input, o);

	c.name = c.in->job;
	if (glue__write(cx, &c, delete_tx) < 0)
		return cx->err.code;
	out_str(o, "JobName", c.name);
	return 0;
}

/* --- runs --- */

struct start {
	struct glue_call c;
	char id[80];
	const char *base, *arguments; /* of the run that is repeated, or its own */
	int64_t attempt;
	const char *once; /* of the caller, or NULL */
};

static void merge(struct arena *a, struct json *into, const struct json *from)
{
	for (size_t i = 0; i < json_len(from); i++)
		json_set_view(a, into, from->obj.v[i].name, from->obj.v[i].value);
}

static int check_running(struct meta_tx *tx, struct start *s, const struct json *job, struct err *e)
{
	int64_t max = json_int(json_get(json_get(job, "ExecutionProperty"), "MaxConcurrentRuns"),
			       1),
		n;
	struct tx_rows *r;
	int found = tx_one(
		tx, &r, e,
		"SELECT COUNT(*) FROM glue_run WHERE job = ? AND state IN ('STARTING', 'RUNNING')",
		"s", s->c.name);

	if (found <= 0)
		return found < 0 ? found : err_set(e, ERR_INTERNAL, "runs cannot be counted");
	n = row_int(r, 0);
	tx_end(r);
	if (n >= max)
		return aws_fail(e, &GLUE_RUNS_EXCEEDED, "Concurrent runs exceeded for %s",
				s->c.name);
	return 0;
}

/* The same names with the same values, in any order. */
static bool same_arguments(const struct json *x, const struct json *y)
{
	bool same = json_len(x) == json_len(y);

	for (size_t i = 0; same && i < json_len(x); i++)
		same = json_equal(x->obj.v[i].value, json_get_view(y, x->obj.v[i].name));
	return same;
}

/*
 * JobRunId repeats an earlier run: its files are named after that run, so that it writes them again.  Other arguments
 * are other work: it must not replace what the earlier run has written.
 */
static int read_previous(struct meta_tx *tx, struct start *s, struct err *e)
{
	struct tx_rows *r;
	const char *state, *arguments, *base;
	const struct json *mine, *its;
	int found;

	s->base = s->id;
	if (!s->c.in->run)
		return 0;
	found = tx_one(
		tx, &r, e,
		"SELECT base, attempt, arguments, state FROM glue_run WHERE id = ? AND job = ?",
		"ss", s->c.in->run, s->c.name);
	if (found == 0)
		return aws_fail(e, &GLUE_NOT_FOUND, "Job run %s not found.", s->c.in->run);
	if (found < 0)
		return found;
	base = row_str(r, 0, s->c.arena);
	s->attempt = row_int(r, 1) + 1;
	arguments = row_str(r, 2, s->c.arena);
	state = row_str(r, 3, s->c.arena);
	tx_end(r);
	if (!s->c.in->arguments.set)
		s->arguments = arguments;
	its = json_parse(s->c.arena, view_str(arguments), JSON_DEPTH, e);
	mine = its ? json_parse(s->c.arena, view_str(s->arguments), JSON_DEPTH, e) : NULL;
	if (!mine)
		return err_ctx(e, "arguments of the earlier run");
	if (same_arguments(mine, its))
		s->base = base;
	if (strcmp(state, "STARTING") == 0 || strcmp(state, "RUNNING") == 0)
		return aws_fail(e, &GLUE_INVALID, "Job run %s has not ended yet.", s->c.in->run);
	return 0;
}

/* A caller that repeats itself after a crash gets the run that its first call started, unless that one came to nothing:
 * a run that is not SUCCEEDED has written nothing. */
static int find_once(struct meta_tx *tx, struct start *s, struct err *e)
{
	struct tx_rows *r;
	int found;

	if (!s->once)
		return 0;
	found = tx_one(tx, &r, e,
		       "SELECT id FROM glue_run WHERE once = ? AND job = ? AND state IN ('STARTING', 'RUNNING', 'SUCCEEDED')",
		       "ss", s->once, s->c.name);
	if (found > 0) {
		(void)snprintf(s->id, sizeof(s->id), "%.*s", VIEW_ARG(row_view(r, 0)));
		tx_end(r);
	}
	return found;
}

static int start_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct start *s = arg;
	struct arena *a = s->c.arena;
	struct json *all = json_new_obj(a);
	struct job_row j = { 0 };
	const struct json *own;
	int64_t now = clock_ms();
	int found = find_once(tx, s, e);

	if (found)
		return found < 0 ? found : 0;
	if (need_job(tx, &s->c, &j, e) < 0 || check_running(tx, s, j.doc, e) < 0 ||
	    read_previous(tx, s, e) < 0)
		return e->code;
	own = json_parse(a, view_str(s->arguments), JSON_DEPTH, e);
	if (!own)
		return err_ctx(e, "arguments of the earlier run");
	merge(a, all, json_get(j.doc, "DefaultArguments"));
	merge(a, all, own);
	merge(a, all, json_get(j.doc, "NonOverridableArguments"));
	return tx_run(
		tx, e,
		"INSERT INTO glue_run (id, base, job, attempt, previous, state, arguments, "
		"final_arguments, script, timeout_min,"
		" done, started_ms, updated_ms, once) VALUES (?, ?, ?, ?, ?, 'STARTING', ?, ?, ?, ?, 0, "
		"?, ?, ?)",
		"sssisssviiis", s->id, s->base, s->c.name, s->attempt, s->c.in->run, s->arguments,
		json_text(a, all), json_get_str(json_get(j.doc, "Command"), "ScriptLocation"),
		opt_int_or(s->c.in->timeout, json_int(json_get(j.doc, "Timeout"), TIMEOUT_MIN)),
		now, now, s->once);
}

/* "jr_" and 64 hex digits as AWS has it; the first 32 are a UUIDv7, so that runs sort by time. */
static void new_id(char out[80])
{
	char uuid[UUID_TEXT], hex[33] = "", tail[33];
	size_t n = 0;

	uuid7(uuid);
	random_text(tail, 32, "0123456789abcdef");
	for (const char *c = uuid; *c && n < sizeof(hex) - 1; c++)
		if (*c != '-')
			hex[n++] = *c;
	(void)snprintf(out, 80, "jr_%s%s", hex, tail);
}

int glue__start_job_run(struct op_ctx *cx, const void *input, struct out *o)
{
	struct start s = { .c = glue__call(cx, input, o) };
	struct glue *g = cx->self;

	s.c.name = s.c.in->job;
	s.once = cx->caller.once;
	s.arguments = json_text(cx->arena, glue_doc_map(cx->arena, &s.c.in->arguments));
	new_id(s.id);
	if (meta_write(g->o.meta, start_tx, &s, &cx->err) < 0)
		return cx->err.code;
	glue__wake(g);
	out_str(o, "JobRunId", s.id);
	return 0;
}

#define RUN_COLUMNS \
	"id, attempt, previous, state, arguments, timeout_min, started_ms, updated_ms, " \
	"completed_ms, message FROM glue_run"

static int out_run(struct glue_call *c, const char *name, const struct tx_rows *r, struct err *e)
{
	const struct json *args = json_parse(c->arena, row_view(r, 4), JSON_DEPTH, e);

	if (!args)
		return err_ctx(e, "job run in the catalog");
	out_obj(c->o, name);
	out_str(c->o, "Id", row_str(r, 0, c->arena));
	out_int(c->o, "Attempt", row_int(r, 1));
	out_str(c->o, "PreviousRunId", row_str(r, 2, c->arena));
	out_str(c->o, "JobName", c->name);
	out_str(c->o, "JobMode", "SCRIPT");
	out_time(c->o, "StartedOn", row_int(r, 6));
	out_time(c->o, "LastModifiedOn", row_int(r, 7));
	if (!row_null(r, 8))
		out_time(c->o, "CompletedOn", row_int(r, 8));
	out_str(c->o, "JobRunState", row_str(r, 3, c->arena));
	out_json(c->o, "Arguments", args);
	out_str(c->o, "ErrorMessage", row_str(r, 9, c->arena));
	out_list(c->o, "PredecessorRuns", NULL);
	out_list_end(c->o);
	out_int(c->o, "ExecutionTime",
		(row_null(r, 8) ? clock_ms() - row_int(r, 6) : row_int(r, 8) - row_int(r, 6)) /
			1000);
	out_int(c->o, "Timeout", row_int(r, 5));
	out_str(c->o, "LogGroupName", "/aws-glue/jobs");
	out_str(c->o, "ExecutionClass", "STANDARD");
	out_obj_end(c->o);
	return 0;
}

static int get_run_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct glue_call *c = arg;
	struct tx_rows *r;
	int found = tx_one(tx, &r, e, "SELECT " RUN_COLUMNS " WHERE job = ? AND id = ?", "ss",
			   c->name, c->in->run);

	if (found == 0)
		return aws_fail(e, &GLUE_NOT_FOUND, "Job run %s not found.", c->in->run);
	if (found < 0)
		return found;
	found = out_run(c, "JobRun", r, e);
	tx_end(r);
	return found;
}

int glue__get_job_run(struct op_ctx *cx, const void *input, struct out *o)
{
	struct glue_call c = glue__call(cx, input, o);

	c.name = c.in->job;
	return glue__read(cx, &c, get_run_tx);
}

static int get_runs_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct glue_call *c = arg;
	int64_t max = opt_int_or(c->in->max, PAGE), n = 0;
	const char *last = NULL;
	struct job_row j = { 0 };
	struct tx_rows *rows = NULL;
	int r;

	if (need_job(tx, c, &j, e) < 0)
		return e->code;
	r = tx_query(tx, &rows, e,
		     "SELECT " RUN_COLUMNS " WHERE job = ? AND id < ? ORDER BY id DESC", "ss",
		     c->name, c->in->token ? c->in->token : "k");
	if (r < 0)
		return r;
	out_list(c->o, "JobRuns", NULL);
	while ((r = tx_next(rows, e)) > 0) {
		if (n++ == max || out_run(c, NULL, rows, e) < 0) {
			tx_end(rows);
			break;
		}
		last = row_str(rows, 0, c->arena);
	}
	out_list_end(c->o);
	if (r > 0 && !e->code)
		out_str(c->o, "NextToken", last);
	return e->code;
}

int glue__get_job_runs(struct op_ctx *cx, const void *input, struct out *o)
{
	struct glue_call c = glue__call(cx, input, o);

	c.name = c.in->job;
	return glue__read(cx, &c, get_runs_tx);
}
