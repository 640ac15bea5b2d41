/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alarm -- what is wrong with a signal while it comes: flat line, lead off, gap, rate, stalled device.
 *
 * Detectors are small states that are fed with what comes; each says whether things are bad now.  A latch makes alarms of
 * that: one begins at once and ends when things have been good for a while, and one that comes and goes is held longer
 * each time (1 s, 2 s, ... 32 s), so that no signal can make a storm of them.
 *
 * Threads:  one per state.   Memory: no allocation.   Time: seconds of any clock that only moves forward.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum alarm_kind {
	ALARM_FLAT,     /* a channel's samples stay within one count of each other */
	ALARM_LEAD_OFF, /* a channel's samples are at the rails, out of range or "no value" */
	ALARM_GAP,      /* frames or records are missing */
	ALARM_RATE,     /* samples come at another rate than the nominal one */
	ALARM_STALLED,  /* nothing comes */
};
#define ALARM_KINDS 5
const char *alarm_name(enum alarm_kind k); /* "flat", "lead_off", "gap", "rate", "stalled" */

/* --- the latch --- */

#define ALARM_HOLD_S 1.0
#define ALARM_HOLD_MAX_S 32.0
#define ALARM_AGAIN_S 60.0 /* one that begins so soon after its end is held twice as long */

struct alarm_latch {
	bool on;
	double bad_s, ended_s, hold_s; /* bad last; ended last; 0: not yet */
};
/* Things are @bad or good at @now_s; true: the alarm has begun (l->on) or ended. */
bool alarm_latch(struct alarm_latch *l, bool bad, double now_s);

/* --- one channel --- */

#define ALARM_FLAT_S 0.75
#define ALARM_FLAT_SAMPLES 8 /* and at least so many */
#define ALARM_RAIL_S 0.25    /* of the running mean of samples at the rails; over 0.8 is off, below 0.2 is on again */

struct alarm_line {
	size_t flat_n, rail_n;
	double step; /* one count, in the values' unit */
	double least, greatest;
	size_t run; /* samples within one count */
	double rails;
	bool off;
};
void alarm_line_init(struct alarm_line *l, double rate, double step);
/* One sample; @rail: it is clipped, out of range or no value. */
void alarm_line_take(struct alarm_line *l, double v, bool rail);
bool alarm_line_flat(const struct alarm_line *l);

/* --- the rate of a stream --- */

#define ALARM_RATE_S 4.0 /* looked at */
#define ALARM_RATE_POINTS 64
#define ALARM_RATE_PART 0.02    /* off by more than this part, */
#define ALARM_RATE_JITTER_S 0.05 /* and more than the jitter of stamps explains, */
#define ALARM_RATE_STAYS_S 0.15 /* for so long */

struct alarm_rate {
	struct { double device_s, host_s; } v[ALARM_RATE_POINTS]; /* ring */
	size_t first, n;
	double bad_s; /* since when; 0: it is good */
};
/* @device_s of samples (by the nominal rate) have come at @host_s; true: the rate is wrong. */
bool alarm_rate_take(struct alarm_rate *r, double device_s, double host_s);

/* --- is there a pulse? --- */

#define ALARM_STALL_PERIODS 3
#define ALARM_STALL_MIN_S 0.8
#define ALARM_STALL_MAX_S 30.0

struct alarm_pulse {
	double last_s, period_s; /* period 0: not known */
};
void alarm_pulse_take(struct alarm_pulse *p, double now_s); /* a record has come */
double alarm_pulse_late_s(const struct alarm_pulse *p);     /* when it is stalled if none comes */
