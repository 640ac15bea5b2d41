/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Works S3 by a script so that the harness can cut the power, and afterwards accounts for what was acknowledged.
 *
 *	s3_driver run DIR      runs the script on the real service and stores; prints "A <steps done>" after each step
 *	s3_driver check DIR    reads these lines from stdin; exit 1 and a line per loss
 *
 * One client runs the script, so what the store has to hold is known: after N acknowledged steps the state after
 * step N or, as the next one may have happened without its answer, the state after step N + 1.  Nothing in between
 * (objects are whole, refused requests leave nothing) and nothing else.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "fault.h"
#include "s3_rig.h"
#include "svc/s3/s3_int.h"

#define BUCKET "evidence"
#define KEEPER "history" /* the bucket with versions */
#define MB5 (5 * MIB)

enum what {
	CREATE,   /* the bucket */
	PUT,      /* key, size */
	PUT_BAD,  /* refused: the bytes are not those of the checksum */
	PUT_ONCE, /* refused: If-None-Match, and the key is there */
	DELETE,
	DELETE_TWO, /* key and from, in one request */
	COPY,       /* key, from */
	COPY_SELF,  /* only the row changes */
	TAG,
	BEGIN,     /* an upload; one is open per key at a time */
	PART,      /* number, size */
	PART_COPY, /* number, from */
	COMPLETE,
	ABORT,
	RESTART, /* closed and opened; nothing changes */
	CREATE_KEEPER,
	KEEP,         /* the keeper's versioning is switched on */
	V_PUT,        /* in the keeper: key, size */
	V_DELETE,     /* a marker */
	V_DELETE_OLD, /* the oldest version for good */
	RULE,         /* what is named fade-* expires at once */
	EXPIRE,       /* lifecycle's walk: key and from go, in one transaction */
};

struct step {
	enum what what;
	const char *key;
	size_t size;
	int number;
	const char *from;
};

/* Repeated ROUNDS times with other bytes: small ones go into packs, large ones become files. */
#define ROUNDS 4
static const struct step once[] = {
	{ .what = CREATE },
	{ .what = CREATE_KEEPER },
	{ V_PUT, "v", 700 }, /* becomes the null version */
	{ .what = KEEP },
	{ .what = RULE },
};
static const struct step each[] = {
	{ .what = RESTART },
	{ ABORT, "open" }, /* if it is, since the round before */
	{ PUT, "small", 300 },
	{ PUT, "file", 150000 },
	{ PUT, "packed", 20000 },
	{ PUT, "empty", 0 },
	{ PUT_BAD, "small", 400 },
	{ PUT, "blocks", 1100000 },
	{ PUT_ONCE, "file", 500 },
	{ COPY, "copy-of-small", .from = "small" },
	{ COPY, "copy-of-file", .from = "file" },
	{ COPY_SELF, "packed" },
	{ TAG, "small" },
	{ DELETE, "empty" },
	{ BEGIN, "parts" },
	{ PART, "parts", MB5, 1 },
	{ PART, "parts", 1000, 2 },
	{ PART_COPY, "parts", .number = 2, .from = "file" }, /* the same number again: replaces */
	{ PUT, "small", 500 },
	{ COMPLETE, "parts" },
	{ BEGIN, "given-up" },
	{ PART, "given-up", 200000, 1 },
	{ PART, "given-up", 700, 2 },
	{ ABORT, "given-up" },
	{ DELETE, "blocks" },
	{ DELETE_TWO, "copy-of-small", .from = "copy-of-file" },
	{ BEGIN, "open" },
	{ PART, "open", 900, 1 },
	{ V_PUT, "v", 400 },
	{ V_PUT, "v", 170000 },
	{ V_DELETE, "v" },
	{ V_PUT, "v", 150 },
	{ V_DELETE_OLD, "v" },
	{ V_DELETE_OLD, "v" },
	{ PUT, "fade-small", 250 },
	{ PUT, "fade-file", 140000 },
	{ EXPIRE, "fade-small", .from = "fade-file" },
};

