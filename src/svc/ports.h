/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ports -- all that services know of each other: typed function pointers, wired in main/wire.c.
 *
 * Where a plain call of an operation does, services use op_call() instead.  Ports are for what has no operation:
 * taking part in another module's transaction, reading in bulk, being told.
 * Threads: worker or actor, unless said otherwise.  Memory: in the arena given.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/view.h"
#include "store/blob.h"
#include "store/log.h"
#include "store/meta.h"
#include "store/sql.h"

struct port_tag {
	const char *key, *value;
};

/* --- s3: objects --- */
struct s3_object {
	const char *bucket, *key;
	uint64_t size;
	const char *etag;          /* without quotes */
	const char *content_type;
	int64_t modified_ms;
	const char *const *refs;   /* blob references, in order */
	size_t n_refs;
	struct port_tag *meta;     /* user metadata */
	size_t n_meta;
	struct port_tag *tags;
	size_t n_tags;
};

struct s3_new { /* an object whose bytes are durable blobs already */
	const char *bucket, *key;
	const char *ref;
	const char *md5_hex;       /* of the bytes: the ETag */
	const char *crc64nvme;     /* of the bytes, base64; NULL: none is stored (put() computes both) */
	const char *content_type;  /* NULL: binary/octet-stream */
	const char *content_encoding; /* NULL: none */
	const struct port_tag *meta, *tags;
	size_t n_meta, n_tags;
	const char *reason;        /* of the event: "PutObject" */
	const char *requester, *source_ip;
};

struct s3_port {
	void *self;
	/* Stores @data (or, if @path is set, takes that finished file over) and publishes it: durable on return. */
	int (*put)(void *self, const struct s3_new *o, struct view data, const char *path, struct err *e);
	/* Before the transaction of put_tx(), outside of it: if @bucket encrypts by default, the plain blob *@ref is written
	 * again, encrypted, and deleted; *ref is the new one, in @a. */
	int (*ready)(void *self, const char *bucket, const char **ref, struct arena *a, struct err *e);
	/* Inside the caller's transaction: version row + event.  ERR_NOENT: no such bucket; ERR_BUSY: the bucket has begun to
	 * encrypt and @o->ref is not ready(). */
	int (*put_tx)(void *self, struct meta_tx *tx, const struct s3_new *o, struct err *e);
	int (*head)(void *self, const char *bucket, const char *key, struct arena *a, struct s3_object *ret, struct err *e);
	/* ERR_LIMIT when longer than @max. */
	int (*get)(void *self, const char *bucket, const char *key, size_t max, struct arena *a, struct view *ret, struct err *e);
	/* Objects whose key begins with @prefix and is greater than @after, in key order, at most @max, as they are at one
	 * moment: what one transaction replaces is listed as before it or as behind it. */
	int (*list)(void *self, const char *bucket, const char *prefix, const char *after, size_t max, struct arena *a,
		    struct s3_object **ret, size_t *ret_n, struct err *e);
	/* A local path that a child process can read the whole object from (see blob_path()).  Of an encrypted object it is a
	 * decrypted copy, which lasts as long as the object or until the next start.  ERR_UNSUPPORTED: only a client has its key. */
	int (*path)(void *self, const struct s3_object *o, struct arena *a, const char **ret, struct err *e);
	int (*remove)(void *self, const char *bucket, const char *key, struct err *e); /* absent is fine */
	/* Inside the caller's transaction: removes @o as head() or list() gave it.  ERR_CONFLICT: it is not there any more, or
	 * has been replaced. */
	int (*remove_tx)(void *self, struct meta_tx *tx, const struct s3_object *o, struct err *e);
	/* Until unpin() the bytes of every object that exists now, or was looked at since, stay readable under its path(), also
	 * when it is deleted or replaced: the disk keeps them so long.  unpin() takes NULL, too. */
	void *(*pin)(void *self);
	void (*unpin)(void *self, void *pin);
	bool (*bucket_exists)(void *self, const char *bucket);
};

/* --- events: the outbox --- */
struct event {
	uint64_t n;          /* position in the outbox; set on reading */
	const char *id;      /* UUID; NULL when emitting: a new one */
	const char *source, *detail_type;
	const char *detail;  /* JSON object */
	const char *resources; /* JSON array of ARNs; NULL: [] */
	int64_t time_ms;     /* 0 when emitting: now */
	/* Addressed, when arn is not NULL: no rule sees it and read() does not give it; this target is given @detail as it is.
	 * @source and @detail_type name who sends it and why, for the program's messages.  Events of the same @lane go to the
	 * same target one after the other. */
	const char *arn, *lane;
};

