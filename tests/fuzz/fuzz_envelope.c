// SPDX-License-Identifier: Apache-2.0
/* Bytes as an envelope, and as the JSON form of one. */
#include <stddef.h>
#include <stdint.h>

#include "data/envelope.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void check_again(const struct envelope *env)
{
	struct envelope back;
	struct buf b;

	buf_init(&b, ENVELOPE_HEAD + (1 << 20));
	envelope_build(&b, env);
	if (!b.over) {
		must(envelope_parse(buf_view(&b), &back) == ENVELOPE_OK);
		must(view_eq(back.payload, env->payload) && back.seq == env->seq);
	}
	buf_clear(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct view bytes = view_of(p, n);
	struct envelope env;
	struct err e = { 0 };
	struct arena a;

	if (envelope_parse(bytes, &env) == ENVELOPE_OK)
		check_again(&env);
	arena_init(&a, (size_t)1 << 28);
	const struct json *v = json_parse(&a, bytes, JSON_DEPTH, &e);
	if (v && envelope_from_json(&a, v, &env, &e) == 0)
		check_again(&env);
	arena_clear(&a);
	return 0;
}