/* $MULGIL_SCRIPT=upload: short enough to be cut before every call where only this matters. */
static const struct step upload_only[] = {
	{ .what = CREATE },
	{ BEGIN, "parts" },
	{ PART, "parts", 900, 1 },
	{ COMPLETE, "parts" },
	{ PUT, "small", 300 },
};

#define STEPS_ALL (ARRAY_LEN(once) + ROUNDS * ARRAY_LEN(each))

static bool upload_script;

static size_t n_steps(void)
{
	return upload_script ? ARRAY_LEN(upload_only) : STEPS_ALL;
}

static struct step step_at(size_t i)
{
	if (upload_script)
		return upload_only[i];
	return i < ARRAY_LEN(once) ? once[i] : each[(i - ARRAY_LEN(once)) % ARRAY_LEN(each)];
}

/* --- what there has to be --- */

#define KEYS_MAX RIG_UPLOADS
#define PARTS_MAX 8

struct piece {
	size_t size;
	uint64_t seed;
	int number;
};

struct thing { /* an object, or an upload in parts */
	const char *key;
	struct piece piece[PARTS_MAX];
	size_t n;
	bool there, tagged;
	unsigned copied; /* onto itself */
};

#define VERSIONS_MAX 64

struct version {
	size_t size;
	uint64_t seed;
	bool marker;
};

struct model {
	bool bucket, keeper;
	struct version v[VERSIONS_MAX]; /* of the one key in the keeper, oldest first */
	size_t n_versions;
	struct thing object[KEYS_MAX], upload[KEYS_MAX];
};

static struct thing *thing_of(struct thing *v, const char *key)
{
	size_t i = 0;

	while (i < KEYS_MAX && v[i].key && strcmp(v[i].key, key) != 0)
		i++;
	must(i < KEYS_MAX);
	v[i].key = key;
	return &v[i];
}

static void set_part(struct thing *up, int number, struct piece p)
{
	size_t i = 0;

	while (i < up->n && up->piece[i].number != number)
		i++;
	must(i < PARTS_MAX);
	if (i == up->n)
		up->n++;
	p.number = number;
	up->piece[i] = p;
}

static void new_object(struct model *m, const char *key, const struct thing *bytes)
{
	struct thing *o = thing_of(m->object, key);

	*o = *bytes;
	o->key = key;
	o->there = true;
	o->tagged = false;
	o->copied = 0;
}

/* The keeper's steps; false: it is none. */
static bool apply_keeper(struct model *m, const struct step *s, size_t i)
{
	switch (s->what) {
	case CREATE_KEEPER:
		m->keeper = true;
		return true;
	case KEEP:
	case RESTART:
	case RULE:
		return true;
	case V_PUT:
	case V_DELETE:
		must(m->n_versions < VERSIONS_MAX);
		m->v[m->n_versions++] = (struct version){ s->size, i, s->what == V_DELETE };
		return true;
	case V_DELETE_OLD:
		memmove(&m->v[0], &m->v[1], --m->n_versions * sizeof(m->v[0]));
		return true;
	default:
		return false;
	}
}

static void apply(struct model *m, size_t i)
{
	const struct step s = step_at(i);
	const struct thing one = { .n = 1, .piece = { { s.size, i, 0 } } };
	struct thing *o = s.key ? thing_of(m->object, s.key) : NULL;
	struct thing *up = s.key ? thing_of(m->upload, s.key) : NULL;

	if (apply_keeper(m, &s, i))
		return;
	switch (s.what) {
	case CREATE:
		m->bucket = true;
		return;
	case PUT:
		new_object(m, s.key, &one);
		return;
	case PUT_BAD:
	case PUT_ONCE:
		return;
	case DELETE_TWO:
	case EXPIRE:
		thing_of(m->object, s.from)->there = false;
		o->there = false;
		return;
	case DELETE:
		o->there = false;
		return;
	case COPY:
		new_object(m, s.key, thing_of(m->object, s.from));
		return;
	case COPY_SELF:
		o->copied++;
		return;
	case TAG:
		o->tagged = true;
		return;
	case BEGIN:
		up->there = true;
		up->n = 0;
		return;
	case PART:
		set_part(up, s.number, one.piece[0]);
		return;
	case PART_COPY:
		set_part(up, s.number, thing_of(m->object, s.from)->piece[0]);
		return;
	case COMPLETE:
		new_object(m, s.key, up);
		up->there = false;
		return;
	case ABORT:
		up->there = false;
		return;
	default:
		return;
	}
}

