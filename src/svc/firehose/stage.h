/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stage -- what happens to records between the log and their targets.
 *
 * A batch of the log becomes items, one per record; each stage that is configured replaces them in AWS's order (enum
 * fh_stage); then every item goes to its target.  A stage is one file, stage_<name>.c, that exports one struct
 * fh_stage_def, and one row in stages.c.  A row whose def is NULL is a processor that AWS knows and this server
 * refuses by name: a stage that works puts its def there.
 *
 * What a stage may do with an item:
 *   - give it other data (in b->a), or views into what it had;
 *   - replace it by several (b->v and b->n anew, from b->a): .seq, .at_ms and .raw stay, .sub counts from 0 over what
 *     became of one record, keys are inherited;
 *   - add keys: partition keys of its namespace; delivery evaluates the Prefix with them;
 *   - fail it: fh__fail(); it passes later stages untouched (each stage skips items with .failed) and goes to the error
 *     target as AWS's document with .raw;
 *   - drop it (.dropped: a Lambda function said so): accounted for, delivered nowhere; later stages skip it as well.
 * It may not lose one: for every seq that came in there is at least one item that goes out.
 *
 * Threads:  one worker works on a stream at a time; streams of several workers share nothing but what a def's own
 *           file locks.
 * Memory:   b->a lasts until the items are in their buffers; views of b->v[].raw and .data as long.
 * Same in, same out, unless .varies says otherwise: after a crash the records that were not delivered pass again.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/view.h"

struct fh_stream;
struct fh_check;

struct fh_key {
	struct view name, value;
};

struct fh_item {
	uint64_t seq;          /* its record in the log */
	uint32_t sub;          /* which part of it, from 0 */
	int64_t at_ms;         /* when the record was accepted */
	struct view raw, data; /* as it was put; what the stages made of it */
	size_t size;           /* bytes that count for the buffering hint: those before format conversion; 0: those of data */
	const struct fh_key *query, *lambda; /* partition keys: partitionKeyFromQuery, partitionKeyFromLambda */
	size_t n_query, n_lambda;
	const char *failed;    /* NULL, or the error-output-type: "processing-failed", "format-conversion-failed", ... */
	const char *code, *message;
	unsigned attempts;
	const char *lambda_arn; /* of the function that failed it; NULL: none */
	bool dropped;
};

struct fh_batch {
	struct arena *a;
	struct fh_item *v;
	size_t n;
};

/* AWS's order; the wire's names are in stages.c. */
enum fh_stage {
	FH_DECOMPRESSION,
	FH_CLOUDWATCH_LOGS,
	FH_LAYOUT, /* "mulgil:Layout", ours: frames as JSON, which the next one takes apart */
	FH_DEAGGREGATION,
	FH_LAMBDA,
	FH_METADATA,
	FH_DELIMITER,
	FH_STAGES
};

struct fh_processor;

struct fh_stage_def {
	/* At creation, and whenever delivery begins: looks at all parameters, keeps what run() needs in p->state (memory of
	 * x->a).  A parameter that it does not know is refused: fh__param_only().  Errors: fh__processor_invalid(). */
	int (*parse)(const struct fh_check *x, struct fh_processor *p);
	/* 0, or negative when it cannot be done now (the batch is read again later); never because of what a record holds. */
	int (*run)(struct fh_stream *s, const struct fh_processor *p, struct fh_batch *b, struct err *e);
	/* The same record may come out another time with other keys, data or parts: a function, or jq's "now".  NULL: never. */
	bool (*varies)(const struct fh_processor *p);
	/* The keys that run() gives every item that it does not fail: the Prefix may ask for these and no others.  NULL: the
	 * stage has none, or (Lambda) nobody knows them before. */
	size_t (*keys)(const struct fh_processor *p, const char *const **ret);
	/* Frees what parse() made outside of the arena (jq programs).  NULL: nothing. */
	void (*release)(struct fh_processor *p);
};

struct fh_param {
	const char *name, *value;
};

struct fh_processor {
	enum fh_stage kind;
	const struct fh_stage_def *def;
	const struct fh_param *params;
	size_t n_params;
	void *state; /* the stage's own */
};

/* --- for the files of stages --- */
/* NULL if it was not given. */
const char *fh__param(const struct fh_processor *p, const char *name);
/* InvalidArgumentException that names the first parameter that is not in @names (NULL-terminated), or is there twice. */
int fh__param_only(const struct fh_check *x, const struct fh_processor *p, const char *const *names) MUST_CHECK;
/* "<kind>.ProcessingConfiguration.Processors.<Type>: <text>" */
int fh__processor_invalid(const struct fh_check *x, const struct fh_processor *p, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* @type: the error-output-type; texts are constants or live in the batch's arena. */
void fh__fail(struct fh_item *it, const char *type, const char *code, const char *message, unsigned attempts);
#define FH_DECOMPRESSION_FAILED "decompression-failed", "Decompression failed." /* as seen in AWS's documents */
/* Whether @n more bytes of b->a leave the stages behind room enough.  What does not fit fails: no batch can be so large that
 * the server ends. */
bool fh__fits(const struct fh_batch *b, size_t n);
static inline bool fh__is_open(const struct fh_item *it) /* a stage has something to do */
{
	return !it->failed && !it->dropped;
}

/* --- stages.c --- */
const char *fh__stage_type(enum fh_stage kind); /* the wire's name */
/* ProcessingConfiguration into processors, in the order of enum fh_stage. */
int fh__stages_parse(const struct fh_check *x, const struct json *processing, struct fh_processor **ret, size_t *ret_n)
	MUST_CHECK;
int fh__stages_run(struct fh_stream *s, const struct fh_processor *v, size_t n, struct fh_batch *b, struct err *e)
	MUST_CHECK;
bool fh__stages_vary(const struct fh_processor *v, size_t n);
void fh__stages_release(struct fh_processor *v, size_t n);
const struct fh_processor *fh__stages_find(const struct fh_processor *v, size_t n, enum fh_stage kind);
/* The defs, each in its stage_<name>.c; one row each in stages.c. */
extern const struct fh_stage_def fh__stage_deaggregation, fh__stage_decompression, fh__stage_delimiter, fh__stage_lambda,
	fh__stage_layout, fh__stage_logs, fh__stage_metadata;
