/* SPDX-License-Identifier: Apache-2.0 */
/*
 * s3_sse -- encryption at rest: who holds the key of an object's bytes, and the keys of buckets.
 *
 * A data key per write (store/blob_seal.h), wrapped by the bucket's key (SSE-S3) or by the one that the client brings
 * (SSE-C).  A bucket's key is in its configuration (kind "key"), wrapped by the master key, which is a file of its own.
 * Format of both: docs/formats.md, "Keys".
 */
#pragma once

#include "aws/op.h"
#include "store/meta.h"
#include "store/blob_seal.h"

struct s3;
struct s3_row;
struct s3_part;

/* --- keys.c --- */
#define S3_MASTER_FILE 64
#define S3_BUCKET_KEY 96
struct s3_master {
	bool there;
	uint8_t id[SEAL_ID], key[GCM_KEY];
};
/* Pure: false if it is not one. */
bool s3__master_parse(struct view file, struct s3_master *ret);
void s3__master_print(const struct s3_master *m, uint8_t out[S3_MASTER_FILE]);
bool s3__bucket_key_open(const struct s3_master *m, const char *bucket, struct view doc,
			 struct arena *a, struct seal_key *ret);
const char *s3__bucket_key_new(const struct s3_master *m, const char *bucket, struct arena *a);
/* At start: reads the file, or makes it if @make and no bucket has a key yet. */
int s3__keys_start(struct s3 *s, const char *path, bool make, struct err *e);
/* @make: one is made if there is none, durable on return.  NoSuchBucket; ERR_CORRUPT: no key, or not this master's. */
int s3__bucket_key(struct s3 *s, const char *bucket, bool make, struct seal_key *ret,
		   struct err *e);
/* In the transaction that publishes @r: that its key is still its bucket's (the bucket may have been made anew). */
int s3__bucket_key_check(struct meta_tx *tx, const struct s3_row *r, struct arena *a,
			 struct err *e);

/* --- sse.c --- */
struct in_sse { /* members of a request */
	const char *sse, *algorithm, *key, *md5;
};

enum s3_sse_kind { S3_SSE_NONE, S3_SSE_S3, S3_SSE_C };
struct s3_sse { /* of what is written, or the key to read with */
	enum s3_sse_kind kind;
	const char *bucket;
	const char *md5;      /* of the client's key, as it was given */
	uint8_t key[GCM_KEY]; /* the client's */
};
void s3__sse_wipe(struct s3_sse *x); /* for CLEANUP() */
void s3__key_wipe(struct seal_key *k);

/* What the request says; new objects that it says nothing of get the bucket's default. */
int s3__sse_of(struct op_ctx *cx, const struct in_sse *in, struct s3_sse *ret);
int s3__sse_new(struct op_ctx *cx, const char *bucket, const struct in_sse *in, struct s3_sse *ret);
/* What a row remembers: "AES256", or "C:<salt>:<HMAC of the client's key>"; NULL: not encrypted. */
const char *s3__sse_text(const struct s3_sse *x, struct arena *a);
enum s3_sse_kind s3__sse_kind(const char *text);
/* That the request brings the key of what is stored as @text, and none if it has none. */
int s3__sse_check(const char *text, const struct s3_sse *x, struct err *e);
int s3__sse_check_upload(const char *text, const struct s3_sse *x,
			 struct err *e); /* of its parts */
/* Headers of an answer about something stored as @text; @x may be NULL where the client's key is no part of it. */
void s3__sse_out(struct out *o, const char *text, const struct s3_sse *x);
/* With a client's key the ETag tells nothing of the bytes to whom has not the key: @md5_hex is replaced. */
void s3__sse_etag(const struct s3_sse *x, char md5_hex[33]);

int s3__seal_begin(struct s3 *s, const struct s3_sse *x, struct blob_writer **ret, struct err *e);
/* A part of @r, which has the client's key if that is needed (@r->customer). */
int s3__part_open(struct s3 *s, const struct s3_row *r, const struct s3_part *p,
		  struct blob_reader **ret, struct err *e);

/* --- encryption.c: a bucket's default --- */
bool s3__encrypts(struct s3 *s, const char *bucket);
int s3__encrypts_start(struct meta_tx *tx, struct s3 *s, struct err *e);
void s3__encrypts_clear(struct s3 *s);
/* After the transaction's commit. */
void s3__encrypts_set(struct meta_tx *tx, struct s3 *s, const char *bucket, bool on);