static struct model model_after(size_t steps)
{
	struct model m = { 0 };

	for (size_t i = 0; i < steps; i++)
		apply(&m, i);
	return m;
}

/* --- S3 --- */

static struct model now; /* what the run has done */

static struct json *on_key(struct rig *r, const char *key)
{
	struct json *in = json_new_obj(&r->a);

	json_set_str(&r->a, in, "Bucket", BUCKET);
	json_set_str(&r->a, in, "Key", key);
	return in;
}

static struct json *with_body(struct rig *r, const struct step *s, size_t i)
{
	struct json *in = on_key(r, s->key);
	char *p = fault_bytes(s->size, i);

	json_set(&r->a, in, "Body", json_new_str(&r->a, arena_view(&r->a, view_of(p, s->size))));
	free(p);
	return in;
}

static const char **upload_of(struct rig *r, const char *key)
{
	return &r->upload[thing_of(now.upload, key) - now.upload];
}

static struct json *of_upload(struct rig *r, const struct step *s, struct json *in)
{
	json_set_str(&r->a, in, "UploadId", *upload_of(r, s->key));
	if (s->number)
		json_set_int(&r->a, in, "PartNumber", s->number);
	return in;
}

static void refused(struct rig *r, const char *op, const struct json *in, const char *code)
{
	const struct aws_error *w;

	if (rig_call(r, op, in))
		code = NULL;
	w = r->e.wire;
	if (!code || !w || strcmp(w->code, code) != 0) {
		fprintf(stderr, "%s was not refused as it should be: %s\n", op, r->e.msg);
		exit(3);
	}
}

/* Flat lists of an answer stand under the name of their element or of the member. */
static const struct json *list_in(const struct json *v, const char *element, const char *member)
{
	const struct json *list = json_get(v, element);

	return list ? list : json_get(v, member);
}

static struct json *copy_of(struct rig *r, const struct step *s, const char *from)
{
	struct json *in = on_key(r, s->key);

	json_set_str(&r->a, in, "CopySource", arena_printf(&r->a, BUCKET "/%s", from));
	return in;
}

static void put_step(struct rig *r, const struct step *s, size_t i)
{
	struct json *in = with_body(r, s, i);

	if (s->what == PUT_BAD) {
		json_set_str(&r->a, in, "ChecksumCRC32C", "AAAAAA==");
		refused(r, "PutObject", in, "BadDigest");
	} else if (s->what == PUT_ONCE) {
		json_set_str(&r->a, in, "IfNoneMatch", "*");
		refused(r, "PutObject", in, "PreconditionFailed");
	} else {
		rig_ok(r, "PutObject", in);
	}
}

static void copy_step(struct rig *r, const struct step *s)
{
	struct json *in = copy_of(r, s, s->what == COPY ? s->from : s->key);

	if (s->what == COPY_SELF) {
		struct json *meta = json_new_obj(&r->a);
		unsigned times = thing_of(now.object, s->key)->copied + 1;

		json_set_str(&r->a, meta, "copied", arena_printf(&r->a, "%u", times));
		json_set(&r->a, in, "Metadata", meta);
		json_set_str(&r->a, in, "MetadataDirective", "REPLACE");
	}
	rig_ok(r, "CopyObject", in);
}

static struct json *key_list(struct rig *r, const struct step *s)
{
	const char *keys[] = { s->key, s->from };
	struct json *in = json_new_obj(&r->a), *list = json_new_arr(&r->a), *del = json_new_obj(&r->a);

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		struct json *one = json_new_obj(&r->a);

		json_set_str(&r->a, one, "Key", keys[i]);
		json_push(&r->a, list, one);
	}
	json_set(&r->a, del, "Objects", list);
	json_set_str(&r->a, in, "Bucket", BUCKET);
	json_set(&r->a, in, "Delete", del);
	return in;
}

