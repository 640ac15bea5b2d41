// SPDX-License-Identifier: Apache-2.0
/* EventBridge's operations on rules, targets and events. */
#include "base/base64.h"
#include "base/json.h"
#include "os/clock.h"
#include "os/crypto.h"
#include "svc/events/events_int.h"
#include "svc/events/events_rows.h"

#define LIST_MAX 100

static int check_bus(const char *bus, struct err *e)
{
	struct view v = view_str(bus);

	if (!bus || view_eq_str(v, EVENTS_BUS) || (view_starts(v, VIEW("arn:")) && view_ends(v, VIEW(":event-bus/" EVENTS_BUS))))
		return 0;
	return aws_fail(e, &EVENTS_NOT_FOUND, "Event bus %s does not exist.", bus);
}

static int check_name(const char *what, const char *name, struct err *e)
{
	for (const char *p = name; p && *p; p++)
		if (!(*p == '.' || *p == '-' || *p == '_' || (*p >= '0' && *p <= '9') || ((*p | 32) >= 'a' && (*p | 32) <= 'z')))
			return aws_fail(e, &AWS_VALIDATION,
					"1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: Member must "
					"satisfy regular expression pattern: [\\.\\-_A-Za-z0-9]+", name, what);
	return 0;
}

static int not_found(const char *rule, struct err *e)
{
	return aws_fail(e, &EVENTS_NOT_FOUND, "Rule %s does not exist on EventBus " EVENTS_BUS ".", rule);
}

/* --- one rule --- */
#define RULE_COLUMNS "name, pattern, state, description, role, created_ms"

static void read_rule(struct tx_rows *r, struct arena *a, struct rule *ret)
{
	*ret = (struct rule){ .name = row_str(r, 0, a), .pattern = row_str(r, 1, a), .state = row_str(r, 2, a),
			      .description = row_str(r, 3, a), .role = row_str(r, 4, a), .created_ms = row_int(r, 5) };
}

int events__rule_tx(struct meta_tx *tx, const char *name, struct arena *a, struct rule *ret, struct err *e)
{
	struct tx_rows *r;
	int rc = tx_one(tx, &r, e, "SELECT " RULE_COLUMNS " FROM events_rule WHERE name = ?", "s", name);

	if (rc > 0) {
		read_rule(r, a, ret);
		tx_end(r);
	}
	return rc;
}

struct rule_work {
	struct events *ev;
	struct arena *a;
	const char *name, *state;
	struct rule rule;
};

static int must_exist(struct meta_tx *tx, struct rule_work *w, struct err *e)
{
	int rc = events__rule_tx(tx, w->name, w->a, &w->rule, e);

	return rc < 0 ? rc : rc ? 0 : not_found(w->name, e);
}

/* After adding: a failure takes the addition back. */
static int check_count(struct meta_tx *tx, struct err *e, int64_t max, const char *what, const char *sql, const char *key)
{
	struct tx_rows *r;
	int64_t n;
	int rc = tx_one(tx, &r, e, sql, "s", key);

	if (rc <= 0)
		return rc;
	n = row_int(r, 0);
	tx_end(r);
	return n <= max ? 0 : aws_fail(e, &EVENTS_LIMIT, "The requested resource exceeds the maximum number allowed: %s.", what);
}

static int put_rule_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct rule_work *w = arg;
	int r;

	tx_after_commit(tx, events__wake, w->ev);
	r = tx_run(tx, e,
		   "INSERT INTO events_rule (" RULE_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?)"
		   " ON CONFLICT (name) DO UPDATE SET pattern = excluded.pattern, state = excluded.state,"
		   " description = excluded.description, role = excluded.role",
		   "sssssi", w->rule.name, w->rule.pattern, w->rule.state, w->rule.description, w->rule.role, clock_ms());
	return r < 0 ? r : check_count(tx, e, EVENTS_RULES_MAX, "rules", "SELECT COUNT(*) FROM events_rule WHERE name <> ?", "");
}

