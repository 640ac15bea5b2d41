// SPDX-License-Identifier: Apache-2.0
/* Operations on state machines. */
#include <string.h>

#include "base/base64.h"
#include "os/clock.h"
#include "os/crypto.h"
#include "svc/states/states_ops.h"

#define LIST_MAX 1000
#define LIST_DEFAULT 100

const char *states__machine_arn(const struct states *s, struct arena *a, const char *name)
{
	return arena_printf(a, "arn:aws:states:%s:%s:stateMachine:%s", s->o.region, s->o.account, name);
}

int states__machine_name(struct op_ctx *cx, const char *arn, const char **ret)
{
	struct view rest = view_str(arn), part[6];

	if (!view_starts(rest, VIEW("arn:")))
		return aws_fail(&cx->err, &STATES_INVALID_ARN, "Invalid Arn: 'Invalid ARN prefix: %s'", arn);
	for (size_t i = 0; i < ARRAY_LEN(part); i++)
		if (!view_split(&rest, ':', &part[i]))
			return aws_fail(&cx->err, &STATES_INVALID_ARN, "Invalid Arn: '%s'", arn);
	if (!view_eq_str(part[2], "states") || !view_eq_str(part[5], "stateMachine") || !rest.p || rest.n == 0)
		return aws_fail(&cx->err, &STATES_INVALID_ARN, "Invalid Arn: 'Resource type not valid in this context: %s'", arn);
	if (view_chr(rest, ':') >= 0 || view_chr(rest, '/') >= 0) /* versions, aliases and map runs do not exist */
		return aws_fail(&cx->err, &STATES_NO_MACHINE, "State Machine Does Not Exist: '%s'", arn);
	*ret = arena_str(cx->arena, rest);
	return 0;
}

int states__check_name(const char *name, struct err *e)
{
	static const char bad[] = "<>{}[]?*\"#%\\^|~`$&,;:/ ";

	for (const char *p = name; *p; p++)
		if ((unsigned char)*p <= 0x20 || *p == 0x7f || strchr(bad, *p))
			return aws_fail(e, &STATES_INVALID_NAME, "Invalid Name: '%s'", name);
	return 0;
}

int states__token(struct op_ctx *cx, const char *token, const char **ret)
{
	struct view v = VIEW("");

	if (token && (!base64_decode_arena(cx->arena, view_str(token), &v) || v.n == 0))
		return aws_fail(&cx->err, &STATES_INVALID_TOKEN, "Invalid Token: 'Invalid token'");
	*ret = token ? arena_str(cx->arena, v) : NULL;
	return 0;
}

void states__out_token(struct op_ctx *cx, const char *text, struct out *o)
{
	out_view(o, "nextToken", base64_encode_arena(cx->arena, view_str(text)));
}

int states__machine_tx(struct meta_tx *tx, const char *name, struct arena *a, struct machine *ret, struct err *e)
{
	struct tx_rows *r;
	int rc = tx_one(tx, &r, e,
			"SELECT m.name, m.definition, d.text, m.role, m.revision, m.created_ms, m.updated_ms FROM states_machine m"
			" JOIN states_definition d ON d.id = m.definition WHERE m.name = ?", "s", name);

	if (rc > 0) {
		*ret = (struct machine){ .name = row_str(r, 0, a), .definition_id = row_str(r, 1, a),
					 .definition = row_str(r, 2, a), .role = row_str(r, 3, a), .revision = row_str(r, 4, a),
					 .created_ms = row_int(r, 5), .updated_ms = row_int(r, 6) };
		tx_end(r);
	}
	return rc;
}

/* --- create and update --- */
struct work {
	struct states *s;
	struct arena *a;
	const char *name, *definition, *definition_id, *role, *revision;
	int64_t now;
	struct machine m;
	bool update;
};

static int keep_definition(struct meta_tx *tx, const struct work *w, struct err *e)
{
	if (!w->definition)
		return 0;
	return tx_run(tx, e, "INSERT INTO states_definition (id, text) VALUES (?, ?) ON CONFLICT (id) DO NOTHING", "ss",
		      w->definition_id, w->definition);
}

static int create_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct work *w = arg;
	int r = states__machine_tx(tx, w->name, w->a, &w->m, e);

	if (r < 0)
		return r;
	if (r > 0) {
		if (view_eq_str(view_str(w->m.definition_id), w->definition_id) && view_eq_str(view_str(w->m.role), w->role))
			return 0; /* the same again */
		return aws_fail(e, &STATES_MACHINE_EXISTS, "State Machine Already Exists: '%s'",
				states__machine_arn(w->s, w->a, w->name));
	}
	w->m.created_ms = w->now;
	r = keep_definition(tx, w, e);
	if (r < 0)
		return r;
	return tx_run(tx, e,
		      "INSERT INTO states_machine (name, definition, role, revision, created_ms, updated_ms)"
		      " VALUES (?, ?, ?, '', ?, ?)", "sssii", w->name, w->definition_id, w->role, w->now, w->now);
}

