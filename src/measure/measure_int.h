/* SPDX-License-Identifier: Apache-2.0 */
/* measure_int -- what the files of this folder share. */
#pragma once

#include <stdatomic.h>

#include "base/map.h"
#include "data/envelope.h"
#include "data/layout.h"
#include "measure/measure.h"
#include "os/thread.h"
#include "signal/sampleclock.h"

#define COMMIT_EVERY_MS 250 /* the least time between two commits of samples: fewer, larger files */
#define BATCH_RECORDS 4096
#define BATCH_BYTES (8UL * 1024 * 1024)
#define CHANNELS_MAX 256
#define WARM_RECORDS 32 /* at least so many are fed again after a restart */
#define FLAG_CLIPPED 1
#define FLAG_NO_VALUE 2
#define FLAG_OUT_OF_RANGE 4
#define FLAG_LATE 16 /* time taken from the tablet's stamp: the record came after its gap had been given up */

/* --- what a begin manifest said of a stream; never changes; kept until measure_free() --- */
struct stream_info {
	const char *stream, *measurement, *modality, *layout_id, *screening, *subject, *dt;
	const struct layout *layout;
	const struct json *params;   /* or NULL */
	const struct json *channels; /* names, or NULL */
	double rate;                 /* 0: the layout's */
	int64_t began_ms;
	struct arena arena;          /* holds all of this */
};

/* --- one (stream, seq) --- */
struct seen {
	uint32_t crc;
	uint64_t log; /* its number in the ingest log; 0: has not arrived */
};
#define SEEN_BLOCK 256
/* A seq further ahead of the greatest than this is a broken number, not a gap: a ledger's memory grows with its greatest seq. */
#define SEQ_AHEAD_MAX (1U << 20)
struct seen_block {
	struct seen v[SEEN_BLOCK];
	bool dirty;
};

/* --- the ledger of one stream, in memory as in its row --- */
struct ledger {
	const struct stream_info *info;
	char *delivery;     /* name of the delivery stream it came by; NULL before the first record */
	struct seen_block **blocks;
	size_t n_blocks;
	bool any;           /* something has arrived */
	uint32_t greatest;  /* seq */
	uint32_t next;      /* seq that is decoded next */
	int64_t gap_since_ms; /* mono; 0: no gap before next */
	int64_t used_ms;      /* mono: when a record came last */
	bool stuck;           /* there is no layout for it: nothing is decoded */
	bool ended;         /* the end manifest is there */
	uint32_t last_seq;  /* of the end manifest */
	uint64_t received, bytes, duplicates, conflicts, decoded, quarantined, samples, frames, bad, lost;
	int64_t anchor_us;  /* UTC of sample 0 as the first record had it */
	struct sampleclock clock;
	struct samplestamps stamps; /* of layouts whose frames carry the device's time */
	uint64_t first_log;
	uint64_t *channel_n; /* samples so far (lost ones counted), by channel */
	size_t n_channels;
	uint32_t warm_from;  /* durable; see note_boundary() in lake.c */
	uint32_t warm_next, boundary;
	struct layout_stream *decoder;
	const struct layout_channel *channels;
	const struct lake_batch *heads_of; /* the batch that has its heads, from heads_from on */
	size_t heads_from;
	bool dirty;
};

/* --- one delivery stream that is read --- */
struct intake {
	struct intake *next;
	struct measure *m;
	char *name;
	struct log *log;
	struct log_reader *reader;
	pthread_t thread;
	bool running;      /* a table reads the stream, or did: there is a thread; under measure.lock */
	uint64_t position; /* last record taken in; durable */
	struct map ledgers; /* by stream id text */
	int64_t committed_ns, swept_ms;
	_Atomic uint64_t done_gen;
	bool bound; /* a table reads this stream */
	bool fresh; /* the delivery stream was deleted and made again: the position is another log's */
	_Atomic bool replaced; /* by a fresh one: this reader ends */

	struct { /* live.c; the actor's, but for what due_lock guards */
		struct intake *next;
		bool due;
		struct log_reader *reader; /* NULL: nothing came for a while */
		uint64_t at;               /* number of the record that is looked at next */
		double used_s;
	} live;
};

struct measure {
	struct measure_opts o;
	struct lock lock; /* intakes, infos */
	struct cond changed;
	struct intake *intakes;
	struct map infos;
	bool stopping;
	_Atomic bool stop;
	_Atomic uint64_t gen; /* counts calls of measure_settle() */
	pthread_t binder;
	bool binding;

	struct lock events_lock;
	uint64_t events_position;