static int put_rule(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct put_rule_in *in = input;
	struct rule_work w = { .ev = cx->self, .a = cx->arena, .rule = {
		.name = in->name, .pattern = in->pattern, .state = in->state ? in->state : "ENABLED",
		.description = in->description, .role = in->role } };
	struct err bad = { 0 };
	struct pattern *p;
	int r = check_bus(in->bus, &cx->err);

	if (r < 0 || (r = check_name("name", in->name, &cx->err)) < 0)
		return r;
	if (!in->pattern)
		return aws_fail(&cx->err, &AWS_VALIDATION,
				"Parameter(s) EventPattern or ScheduleExpression must be specified.");
	p = pattern_compile(view_str(in->pattern), &bad);
	if (!p)
		return aws_fail(&cx->err, &EVENTS_INVALID_PATTERN, "%s", bad.msg);
	pattern_free(p);
	r = meta_write(w.ev->o.meta, put_rule_tx, &w, &cx->err);
	if (r == 0)
		out_str(o, "RuleArn", events__rule_arn(w.ev, cx->arena, in->name));
	return r;
}

static void out_rule(struct op_ctx *cx, const struct rule *r, struct out *o)
{
	out_str(o, "Name", r->name);
	out_str(o, "Arn", events__rule_arn(cx->self, cx->arena, r->name));
	out_str(o, "EventPattern", r->pattern);
	out_str(o, "State", r->state);
	out_str(o, "Description", r->description);
	out_str(o, "RoleArn", r->role);
	out_str(o, "EventBusName", EVENTS_BUS);
}

static int describe_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	return must_exist(tx, arg, e);
}

static int describe_rule(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct rule_in *in = input;
	struct rule_work w = { .ev = cx->self, .a = cx->arena, .name = in->name };
	int r = check_bus(in->bus, &cx->err);

	if (r == 0)
		r = meta_read(w.ev->o.meta, describe_tx, &w, &cx->err);
	if (r < 0)
		return r;
	out_rule(cx, &w.rule, o);
	out_str(o, "CreatedBy", cx->caller.account);
	return 0;
}

static int delete_rule_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct rule_work *w = arg;
	struct tx_rows *r;
	int rc = tx_one(tx, &r, e, "SELECT 1 FROM events_target WHERE rule = ? LIMIT 1", "s", w->name);

	if (rc > 0) {
		tx_end(r);
		return aws_fail(e, &AWS_VALIDATION, "Rule can't be deleted since it has targets.");
	}
	tx_after_commit(tx, events__wake, w->ev);
	return rc < 0 ? rc : tx_run(tx, e, "DELETE FROM events_rule WHERE name = ?", "s", w->name);
}

static int delete_rule(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct rule_in *in = input;
	struct rule_work w = { .ev = cx->self, .a = cx->arena, .name = in->name };
	int r = check_bus(in->bus, &cx->err);

	return r < 0 ? r : meta_write(w.ev->o.meta, delete_rule_tx, &w, &cx->err);
}

static int state_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct rule_work *w = arg;
	int r = must_exist(tx, w, e);

	tx_after_commit(tx, events__wake, w->ev);
	return r < 0 ? r : tx_run(tx, e, "UPDATE events_rule SET state = ? WHERE name = ?", "ss", w->state, w->name);
}

static int set_state(struct op_ctx *cx, const struct rule_in *in, const char *state)
{
	struct rule_work w = { .ev = cx->self, .a = cx->arena, .name = in->name, .state = state };
	int r = check_bus(in->bus, &cx->err);

	return r < 0 ? r : meta_write(w.ev->o.meta, state_tx, &w, &cx->err);
}

static int enable_rule(struct op_ctx *cx, const void *input, struct out *o)
{
	return set_state(cx, input, "ENABLED");
}

static int disable_rule(struct op_ctx *cx, const void *input, struct out *o)
{
	return set_state(cx, input, "DISABLED");
}

/* --- pages: a token is the last name shown, in base64 --- */
static int page_start(struct op_ctx *cx, const char *token, const char **ret)
{
	struct view v = VIEW("");

	if (token && (!base64_decode_arena(cx->arena, view_str(token), &v) || v.n == 0))
		return aws_fail(&cx->err, &AWS_VALIDATION, "NextToken is not valid.");
	*ret = arena_str(cx->arena, v);
	return 0;
}

