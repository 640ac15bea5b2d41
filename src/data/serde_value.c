// SPDX-License-Identifier: Apache-2.0
/* Scalars in the spelling that the SQL engine reads without a way to fail. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/base64.h"
#include "base/json.h"
#include "base/time.h"
#include "base/utf8.h"
#include "data/serde_int.h"

static bool is_text(struct view raw)
{
	return json_text_is(raw, '"');
}

static bool is_nested(struct view raw)
{
	return json_text_is(raw, '{') || json_text_is(raw, '[');
}

static bool is_bool(struct view raw)
{
	return json_text_is(raw, 't') || json_text_is(raw, 'f');
}

static void put_ascii(struct serde *s, const char *text, bool quoted)
{
	if (quoted)
		buf_add_char(s->out, '"');
	buf_add_str(s->out, text);
	if (quoted)
		buf_add_char(s->out, '"');
}

/* --- numbers --- */

/* The text of what may be a number here (a key is always a text); false: it cannot be one. */
static bool number_text(struct serde *s, const struct serde_node *n, struct view raw, bool key, struct view *ret)
{
	if (is_nested(raw) || is_bool(raw))
		return serde__bad_value(s, n, raw);
	if (is_text(raw) && !key && s->kind == SERDE_HIVE)
		return serde__bad(s, n, "Current token (VALUE_STRING) not numeric, can not use numeric value accessors");
	*ret = view_trim(serde__text(s, raw));
	return true;
}

/* What most numbers are: it stays as it is. */
static bool is_plain(struct view raw, int64_t most)
{
	size_t i = json_text_is(raw, '-');
	int64_t v = 0;

	if (raw.n > 18 || raw.p[i] == '0')
		return false;
	for (; i < raw.n; i++) {
		if (raw.p[i] < '0' || raw.p[i] > '9')
			return false;
		v = v * 10 + (raw.p[i] - '0');
	}
	return v <= most;
}

static bool put_integer(struct serde *s, const struct serde_node *n, struct view raw, bool quoted)
{
	static const int64_t max[] = { [HIVE_TINYINT] = INT8_MAX, [HIVE_SMALLINT] = INT16_MAX, [HIVE_INT] = INT32_MAX,
				       [HIVE_BIGINT] = INT64_MAX };
	int64_t most = max[n->type->kind], v;
	struct view text;
	char out[24];

	if (!quoted && is_plain(raw, most)) {
		buf_add_view(s->out, raw);
		return true;
	}
	if (!number_text(s, n, raw, quoted, &text))
		return false;
	if (!serde__integer(text, most, &v))
		return serde__bad_value(s, n, raw);
	snprintf(out, sizeof(out), "%" PRId64, v);
	put_ascii(s, out, quoted);
	return true;
}

/* Java's names; JSON has none. */
static const char *special(struct view text)
{
	if (view_eq_str(text, "NaN"))
		return "nan";
	if (view_eq_str(text, "Infinity") || view_eq_str(text, "+Infinity"))
		return "inf";
	return view_eq_str(text, "-Infinity") ? "-inf" : NULL;
}

static bool put_double(struct serde *s, const struct serde_node *n, struct view raw, bool quoted)
{
	struct view text;
	char out[40];
	double d;

	if (!number_text(s, n, raw, quoted, &text))
		return false;
	if (is_text(raw) && special(text)) {
		put_ascii(s, special(text), true);
		return true;
	}
	if (!serde__is_number(text))
		return serde__bad_value(s, n, raw);
	buf_reset(&s->nested);
	buf_add_view(&s->nested, text);
	d = strtod(s->nested.p, NULL);
	if (n->type->kind == HIVE_FLOAT)
		d = (double)(float)d;
	if (!isfinite(d))
		return serde__bad_value(s, n, raw);
	if (d == 0)
		put_ascii(s, signbit(d) && !quoted ? "-0.0" : "0.0", quoted); /* of keys there is one zero */
	else if (snprintf(out, sizeof(out), "%.17g", d) > 0)
		put_ascii(s, out, quoted);
	return true;
}

static bool put_decimal(struct serde *s, const struct serde_node *n, struct view raw, bool quoted)
{
	struct view text;
	char out[48];

	if (!number_text(s, n, raw, quoted, &text))
		return false;
	if (!serde__decimal(text, n->type->precision, n->type->scale, out))
		return serde__bad_value(s, n, raw);
	put_ascii(s, out, true); /* as a number it would go through a double */
	return true;
}

/* --- others --- */

static bool put_boolean(struct serde *s, const struct serde_node *n, struct view raw, bool quoted)
{
	bool taken = is_bool(raw) || (is_text(raw) && (quoted || s->kind == SERDE_OPENX));
	struct view text = view_trim(serde__text(s, raw));

	if (taken && view_eq_nocase(text, VIEW("true")))
		put_ascii(s, "true", quoted);
	else if (taken && view_eq_nocase(text, VIEW("false")))
		put_ascii(s, "false", quoted);
	else
		return serde__bad_value(s, n, raw);
	return true;
}

