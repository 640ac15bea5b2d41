/* SPDX-License-Identifier: Apache-2.0 */
/*
 * s3 -- buckets and objects: the S3 API over the object index (meta) and immutable bytes (blob).
 *
 * A request's bytes stream into a blob while their digests are computed; then one meta transaction writes
 * the object's row and its EventBridge event, and only then the client is answered.  A blob belongs to one
 * row; what a transaction replaces is deleted after its commit, when no reader that may have seen the old row
 * is left.
 *
 * Threads:  any.
 * Durable:  every operation that changes something, when it answers.
 * Limits:   keys of LIMIT_KEY bytes (UTF-8, no NUL); 10,000 parts, 5 MiB each but the last; 10 tags.
 * Not here yet, and refused by name: KMS keys, ACLs but the owner's.
 */
#pragma once

#include "aws/op.h"
#include "svc/ports.h"

struct s3;

struct s3_opts {
	struct meta *meta;
	struct blob_store *blob;   /* of s3 alone: after a crash what no row of s3 names is swept */
	struct events_port events; /* emit_tx may be NULL: no events */
	const char *region, *account; /* copied */
	/* Of the file that holds the master key, copied; NULL: nothing can be encrypted. */
	const char *master_key;
	bool master_key_made; /* at the first start, if it is not there */
	bool encrypt_all;     /* SSE-S3 is the default of every bucket */
	bool open_buckets;            /* new buckets have no block of public access */
	int64_t (*now_ms)(void);      /* NULL: clock_ms() */
	int64_t lifecycle_every_s;    /* how often lifecycle rules are looked at; 0: never by themselves */
	int64_t lifecycle_day_s;      /* length of their days, for tests; 0: 24 hours */
	int64_t scrub_every_s;        /* how often all that is stored is read again; 0: never by itself */
};

extern const struct service s3_service;

struct s3 *s3_new(const struct s3_opts *o);
/* Creates the tables: before the first request.  What a crash left is removed beside the first requests. */
int s3_start(struct s3 *s, struct err *e) MUST_CHECK;
struct s3 *s3_free(
	struct
	s3 *s); /* ends the deletion of replaced blobs; no request may be running; returns NULL */
struct s3_port s3_port(struct s3 *s);
/* Whether a condition key "s3:..." is one that requests can have here, or whose absence means what AWS means by it. */
bool s3_key_known(struct view name);

/*
 * Reads what is stored again, from where @after says ("": the beginning; else .next of the call before) until @budget_ms
 * have passed or the end is reached: all versions of all objects and the parts of uploads.  Bytes are compared with the
 * checksums of their blocks, with ETag and stored checksum; encrypted ones as ciphertext with its blocks' and, where the
 * key is ours (SSE-S3), once more as what they say.
 * ERR_INVALID: @after is none; ERR_CORRUPT: the index itself cannot be read.
 */
struct s3_scrub {
	uint64_t rows, blobs, bytes;
	const char *next;      /* NULL: this was the end */
	struct json *problems; /* [{bucket, key, version | upload, part, problem}] */
};
int s3_scrub(struct s3 *s, const char *after, int64_t budget_ms, struct arena *a, struct s3_scrub *ret,
	     struct err *e) MUST_CHECK;

/* What the scrubber has read by itself: the walk that goes on (.began_ms 0: none) and the last one that ended. */
struct s3_walk {
	int64_t began_ms, ended_ms;
	uint64_t rows, bytes, damaged; /* damaged: rows */
};
void s3_scrubbed(struct s3 *s, struct s3_walk *ret_now, struct s3_walk *ret_last);
