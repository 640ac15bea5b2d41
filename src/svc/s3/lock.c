/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lock -- what keeps a version from being deleted: its retention and its legal hold, and who may weaken them.
 *
 * A lock is looked at in the transaction that would delete, against the clock of that moment: no decision made before it
 * counts.  A wall clock that runs behind keeps locks longer; one that is set ahead ends them early, so the machine's clock
 * is part of what has to be trusted.  A stored lock that cannot be read keeps its version for ever.
 */
#include "base/time.h"
#include "svc/s3/s3_ops.h"

#define DAY_MS (24 * 3600 * 1000LL)

static const char *const modes[] = { [LOCK_NONE] = NULL, "GOVERNANCE", "COMPLIANCE" };
static const char *const holds[] = { [HOLD_NEVER] = NULL, "OFF", "ON" };

const char *s3__lock_mode_text(enum s3_lock_mode m)
{
	return modes[m];
}

const char *s3__hold_text(enum s3_hold h)
{
	return holds[h];
}

static unsigned index_of(struct view text, const char *const *texts)
{
	return !text.p ? 0 : view_eq_str(text, texts[1]) ? 1 : view_eq_str(text, texts[2]) ? 2 : 3;
}

enum s3_lock_mode s3__lock_mode(const char *text)
{
	return (enum s3_lock_mode)index_of(view_str(text), modes);
}

int s3__lock_parse(struct arena *a, const char *text, struct s3_lock *ret, struct err *e)
{
	const struct json *doc;
	unsigned mode, hold;

	*ret = (struct s3_lock){ 0 };
	if (!text || !text[0])
		return 0;
	doc = json_parse(a, view_str(text), JSON_DEPTH, e);
	if (!doc)
		return err_ctx(e, "lock of an object");
	mode = index_of(json_get_str(doc, "mode"), modes);
	hold = index_of(json_get_str(doc, "hold"), holds);
	if (mode > LOCK_COMPLIANCE || hold > HOLD_ON)
		return err_set(e, ERR_CORRUPT, "lock of an object");
	*ret = (struct s3_lock){ (enum s3_lock_mode)mode, json_int(json_get(doc, "until"), INT64_MAX),
				 (enum s3_hold)hold };
	return 0;
}

const char *s3__lock_text(struct arena *a, const struct s3_lock *l)
{
	struct json *doc;

	if (!l->mode && !l->hold)
		return NULL;
	doc = json_new_obj(a);
	json_set_str(a, doc, "mode", modes[l->mode]);
	if (l->mode)
		json_set_int(a, doc, "until", l->until_ms);
	json_set_str(a, doc, "hold", holds[l->hold]);
	return json_text(a, doc);
}

static int denied(struct err *e)
{
	return aws_fail(e, &S3_ACCESS_DENIED, "Access Denied because object protected by object lock.");
}

int s3__lock_allows_delete(struct arena *a, const struct s3_row *r, int64_t now_ms, bool bypass, struct err *e)
{
	struct s3_lock l;
	int rc = s3__lock_parse(a, r->lock, &l, e);

	if (rc)
		return rc;
	if (l.hold == HOLD_ON)
		return denied(e);
	if (!l.mode || l.until_ms <= now_ms || (l.mode == LOCK_GOVERNANCE && bypass))
		return 0;
	return denied(e);
}

int s3__lock_allows_change(const struct s3_lock *old, const struct s3_lock *new, int64_t now_ms, bool bypass,
			   struct err *e)
{
	if (!old->mode || old->until_ms <= now_ms)
		return 0;
	if (new->mode == old->mode && new->until_ms >= old->until_ms)
		return 0;
	return old->mode == LOCK_GOVERNANCE && bypass ? 0 : denied(e);
}

/* --- what a bucket gives to new versions --- */

/* As the calendar counts; of a 29th of February the 1st of March. */
static int64_t years_later(int64_t ms, int64_t years)
{
	struct civil c;

	time_civil(ms, &c);
	c.year += (int)years;
	if (c.month == 2 && c.day == 29) {
		c.month = 3;
		c.day = 1;
	}
	return time_from_civil(&c);
}

int s3__lock_default(struct meta_tx *tx, struct s3_row *r, int64_t now_ms, struct arena *a, struct err *e)
{
	const struct json *rule;
	struct s3_lock l;
	const char *doc;
	int64_t years;
	int rc = s3__lock_parse(a, r->lock, &l, e);

	if (rc || l.mode)
		return rc;
	rc = s3__config_get(tx, r->bucket, S3_KIND_LOCK, a, &doc, e);
	if (rc <= 0)
		return rc;
	rule = json_parse(a, view_str(doc), JSON_DEPTH, e);
	if (!rule)
		return err_ctx(e, "object lock of a bucket");
	rule = json_get(json_get(rule, "Rule"), "DefaultRetention");
	if (!rule)
		return 0;
	l.mode = (enum s3_lock_mode)index_of(json_get_str(rule, "Mode"), modes);
	years = json_int(json_get(rule, "Years"), 0);
	l.until_ms = years ? years_later(now_ms, years) : now_ms + json_int(json_get(rule, "Days"), 0) * DAY_MS;
	r->lock = s3__lock_text(a, &l);
	return 0;
}

int s3__lock_possible(const struct s3_bucket *b, struct err *e)
{
	return b->lock ? 0 : aws_fail(e, &S3_INVALID_REQUEST, "Bucket is missing Object Lock Configuration");
}

/* --- what a request says and is told --- */

int s3__lock_from(struct op_ctx *cx, const struct in_lock *in, const char **ret)
{
	const struct s3 *s = cx->self;
	struct s3_lock l = { s3__lock_mode(in->mode), in->until.v, HOLD_NEVER };

	*ret = NULL;
	if (!in->mode != !in->until.set)
		return aws_fail(&cx->err, &S3_INVALID_ARGUMENT,
				"x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied");
	if (in->mode && in->until.v <= s->now_ms())
		return aws_fail(&cx->err, &S3_INVALID_ARGUMENT, "The retain until date must be in the future!");
	if (in->hold)
		l.hold = view_eq_str(view_str(in->hold), "ON") ? HOLD_ON : HOLD_OFF;
	*ret = s3__lock_text(cx->arena, &l);
	return 0;
}

int s3__lock_out(struct op_ctx *cx, struct out *o, const struct s3_row *r)
{
	char t[TIME_TEXT];
	struct s3_lock l;
	int rc = s3__lock_parse(cx->arena, r->lock, &l, &cx->err);

	if (rc)
		return rc;
	out_header(o, "ObjectLockMode", "x-amz-object-lock-mode", modes[l.mode]);
	if (l.mode)
		out_header(o, "ObjectLockRetainUntilDate", "x-amz-object-lock-retain-until-date",
			   time_iso(l.until_ms, t));
	out_header(o, "ObjectLockLegalHoldStatus", "x-amz-object-lock-legal-hold", holds[l.hold]);
	return 0;
}
