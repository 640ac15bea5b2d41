/* SPDX-License-Identifier: Apache-2.0 */
/*
 * list -- ListObjects, both versions.
 *
 * Keys come from the index in byte order.  With a delimiter, a key that goes on behind it stands for all keys
 * with the same beginning: the scan goes on behind the last of those, with a new query.
 */
#include "base/base64.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "svc/s3/s3_access.h"
#include "svc/s3/s3_ops.h"

struct list_arg {
	struct arena *arena;
	const char *bucket;
	struct view prefix, delimiter, from; /* from: inclusive */
	size_t max;
	struct s3_entry *entries;
	size_t n_entries;
	const char **prefixes;
	size_t n_prefixes;
	bool truncated;
	const char *last; /* key or common prefix of the last one given */
	bool last_is_prefix;
};

struct view s3__behind_prefix(struct arena *a, struct view v)
{
	char *s;

	if (!v.n)
		return VIEW_NONE;
	s = arena_str(a, v);
	s[v.n - 1]++;
	return view_of(s, v.n);
}

struct view s3__behind_key(struct arena *a, struct view v)
{
	return view_of(arena_str(a, v), v.n + 1);
}

size_t s3__common(struct view prefix, struct view delimiter, struct view key)
{
	ptrdiff_t at = delimiter.n ? view_find(view_from(key, prefix.n), delimiter) : -1;

	return at < 0 ? 0 : prefix.n + (size_t)at + delimiter.n;
}

/* One query: until it ends, a common prefix was met, or there is no more room.  1: go on from l->from. */
static int scan_some(struct meta_tx *tx, struct list_arg *l, struct view to, struct err *e)
{
	size_t room = l->max - l->n_entries - l->n_prefixes;
	struct tx_rows *r;
	int rc = s3__scan(tx, &r, l->bucket, l->from, to, room + 1, e);

	if (rc)
		return rc;
	while ((rc = tx_next(r, e)) > 0) {
		struct view key = row_view(r, 0);
		size_t n = s3__common(l->prefix, l->delimiter, key);

		if (!room) {
			l->truncated = true;
			tx_end(r);
			return 0;
		}
		room--;
		l->last_is_prefix = n > 0;
		if (n) {
			l->last = arena_str(l->arena, view_sub(key, 0, n));
			l->prefixes[l->n_prefixes++] = l->last;
			l->from = s3__behind_prefix(l->arena, view_str(l->last));
			tx_end(r);
			return 1;
		}
		s3__scan_row(r, l->arena, &l->entries[l->n_entries]);
		l->last = l->entries[l->n_entries++].key;
	}
	return rc;
}

static int list_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct list_arg *l = arg;
	struct view to = s3__behind_prefix(l->arena, l->prefix);
	int rc = s3__bucket_need(tx, l->bucket, NULL, e);

	if (rc || !l->max)
		return rc;
	if (view_cmp(l->from, l->prefix) < 0)
		l->from = l->prefix;
	l->entries = ARENA_ARRAY(l->arena, struct s3_entry, l->max + 1);
	l->prefixes = ARENA_ARRAY(l->arena, const char *, l->max + 1);
	do {
		rc = scan_some(tx, l, to, e);
	} while (rc > 0);
	return rc;
}

/* --- answer --- */

const char *s3__encoded(struct arena *a, const char *text, bool url)
{
	struct buf b;
	const char *s;

	if (!text || !url)
		return text;
	buf_init(&b, 4 * KIB + strlen(text) * 3);
	uri_encode(&b, view_str(text), true);
	s = arena_str(a, buf_view(&b));
	buf_clear(&b);
	return s;
}

struct answer {
	struct op_ctx *cx;
	struct out *o;
	bool url;
	const char *owner; /* canonical id; NULL: not asked for */
};

static const char *encoded(const struct answer *w, const char *text)
{
	return s3__encoded(w->cx->arena, text, w->url);
}

static void out_entry(const struct answer *w, const struct s3_entry *x)
{
	struct out *o = w->o;

	out_obj(o, NULL);
	out_str(o, "Key", encoded(w, x->key));
	out_time(o, "LastModified", x->modified_ms);
	out_str(o, "ETag", arena_printf(w->cx->arena, "\"%s\"", x->etag));
	if (x->algo) {
		out_list(o, NULL, "ChecksumAlgorithm");
		out_str(o, NULL, s3__ck_names[x->algo].name);
		out_list_end(o);
		out_str(o, "ChecksumType", x->composite ? "COMPOSITE" : "FULL_OBJECT");
	}
	out_int(o, "Size", (int64_t)x->size);
	if (w->owner) {
		out_obj(o, "Owner");
		out_str(o, "ID", w->owner);
		out_obj_end(o);
	}
	out_str(o, "StorageClass", "STANDARD");
	out_obj_end(o);
}

