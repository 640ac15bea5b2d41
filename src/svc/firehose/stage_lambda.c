/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stage_lambda -- "Lambda": records through a function, in AWS's contract (transform.h).
 *
 * Parameters: LambdaArn; NumberOfRetries (3); RoleArn, that of the destination if not given; BufferSizeInMBs (1), the
 * most that one invocation is given; BufferIntervalInSeconds (60), the longest that a record waits for others: here none
 * does, what is there is given at once.
 *
 * An invocation that fails (the function reports an error, dies, runs too long, answers too much, is not there, has no
 * process free) is tried again NumberOfRetries times; then its records have failed.  What a function answers is final,
 * however wrong.  A failure of the server itself is none of the function's: the batch is read again later.
 */
#include <poll.h>
#include <stdio.h>

#include "base/limits.h"
#include "os/clock.h"
#include "os/crypto.h"
#include "svc/firehose/config.h"
#include "svc/firehose/deliver.h"
#include "svc/firehose/transform.h"

#define ARN "LambdaArn"
#define RETRIES "NumberOfRetries"
#define ROLE "RoleArn"
#define SIZE "BufferSizeInMBs"
#define INTERVAL "BufferIntervalInSeconds"
#define RETRIES_MAX 100 /* AWS has no check; what it does with more was not seen */
#define PAUSE_MIN_MS 100
#define PAUSE_MAX_MS 10000
#define PAUSE_STEP_MS 50 /* how long it may take to see that the stream stops */

struct state {
	const char *arn;
	unsigned retries;
	size_t size_bytes;
};

/* --- parameters --- */

static bool is_whole(const char *text, uint64_t max, uint64_t *ret)
{
	return view_u64(view_str(text), max, ret);
}

/* "0.2" to "3": whole megabytes, and at most two digits behind the point. */
static bool is_size(const char *text, size_t *ret_bytes)
{
	struct view rest = view_str(text), whole;
	uint64_t mb, hundredths = 0;

	if (!view_split(&rest, '.', &whole) || !view_u64(whole, 3, &mb))
		return false;
	if (rest.p && (rest.n > 2 || !view_u64(rest, 99, &hundredths)))
		return false;
	hundredths = mb * 100 + (rest.n == 1 ? hundredths * 10 : hundredths);
	*ret_bytes = hundredths * MIB / 100;
	return hundredths >= 20 && hundredths <= 300;
}

static int parse_numbers(const struct fh_check *x, const struct fh_processor *p, struct state *st)
{
	const char *retries = fh__param(p, RETRIES), *size = fh__param(p, SIZE), *interval = fh__param(p, INTERVAL);
	uint64_t n = 3;

	st->size_bytes = MIB;
	if (retries && !is_whole(retries, RETRIES_MAX, &n))
		return fh__processor_invalid(x, p, RETRIES " is %s; 0 to %d", retries, RETRIES_MAX);
	st->retries = (unsigned)n;
	if (size && !is_size(size, &st->size_bytes))
		return fh__processor_invalid(x, p, SIZE " is %s; 0.2 to 3", size);
	if (interval && !is_whole(interval, 900, &n))
		return fh__processor_invalid(x, p, INTERVAL " is %s; 0 to 900", interval);
	return 0;
}

static bool is_function(const struct fh_check *x, const char *arn)
{
	char here[128];
	struct view v = view_str(arn);

	(void)snprintf(here, sizeof(here), ":lambda:%s:%s:function:", x->f->region, x->f->account);
	return view_starts(v, VIEW("arn:aws")) && view_find(v, view_str(here)) > 0 && !view_ends(v, view_str(here));
}

/* Asked at creation only: a function that goes later is a failure of its records. */
static int check_function(const struct fh_check *x, const struct fh_processor *p, const char *arn)
{
	const struct op_caller caller = { .account = x->f->account, .access_key = "", .source_ip = "firehose.amazonaws.com",
					  .arn = arn };
	struct json *in = json_new_obj(x->a);
	const struct json *out;
	struct err why = { 0 };

	if (!x->creating || !x->f->ops)
		return 0;
	json_set_str(x->a, in, "FunctionName", arn);
	if (op_call(x->f->ops, "lambda", "GetFunctionConfiguration", in, &caller, x->a, &out, &why) < 0)
		return fh__processor_invalid(x, p, ARN ": %s", why.msg);
	return 0;
}

static int parse(const struct fh_check *x, struct fh_processor *p)
{
	static const char *const names[] = { ARN, RETRIES, ROLE, SIZE, INTERVAL, NULL };
	struct state *st = ARENA_NEW(x->a, struct state);
	const char *role = fh__param(p, ROLE);
	int rc = fh__param_only(x, p, names);

	if (rc)
		return rc;
	st->arn = fh__param(p, ARN);
	if (!st->arn)
		return fh__processor_invalid(x, p, ARN " is needed");
	if (!is_function(x, st->arn))
		return fh__processor_invalid(x, p, ARN " '%s' is no function of this account and region", st->arn);
	if (role && !fh__is_role(view_str(role)))
		return fh__processor_invalid(x, p, ROLE " '%s' is not the ARN of a role", role);
	rc = parse_numbers(x, p, st);
	p->state = st;
	return rc ? rc : check_function(x, p, st->arn);
}

static bool varies(const struct fh_processor *p)
{
	(void)p;
	return true;
}

/* --- invocations --- */

