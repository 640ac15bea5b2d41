/* SPDX-License-Identifier: Apache-2.0 */
/* credentials -- what the gate looks up; the public functions are in gate.h.  Private to aws/. */
#pragma once

#include "aws/gate.h"

struct credential {
	const char *account, *secret, *token, *arn; /* in the arena */
	int64_t expires_ms;
	const struct policy_set *may; /* lives as long as the credentials */
};

/* false: unknown; the secret is then a random one, so that the same work can be done. */
bool credentials__find(struct credentials *c, struct view access_key, struct arena *a, struct credential *ret);
