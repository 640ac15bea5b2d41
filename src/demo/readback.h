/* SPDX-License-Identifier: Apache-2.0 */
/*
 * readback -- what has arrived, asked of every API that can know it, and compared with what the tablets sent.
 *
 * Each disagreement is a problem in plain words; a person without problems is proven.
 *
 * Threads:  one, after the tablets' threads have ended.
 */
#pragma once

#include "demo/tablet.h"

#define PROBLEMS_MAX 12

enum part { PART_SIGNATURE, PART_PROFILE, PART_VIDEO, PART_BIOSIGNALS, PARTS };

struct finding { /* of one person */
	const char *state, *execution; /* of the ledger; of the state machine */
	bool verified[PARTS];
	/* records: planned, sent at least once, acknowledged (with repetitions), and what each place has of them */
	uint64_t records, sent, accepted, received, decoded, raw, raw_distinct;
	uint64_t duplicates, conflicts, quarantined, missing, lost_unplanned;
	uint64_t samples_sent, samples_ledger, samples_sql; /* over all channels; the ledger's: of first channels */
	uint64_t rows_records; /* records that SQL counts */
	double hr, hr_expected; /* 0: none */
	const char *dropped;   /* "stream <id>: 4-5, 9; ...": what the tablet left out; the ledger has to name the same */
	const char *problems[PROBLEMS_MAX];
	size_t n_problems;     /* may be more than are kept */
};

struct readback {
	struct arena arena;
	struct aws_client *aws;
	const struct show *show;
	struct tablet *tablets;
	size_t n;
	const char *state_machine; /* ARN */
	struct finding *findings;
	uint64_t raw_objects;
};

void readback_init(struct readback *rb, const struct show *s, struct tablet *tablets, size_t n, const char *state_machine);
void readback_clear(struct readback *rb);
/* All of it.  An API that does not answer is a problem of the person, or of all. */
void readback_run(struct readback *rb);

/* --- within readback_*.c --- */
void readback__problem(struct readback *rb, size_t i, const char *fmt, ...) PRINTF_LIKE(3, 4);
void readback__raw(struct readback *rb);
void readback__sql(struct readback *rb);
void readback__meta(struct readback *rb);
