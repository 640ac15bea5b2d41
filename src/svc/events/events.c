// SPDX-License-Identifier: Apache-2.0
/* The event bus's outbox: events written in their cause's transaction, read in order. */
#include "svc/events/events.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/time.h"
#include "os/clock.h"
#include "os/crypto.h"
#include "svc/events/events_int.h"

const struct aws_error EVENTS_NOT_FOUND = { "ResourceNotFoundException", 400, false };
const struct aws_error EVENTS_INVALID_PATTERN = { "InvalidEventPatternException", 400, false };
const struct aws_error EVENTS_LIMIT = { "LimitExceededException", 400, false };

/* What AWS's model lists for these operations; those that cannot happen here are left out. */
static const struct aws_error *const errors[] = { &EVENTS_NOT_FOUND, &EVENTS_INVALID_PATTERN, &EVENTS_LIMIT, NULL };

static const char *const steps[] = {
	"ALTER TABLE events_outbox ADD COLUMN arn TEXT",
	"ALTER TABLE events_outbox ADD COLUMN lane TEXT",
	"ALTER TABLE events_delivery ADD COLUMN lane TEXT",
	NULL
};

int events_new(const struct events_opts *o, struct events **ret, struct err *e)
{
	struct events *ev = calloc(1, sizeof(*ev));
	int r;

	must(ev);
	ev->o = *o;
	r = meta_schema(o->meta,
			"CREATE TABLE IF NOT EXISTS events_outbox (n BIGINT PRIMARY KEY, id TEXT NOT NULL,"
			" source TEXT NOT NULL, detail_type TEXT NOT NULL, detail TEXT NOT NULL, resources TEXT NOT NULL,"
			" time_ms BIGINT NOT NULL, at_ms BIGINT NOT NULL);"
			"CREATE TABLE IF NOT EXISTS events_rule (name TEXT PRIMARY KEY, pattern TEXT NOT NULL,"
			" state TEXT NOT NULL, description TEXT, role TEXT, created_ms BIGINT NOT NULL);"
			"CREATE TABLE IF NOT EXISTS events_target (rule TEXT NOT NULL, id TEXT NOT NULL, arn TEXT NOT NULL,"
			" role TEXT, input TEXT, input_path TEXT, template TEXT, paths TEXT, PRIMARY KEY (rule, id));"
			"CREATE TABLE IF NOT EXISTS events_position (reader TEXT PRIMARY KEY, n BIGINT NOT NULL);"
			"CREATE TABLE IF NOT EXISTS events_delivery (n BIGINT NOT NULL, event_id TEXT NOT NULL,"
			" rule TEXT NOT NULL, target TEXT NOT NULL, arn TEXT NOT NULL, payload TEXT NOT NULL,"
			" attempts BIGINT NOT NULL, due_ms BIGINT NOT NULL, state TEXT NOT NULL, reason TEXT,"
			" PRIMARY KEY (n, rule, target));",
			e);
	if (r == 0)
		r = meta_steps(o->meta, "events", steps, e);
	if (r < 0) {
		free(ev);
		return err_ctx(e, "events");
	}
	*ret = ev;
	return 0;
}

int events_start(struct events *ev, const struct op_registry *r, struct err *e)
{
	return events__dispatcher_start(ev, r, e);
}

void events_stop(struct events *ev)
{
	events__dispatcher_stop(ev);
}

struct events *events_free(struct events *ev)
{
	if (ev) {
		events_stop(ev);
		events__dispatcher_free(ev);
		free(ev);
	}
	return NULL;
}

const char *events__rule_arn(const struct events *ev, struct arena *a, const char *rule)
{
	return arena_printf(a, "arn:aws:events:%s:%s:rule/%s", ev->o.region, ev->o.account, rule);
}

