// SPDX-License-Identifier: Apache-2.0
/* athena_ops: starting, describing, stopping and listing queries; the one workgroup. */
#include "os/clock.h"
#include "os/crypto.h"
#include "svc/athena/athena_int.h"

#define PAGE 50
#define CATALOG "AwsDataCatalog"
#define ENGINE "mulgil SQL (DuckDB)"

struct start {
	struct athena *s;
	const struct athena_in *in;
	struct arena *arena;
	char id[UUID_TEXT];
	const char *database, *location, *parameters, *kind;
	const char *found; /* id of the query that has the same token */
};

/* --- starting --- */

static int check_workgroup(struct op_ctx *cx, const char *name)
{
	if (name && strcmp(name, WORKGROUP) != 0)
		return aws_fail(&cx->err, &ATHENA_INVALID, "WorkGroup %s is not found.", name);
	return 0;
}

static int check_start(struct op_ctx *cx, const struct athena_in *in)
{
	const struct athena *s = cx->self;

	if (check_workgroup(cx, in->workgroup) < 0)
		return cx->err.code;
	if (in->context && in->context->catalog && strcasecmp(in->context->catalog, CATALOG) != 0)
		return aws_fail(&cx->err, &ATHENA_INVALID,
				"QueryExecutionContext.Catalog %s is not found.",
				in->context->catalog);
	if (in->reuse && in->reuse->by_age && opt_bool_or(in->reuse->by_age->enabled, false))
		return aws_fail(&cx->err, &ATHENA_INVALID,
				"ResultReuseByAgeConfiguration.Enabled is not supported by mulgil");
	if (in->result && in->result->owner && strcmp(in->result->owner, s->o.account) != 0)
		return aws_fail(
			&cx->err, &ATHENA_INVALID,
			"ResultConfiguration.ExpectedBucketOwner %s does not own the bucket.",
			in->result->owner);
	return 0;
}

static bool first_word(const char *query, const char *word)
{
	struct view q = view_trim(view_str(query)), w = view_str(word);

	return view_eq_nocase(view_sub(q, 0, w.n), w);
}

/* Where the result will be: known from the start, as with AWS. */
static int output_location(struct op_ctx *cx, struct start *st)
{
	const char *loc = st->in->result && st->in->result->location ? st->in->result->location
								     : st->s->o.output_location;
	const char *bucket, *key;
	bool plain = first_word(st->in->query, "show") || first_word(st->in->query, "desc");

	if (!loc)
		return aws_fail(
			&cx->err, &ATHENA_INVALID,
			"No output location provided. An output location is required either "
			"through the Workgroup result configuration setting or as an API input.");
	if (!athena__split(cx->arena, loc, &bucket, &key) || strlen(key) > 900)
		return aws_fail(&cx->err, &ATHENA_INVALID,
				"outputLocation is not a valid S3 path: %.200s", loc);
	if (!st->s->o.s3->bucket_exists(st->s->o.s3->self, bucket))
		return aws_fail(&cx->err, &ATHENA_INVALID,
				"Unable to verify/create output bucket %s", bucket);
	st->kind = plain || first_word(st->in->query, "explain") ? "UTILITY" : "DML";
	st->location = arena_printf(cx->arena, "s3://%s/%s%s%s.%s", bucket, key,
				    *key && !view_ends(view_str(key), VIEW("/")) ? "/" : "", st->id,
				    plain ? "txt" : "csv");
	return 0;
}

static int same_token_tx(struct meta_tx *tx, struct start *st, struct err *e)
{
	struct tx_rows *r;
	const char *query, *parameters;
	int found;

	if (!st->in->token)
		return 0;
	found = tx_one(tx, &r, e, "SELECT id, query, parameters FROM athena_query WHERE token = ?",
		       "s", st->in->token);
	if (found <= 0)
		return found;
	st->found = row_str(r, 0, st->arena);
	query = row_str(r, 1, st->arena);
	parameters = row_str(r, 2, st->arena);
	tx_end(r);
	if (strcmp(query, st->in->query) != 0 ||
	    strcmp(parameters ? parameters : "", st->parameters ? st->parameters : "") != 0)
		return aws_fail(e, &ATHENA_INVALID, "Idempotent parameters do not match");
	return 0;
}

static int start_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct start *st = arg;
	int r = same_token_tx(tx, st, e);

	if (r < 0 || st->found)
		return r;
	return tx_run(tx, e,
		      "INSERT INTO athena_query (id, token, query, db, catalog, location, "
		      "parameters, state, kind, stop, submitted_ms,"
		      " scanned, engine_ms, queue_ms, planning_ms) VALUES (?, ?, ?, ?, ?, ?, ?, "
		      "'QUEUED', ?, 0, ?, 0, 0, 0, 0)",
		      "ssssssssi", st->id, st->in->token, st->in->query, st->database,
		      st->in->context ? st->in->context->catalog : NULL, st->location,
		      st->parameters, st->kind, clock_ms());
}

