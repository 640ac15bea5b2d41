/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sse -- what requests say of encryption, what rows remember of it, and the sealed readers and writers it leads to.
 *
 * A client's key is kept nowhere.  The row has a salt and HMAC-SHA256(key, salt), by which another key is told
 * before anything is decrypted.
 */
#include "base/base64.h"
#include "svc/s3/s3_int.h"

#define SALT 16
#define PROOF 32
#define CUSTOMER "Requests specifying Server Side Encryption with Customer provided keys must "

void s3__sse_wipe(struct s3_sse *x)
{
	crypto_wipe(x->key, sizeof(x->key));
}

void s3__key_wipe(struct seal_key *k)
{
	crypto_wipe(k, sizeof(*k));
}

/* --- requests --- */

static int customer_key(struct op_ctx *cx, const struct in_sse *in, struct s3_sse *ret)
{
	uint8_t bytes[GCM_KEY + 3], md5[DIGEST_MAX], claim[16 + 3];
	struct view key = view_str(in->key), sum = view_str(in->md5);
	size_t n;

	if (!in->algorithm)
		return aws_fail(&cx->err, &S3_INVALID_ARGUMENT,
				CUSTOMER "provide a valid encryption algorithm.");
	if (!view_eq_str(view_str(in->algorithm), "AES256"))
		return aws_fail(
			&cx->err, &S3_INVALID_ENCRYPTION,
			"The encryption request you specified is not valid. The valid value "
			"is AES256.");
	if (!in->key)
		return aws_fail(&cx->err, &S3_INVALID_ARGUMENT,
				CUSTOMER "provide an appropriate secret key.");
	if (!in->md5)
		return aws_fail(&cx->err, &S3_INVALID_ARGUMENT,
				CUSTOMER "provide the client calculated MD5 of the secret key.");
	if (key.n > base64_len(GCM_KEY) || !base64_decode(bytes, key, &n) || n != GCM_KEY)
		return aws_fail(&cx->err, &S3_INVALID_ARGUMENT,
				"The secret key was invalid for the specified algorithm.");
	digest_once(DIGEST_MD5, view_of((const char *)bytes, GCM_KEY), md5);
	memcpy(ret->key, bytes, GCM_KEY);
	crypto_wipe(bytes, sizeof(bytes));
	if (sum.n > base64_len(16) || !base64_decode(claim, sum, &n) || n != 16 ||
	    memcmp(claim, md5, 16) != 0)
		return aws_fail(
			&cx->err, &S3_INVALID_ARGUMENT,
			"The calculated MD5 hash of the key did not match the hash that was "
			"provided.");
	ret->kind = S3_SSE_C;
	ret->md5 = in->md5;
	return 0;
}

static int check_method(struct op_ctx *cx, const char *method)
{
	static const char *const others[] = { "aws:kms", "aws:kms:dsse", "aws:fsx" };

	if (!method || strcmp(method, "AES256") == 0)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (strcmp(method, others[i]) == 0)
			return aws_fail(&cx->err, &AWS_NOT_IMPLEMENTED,
					"the value '%s' of the member 'serverSideEncryption' is not supported by mulgil",
					method);
	return aws_fail(&cx->err, &S3_INVALID_ARGUMENT, "The encryption method specified is not supported");
}

int s3__sse_of(struct op_ctx *cx, const struct in_sse *in, struct s3_sse *ret)
{
	bool customer = in->algorithm || in->key || in->md5;

	if (check_method(cx, in->sse))
		return cx->err.code;
	*ret = (struct s3_sse){ .kind = in->sse ? S3_SSE_S3 : S3_SSE_NONE };
	if (in->sse && customer)
		return aws_fail(&cx->err, &S3_INVALID_ARGUMENT,
				"Server Side Encryption with Customer provided key is incompatible "
				"with the encryption method specified");
	return customer ? customer_key(cx, in, ret) : 0;
}

int s3__sse_new(struct op_ctx *cx, const char *bucket, const struct in_sse *in, struct s3_sse *ret)
{
	int rc = s3__sse_of(cx, in, ret);

	ret->bucket = bucket;
	if (!rc && ret->kind == S3_SSE_NONE && s3__encrypts(cx->self, bucket))
		ret->kind = S3_SSE_S3;
	return rc;
}

/* --- rows --- */

static void prove(const uint8_t key[GCM_KEY], const uint8_t salt[SALT], uint8_t proof[PROOF])
{
	hmac_sha256(view_of((const char *)key, GCM_KEY), view_of((const char *)salt, SALT), proof);
}

const char *s3__sse_text(const struct s3_sse *x, struct arena *a)
{
	uint8_t salt[SALT], proof[PROOF];

	if (x->kind != S3_SSE_C)
		return x->kind == S3_SSE_S3 ? "AES256" : NULL;
	random_bytes(salt, sizeof(salt));
	prove(x->key, salt, proof);
	return arena_printf(a, "C:%s:%s", hex_arena(a, salt, SALT), hex_arena(a, proof, PROOF));
}

