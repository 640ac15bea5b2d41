/* SPDX-License-Identifier: Apache-2.0 */
/*
 * deliver -- from a stream's log to objects.
 *
 * Every item of a stream goes to one target, every raw record to the backup's target as well.  What a target has not
 * been given yet waits in a buffer; when that is due by size or age it becomes an object.  Three numbers say where a
 * stream is: .delivered, durable: every record up to it is where it belongs; .position: every record up to it is in a
 * buffer or where it belongs; the log's last.
 *
 * A target is delivered on its own: one transaction publishes its object and notes "of this target everything up to
 * .position is delivered" (a row of firehose_ahead), and .delivered moves up to what the oldest buffer left still
 * waits for; rows that it has passed go.  After a crash the stream is read again from .delivered; what its target was
 * given already is skipped.  That asks for the same target every time: without (fh_config.fixed) all buffers are
 * delivered together.
 *
 * Threads:  a stream is worked on by one thread of the pool at a time (sched.c); it owns struct fh_work.
 */
#pragma once

#include "base/limits.h"
#include "base/map.h"
#include "svc/firehose/firehose_int.h"

#define FH_GROUP 256               /* objects of one transaction */
#define FH_MEMORY (32 * MIB)       /* all streams' buffers in memory, together */
#define FH_SPILL (128 * KIB)       /* one buffer in memory: then it is written out as it grows */
#define FH_WINDOW (1UL << 20)      /* records between .delivered and .position */

enum fh_target_kind { FH_DATA = 'd', FH_ERROR = 'e', FH_BACKUP = 'b' };

struct fh_work;

/* --- name.c --- */
struct fh_target {
	enum fh_target_kind kind;
	const char *error_type;   /* FH_ERROR */
	const struct fh_key *query, *lambda; /* FH_DATA: values of the keys that the Prefix asks for */
	size_t n_query, n_lambda;
};
struct fh_object { /* what is about to be published: records first..last */
	const char *ref, *md5_hex, *crc64nvme;
	uint64_t first, last;
	int64_t at_ms; /* of the oldest record */
};
#define FH_TARGET_ID 34
/* Kind and values, hashed: what firehose_ahead knows a target by. */
void fh__target_id(const struct fh_config *c, const struct fh_target *t, char ret[FH_TARGET_ID]);
/* A function of stream, target, range and time: the same work makes the same name. */
char *fh__object_key(const struct fh_stream *s, const struct fh_config *c, int64_t version, const struct fh_target *t,
		     const struct fh_object *o, struct arena *a);
/* NULL, or why no object can have these keys' values in its name. */
const char *fh__target_wrong(const struct fh_stream *s, const struct fh_config *c, const struct fh_target *t);
/* The longest prefix that @p makes, and the rest of the name, fit an object's key. */
bool fh__prefix_fits(const char *stream, const struct fh_config *c, const struct prefix_env *env);
const struct fh_place *fh__place(const struct fh_config *c, enum fh_target_kind kind);

/* --- buffer.c: bytes on their way into an object --- */
struct fh_buffer {
	struct fh_buffer *newer, *older; /* by last use */
	struct arena arena;
	char id[FH_TARGET_ID];
	struct fh_target target;
	struct fh_object o; /* .ref: it is sealed */
	uint64_t bytes;     /* as they came in */
	uint64_t items;
	int64_t due_ns;     /* mono */
	bool going;         /* flush.c's mark */
	struct buf mem;     /* until it spills */
	struct fh_spill *spill;
};

/* Appends to @b; the bytes in memory are counted in @f. */
int fh__buffer_add(struct fh_stream *s, const struct fh_config *c, struct fh_buffer *b, struct view v, struct err *e)
	MUST_CHECK;
/* Makes the bytes a durable blob in their last form: b->o.ref, md5_hex, crc64nvme. */
int fh__buffer_seal(struct fh_stream *s, struct fh_work *w, struct fh_buffer *b, struct err *e) MUST_CHECK;
enum pack_format fh__buffer_format(const struct fh_config *c, const struct fh_buffer *b); /* of the object */
/* Frees; a blob that was sealed and not published goes as well. */
struct fh_buffer *fh__buffer_free(struct fh_stream *s, struct fh_buffer *b, bool published);

