/* SPDX-License-Identifier: Apache-2.0 */
/* fixture -- firehose on real stores, with the real S3 behind it.  JSON is written with ' for ". */
#pragma once

#include "base/limits.h"
#include "svc/firehose/deliver.h"
#include "svc/s3/s3.h"
#include "unit.h"

#define ROLE "arn:aws:iam::123456789012:role/firehose"
#define AT_ONCE ",'BufferingHints':{'SizeInMBs':1,'IntervalInSeconds':0}"
#define LATER ",'BufferingHints':{'SizeInMBs':1,'IntervalInSeconds':900}"

struct fixture {
	char dir[256];
	struct arena a;
	struct meta *meta;
	struct blob_store *blob;
	struct s3 *s3;
	struct s3_port port;
	struct firehose *fh;
	struct op_registry *ops;
	uint64_t log_bytes_max;
	struct err e;
};

void open_all(struct fixture *f);
void close_all(struct fixture *f);
struct fixture *fixture_new(void);
struct fixture *fixture_at(const char *dir); /* goes on with what is there */
struct fixture *fixture_sized(uint64_t log_bytes_max); /* of each log */
void fixture_free(struct fixture *f);
/* NULL on failure: f->e. */
const struct json *call(struct fixture *f, const char *op, const struct json *in);
const struct json *input(struct fixture *f, const char *in);
const struct json *ok(struct fixture *f, const char *op, const char *in);
/* CreateDeliveryStream's input; @more: further members of the destination, with a comma in front. */
const char *stream(struct fixture *f, const char *name, const char *bucket, const char *more);
const char *text(struct fixture *f, const struct json *o, const char *member);
const char *put(struct fixture *f, const char *name, struct view data); /* the record's id */
/* All bytes of a bucket's objects in key order, once there are @n of them; waits, bounded. */
struct view content(struct fixture *f, const char *bucket, size_t n_bytes);
