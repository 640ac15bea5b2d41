/* SPDX-License-Identifier: Apache-2.0 */
/*
 * checksum -- what a client claims of its bytes, what they really have, and checksums of joined parts.
 *
 * Joining CRCs: Mark Adler's crc32_combine() of zlib, for any reflected CRC whose initial and final values are
 * all ones: crc(a || b) = crc(a) * x^(8 len(b)) mod P  xor  crc(b).
 */
#include "base/base64.h"
#include "base/crc.h"
#include "base/mutant.h"
#include "base/xxh.h"
#include "svc/s3/s3_int.h"

/* XXHASH*: xxHash's canonical form, the highest byte first, as AWS's own clients compute them; XXHASH3 is XXH3 with
 * 64 bits, all with seed 0. */
const struct s3_ck_name s3__ck_names[CK_COUNT] = {
	[CK_CRC32] = { "CRC32", "x-amz-checksum-crc32", "ChecksumCRC32", 4 },
	[CK_CRC32C] = { "CRC32C", "x-amz-checksum-crc32c", "ChecksumCRC32C", 4 },
	[CK_CRC64NVME] = { "CRC64NVME", "x-amz-checksum-crc64nvme", "ChecksumCRC64NVME", 8 },
	[CK_SHA1] = { "SHA1", "x-amz-checksum-sha1", "ChecksumSHA1", 20 },
	[CK_SHA256] = { "SHA256", "x-amz-checksum-sha256", "ChecksumSHA256", 32 },
	[CK_SHA512] = { "SHA512", "x-amz-checksum-sha512", "ChecksumSHA512", 64 },
	[CK_MD5] = { "MD5", "x-amz-checksum-md5", "ChecksumMD5", 16 },
	[CK_XXHASH64] = { "XXHASH64", "x-amz-checksum-xxhash64", "ChecksumXXHASH64", 8 },
	[CK_XXHASH3] = { "XXHASH3", "x-amz-checksum-xxhash3", "ChecksumXXHASH3", 8 },
	[CK_XXHASH128] = { "XXHASH128", "x-amz-checksum-xxhash128", "ChecksumXXHASH128", 16 },
};

static const struct {
	enum s3_ck_algo algo;
	enum digest_kind kind;
} digests[] = { { CK_SHA1, DIGEST_SHA1 },
		{ CK_SHA256, DIGEST_SHA256 },
		{ CK_SHA512, DIGEST_SHA512 } };

static const struct {
	enum s3_ck_algo algo;
	enum xxh_kind kind;
} xxhs[] = { { CK_XXHASH64, XXH_64 }, { CK_XXHASH3, XXH_3 }, { CK_XXHASH128, XXH_128 } };

_Static_assert(ARRAY_LEN(digests) == S3_SUMS_DIGESTS && ARRAY_LEN(xxhs) == S3_SUMS_XXHS, "s3_sums");

enum s3_ck_algo s3__ck_algo(const char *name)
{
	for (int i = CK_NONE + 1; name && i < CK_COUNT; i++)
		if (view_eq_nocase(view_str(name), view_str(s3__ck_names[i].name)))
			return (enum s3_ck_algo)i;
	return CK_NONE;
}

const char *s3__ck_lower(enum s3_ck_algo algo)
{
	return algo ? s3__ck_names[algo].header + sizeof("x-amz-checksum-") - 1 : "null";
}

/* --- the claim --- */

static bool base64_of(const char *text, size_t len, uint8_t *out)
{
	uint8_t bytes[DIGEST_MAX + 3];
	struct view v = view_str(text);
	size_t n;

	if (v.n > base64_len(DIGEST_MAX) || !base64_decode(bytes, v, &n) || n != len)
		return false;
	if (out)
		memcpy(out, bytes, len);
	return true;
}

static int claim_value(struct op_ctx *cx, const struct in_ck *in, struct s3_claim *ret)
{
	for (int i = CK_NONE + 1; i < CK_COUNT; i++) {
		if (!in->value[i])
			continue;
		if (ret->algo)
			return aws_fail(&cx->err, &S3_INVALID_REQUEST,
					"Expecting a single x-amz-checksum- header. Multiple "
					"checksum Types are not "
					"allowed.");
		ret->algo = (enum s3_ck_algo)i;
		ret->value = in->value[i];
	}
	if (ret->value && !base64_of(ret->value, s3__ck_names[ret->algo].len, NULL))
		return aws_fail(&cx->err, &S3_INVALID_REQUEST, "Value for %s header is invalid.",
				s3__ck_names[ret->algo].header);
	return 0;
}

