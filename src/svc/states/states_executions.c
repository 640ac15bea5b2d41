// SPDX-License-Identifier: Apache-2.0
/* Operations on executions. */
#include <string.h>

#include "base/limits.h"
#include "os/clock.h"
#include "os/crypto.h"
#include "svc/states/states_ops.h"

#define LIST_MAX 1000
#define LIST_DEFAULT 100

struct row {
	const char *arn, *machine, *name, *status, *input, *output, *error, *cause, *definition, *role;
	int64_t started_ms, stopped_ms; /* stopped 0: runs */
};

#define COLUMNS \
	"x.arn, x.machine, x.name, x.status, x.input, x.output, x.error, x.cause, x.role, x.started_ms, x.stopped_ms"

static void read_row(struct tx_rows *r, struct arena *a, struct row *x)
{
	*x = (struct row){ .arn = row_str(r, 0, a), .machine = row_str(r, 1, a), .name = row_str(r, 2, a),
			   .status = row_str(r, 3, a), .input = row_str(r, 4, a), .output = row_str(r, 5, a),
			   .error = row_str(r, 6, a), .cause = row_str(r, 7, a), .role = row_str(r, 8, a),
			   .started_ms = row_int(r, 9), .stopped_ms = row_null(r, 10) ? 0 : row_int(r, 10) };
}

struct work {
	struct states *s;
	struct arena *a;
	const char *arn;
	struct row row;
	bool definition; /* wanted */
};

static int find_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct work *w = arg;
	struct tx_rows *r;
	int rc = tx_one(tx, &r, e,
			"SELECT " COLUMNS ", d.text FROM states_execution x JOIN states_definition d ON d.id = x.definition"
			" WHERE x.arn = ?", "s", w->arn);

	if (rc < 0)
		return rc;
	if (rc == 0)
		return aws_fail(e, &STATES_NO_EXECUTION, "Execution Does Not Exist: '%s'", w->arn);
	read_row(r, w->a, &w->row);
	if (w->definition)
		w->row.definition = row_str(r, 11, w->a);
	tx_end(r);
	return 0;
}

static int find(struct op_ctx *cx, const char *arn, struct work *w)
{
	struct view rest = view_str(arn), part = VIEW_NONE;

	*w = (struct work){ .s = cx->self, .a = cx->arena, .arn = arn, .definition = w->definition };
	if (!view_starts(rest, VIEW("arn:")))
		return aws_fail(&cx->err, &STATES_INVALID_ARN, "Invalid Arn: 'Invalid ARN prefix: %s'", arn);
	for (int i = 0; i < 6; i++)
		if (!view_split(&rest, ':', &part))
			return aws_fail(&cx->err, &STATES_INVALID_ARN, "Invalid Arn: '%s'", arn);
	if (!view_eq_str(part, "execution"))
		return aws_fail(&cx->err, &STATES_INVALID_ARN, "Invalid Arn: 'Resource type not valid in this context: %.*s'",
				VIEW_ARG(part));
	return meta_read(w->s->o.meta, find_tx, w, &cx->err);
}

/* --- start --- */
struct start {
	struct states *s;
	struct arena *a;
	const char *machine, *name, *input;
	struct step step;
	struct exec x;
	struct asl *asl;
	int64_t started_ms;
	bool again; /* the same execution runs already */
};

static int already_tx(struct meta_tx *tx, struct start *q, struct err *e)
{
	struct tx_rows *r;
	struct row x;
	int rc = tx_one(tx, &r, e, "SELECT " COLUMNS " FROM states_execution x WHERE x.arn = ?", "s", q->x.arn);

	if (rc <= 0)
		return rc;
	read_row(r, q->a, &x);
	tx_end(r);
	if (!view_eq_str(view_str(x.status), "RUNNING") || !view_eq_str(view_str(x.input), q->input))
		return aws_fail(e, &STATES_EXECUTION_EXISTS, "Execution Already Exists: '%s'", q->x.arn);
	q->again = true;
	q->started_ms = x.started_ms;
	return 1;
}