enum s3_sse_kind s3__sse_kind(const char *text)
{
	if (!text || !text[0])
		return S3_SSE_NONE;
	return text[0] == 'C' ? S3_SSE_C : S3_SSE_S3;
}

static bool proves(const char *text, const struct s3_sse *x)
{
	struct view v = view_from(view_str(text), 2), salt;
	uint8_t s[SALT], want[PROOF], got[PROOF];

	if (!view_split(&v, ':', &salt) || salt.n != 2 * SALT || v.n != 2 * PROOF ||
	    !hex_decode(s, salt) || !hex_decode(want, v))
		return false;
	prove(x->key, s, got);
	return crypto_equal(want, got, PROOF);
}

int s3__sse_check(const char *text, const struct s3_sse *x, struct err *e)
{
	bool stored = s3__sse_kind(text) == S3_SSE_C, given = x->kind == S3_SSE_C;

	if (stored == given)
		return !stored || proves(text, x)
			       ? 0
			       : aws_fail(e, &S3_ACCESS_DENIED,
					  CUSTOMER "provide the correct secret key.");
	return aws_fail(
		e, &S3_INVALID_REQUEST, "%s",
		stored ? "The object was stored using a form of Server Side Encryption. The "
			 "correct parameters must be provided to retrieve the object."
		       : "The encryption parameters are not applicable to this object.");
}

int s3__sse_check_upload(const char *text, const struct s3_sse *x, struct err *e)
{
	bool stored = s3__sse_kind(text) == S3_SSE_C, given = x->kind == S3_SSE_C;

	if (stored == given)
		return !stored || proves(text, x) ? 0
						  : aws_fail(e, &S3_INVALID_REQUEST,
							     "The provided encryption parameters "
							     "did not match the ones "
							     "used originally.");
	return aws_fail(
		e, &S3_INVALID_REQUEST, "%s",
		stored ? "The multipart upload initiate requested encryption. Subsequent part "
			 "requests must include the appropriate encryption parameters."
		       : "The encryption parameters are not applicable to this object.");
}

void s3__sse_out(struct out *o, const char *text, const struct s3_sse *x)
{
	switch (s3__sse_kind(text)) {
	case S3_SSE_S3:
		out_header(o, "ServerSideEncryption", "x-amz-server-side-encryption", "AES256");
		break;
	case S3_SSE_C:
		if (!x || x->kind != S3_SSE_C)
			break;
		out_header(o, "SSECustomerAlgorithm",
			   "x-amz-server-side-encryption-customer-algorithm", "AES256");
		out_header(o, "SSECustomerKeyMD5", "x-amz-server-side-encryption-customer-key-MD5",
			   x->md5);
		break;
	case S3_SSE_NONE:
		break;
	}
}

void s3__sse_etag(const struct s3_sse *x, char md5_hex[33])
{
	uint8_t mac[32];

	if (x->kind != S3_SSE_C)
		return;
	hmac_sha256(view_of((const char *)x->key, GCM_KEY), view_of(md5_hex, 32), mac);
	hex_encode(md5_hex, mac, 16);
}

/* --- bytes --- */

int s3__seal_begin(struct s3 *s, const struct s3_sse *x, struct blob_writer **ret, struct err *e)
{
	CLEANUP(s3__key_wipe) struct seal_key k = { .kind = SEAL_CUSTOMER };
	int rc = 0;

	if (x->kind == S3_SSE_NONE)
		return blob_begin(s->blob, ret, e);
	if (x->kind == S3_SSE_S3) {
		rc = s3__bucket_key(s, x->bucket, true, &k, e);
	} else {
		random_bytes(k.id, sizeof(k.id));
		memcpy(k.key, x->key, GCM_KEY);
	}
	return rc ? rc : blob_seal_begin(s->blob, &k, ret, e);
}

int s3__part_open(struct s3 *s, const struct s3_row *r, const struct s3_part *p,
		  struct blob_reader **ret, struct err *e)
{
	CLEANUP(s3__key_wipe) struct seal_key k = { .kind = SEAL_CUSTOMER };
	int rc = 0;

	if (!blob_seal_whose(p->ref, &k.kind, k.id))
		return blob_reader_open(s->blob, p->ref, ret, e);
	if (k.kind == SEAL_BUCKET) {
		rc = s3__bucket_key(s, r->bucket, false, &k, e);
	} else {
		if (!r->customer)
			return err_set(e, ERR_UNSUPPORTED,
				       "object s3://%s/%s is encrypted with a key of the client's, "
				       "which is not kept",
				       r->bucket, r->key);
		memcpy(k.key, r->customer->key, GCM_KEY);
	}
	return rc ? rc : blob_seal_open(s->blob, p->ref, &k, ret, e);
}