/* --- work.c: one stream at work --- */
struct fh_fate { /* of one record beyond .delivered */
	uint32_t delivered : 1, rejected : 1, dropped : 1, items : 29; /* items: those that have a target */
};
struct fh_work {
	struct arena arena;
	struct fh_config config;
	int64_t version;     /* in names */
	int64_t row_version; /* of the row: greater while what was gathered under an older configuration is drained */
	int64_t flushes;     /* of the row: one more with each transaction */
	uint64_t delivered, position;
	struct map buffers;             /* by target id */
	struct fh_buffer *newest, *oldest;
	struct map ahead;               /* target id to its number, as a pointer */
	uint64_t drain_to;              /* the older configuration counts up to here; 0: none */
	struct fh_fate *fates;          /* of .delivered + 1 and on */
	size_t n_fates, fates_cap;
	struct log_reader *reader;
	struct fh_schema *schema; /* with format conversion: the table's, as the rows in the buffers have it */
	bool behind; /* the log has more already: fewer and larger objects now catch up sooner than many small ones */
	bool stuck;  /* sealed buffers wait for their destination: nothing is read meanwhile, nothing is lost */
};
struct fh_work *fh__work_free(struct fh_stream *s, struct fh_work *w);
/* Reads the stream's row and its configuration.  ERR_CANCELLED: the stream is gone. */
int fh__adopt(struct fh_stream *s, struct fh_work **ret, struct err *e) MUST_CHECK;
/* One round: delivers what is due, reads a batch.  1: there may be more to do at once; 0: not before *ret_due_ns. */
int fh__work(struct fh_stream *s, struct fh_work *w, int64_t *ret_due_ns, struct err *e) MUST_CHECK;

/* --- route.c: items to their targets --- */
int fh__route(struct fh_stream *s, struct fh_work *w, struct fh_batch *b, struct err *e) MUST_CHECK;
/* Raw records to the backup's target. */
int fh__route_backup(struct fh_stream *s, struct fh_work *w, const struct fh_item *v, size_t n, struct err *e) MUST_CHECK;
void fh__work_drop(struct fh_stream *s, struct fh_work *w, struct fh_buffer *b, bool published);
/* AWS's error document of a failed item, one line. */
void fh__error_document(const struct fh_stream *s, const struct fh_item *it, int64_t now_ms, struct buf *ret);

/* --- flush.c: buffers to objects --- */
/* Buffers that are due; all of them where one needs the others; with @all those that are not due as well. */
int fh__flush(struct fh_stream *s, struct fh_work *w, bool all, struct err *e) MUST_CHECK;
/* When there is too much in memory, or too much between .delivered and .position: some go early. */
int fh__relieve(struct fh_stream *s, struct fh_work *w, struct err *e) MUST_CHECK;
int64_t fh__next_due(const struct fh_work *w); /* mono ns; INT64_MAX: nothing waits */

/* --- sched.c: who works when --- */
void fh__sched_init(struct firehose *f);
void fh__sched_clear(struct firehose *f);
void fh__begin(struct fh_stream *s); /* it is worked on from now on */
void fh__end(struct fh_stream *s);   /* waits until nobody works on it; idempotent */
void fh__wake(struct fh_stream *s);
void fh__changed(struct fh_stream *s); /* its row has another configuration */
bool fh__stopping(const struct fh_stream *s); /* what takes long asks this now and then */

/* --- report.c --- */
void fh__log_waits(struct fh_stream *s, const struct err *e);
void fh__log_failed(struct fh_stream *s, const struct fh_work *w, const struct fh_batch *b);

/* Named places where a test ends the process; NULL in life. */
extern void (*fh__at)(const char *point);
#define FH_POINT(name) \
	do { \
		if (fh__at) \
			fh__at(name); \
	} while (0)