static void page_end(struct op_ctx *cx, const char *last, struct out *o)
{
	out_view(o, "NextToken", base64_encode_arena(cx->arena, view_str(last)));
}

struct list_work {
	struct arena *a;
	const char *prefix, *after, *rule;
	int64_t max;
	struct rule *rules;
	struct target *targets;
	size_t n;
};

static int list_rules_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct list_work *w = arg;
	struct tx_rows *r;
	int rc = tx_query(tx, &r, e,
			  "SELECT " RULE_COLUMNS " FROM events_rule WHERE name > ? AND substr(name, 1, ?) = ?"
			  " ORDER BY name LIMIT ?", "sisi", w->after, (int64_t)view_str(w->prefix).n, w->prefix, w->max + 1);

	while (rc == 0 && (rc = tx_next(r, e)) > 0) {
		read_rule(r, w->a, &w->rules[w->n++]);
		rc = 0;
	}
	return rc;
}

static int list_rules(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct list_rules_in *in = input;
	struct events *ev = cx->self;
	struct list_work w = { .a = cx->arena, .prefix = in->prefix ? in->prefix : "", .max = opt_int_or(in->limit, LIST_MAX) };
	int r = check_bus(in->bus, &cx->err);

	w.rules = ARENA_ARRAY(cx->arena, struct rule, LIST_MAX + 1);
	if (r < 0 || (r = page_start(cx, in->token, &w.after)) < 0)
		return r;
	r = meta_read(ev->o.meta, list_rules_tx, &w, &cx->err);
	if (r < 0)
		return r;
	out_list(o, "Rules", NULL);
	for (size_t i = 0; i < w.n && (int64_t)i < w.max; i++) {
		out_obj(o, NULL);
		out_rule(cx, &w.rules[i], o);
		out_obj_end(o);
	}
	out_list_end(o);
	if ((int64_t)w.n > w.max)
		page_end(cx, w.rules[w.max - 1].name, o);
	return 0;
}

/* --- targets --- */
#define TARGET_COLUMNS "rule, id, arn, role, input, input_path, template, paths"

static void read_target(struct tx_rows *r, struct arena *a, struct target *t)
{
	*t = (struct target){ .rule = row_str(r, 0, a), .id = row_str(r, 1, a), .arn = row_str(r, 2, a),
			      .role = row_str(r, 3, a), .input = row_str(r, 4, a), .input_path = row_str(r, 5, a),
			      .template = row_str(r, 6, a), .paths = row_str(r, 7, a) };
}

int events__targets_tx(struct meta_tx *tx, const char *rule, const char *after, int64_t max, struct arena *a,
		       struct target **ret, size_t *ret_n, struct err *e)
{
	struct tx_rows *r;
	struct target *v = ARENA_ARRAY(a, struct target, max + 1);
	size_t n = 0;
	int rc = tx_query(tx, &r, e,
			  "SELECT " TARGET_COLUMNS " FROM events_target WHERE rule = ? AND id > ? ORDER BY id LIMIT ?", "ssi",
			  rule, after, max);

	while (rc == 0 && (rc = tx_next(r, e)) > 0) {
		read_target(r, a, &v[n++]);
		rc = 0;
	}
	*ret = v;
	*ret_n = n;
	return rc;
}

struct targets_work {
	struct events *ev;
	struct arena *a;
	const char *rule;
	const struct target *put;
	const char *const *remove;
	size_t n;
};

static int put_targets_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct targets_work *w = arg;
	struct rule_work rule = { .a = w->a, .name = w->rule };
	int r = must_exist(tx, &rule, e);

	for (size_t i = 0; r == 0 && i < w->n; i++) {
		const struct target *t = &w->put[i];

		r = tx_run(tx, e,
			   "INSERT INTO events_target (" TARGET_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
			   " ON CONFLICT (rule, id) DO UPDATE SET arn = excluded.arn, role = excluded.role,"
			   " input = excluded.input, input_path = excluded.input_path, template = excluded.template,"
			   " paths = excluded.paths",
			   "ssssssss", w->rule, t->id, t->arn, t->role, t->input, t->input_path, t->template, t->paths);
	}
	if (r == 0)
		r = check_count(tx, e, EVENTS_TARGETS_MAX, "targets of a rule", "SELECT COUNT(*) FROM events_target WHERE rule = ?",
				w->rule);
	if (r == 0) /* the dispatcher has them all in memory */
		r = check_count(tx, e, EVENTS_INPUTS_MAX, "bytes of all targets' inputs",
				"SELECT COALESCE(SUM(LENGTH(COALESCE(input, '')) + LENGTH(COALESCE(template, ''))"
				" + LENGTH(COALESCE(paths, ''))), 0) FROM events_target WHERE rule <> ?", "");
	tx_after_commit(tx, events__wake, w->ev);
	return r;
}

