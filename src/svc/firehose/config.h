/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config -- a stream's destination: as it is stored (JSON in the SDK's own shape) and as delivery uses it.
 *
 * The stored text is what CreateDeliveryStream was given, with AWS's defaults filled in: Describe echoes it, Update
 * merges into it.  fh__config_parse() is the only one that understands it; it runs at creation, at an update and each
 * time delivery begins, so what it lets through is what delivery honours.  What is not honoured is refused here, by name.
 *
 * Memory:  everything lives in the arena of the check and never changes.
 * Whose:   members marked [convert] are parsed by convert.c (fh__conversion_parse), parameters of a processor by the
 *          file of its stage (see stage.h), all others by config.c.
 */
#pragma once

#include "base/json.h"
#include "data/prefix.h"
#include "data/serde.h"
#include "os/pack.h"
#include "store/sql.h"
#include "svc/firehose/stage.h"

struct firehose;
struct zone;

/* --- where objects go: the destination, or the backup of raw records --- */
struct fh_place {
	const char *bucket; /* its name */
	const char *prefix_text; /* as it was given, or "" */
	const struct prefix *prefix, *error_prefix; /* the latter NULL if not given: see fh__object_key() */
	int64_t size_mb, interval_s;
	enum pack_format compression;
	const char *log_group, *log_stream; /* CloudWatch Logs, where delivery writes its errors; NULL: nowhere */
};

/* --- record format conversion [convert] --- */
struct fh_conversion {
	const char *database, *table, *version_id;  /* "LATEST" or a number */
	const char *catalog_id, *region, *role_arn; /* as they go into error documents */
	struct serde_opts serde;
	struct sql_parquet parquet;
};

struct fh_config {
	struct fh_place data;
	const struct fh_place *backup;  /* NULL: S3BackupMode is Disabled */
	const char *extension;          /* NULL: that of the compression, or .parquet */
	const struct zone *zone;         /* NULL: UTC */
	bool partitioned;               /* DynamicPartitioningConfiguration.Enabled */
	/* In the order in which they run, whatever order they were given in; none unless ProcessingConfiguration.Enabled. */
	struct fh_processor *processors;
	size_t n_processors;
	const struct fh_conversion *conversion; /* NULL: none, or not Enabled */
	/* The same record goes to the same target whenever it is looked at: targets may be delivered one by one.  Not so with
	 * a Lambda function, or with a table that may change. */
	bool fixed;
};

/* --- checking --- */
struct fh_check {
	struct arena *a;
	const struct firehose *f; /* its ports; what they know is asked at creation and update only */
	bool creating;
	const char *stream; /* its name */
	const char *kind;   /* "ExtendedS3DestinationConfiguration": in front of every member's name */
	struct err *e;
};

/* Sets InvalidArgumentException with "<kind>.<text>"; returns its code. */
int fh__invalid(const struct fh_check *x, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Fills @ret from a destination in the SDK's shape.  Members' types and ranges were checked when they came in. */
int fh__config_parse(const struct fh_check *x, const struct json *destination, struct fh_config *ret) MUST_CHECK;
/* A copy with the defaults that AWS fills in. */
const struct json *fh__config_defaults(struct arena *a, const struct json *destination);
/* @stored with the members of an update; *ret in @x->a.  Not checked yet. */
const struct json *fh__config_merge(struct arena *a, const struct json *stored, const struct json *update);

/* --- convert.c [convert]; what delivery calls of it is in convert.h --- */
int fh__conversion_parse(const struct fh_check *x, const struct json *conversion, struct fh_conversion *ret) MUST_CHECK;
