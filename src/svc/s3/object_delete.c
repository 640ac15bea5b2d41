/* SPDX-License-Identifier: Apache-2.0 */
/*
 * object_delete -- DeleteObject, DeleteObjects, and deletion for other services.
 *
 * Without a version id, what a plain GET sees goes: for good where versioning was never on, else behind a delete marker.
 * With one, exactly that version goes for good, and the next older one shows again.
 */
#include "svc/s3/s3_access.h"
#include "svc/s3/s3_ops.h"

int s3__null_take(struct meta_tx *tx, const char *bucket, const char *key, struct arena *a,
		  char **ret_parts, struct err *e)
{
	const struct s3_vid null = { .null = true };
	struct s3_row r;
	int found = s3__version_find(tx, bucket, key, &null, a, &r, e);

	if (found <= 0)
		return found;
	*ret_parts = s3__parts_text(a, r.parts, r.n_parts);
	return s3__version_remove(tx, &r, e);
}

static int conditions(const struct s3_deletion *d, bool exists, const struct s3_row *r,
		      struct err *e)
{
	if (!d->if_match && !d->if_modified.set && !d->if_size.set)
		return 0;
	if (!exists)
		return d->if_match && !view_eq_str(view_str(d->if_match), "*")
			       ? aws_fail(e, &S3_NO_SUCH_KEY, "The specified key does not exist.")
			       : 0;
	if ((d->if_match && !s3__same_etag(d->if_match, r->etag)) ||
	    (d->if_modified.set && d->if_modified.v / 1000 != r->modified_ms / 1000) ||
	    (d->if_size.set && (uint64_t)d->if_size.v != r->size))
		return aws_fail(e, &S3_PRECONDITION_FAILED,
				"At least one of the pre-conditions you specified did not hold");
	return 0;
}

/* 1: it is, and @d says so.  Only versions that are asked for by their id can be: a bucket with object lock keeps the others. */
static int locked(const struct s3_deleting *g, struct s3_deletion *d, const struct s3_row *r,
		  struct err *e)
{
	int rc = s3__lock_allows_delete(g->arena, r, g->s->now_ms(), g->bypass, e);

	if (!rc || !e->wire)
		return rc;
	d->failed = *e;
	err_clear(e);
	return 1;
}

static int delete_version(struct meta_tx *tx, struct s3_deleting *g, struct s3_deletion *d,
			  struct err *e)
{
	struct s3_vid id;
	struct s3_row r;
	int rc = s3__vid_parse(d->version, &id, &d->failed);

	if (rc)
		return 0;
	d->done.vid = d->version;
	rc = s3__version_find(tx, g->bucket.name, d->key, &id, g->arena, &r, e);
	if (rc < 0 || conditions(d, rc > 0, &r, &d->failed) || !rc)
		return rc < 0 ? rc : 0;
	rc = locked(g, d, &r, e);
	if (rc)
		return rc < 0 ? rc : 0;
	d->done.marker = r.marker;
	rc = s3__doom_tx(tx, g->s, s3__parts_text(g->arena, r.parts, r.n_parts), e);
	if (!rc)
		rc = s3__version_remove(tx, &r, e);
	if (!rc)
		rc = s3__version_promote(tx, g->bucket.name, d->key, e);
	if (!rc && g->bucket.notify)
		rc = s3__emit_deleted(tx, g->s, &g->bucket, &r, false, &g->who, g->arena, e);
	return rc;
}

static int delete_for_good(struct meta_tx *tx, struct s3_deleting *g, struct s3_deletion *d,
			   struct s3_row *r, struct err *e)
{
	int rc = s3__object_remove(tx, g->bucket.name, d->key, e);

	if (!rc)
		rc = s3__doom_tx(tx, g->s, s3__parts_text(g->arena, r->parts, r->n_parts), e);
	if (!rc && g->bucket.notify)
		rc = s3__emit_deleted(tx, g->s, &g->bucket, r, false, &g->who, g->arena, e);
	return rc;
}

/* @now: what a plain GET sees, or NULL.  A marker is made also where there is nothing, as S3 does. */
static int hide(struct meta_tx *tx, struct s3_deleting *g, struct s3_deletion *d,
		const struct s3_row *now, struct err *e)
{
	bool suspended = g->bucket.versioning == S3_VERSIONING_SUSPENDED;
	struct s3_row m = { .bucket = g->bucket.name,
			    .key = d->key,
			    .marker = true,
			    .vnull = suspended,
			    .versioning = g->bucket.versioning,
			    .modified_ms = g->s->now_ms(),
			    .etag = "" };
	char *gone = NULL;
	int rc = 0;

	if (suspended)
		rc = s3__null_take(tx, m.bucket, d->key, g->arena, &gone, e);
	if (!rc)
		rc = s3__doom_tx(tx, g->s, gone, e);
	if (!rc && now && !(suspended && now->vnull))
		rc = s3__version_retire(tx, m.bucket, d->key, e);
	m.seq = s3__next_seq(g->s);
	if (!rc)
		rc = s3__version_marker(tx, &m, e);
	d->done.marker = true;
	d->done.vid = s3__vid_text(g->arena, &m);
	if (!rc && g->bucket.notify)
		rc = s3__emit_deleted(tx, g->s, &g->bucket, &m, true, &g->who, g->arena, e);
	return rc;
}

