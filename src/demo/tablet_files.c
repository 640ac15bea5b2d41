/* SPDX-License-Identifier: Apache-2.0 */
/* tablet_files: the begin manifest, files by presigned URLs, the end manifest. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "base/limits.h"
#include "demo/files.h"
#include "demo/tablet_int.h"
#include "os/clock.h"

#define DOC_MAX (4 * MIB)
#define VIDEO_MAX GIB
#define DENIED_TRIES 3

void tablet__make_files(struct tablet *t)
{
	static const char *const modalities[TABLET_FILES] = { "signature", "profile", "video" };
	uint64_t seed = t->show->seed + t->number;

	for (size_t i = 0; i < TABLET_FILES; i++) {
		t->files[i].modality = modalities[i];
		buf_init(&t->files[i].data, VIDEO_MAX);
	}
	files_png(&t->files[0].data, seed);
	files_profile(&t->files[1].data, t->person->subject, seed);
	files_mp4(&t->files[2].data, t->show->video_bytes, seed);
	for (size_t i = 0; i < TABLET_FILES; i++)
		sha256_hex(buf_view(&t->files[i].data), t->files[i].sha256);
}

static const struct json *stream_doc(struct arena *a, const struct stream *s)
{
	struct json *o = json_new_obj(a), *names = json_new_arr(a);

	json_set_str(a, o, "stream", s->id);
	json_set_str(a, o, "modality", s->dev->modality);
	json_set_str(a, o, "layout", s->dev->layout);
	json_set_str(a, o, "device_model", s->dev->model);
	json_set(a, o, "rate", json_new_num(a, s->rate));
	for (size_t c = 0; c < s->dev->channels && s->names[c]; c++)
		json_push(a, names, json_new_cstr(a, s->names[c]));
	if (json_len(names))
		json_set(a, o, "channels", names);
	return o;
}

static void set_u64_text(struct arena *a, struct json *o, const char *name, uint64_t v)
{
	json_set_str(a, o, name, arena_printf(a, "%" PRIu64, v));
}

static const struct json *begin_doc(struct tablet *t)
{
	struct arena *a = &t->arena;
	struct json *o = json_new_obj(a), *streams = json_new_arr(a), *files = json_new_arr(a);

	json_set_int(a, o, "v", 1);
	json_set_str(a, o, "measurement", t->person->id);
	json_set_str(a, o, "screening", t->show->screening);
	json_set_str(a, o, "subject", t->person->subject);
	json_set_str(a, o, "content", t->show->content);
	json_set_str(a, o, "content_version", "1");
	json_set_str(a, o, "venue", "demo-room");
	json_set_str(a, o, "seat", arena_printf(a, "A%zu", t->number + 1));
	json_set_str(a, o, "tablet", arena_printf(a, "t-%zu", t->number + 1));
	set_u64_text(a, o, "started_at_ns", (uint64_t)clock_ns());
	for (size_t i = 0; i < t->person->n_streams; i++)
		json_push(a, streams, stream_doc(a, &t->person->streams[i]));
	json_set(a, o, "streams", streams);
	for (size_t i = 0; i < TABLET_FILES; i++) {
		struct json *f = json_new_obj(a);

		json_set_str(a, f, "modality", t->files[i].modality);
		set_u64_text(a, f, "bytes", t->files[i].data.n);
		json_set_str(a, f, "sha256", t->files[i].sha256);
		json_push(a, files, f);
	}
	json_set(a, o, "files", files);
	return o;
}

static const struct json *upload_of(const struct tablet *t, const char *modality)
{
	const struct json *all = json_get(t->announced, "uploads");

	for (size_t i = 0; i < json_len(all); i++)
		if (view_eq_str(json_get_str(json_at(all, i), "modality"), modality))
			return json_at(all, i);
	return NULL;
}

static int check_answer(struct tablet *t, struct err *e)
{
	if (!view_eq_str(json_get_str(t->announced, "measurement"), t->person->id) || !upload_of(t, "manifest"))
		return err_set(e, ERR_CORRUPT, "the function URL's answer has no URL for the manifest");
	for (size_t i = 0; i < TABLET_FILES; i++) {
		const struct json *u = upload_of(t, t->files[i].modality);

		if (!u)
			return err_set(e, ERR_CORRUPT, "the function URL's answer has no URL for %s", t->files[i].modality);
		t->files[i].key = arena_str(&t->arena, json_get_str(u, "key"));
	}
	return 0;
}

int tablet__announce(struct tablet *t, struct err *e)
{
	static const struct sign_header headers[] = { { "content-type", "application/json" } };
	struct arena *a = &t->arena;
	struct aws_request q = { .service = "lambda", .path = t->show->url_path, .headers = headers, .n_headers = 1 };
	struct patience w = { 0 };
	struct http_result res;
	int r;

	/* Announced again, it has to be the same measurement in the same place. */
	if (!t->begin)
		t->begin = json_text(a, begin_doc(t));
	q.body = view_str(t->begin);
	do
		r = aws_client_call(t->aws, &q, a, &res, e);
	while (r < 0 && tablet__again(t, &w, r, e));
	if (r < 0)
		return err_ctx(e, "announcing measurement %s", t->person->id);
	t->announced = json_parse(a, res.body, JSON_DEPTH, e);
	return t->announced ? check_answer(t, e) : e->code;
}