static int update_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct work *w = arg;
	int r = states__machine_tx(tx, w->name, w->a, &w->m, e);

	if (r < 0)
		return r;
	if (r == 0)
		return aws_fail(e, &STATES_NO_MACHINE, "State Machine Does Not Exist: '%s'",
				states__machine_arn(w->s, w->a, w->name));
	r = keep_definition(tx, w, e);
	if (r < 0)
		return r;
	return tx_run(tx, e, "UPDATE states_machine SET definition = ?, role = ?, revision = ?, updated_ms = ? WHERE name = ?",
		      "sssis", w->definition ? w->definition_id : w->m.definition_id, w->role ? w->role : w->m.role, w->revision,
		      w->now, w->name);
}

static int check_settings(struct op_ctx *cx, const struct machine_in *in)
{
	if (in->tracing && opt_bool_or(in->tracing->enabled, false))
		return aws_fail(&cx->err, &STATES_INVALID_TRACING,
				"Invalid Tracing Configuration: 'tracingConfiguration.enabled true is not supported'");
	if (opt_bool_or(in->publish, false))
		return aws_fail(&cx->err, &AWS_VALIDATION, "publish true is not supported: there are no versions yet");
	if (in->tags.n)
		return aws_fail(&cx->err, &AWS_VALIDATION, "tags are not supported yet");
	return 0;
}

static int check_definition(struct op_ctx *cx, const char *text)
{
	const struct states *s = cx->self;
	struct asl_problem p = { 0 };
	struct asl *m = asl_compile(view_str(text), s->registry, cx->arena, &p);

	if (m) {
		asl_free(m);
		return 0;
	}
	return aws_fail(&cx->err, &STATES_INVALID_DEFINITION, "Invalid State Machine Definition: '%s: %s at %s'", p.code,
			p.message, p.location);
}

static int prepare(struct op_ctx *cx, const struct machine_in *in, struct work *w)
{
	char *hex = arena_alloc(cx->arena, 65), *id = arena_alloc(cx->arena, UUID_TEXT);
	int r = check_settings(cx, in);

	if (r == 0 && in->definition)
		r = check_definition(cx, in->definition);
	if (in->definition)
		sha256_hex(view_str(in->definition), hex);
	uuid4(id);
	w->s = cx->self;
	w->a = cx->arena;
	w->definition = in->definition;
	w->definition_id = hex;
	w->role = in->role;
	w->revision = id;
	w->now = clock_ms();
	return r;
}

int states__create(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct machine_in *in = input;
	struct work w = { .name = in->name };
	int r = states__check_name(in->name, &cx->err);

	if (r == 0)
		r = prepare(cx, in, &w);
	if (r == 0)
		r = meta_write(w.s->o.meta, create_tx, &w, &cx->err);
	if (r < 0)
		return r;
	out_str(o, "stateMachineArn", states__machine_arn(w.s, cx->arena, in->name));
	out_time(o, "creationDate", w.m.created_ms);
	return 0;
}

int states__update(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct machine_in *in = input;
	struct work w = { 0 };
	int r = states__machine_name(cx, in->arn, &w.name);

	if (r == 0 && !in->definition && !in->role && !in->logging && !in->tracing)
		return aws_fail(&cx->err, &STATES_MISSING_PARAMETER, "Either the definition, the role ARN, the LoggingConfiguration, "
				"or the TracingConfiguration must be specified");
	if (r == 0)
		r = prepare(cx, in, &w);
	if (r == 0)
		r = meta_write(w.s->o.meta, update_tx, &w, &cx->err);
	if (r < 0)
		return r;
	out_time(o, "updateDate", w.now);
	out_str(o, "revisionId", w.revision);
	return 0;
}

/* --- describe, list, delete --- */
static int find_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct work *w = arg;
	int r = states__machine_tx(tx, w->name, w->a, &w->m, e);

	if (r != 0)
		return r < 0 ? r : 0;
	return aws_fail(e, &STATES_NO_MACHINE, "State Machine Does Not Exist: '%s'", states__machine_arn(w->s, w->a, w->name));
}

void states__out_settings(struct out *o)
{
	out_obj(o, "loggingConfiguration");
	out_str(o, "level", "OFF");
	out_bool(o, "includeExecutionData", false);
	out_obj_end(o);
	out_obj(o, "tracingConfiguration");
	out_bool(o, "enabled", false);
	out_obj_end(o);
}