int s3__delete_tx(struct meta_tx *tx, struct s3_deleting *g, struct s3_deletion *d, struct err *e)
{
	struct s3_row r;
	int found;

	if (d->version)
		return delete_version(tx, g, d, e);
	found = s3__object_find(tx, g->bucket.name, d->key, g->arena, &r, e);
	if (found < 0)
		return found;
	if (conditions(d, found > 0, &r, &d->failed))
		return 0;
	if (g->bucket.versioning)
		return hide(tx, g, d, found > 0 ? &r : NULL, e);
	return found ? delete_for_good(tx, g, d, &r, e) : 0;
}

/* --- the operations --- */

struct delete_arg {
	struct s3_deleting g;
	const char *bucket;
	struct s3_deletion *v;
	size_t n;
};

static int delete_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct delete_arg *a = arg;
	int rc = s3__bucket_need(tx, a->bucket, &a->g.bucket, e);

	for (size_t i = 0; !rc && i < a->n; i++)
		if (!a->v[i].failed.code)
			rc = s3__delete_tx(tx, &a->g, &a->v[i], e);
	return rc;
}

static int delete_all(struct delete_arg *a, struct err *e)
{
	return meta_write(a->g.s->meta, delete_fn, a, e);
}

int s3__delete_object(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct in_delete *in = input;
	struct s3_deletion one = { .key = in->key,
				   .version = in->version,
				   .if_match = in->if_match,
				   .if_modified = in->if_modified,
				   .if_size = in->if_size };
	struct delete_arg a = {
		.g = { .s = cx->self,
		       .arena = cx->arena,
		       .who = s3__who(cx, "DeleteObject"),
		       .bypass = opt_bool_or(in->bypass, false) },
		.bucket = in->bucket,
		.v = &one,
		.n = 1
	};
	int rc = s3__check_owner(cx, in->owner);

	if (!rc)
		rc = s3__check_key(cx, in->key);
	if (!rc)
		rc = delete_all(&a, &cx->err);
	if (!rc && one.failed.code) {
		cx->err = one.failed;
		rc = one.failed.code;
	}
	if (rc)
		return rc;
	out_header(o, "VersionId", "x-amz-version-id", one.done.vid);
	out_header(o, "DeleteMarker", "x-amz-delete-marker", one.done.marker ? "true" : NULL);
	return 0;
}

static void deleted(struct out *o, const struct s3_deletion *d)
{
	out_obj(o, NULL);
	out_str(o, "Key", d->key);
	out_str(o, "VersionId", d->version);
	if (d->done.marker) {
		out_bool(o, "DeleteMarker", true);
		out_str(o, "DeleteMarkerVersionId", d->done.vid);
	}
	out_obj_end(o);
}

static void deleted_list(struct out *o, const struct s3_deletion *v, size_t n, bool quiet)
{
	out_list(o, NULL, "Deleted");
	for (size_t i = 0; i < n; i++)
		if (!v[i].failed.code && !quiet)
			deleted(o, &v[i]);
	out_list_end(o);
	out_list(o, NULL, "Error");
	for (size_t i = 0; i < n; i++) {
		if (!v[i].failed.code)
			continue;
		out_obj(o, NULL);
		out_str(o, "Key", v[i].key);
		out_str(o, "VersionId", v[i].version);
		out_str(o, "Code", ((const struct aws_error *)v[i].failed.wire)->code);
		out_str(o, "Message", v[i].failed.msg);
		out_obj_end(o);
	}
	out_list_end(o);
}

int s3__delete_objects(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct in_delete_many *in = input;
	const struct in_delete_item *items = in->list->objects.v;
	size_t n = in->list->objects.n;
	struct delete_arg a = {
		.g = { .s = cx->self,
		       .arena = cx->arena,
		       .who = s3__who(cx, "DeleteObject"),
		       .bypass = opt_bool_or(in->bypass, false) },
		.bucket = in->bucket,
		.v = ARENA_ARRAY(cx->arena, struct s3_deletion, n + 1),
		.n = n
	};
	int rc = s3__check_owner(cx, in->owner);

	if (!rc && (!n || n > S3_DELETE_MAX))
		rc = aws_fail(&cx->err, &S3_MALFORMED_XML,
			      "The XML you provided was not well-formed or did not validate "
			      "against our published schema");
	for (size_t i = 0; !rc && i < n; i++) {
		a.v[i] = (struct s3_deletion){ .key = items[i].key,
					       .version = items[i].version,
					       .if_match = items[i].etag,
					       .if_modified = items[i].modified,
					       .if_size = items[i].size };
		if (s3__check_key(cx, items[i].key) ||
		    s3__authorize_delete(cx, in, in->bucket, items[i].key, items[i].version)) {
			a.v[i].failed = cx->err;
			err_clear(&cx->err);
		}
	}
	if (!rc)
		rc = delete_all(&a, &cx->err);
	if (rc)
		return rc;
	out_root(o, "DeleteResult");
	deleted_list(o, a.v, n, opt_bool_or(in->list->quiet, false));
	return 0;
}
