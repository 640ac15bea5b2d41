/* SPDX-License-Identifier: Apache-2.0 */
/* lifecycle_rules -- what lifecycle rules mean for a version, a delete marker, an upload.  Pure. */
#include "svc/s3/lifecycle.h"

/* --- from their document --- */

static void take_tag(struct arena *a, struct lc_rule *r, const struct json *t)
{
	r->tags.v[r->tags.n++] = (struct op_pair){ arena_str(a, json_get_str(t, "Key")),
						   arena_str(a, json_get_str(t, "Value")) };
}

/* Of a filter, of what its And holds, or of a rule itself: the old form has the prefix there. */
static void take_filter(struct arena *a, struct lc_rule *r, const struct json *f)
{
	const struct json *tags = json_get(f, "Tags"), *tag = json_get(f, "Tag");
	struct view prefix = json_get_str(f, "Prefix");

	if (prefix.p)
		r->prefix = prefix;
	r->above = json_int(json_get(f, "ObjectSizeGreaterThan"), r->above);
	r->below = json_int(json_get(f, "ObjectSizeLessThan"), r->below);
	if (!tags && !tag)
		return;
	r->tags.v = ARENA_ARRAY(a, struct op_pair, json_len(tags) + 1);
	if (tag)
		take_tag(a, r, tag);
	for (size_t i = 0; i < json_len(tags); i++)
		take_tag(a, r, json_at(tags, i));
}

static void take_rule(struct arena *a, struct lc_rule *r, const struct json *doc)
{
	const struct json *filter = json_get(doc, "Filter"), *expire = json_get(doc, "Expiration"),
			  *old = json_get(doc, "NoncurrentVersionExpiration"),
			  *abort = json_get(doc, "AbortIncompleteMultipartUpload");

	*r = (struct lc_rule){ .id = arena_str(a, json_get_str(doc, "ID")),
			       .enabled = view_eq_str(json_get_str(doc, "Status"), "Enabled"),
			       .prefix = VIEW(""),
			       .above = INT64_MIN,
			       .below = INT64_MAX,
			       .days = json_int(json_get(expire, "Days"), 0),
			       .date_ms = json_int(json_get(expire, "Date"), 0),
			       .lonely_markers = json_is_true(json_get(expire, "ExpiredObjectDeleteMarker")),
			       .old_days = json_int(json_get(old, "NoncurrentDays"), 0),
			       .old_kept = json_int(json_get(old, "NewerNoncurrentVersions"), 0),
			       .abort_days = json_int(json_get(abort, "DaysAfterInitiation"), 0) };
	take_filter(a, r, doc);
	take_filter(a, r, filter);
	take_filter(a, r, json_get(filter, "And"));
}

int lc_parse(struct arena *a, const char *doc, struct lifecycle *ret, struct err *e)
{
	const struct json *j = json_parse(a, view_str(doc), JSON_DEPTH, e), *rules = json_get(j, "Rules");

	*ret = (struct lifecycle){ 0 };
	if (!j)
		return err_ctx(e, "lifecycle of a bucket");
	ret->v = ARENA_ARRAY(a, struct lc_rule, json_len(rules) + 1);
	for (size_t i = 0; i < json_len(rules); i++) {
		take_rule(a, &ret->v[ret->n], json_at(rules, i));
		ret->tags = ret->tags || ret->v[ret->n].tags.n;
		ret->n++;
	}
	return 0;
}

/* --- what they mean --- */

int64_t lc_due(int64_t from_ms, int64_t days, int64_t day_ms)
{
	int64_t due = from_ms + days * day_ms;

	if (day_ms != LC_DAY_MS)
		return due;
	return (due + LC_DAY_MS - 1) / LC_DAY_MS * LC_DAY_MS;
}

static bool has_tags(const struct lc_rule *r, const struct s3_tags *have)
{
	for (size_t i = 0; have && i < r->tags.n; i++) {
		size_t j = 0;

		while (j < have->n && (strcmp(have->v[j].key, r->tags.v[i].key) != 0 ||
				       strcmp(have->v[j].value, r->tags.v[i].value) != 0))
			j++;
		if (j == have->n)
			return false;
	}
	return true;
}

static bool is_for(const struct lc_rule *r, const char *key, uint64_t size, const struct s3_tags *tags)
{
	int64_t n = (int64_t)size;

	return r->enabled && view_starts(view_str(key), r->prefix) && n > r->above && n < r->below &&
	       has_tags(r, tags);
}

static bool expired(const struct lc_rule *r, int64_t modified_ms, int64_t now_ms, int64_t day_ms)
{
	return (r->days && lc_due(modified_ms, r->days, day_ms) <= now_ms) || (r->date_ms && r->date_ms <= now_ms);
}

static bool wants(const struct lc_rule *r, const struct lc_entry *x, int64_t now_ms, int64_t day_ms)
{
	if (!x->current)
		return r->old_days && x->newer_old >= r->old_kept &&
		       lc_due(x->retired_ms, r->old_days, day_ms) <= now_ms;
	if (x->marker)
		return x->alone && (r->lonely_markers || expired(r, x->modified_ms, now_ms, day_ms));
	return expired(r, x->modified_ms, now_ms, day_ms);
}

bool lc_wants(const struct lifecycle *l, const struct lc_entry *x, const struct s3_tags *tags, int64_t now_ms,
	      int64_t day_ms)
{
	for (size_t i = 0; i < l->n; i++)
		if (is_for(&l->v[i], x->key, x->size, tags) && wants(&l->v[i], x, now_ms, day_ms))
			return true;
	return false;
}

bool lc_wants_upload(const struct lifecycle *l, const char *key, int64_t created_ms, int64_t now_ms, int64_t day_ms)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct lc_rule *r = &l->v[i];

		if (r->enabled && r->abort_days && view_starts(view_str(key), r->prefix) &&
		    lc_due(created_ms, r->abort_days, day_ms) <= now_ms)
			return true;
	}
	return false;
}

bool lc_range(const struct lifecycle *l, struct arena *a, struct view *from, struct view *to)
{
	bool any = false, open = false;

	*from = *to = VIEW("");
	for (size_t i = 0; i < l->n; i++) {
		const struct lc_rule *r = &l->v[i];
		struct view end = s3__behind_prefix(a, r->prefix);

		if (!r->enabled)
			continue;
		if (!any || view_cmp(r->prefix, *from) < 0)
			*from = r->prefix;
		if (!any || view_cmp(end, *to) > 0)
			*to = end;
		open = open || !end.n;
		any = true;
	}
	if (open)
		*to = VIEW_NONE;
	return any;
}

const struct lc_rule *lc_first(const struct lifecycle *l, const struct s3_row *row, int64_t *ret_ms)
{
	const struct lc_rule *first = NULL;

	for (size_t i = 0; i < l->n; i++) {
		const struct lc_rule *r = &l->v[i];
		int64_t due = r->date_ms ? r->date_ms : lc_due(row->modified_ms, r->days, LC_DAY_MS);

		if ((!r->days && !r->date_ms) || !is_for(r, row->key, row->size, &row->tags))
			continue;
		if (!first || due < *ret_ms) {
			first = r;
			*ret_ms = due;
		}
	}
	return first;
}