static bool put_date(struct serde *s, const struct serde_node *n, struct view raw)
{
	struct civil c;
	char out[40];
	int64_t us;

	if (!is_text(raw) || !serde__date(s, serde__text(s, raw), &us))
		return serde__bad_value(s, n, raw);
	time_civil(us / 1000 - (us % 1000 < 0), &c);
	snprintf(out, sizeof(out), "%04d-%02d-%02d", c.year, c.month, c.day);
	put_ascii(s, out, true);
	return true;
}

static bool put_timestamp(struct serde *s, const struct serde_node *n, struct view raw)
{
	struct civil c;
	char out[80];
	int64_t us, second;

	if (is_nested(raw) || is_bool(raw) || !serde__timestamp(s, serde__text(s, raw), !is_text(raw), &us))
		return serde__bad_value(s, n, raw);
	second = us / 1000000 - (us % 1000000 < 0);
	time_civil(second * 1000, &c);
	snprintf(out, sizeof(out), "%04d-%02d-%02d %02d:%02d:%02d.%06d", c.year, c.month, c.day, c.hour, c.minute, c.second,
		 (int)(us - second * 1000000));
	put_ascii(s, out, true);
	return true;
}

/* Nested JSON without white space; keys in lower case, where keys are so. */
static void compact(struct serde *s, struct view raw, struct buf *b)
{
	struct json_walk w;
	struct view name, value;
	bool first = true;

	if (!is_nested(raw)) {
		buf_add_view(b, raw);
		return;
	}
	w = json_walk(raw);
	buf_add_char(b, *raw.p);
	for (; json_walk_next(&w, &name, &value); first = false) {
		if (!first)
			buf_add_char(b, ',');
		if (w.object) {
			size_t from;

			buf_reset(&s->name);
			json_text_unescape(&s->name, name);
			for (from = 0; s->fold && from < s->name.n; from++)
				if (s->name.p[from] >= 'A' && s->name.p[from] <= 'Z')
					s->name.p[from] = (char)(s->name.p[from] + 32);
			json_print_str(b, buf_view(&s->name));
			buf_add_char(b, ':');
		}
		compact(s, value, b);
	}
	buf_add_char(b, w.object ? '}' : ']');
}

static bool put_text(struct serde *s, const struct serde_node *n, struct view raw)
{
	if (is_nested(raw) && s->kind == SERDE_HIVE)
		return serde__bad(s, n, "One or more fields have incorrect format. A text is expected");
	if (is_nested(raw)) {
		buf_reset(&s->nested);
		compact(s, raw, &s->nested);
	}
	if (n->type->length &&
	    utf8_len(is_nested(raw) ? buf_view(&s->nested) : serde__text(s, raw)) > n->type->length)
		return serde__bad_value(s, n, raw);
	if (is_nested(raw)) {
		json_print_str(s->out, buf_view(&s->nested));
		return true;
	}
	if (!is_text(raw))
		buf_add_char(s->out, '"');
	buf_add_view(s->out, raw); /* it is JSON already */
	if (!is_text(raw))
		buf_add_char(s->out, '"');
	return true;
}

static bool put_binary(struct serde *s, const struct serde_node *n, struct view raw)
{
	struct view text = serde__text(s, raw);
	const unsigned char *p;
	size_t len;

	buf_reset(&s->nested);
	p = (const unsigned char *)buf_reserve(&s->nested, text.n + 4);
	if (!is_text(raw) || !p || !base64_decode(s->nested.p, text, &len))
		return serde__bad(s, n, "A text of base64 is expected");
	buf_add_char(s->out, '"');
	for (size_t i = 0; i < len; i++) {
		if (p[i] >= ' ' && p[i] < 0x7f && p[i] != '"' && p[i] != '\\')
			buf_add_char(s->out, (char)p[i]);
		else
			buf_printf(s->out, "\\\\x%02X", p[i]);
	}
	buf_add_char(s->out, '"');
	return true;
}

bool serde__scalar(struct serde *s, const struct serde_node *n, struct view raw, bool quoted)
{
	switch (n->type->kind) {
	case HIVE_BOOLEAN:
		return put_boolean(s, n, raw, quoted);
	case HIVE_TINYINT:
	case HIVE_SMALLINT:
	case HIVE_INT:
	case HIVE_BIGINT:
		return put_integer(s, n, raw, quoted);
	case HIVE_FLOAT:
	case HIVE_DOUBLE:
		return put_double(s, n, raw, quoted);
	case HIVE_DECIMAL:
		return put_decimal(s, n, raw, quoted);
	case HIVE_BINARY:
		return put_binary(s, n, raw);
	case HIVE_DATE:
		return put_date(s, n, raw);
	case HIVE_TIMESTAMP:
		return put_timestamp(s, n, raw);
	default:
		return put_text(s, n, raw);
	}
}
