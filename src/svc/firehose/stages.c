/* SPDX-License-Identifier: Apache-2.0 */
/* stages -- the table of processors, and running those that a stream has. */
#include <stdarg.h>
#include <stdio.h>

#include "base/limits.h"
#include "svc/firehose/config.h"
#include "svc/firehose/firehose_int.h"

#define ROOM_LEFT (64 * MIB) /* of a batch's arena, for items and what is small */

static const struct {
	const char *type;
	const struct fh_stage_def *def; /* NULL: refused by name */
} table[FH_STAGES] = {
	[FH_DECOMPRESSION] = { "Decompression", &fh__stage_decompression },
	[FH_CLOUDWATCH_LOGS] = { "CloudWatchLogProcessing", &fh__stage_logs },
	[FH_LAYOUT] = { "mulgil:Layout", &fh__stage_layout },
	[FH_DEAGGREGATION] = { "RecordDeAggregation", &fh__stage_deaggregation },
	[FH_LAMBDA] = { "Lambda", &fh__stage_lambda },
	[FH_METADATA] = { "MetadataExtraction", &fh__stage_metadata },
	[FH_DELIMITER] = { "AppendDelimiterToRecord", &fh__stage_delimiter },
};

const char *fh__stage_type(enum fh_stage kind)
{
	return table[kind].type;
}

/* --- parameters --- */

const char *fh__param(const struct fh_processor *p, const char *name)
{
	for (size_t i = 0; i < p->n_params; i++)
		if (strcmp(p->params[i].name, name) == 0)
			return p->params[i].value;
	return NULL;
}

int fh__processor_invalid(const struct fh_check *x, const struct fh_processor *p, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return fh__invalid(x, "ProcessingConfiguration.Processors.%s: %s", table[p->kind].type, text);
}

static bool is_in(const char *const *names, const char *name)
{
	for (; *names; names++)
		if (strcmp(*names, name) == 0)
			return true;
	return false;
}

int fh__param_only(const struct fh_check *x, const struct fh_processor *p, const char *const *names)
{
	for (size_t i = 0; i < p->n_params; i++) {
		const char *name = p->params[i].name;

		if (!is_in(names, name))
			return fh__processor_invalid(x, p, "the parameter %s is not supported", name);
		if (fh__param(p, name) != p->params[i].value)
			return fh__processor_invalid(x, p, "the parameter %s is given twice", name);
	}
	return 0;
}

/* --- parsing --- */

static int find_kind(const struct fh_check *x, struct view type, enum fh_stage *ret)
{
	for (int i = 0; i < FH_STAGES; i++) {
		if (!view_eq_str(type, table[i].type))
			continue;
		if (!table[i].def)
			return fh__invalid(x, "ProcessingConfiguration.Processors: the Type %s is not supported by mulgil",
					   table[i].type);
		*ret = (enum fh_stage)i;
		return 0;
	}
	return fh__invalid(x, "ProcessingConfiguration.Processors: the Type %.*s is not known", VIEW_ARG(type));
}

static int parse_one(const struct fh_check *x, const struct json *v, struct fh_processor *p)
{
	const struct json *list = json_get(v, "Parameters");
	struct fh_param *params = ARENA_ARRAY(x->a, struct fh_param, json_len(list) + 1);
	int rc = find_kind(x, json_get_str(v, "Type"), &p->kind);

	if (rc)
		return rc;
	for (size_t i = 0; i < json_len(list); i++)
		params[i] = (struct fh_param){
			arena_str(x->a, json_get_str(json_at(list, i), "ParameterName")),
			arena_str(x->a, json_get_str(json_at(list, i), "ParameterValue")),
		};
	p->def = table[p->kind].def;
	p->params = params;
	p->n_params = json_len(list);
	return p->def->parse(x, p);
}

int fh__stages_parse(const struct fh_check *x, const struct json *processing, struct fh_processor **ret, size_t *ret_n)
{
	const struct json *list = json_get(processing, "Processors");
	struct fh_processor *v = ARENA_ARRAY(x->a, struct fh_processor, FH_STAGES);
	struct fh_processor one[FH_STAGES] = { 0 };
	bool there[FH_STAGES] = { false };
	size_t n = 0;

	for (size_t i = 0; i < json_len(list); i++) {
		struct fh_processor p = { 0 };
		int rc = parse_one(x, json_at(list, i), &p);

		if (!rc && there[p.kind]) {
			fh__stages_release(&p, 1);
			rc = fh__invalid(x, "ProcessingConfiguration.Processors: the Type %s is given twice", table[p.kind].type);
		}
		if (rc) {
			fh__stages_release(one, FH_STAGES);
			return rc;
		}
		there[p.kind] = true;
		one[p.kind] = p;
	}
	if (there[FH_CLOUDWATCH_LOGS] && !there[FH_DECOMPRESSION]) {
		fh__stages_release(one, FH_STAGES);
		return fh__invalid(x, "ProcessingConfiguration.Processors: CloudWatchLogProcessing needs Decompression");
	}
	for (int i = 0; i < FH_STAGES; i++)
		if (there[i])
			v[n++] = one[i];
	*ret = v;
	*ret_n = n;
	return 0;
}

void fh__stages_release(struct fh_processor *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].def && v[i].def->release)
			v[i].def->release(&v[i]);
}

const struct fh_processor *fh__stages_find(const struct fh_processor *v, size_t n, enum fh_stage kind)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].kind == kind)
			return &v[i];
	return NULL;
}

/* --- running --- */

bool fh__fits(const struct fh_batch *b, size_t n)
{
	size_t room = b->a->max - b->a->used;

	return room > ROOM_LEFT && n < room - ROOM_LEFT;
}

void fh__fail(struct fh_item *it, const char *type, const char *code, const char *message, unsigned attempts)
{
	it->failed = type;
	it->code = code;
	it->message = message;
	it->attempts = attempts;
}

int fh__stages_run(struct fh_stream *s, const struct fh_processor *v, size_t n, struct fh_batch *b, struct err *e)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].def->run(s, &v[i], b, e) < 0)
			return err_ctx(e, "%s", table[v[i].kind].type);
	return 0;
}

bool fh__stages_vary(const struct fh_processor *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].def->varies && v[i].def->varies(&v[i]))
			return true;
	return false;
}
