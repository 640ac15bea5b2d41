/* SPDX-License-Identifier: Apache-2.0 */
/* object_get -- GetObject and HeadObject: conditions, ranges, parts, and the bytes. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/time.h"
#include "svc/s3/s3_ops.h"

#define SEND_WHOLE (16 * MIB)

static void freep(char **p)
{
	free(*p);
}

static void readerp(struct blob_reader **r)
{
	if (*r)
		blob_reader_close(*r);
}

/* --- bytes --- */

/* Pieces end where the blob's checksummed blocks end, so that each block that is read whole is verified. */
static int read_part(struct blob_reader *r, uint64_t off, uint64_t n, char *piece, s3_piece_fn fn,
		     void *arg, struct err *e)
{
	int rc = 0;

	while (!rc && n) {
		uint64_t want = MIB - off % MIB;
		ssize_t got = blob_read(r, piece, want < n ? want : n, off, e);

		if (got < 0)
			return (int)got;
		if (!got)
			return err_set(e, ERR_CORRUPT, "bytes of an object are missing");
		rc = fn(arg, view_of(piece, (size_t)got), e);
		off += (uint64_t)got;
		n -= (uint64_t)got;
	}
	return rc;
}

/* The parts that hold bytes [@off, @off + @n), one after the other. */
static int for_parts(const struct s3_row *r, uint64_t off, uint64_t n,
		     int (*fn)(void *arg, const struct s3_part *p, uint64_t off, uint64_t n, struct err *e),
		     void *arg, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; !rc && n && i < r->n_parts; i++) {
		const struct s3_part *p = &r->parts[i];
		uint64_t here;

		if (off >= p->size) {
			off -= p->size;
			continue;
		}
		here = p->size - off < n ? p->size - off : n;
		rc = fn(arg, p, off, here, e);
		n -= here;
		off = 0;
	}
	return rc;
}

struct reading {
	struct s3 *s;
	const struct s3_row *row;
	char *piece;
	s3_piece_fn fn;
	void *arg;
};

static int read_one(void *arg, const struct s3_part *p, uint64_t off, uint64_t n, struct err *e)
{
	CLEANUP(readerp) struct blob_reader *r = NULL;
	struct reading *x = arg;
	int rc = s3__part_open(x->s, x->row, p, &r, e);

	return rc ? rc : read_part(r, off, n, x->piece, x->fn, x->arg, e);
}

int s3__read(struct s3 *s, const struct s3_row *r, uint64_t off, uint64_t n, s3_piece_fn fn,
	     void *arg, struct err *e)
{
	CLEANUP(freep) char *piece = malloc(n < MIB ? n + 1 : MIB);
	struct reading x = { s, r, piece, fn, arg };

	must(piece);
	return for_parts(r, off, n, read_one, &x, e);
}

/* --- which version --- */

int s3__row_need(struct meta_tx *tx, const char *bucket, const char *key, const char *version,
		 struct arena *a, struct s3_row *ret, struct err *e)
{
	struct s3_bucket b;
	struct s3_vid id = { 0 };
	int found = version ? s3__vid_parse(version, &id, e) : 0;

	*ret = (struct s3_row){ 0 };
	if (!found)
		found = version ? s3__version_find(tx, bucket, key, &id, a, ret, e)
				: s3__object_find(tx, bucket, key, a, ret, e);
	if (found < 0)
		return found;
	if (found && ret->marker)
		return aws_fail(e, &S3_METHOD_NOT_ALLOWED,
				"The specified method is not allowed against this resource.");
	if (found)
		return 0;
	found = s3__bucket_need(tx, bucket, &b, e);
	if (found)
		return found;
	if (version)
		return aws_fail(e, &S3_NO_SUCH_VERSION, "The specified version does not exist.");
	if (b.versioning && s3__version_newest(tx, bucket, key, a, ret, e) < 0)
		return e->code;
	return aws_fail(e, &S3_NO_SUCH_KEY, "The specified key does not exist.");
}

int s3__explain_marker(struct op_ctx *cx, const struct s3_row *r)
{
	char t[TIME_TEXT];

	if (!r->marker)
		return cx->err.code;
	op_error_header(cx, "x-amz-delete-marker", "true");
	op_error_header(cx, "x-amz-version-id", s3__vid_text(cx->arena, r));
	op_error_header(cx, "Last-Modified", time_http(r->modified_ms, t));
	return cx->err.code;
}

/* --- conditions --- */

