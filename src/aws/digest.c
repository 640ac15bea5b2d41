/* SPDX-License-Identifier: Apache-2.0 */
/* Checksums that travel beside a document (Content-MD5, x-amz-checksum-*): S3's bodies are not taken unchecked. */
#include "aws/aws_int.h"
#include "base/base64.h"
#include "base/crc.h"
#include "os/crypto.h"

static const struct aws_error BAD_DIGEST = { "BadDigest", 400, false };
static const struct aws_error INVALID_DIGEST = { "InvalidDigest", 400, false };

static size_t big_endian(uint64_t v, size_t n, uint8_t out[DIGEST_MAX])
{
	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)(v >> 8 * (n - 1 - i));
	return n;
}

static size_t of_md5(struct view v, uint8_t out[DIGEST_MAX])
{
	return digest_once(DIGEST_MD5, v, out);
}

static size_t of_sha1(struct view v, uint8_t out[DIGEST_MAX])
{
	return digest_once(DIGEST_SHA1, v, out);
}

static size_t of_sha256(struct view v, uint8_t out[DIGEST_MAX])
{
	return digest_once(DIGEST_SHA256, v, out);
}

static size_t of_crc32(struct view v, uint8_t out[DIGEST_MAX])
{
	return big_endian(crc32_ieee(0, v.p, v.n), 4, out);
}

static size_t of_crc32c(struct view v, uint8_t out[DIGEST_MAX])
{
	return big_endian(crc32c(0, v.p, v.n), 4, out);
}

static size_t of_crc64nvme(struct view v, uint8_t out[DIGEST_MAX])
{
	return big_endian(crc64nvme(0, v.p, v.n), 8, out);
}

static const struct {
	const char *header;
	size_t (*fn)(struct view v, uint8_t out[DIGEST_MAX]);
} kinds[] = {
	{ "content-md5", of_md5 },
	{ "x-amz-checksum-crc32", of_crc32 },
	{ "x-amz-checksum-crc32c", of_crc32c },
	{ "x-amz-checksum-crc64nvme", of_crc64nvme },
	{ "x-amz-checksum-sha1", of_sha1 },
	{ "x-amz-checksum-sha256", of_sha256 },
};

/* A member of that name speaks of something else: CompleteMultipartUpload's of the whole object. */
static bool is_member(const struct op_field *f, struct view header)
{
	for (; f && f->kind != OPK_END; f++)
		if (f->loc == OPL_HEADER && f->at && view_eq_nocase(view_str(f->at), header) &&
		    !view_eq_nocase(header, VIEW("content-md5")))
			return true;
	return false;
}

bool aws__is_body_digest(const struct op *op, struct view header)
{
	if (op->flags & OP_STREAM || is_member(op->in, header))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (view_eq_nocase(header, view_str(kinds[i].header)))
			return true;
	return false;
}

int aws__check_body_digest(struct view header, struct view text, struct view body, struct err *e)
{
	uint8_t is[DIGEST_MAX], said[DIGEST_MAX];
	size_t n = 0, len;

	if (!body.p)
		body = VIEW("");
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (view_eq_nocase(header, view_str(kinds[i].header)))
			n = kinds[i].fn(body, is);
	if (text.n > DIGEST_MAX / 3 * 4 || !base64_decode(said, text, &len) || len != n)
		return aws_fail(e, &INVALID_DIGEST, "the value of %.*s is not valid",
				VIEW_ARG(header));
	if (memcmp(said, is, n) != 0)
		return aws_fail(e, &BAD_DIGEST,
				"the %.*s you specified did not match what we received",
				VIEW_ARG(header));
	return 0;
}