static const char *paths_text(struct arena *a, const struct op_map *m)
{
	struct json *v = json_new_obj(a);

	for (size_t i = 0; i < m->n; i++)
		json_set_str(a, v, m->v[i].key, m->v[i].value);
	return json_text(a, v);
}

static int make_target(struct op_ctx *cx, const char *rule, const struct target_in *in, struct target *t)
{
	int r = check_name("targets.member.id", in->id, &cx->err);

	*t = (struct target){ .rule = rule, .id = in->id, .arn = in->arn, .role = in->role, .input = in->input,
			      .input_path = in->input_path };
	if (in->transformer) {
		t->template = in->transformer->template;
		t->paths = paths_text(cx->arena, &in->transformer->paths);
	}
	if (r == 0)
		r = events__target_check(t->id, t->arn, &cx->err);
	return r < 0 ? r : events__input_check(cx->arena, t, &cx->err);
}

static int put_targets(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct put_targets_in *in = input;
	const struct target_in *v = in->targets.v;
	struct target *t = ARENA_ARRAY(cx->arena, struct target, in->targets.n + 1);
	struct targets_work w = { .ev = cx->self, .a = cx->arena, .rule = in->rule, .put = t, .n = in->targets.n };
	int r = check_bus(in->bus, &cx->err);

	for (size_t i = 0; r == 0 && i < w.n; i++)
		r = make_target(cx, in->rule, &v[i], &t[i]);
	if (r == 0)
		r = meta_write(w.ev->o.meta, put_targets_tx, &w, &cx->err);
	if (r < 0)
		return r;
	out_int(o, "FailedEntryCount", 0);
	out_list(o, "FailedEntries", NULL);
	out_list_end(o);
	return 0;
}

static int remove_targets_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct targets_work *w = arg;
	struct rule_work rule = { .a = w->a, .name = w->rule };
	int r = must_exist(tx, &rule, e);

	for (size_t i = 0; r == 0 && i < w->n; i++)
		r = tx_run(tx, e, "DELETE FROM events_target WHERE rule = ? AND id = ?", "ss", w->rule, w->remove[i]);
	tx_after_commit(tx, events__wake, w->ev);
	return r;
}

static int remove_targets(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct remove_targets_in *in = input;
	struct targets_work w = { .ev = cx->self, .a = cx->arena, .rule = in->rule, .remove = in->ids.v, .n = in->ids.n };
	int r = check_bus(in->bus, &cx->err);

	if (r == 0)
		r = meta_write(w.ev->o.meta, remove_targets_tx, &w, &cx->err);
	if (r < 0)
		return r;
	out_int(o, "FailedEntryCount", 0);
	out_list(o, "FailedEntries", NULL);
	out_list_end(o);
	return 0;
}

static int list_targets_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct list_work *w = arg;
	struct rule_work rule = { .a = w->a, .name = w->rule };
	int r = must_exist(tx, &rule, e);

	return r < 0 ? r : events__targets_tx(tx, w->rule, w->after, w->max + 1, w->a, &w->targets, &w->n, e);
}

static void out_transformer(struct op_ctx *cx, const struct target *t, struct out *o)
{
	struct err e = { 0 };
	const struct json *paths = t->paths ? json_parse(cx->arena, view_str(t->paths), JSON_DEPTH, &e) : NULL;

	if (!t->template)
		return;
	out_obj(o, "InputTransformer");
	if (json_len(paths))
		out_json(o, "InputPathsMap", paths);
	out_str(o, "InputTemplate", t->template);
	out_obj_end(o);
}

