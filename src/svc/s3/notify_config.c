/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notify_config -- who wants to be told of a bucket's events.
 *
 * Kept as S3_NOTIFY_KIND in the SDK's shape; that EventBridge is told is a bit of the bucket's row, and so is that
 * there is a document at all.
 */
#include "svc/s3/s3_ops.h"

#define ID_MAX 255
#define VALUE_MAX 1024
#define TOLD_MAX 3 /* destinations that one error names */

/* --- pure --- */

static bool event_fits(struct view pattern, const char *event)
{
	pattern = view_from(pattern, 3); /* "s3:" */
	if (view_ends(pattern, VIEW(":*")))
		return view_starts(view_str(event), view_sub(pattern, 0, pattern.n - 1));
	return view_eq_str(pattern, event);
}

static struct view rule_of(const struct json *config, const char *name)
{
	const struct json *rules = json_get(json_get(json_get(config, "Filter"), "Key"), "FilterRules");

	for (size_t i = 0; i < json_len(rules); i++)
		if (view_eq_str(json_get_str(json_at(rules, i), "Name"), name))
			return json_get_str(json_at(rules, i), "Value");
	return VIEW("");
}

bool s3__notify_wants(const struct json *config, const char *event, struct view key)
{
	const struct json *events = json_get(config, "Events");

	if (!view_starts(key, rule_of(config, "Prefix")) || !view_ends(key, rule_of(config, "Suffix")))
		return false;
	for (size_t i = 0; i < json_len(events); i++)
		if (event_fits(json_str(json_at(events, i)), event))
			return true;
	return false;
}

/* Two patterns that one event could fit. */
static bool events_meet(struct view a, struct view b)
{
	struct view front_a = view_sub(a, 0, a.n - 1), front_b = view_sub(b, 0, b.n - 1);

	return view_eq(a, b) || (view_ends(a, VIEW(":*")) && view_starts(b, front_a)) ||
	       (view_ends(b, VIEW(":*")) && view_starts(a, front_b));
}

static bool share_event(const struct json *a, const struct json *b)
{
	const struct json *x = json_get(a, "Events"), *y = json_get(b, "Events");

	for (size_t i = 0; i < json_len(x); i++)
		for (size_t k = 0; k < json_len(y); k++)
			if (events_meet(json_str(json_at(x, i)), json_str(json_at(y, k))))
				return true;
	return false;
}

/* Is there a key that both want? */
static bool share_keys(const struct json *a, const struct json *b)
{
	struct view pa = rule_of(a, "Prefix"), pb = rule_of(b, "Prefix");
	struct view sa = rule_of(a, "Suffix"), sb = rule_of(b, "Suffix");

	return (view_starts(pa, pb) || view_starts(pb, pa)) && (view_ends(sa, sb) || view_ends(sb, sa));
}

/* --- from the request --- */

struct building {
	struct op_ctx *cx;
	const struct json *all[2]; /* of queues, of functions */
	struct json *doc;
};

static int invalid(struct op_ctx *cx, const char *argument, const char *value, const char *text)
{
	op_error_detail(cx, "ArgumentName", argument);
	op_error_detail(cx, "ArgumentValue", value ? value : "");
	return aws_fail(&cx->err, &S3_INVALID_ARGUMENT, "%s", text);
}

/* AWS gives the names back with a capital. */
static const char *rule_name(const char *name)
{
	if (name && view_eq_nocase(view_str(name), VIEW("prefix")))
		return "Prefix";
	return name && view_eq_nocase(view_str(name), VIEW("suffix")) ? "Suffix" : NULL;
}

static int add_rules(struct op_ctx *cx, const struct op_list *list, struct json *to)
{
	const struct in_filter_rule *v = list->v;
	struct arena *a = cx->arena;
	bool seen[2] = { false, false };

	for (size_t i = 0; i < list->n; i++) {
		const char *name = rule_name(v[i].name), *value = v[i].value ? v[i].value : "";
		struct json *rule = json_new_obj(a);
		bool *twice = &seen[name && name[0] == 'S'];

		if (!name)
			return invalid(cx, "FilterRule.Name", v[i].name, "filter rule name must be either prefix or suffix");
		if (*twice)
			return invalid(cx, "FilterRule.Name", v[i].name, name[0] == 'S' ?
				       "Cannot specify more than one suffix rule in a filter." :
				       "Cannot specify more than one prefix rule in a filter.");
		if (view_str(value).n > VALUE_MAX)
			return invalid(cx, "FilterRule.Value", NULL,
				       "Size of filter rule value cannot exceed 1024 bytes in UTF-8 representation");
		*twice = true;
		json_set_str(a, rule, "Name", name);
		json_set_str(a, rule, "Value", value);
		json_push(a, to, rule);
	}
	return 0;
}