bool s3__same_etag(const char *list, const char *etag)
{
	struct view rest = view_str(list), one;

	while (view_split(&rest, ',', &one)) {
		one = view_trim(one);
		if (view_starts(one, VIEW("W/")))
			one = view_from(one, 2);
		if (one.n >= 2 && one.p[0] == '"' && one.p[one.n - 1] == '"')
			one = view_sub(one, 1, one.n - 2);
		if (view_eq_str(one, "*") || view_eq_str(one, etag))
			return true;
	}
	return false;
}

static int64_t seconds(int64_t ms)
{
	return ms / 1000;
}

static int failed(struct op_ctx *cx, const char *condition)
{
	op_error_detail(cx, "Condition", condition);
	return aws_fail(&cx->err, &S3_PRECONDITION_FAILED,
			"At least one of the pre-conditions you specified did not hold");
}

/* RFC 7232, section 6.  1: not modified. */
static int conditions(struct op_ctx *cx, const struct in_get *in, const struct s3_row *r)
{
	if (in->if_match) {
		if (!s3__same_etag(in->if_match, r->etag))
			return failed(cx, "If-Match");
	} else if (in->if_unmodified.set &&
		   seconds(r->modified_ms) > seconds(in->if_unmodified.v)) {
		return failed(cx, "If-Unmodified-Since");
	}
	if (in->if_none_match)
		return s3__same_etag(in->if_none_match, r->etag);
	return in->if_modified.set && seconds(r->modified_ms) <= seconds(in->if_modified.v);
}

/* --- ranges --- */

int s3__range(const char *text, uint64_t size, uint64_t *ret_off, uint64_t *ret_n)
{
	struct view v = view_str(text), first, rest;
	uint64_t a, b;
	ptrdiff_t dash;

	if (!view_starts(v, VIEW("bytes=")))
		return 0;
	v = view_trim(view_from(v, 6));
	dash = view_chr(v, '-');
	if (dash < 0)
		return 0;
	first = view_sub(v, 0, (size_t)dash);
	rest = view_from(v, (size_t)dash + 1);
	if (!first.n) {
		if (!view_u64(rest, UINT64_MAX, &b))
			return 0;
		if (!b || !size)
			return -1;
		*ret_n = b < size ? b : size;
		*ret_off = size - *ret_n;
		return 1;
	}
	if (!view_u64(first, UINT64_MAX, &a))
		return 0;
	if (!rest.n)
		b = UINT64_MAX;
	else if (!view_u64(rest, UINT64_MAX, &b) || b < a)
		return 0;
	if (a >= size)
		return -1;
	*ret_off = a;
	*ret_n = (b < size ? b : size - 1) - a + 1;
	return 1;
}

struct slice {
	uint64_t off, n;
	bool partial;
	const struct s3_part *part; /* asked for by number */
};

static int slice_of_part(struct op_ctx *cx, const struct in_get *in, const struct s3_row *r,
			 struct slice *ret)
{
	if (in->range)
		return aws_fail(&cx->err, &S3_INVALID_REQUEST,
				"Cannot specify both Range header and partNumber query parameter");
	if (in->part.v < 1 || in->part.v > S3_PARTS_MAX)
		return aws_fail(&cx->err, &S3_INVALID_ARGUMENT,
				"Part number must be an integer between 1 and 10000, inclusive");
	if ((uint64_t)in->part.v > r->n_parts)
		return aws_fail(&cx->err, &S3_INVALID_PART_NUMBER,
				"The requested partnumber is not satisfiable");
	*ret = (struct slice){ .part = &r->parts[in->part.v - 1], .partial = r->size > 0 };
	for (int64_t i = 0; i < in->part.v - 1; i++)
		ret->off += r->parts[i].size;
	ret->n = ret->part->size;
	return 0;
}

static int slice_of(struct op_ctx *cx, const struct in_get *in, const struct s3_row *r,
		    struct slice *ret)
{
	*ret = (struct slice){ .n = r->size };
	if (in->part.set)
		return slice_of_part(cx, in, r, ret);
	if (!in->range)
		return 0;
	switch (s3__range(in->range, r->size, &ret->off, &ret->n)) {
	case 1:
		ret->partial = true;
		return 0;
	case 0: /* as HTTP wants it: a range that is none is not there */
		return 0;
	default:
		return aws_fail(&cx->err, &S3_INVALID_RANGE,
				"The requested range is not satisfiable");
	}
}