static int list_targets(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct list_targets_in *in = input;
	struct events *ev = cx->self;
	struct list_work w = { .a = cx->arena, .rule = in->rule, .max = opt_int_or(in->limit, LIST_MAX) };
	int r = check_bus(in->bus, &cx->err);

	if (r < 0 || (r = page_start(cx, in->token, &w.after)) < 0)
		return r;
	r = meta_read(ev->o.meta, list_targets_tx, &w, &cx->err);
	if (r < 0)
		return r;
	out_list(o, "Targets", NULL);
	for (size_t i = 0; i < w.n && (int64_t)i < w.max; i++) {
		const struct target *t = &w.targets[i];

		out_obj(o, NULL);
		out_str(o, "Id", t->id);
		out_str(o, "Arn", t->arn);
		out_str(o, "RoleArn", t->role);
		out_str(o, "Input", t->input);
		out_str(o, "InputPath", t->input_path);
		out_transformer(cx, t, o);
		out_obj_end(o);
	}
	out_list_end(o);
	if ((int64_t)w.n > w.max)
		page_end(cx, w.targets[w.max - 1].id, o);
	return 0;
}

/* No rule can have tags yet (PutRule refuses them): the answer is always empty, for a rule that exists. */
static int list_tags(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct list_tags_in *in = input;
	struct events *ev = cx->self;
	ptrdiff_t at = view_find(view_str(in->arn), VIEW(":rule/"));
	struct rule_work w = { .ev = ev, .a = cx->arena, .name = at < 0 ? in->arn : in->arn + at + 6 };
	int r = meta_read(ev->o.meta, describe_tx, &w, &cx->err);

	if (r < 0)
		return r;
	out_list(o, "Tags", NULL);
	out_list_end(o);
	return 0;
}

/* --- events --- */
struct entry {
	const char *code, *message; /* why it was not taken */
	struct event ev;
};

static void refuse(struct op_ctx *cx, struct entry *x, const char *member)
{
	x->code = "InvalidArgument";
	x->message = arena_printf(cx->arena, "Parameter %s is not valid. Reason: %s is a required argument.", member, member);
}

static void check_entry(struct op_ctx *cx, const struct put_entry_in *in, struct entry *x)
{
	struct err bad = { 0 };

	if (!in->source || !*in->source) {
		refuse(cx, x, "Source");
	} else if (!in->detail_type || !*in->detail_type) {
		refuse(cx, x, "DetailType");
	} else if (!in->detail || !*in->detail) {
		refuse(cx, x, "Detail");
	} else if (view_starts(view_str(in->source), VIEW("aws."))) {
		x->code = "NotAuthorizedForSourceException";
		x->message = "Not authorized for the source.";
	} else if (!json_is(json_parse(cx->arena, view_str(in->detail), JSON_DEPTH, &bad), JSON_OBJ)) {
		x->code = "MalformedDetail";
		x->message = "Detail is malformed.";
	} else if (check_bus(in->bus, &bad) < 0) {
		x->code = "ResourceNotFoundException";
		x->message = arena_str(cx->arena, view_str(bad.msg));
	}
}

static void make_event(struct op_ctx *cx, const struct put_entry_in *in, struct event *ev)
{
	struct json *resources = json_new_arr(cx->arena);
	const char *const *v = in->resources.v;
	char *id = arena_alloc(cx->arena, UUID_TEXT);

	for (size_t i = 0; i < in->resources.n; i++)
		json_push(cx->arena, resources, json_new_cstr(cx->arena, v[i]));
	uuid4(id);
	*ev = (struct event){ .id = id, .source = in->source, .detail_type = in->detail_type, .detail = in->detail,
			      .resources = json_text(cx->arena, resources), .time_ms = opt_int_or(in->time, 0) };
}

struct put_work {
	struct events *ev;
	struct entry *v;
	size_t n;
};

static int put_events_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct put_work *w = arg;
	struct events_port port = events_port(w->ev);
	int r = 0;

	for (size_t i = 0; r == 0 && i < w->n; i++)
		if (!w->v[i].code)
			r = port.emit_tx(port.self, tx, &w->v[i].ev, e);
	return r;
}