struct transform {
	struct fh_stream *s;
	const struct state *st;
	struct fh_batch *b;
	struct fh_invocation v;
	bool late; /* the function was stopped at its time-out */
};

/* What AWS calls the failure of an invocation that did not get to the function, or that the function failed. */
static const struct {
	const char *wire, *code, *message;
} failures[] = {
	{ "ResourceNotFoundException", "Lambda.ResourceNotFound",
	  "The specified Lambda function does not exist. Use a different function that does exist." },
	{ "TooManyRequestsException", "Lambda.InvokeLimitExceeded",
	  "The Lambda concurrent execution limit is exceeded. Increase the concurrent execution limit." },
};

static void fail_invocation(struct transform *t, const struct err *e)
{
	const struct aws_error *w = e->wire;

	for (size_t i = 0; w && i < ARRAY_LEN(failures); i++)
		if (strcmp(w->code, failures[i].wire) == 0) {
			fh__fail_all(&t->v, failures[i].code, failures[i].message);
			return;
		}
	if (t->late)
		fh__fail_all(&t->v, "Lambda.FunctionTimedOut",
			     "The Lambda function invocation timed out. Increase the Timeout setting in the Lambda function.");
	else
		fh__fail_all(&t->v, "Lambda.FunctionError",
			     w ? arena_str(t->b->a, view_str(e->msg)) : fh__function_error);
}

/* false: the stream is to stop. */
static bool pause_before(const struct transform *t, unsigned attempt)
{
	int64_t ms = PAUSE_MIN_MS << (attempt < 7 ? attempt : 7);
	int64_t until = clock_mono_ns() + (ms < PAUSE_MAX_MS ? ms : PAUSE_MAX_MS) * 1000000;

	while (!fh__stopping(t->s) && clock_mono_ns() < until)
		(void)poll(NULL, 0, PAUSE_STEP_MS);
	return !fh__stopping(t->s);
}

/* One try.  0: it was answered; 1: it failed (@e says how, or nothing when the function did); negative: the server's fault. */
static int invoke(struct transform *t, struct arena *a, struct err *e)
{
	const struct firehose *f = t->s->f;
	const struct op_caller caller = { .account = f->account, .access_key = "", .source_ip = "firehose.amazonaws.com",
					  .arn = t->v.stream_arn };
	struct json *in = json_new_obj(a);
	const struct json *out = NULL;
	char id[UUID_TEXT];
	struct buf event;
	int rc;

	uuid4(id);
	t->v.id = id;
	buf_init(&event, FH_INVOCATION_MAX + MIB);
	fh__event(&t->v, &event);
	json_set_str(a, in, "FunctionName", t->st->arn);
	json_set(a, in, "Payload", json_new_str(a, buf_view(&event)));
	rc = event.over ? aws_fail(e, &AWS_VALIDATION, "the record is larger than an invocation may be")
			: op_call(f->ops, "lambda", "Invoke", in, &caller, a, &out, e);
	buf_clear(&event);
	t->v.id = NULL;
	t->late = false;
	if (rc < 0)
		return e->wire && rc != ERR_CANCELLED ? 1 : rc;
	if (json_get(out, "FunctionError")) {
		t->late = view_find(json_get_str(out, "Payload"), VIEW("\"Sandbox.Timedout\"")) >= 0;
		return 1;
	}
	t->v.attempts++;
	fh__answer(&t->v, json_get_str(out, "Payload"), t->b);
	return 0;
}

static int invoke_until_done(struct transform *t, struct err *e)
{
	int rc;

	t->v.attempts = 0;
	for (;;) {
		CLEANUP(arena_clear) struct arena a;
		struct err why = { 0 };

		arena_init(&a, LIMIT_ARENA);
		rc = invoke(t, &a, &why);
		if (rc <= 0) {
			if (rc)
				*e = why;
			return rc;
		}
		if (++t->v.attempts > t->st->retries) {
			fail_invocation(t, &why);
			return 0;
		}
		if (!pause_before(t, t->v.attempts - 1))
			return err_set(e, ERR_CANCELLED, "the stream stops");
	}
}

/* As many of @v as one invocation takes: by their bytes, and by those of the event. */
static size_t fitting(const struct state *st, struct fh_item *const *v, size_t n)
{
	size_t bytes = 0, event = 0, i = 0;

	while (i < n) {
		bytes += v[i]->data.n;
		event += fh__event_bytes(v[i]);
		if (i && (bytes > st->size_bytes || event > FH_INVOCATION_MAX - KIB))
			break;
		i++;
	}
	return i;
}

static int run(struct fh_stream *s, const struct fh_processor *p, struct fh_batch *b, struct err *e)
{
	struct transform t = { .s = s, .st = p->state, .b = b };
	struct fh_item **open = ARENA_ARRAY(b->a, struct fh_item *, b->n + 1);
	size_t n = 0;
	int rc = 0;

	for (size_t i = 0; i < b->n; i++)
		if (fh__is_open(&b->v[i]))
			open[n++] = &b->v[i];
	t.v = (struct fh_invocation){ .stream_arn = fh__arn(s->f, b->a, s->name),
				      .region = s->f->region,
				      .function = t.st->arn };
	for (size_t at = 0; !rc && at < n; at += t.v.n) {
		t.v.items = open + at;
		t.v.n = fitting(t.st, open + at, n - at);
		rc = invoke_until_done(&t, e);
	}
	return rc;
}

const struct fh_stage_def fh__stage_lambda = { .parse = parse, .run = run, .varies = varies };
