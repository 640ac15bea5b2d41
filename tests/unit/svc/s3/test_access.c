/* SPDX-License-Identifier: Apache-2.0 */
/* Every operation has an action, and what a policy may name. */
#include "unit.h"

#include "svc/s3/s3_access.h"

TEST(access_every_operation_has_an_action)
{
	for (size_t i = 0; i < s3_service.n_ops; i++)
		if (!s3__action(s3_service.ops[i].name))
			fail_msg("%s has no entry in access.c: nobody could call it", s3_service.ops[i].name);
}

static const struct {
	const char *pattern;
	bool bucket, object;
} known[] = {
	{ "s3:*", true, true },
	{ "*", true, true },
	{ "s3:GetObject", false, true },
	{ "S3:getobject", false, true },
	{ "s3:GetObjectVersion", false, true },
	{ "s3:ListBucket", true, false },
	{ "s3:Get*", true, true },
	{ "s3:BypassGovernanceRetention", false, true },
	{ "s3:ListObjects", false, false },
	{ "s3:HeadObject", false, false },
	{ "s3:ListAllMyBuckets", false, false }, /* no bucket's policy can allow it */
	{ "s3:CreateBucket", false, false },
	{ "sqs:*", false, false },
};

TEST(access_actions_that_a_policy_may_name)
{
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		bool bucket, object, any = s3__action_known(view_str(known[i].pattern), &bucket, &object);

		if (bucket != known[i].bucket || object != known[i].object || any != (bucket || object))
			fail_msg("%s: bucket %d, object %d", known[i].pattern, bucket, object);
	}
}

TEST(access_condition_keys)
{
	assert_true(s3_key_known(VIEW("s3:Prefix")));
	assert_true(s3_key_known(VIEW("s3:ExistingObjectTag/a")));
	assert_true(s3_key_known(VIEW("s3:x-amz-copy-source")));
	assert_false(s3_key_known(VIEW("s3:ExistingObjectTag/")));
	assert_false(s3_key_known(VIEW("s3:nonsense")));
}
