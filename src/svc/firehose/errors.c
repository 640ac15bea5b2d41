/* SPDX-License-Identifier: Apache-2.0 */
/* errors -- Data Firehose's own error codes. */
#include "svc/firehose/firehose_int.h"

const struct aws_error FIREHOSE_NOT_FOUND = { "ResourceNotFoundException", 400, false };
const struct aws_error FIREHOSE_IN_USE = { "ResourceInUseException", 400, false };
const struct aws_error FIREHOSE_INVALID = { "InvalidArgumentException", 400, false };
const struct aws_error FIREHOSE_LIMIT = { "LimitExceededException", 400, false };
const struct aws_error FIREHOSE_UNAVAILABLE = { "ServiceUnavailableException", 503, true };
const struct aws_error FIREHOSE_CONFLICT = { "ConcurrentModificationException", 400, false };
