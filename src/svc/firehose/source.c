/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source -- where a delivery stream's records come from: a log of its own, or a Kinesis data stream's.
 *
 * A stream with a source reads that log as any consumer does, from where it ended when the delivery stream was created
 * (AWS: from LATEST on), and asks for what it has not delivered to be kept.  The data stream is known by its id, not by
 * its name alone: another one of that name is not read.
 */
#include "os/diag.h"
#include "svc/firehose/firehose_int.h"

static const char *name_of(const struct firehose *f, struct arena *a, const char *arn)
{
	struct view v = view_str(arn), prefix = view_str(arena_printf(a, "arn:aws:kinesis:%s:%s:stream/", f->region, f->account));

	return view_starts(v, prefix) && v.n > prefix.n ? arena_str(a, view_from(v, prefix.n)) : NULL;
}

static struct log *find(const struct firehose *f, const char *name, const char **ret_id)
{
	const struct kinesis_port *k = f->kinesis;

	return k && k->log && name ? k->log(k->self, name, ret_id) : NULL;
}

int fh__source_new(struct op_ctx *cx, const char *arn, const char *role, const char **ret_text, uint64_t *ret_last)
{
	struct json *o = json_new_obj(cx->arena);
	const char *id = NULL;
	struct log *log = find(cx->self, name_of(cx->self, cx->arena, arn), &id);

	if (!log)
		return aws_fail(&cx->err, &FIREHOSE_INVALID, "KinesisStreamSourceConfiguration.KinesisStreamARN: there is no data stream %s",
				arn);
	*ret_last = log_last(log);
	json_set_str(cx->arena, o, "KinesisStreamARN", arn);
	json_set_str(cx->arena, o, "RoleARN", role);
	json_set_str(cx->arena, o, "id", id);
	*ret_text = json_text(cx->arena, o);
	return 0;
}

static void hold(const struct fh_stream *s, uint64_t seq)
{
	const struct kinesis_port *k = s->f->kinesis;

	k->hold(k->self, s->source, s->id, seq);
}

int fh__source_open(struct fh_stream *s, const char *text, struct err *e)
{
	const struct json *o = json_parse(&s->arena, view_str(text), JSON_DEPTH, e);
	const char *id = NULL;
	struct log *log;

	if (!o)
		return err_ctx(e, "source of delivery stream %s", s->name);
	s->source = name_of(s->f, &s->arena, arena_str(&s->arena, json_get_str(o, "KinesisStreamARN")));
	log = find(s->f, s->source, &id);
	if (log && view_eq_str(json_get_str(o, "id"), id)) {
		s->log = log;
		hold(s, s->known + 1);
		return 0;
	}
	diag(DIAG_ERROR, "firehose", "delivery stream %s: its data stream %s was deleted: there is nothing to deliver", s->name, s->source);
	return ERR_NOENT;
}

void fh__source_keep(const struct fh_stream *s, uint64_t next)
{
	hold(s, next);
}

void fh__source_close(const struct fh_stream *s)
{
	hold(s, UINT64_MAX);
}

bool fh__source_data(const struct fh_stream *s, struct view record, struct view *ret)
{
	struct kinesis_record r;

	*ret = record;
	if (!s->source)
		return true;
	if (!s->f->kinesis->record(record, &r))
		return false;
	*ret = r.data;
	return true;
}