int athena__start_query(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct athena_in *in = input;
	struct start st = { .s = cx->self, .in = in, .arena = cx->arena };
	const char *const *p = in->parameters.v;

	uuid7(st.id); /* sorts by time: ListQueryExecutions needs that */
	if (check_start(cx, in) < 0 || output_location(cx, &st) < 0)
		return cx->err.code;
	st.database = in->context ? in->context->database : NULL;
	if (in->parameters.n) {
		struct json *arr = json_new_arr(cx->arena);

		for (size_t i = 0; i < in->parameters.n; i++)
			json_push(cx->arena, arr, json_new_cstr(cx->arena, p[i]));
		st.parameters = json_text(cx->arena, arr);
	}
	if (meta_write(st.s->o.meta, start_tx, &st, &cx->err) < 0)
		return cx->err.code;
	athena__wake(st.s);
	out_str(o, "QueryExecutionId", st.found ? st.found : st.id);
	return 0;
}

/* --- describing --- */

static void out_state(struct out *o, const struct athena_query *q)
{
	out_obj(o, "Status");
	out_str(o, "State", q->state);
	out_str(o, "StateChangeReason", q->reason);
	out_time(o, "SubmissionDateTime", q->submitted_ms);
	if (q->completed_ms)
		out_time(o, "CompletionDateTime", q->completed_ms);
	if (strcmp(q->state, "FAILED") == 0) {
		out_obj(o, "AthenaError");
		out_int(o, "ErrorCategory", 2);
		out_bool(o, "Retryable", false);
		out_str(o, "ErrorMessage", q->reason);
		out_obj_end(o);
	}
	out_obj_end(o);
}

static void out_statistics(struct out *o, const struct athena_query *q)
{
	int64_t end = q->completed_ms ? q->completed_ms : clock_ms();

	out_obj(o, "Statistics");
	out_int(o, "EngineExecutionTimeInMillis", q->engine_ms);
	out_int(o, "DataScannedInBytes", q->scanned);
	out_int(o, "TotalExecutionTimeInMillis", end - q->submitted_ms);
	out_int(o, "QueryQueueTimeInMillis", q->queue_ms);
	out_int(o, "QueryPlanningTimeInMillis", q->planning_ms);
	out_obj(o, "ResultReuseInformation");
	out_bool(o, "ReusedPreviousResult", false);
	out_obj_end(o);
	out_obj_end(o);
}

static void out_engine(struct out *o)
{
	out_obj(o, "EngineVersion");
	out_str(o, "SelectedEngineVersion", "AUTO");
	out_str(o, "EffectiveEngineVersion", ENGINE);
	out_obj_end(o);
}

static void out_query(struct out *o, const char *name, const struct athena_query *q)
{
	out_obj(o, name);
	out_str(o, "QueryExecutionId", q->id);
	out_str(o, "Query", q->text);
	out_str(o, "StatementType", q->kind);
	out_obj(o, "ResultConfiguration");
	out_str(o, "OutputLocation", q->location);
	out_obj_end(o);
	out_obj(o, "QueryExecutionContext");
	out_str(o, "Database", q->database);
	out_str(o, "Catalog", q->catalog);
	out_obj_end(o);
	out_state(o, q);
	out_statistics(o, q);
	out_str(o, "WorkGroup", WORKGROUP);
	out_engine(o);
	out_json(o, "ExecutionParameters", q->parameters);
	if (strcmp(q->kind, "DML") == 0)
		out_str(o, "SubstatementType", "SELECT");
	out_obj_end(o);
}

int athena__get_query(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct athena_in *in = input;
	struct athena_query q;
	int r = athena__query(cx->self, in->id, cx->arena, &q, &cx->err);

	if (r < 0)
		return r;
	if (r == 0)
		return aws_fail(&cx->err, &ATHENA_INVALID, "QueryExecution %s was not found",
				in->id);
	out_query(o, "QueryExecution", &q);
	return 0;
}