/* Exactly the headers that came with the URL; Content-Length is what the client sends anyway. */
static int put_once(struct tablet *t, const struct json *u, struct view data, struct err *e)
{
	struct arena *a = &t->arena;
	const struct json *given = json_get(u, "headers");
	struct http_header *h = ARENA_ARRAY(a, struct http_header, json_len(given) + 1);
	struct http_call q = { .method = "PUT", .url = arena_str(a, json_get_str(u, "url")), .headers = h, .body = data,
			       .body_fd = -1, .timeout_ms = 60000 };
	struct http_result res;
	int r;

	for (size_t i = 0; i < json_len(given); i++) {
		struct view name = given->obj.v[i].name;

		if (!view_eq_nocase(name, VIEW("content-length")))
			h[q.n_headers++] = (struct http_header){ arena_str(a, name), arena_str(a, json_str(given->obj.v[i].value)) };
	}
	r = http_call(t->http, &q, a, &res, e);
	if (r == 0 && res.status != 200)
		r = err_set(e, res.status == 403 ? ERR_DENIED : res.status >= 500 ? ERR_INTERNAL : ERR_INVALID,
			    "presigned PUT: HTTP status %d: %.*s", res.status, (int)(res.body.n < 300 ? res.body.n : 300),
			    res.body.n ? res.body.p : "");
	return r;
}

int tablet__upload(struct tablet *t, const char *modality, struct view data, struct err *e)
{
	struct patience w = { 0 };
	int r, denied = 0;

	for (;;) {
		r = put_once(t, upload_of(t, modality), data, e);
		if (r == 0)
			return 0;
		if (r == ERR_DENIED && denied++ < DENIED_TRIES) {
			/* The key that signed it is gone (the server began anew), or its 15 minutes are over. */
			err_clear(e);
			r = tablet__announce(t, e);
			if (r == 0)
				continue;
		}
		if (!tablet__again(t, &w, r, e))
			return err_ctx(e, "uploading %s", modality);
	}
}

/* --- the end --- */

static const struct json *stream_end(struct tablet *t, const struct stream *s, struct err *e)
{
	struct arena *a = &t->arena;
	struct digest *d = digest_new(DIGEST_SHA256);
	struct json *o = json_new_obj(a);
	uint8_t sha[DIGEST_MAX];
	uint64_t bytes = 0;
	size_t samples;
	struct buf b;
	int r = 0;

	buf_init(&b, LIMIT_RECORD);
	for (uint32_t seq = 0; seq < s->records && r == 0; seq++) {
		buf_reset(&b);
		r = stream_payload(s, seq, &b, &samples, e);
		digest_add(d, b.p, b.n);
		bytes += b.n;
	}
	buf_clear(&b);
	digest_end(d, sha);
	t->payload_bytes += bytes;
	json_set_str(a, o, "stream", s->id);
	json_set_str(a, o, "layout", s->dev->layout);
	json_set_int(a, o, "first_seq", 0);
	json_set_int(a, o, "last_seq", (int64_t)s->records - 1);
	set_u64_text(a, o, "bytes", bytes);
	json_set_str(a, o, "sha256", hex_arena(a, sha, 32));
	return r == 0 ? o : NULL;
}

int tablet__manifest(struct tablet *t, struct err *e)
{
	struct arena *a = &t->arena;
	struct json *o = json_new_obj(a), *streams = json_new_arr(a), *files = json_new_arr(a);

	json_set_int(a, o, "v", 1);
	json_set_str(a, o, "measurement", t->person->id);
	set_u64_text(a, o, "ended_at_ns", (uint64_t)clock_ns());
	for (size_t i = 0; i < t->person->n_streams; i++) {
		const struct json *s = stream_end(t, &t->person->streams[i], e);

		if (!s)
			return e->code;
		json_push(a, streams, s);
	}
	json_set(a, o, "streams", streams);
	for (size_t i = 0; i < TABLET_FILES; i++) {
		struct json *f = json_new_obj(a);

		json_set_str(a, f, "modality", t->files[i].modality);
		json_set_str(a, f, "key", t->files[i].key);
		set_u64_text(a, f, "bytes", t->files[i].data.n);
		json_set_str(a, f, "sha256", t->files[i].sha256);
		json_push(a, files, f);
	}
	json_set(a, o, "files", files);
	return tablet__upload(t, "manifest", view_str(json_text(a, o)), e);
}
