/* SPDX-License-Identifier: Apache-2.0 */
/*
 * person -- who takes part: modelled people and recordings, each with devices, counts, and what has to come out.
 *
 * Threads:  built by one thread; the tablet's thread then owns it.   Memory:  in the arena given.
 */
#pragma once

#include <stdbool.h>

#include "base/json.h"
#include "demo/device.h"

#define PERSON_STREAMS 6
#define PERSON_EXPECTS 32

/* A number that the result has to hold. */
struct expect {
	const char *part;    /* "pulse" or "eeg" */
	const char *channel; /* eeg: its name */
	const char *member;
	double value;        /* of a boolean: 0 or 1 */
	double abs, rel;     /* |got - value| <= max(abs, rel |value|) */
};

struct person {
	const char *name;   /* for the table: "person 3", "heartpy data.csv" */
	char subject[16];   /* pseudonym */
	char id[UUID_TEXT]; /* the measurement */
	bool recorded;
	double seconds;     /* of signal, the longest stream */
	struct stream streams[PERSON_STREAMS];
	size_t n_streams;
	struct expect expects[PERSON_EXPECTS];
	size_t n_expects;
};

void person_init(struct person *p, const char *name, size_t index);
struct expect *person_expect(struct person *p, const char *part, const char *channel, const char *member, double value);
/* Streams of a modelled person: the devices go round with @number, so that there are old and new ones side by side. */
int person_model(struct person *p, struct arena *a, uint64_t seed, size_t number, double seconds, struct err *e) MUST_CHECK;

/* Compares @result (docs/audience-pipeline.md, section 8); NULL if it is as expected, else the first thing that is not. */
const char *person_compare(const struct person *p, const struct json *result, struct arena *a);