/* x-amz-trailer announces checksums that come behind the body. */
static int claim_trailer(struct op_ctx *cx, struct s3_claim *ret)
{
	struct view rest = op_header(cx, "x-amz-trailer"), name;

	while (view_split(&rest, ',', &name)) {
		int i = CK_NONE + 1;

		name = view_trim(name);
		if (!name.n)
			continue;
		while (i < CK_COUNT && !view_eq_nocase(name, view_str(s3__ck_names[i].header)))
			i++;
		if (i == CK_COUNT)
			return aws_fail(&cx->err, &S3_INVALID_REQUEST,
					"The value specified in the x-amz-trailer header is not "
					"supported: %.*s",
					VIEW_ARG(name));
		if (ret->algo)
			return aws_fail(&cx->err, &S3_INVALID_REQUEST,
					"Expecting a single x-amz-checksum- header. Multiple "
					"checksum Types are not "
					"allowed.");
		ret->algo = (enum s3_ck_algo)i;
		ret->trailer = true;
	}
	return 0;
}

int s3__claim(struct op_ctx *cx, const struct in_ck *in, const char *content_md5,
	      struct s3_claim *ret)
{
	enum s3_ck_algo named = s3__ck_algo(in->algorithm);
	int rc;

	*ret = (struct s3_claim){ 0 };
	if (content_md5 && !base64_of(content_md5, 16, ret->md5))
		return aws_fail(&cx->err, &S3_INVALID_DIGEST,
				"The Content-MD5 you specified was invalid.");
	ret->has_md5 = content_md5 != NULL;
	rc = claim_value(cx, in, ret);
	if (!rc && cx->body)
		rc = claim_trailer(cx, ret);
	if (rc)
		return rc;
	if (named && ret->algo && named != ret->algo)
		return aws_fail(&cx->err, &S3_INVALID_REQUEST,
				"Value for x-amz-sdk-checksum-algorithm header is invalid.");
	if (named && !ret->algo) {
		if (cx->body)
			return aws_fail(&cx->err, &S3_INVALID_REQUEST,
					"x-amz-sdk-checksum-algorithm specified, but no "
					"corresponding x-amz-checksum-* "
					"or x-amz-trailer headers were found.");
		ret->algo = named; /* from inside: as an SDK would have computed it */
	}
	return 0;
}

int s3__claim_check(struct op_ctx *cx, const struct s3_claim *c, const struct s3_summed *got)
{
	char md5[33] = "";
	struct view value = view_str(c->value);

	if (c->has_md5) {
		hex_encode(md5, c->md5, 16);
		if (memcmp(md5, got->md5_hex, 32) != 0)
			return aws_fail(
				&cx->err, &S3_BAD_DIGEST,
				"The Content-MD5 you specified did not match what we received.");
	}
	if (c->trailer) {
		value = op_body_trailer(cx->body, s3__ck_names[c->algo].header);
		if (!value.p)
			return aws_fail(&cx->err, &S3_INVALID_REQUEST,
					"The trailer %s was announced but not sent.",
					s3__ck_names[c->algo].header);
	}
	if (value.p && !view_eq_str(value, got->value[c->algo]) && !MUTANT(3))
		return aws_fail(&cx->err, &S3_BAD_DIGEST,
				"The %s you specified did not match the calculated checksum.",
				s3__ck_names[c->algo].name);
	return 0;
}

/* --- digests on the way --- */

static bool wanted(const struct s3_sums *x, enum s3_ck_algo algo)
{
	return x->want & 1U << algo;
}

void s3__sums_begin(struct s3_sums *x, unsigned want)
{
	*x = (struct s3_sums){ .want = want };
	md5_init(&x->md5.md5);
	for (size_t i = 0; i < ARRAY_LEN(digests); i++)
		if (wanted(x, digests[i].algo))
			x->digest[i] = digest_new(digests[i].kind);
	for (size_t i = 0; i < ARRAY_LEN(xxhs); i++)
		if (wanted(x, xxhs[i].algo))
			x->xxh[i] = xxh_new(xxhs[i].kind);
}

void s3__sums_share(struct s3_sums *x, struct md5_pool *pool)
{
	md5_job_begin(pool, &x->md5);
	x->shared = true;
}

void s3__sums_add(struct s3_sums *x, const void *p, size_t n)
{
	x->size += n;
	if (x->shared)
		md5_job_add(&x->md5, p, n);
	else
		md5_add(&x->md5.md5, p, n);
	for (size_t i = 0; i < ARRAY_LEN(digests); i++)
		if (x->digest[i])
			digest_add(x->digest[i], p, n);
	for (size_t i = 0; i < ARRAY_LEN(xxhs); i++)
		if (x->xxh[i])
			xxh_add(x->xxh[i], p, n);
	if (wanted(x, CK_CRC32))
		x->crc32 = crc32_ieee(x->crc32, p, n);
	if (wanted(x, CK_CRC32C))
		x->crc32c = crc32c(x->crc32c, p, n);
	if (wanted(x, CK_CRC64NVME))
		x->crc64 = crc64nvme(x->crc64, p, n);
}