static int start_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct start *q = arg;
	struct asl_problem problem = { 0 };
	struct err bad = { 0 };
	struct machine m;
	int r = states__machine_tx(tx, q->machine, q->a, &m, e);

	if (r == 0)
		return aws_fail(e, &STATES_NO_MACHINE, "State Machine Does Not Exist: '%s'",
				states__machine_arn(q->s, q->a, q->machine));
	if (r < 0 || (r = already_tx(tx, q, e)) != 0)
		return r < 0 ? r : 0;
	q->asl = asl_compile(view_str(m.definition), NULL, q->a, &problem);
	if (!q->asl)
		return err_set(e, ERR_CORRUPT, "definition of %s: %s", q->machine, problem.message);
	q->x.asl = q->asl;
	q->x.role = m.role;
	step_init(&q->step, &q->x, q->x.started_ms);
	exec_begin(&q->step, json_parse(&q->x.arena, view_str(q->input), ASL_DEPTH, &bad));
	return states__insert_tx(q->s, tx, &q->step, m.definition_id, e);
}

static int check_input(struct op_ctx *cx, const char *input)
{
	struct err bad = { 0 };

	if (!*input)
		return aws_fail(&cx->err, &STATES_INVALID_INPUT,
				"Invalid State Machine Execution Input: 'Invalid execution input.'");
	if (json_parse(cx->arena, view_str(input), ASL_DEPTH, &bad))
		return 0;
	return aws_fail(&cx->err, &STATES_INVALID_INPUT, "Invalid State Machine Execution Input: '%s'", bad.msg);
}

int states__start(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct start_in *in = input;
	struct start q = { .s = cx->self, .a = cx->arena, .name = in->name, .input = in->input ? in->input : "{}" };
	char id[UUID_TEXT];
	int r = states__machine_name(cx, in->machine, &q.machine);

	if (!q.name) {
		uuid4(id);
		q.name = id;
	}
	if (r < 0 || (r = states__check_name(q.name, &cx->err)) < 0 || (r = check_input(cx, q.input)) < 0)
		return r;
	arena_init(&q.x.arena, EXEC_ARENA);
	q.started_ms = clock_ms();
	q.x = (struct exec){
		.arena = q.x.arena, .name = q.name, .machine_name = q.machine, .input = q.input, .started_ms = q.started_ms,
		.arn = arena_printf(cx->arena, "arn:aws:states:%s:%s:execution:%s:%s", q.s->o.region, q.s->o.account, q.machine,
				    q.name),
		.machine_arn = states__machine_arn(q.s, cx->arena, q.machine),
	};
	r = meta_write(q.s->o.meta, start_tx, &q, &cx->err);
	arena_clear(&q.x.arena);
	asl_free(q.asl);
	if (r < 0)
		return r;
	if (!q.again && q.s->runner)
		runner_begin(q.s->runner, q.x.arn);
	out_str(o, "executionArn", q.x.arn);
	out_time(o, "startDate", q.started_ms);
	return 0;
}

/* --- stop --- */
int states__stop_execution(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct stop_in *in = input;
	struct work w = { 0 };
	struct err not_there = { 0 };
	int r = find(cx, in->arn, &w);

	if (r < 0)
		return r;
	if (!w.row.stopped_ms && w.s->runner) {
		r = runner_abort(w.s->runner, in->arn, in->error, in->cause, &not_there);
		if (r < 0 && r != ERR_NOENT)
			return aws_fail(&cx->err, &AWS_UNAVAILABLE, "%s", not_there.msg);
		r = find(cx, in->arn, &w);
	}
	if (r < 0)
		return r;
	if (!w.row.stopped_ms)
		return aws_fail(&cx->err, &AWS_UNAVAILABLE, "execution %s could not be stopped, try again", in->arn);
	out_time(o, "stopDate", w.row.stopped_ms);
	return 0;
}

/* --- describe --- */
static void out_included(struct out *o, const char *name)
{
	out_obj(o, name);
	out_bool(o, "included", true);
	out_obj_end(o);
}

int states__describe_execution(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct arn_in *in = input;
	struct work w = { 0 };
	int r = find(cx, in->arn, &w);
	bool redrivable;

	if (r < 0)
		return r;
	redrivable = w.row.stopped_ms && !view_eq_str(view_str(w.row.status), "SUCCEEDED");
	out_str(o, "executionArn", w.row.arn);
	out_str(o, "stateMachineArn", states__machine_arn(w.s, cx->arena, w.row.machine));
	out_str(o, "name", w.row.name);
	out_str(o, "status", w.row.status);
	out_time(o, "startDate", w.row.started_ms);
	if (w.row.stopped_ms)
		out_time(o, "stopDate", w.row.stopped_ms);
	out_str(o, "input", w.row.input);
	out_included(o, "inputDetails");
	if (w.row.output) {
		out_str(o, "output", w.row.output);
		out_included(o, "outputDetails");
	}
	out_str(o, "error", w.row.error);
	out_str(o, "cause", w.row.cause);
	out_int(o, "redriveCount", 0);
	out_str(o, "redriveStatus", "NOT_REDRIVABLE");
	out_str(o, "redriveStatusReason",
		!w.row.stopped_ms ? "Execution is RUNNING and cannot be redriven" :
		redrivable ? "Redriving executions is not supported yet" : "Execution is SUCCEEDED and cannot be redriven");
	return 0;
}