static void tag_step(struct rig *r, const struct step *s)
{
	struct json *in = on_key(r, s->key), *tag = json_new_obj(&r->a), *set = json_new_arr(&r->a);
	struct json *tagging = json_new_obj(&r->a);

	json_set_str(&r->a, tag, "Key", "seen");
	json_set_str(&r->a, tag, "Value", "yes");
	json_push(&r->a, set, tag);
	json_set(&r->a, tagging, "TagSet", set);
	json_set(&r->a, in, "Tagging", tagging);
	rig_ok(r, "PutObjectTagging", in);
}

static void complete_step(struct rig *r, const struct step *s)
{
	const struct json *have = list_in(rig_ok(r, "ListParts", of_upload(r, s, on_key(r, s->key))), "Part", "Parts");
	struct json *in = of_upload(r, s, on_key(r, s->key)), *list = json_new_arr(&r->a), *up = json_new_obj(&r->a);

	for (size_t i = 0; i < json_len(have); i++) {
		struct json *one = json_new_obj(&r->a);

		json_set_int(&r->a, one, "PartNumber", json_int(json_get(json_at(have, i), "PartNumber"), 0));
		json_set(&r->a, one, "ETag", json_new_str(&r->a, json_get_str(json_at(have, i), "ETag")));
		json_push(&r->a, list, one);
	}
	json_set(&r->a, up, "Parts", list);
	json_set(&r->a, in, "MultipartUpload", up);
	rig_ok(r, "CompleteMultipartUpload", in);
}

static void begin_step(struct rig *r, const struct step *s)
{
	struct view id = json_get_str(rig_ok(r, "CreateMultipartUpload", on_key(r, s->key)), "UploadId");
	const char **keep = upload_of(r, s->key);

	*keep = strndup(id.p, id.n);
}

/* --- the keeper --- */

static struct json *keeper(struct rig *r)
{
	struct json *in = json_new_obj(&r->a);

	json_set_str(&r->a, in, "Bucket", KEEPER);
	return in;
}

static struct json *in_keeper(struct rig *r, const char *key, struct view version)
{
	struct json *in = on_key(r, key);

	json_set_str(&r->a, in, "Bucket", KEEPER);
	if (version.p)
		json_set(&r->a, in, "VersionId", json_new_str(&r->a, version));
	return in;
}

/* Of the two lists of an answer the version and its id at place @i from the oldest; both lists are newest first. */
struct found {
	struct view id;
	bool marker;
};

static size_t find_versions(struct rig *r, struct found out[VERSIONS_MAX])
{
	const struct json *v = rig_ok(r, "ListObjectVersions", keeper(r));
	const struct json *kept = list_in(v, "Version", "Versions"), *markers = list_in(v, "DeleteMarker", "DeleteMarkers");
	size_t n = json_len(kept) + json_len(markers), i = json_len(kept), k = json_len(markers);

	must(n <= VERSIONS_MAX);
	for (size_t at = 0; at < n; at++) {
		struct view a = i ? json_get_str(json_at(kept, i - 1), "VersionId") : VIEW_NONE;
		struct view b = k ? json_get_str(json_at(markers, k - 1), "VersionId") : VIEW_NONE;
		/* Ids of one length sort by age; the null version is the oldest here. */
		bool marker = !i || (k && !view_eq_str(a, "null") && view_cmp(b, a) < 0);

		out[at] = (struct found){ marker ? b : a, marker };
		*(marker ? &k : &i) -= 1;
	}
	return n;
}

static void keeper_step(struct rig *r, const struct step *s, size_t i)
{
	struct json *in = keeper(r), *how = json_new_obj(&r->a);
	struct found v[VERSIONS_MAX];

	switch (s->what) {
	case CREATE_KEEPER:
		rig_ok(r, "CreateBucket", in);
		return;
	case KEEP:
		json_set_str(&r->a, how, "Status", "Enabled");
		json_set(&r->a, in, "VersioningConfiguration", how);
		rig_ok(r, "PutBucketVersioning", in);
		return;
	case V_PUT:
		in = with_body(r, s, i);
		json_set_str(&r->a, in, "Bucket", KEEPER);
		rig_ok(r, "PutObject", in);
		return;
	case V_DELETE:
		rig_ok(r, "DeleteObject", in_keeper(r, s->key, VIEW_NONE));
		return;
	default:
		must(find_versions(r, v) > 0);
		rig_ok(r, "DeleteObject", in_keeper(r, s->key, v[0].id));
		return;
	}
}