int athena__batch_get_query(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct athena_in *in = input;
	const char *const *ids = in->ids.v;
	struct json *missing = json_new_arr(cx->arena);

	out_list(o, "QueryExecutions", NULL);
	for (size_t i = 0; i < in->ids.n; i++) {
		struct athena_query q;
		int r = athena__query(cx->self, ids[i], cx->arena, &q, &cx->err);

		if (r < 0)
			break;
		if (r > 0)
			out_query(o, NULL, &q);
		else
			json_push(cx->arena, missing, json_new_cstr(cx->arena, ids[i]));
	}
	out_list_end(o);
	out_list(o, "UnprocessedQueryExecutionIds", NULL);
	for (size_t i = 0; i < json_len(missing); i++) {
		out_obj(o, NULL);
		out_view(o, "QueryExecutionId", json_str(json_at(missing, i)));
		out_str(o, "ErrorCode", "INVALID_QUERY_EXECUTION_ID");
		out_str(o, "ErrorMessage", "QueryExecution was not found");
		out_obj_end(o);
	}
	out_list_end(o);
	return cx->err.code;
}

/* --- stopping --- */

struct stop {
	const struct athena_in *in;
	bool found;
};

static int stop_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct stop *st = arg;
	int r = tx_run(tx, e,
		       "UPDATE athena_query SET state = 'CANCELLED', reason = 'Query cancelled by "
		       "user', completed_ms = ?"
		       " WHERE id = ? AND state = 'QUEUED'",
		       "is", clock_ms(), st->in->id);

	if (r == 0)
		r = tx_run(tx, e, "UPDATE athena_query SET stop = 1 WHERE id = ?", "s", st->in->id);
	st->found = r == 0 && tx_changes(tx) > 0;
	return r;
}

int athena__stop_query(struct op_ctx *cx, const void *input, struct out *o)
{
	struct athena *s = cx->self;
	struct stop st = { .in = input };

	if (meta_write(s->o.meta, stop_tx, &st, &cx->err) < 0)
		return cx->err.code;
	if (!st.found)
		return aws_fail(&cx->err, &ATHENA_INVALID, "QueryExecution %s was not found",
				st.in->id);
	LOCK_SCOPE(&s->lock);
	for (int i = 0; i < ATHENA_RUNNERS; i++)
		if (s->now[i].cancel && strcmp(s->now[i].id, st.in->id) == 0)
			sql_cancel_fire(s->now[i].cancel);
	return 0;
}

/* --- listing --- */

struct list {
	const struct athena_in *in;
	struct out *o;
	struct arena *arena;
};

static int list_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct list *l = arg;
	int64_t max = opt_int_or(l->in->max, PAGE), n = 0;
	const char *last = NULL;
	struct tx_rows *rows = NULL;
	int r;

	if (max == 0)
		max = PAGE;
	r = tx_query(tx, &rows, e,
		     "SELECT id FROM athena_query WHERE id < ? ORDER BY id DESC LIMIT ?", "si",
		     l->in->next ? l->in->next : "g", max + 1);
	if (r < 0)
		return r;
	out_list(l->o, "QueryExecutionIds", NULL);
	while ((r = tx_next(rows, e)) > 0) {
		if (n++ == max) {
			tx_end(rows);
			break;
		}
		last = row_str(rows, 0, l->arena);
		out_str(l->o, NULL, last);
	}
	out_list_end(l->o);
	if (r > 0)
		out_str(l->o, "NextToken", last);
	return e->code;
}

int athena__list_queries(struct op_ctx *cx, const void *input, struct out *o)
{
	struct list l = { .in = input, .o = o, .arena = cx->arena };
	struct athena *s = cx->self;

	if (check_workgroup(cx, l.in->workgroup) < 0)
		return cx->err.code;
	return meta_read(s->o.meta, list_tx, &l, &cx->err);
}

/* --- the workgroup --- */

int athena__get_workgroup(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct athena_in *in = input;
	const struct athena *s = cx->self;

	if (check_workgroup(cx, in->workgroup) < 0)
		return cx->err.code;
	out_obj(o, "WorkGroup");
	out_str(o, "Name", WORKGROUP);
	out_str(o, "State", "ENABLED");
	out_obj(o, "Configuration");
	out_obj(o, "ResultConfiguration");
	out_str(o, "OutputLocation", s->o.output_location);
	out_obj_end(o);
	out_bool(o, "EnforceWorkGroupConfiguration", false);
	out_bool(o, "PublishCloudWatchMetricsEnabled", false);
	out_bool(o, "RequesterPaysEnabled", false);
	out_engine(o);
	out_obj_end(o);
	out_obj_end(o);
	return 0;
}

int athena__list_workgroups(struct op_ctx *cx, const void *input, struct out *o)
{
	out_list(o, "WorkGroups", NULL);
	out_obj(o, NULL);
	out_str(o, "Name", WORKGROUP);
	out_str(o, "State", "ENABLED");
	out_engine(o);
	out_obj_end(o);
	out_list_end(o);
	return 0;
}
