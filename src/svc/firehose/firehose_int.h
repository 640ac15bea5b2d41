/* SPDX-License-Identifier: Apache-2.0 */
/* firehose_int -- what the files of this folder share. */
#pragma once

#include <pthread.h>

#include "base/map.h"
#include "data/prefix.h"
#include "os/thread.h"
#include "svc/firehose/config.h"
#include "svc/firehose/firehose.h"

#define FIREHOSE_BATCH_BYTES (4 * 1024 * 1024UL)
#define FIREHOSE_BATCH_RECORDS 500
#define FIREHOSE_TAGS_MAX 50
#define FIREHOSE_SIZE_MB 5
#define FIREHOSE_INTERVAL_S 300
#define FIREHOSE_CONVERTED_MIN_MB 64
#define FIREHOSE_CONVERTED_MB 128 /* SizeInMBs with format conversion */
#define FIREHOSE_DESTINATION "destinationId-000000000001"

struct fh_tag {
	const char *key, *value;
};

struct fh_row {
	const char *name, *id;
	int64_t created_ms, version;
	int64_t updated_ms; /* 0: never */
	uint64_t delivered;
	bool extended;      /* ExtendedS3DestinationConfiguration */
	const char *config; /* the destination, JSON: config.h */
	const char *source; /* a data stream, JSON: source.c; NULL: records are put */
	uint64_t origin;    /* records of its log up to here are from before the stream */
};

struct fh_hold {
	struct fh_hold *next;
	uint64_t seq;
	char reader[];
};

struct fh_watch {
	struct fh_watch *next;
	void (*fn)(void *arg, const char *stream, struct log *l);
	void *arg;
};

/* Lives until firehose_free(), also when the stream was deleted: readers of the log may still be there. */
struct fh_stream {
	struct firehose *f;
	struct arena arena;
	const char *name, *id;
	int64_t created_ms;
	struct log *log;    /* its own, unless there is a source that is there */
	const char *source, *source_text; /* name of the data stream; NULL: records are put */
	bool foreign; /* the log is the source's */
	struct fh_stream *next; /* all, deleted ones too */
	bool deleted;           /* under admin */
	struct lock lock; /* of holds */
	struct fh_hold *holds; /* under lock */
	/* sched.c; under its lock, or the worker's own while it works */
	bool begun; /* under admin */
	_Atomic bool stop, changed; /* changed: the row has another configuration */
	enum fh_turn { FH_IDLE, FH_QUEUED, FH_WORKING } turn;
	bool again, slow;
	size_t at; /* in the heap, from 1 */
	uint64_t known; /* delivered, when it was opened: with nothing new in its log it is not even looked at */
	int64_t due_ns, not_before_ns, pause_ns, idle_ns;
	struct fh_work *work; /* NULL: it sleeps */
	const struct fh_conversion *conversion; /* of the configuration at work; or NULL */
};

struct fh_sched {
	struct lock lock;
	struct cond wake, idle;
	struct fh_stream **heap; /* by due_ns */
	size_t n, cap;
	struct pool *pool;
	pthread_t timer;
	bool stop;
};

struct firehose {
	struct meta *meta;
	struct blob_store *blob;
	struct s3_port s3;
	char *dir, *region, *account, *staging;
	const struct kinesis_port *kinesis;
	const struct glue_port *glue;
	struct sql *sql;
	struct jq *jq;
	const struct logs_port *logs;
	const struct op_registry *_Atomic ops; /* NULL before delivery has begun for the first time */
	bool delivering; /* under admin */
	uint64_t log_bytes_max, log_keep_bytes;
	int64_t log_keep_ms;
	int log_lock; /* -1, or of all streams' logs */
	struct lock admin;  /* one creation or deletion at a time */
	struct lock lock;   /* of what follows; never held while anything blocks */
	struct map streams; /* by name */
	struct fh_stream *all;
	struct fh_watch *watches;
	struct fh_sched sched;
	_Atomic uint64_t memory; /* bytes in all streams' buffers */
};

/* --- errors.c --- */
extern const struct aws_error FIREHOSE_NOT_FOUND, FIREHOSE_IN_USE, FIREHOSE_INVALID, FIREHOSE_LIMIT,
	FIREHOSE_UNAVAILABLE, FIREHOSE_CONFLICT;

/* --- source.c --- */
/* The source as it is stored, and the last record before the stream; InvalidArgumentException. */
int fh__source_new(struct op_ctx *cx, const char *arn, const char *role, const char **ret_text, uint64_t *ret_last);
int fh__source_open(struct fh_stream *s, const char *text, struct err *e); /* sets s->log; ERR_NOENT: it is gone */
void fh__source_keep(const struct fh_stream *s, uint64_t next);            /* all before is delivered */
void fh__source_close(const struct fh_stream *s);
/* What was put, within a record of the log; false: it is none. */
bool fh__source_data(const struct fh_stream *s, struct view record, struct view *ret);