static int build_one(struct op_ctx *cx, const struct in_notify_to *in, const char *member, struct json **ret)
{
	struct arena *a = cx->arena;
	struct json *c = json_new_obj(a), *events = json_new_arr(a), *rules = json_new_arr(a), *key = json_new_obj(a),
		    *filter = json_new_obj(a);
	const char *const *names = in->events.v;
	char id[UUID_TEXT];
	int rc = 0;

	uuid4(id);
	if (in->id && view_str(in->id).n > ID_MAX)
		return invalid(cx, "Id", NULL, "ID length should not exceed 255");
	json_set_str(a, c, "Id", in->id && *in->id ? in->id : id);
	json_set_str(a, c, member, in->arn);
	for (size_t i = 0; i < in->events.n; i++)
		json_push(a, events, json_new_cstr(a, names[i]));
	json_set(a, c, "Events", events);
	if (!in->events.n)
		return aws_fail(&cx->err, &S3_MALFORMED_XML, "The XML you provided was not well-formed or did not validate "
				"against our published schema");
	if (in->filter) {
		rc = in->filter->key ? add_rules(cx, &in->filter->key->rules, rules) : 0;
		json_set(a, key, "FilterRules", rules);
		json_set(a, filter, "Key", key);
		json_set(a, c, "Filter", filter);
	}
	*ret = c;
	return rc;
}

static int clash(struct op_ctx *cx, const struct json *a, const struct json *b)
{
	if (view_eq(json_get_str(a, "Id"), json_get_str(b, "Id")))
		return aws_fail(&cx->err, &S3_INVALID_ARGUMENT, "Same ID used for multiple configurations. IDs must be unique");
	if (!share_event(a, b) || !share_keys(a, b))
		return 0;
	if (json_get(a, "Filter") && json_get(b, "Filter"))
		return aws_fail(&cx->err, &S3_INVALID_ARGUMENT, "Configuration is ambiguously defined. Cannot have overlapping "
				"suffixes in two rules if the prefixes are overlapping for the same event type.");
	return aws_fail(&cx->err, &S3_INVALID_ARGUMENT, "Configurations overlap. Configurations on the same bucket cannot share "
			"a common event type.");
}

static int add_all(struct building *b, size_t kind, const struct op_list *list)
{
	static const char *const names[][2] = { { "QueueConfigurations", "QueueArn" },
						{ "LambdaFunctionConfigurations", "LambdaFunctionArn" } };
	const struct in_notify_to *v = list->v;
	struct json *all = json_new_arr(b->cx->arena), *c = NULL;
	int rc = 0;

	if (list->n > S3_NOTIFY_MAX)
		return aws_fail(&b->cx->err, &S3_INVALID_ARGUMENT, "A bucket can have at most %d notification configurations.",
				S3_NOTIFY_MAX);
	for (size_t i = 0; !rc && i < list->n; i++) {
		rc = build_one(b->cx, &v[i], names[kind][1], &c);
		for (size_t k = 0; !rc && kind && k < json_len(b->all[0]); k++)
			rc = clash(b->cx, json_at(b->all[0], k), c);
		for (size_t k = 0; !rc && k < json_len(all); k++)
			rc = clash(b->cx, json_at(all, k), c);
		if (!rc)
			json_push(b->cx->arena, all, c);
	}
	b->all[kind] = all;
	if (json_len(all))
		json_set(b->cx->arena, b->doc, names[kind][0], all);
	return rc;
}

/* Every destination has to be there; the error names those that are not. */
static int check_targets(struct op_ctx *cx, const struct in_notify_config *in)
{
	const struct s3 *s = cx->self;
	const struct op_list *lists[] = { &in->queues, &in->functions };
	unsigned bad = 0;

	for (size_t l = 0; s->events.target && l < ARRAY_LEN(lists); l++) {
		const struct in_notify_to *v = lists[l]->v;

		for (size_t i = 0; i < lists[l]->n && bad < TOLD_MAX; i++) {
			struct err e = { 0 };
			bool kind = view_find(view_str(v[i].arn), l ? VIEW(":lambda:") : VIEW(":sqs:")) > 0;
			int rc = kind ? s->events.target(s->events.self, v[i].arn, cx->arena, &e) : ERR_UNSUPPORTED;

			if (!rc)
				continue;
			if (rc != ERR_NOENT && rc != ERR_UNSUPPORTED) {
				cx->err = e;
				return rc;
			}
			bad++;
			op_error_detail(cx, arena_printf(cx->arena, "ArgumentName%u", bad), v[i].arn);
			op_error_detail(cx, arena_printf(cx->arena, "ArgumentValue%u", bad),
					kind && rc == ERR_NOENT ? e.msg : "The ARN could not be parsed");
		}
	}
	return !bad ? 0 : aws_fail(&cx->err, &S3_INVALID_ARGUMENT,
				   "Unable to validate the following destination configurations");
}

/* --- the operations --- */

struct notify_arg {
	struct op_ctx *cx;
	const char *bucket;
	unsigned notify;
	const char *doc;
	const struct json *queues; /* to be sent a test event */
	struct s3_bucket found;
};