int states__machine_of_execution(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct arn_in *in = input;
	struct work w = { .definition = true };
	int r = find(cx, in->arn, &w);

	if (r < 0)
		return r;
	out_str(o, "stateMachineArn", states__machine_arn(w.s, cx->arena, w.row.machine));
	out_str(o, "name", w.row.machine);
	out_str(o, "definition", w.row.definition);
	out_str(o, "roleArn", w.row.role);
	out_time(o, "updateDate", w.row.started_ms);
	states__out_settings(o);
	return 0;
}

/* --- list: newest first; a token holds the last one's start and arn --- */
struct list_work {
	struct arena *a;
	const char *machine, *status, *after_arn;
	int64_t after_ms, max;
	struct row *v;
	size_t n;
	struct states *s;
};

static int list_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct list_work *w = arg;
	struct tx_rows *r;
	struct machine m;
	int rc = states__machine_tx(tx, w->machine, w->a, &m, e);

	if (rc == 0)
		return aws_fail(e, &STATES_NO_MACHINE, "State Machine Does Not Exist: '%s'",
				states__machine_arn(w->s, w->a, w->machine));
	if (rc > 0)
		rc = tx_query(tx, &r, e,
			      "SELECT " COLUMNS " FROM states_execution x WHERE x.machine = ? AND (? = '' OR x.status = ?)"
			      " AND (x.started_ms < ? OR (x.started_ms = ? AND x.arn < ?))"
			      " ORDER BY x.started_ms DESC, x.arn DESC LIMIT ?",
			      "sssiisi", w->machine, w->status, w->status, w->after_ms, w->after_ms, w->after_arn, w->max + 1);
	while (rc == 0 && (rc = tx_next(r, e)) > 0) {
		read_row(r, w->a, &w->v[w->n++]);
		rc = 0;
	}
	return rc;
}

static int list_after(struct op_ctx *cx, const char *token, struct list_work *w)
{
	struct view rest, ms;
	const char *text;
	int r = states__token(cx, token, &text);

	w->after_ms = INT64_MAX;
	w->after_arn = "";
	if (r < 0 || !text)
		return r;
	rest = view_str(text);
	if (!view_split(&rest, ' ', &ms) || !view_i64(ms, &w->after_ms) || !rest.p)
		return aws_fail(&cx->err, &STATES_INVALID_TOKEN, "Invalid Token: 'Invalid token'");
	w->after_arn = arena_str(cx->arena, rest);
	return 0;
}

int states__list_executions(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct list_in *in = input;
	struct list_work w = { .s = cx->self, .a = cx->arena, .status = in->status ? in->status : "",
			       .max = opt_int_or(in->max, 0) };
	int r;

	if (!in->machine)
		return aws_fail(&cx->err, &AWS_VALIDATION, "Must provide a StateMachine ARN or MapRun ARN");
	w.max = w.max ? w.max : LIST_DEFAULT;
	w.v = ARENA_ARRAY(cx->arena, struct row, LIST_MAX + 1);
	r = states__machine_name(cx, in->machine, &w.machine);
	if (r == 0)
		r = list_after(cx, in->token, &w);
	if (r == 0)
		r = meta_read(w.s->o.meta, list_tx, &w, &cx->err);
	if (r < 0)
		return r;
	out_list(o, "executions", NULL);
	for (size_t i = 0; i < w.n && (int64_t)i < w.max; i++) {
		out_obj(o, NULL);
		out_str(o, "executionArn", w.v[i].arn);
		out_str(o, "stateMachineArn", states__machine_arn(w.s, cx->arena, w.machine));
		out_str(o, "name", w.v[i].name);
		out_str(o, "status", w.v[i].status);
		out_time(o, "startDate", w.v[i].started_ms);
		if (w.v[i].stopped_ms)
			out_time(o, "stopDate", w.v[i].stopped_ms);
		out_int(o, "redriveCount", 0);
		out_obj_end(o);
	}
	out_list_end(o);
	if ((int64_t)w.n > w.max)
		states__out_token(cx, arena_printf(cx->arena, "%lld %s", (long long)w.v[w.max - 1].started_ms, w.v[w.max - 1].arn),
				  o);
	return 0;
}