/* --- lifecycle --- */

static void rule_step(struct rig *r)
{
	static const char rules[] = "{\"Bucket\":\"" BUCKET "\",\"LifecycleConfiguration\":{\"Rules\":[{\"ID\":\"fade\","
				    "\"Status\":\"Enabled\",\"Filter\":{\"Prefix\":\"fade-\"},"
				    "\"Expiration\":{\"Date\":\"2020-01-01T00:00:00Z\"}}]}}";

	rig_ok(r, "PutBucketLifecycleConfiguration", json_parse(&r->a, view_str(rules), JSON_DEPTH, &r->e));
}

/* A warning instead of the two is a loss that the check will see. */
static void expire_step(struct rig *r)
{
	must(s3__expire_walk(r->s3) == 2);
}

static void do_step(struct rig *r, size_t i)
{
	const struct step s = step_at(i);
	struct json *bucket = json_new_obj(&r->a);

	json_set_str(&r->a, bucket, "Bucket", BUCKET);
	switch (s.what) {
	case CREATE:
		rig_ok(r, "CreateBucket", bucket);
		return;
	case PUT:
	case PUT_BAD:
	case PUT_ONCE:
		put_step(r, &s, i);
		return;
	case DELETE:
		rig_ok(r, "DeleteObject", on_key(r, s.key));
		return;
	case DELETE_TWO:
		rig_ok(r, "DeleteObjects", key_list(r, &s));
		return;
	case COPY:
	case COPY_SELF:
		copy_step(r, &s);
		return;
	case TAG:
		tag_step(r, &s);
		return;
	case BEGIN:
		begin_step(r, &s);
		return;
	case PART:
		rig_ok(r, "UploadPart", of_upload(r, &s, with_body(r, &s, i)));
		return;
	case PART_COPY:
		rig_ok(r, "UploadPartCopy", of_upload(r, &s, copy_of(r, &s, s.from)));
		return;
	case COMPLETE:
		complete_step(r, &s);
		return;
	case RULE:
		rule_step(r);
		return;
	case EXPIRE:
		expire_step(r);
		return;
	case ABORT:
		if (!thing_of(now.upload, s.key)->there)
			return;
		rig_ok(r, "AbortMultipartUpload", of_upload(r, &s, on_key(r, s.key)));
		return;
	default:
		keeper_step(r, &s, i);
		return;
	}
}

static void restart(struct rig *r, const char *dir)
{
	struct rig before = *r;

	rig_close(r);
	rig_open(r, dir);
	memcpy(r->upload, before.upload, sizeof(r->upload));
}

static void run(const char *dir)
{
	struct rig r;

	rig_open(&r, dir);
	for (size_t i = 0; i < n_steps(); i++) {
		if (step_at(i).what == RESTART)
			restart(&r, dir);
		else
			do_step(&r, i);
		apply(&now, i);
		fault_tell("A %zu\n", i + 1);
		arena_clear(&r.a);
	}
	rig_close(&r);
}

/* --- what there is --- */

#define COMPLAINTS_MAX 64

struct complaints {
	char *v[COMPLAINTS_MAX];
	size_t n;
};