static int put_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct notify_arg *a = arg;
	struct s3 *s = a->cx->self;
	struct arena *m = a->cx->arena;
	struct s3_who who = s3__who(a->cx, NULL);
	int rc = s3__bucket_need(tx, a->bucket, NULL, e);

	if (!rc)
		rc = s3__bucket_notify(tx, a->bucket, a->notify, e);
	if (!rc)
		rc = a->notify & S3_NOTIFY_TARGETS ? s3__config_put(tx, a->bucket, S3_NOTIFY_KIND, a->doc, e) :
						     s3__config_remove(tx, a->bucket, S3_NOTIFY_KIND, e);
	for (size_t i = 0; !rc && s->events.emit_tx && i < json_len(a->queues); i++) {
		const struct json *c = json_at(a->queues, i);

		rc = s3__emit_test(tx, s, a->bucket, arena_str(m, json_get_str(c, "Id")),
				   arena_str(m, json_get_str(c, "QueueArn")), &who, m, e);
	}
	return rc;
}

int s3__put_notification(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct in_notify *in = input;
	struct s3 *s = cx->self;
	struct building b = { .cx = cx, .doc = json_new_obj(cx->arena) };
	struct notify_arg a = { .cx = cx, .bucket = in->bucket };
	bool skip = opt_bool_or(in->skip_validation, false);
	int rc = s3__check_owner(cx, in->owner);

	if (!rc)
		rc = add_all(&b, 0, &in->config->queues);
	if (!rc)
		rc = add_all(&b, 1, &in->config->functions);
	if (!rc && !skip)
		rc = check_targets(cx, in->config);
	if (rc)
		return rc;
	a.notify = in->config->eventbridge ? S3_NOTIFY_BUS : 0;
	if (json_len(b.doc))
		a.notify |= S3_NOTIFY_TARGETS;
	a.doc = json_text(cx->arena, b.doc);
	a.queues = skip ? NULL : b.all[0];
	return meta_write(s->meta, put_fn, &a, &cx->err);
}

static int get_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct notify_arg *a = arg;
	int rc = s3__bucket_need(tx, a->bucket, &a->found, e);

	if (!rc)
		rc = s3__config_get(tx, a->bucket, S3_NOTIFY_KIND, a->cx->arena, &a->doc, e);
	return rc < 0 ? rc : 0;
}

static void out_member(struct out *o, const struct json *v, const char *member, const char *name)
{
	out_view(o, name, json_get_str(v, member));
}

static void out_config(struct out *o, const struct json *c, const char *member, const char *name)
{
	const struct json *events = json_get(c, "Events");
	const struct json *rules = json_get(json_get(json_get(c, "Filter"), "Key"), "FilterRules");

	out_obj(o, NULL);
	out_member(o, c, "Id", "Id");
	out_member(o, c, member, name);
	out_list(o, NULL, "Event");
	for (size_t i = 0; i < json_len(events); i++)
		out_view(o, NULL, json_str(json_at(events, i)));
	out_list_end(o);
	if (rules) {
		out_obj(o, "Filter");
		out_obj(o, "S3Key");
		out_list(o, NULL, "FilterRule");
		for (size_t i = 0; i < json_len(rules); i++) {
			out_obj(o, NULL);
			out_member(o, json_at(rules, i), "Name", "Name");
			out_member(o, json_at(rules, i), "Value", "Value");
			out_obj_end(o);
		}
		out_list_end(o);
		out_obj_end(o);
		out_obj_end(o);
	}
	out_obj_end(o);
}

int s3__get_notification(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct in_bucket *in = input;
	struct s3 *s = cx->self;
	struct notify_arg a = { .cx = cx, .bucket = in->bucket };
	const struct json *doc = NULL, *some;
	int rc = s3__check_owner(cx, in->owner);

	if (!rc)
		rc = meta_read(s->meta, get_fn, &a, &cx->err);
	if (!rc && a.doc && !(doc = json_parse(cx->arena, view_str(a.doc), JSON_DEPTH, &cx->err)))
		rc = cx->err.code;
	if (rc)
		return rc;
	out_root(o, "NotificationConfiguration");
	some = json_get(doc, "QueueConfigurations");
	out_list(o, NULL, "QueueConfiguration");
	for (size_t i = 0; i < json_len(some); i++)
		out_config(o, json_at(some, i), "QueueArn", "Queue");
	out_list_end(o);
	some = json_get(doc, "LambdaFunctionConfigurations");
	out_list(o, NULL, "CloudFunctionConfiguration");
	for (size_t i = 0; i < json_len(some); i++)
		out_config(o, json_at(some, i), "LambdaFunctionArn", "CloudFunction");
	out_list_end(o);
	if (a.found.notify & S3_NOTIFY_BUS) {
		out_obj(o, "EventBridgeConfiguration");
		out_obj_end(o);
	}
	return 0;
}