/* --- the answer's head --- */

static void head(struct op_ctx *cx, struct out *o, const char *member, const char *name,
		 const char *override, const char *stored)
{
	out_header(o, member, name, override ? override : stored);
}

static void checksum(const struct in_get *in, const struct s3_row *r, const struct slice *sl,
		     struct out *o)
{
	struct s3_ck part = { .algo = r->ck.algo, .composite = r->ck.composite };

	if (!in->ck_mode)
		return;
	if (!sl->partial || (sl->part && r->n_parts == 1 && !r->multipart)) {
		s3__ck_out_headers(o, &r->ck);
	} else if (sl->part && sl->part->ck && strlen(sl->part->ck) < CK_TEXT) {
		memcpy(part.value, sl->part->ck, strlen(sl->part->ck));
		s3__ck_out_headers(o, &part);
	}
}

static void validators(struct op_ctx *cx, struct out *o, const struct s3_row *r)
{
	char t[TIME_TEXT];

	out_header(o, "ETag", "ETag", arena_printf(cx->arena, "\"%s\"", r->etag));
	out_header(o, "LastModified", "Last-Modified", time_http(r->modified_ms, t));
	out_header(o, "VersionId", "x-amz-version-id", s3__vid_out(cx->arena, r));
}

static void answer_head(struct op_ctx *cx, const struct in_get *in, const struct s3_row *r,
			const struct slice *sl, struct out *o)
{
	char t[TIME_TEXT];
	const char *expires = in->expires.set ? time_http(in->expires.v, t) : NULL;

	validators(cx, o, r);
	out_header(o, "AcceptRanges", "Accept-Ranges", "bytes");
	head(cx, o, "ContentType", "Content-Type", in->type, r->info.content_type);
	head(cx, o, "CacheControl", "Cache-Control", in->cache_control, r->info.cache_control);
	head(cx, o, "ContentDisposition", "Content-Disposition", in->disposition,
	     r->info.disposition);
	head(cx, o, "ContentEncoding", "Content-Encoding", in->encoding, r->info.encoding);
	head(cx, o, "ContentLanguage", "Content-Language", in->language, r->info.language);
	head(cx, o, "Expires", "Expires", expires, r->info.expires);
	for (size_t i = 0; i < r->info.n_meta; i++)
		out_header(o, arena_printf(cx->arena, "Metadata.%s", r->info.meta[i].key),
			   arena_printf(cx->arena, "x-amz-meta-%s", r->info.meta[i].key),
			   r->info.meta[i].value);
	if (r->tags.n)
		out_header(o, "TagCount", "x-amz-tagging-count",
			   arena_printf(cx->arena, "%zu", r->tags.n));
	if (sl->part && r->multipart)
		out_header(o, "PartsCount", "x-amz-mp-parts-count",
			   arena_printf(cx->arena, "%zu", r->n_parts));
	checksum(in, r, sl, o);
	s3__sse_out(o, r->sse, r->customer);
	if (sl->partial) {
		out_status(o, 206);
		out_header(o, "ContentRange", "Content-Range",
			   arena_printf(cx->arena, "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64,
					sl->off, sl->off + sl->n - 1, r->size));
	}
}

/* --- handlers --- */

struct get_arg {
	struct s3 *s;
	const struct in_get *in;
	struct arena *arena;
	struct s3_row row;
	const char *expiration;
};

static int get_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct get_arg *a = arg;

	int rc = s3__row_need(tx, a->in->bucket, a->in->key, a->in->version, a->arena, &a->row, e);

	/* Said of what is current only; nobody who names a version asks for it. */
	return rc || a->in->version ? rc : s3__expiration(tx, a->s, &a->row, a->arena, &a->expiration, e);
}

static int check_overrides(struct op_ctx *cx, const struct in_get *in)
{
	const char *const v[] = { in->type, in->cache_control, in->disposition, in->encoding,
				  in->language };

	for (size_t i = 0; i < ARRAY_LEN(v); i++)
		if (!s3__sendable(v[i]))
			return aws_fail(&cx->err, &S3_INVALID_ARGUMENT,
					"Header value cannot be represented using ISO-8859-1.");
	return 0;
}

/* 1: answered already (not modified). */
static int prepare(struct op_ctx *cx, const struct in_get *in, struct out *o, struct s3_row *row,
		   struct s3_sse *sse, struct slice *sl)
{
	struct s3 *s = cx->self;
	struct get_arg a = { .s = s, .in = in, .arena = cx->arena };
	int rc = s3__check_owner(cx, in->owner);