static void out_found(const struct answer *w, const struct list_arg *l)
{
	out_list(w->o, NULL, "Contents");
	for (size_t i = 0; i < l->n_entries; i++)
		out_entry(w, &l->entries[i]);
	out_list_end(w->o);
	out_list(w->o, NULL, "CommonPrefixes");
	for (size_t i = 0; i < l->n_prefixes; i++) {
		out_obj(w->o, NULL);
		out_str(w->o, "Prefix", encoded(w, l->prefixes[i]));
		out_obj_end(w->o);
	}
	out_list_end(w->o);
}

static void out_asked(const struct answer *w, const struct in_list *in, const struct list_arg *l)
{
	out_str(w->o, "Name", in->bucket);
	out_str(w->o, "Prefix", encoded(w, in->prefix ? in->prefix : ""));
	out_str(w->o, "Delimiter",
		encoded(w, in->delimiter && in->delimiter[0] ? in->delimiter : NULL));
	out_int(w->o, "MaxKeys", (int64_t)l->max);
	out_str(w->o, "EncodingType", in->encoding);
	out_bool(w->o, "IsTruncated", l->truncated);
}

static int prepare(struct op_ctx *cx, const struct in_list *in, struct list_arg *l)
{
	int64_t max = opt_int_or(in->max, S3_PAGE_MAX);
	int rc = s3__check_owner(cx, in->owner);

	if (rc)
		return rc;
	if (max < 0 || max > INT32_MAX)
		return aws_fail(&cx->err, &S3_INVALID_ARGUMENT,
				"Argument maxKeys must be an integer between 0 and 2147483647");
	*l = (struct list_arg){
		.arena = cx->arena,
		.bucket = in->bucket,
		.prefix = view_str(in->prefix ? in->prefix : ""),
		.delimiter = view_str(in->delimiter),
		.from = VIEW(""),
		.max = (size_t)(max < S3_PAGE_MAX ? max : S3_PAGE_MAX),
	};
	return 0;
}

/* Behind @after; if that is a common prefix itself, behind all it stands for. */
static void start_after(struct list_arg *l, const char *after)
{
	struct view v = view_str(after);

	if (!v.n)
		return;
	if (view_starts(v, l->prefix) && s3__common(l->prefix, l->delimiter, v) == v.n)
		l->from = s3__behind_prefix(l->arena, v);
	else
		l->from = s3__behind_key(l->arena, v);
}

int s3__list_objects(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct in_list *in = input;
	struct s3 *s = cx->self;
	struct answer w = { cx, o, in->encoding != NULL, s3__owner_id(cx, in->bucket) };
	struct list_arg l;
	int rc = prepare(cx, in, &l);

	if (rc)
		return rc;
	start_after(&l, in->marker);
	rc = meta_read(s->meta, list_fn, &l, &cx->err);
	if (rc)
		return rc;
	out_root(o, "ListBucketResult");
	out_asked(&w, in, &l);
	out_str(o, "Marker", encoded(&w, in->marker ? in->marker : ""));
	if (l.truncated && l.delimiter.n)
		out_str(o, "NextMarker", encoded(&w, l.last));
	out_found(&w, &l);
	return 0;
}

/* The token is "k" and a key, or "p" and a common prefix, in base64. */
static int start_token(struct op_ctx *cx, const char *token, struct list_arg *l)
{
	struct view v;

	if (!base64_decode_arena(cx->arena, view_str(token), &v) || v.n < 2 ||
	    (v.p[0] != 'k' && v.p[0] != 'p'))
		return aws_fail(&cx->err, &S3_INVALID_ARGUMENT,
				"The continuation token provided is incorrect");
	l->from = v.p[0] == 'p' ? s3__behind_prefix(cx->arena, view_from(v, 1))
				: s3__behind_key(cx->arena, view_from(v, 1));
	return 0;
}

int s3__list_objects_v2(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct in_list *in = input;
	struct s3 *s = cx->self;
	struct answer w = { cx, o, in->encoding != NULL,
			    opt_bool_or(in->fetch_owner, false) ? s3__owner_id(cx, in->bucket) : NULL };
	struct list_arg l;
	int rc = prepare(cx, in, &l);

	if (rc)
		return rc;
	start_after(&l, in->start_after);
	if (in->token && in->token[0]) /* an empty one is the beginning's */
		rc = start_token(cx, in->token, &l);
	if (!rc)
		rc = meta_read(s->meta, list_fn, &l, &cx->err);
	if (rc)
		return rc;
	out_root(o, "ListBucketResult");
	out_asked(&w, in, &l);
	out_int(o, "KeyCount", (int64_t)(l.n_entries + l.n_prefixes));
	out_str(o, "ContinuationToken", in->token);
	if (l.truncated) {
		struct view t = view_str(
			arena_printf(cx->arena, "%c%s", l.last_is_prefix ? 'p' : 'k', l.last));

		out_view(o, "NextContinuationToken", base64_encode_arena(cx->arena, t));
	}
	out_str(o, "StartAfter", encoded(&w, in->start_after));
	out_found(&w, &l);
	return 0;
}