int states__describe(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct arn_in *in = input;
	struct work w = { .s = cx->self, .a = cx->arena };
	int r = states__machine_name(cx, in->arn, &w.name);

	if (r == 0)
		r = meta_read(w.s->o.meta, find_tx, &w, &cx->err);
	if (r < 0)
		return r;
	out_str(o, "stateMachineArn", states__machine_arn(w.s, cx->arena, w.name));
	out_str(o, "name", w.name);
	out_str(o, "status", "ACTIVE");
	out_str(o, "definition", w.m.definition);
	out_str(o, "roleArn", w.m.role);
	out_str(o, "type", "STANDARD");
	out_time(o, "creationDate", w.m.created_ms);
	states__out_settings(o);
	if (*w.m.revision) /* a machine that was never updated has none */
		out_str(o, "revisionId", w.m.revision);
	return 0;
}

static int delete_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct work *w = arg;

	return tx_run(tx, e, "DELETE FROM states_machine WHERE name = ?", "s", w->name);
}

/* Running executions go on: they have their definition. */
int states__delete(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct arn_in *in = input;
	struct work w = { .s = cx->self, .a = cx->arena };
	int r = states__machine_name(cx, in->arn, &w.name);

	return r < 0 ? r : meta_write(w.s->o.meta, delete_tx, &w, &cx->err);
}

struct list_work {
	struct arena *a;
	const char *after;
	int64_t max;
	struct machine *v;
	size_t n;
};

static int list_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct list_work *w = arg;
	struct tx_rows *r;
	int rc = tx_query(tx, &r, e, "SELECT name, created_ms FROM states_machine WHERE name > ? ORDER BY name LIMIT ?", "si",
			  w->after ? w->after : "", w->max + 1);

	while (rc == 0 && (rc = tx_next(r, e)) > 0) {
		w->v[w->n++] = (struct machine){ .name = row_str(r, 0, w->a), .created_ms = row_int(r, 1) };
		rc = 0;
	}
	return rc;
}

int states__list(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct list_in *in = input;
	struct states *s = cx->self;
	struct list_work w = { .a = cx->arena, .max = opt_int_or(in->max, 0) };
	int r = states__token(cx, in->token, &w.after);

	w.max = w.max ? w.max : LIST_DEFAULT;
	w.v = ARENA_ARRAY(cx->arena, struct machine, LIST_MAX + 1);
	if (r == 0)
		r = meta_read(s->o.meta, list_tx, &w, &cx->err);
	if (r < 0)
		return r;
	out_list(o, "stateMachines", NULL);
	for (size_t i = 0; i < w.n && (int64_t)i < w.max; i++) {
		out_obj(o, NULL);
		out_str(o, "stateMachineArn", states__machine_arn(s, cx->arena, w.v[i].name));
		out_str(o, "name", w.v[i].name);
		out_str(o, "type", "STANDARD");
		out_time(o, "creationDate", w.v[i].created_ms);
		out_obj_end(o);
	}
	out_list_end(o);
	if ((int64_t)w.n > w.max)
		states__out_token(cx, w.v[w.max - 1].name, o);
	return 0;
}

/* Nothing can have tags yet: the list is empty, for what exists. */
int states__tags(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct arn_in *in = input;
	struct work w = { .s = cx->self, .a = cx->arena };
	int r = states__machine_name(cx, in->arn, &w.name);

	if (r == 0)
		r = meta_read(w.s->o.meta, find_tx, &w, &cx->err);
	if (r < 0 && cx->err.wire == &STATES_NO_MACHINE) {
		err_clear(&cx->err);
		r = aws_fail(&cx->err, &STATES_NO_RESOURCE, "Resource not found: '%s'", in->arn);
	}
	if (r < 0)
		return r;
	out_list(o, "tags", NULL);
	out_list_end(o);
	return 0;
}

int states__validate(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct validate_in *in = input;
	const struct states *s = cx->self;
	struct asl_problem p = { 0 };
	struct asl *m = asl_compile(view_str(in->definition), s->registry, cx->arena, &p);

	out_str(o, "result", m ? "OK" : "FAIL");
	out_list(o, "diagnostics", NULL);
	if (!m) {
		out_obj(o, NULL);
		out_str(o, "severity", "ERROR");
		out_str(o, "code", p.code);
		out_str(o, "message", p.message);
		out_str(o, "location", p.location);
		out_obj_end(o);
	}
	out_list_end(o);
	out_bool(o, "truncated", false);
	asl_free(m);
	return 0;
}