/* --- history --- */
struct event_row {
	int64_t n, prev, at_ms;
	const char *type;
	const struct json *details;
};

struct history_work {
	struct arena *a;
	const char *arn;
	int64_t after, max;
	bool reverse;
	struct event_row *v;
	size_t n;
};

static int history_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct history_work *w = arg;
	struct tx_rows *r;
	int rc = w->reverse ?
		tx_query(tx, &r, e, "SELECT n, prev, at_ms, type, details FROM states_history WHERE arn = ? AND n < ?"
			 " ORDER BY n DESC LIMIT ?", "sii", w->arn, w->after, w->max + 1) :
		tx_query(tx, &r, e, "SELECT n, prev, at_ms, type, details FROM states_history WHERE arn = ? AND n > ?"
			 " ORDER BY n LIMIT ?", "sii", w->arn, w->after, w->max + 1);

	while (rc == 0 && (rc = tx_next(r, e)) > 0) {
		struct event_row *x = &w->v[w->n++];
		struct err bad = { 0 };

		*x = (struct event_row){ .n = row_int(r, 0), .prev = row_int(r, 1), .at_ms = row_int(r, 2),
					 .type = row_str(r, 3, w->a) };
		if (!row_null(r, 4))
			x->details = json_parse(w->a, row_view(r, 4), JSON_DEPTH, &bad);
		rc = 0;
	}
	return rc;
}

/* "PassStateEntered" has its details in stateEnteredEventDetails, "TaskFailed" in taskFailedEventDetails. */
static const char *details_name(struct arena *a, const char *type)
{
	struct view t = view_str(type);
	char *name;

	if (view_ends(t, VIEW("StateEntered")))
		return "stateEnteredEventDetails";
	if (view_ends(t, VIEW("StateExited")))
		return "stateExitedEventDetails";
	name = arena_printf(a, "%sEventDetails", type);
	name[0] = (char)(name[0] | 0x20);
	return name;
}

static const struct json *without_data(struct arena *a, const struct json *details)
{
	static const char *const data[] = { "input", "output", "parameters", "inputDetails", "outputDetails" };
	struct json *o = json_new_obj(a);

	for (size_t i = 0; i < details->obj.n; i++) {
		bool drop = false;

		for (size_t k = 0; k < ARRAY_LEN(data); k++)
			drop |= view_eq_str(details->obj.v[i].name, data[k]);
		if (!drop)
			json_set_view(a, o, details->obj.v[i].name, details->obj.v[i].value);
	}
	return o;
}

static void out_event(struct op_ctx *cx, const struct event_row *x, bool data, struct out *o)
{
	out_obj(o, NULL);
	out_time(o, "timestamp", x->at_ms);
	out_str(o, "type", x->type);
	out_int(o, "id", x->n);
	out_int(o, "previousEventId", x->prev);
	if (json_is(x->details, JSON_OBJ))
		out_json(o, details_name(cx->arena, x->type), data ? x->details : without_data(cx->arena, x->details));
	out_obj_end(o);
}

static int history_after(struct op_ctx *cx, const struct history_in *in, struct history_work *w)
{
	const char *text;
	int r = states__token(cx, in->token, &text);

	w->reverse = opt_bool_or(in->reverse, false);
	w->after = w->reverse ? INT64_MAX : 0;
	if (r == 0 && text && !view_i64(view_str(text), &w->after))
		r = aws_fail(&cx->err, &STATES_INVALID_TOKEN, "Invalid Token: 'Invalid token'");
	return r;
}

int states__get_history(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct history_in *in = input;
	struct history_work w = { .a = cx->arena, .arn = in->arn, .max = opt_int_or(in->max, 0) };
	struct work x = { 0 };
	int r = find(cx, in->arn, &x);

	w.max = w.max ? w.max : LIST_DEFAULT;
	w.v = ARENA_ARRAY(cx->arena, struct event_row, LIST_MAX + 1);
	if (r < 0 || (r = history_after(cx, in, &w)) < 0)
		return r;
	r = meta_read(x.s->o.meta, history_tx, &w, &cx->err);
	if (r < 0)
		return r;
	out_list(o, "events", NULL);
	for (size_t i = 0; i < w.n && (int64_t)i < w.max; i++)
		out_event(cx, &w.v[i], opt_bool_or(in->data, true), o);
	out_list_end(o);
	if ((int64_t)w.n > w.max)
		states__out_token(cx, arena_printf(cx->arena, "%lld", (long long)w.v[w.max - 1].n), o);
	return 0;
}
