// SPDX-License-Identifier: Apache-2.0
/* The 52 bytes in front of every bio-signal record. */
#include "data/envelope.h"

#include <inttypes.h>

#include "base/base64.h"
#include "base/crc.h"

#define AT_VERSION 2
#define AT_FLAGS 3
#define AT_LAYOUT 4
#define AT_STREAM 8
#define AT_SEQ 24
#define AT_TABLET 28
#define AT_DEVICE 36
#define AT_LEN 44
#define AT_CRC 48
#define STREAM_BYTES 16

static const uint8_t magic[2] = { 'M', 'G' };

static uint64_t get(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	while (n-- > 0)
		v = v << 8 | p[n];
	return v;
}

static void put(uint8_t *p, size_t n, uint64_t v)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

static uint32_t checksum(const uint8_t *head, struct view payload)
{
	return crc32c(crc32c(0, head, AT_CRC), payload.p, payload.n);
}

enum envelope_fault envelope_parse(struct view bytes, struct envelope *ret)
{
	const uint8_t *p = (const uint8_t *)bytes.p;
	struct view payload = view_from(bytes, ENVELOPE_HEAD);

	if (bytes.n < ENVELOPE_HEAD)
		return ENVELOPE_LENGTH;
	if (memcmp(p, magic, sizeof(magic)) != 0)
		return ENVELOPE_MAGIC;
	if (p[AT_VERSION] != ENVELOPE_VERSION)
		return ENVELOPE_VERSION_UNKNOWN;
	if (p[AT_FLAGS] != 0)
		return ENVELOPE_FLAGS;
	if (get(p + AT_LEN, 4) != payload.n)
		return ENVELOPE_LENGTH;
	if (get(p + AT_CRC, 4) != checksum(p, payload))
		return ENVELOPE_CRC;
	*ret = (struct envelope){
		.version = p[AT_VERSION],
		.flags = p[AT_FLAGS],
		.layout = (uint32_t)get(p + AT_LAYOUT, 4),
		.seq = (uint32_t)get(p + AT_SEQ, 4),
		.t_tablet_ns = (int64_t)get(p + AT_TABLET, 8),
		.t_device = (int64_t)get(p + AT_DEVICE, 8),
		.crc = (uint32_t)get(p + AT_CRC, 4),
		.payload = payload,
	};
	memcpy(ret->stream, p + AT_STREAM, STREAM_BYTES);
	return ENVELOPE_OK;
}

const char *envelope_fault_name(enum envelope_fault f)
{
	static const char *const names[] = { "ok", "length", "magic", "version", "flags", "crc" };

	return names[f];
}

void envelope_build(struct buf *out, const struct envelope *env)
{
	uint8_t h[ENVELOPE_HEAD];

	must(env->payload.n <= UINT32_MAX);
	memcpy(h, magic, sizeof(magic));
	h[AT_VERSION] = env->version;
	h[AT_FLAGS] = env->flags;
	put(h + AT_LAYOUT, 4, env->layout);
	memcpy(h + AT_STREAM, env->stream, STREAM_BYTES);
	put(h + AT_SEQ, 4, env->seq);
	put(h + AT_TABLET, 8, (uint64_t)env->t_tablet_ns);
	put(h + AT_DEVICE, 8, (uint64_t)env->t_device);
	put(h + AT_LEN, 4, env->payload.n);
	put(h + AT_CRC, 4, checksum(h, env->payload));
	buf_add(out, h, sizeof(h));
	buf_add_view(out, env->payload);
}

/* ---- text and JSON ---- */

char *envelope_stream_text(const uint8_t stream[16], char out[ENVELOPE_STREAM_TEXT])
{
	static const size_t cuts[] = { 4, 6, 8, 10, 16 };
	char *p = out;

	for (size_t i = 0, from = 0; i < ARRAY_LEN(cuts); from = cuts[i++]) {
		hex_encode(p, stream + from, cuts[i] - from);
		p += 2 * (cuts[i] - from);
		*p++ = '-';
	}
	p[-1] = '\0';
	return out;
}