	struct compactor *compactor;
	struct live *live;
};

/* info.c: begin and end manifests */
int measure__schema(struct meta *m, struct err *e);
int measure__events_load(struct measure *m, struct err *e);
/* Takes all events that are in the outbox. */
int measure__events_take(struct measure *m, struct err *e);
/* NULL without @e set: no manifest has named that stream. */
const struct stream_info *measure__info(struct measure *m, const char *stream, struct err *e);

bool measure__ended(struct measure *m, const char *stream); /* its end manifest has been taken */

/* ledger.c: the state of one stream */
/* As it is in its rows. */
struct ledger *ledger_load(struct measure *m, const struct stream_info *info, struct err *e);
struct ledger *ledger_free(struct ledger *l);
struct seen *ledger_seen(struct ledger *l, uint32_t seq, bool make); /* NULL: not there */
enum ledger_verdict { LEDGER_NEW, LEDGER_DUPLICATE, LEDGER_CONFLICT, LEDGER_RANGE };
enum ledger_verdict ledger_take(struct ledger *l, const struct envelope *env, uint64_t log_seq);
void ledger_forget(struct ledger *l, uint32_t seq); /* its record is gone with a deleted delivery stream */
int ledger_save_tx(struct meta_tx *tx, struct ledger *l, struct err *e);
int ledger_ended_load(struct measure *m, struct ledger *l, struct err *e); /* refreshes ended, last_seq */

/* lake.c: decoded samples on their way into the table */
struct lake_file { /* one Parquet file on its way to being an object of the table */
	const char *ref, *md5, *location, *key, *bucket;
	const char *const *partition;
	struct port_tag meta[2]; /* see compact.h */
};
struct lake_batch {
	struct intake *in;
	struct arena *a;
	struct buf rows, heads; /* JSON lines; what rows have in common is in heads */
	size_t n_heads;
	uint64_t n_rows;
	size_t work;        /* bytes decoded */
	struct quarantined {
		struct quarantined *next;
		uint64_t log;
		const char *reason, *detail, *stream;
		int64_t seq;
		struct view bytes;
	} *quarantined;
	struct glue_table table;
	const char *const *paths; /* Parquet files that were written, then their references */
	struct lake_file *files;
	size_t n_files;
	uint64_t position; /* of the last record of this batch */
	char id[37];       /* of this commit: in the names of its files */
};
/* Samples missing in front of a frame of @n, by the device's stamps (of layouts that have them; else 0) at @rate.  *ret_back:
 * the device's clock was set back. */
uint64_t measure__stamps_lost(const struct layout *l, struct samplestamps *s, const struct layout_frame *f, size_t n, double rate,
			      bool *ret_back);
int measure__sample_flags(const struct layout_channel *c, int64_t v);
/* Finds the table that is bound to the delivery stream; in->bound tells. */
int lake_bind(struct intake *in, struct arena *a, struct glue_table *ret, struct err *e);
/* The delivery streams that tables read, as keys of @ret; names live in @a. */
int lake_sources(struct measure *m, struct arena *a, struct map *ret, struct err *e);
void lake_quarantine(struct lake_batch *b, uint64_t log_seq, const char *stream, int64_t seq, const char *reason,
		     const char *detail, struct view bytes);
/* One record's payload through the stream's decoder into rows. */
int lake_decode(struct lake_batch *b, struct ledger *l, uint32_t seq, int64_t t_tablet_ns, struct view payload, bool late,
		struct err *e);
void lake_gap(struct lake_batch *b, struct ledger *l);
int ledger_decoder(struct ledger *l, struct err *e); /* makes the decoder if there is none */
/* Rows to Parquet files, durable; then everything in one transaction. */
int lake_commit(struct lake_batch *b, struct err *e);

/* What a file is as an object. */
void lake_object(const struct lake_file *f, struct s3_new *ret);
/* "s3://bucket/a" is bucket and "a/". */
int lake_split(const char *location, struct arena *a, const char **ret_bucket, const char **ret_prefix, struct err *e);
/* Makes a finished file a durable blob (encrypted where the bucket asks for it); ret->bucket is given. */
int lake_adopt(struct measure *m, const struct glue_table *t, const struct sql_out_file *f, struct arena *a,
	       struct lake_file *ret, struct err *e);

/* intake.c */
void *intake_main(void *arg);
void intake_close(struct intake *in);
/* A record of the log by its number, copied into @a. */
int intake_read(struct log *log, uint64_t seq, struct arena *a, struct view *ret, struct err *e);
