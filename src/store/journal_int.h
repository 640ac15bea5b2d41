/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal_int -- what journal.c (appending) and journal_files.c (segments on disk) share.
 *
 * There is no committer thread.  The caller that finds nobody leading leads: it writes one group, its own unit first,
 * and makes it durable for all in it; then the caller whose unit is first among those that came meanwhile leads.  So
 * nobody leads twice for one append, units are written in the order in which they came, and a single client's append
 * switches no threads.
 */
#pragma once

#include "os/thread.h"
#include "store/journal.h"
#include "store/journal_keys.h"
#include "store/segment_files.h"

struct segment_ref {
	uint64_t first, size;
	int64_t created_ms; /* 0: nobody has asked yet */
};

struct journal_watch {
	struct journal_watch *next;
	void (*fn)(void *arg, uint64_t last);
	void *arg;
};

enum spare { SPARE_NONE, SPARE_MAKING, SPARE_READY };

struct journal {
	struct journal_opts o;
	char *dir;
	int lockfd;
	struct segment_files files;
	struct lock lock;
	struct cond grown, left;

	/* under the lock; what the leader alone changes it may read without */
	struct job *head, **tail; /* units that wait */
	struct job *writing;      /* those of the group that is being written */
	bool leading;             /* somebody is */
	struct segment_ref *segs; /* sorted; the last one is written to */
	size_t n_segs, cap_segs;
	uint64_t bytes;    /* of all of them */
	uint64_t end;      /* durable end of the last one */
	uint64_t next_seq; /* of the next record */
	uint64_t released; /* nobody needs the records below */
	unsigned inside;   /* callers and readers that journal_close() waits for */
	bool closing;
	struct journal_keys keys;

	struct lock trimming; /* while the oldest segments are removed; taken before `lock` */
	struct lock watching; /* over the watches, and while they are told; taken before `lock` */
	struct journal_watch *watches;

	/* the leader's own */
	uint64_t cur, cur_size; /* the last segment */
	bool sealed;         /* nothing may be written to the last segment, or there is none */
	int64_t since_ns;    /* when it became the last one, or the journal was opened */
	uint64_t dirty;      /* not 0: a write failed; zeros are due from `end` to here */
	enum spare spare;
	uint64_t spare_size;
	pthread_t spare_thread;
	atomic_bool spare_made;
};

/* Finds the segments and the end of the last one. */
int journal__load(struct journal *j, struct err *e) MUST_CHECK;
void journal__unload(struct journal *j);
/* Thread: leader.  Goes on in a new segment with room for @need. */
int journal__roll(struct journal *j, uint64_t need, struct err *e) MUST_CHECK;
/* Thread: leader.  The next segment is made ahead if it will be wanted soon; the last one's end is @end now. */
void journal__ahead(struct journal *j, uint64_t end);