bool envelope_stream_parse(struct view text, uint8_t ret[16])
{
	char hex[2 * STREAM_BYTES];
	size_t n = 0;

	if (text.n != ENVELOPE_STREAM_TEXT - 1)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash != (text.p[i] == '-'))
			return false;
		if (!dash)
			hex[n++] = text.p[i];
	}
	return hex_decode(ret, view_of(hex, n));
}

static int check_members(const struct json *v, struct err *e)
{
	static const char *const names[] = { "v",   "flags",       "layout",   "stream",
					     "seq", "t_tablet_ns", "t_device", "data" };

	if (!json_is(v, JSON_OBJ))
		return err_set(e, ERR_INVALID, "an envelope must be a JSON object");
	for (size_t i = 0; i < json_len(v); i++) {
		size_t k = 0;

		while (k < ARRAY_LEN(names) && !view_eq_str(v->obj.v[i].name, names[k]))
			k++;
		if (k == ARRAY_LEN(names))
			return err_set(e, ERR_INVALID, "unknown member %.*s",
				       VIEW_ARG(view_sub(v->obj.v[i].name, 0, 64)));
	}
	return 0;
}

static int get_number(const struct json *v, const char *name, int64_t max, bool required,
		      uint32_t *ret, struct err *e)
{
	const struct json *x = json_get(v, name);

	*ret = 0;
	if (!x && !required)
		return 0;
	if (!x || !json_is(x, JSON_INT) || x->i < 0 || x->i > max)
		return err_set(e, ERR_INVALID, "%s must be a whole number from 0 to %" PRId64, name,
			       max);
	*ret = (uint32_t)x->i;
	return 0;
}

/* 64-bit numbers are strings, as JavaScript would change them. */
static int get_time(const struct json *v, const char *name, int64_t *ret, struct err *e)
{
	if (!view_i64(json_get_str(v, name), ret))
		return err_set(e, ERR_INVALID, "%s must be a 64-bit whole number as a string",
			       name);
	return 0;
}

int envelope_from_json(struct arena *a, const struct json *v, struct envelope *ret, struct err *e)
{
	struct envelope env = { .version = ENVELOPE_VERSION };
	uint32_t version, flags;

	if (check_members(v, e) < 0 || get_number(v, "v", 255, true, &version, e) < 0 ||
	    get_number(v, "flags", 255, false, &flags, e) < 0 ||
	    get_number(v, "layout", UINT32_MAX, false, &env.layout, e) < 0 ||
	    get_number(v, "seq", UINT32_MAX, true, &env.seq, e) < 0 ||
	    get_time(v, "t_tablet_ns", &env.t_tablet_ns, e) < 0 ||
	    get_time(v, "t_device", &env.t_device, e) < 0)
		return e->code;
	if (version != ENVELOPE_VERSION)
		return err_set(e, ERR_INVALID, "v is %" PRIu32 "; 1 is known", version);
	if (flags)
		return err_set(e, ERR_INVALID, "flags must be 0");
	if (!envelope_stream_parse(json_get_str(v, "stream"), env.stream))
		return err_set(e, ERR_INVALID, "stream must be a UUID");
	if (!json_is(json_get(v, "data"), JSON_STR) ||
	    !base64_decode_arena(a, json_get_str(v, "data"), &env.payload))
		return err_set(e, ERR_INVALID, "data must be base64");
	*ret = env;
	return 0;
}

const struct json *envelope_to_json(struct arena *a, const struct envelope *env)
{
	struct json *v = json_new_obj(a);
	char uuid[ENVELOPE_STREAM_TEXT];

	json_set_int(a, v, "v", env->version);
	json_set_int(a, v, "flags", env->flags);
	json_set_int(a, v, "layout", env->layout);
	json_set_str(a, v, "stream", envelope_stream_text(env->stream, uuid));
	json_set_int(a, v, "seq", env->seq);
	json_set_str(a, v, "t_tablet_ns", arena_printf(a, "%" PRId64, env->t_tablet_ns));
	json_set_str(a, v, "t_device", arena_printf(a, "%" PRId64, env->t_device));
	json_set(a, v, "data", json_new_str(a, base64_encode_arena(a, env->payload)));
	return v;
}