	if (!rc)
		rc = s3__check_key(cx, in->key);
	if (!rc)
		rc = check_overrides(cx, in);
	if (!rc)
		rc = s3__sse_of(cx, &in->sse, sse);
	if (rc)
		return rc;
	rc = meta_read(s->meta, get_fn, &a, &cx->err);
	if (rc)
		return s3__explain_marker(cx, &a.row);
	*row = a.row;
	row->customer = sse;
	rc = s3__sse_check(row->sse, sse, &cx->err);
	if (!rc)
		rc = conditions(cx, in, row);
	if (rc < 0)
		return rc;
	if (rc) {
		validators(cx, o, row);
		out_status(o, 304);
		return 1;
	}
	rc = slice_of(cx, in, row, sl);
	if (rc)
		return rc;
	answer_head(cx, in, row, sl, o);
	out_header(o, "Expiration", "x-amz-expiration", a.expiration);
	return s3__lock_out(cx, o, row);
}

struct stream {
	struct op_ctx *cx;
	struct out *o;
	const struct s3_row *row;
	uint64_t len;
	bool begun;
};

/* The head goes out with the first piece, so that bytes found corrupt there give a proper error. */
static int begin(struct stream *st)
{
	if (st->begun)
		return 0;
	st->begun = true;
	return op_stream_begin(st->cx, st->o, st->len);
}

/* Verified before it is sent, and sent by the system itself where the blob is a file. */
static int send_block(struct stream *st, struct blob_reader *r, uint64_t off, uint64_t n, struct err *e)
{
	CLEANUP(freep) char *piece = NULL;
	int fd, rc = blob_verify(r, off, n, &fd, e);

	if (rc < 0)
		return rc;
	if (rc) {
		rc = begin(st);
		return rc ? rc : op_stream_file(st->cx, st->o, fd, (off_t)off, n);
	}
	piece = malloc(n);
	must(piece);
	if (blob_read(r, piece, n, off, e) != (ssize_t)n)
		return e->code ? e->code : err_set(e, ERR_CORRUPT, "bytes of an object are missing");
	rc = begin(st);
	return rc ? rc : op_stream_write(st->cx, st->o, view_of(piece, n));
}

/* An answer from one file that is not long is verified as a whole and leaves behind our back, at the client's pace. */
static int send_part(void *arg, const struct s3_part *part, uint64_t off, uint64_t n, struct err *e)
{
	CLEANUP(readerp) struct blob_reader *r = NULL;
	struct stream *st = arg;
	struct s3 *s = st->cx->self;
	int rc = s3__part_open(s, st->row, part, &r, e), fd;

	if (!rc && n == st->len && n <= SEND_WHOLE) {
		rc = blob_verify(r, off, n, &fd, e);
		if (rc > 0) {
			st->begun = true;
			return op_answer_file(st->cx, st->o, fd, (off_t)off, n);
		}
	}
	while (!rc && n) {
		uint64_t block = MIB - off % MIB < n ? MIB - off % MIB : n;

		rc = send_block(st, r, off, block, e);
		off += block;
		n -= block;
	}
	return rc;
}

static int get(struct op_ctx *cx, const struct in_get *in, struct out *o)
{
	CLEANUP(s3__sse_wipe) struct s3_sse sse = { 0 };
	struct s3_row row;
	struct slice sl;
	struct stream st = { .cx = cx, .o = o, .row = &row };
	int rc = prepare(cx, in, o, &row, &sse, &sl);

	if (rc)
		return rc < 0 ? rc : 0;
	st.len = sl.n;
	rc = for_parts(&row, sl.off, sl.n, send_part, &st, &cx->err);
	return rc ? rc : begin(&st);
}

int s3__get_object(struct op_ctx *cx, const void *input, struct out *o)
{
	struct s3_reading reading;
	int rc;

	s3__reading_begin(cx->self, &reading);
	rc = get(cx, input, o);
	s3__reading_end(&reading);
	return rc;
}

int s3__head_object(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct in_get *in = input;
	CLEANUP(s3__sse_wipe) struct s3_sse sse = { 0 };
	struct s3_row row;
	struct slice sl;
	int rc = prepare(cx, in, o, &row, &sse, &sl);

	if (rc)
		return rc < 0 ? rc : 0;
	return op_stream_begin(cx, o, sl.n);
}
