/* SPDX-License-Identifier: Apache-2.0 */
/*
 * live_int -- the live view: who watches what, and what is known of each device stream that is sending.
 *
 *	hub.c        subscribers, found by what they watch
 *	live.c       the actor: records as they become durable, decoded once each
 *	live_text.c  a record as JSON, whole or decimated
 *	alarms.c     alarms: begun and ended, told to subscribers and rules, kept for the ledger's answer
 */
#pragma once

#include "measure/measure_int.h"
#include "signal/alarm.h"
#include "signal/decimate.h"
#include "signal/sampleclock.h"

/* --- one device stream --- */

struct live_channel {
	double rate;     /* 0: not known */
	double *v;       /* of the record at hand; NaN: missing */
	size_t n, cap;
	uint64_t at;     /* number of the first of them, lost ones counted */
	uint64_t next;   /* number of the sample that comes next */
	bool line;       /* flat line and lead off are looked for */
	struct alarm_line state;
	struct alarm_latch flat, off;
};

struct live_stream {
	const struct stream_info *info;
	struct intake *in;
	uint64_t id; /* never used twice */
	struct layout_stream *decoder;
	const struct layout_channel *channels;
	struct live_channel *c;
	size_t n_channels;
	bool aside; /* the record at hand is behind its place: nothing is learned from it */
	bool any, ended; /* ended: its measurement was over when it was first seen; no alarms */
	uint32_t next;   /* seq */
	uint64_t window; /* bit i: next - 1 - i has been seen */
	uint64_t lost;   /* frames, by counters or stamps, in the record at hand */
	double used_s;
	struct sampleclock clock;
	struct samplestamps stamps;
	struct sampleclock_place place; /* of the record at hand */
	struct alarm_rate rate;
	struct alarm_pulse pulse;
	struct alarm_latch gap, off_rate, stalled;
};

struct live_record {
	const struct live_stream *s;
	uint32_t seq;
	int64_t t_tablet_ns;
	bool late; /* behind its place: its times are the tablet's */
};

/* --- subscribers --- */

struct measure_sub {
	struct measure_sub *next;
	measure_live_fn fn;
	void *arg;
};

/* What one device stream looks like to viewers who do not want every sample. */
struct live_slim {
	uint64_t id; /* live_stream's */
	bool *on;    /* by channel: false: too slow to decimate */
	struct decimate *d;
};

/* Subscribers who watch the same in the same way: what they get is made once. */
struct live_view {
	struct live_view *next; /* of the topic */
	struct live_topic *topic;
	struct arena a;
	const char *key;
	struct measure_watch watch;
	struct measure_sub *subs;
	struct map slims; /* by stream */
};

struct live_topic { /* views of one delivery stream, measurement or device stream */
	const char *key;
	struct live_view *views;
};

struct live {
	struct lock lock; /* all but due and the alarms */
	bool closed;
	struct map topics, views;
	size_t n_subs;
	struct map streams; /* live_stream by id text */
	struct map unknown; /* streams that nobody named: until when (ms) not to ask again */
	uint64_t last_id;
	double beat_s;
	struct buf text;               /* of the record at hand */
	struct decimate_bucket *bucket; /* scratch */
	size_t bucket_cap;

	struct lock due_lock;
	struct cond due_changed;
	struct intake *due, **due_last; /* have records that were not looked at */
	bool stop, started;
	pthread_t thread;

	struct lock alarms_lock;
	struct cond alarms_changed;
	struct alarm_change *changes, **changes_last;
	size_t n_changes;
	uint64_t changes_left_out;
	bool alarms_stop;
	pthread_t alarms_thread;
};

/* hub.c; live.lock is held */
struct live_topics { /* those of one device stream that somebody watches */
	struct live_topic *v[3];
	size_t n;
};
struct live_topics hub_topics(struct measure *m, const struct stream_info *info, const char *delivery);
bool hub_wants(const struct live_view *v, const struct stream_info *info, const char *delivery);
bool hub_wants_channel(const struct measure_watch *w, struct view name);
/* Tells all of a view; who does not want more is gone. */
void hub_tell(struct measure *m, struct live_view *v, enum measure_live kind, struct view json);
void hub_tell_all(struct measure *m, enum measure_live kind);
void hub_forget_slims(struct measure *m, const char *stream);
void hub_close(struct measure *m); /* takes the lock: everybody is told MEASURE_END */

/* live_text.c */
struct view live__channel_name(const struct live_stream *s, size_t i);
/* One record for one view; false: none of its channels has anything. */
bool live__text(struct live *l, const struct live_record *r, struct live_view *v, struct buf *out);
void live__slim_free(struct live_slim *s);

/* live.c */
void live__init(struct live *l);
void live__clear(struct measure *m);
void live__start(struct measure *m);
void live__stop(struct measure *m);
void live__join(struct measure *m);
void live__watch(struct intake *in); /* its records are looked at from now on */
void live__unwatch(struct intake *in);
/* Its measurement is over; @unsaid: that it is stalled has been told to nobody. */
void live__forget(struct measure *m, const char *stream, bool unsaid);

/* alarms.c */
struct alarm_change {
	struct alarm_change *next;
	enum alarm_kind kind;
	bool begin;
	const struct stream_info *info;
	const char *delivery;
	char channel[LAYOUT_NAME_MAX + 1]; /* "": the whole stream */
	char detail[128];
	int64_t at_ms;
};
struct alarm_of {
	struct alarm_latch *latch;
	enum alarm_kind kind;
	struct view channel; /* VIEW_NONE: the whole stream */
};
/* Live.lock is held: things are @bad or good; tells and keeps it if that begins or ends an alarm. */
void alarms_judge(struct live_stream *s, struct alarm_of of, bool bad, double now_s, const char *fmt, ...) PRINTF_LIKE(5, 6);
void *alarms_main(void *measure);
void alarms_stop(struct measure *m);
int alarms_begin(struct measure *m, struct err *e); /* those that a stop left open are over */
int alarms_json_tx(struct meta_tx *tx, const char *stream, struct arena *a, struct json *ret, struct err *e);
