/* SPDX-License-Identifier: Apache-2.0 */
/* xxHash's three kinds behind one interface. */
#include "base/xxh.h"

#include <stdbool.h>
#include <stdlib.h>

#include <xxhash.h>

#include "base/macro.h"

struct xxh {
	enum xxh_kind kind;
	XXH64_state_t *old; /* of XXH_64 */
	XXH3_state_t *state;
};

struct xxh *xxh_new(enum xxh_kind k)
{
	struct xxh *x = calloc(1, sizeof(*x));

	must(x);
	x->kind = k;
	if (k == XXH_64) {
		x->old = XXH64_createState();
		must(x->old && XXH64_reset(x->old, 0) == XXH_OK);
		return x;
	}
	x->state = XXH3_createState();
	must(x->state);
	must((k == XXH_3 ? XXH3_64bits_reset(x->state) : XXH3_128bits_reset(x->state)) == XXH_OK);
	return x;
}

void xxh_add(struct xxh *x, const void *p, size_t n)
{
	if (x->kind == XXH_64)
		must(XXH64_update(x->old, p, n) == XXH_OK);
	else if (x->kind == XXH_3)
		must(XXH3_64bits_update(x->state, p, n) == XXH_OK);
	else
		must(XXH3_128bits_update(x->state, p, n) == XXH_OK);
}

size_t xxh_end(struct xxh *x, uint8_t out[XXH_MAX])
{
	bool wide = x->kind == XXH_128;

	if (wide)
		XXH128_canonicalFromHash((XXH128_canonical_t *)out, XXH3_128bits_digest(x->state));
	else
		XXH64_canonicalFromHash((XXH64_canonical_t *)out,
					x->kind == XXH_64 ? XXH64_digest(x->old)
							  : XXH3_64bits_digest(x->state));
	xxh_free(x);
	return wide ? 16 : 8;
}

struct xxh *xxh_free(struct xxh *x)
{
	if (x) {
		if (x->old)
			XXH64_freeState(x->old);
		if (x->state)
			XXH3_freeState(x->state);
		free(x);
	}
	return NULL;
}
