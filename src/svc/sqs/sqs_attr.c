// SPDX-License-Identifier: Apache-2.0
/* Message attributes: what is allowed, AWS's digest of them, and which of them a receiver asks for. */
#include <ctype.h>
#include <stdlib.h>

#include "base/base64.h"
#include "os/crypto.h"
#include "svc/sqs/sqs_int.h"

#define NAME_MAX_CHARS 256

static bool name_ok(struct view n)
{
	if (!n.n || n.n > NAME_MAX_CHARS || n.p[0] == '.' || n.p[n.n - 1] == '.' || view_find(n, VIEW("..")) >= 0)
		return false;
	for (size_t i = 0; i < n.n; i++)
		if (!isalnum((unsigned char)n.p[i]) && n.p[i] != '_' && n.p[i] != '-' && n.p[i] != '.')
			return false;
	return !(n.n > 3 && view_eq_nocase(view_sub(n, 0, 4), VIEW("aws."))) &&
	       !(n.n > 6 && view_eq_nocase(view_sub(n, 0, 7), VIEW("amazon.")));
}

/* "String", or with a label of the client's own: "String.json". */
static bool type_is(struct view type, struct view base)
{
	return view_starts(type, base) && (type.n == base.n || type.p[base.n] == '.');
}

static int check_members(struct view name, const struct json *v, bool binary, struct err *e)
{
	for (size_t i = 0; i < v->obj.n; i++) {
		struct view m = v->obj.v[i].name;

		if (!view_eq_str(m, "DataType") && !view_eq_str(m, binary ? "BinaryValue" : "StringValue"))
			return aws_fail(e, &SQS_BAD_VALUE, "The message attribute '%.*s' has the member %.*s, which does not belong to "
					"its type or is not supported.", VIEW_ARG(name), VIEW_ARG(m));
	}
	return 0;
}

static int check_one(struct view name, const struct json *v, size_t *bytes, struct arena *a, struct err *e)
{
	struct view type = json_get_str(v, "DataType"), text = json_get_str(v, "StringValue"), raw = VIEW("");
	struct view base64 = json_get_str(v, "BinaryValue");
	bool binary = type_is(type, VIEW("Binary"));

	if (!name_ok(name))
		return aws_fail(e, &SQS_BAD_VALUE, "The message attribute name '%.*s' is invalid.", VIEW_ARG(name));
	if (!type.n || (!binary && !type_is(type, VIEW("String")) && !type_is(type, VIEW("Number"))))
		return aws_fail(e, &SQS_BAD_VALUE, "The message attribute '%.*s' has an invalid message attribute type, the set of "
				"supported type prefixes is Binary, Number, and String.", VIEW_ARG(name));
	if (check_members(name, v, binary, e) < 0)
		return e->code;
	if (binary && base64.p && !base64_decode_arena(a, base64, &raw))
		return aws_fail(e, &SQS_BAD_VALUE, "The message attribute '%.*s' is not base64.", VIEW_ARG(name));
	if (!(binary ? raw : text).n)
		return aws_fail(e, &SQS_BAD_VALUE, "The message attribute '%.*s' must contain non-empty message attribute value for "
				"message attribute type '%.*s'.", VIEW_ARG(name), VIEW_ARG(type));
	*bytes += name.n + type.n + (binary ? raw : text).n;
	return 0;
}

int sqs__attr_check(const struct json *attributes, size_t *ret_bytes, struct arena *a, struct err *e)
{
	size_t bytes = 0;
	int r = 0;

	if (attributes && !json_is(attributes, JSON_OBJ))
		return aws_fail(e, &SQS_BAD_VALUE, "MessageAttributes is no map.");
	if (json_len(attributes) > SQS_ATTRIBUTES_MAX)
		return aws_fail(e, &SQS_BAD_VALUE, "Number of message attributes [%zu] exceeds the allowed maximum [%d].",
				json_len(attributes), SQS_ATTRIBUTES_MAX);
	for (size_t i = 0; r == 0 && i < json_len(attributes); i++) {
		const struct json_member *m = &attributes->obj.v[i];

		if (!json_is(m->value, JSON_OBJ))
			return aws_fail(e, &SQS_BAD_VALUE, "The message attribute '%.*s' is no structure.", VIEW_ARG(m->name));
		r = check_one(m->name, m->value, &bytes, a, e);
	}
	*ret_bytes = bytes;
	return r;
}

static int by_name(const void *a, const void *b)
{
	return view_cmp(((const struct json_member *)a)->name, ((const struct json_member *)b)->name);
}

static void add_counted(struct digest *d, struct view v)
{
	uint8_t n[4] = { (uint8_t)(v.n >> 24), (uint8_t)(v.n >> 16), (uint8_t)(v.n >> 8), (uint8_t)v.n };

	digest_add(d, n, sizeof(n));
	digest_add(d, v.p, v.n);
}

/* Names in order; of each the name, the type, one byte for text or bytes, the value: lengths in front of all. */
void sqs__attr_md5(const struct json *attributes, struct arena *a, char ret[33])
{
	size_t n = json_len(attributes);
	struct json_member *v = arena_dup(a, attributes->obj.v, n * sizeof(*v));
	struct digest *d = digest_new(DIGEST_MD5);
	uint8_t sum[DIGEST_MAX];

	qsort(v, n, sizeof(*v), by_name);
	for (size_t i = 0; i < n; i++) {
		struct view type = json_get_str(v[i].value, "DataType"), value = json_get_str(v[i].value, "StringValue");
		bool binary = type_is(type, VIEW("Binary"));

		if (binary)
			must(base64_decode_arena(a, json_get_str(v[i].value, "BinaryValue"), &value));
		add_counted(d, v[i].name);
		add_counted(d, type);
		digest_add(d, binary ? "\2" : "\1", 1);
		add_counted(d, value);
	}
	hex_encode(ret, sum, digest_end(d, sum));
	ret[32] = '\0';
}

static bool asked_for(struct view name, const struct op_list *names)
{
	const char *const *v = names->v;

	for (size_t i = 0; i < names->n; i++) {
		struct view want = view_str(v[i]);

		if (view_eq_str(want, "All") || view_eq(want, name))
			return true;
		if (view_ends(want, VIEW(".*")) && view_starts(name, view_sub(want, 0, want.n - 2)))
			return true;
	}
	return false;
}

const struct json *sqs__attr_pick(const struct json *attributes, const struct op_list *names, struct arena *a)
{
	struct json *some = json_new_obj(a);

	for (size_t i = 0; i < json_len(attributes); i++)
		if (asked_for(attributes->obj.v[i].name, names))
			json_set_view(a, some, attributes->obj.v[i].name, attributes->obj.v[i].value);
	return json_len(some) ? some : NULL;
}