/* --- streams.c --- */
struct fh_stream *fh__find(struct firehose *f, const char *name); /* NULL if there is none */
/* ResourceNotFoundException if there is none. */
struct fh_stream *fh__need(struct op_ctx *cx, const char *name);
int fh__not_found(struct op_ctx *cx, const char *name); /* sets that error; returns its code */
/* Of @asked: name, extended, source, origin. */
int fh__create(struct firehose *f, const struct fh_row *asked, const struct json *destination, const struct fh_tag *tags,
	       size_t n_tags, struct err *e);
int fh__delete(struct firehose *f, const char *name, struct err *e);
void fh__watch(struct firehose *f, void (*fn)(void *arg, const char *stream, struct log *l),
	       void *arg);
char *fh__arn(const struct firehose *f, struct arena *a, const char *name);

/* --- config.c --- */
bool fh__is_name(struct view v);
bool fh__is_role(struct view v);
void fh__config_release(struct fh_config *c); /* what stages hold outside of the arena */
bool fh__is_slow(const struct fh_config *c);  /* it calls functions */

/* --- index.c --- */
extern const char fh__ddl[];
extern const char *const fh__steps[]; /* of meta_steps(), behind the ddl */
int fh__insert(struct meta_tx *tx, const struct fh_row *r, struct err *e); /* ERR_EXISTS */
int fh__remove(struct meta_tx *tx, const struct fh_row *r, int64_t now_ms, struct err *e);
/* ERR_NOENT if there is none of that name. */
int fh__row(struct meta_tx *tx, const char *name, struct arena *a, struct fh_row *ret, struct err *e);
int fh__rows(struct meta_tx *tx, void (*fn)(void *arg, const struct fh_row *r), void *arg,
	     struct err *e);
/* Names after @after, at most @max. */
int fh__names(struct meta_tx *tx, const char *after, const char *type, size_t max, struct arena *a, const char ***ret,
	      size_t *ret_n, struct err *e);

/* --- where a stream is --- */
struct fh_state {
	int64_t version, flushes, drain_version;
	uint64_t delivered, ahead_max;
	const char *config, *drain; /* drain: the configuration under which targets got ahead, if it is another; or NULL */
};
/* ERR_CANCELLED when the stream is gone. */
int fh__state(struct meta_tx *tx, const char *id, struct arena *a, struct fh_state *ret, struct err *e);
struct fh_progress {
	uint64_t from, to;
	int64_t version, flushes;              /* as they have to be in the row */
	uint64_t delivered, rejected, dropped; /* records that @to passes */
	uint64_t items, items_delivered, items_rejected; /* what became of them; what is published */
};
/* ERR_CONFLICT when the row is not as it has to be: it was done already, or another configuration counts;
 * ERR_CANCELLED when the stream is gone. */
int fh__advance(struct meta_tx *tx, const char *id, const struct fh_progress *p, struct err *e);
int fh__ahead_put(struct meta_tx *tx, const char *id, const char *target, uint64_t upto, struct err *e);
/* Rows that @to has passed go, and with the last one the configuration that was drained. */
int fh__ahead_trim(struct meta_tx *tx, const char *id, uint64_t to, struct err *e);
int fh__ahead_rows(struct meta_tx *tx, const char *id, void (*fn)(void *arg, const char *target, uint64_t upto), void *arg,
		   struct err *e);
/* A new configuration; ERR_CONFLICT unless the row's version is @version. */
int fh__reconfigure(struct meta_tx *tx, const char *id, int64_t version, bool extended, const char *config, int64_t now_ms,
		    struct err *e);
int fh__hold_put(struct meta_tx *tx, const char *id, const char *reader, uint64_t seq,
		 struct err *e);
int fh__hold_remove(struct meta_tx *tx, const char *id, const char *reader, struct err *e);
int fh__hold_rows(struct meta_tx *tx, const char *id,
		  void (*fn)(void *arg, const char *reader, uint64_t seq), void *arg,
		  struct err *e);
int fh__tag_put(struct meta_tx *tx, const char *id, const struct fh_tag *t, struct err *e);
int fh__tag_remove(struct meta_tx *tx, const char *id, const char *key, struct err *e);
int fh__tags(struct meta_tx *tx, const char *id, const char *after, size_t max, struct arena *a,
	     struct fh_tag **ret, size_t *ret_n, struct err *e);

/* --- hold.c --- */
void fh__hold(struct fh_stream *s, const char *reader, uint64_t seq);
int fh__hold_load(struct fh_stream *s, struct meta_tx *tx, struct err *e);
uint64_t fh__held(struct fh_stream *s); /* records from here on are wanted by somebody */
void fh__hold_free(struct fh_stream *s);