static size_t entry_size(const struct put_entry_in *in)
{
	return (in->time.set ? 14 : 0) + view_str(in->source).n + view_str(in->detail_type).n + view_str(in->detail).n;
}

static int put_events(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct put_events_in *in = input;
	const struct put_entry_in *v = in->entries.v;
	struct put_work w = { .ev = cx->self, .n = in->entries.n };
	size_t failed = 0, size = 0;
	int r;

	w.v = ARENA_ARRAY(cx->arena, struct entry, w.n + 1);
	for (size_t i = 0; i < w.n; i++) {
		size += entry_size(&v[i]);
		check_entry(cx, &v[i], &w.v[i]);
		make_event(cx, &v[i], &w.v[i].ev);
		failed += w.v[i].code != NULL;
	}
	if (size > EVENTS_REQUEST_MAX)
		return aws_fail(&cx->err, &AWS_VALIDATION, "Total size of the entries in the request is over the limit.");
	r = failed == w.n ? 0 : meta_write(w.ev->o.meta, put_events_tx, &w, &cx->err);
	if (r < 0)
		return r;
	out_int(o, "FailedEntryCount", (int64_t)failed);
	out_list(o, "Entries", NULL);
	for (size_t i = 0; i < w.n; i++) {
		out_obj(o, NULL);
		out_str(o, "EventId", w.v[i].code ? NULL : w.v[i].ev.id);
		out_str(o, "ErrorCode", w.v[i].code);
		out_str(o, "ErrorMessage", w.v[i].message);
		out_obj_end(o);
	}
	out_list_end(o);
	return 0;
}

static int test_pattern(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct test_pattern_in *in = input;
	struct err bad = { 0 };
	const struct json *event = json_parse(cx->arena, view_str(in->event), JSON_DEPTH, &bad);
	CLEANUP(pattern_freep) struct pattern *p = NULL;

	if (!json_is(event, JSON_OBJ))
		return aws_fail(&cx->err, &AWS_VALIDATION, "Parameter Event is not valid. Reason: %s",
				event ? "it is not a JSON object" : bad.msg);
	p = pattern_compile(view_str(in->pattern), &bad);
	if (!p)
		return aws_fail(&cx->err, &EVENTS_INVALID_PATTERN, "%s", bad.msg);
	out_bool(o, "Result", pattern_match(p, event));
	return 0;
}

#define ROW(nm, fn_, st, fields, fl, doc_) \
	{ .name = nm, .fn = fn_, .in = fields, .in_size = sizeof(struct st), .flags = fl, .doc = doc_ }

const struct op events__ops[EVENTS_N_OPS] = {
	ROW("DeleteRule", delete_rule, rule_in, events__delete_rule_fields, OP_WRITE, "Deletes a rule that has no targets."),
	ROW("DescribeRule", describe_rule, rule_in, events__rule_fields, 0, "One rule."),
	ROW("DisableRule", disable_rule, rule_in, events__rule_fields, OP_WRITE, "A rule matches no more."),
	ROW("EnableRule", enable_rule, rule_in, events__rule_fields, OP_WRITE, "A rule matches again."),
	ROW("ListRules", list_rules, list_rules_in, events__list_rules_fields, 0, "Rules, by name."),
	ROW("ListTagsForResource", list_tags, list_tags_in, events__list_tags_fields, 0, "Tags of a rule: none."),
	ROW("ListTargetsByRule", list_targets, list_targets_in, events__list_targets_fields, 0, "A rule's targets."),
	ROW("PutEvents", put_events, put_events_in, events__put_events_fields, OP_WRITE, "Takes events, durably."),
	ROW("PutRule", put_rule, put_rule_in, events__put_rule_fields, OP_WRITE, "Creates or changes a rule."),
	ROW("PutTargets", put_targets, put_targets_in, events__put_targets_fields, OP_WRITE, "Adds or changes targets."),
	ROW("RemoveTargets", remove_targets, remove_targets_in, events__remove_targets_fields, OP_WRITE, "Removes targets."),
	ROW("TestEventPattern", test_pattern, test_pattern_in, events__test_pattern_fields, 0, "Does an event match?"),
};
