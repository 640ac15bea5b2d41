/* SPDX-License-Identifier: Apache-2.0 */
/*
 * encryption -- Start- and StopDeliveryStreamEncryption.
 *
 * AWS encrypts what waits in the stream.  Here that is the ingest log, whose records are not encrypted on the disk: so
 * starting it is refused, for either kind of key, and nothing ever says ENABLED.  Objects are encrypted by their bucket.
 */
#include "svc/firehose/firehose_ops.h"

int fh__op_start_encryption(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct in_encryption *in = input;
	const char *type = in->config ? in->config->type : "AWS_OWNED_CMK"; /* AWS's default */

	if (!fh__need(cx, in->name))
		return cx->err.code;
	return aws_fail(&cx->err, &FIREHOSE_INVALID,
			"DeliveryStreamEncryptionConfigurationInput.KeyType: %s is not supported by mulgil: the ingest log is not "
			"encrypted on the disk; a bucket can encrypt the objects in it (PutBucketEncryption)",
			type);
}

/* It is DISABLED already, and stays so. */
int fh__op_stop_encryption(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct in_encryption *in = input;

	return fh__need(cx, in->name) ? 0 : cx->err.code;
}