static void text_of(const uint8_t *b, size_t n, char ret[CK_TEXT])
{
	base64_encode(ret, b, n);
	ret[base64_len(n)] = 0;
}

static void big_endian(uint64_t v, size_t n, char ret[CK_TEXT])
{
	uint8_t b[8];

	for (size_t i = 0; i < n; i++)
		b[i] = (uint8_t)(v >> 8 * (n - 1 - i));
	text_of(b, n, ret);
}

void s3__sums_end(struct s3_sums *x, struct s3_summed *ret)
{
	uint8_t b[DIGEST_MAX];

	*ret = (struct s3_summed){ .size = x->size };
	if (x->shared)
		md5_job_end(&x->md5, b);
	else
		md5_end(&x->md5.md5, b);
	hex_encode(ret->md5_hex, b, 16);
	if (wanted(x, CK_MD5))
		text_of(b, 16, ret->value[CK_MD5]);
	for (size_t i = 0; i < ARRAY_LEN(digests); i++)
		if (x->digest[i])
			text_of(b, digest_end(x->digest[i], b), ret->value[digests[i].algo]);
	for (size_t i = 0; i < ARRAY_LEN(xxhs); i++)
		if (x->xxh[i])
			text_of(b, xxh_end(x->xxh[i], b), ret->value[xxhs[i].algo]);
	if (wanted(x, CK_CRC32))
		big_endian(x->crc32, 4, ret->value[CK_CRC32]);
	if (wanted(x, CK_CRC32C))
		big_endian(x->crc32c, 4, ret->value[CK_CRC32C]);
	if (wanted(x, CK_CRC64NVME))
		big_endian(x->crc64, 8, ret->value[CK_CRC64NVME]);
	*x = (struct s3_sums){ 0 };
}

void s3__sums_drop(struct s3_sums *x)
{
	if (x->shared)
		md5_job_drop(&x->md5);
	x->shared = false;
	for (size_t i = 0; i < ARRAY_LEN(digests); i++)
		x->digest[i] = digest_free(x->digest[i]);
	for (size_t i = 0; i < ARRAY_LEN(xxhs); i++)
		x->xxh[i] = xxh_free(x->xxh[i]);
}

/* --- joining --- */

struct field { /* reflected polynomials of a CRC's width */
	uint64_t poly, top;
};

static uint64_t multiply(const struct field *f, uint64_t a, uint64_t b)
{
	uint64_t p = 0;

	for (uint64_t m = f->top; m; m >>= 1) {
		if (a & m)
			p ^= b;
		b = b & 1 ? b >> 1 ^ f->poly : b >> 1;
	}
	return p;
}

/* x^(8 n) mod P */
static uint64_t shift_bytes(const struct field *f, uint64_t n)
{
	uint64_t p = f->top, sq = f->top >> 8;

	for (; n; n >>= 1) {
		if (n & 1)
			p = multiply(f, sq, p);
		sq = multiply(f, sq, sq);
	}
	return p;
}

static bool from_big_endian(const char *text, size_t n, uint64_t *ret)
{
	uint8_t b[8];

	if (!base64_of(text, n, b))
		return false;
	*ret = 0;
	for (size_t i = 0; i < n; i++)
		*ret = *ret << 8 | b[i];
	return true;
}

bool s3__ck_combine(enum s3_ck_algo algo, const char *a, const char *b, uint64_t b_len,
		    char ret[CK_TEXT])
{
	static const struct field fields[CK_COUNT] = {
		[CK_CRC32] = { 0xedb88320, 1U << 31 },
		[CK_CRC32C] = { 0x82f63b78, 1U << 31 },
		[CK_CRC64NVME] = { 0x9a6c9329ac4bc9b5, 1ULL << 63 },
	};
	const struct field *f = &fields[algo];
	size_t n = s3__ck_names[algo].len;
	uint64_t x, y;

	if (!f->poly || !from_big_endian(a, n, &x) || !from_big_endian(b, n, &y))
		return false;
	big_endian(multiply(f, shift_bytes(f, b_len), x) ^ y, n, ret);
	return true;
}

/* --- answers --- */

void s3__ck_out_headers(struct out *o, const struct s3_ck *ck)
{
	if (!ck->algo || !ck->value[0])
		return;
	out_header(o, s3__ck_names[ck->algo].member, s3__ck_names[ck->algo].header, ck->value);
	out_header(o, "ChecksumType", "x-amz-checksum-type",
		   ck->composite ? "COMPOSITE" : "FULL_OBJECT");
}

void s3__ck_out(struct out *o, const struct s3_ck *ck)
{
	if (!ck->algo || !ck->value[0])
		return;
	out_str(o, s3__ck_names[ck->algo].member, ck->value);
	out_str(o, "ChecksumType", ck->composite ? "COMPOSITE" : "FULL_OBJECT");
}