const struct json *events__envelope(const struct events *ev, struct arena *a, const struct event *x)
{
	struct json *v = json_new_obj(a);
	struct err e = { 0 };
	char t[TIME_TEXT];
	const struct json *resources = json_parse(a, view_str(x->resources), JSON_DEPTH, &e);
	const struct json *detail = json_parse(a, view_str(x->detail), JSON_DEPTH, &e);

	json_set_str(a, v, "version", "0");
	json_set_str(a, v, "id", x->id);
	json_set_str(a, v, "detail-type", x->detail_type);
	json_set_str(a, v, "source", x->source);
	json_set_str(a, v, "account", ev->o.account);
	json_set_str(a, v, "time", time_iso_s(x->time_ms, t));
	json_set_str(a, v, "region", ev->o.region);
	json_set(a, v, "resources", resources ? resources : json_new_arr(a));
	json_set(a, v, "detail", detail ? detail : json_new_obj(a));
	return v;
}

static int emit_tx(void *self, struct meta_tx *tx, const struct event *x, struct err *e)
{
	char id[UUID_TEXT];
	int64_t now = clock_ms();
	int r;

	uuid4(id);
	r = tx_run(tx, e,
		   "INSERT INTO events_outbox (n, id, source, detail_type, detail, resources, time_ms, at_ms, arn, lane)"
		   " SELECT COALESCE(MAX(n), 0) + 1, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM events_outbox",
		   "sssssiiss", x->id ? x->id : id, x->source, x->detail_type, x->detail,
		   x->resources ? x->resources : "[]", x->time_ms ? x->time_ms : now, now, x->arn, x->lane);
	if (r == 0)
		tx_after_commit(tx, events__wake, self);
	return r;
}

struct reading {
	uint64_t after;
	size_t max, n;
	struct arena *a;
	struct event *v;
};

static int read_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct reading *q = arg;
	struct tx_rows *r;
	int rc = tx_query(tx, &r, e,
			  "SELECT n, id, source, detail_type, detail, resources, time_ms FROM events_outbox"
			  " WHERE n > ? AND arn IS NULL ORDER BY n LIMIT ?", "ii", (int64_t)q->after, (int64_t)q->max);

	while (rc == 0 && (rc = tx_next(r, e)) > 0) {
		q->v[q->n++] = (struct event){
			.n = (uint64_t)row_int(r, 0), .id = row_str(r, 1, q->a), .source = row_str(r, 2, q->a),
			.detail_type = row_str(r, 3, q->a), .detail = row_str(r, 4, q->a),
			.resources = row_str(r, 5, q->a), .time_ms = row_int(r, 6),
		};
		rc = 0;
	}
	return rc;
}

static int read_events(void *self, uint64_t after, size_t max, struct arena *a, struct event **ret, size_t *ret_n,
		       struct err *e)
{
	struct events *ev = self;
	struct reading q = { .after = after, .max = max, .a = a };
	int r;

	q.v = ARENA_ARRAY(a, struct event, max + 1);
	r = meta_read(ev->o.meta, read_tx, &q, e);
	if (r < 0)
		return r;
	*ret = q.v;
	*ret_n = q.n;
	return 0;
}

static int last_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct tx_rows *r;
	int rc = tx_one(tx, &r, e, "SELECT COALESCE(MAX(n), 0) FROM events_outbox", "");

	if (rc > 0) {
		*(uint64_t *)arg = (uint64_t)row_int(r, 0);
		tx_end(r);
	}
	return rc < 0 ? rc : 0;
}

static uint64_t last(void *self)
{
	struct events *ev = self;
	struct err e = { 0 };
	uint64_t n = 0;

	return meta_read(ev->o.meta, last_tx, &n, &e) < 0 ? 0 : n;
}

struct events_port events_port(struct events *ev)
{
	return (struct events_port){ .self = ev, .emit_tx = emit_tx, .read = read_events, .last = last,
				     .target = events__target_exists };
}

const struct service events_service = {
	.name = "events",
	.signing_name = "events",
	.target_prefix = "AWSEvents",
	.api_version = "2015-10-07",
	.protocol = OP_JSON_1_1,
	.ops = events__ops,
	.n_ops = EVENTS_N_OPS,
	.errors = errors,
	.invalid = &AWS_VALIDATION,
};