static void complain(struct complaints *c, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void complain(struct complaints *c, const char *fmt, ...)
{
	va_list ap;

	if (c->n == COMPLAINTS_MAX)
		return;
	va_start(ap, fmt);
	must(vasprintf(&c->v[c->n++], fmt, ap) >= 0);
	va_end(ap);
}

static char *expected(const struct thing *o, size_t *ret_n)
{
	size_t n = 0;
	char *all;

	for (size_t i = 0; i < o->n; i++)
		n += o->piece[i].size;
	all = malloc(n + 1);
	must(all);
	*ret_n = n;
	n = 0;
	for (size_t i = 0; i < o->n; i++) {
		char *p = fault_bytes(o->piece[i].size, o->piece[i].seed);

		memcpy(all + n, p, o->piece[i].size);
		n += o->piece[i].size;
		free(p);
	}
	return all;
}

static void check_etag(struct complaints *c, const struct thing *o, struct view etag, struct view bytes)
{
	char hex[33];

	md5_hex(bytes, hex);
	if (o->piece[0].number ? view_find(etag, VIEW("-")) < 0 : view_find(etag, view_str(hex)) < 0)
		complain(c, "%s: ETag %.*s is not that of its bytes", o->key, VIEW_ARG(etag));
}

/* Listed objects are whole (I2). */
static void check_object(struct rig *r, struct complaints *c, const struct thing *o)
{
	const struct json *v = rig_call(r, "GetObject", on_key(r, o->key)), *tags;
	struct view body, copied;
	size_t n;
	char *want;

	if (!v) {
		complain(c, "%s: %s", o->key, r->e.msg);
		return;
	}
	body = json_get_str(v, "Body");
	want = expected(o, &n);
	if (body.n != n || memcmp(body.p, want, n) != 0)
		complain(c, "%s: has other bytes (%zu, not %zu)", o->key, body.n, n);
	check_etag(c, o, json_get_str(v, "ETag"), body);
	free(want);
	copied = json_get_str(json_get(v, "Metadata"), "copied");
	if (o->copied ? !view_eq_str(copied, arena_printf(&r->a, "%u", o->copied)) : copied.n > 0)
		complain(c, "%s: has other metadata", o->key);
	tags = json_get(rig_ok(r, "GetObjectTagging", on_key(r, o->key)), "TagSet");
	if (json_len(tags) != o->tagged)
		complain(c, "%s: has %zu tags", o->key, json_len(tags));
}

static void check_upload(struct rig *r, struct complaints *c, const struct thing *up, struct view id)
{
	struct json *in = on_key(r, up->key);
	const struct json *v, *parts;

	json_set(&r->a, in, "UploadId", json_new_str(&r->a, id));
	v = rig_call(r, "ListParts", in);
	parts = list_in(v, "Part", "Parts");
	if (!v || json_len(parts) != up->n) {
		complain(c, "upload of %s: has %zu parts, not %zu", up->key, json_len(parts), up->n);
		return;
	}
	for (size_t i = 0; i < up->n; i++) {
		char *p = fault_bytes(up->piece[i].size, up->piece[i].seed), hex[33];

		md5_hex(view_of(p, up->piece[i].size), hex);
		free(p);
		if (view_find(json_get_str(json_at(parts, i), "ETag"), view_str(hex)) < 0)
			complain(c, "upload of %s: part %d has other bytes", up->key, up->piece[i].number);
	}
}

static void check_versions(struct rig *r, struct complaints *c, const struct model *m)
{
	struct found v[VERSIONS_MAX];
	size_t n = 0;

	if (!rig_call(r, "HeadBucket", keeper(r)) != !m->keeper)
		complain(c, "the bucket with versions is %s", m->keeper ? "not there" : "there");
	else if (m->keeper && (n = find_versions(r, v)) != m->n_versions)
		complain(c, "%zu versions are listed, not %zu", n, m->n_versions);
	else
		for (size_t i = 0; i < n; i++) {
			const struct json *got = v[i].marker ? NULL : rig_ok(r, "GetObject", in_keeper(r, "v", v[i].id));
			struct view body = json_get_str(got, "Body");
			char *p = fault_bytes(m->v[i].size, m->v[i].seed);

			if (v[i].marker != m->v[i].marker ||
			    (got && (body.n != m->v[i].size || memcmp(body.p, p, body.n) != 0)))
				complain(c, "version %zu from the oldest is another one", i);
			free(p);
		}
}

static size_t count_there(const struct thing *v)
{
	size_t n = 0;

	for (size_t i = 0; i < KEYS_MAX; i++)
		n += v[i].there;
	return n;
}

/* Listings have exactly what there has to be (I1, I3). */
static void check_state(struct rig *r, struct complaints *c, struct model *m)
{
	struct json *in = json_new_obj(&r->a);
	const struct json *objects, *uploads, *list;

	check_versions(r, c, m);
	json_set_str(&r->a, in, "Bucket", BUCKET);
	list = rig_call(r, "ListObjectsV2", in);
	if (!list != !m->bucket)
		complain(c, "the bucket is %s", list ? "there" : "not there");
	if (!list || !m->bucket)
		return;
	objects = json_get(list, "Contents");
	uploads = list_in(rig_ok(r, "ListMultipartUploads", in), "Upload", "Uploads");
	if (json_len(objects) != count_there(m->object))
		complain(c, "%zu objects are listed, not %zu", json_len(objects), count_there(m->object));
	if (json_len(uploads) != count_there(m->upload))
		complain(c, "%zu uploads are listed, not %zu", json_len(uploads), count_there(m->upload));
	for (size_t i = 0; i < KEYS_MAX; i++) {
		if (m->object[i].there)
			check_object(r, c, &m->object[i]);
		if (m->upload[i].there)
			for (size_t k = 0; k < json_len(uploads); k++)
				if (view_eq_str(json_get_str(json_at(uploads, k), "Key"), m->upload[i].key))
					check_upload(r, c, &m->upload[i], json_get_str(json_at(uploads, k), "UploadId"));
	}
}

/* --- litter --- */

struct refs {
	struct map map;
};

static void use_ref(void *arg, const char *ref)
{
	struct refs *u = arg;

	map_put(&u->map, blob_key(ref), u);
}

static int all_refs(struct meta_tx *tx, void *arg, struct err *e)
{
	return s3__refs_since(tx, 0, use_ref, arg, e);
}

static bool ref_used(void *arg, struct view key)
{
	struct refs *u = arg;

	return map_get(&u->map, key) != NULL;
}

/* What the crash left without a row is gone when the recovery is done. */
static void check_litter(struct rig *r)
{
	struct refs u;
	uint64_t removed = 0;

	map_init(&u.map);
	s3__reap_settle(r->s3);
	if (meta_read(r->meta, all_refs, &u, &r->e) < 0 ||
	    blob_sweep(r->blob, SWEEP_ALL, ref_used, &u, &removed, &r->e) < 0)
		fault_stop(&r->e);
	if (removed)
		fault_loss("room of blobs, of", removed, "was left by the crash");
	map_clear(&u.map);
}

/* Every blob that a row names is there and what was written, also of parts that nobody has asked for yet. */
static void check_bytes(struct rig *r)
{
	struct s3_scrub x;

	if (s3_scrub(r->s3, "", INT32_MAX, &r->a, &x, &r->e) < 0)
		fault_stop(&r->e);
	if (x.next || json_len(x.problems))
		fault_loss("rows, of all", x.rows, json_text(&r->a, x.problems));
}

/* A recovered store works. */
static void check_works(struct rig *r, bool bucket)
{
	const struct step s = { PUT, "after", 200000, 0, NULL };

	if (!bucket)
		do_step(r, 0);
	rig_ok(r, "PutObject", with_body(r, &s, 1));
	if (json_get_str(rig_ok(r, "GetObject", on_key(r, "after")), "Body").n != s.size)
		fault_loss("object", 1, "written after the recovery is not whole");
	rig_ok(r, "DeleteObject", on_key(r, "after"));
}

static void check(const char *dir)
{
	size_t acked = fault_last_ack();
	struct complaints c[2] = { 0 }, *best = c;
	struct model m = { 0 };
	struct rig r;

	rig_open(&r, dir);
	rig_call(&r, "DeleteObject", on_key(&r, "after")); /* of a check that was cut itself */
	for (size_t i = 0; i < 2 && acked + i <= n_steps(); i++) {
		m = model_after(acked + i);
		check_state(&r, &c[i], &m);
		best = &c[i];
		if (!best->n)
			break;
	}
	for (size_t i = 0; i < best->n; i++)
		fault_loss("step", acked, best->v[i]);
	check_litter(&r);
	check_bytes(&r);
	check_works(&r, m.bucket);
	rig_close(&r);
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 64;
	upload_script = getenv("MULGIL_SCRIPT") != NULL;
	if (strcmp(argv[1], "run") == 0)
		run(argv[2]);
	else
		check(argv[2]);
	return fault_losses() ? 1 : 0;
}
