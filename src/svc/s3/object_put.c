/* SPDX-License-Identifier: Apache-2.0 */
/* object_put -- bytes into a blob, the row and its event in one transaction; PutObject. */
#include <stdlib.h>

#include "base/limits.h"
#include "base/utf8.h"
#include "os/clock.h"
#include "svc/s3/s3_ops.h"

#define CHUNK (256 * KIB)

/* --- members that are checks --- */

int s3__check_owner(struct op_ctx *cx, const char *expected)
{
	const struct s3 *s = cx->self;

	if (cx->transport) /* s3__authorize() has asked for the bucket's own owner */
		return 0;
	if (expected && !view_eq_str(view_str(expected), s->account))
		return aws_fail(&cx->err, &S3_ACCESS_DENIED, "Access Denied");
	return 0;
}

int s3__check_key(struct op_ctx *cx, const char *key)
{
	struct view v = view_str(key);

	if (v.n > LIMIT_KEY)
		return aws_fail(&cx->err, &S3_KEY_TOO_LONG, "Your key is too long");
	if (!v.n || !utf8_valid(v))
		return aws_fail(&cx->err, &S3_INVALID_ARGUMENT,
				"Key has to be UTF-8 text of 1 to 1024 bytes");
	return 0;
}

int s3__check_conditions_asked(struct op_ctx *cx, const char *if_match, const char *if_none_match)
{
	if (if_match && if_none_match)
		return aws_fail(&cx->err, &AWS_NOT_IMPLEMENTED,
				"A header you provided implies functionality that is not "
				"implemented: If-Match together "
				"with If-None-Match");
	return 0;
}

int s3__explain(struct op_ctx *cx, const char *if_none_match)
{
	if (cx->err.wire == &S3_PRECONDITION_FAILED)
		op_error_detail(cx, "Condition", if_none_match ? "If-None-Match" : "If-Match");
	return cx->err.code;
}

struct view s3__unquote(const char *etag)
{
	struct view v = view_trim(view_str(etag));

	if (v.n >= 2 && v.p[0] == '"' && v.p[v.n - 1] == '"')
		return view_sub(v, 1, v.n - 2);
	return v;
}

struct s3_who s3__who(const struct op_ctx *cx, const char *reason)
{
	return (struct s3_who){ cx->request_id, cx->caller.account, cx->caller.source_ip, reason };
}

/* --- metadata --- */

/* "aws-chunked" tells how the body travelled; it is not part of the object.  The rest stays as it was given. */
static const char *stored_encoding(struct op_ctx *cx, const char *encoding)
{
	struct view rest = view_str(encoding), one;
	const char *kept = NULL;

	while (view_split(&rest, ',', &one)) {
		struct view word = view_trim(one);

		if (!word.n || view_eq_nocase(word, VIEW("aws-chunked")))
			continue;
		kept = kept ? arena_printf(cx->arena, "%s,%.*s", kept, VIEW_ARG(one))
			    : arena_str(cx->arena, word);
	}
	return kept;
}

/* What no header can hold would make the object one that nobody can read. */
bool s3__sendable(const char *text)
{
	for (; text && *text; text++)
		if (((unsigned char)*text < 0x20 && *text != '\t') || *text == 0x7f)
			return false;
	return true;
}

static int check_sendable(struct op_ctx *cx, const struct in_head *in)
{
	const char *const own[] = { in->type,     in->cache_control, in->disposition,
				    in->encoding, in->language,      in->expires };
	bool good = true;

	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		good = good && s3__sendable(own[i]);
	for (size_t i = 0; i < in->meta.n; i++) {
		const char *key = in->meta.v[i].key;

		good = good && *key && s3__sendable(key) &&
		       !strpbrk(key, "\t \"(),/:;<=>?@[\\]{}") && s3__sendable(in->meta.v[i].value);
	}
	return good ? 0
		    : aws_fail(&cx->err, &S3_INVALID_ARGUMENT,
			       "A header or the name of a metadata header holds characters that "
			       "headers "
			       "cannot hold");
}

int s3__info_from(struct op_ctx *cx, const struct in_head *in, struct s3_info *ret)
{
	size_t total = 0;

	if (check_sendable(cx, in))
		return cx->err.code;
	for (size_t i = 0; i < in->meta.n; i++)
		total += strlen(in->meta.v[i].key) + strlen(in->meta.v[i].value);
	if (total > S3_META_MAX)
		return aws_fail(&cx->err, &S3_METADATA_TOO_LARGE,
				"Your metadata headers exceed the maximum allowed metadata size");
	*ret = (struct s3_info){
		.content_type = in->type && in->type[0] ? in->type : "binary/octet-stream",
		.cache_control = in->cache_control,
		.disposition = in->disposition,
		.encoding = stored_encoding(cx, in->encoding),
		.language = in->language,
		.expires = in->expires,
		.meta = in->meta.v,
		.n_meta = in->meta.n,
	};
	return 0;
}

/* --- bytes --- */

static void freep(char **p)
{
	free(*p);
}