struct events_port {
	void *self;
	/* Writes the event in the caller's transaction; rules see it, or its target is given it, after the commit. */
	int (*emit_tx)(void *self, struct meta_tx *tx, const struct event *ev, struct err *e);
	/* Events after position @after, in order, for readers that keep their own position. */
	int (*read)(void *self, uint64_t after, size_t max, struct arena *a, struct event **ret, size_t *ret_n, struct err *e);
	uint64_t (*last)(void *self);
	/* Can events be addressed to @arn?  ERR_NOENT: it is not there, with a text that says what is not; ERR_UNSUPPORTED: no
	 * kind of target that is known.  Not inside a transaction. */
	int (*target)(void *self, const char *arn, struct arena *a, struct err *e);
};

/* --- firehose: the ingest logs --- */
struct firehose_port {
	void *self;
	/* The log of a delivery stream, or NULL.  Stays open until firehose is stopped. */
	struct log *(*log)(void *self, const char *stream);
	/* Keeps records from @seq on: a reader's durable position; a log is trimmed below all of them. */
	void (*hold)(void *self, const char *stream, const char *reader, uint64_t seq);
	/* @fn is called from now on for every stream that exists or comes (stream, log), on any thread; must not block. */
	void (*watch)(void *self, void (*fn)(void *arg, const char *stream, struct log *l), void *arg);
};

/* --- kinesis: data streams --- */
struct kinesis_record {
	unsigned shard;
	struct view key, data;
};
struct kinesis_port {
	void *self;
	/* The log of a data stream, or NULL.  Stays open until kinesis is freed.  *ret_id, which lasts as long, tells streams of
	 * the same name apart. */
	struct log *(*log)(void *self, const char *stream, const char **ret_id);
	/* As firehose_port.hold(), for the retention period's sake: records from @seq on are kept beyond it.  In memory only. */
	void (*hold)(void *self, const char *stream, const char *reader, uint64_t seq);
	/* What a record of such a log holds; views into @record.  false: it is none. */
	bool (*record)(struct view record, struct kinesis_record *ret);
};

/* --- glue: the catalog --- */
struct glue_column {
	const char *name, *type; /* type in Hive spelling, lower case */
};
struct glue_table {
	const char *database, *name;
	struct glue_column *columns, *partition_keys;
	size_t n_columns, n_partition_keys;
	const char *location;      /* "s3://bucket/prefix/" */
	const char *input_format, *serde;
	struct port_tag *parameters, *serde_parameters;
	size_t n_parameters, n_serde_parameters;
	const char *view_sql;      /* VIRTUAL_VIEW: its text; else NULL */
	const char *version_id;
};
struct glue_partition {
	const char *const *values; /* n_partition_keys */
	const char *location;
};
struct glue_port {
	void *self;
	int (*table)(void *self, const char *database, const char *table, struct arena *a, struct glue_table *ret, struct err *e);
	int (*tables)(void *self, const char *database, struct arena *a, struct glue_table **ret, size_t *ret_n, struct err *e);
	int (*databases)(void *self, struct arena *a, const char ***ret, size_t *ret_n, struct err *e);
	/* @expression NULL: all. */
	int (*partitions)(void *self, const char *database, const char *table, const char *expression, struct arena *a,
			  struct glue_partition **ret, size_t *ret_n, struct err *e);
	/* The tables that one SELECT names, and those its views name, with all their files, as the SQL engine takes them:
	 * views behind what they name.  ERR_NOENT: no such table; ERR_UNSUPPORTED: a format that is not read. */
	int (*resolve)(void *self, const char *text, const char *database, struct arena *a, struct sql_table **ret,
		       size_t *ret_n, struct err *e);
	/* Inside the caller's transaction; existing is fine. */
	int (*partition_tx)(void *self, struct meta_tx *tx, const char *database, const char *table,
			    const char *const *values, size_t n, const char *location, struct err *e);
};

/* --- logs: what functions and jobs print --- */
struct logs_port {
	void *self;
	/* Creates group and stream as needed.  Best effort by design: not durable before it returns. */
	void (*write)(void *self, const char *group, const char *stream, int64_t at_ms, struct view line);
};

/* --- measure: told of nothing, asked by the console --- */
