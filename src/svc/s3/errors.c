/* SPDX-License-Identifier: Apache-2.0 */
/* errors -- S3's own error codes; texts are given where they are raised. */
#include "svc/s3/s3_int.h"

#define X(id, code, status) const struct aws_error S3_##id = { code, status, false };
S3_ERRORS(X)
#undef X

const struct aws_error *const s3__errors[] = {
#define X(id, code, status) &S3_##id,
	S3_ERRORS(X)
#undef X
		NULL,
};