/* As much as there is, to @cap. */
static ssize_t fill(struct op_body *b, char *p, size_t cap, struct err *e)
{
	size_t have = 0;
	ssize_t n = 1;

	while (n > 0 && have < cap) {
		n = op_body_read(b, p + have, cap - have, e);
		have += n > 0 ? (size_t)n : 0;
	}
	return n < 0 ? n : (ssize_t)have;
}

/* In two buffers by turns: the MD5 of one is computed beside while it is written and the other one is filled. */
static int pump_body(struct op_ctx *cx, struct blob_writer *w, struct s3_sums *x, char *const buf[2], size_t cap)
{
	for (int i = 0;; i = !i) {
		ssize_t n = fill(cx->body, buf[i], cap, &cx->err);

		if (n <= 0)
			return (int)n;
		s3__sums_add(x, buf[i], (size_t)n);
		if (blob_write(w, buf[i], (size_t)n, &cx->err) < 0)
			return cx->err.code;
	}
}

static int pump(struct op_ctx *cx, struct view body, struct blob_writer *w, struct s3_sums *x)
{
	struct s3 *s = cx->self;
	int64_t length = cx->body ? op_body_length(cx->body) : 0;
	bool is_long = length < 0 || length > (int64_t)CHUNK;
	size_t cap = is_long ? CHUNK : (size_t)length + 1; /* 1 more, or the end would go unseen */
	CLEANUP(freep) char *both = NULL;
	int rc;

	if (!cx->body) {
		s3__sums_add(x, body.p, body.n);
		return blob_write(w, body.p ? body.p : "", body.n, &cx->err);
	}
	both = malloc(is_long ? 2 * cap : cap);
	must(both);
	if (!is_long)
		return pump_body(cx, w, x, (char *const[2]){ both, both }, cap);
	s3__sums_share(x, s->md5);
	rc = pump_body(cx, w, x, (char *const[2]){ both, both + cap }, cap);
	md5_job_wait(&x->md5);
	return rc;
}

int s3__receive(struct op_ctx *cx, struct view body, const struct in_ck *ck,
		const char *content_md5, unsigned want, const struct s3_sse *sse,
		struct s3_received *ret)
{
	struct s3 *s = cx->self;
	struct blob_writer *w;
	struct s3_sums x;
	int rc = s3__claim(cx, ck, content_md5, &ret->claim);

	if (rc)
		return rc;
	if (ret->claim.algo)
		want |= 1U << ret->claim.algo;
	rc = s3__seal_begin(s, sse, &w, &cx->err);
	if (rc)
		return rc;
	s3__sums_begin(&x, want);
	rc = pump(cx, body, w, &x);
	if (rc) {
		s3__sums_drop(&x);
	} else {
		s3__sums_end(&x, &ret->sums);
		rc = s3__claim_check(cx, &ret->claim, &ret->sums);
	}
	if (rc) {
		blob_abort(w);
		return rc;
	}
	s3__sse_etag(sse, ret->sums.md5_hex);
	return blob_commit(w, cx->arena, &ret->ref, &cx->err);
}

/* --- publishing --- */

uint64_t s3__next_seq(struct s3 *s)
{
	uint64_t now = (uint64_t)clock_ns();

	s->last_seq = now > s->last_seq ? now : s->last_seq + 1;
	return s->last_seq;
}

/* If-None-Match may name ETags, as HTTP has it: AWS takes "*" alone. */
static int conditions_hold(const struct s3_publish *p, bool exists, const struct s3_row *old,
			   struct err *e)
{
	if (p->if_none_match && exists && s3__same_etag(p->if_none_match, old->etag))
		return aws_fail(e, &S3_PRECONDITION_FAILED,
				"At least one of the pre-conditions you specified did not hold");
	if (p->if_match && !exists)
		return aws_fail(e, &S3_NO_SUCH_KEY, "The specified key does not exist.");
	if (p->if_match && !s3__same_etag(p->if_match, old->etag))
		return aws_fail(e, &S3_PRECONDITION_FAILED,
				"At least one of the pre-conditions you specified did not hold");
	return 0;
}

/* What there is makes room, as the bucket's versioning wants it. */
static int make_room(struct meta_tx *tx, struct s3_publish *p, const struct s3_row *old,
		     struct err *e)
{
	const char *bucket = p->row.bucket, *key = p->row.key;
	int rc = 0;

	switch (p->row.versioning) {
	case S3_VERSIONING_OFF:
		if (old)
			p->old_parts = s3__parts_text(p->arena, old->parts, old->n_parts);
		return 0;
	case S3_VERSIONING_ENABLED:
		return old ? s3__version_retire(tx, bucket, key, e) : 0;
	case S3_VERSIONING_SUSPENDED:
		rc = s3__null_take(tx, bucket, key, p->arena, &p->old_parts, e);
		return rc || !old || old->vnull ? rc : s3__version_retire(tx, bucket, key, e);
	}
	return rc;
}

static int lock_new(struct meta_tx *tx, const struct s3_bucket *bucket, struct s3_publish *p,
		    struct err *e)
{
	if (bucket->lock)
		return s3__lock_default(tx, &p->row, p->row.modified_ms, p->arena, e);
	return p->row.lock ? s3__lock_possible(bucket, e) : 0;
}

