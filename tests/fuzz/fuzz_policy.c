/* SPDX-License-Identifier: Apache-2.0 */
/* First line: a request and its keys; the rest: a policy, compiled as an identity's and as a resource's. */
#include <stddef.h>
#include <stdint.h>

#include "aws/policy.h"
#include "base/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* Every key has what stands between the bars of the first line; those that begin with 'x' are absent. */
static bool key(void *self, struct view name, struct policy_values *ret)
{
	*ret = *(const struct policy_values *)self;
	return !view_starts(name, VIEW("x"));
}

static void judge(struct view text, enum policy_kind kind, const struct policy_request *q)
{
	const struct policy_rules rules = { .kind = kind };
	struct err e = { 0 };
	struct policy *p = policy_parse(text, &rules, &e);

	must(p ? !e.code : e.code == ERR_INVALID || e.code == ERR_UNSUPPORTED || e.code == ERR_LIMIT);
	if (p) {
		enum policy_effect v = policy_eval(p, q);

		must(v == policy_eval(p, q));
		(void)policy_is_public(p);
	}
	policy_free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct view rest = view_of(p, n), first = VIEW(""), part[6] = { 0 };
	struct policy_values values = { .v = part + 4 };
	struct policy_request q = { .key = key, .self = &values };
	struct arena a;

	if (n > 65536)
		return 0;
	view_split(&rest, '\n', &first);
	for (size_t i = 0; i < 6; i++)
		if (!view_split(&first, '|', &part[i]))
			part[i] = VIEW("");
		else
			values.n += i > 3;
	arena_init(&a, LIMIT_ARENA);
	q.arena = &a;
	q.action = part[0];
	q.resource = part[1];
	q.account = part[2];
	q.arn = part[3];
	judge(rest.p ? rest : VIEW(""), POLICY_RESOURCE, &q);
	judge(rest.p ? rest : VIEW(""), POLICY_IDENTITY, &q);
	arena_clear(&a);
	return 0;
}
