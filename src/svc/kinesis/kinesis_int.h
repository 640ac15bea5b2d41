/* SPDX-License-Identifier: Apache-2.0 */
/* kinesis_int -- what the files of this folder share. */
#pragma once

#include "base/map.h"
#include "os/thread.h"
#include "svc/kinesis/kinesis.h"
#include "svc/kinesis/kinesis_record.h"

#define KINESIS_BATCH_BYTES (5 * 1024 * 1024UL)
#define KINESIS_RECORD_BYTES (1024 * 1024UL) /* data and partition key */
#define KINESIS_GET_BYTES (10 * 1024 * 1024UL)
#define KINESIS_ON_DEMAND_SHARDS 4
#define KINESIS_RETENTION_MIN_H 24
#define KINESIS_RETENTION_MAX_H 8760
#define KINESIS_TAGS_MAX 50
#define KINESIS_ITERATOR_MS (5 * 60 * 1000LL)

struct kn_row { /* a stream as it is stored */
	const char *name, *id;
	int64_t created_ms, shards, retention_h;
	bool on_demand;
};

struct kn_hold {
	struct kn_hold *next;
	uint64_t seq;
	char reader[];
};

/* Lives until kinesis_free(), also when the stream was deleted: readers of the log may still be there. */
struct kn_stream {
	struct kn_stream *next; /* all, deleted ones too */
	struct kinesis *k;
	struct arena arena;
	struct kn_row row; /* retention_h: under the service's lock */
	struct log *log;
	struct kn_hold *holds; /* under the service's lock */
	bool deleted;
};

struct kinesis {
	struct kinesis_opts o;
	char *dir, *region, *account;
	int log_lock; /* one process at a time */
	struct lock admin; /* one creation, deletion or change at a time */
	struct lock lock;  /* of what follows; never held while anything blocks */
	struct cond wake;
	struct map streams; /* by name */
	struct kn_stream *all;
	bool stop;
	pthread_t actor;
	bool running;
};

/* What is read: a data stream's log, or a delivery stream's. */
struct kn_source {
	struct log *log;
	const char *name;
	struct kn_row row;
	bool plain; /* a delivery stream's: records are data as they are */
};

extern const struct aws_error KINESIS_NOT_FOUND, KINESIS_IN_USE, KINESIS_INVALID, KINESIS_LIMIT, KINESIS_THROTTLED,
	KINESIS_EXPIRED, KINESIS_VALIDATION;

/* --- kinesis.c --- */
int64_t kinesis__now(const struct kinesis *k);
const char *kinesis__arn(const struct kinesis *k, struct arena *a, const char *name);
struct kn_stream *kinesis__find(struct kinesis *k, const char *name);
/* By name or by ARN, whichever is given; ResourceNotFoundException, InvalidArgumentException. */
struct kn_stream *kinesis__need(struct op_ctx *cx, const char *name, const char *arn);
int kinesis__source(struct op_ctx *cx, const char *name, const char *arn, struct kn_source *ret);
int kinesis__source_named(struct kinesis *k, const char *name, struct arena *a, struct kn_source *ret); /* ERR_NOENT */
/* Number of the oldest record that is within the retention period. */
int kinesis__horizon(struct kinesis *k, const struct kn_source *s, uint64_t *ret, struct err *e);
int kinesis__add(struct kinesis *k, const struct kn_row *r, const struct op_pair *tags, size_t n_tags, struct err *e);
int kinesis__delete(struct kinesis *k, struct kn_stream *s, struct err *e);
int kinesis__retain(struct kn_stream *s, int64_t hours, struct err *e);

/* --- kinesis_store.c: all SQL --- */
extern const char kinesis__ddl[];
int kinesis__insert(struct meta_tx *tx, const struct kn_row *r, struct err *e);
int kinesis__remove(struct meta_tx *tx, const char *id, struct err *e);
int kinesis__update(struct meta_tx *tx, const char *id, int64_t retention_h, struct err *e);
int kinesis__rows(struct meta_tx *tx, struct arena *a, struct kn_row **ret, size_t *ret_n, struct err *e);
int kinesis__tag_put(struct meta_tx *tx, const char *id, const struct op_pair *tag, struct err *e);
int kinesis__tag_remove(struct meta_tx *tx, const char *id, const char *key, struct err *e);
/* Tags whose key is greater than @after, in order. */
int kinesis__tags(struct meta_tx *tx, const char *id, const char *after, struct arena *a, struct op_pair **ret, size_t *ret_n,
		  struct err *e);

/* --- input structs; tables in kinesis_rows.c --- */
struct kn_mode_in {
	const char *mode;
};
struct kn_stream_in { /* what names a stream, and what little else there is */
	const char *name, *arn, *after, *token;
	struct opt_int limit, hours;
	struct opt_bool force;
};
struct kn_create_in {
	const char *name;
	struct opt_int shards, record_kib;
	struct kn_mode_in *mode;
	struct op_map tags;
};
struct kn_tags_in {
	const char *name, *arn, *after;
	struct op_map tags;
	struct op_list keys; /* const char * */
	struct opt_int limit;
};
struct kn_filter_in {
	const char *type, *shard;
	struct opt_int at;
};
struct kn_shards_in {
	const char *name, *arn, *after, *token;
	struct opt_int max, created;
	struct kn_filter_in *filter;
};
struct kn_record_in {
	struct view data;
	const char *key, *hash;
};
struct kn_put_in {
	const char *name, *arn, *key, *hash, *after;
	struct view data;
};
struct kn_put_many_in {
	const char *name, *arn;
	struct op_list records; /* struct kn_record_in */
};
struct kn_iterator_in {
	const char *name, *arn, *shard, *type, *seq;
	struct opt_int at;
};
struct kn_get_in {
	const char *iterator, *arn;
	struct opt_int limit;
};

#define KINESIS_HANDLER(name) int kinesis__op_##name(struct op_ctx *cx, const void *input, struct out *o)
KINESIS_HANDLER(create);
KINESIS_HANDLER(delete);
KINESIS_HANDLER(describe);
KINESIS_HANDLER(summary);
KINESIS_HANDLER(limits);
KINESIS_HANDLER(list);
KINESIS_HANDLER(list_shards);
KINESIS_HANDLER(increase);
KINESIS_HANDLER(decrease);
KINESIS_HANDLER(put);
KINESIS_HANDLER(put_many);
KINESIS_HANDLER(iterator);
KINESIS_HANDLER(get);
KINESIS_HANDLER(tag);
KINESIS_HANDLER(untag);
KINESIS_HANDLER(list_tags);
KINESIS_HANDLER(list_tags_of);

#define KINESIS_N_OPS 19
extern const struct op kinesis__ops[KINESIS_N_OPS];