int s3__publish_tx(struct meta_tx *tx, struct s3 *s, struct s3_publish *p, struct err *e)
{
	struct s3_bucket bucket;
	struct s3_row old;
	int found = s3__bucket_need(tx, p->row.bucket, &bucket, e);
	int rc;

	if (found)
		return found;
	found = s3__object_find(tx, p->row.bucket, p->row.key, p->arena, &old, e);
	if (found < 0)
		return found;
	p->old_parts = NULL;
	p->row.versioning = bucket.versioning;
	p->row.vnull = bucket.versioning != S3_VERSIONING_ENABLED;
	rc = conditions_hold(p, found > 0, &old, e);
	if (!rc)
		rc = s3__bucket_key_check(tx, &p->row, p->arena, e);
	if (!rc)
		rc = make_room(tx, p, found > 0 ? &old : NULL, e);
	if (rc)
		return rc;
	p->row.seq = s3__next_seq(s);
	p->row.modified_ms = s->now_ms();
	rc = lock_new(tx, &bucket, p, e);
	if (!rc)
		rc = s3__object_put(tx, &p->row, p->arena, e);
	if (!rc && !p->same_bytes)
		rc = s3__doom_tx(tx, s, p->old_parts, e);
	if (!rc)
		rc = s3__expiration(tx, s, &p->row, p->arena, &p->expiration, e);
	if (!rc && bucket.notify)
		rc = s3__emit_created(tx, s, &bucket, &p->row, &p->who, p->arena, e);
	return rc;
}

struct publish_arg {
	struct s3 *s;
	struct s3_publish *p;
};

static int publish_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct publish_arg *a = arg;

	return s3__publish_tx(tx, a->s, a->p, e);
}

int s3__publish(struct s3 *s, struct s3_publish *p, bool keep, struct err *e)
{
	struct publish_arg arg = { s, p };
	int rc = meta_write(s->meta, publish_fn, &arg, e);

	if (rc && !keep)
		s3__doom(s, s3__parts_text(p->arena, p->row.parts, p->row.n_parts));
	return rc;
}

/* --- PutObject --- */

static void put_answer(struct op_ctx *cx, struct out *o, const struct s3_publish *p,
		       const struct s3_sse *sse)
{
	const struct s3_row *r = &p->row;

	out_header(o, "ETag", "ETag", arena_printf(cx->arena, "\"%s\"", r->etag));
	out_header(o, "VersionId", "x-amz-version-id", s3__vid_written(cx->arena, r));
	s3__sse_out(o, r->sse, sse);
	out_header(o, "Expiration", "x-amz-expiration", p->expiration);
	s3__ck_out_headers(o, &r->ck);
}

static int put_checks(struct op_ctx *cx, const struct in_put *in)
{
	int rc = s3__check_owner(cx, in->owner);

	if (!rc)
		rc = s3__check_acl(cx, in->acl);
	if (!rc)
		rc = s3__check_key(cx, in->key);
	if (!rc)
		rc = s3__check_conditions_asked(cx, in->if_match, in->if_none_match);
	if (!rc && !cx->body && in->length.set && (uint64_t)in->length.v != in->body.n)
		rc = aws_fail(&cx->err, &S3_INVALID_ARGUMENT,
			      "ContentLength is not the length of Body");
	return rc;
}

int s3__put_object(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct in_put *in = input;
	CLEANUP(s3__sse_wipe) struct s3_sse sse = { 0 };
	struct s3_received got = { 0 };
	struct s3_part part;
	struct s3_publish p = { .if_match = in->if_match,
				.if_none_match = in->if_none_match,
				.arena = cx->arena,
				.who = s3__who(cx, cx->form ? "POST Object" : "PutObject") };
	int rc = put_checks(cx, in);

	if (!rc)
		rc = s3__info_from(cx, &in->head, &p.row.info);
	if (!rc)
		rc = s3__tags_from_header(cx, in->head.tagging, &p.row.tags);
	if (!rc)
		rc = s3__lock_from(cx, &in->lock, &p.row.lock);
	if (!rc)
		rc = s3__sse_new(cx, in->bucket, &in->sse, &sse);
	if (!rc)
		rc = s3__receive(cx, in->body, &in->ck, in->content_md5, 1U << CK_CRC64NVME, &sse,
				 &got);
	if (rc)
		return rc;
	part = (struct s3_part){ .ref = got.ref, .size = got.sums.size };
	p.row.bucket = in->bucket;
	p.row.key = in->key;
	p.row.sse = s3__sse_text(&sse, cx->arena);
	p.row.size = got.sums.size;
	p.row.etag = got.sums.md5_hex;
	p.row.ck.algo = got.claim.algo ? got.claim.algo : CK_CRC64NVME;
	memcpy(p.row.ck.value, got.sums.value[p.row.ck.algo], CK_TEXT);
	p.row.parts = &part;
	p.row.n_parts = 1;
	rc = s3__publish(cx->self, &p, false, &cx->err);
	if (rc)
		return s3__explain(cx, in->if_none_match);
	put_answer(cx, o, &p, &sse);
	return 0;
}
