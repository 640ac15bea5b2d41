/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sampleclock -- when a sample was taken, from when its record arrived.
 *
 * Arrival stamps jitter and never become sample times.  A device's own time (counted samples over the
 * nominal rate, or its stamps) runs evenly, so host time is a straight line over it: host = device +
 * offset + drift * device.  The line is the least-squares one through (device time of a record's end,
 * host's stamp), updated with each record (Welford's moments), drawn to no drift while there is little to
 * see (a prior of DRIFT_PRIOR, at a jitter of JITTER_US).  A new line, a segment, begins where the host's
 * stamps stay more than JUMP_US off it (a clock was set, or more was lost than the counter can tell),
 * where a device's stamps run backwards, and where the caller knows of a hole.
 *
 * Sample times follow the line without ever running backwards: what the line learns moves a record by at
 * most half a sample against the end of the one before.  The same records give the same times, also when
 * the state was saved and loaded in between.
 *
 * Threads:  one per clock.   Memory: no allocation.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/json.h"

#define SAMPLECLOCK_JUMP_US 1e6   /* further off than this is no jitter, */
#define SAMPLECLOCK_JUMP_POINTS 3 /* if so many records in a row agree on it */
#define SAMPLECLOCK_JITTER_US 1e4
#define SAMPLECLOCK_DRIFT_PRIOR 2e-3
#define SAMPLECLOCK_HULL 32
#define SAMPLECLOCK_JUMPS 16

struct sampleclock_point {
	double x, y; /* device time since the segment's origin, how far host is ahead of that; us */
};

struct sampleclock {
	double period_us; /* of the samples; 0: not known, nothing is smoothed */
	/* the line of this segment */
	double x0;    /* device time of its origin */
	int64_t y0;   /* host time there, us */
	uint64_t n;
	double mx, my, sxx, sxy, syy, prior;
	/* The greatest residual of any line is at a corner of the points' convex hull. */
	struct sampleclock_point above[SAMPLECLOCK_HULL], below[SAMPLECLOCK_HULL];
	size_t n_above, n_below;
	/* records that are far off, and may be a jump */
	struct {
		double x;
		int64_t y;
		double off;
	} far[SAMPLECLOCK_JUMP_POINTS];
	size_t n_far;
	bool hole; /* the next record begins a segment */
	/* where the last record was placed */
	bool placed;
	double last_x, last_t; /* last_t since y0 */
	/* what has been */
	uint64_t segments;
	struct sampleclock_jump {
		int64_t at_us; /* host */
		double by_us;  /* how far the new segment's start is off the old line */
	} jumps[SAMPLECLOCK_JUMPS]; /* the latest, oldest first */
	size_t n_jumps;
};

/* What is known of the line of the newest segment. */
struct sampleclock_report {
	uint64_t n, segments;
	int64_t offset_us;     /* host time of device time 0 on this line */
	double drift;          /* 1e-6: 1 ppm; positive: the device's clock is slow */
	double drift_error;    /* standard error */
	double rms_us, max_us; /* of the residuals */
};

struct sampleclock_place {
	double device_us; /* of the first sample ... */
	int64_t host_us;  /* ... which was taken at */
	double drift;     /* a sample @x us of device time later was taken x * (1 + drift) later */
};

void sampleclock_init(struct sampleclock *c, double period_us);
/* A record whose first sample is at @from_us of device time, and whose end, at @to_us, was seen at @host_us. */
struct sampleclock_place sampleclock_take(struct sampleclock *c, double from_us, double to_us, int64_t host_us);
/* The same without a stamp: on the line as it is, of which there has to be one (c->n). */
struct sampleclock_place sampleclock_follow(struct sampleclock *c, double from_us, double to_us);
/* More is missing than is known: the next record begins a segment. */
void sampleclock_hole(struct sampleclock *c);
struct sampleclock_report sampleclock_report(const struct sampleclock *c);
int64_t sampleclock_at(const struct sampleclock_place *p, double device_us);

/* The whole state as a JSON object, and back, exactly.  false: it is not one, and @c is as it was. */
void sampleclock_save(const struct sampleclock *c, struct buf *b);
bool sampleclock_load(struct sampleclock *c, const struct json *v);

/*
 * Device time of samples that come in frames with one stamp each.  The samples between two stamps are spread evenly;
 * where that step is more than 1.5 times the usual one a frame was lost, and the samples are put before their own stamp
 * with the usual step.
 */
struct samplestamps {
	size_t n;    /* samples of the last frame; 0: there was none */
	int64_t raw; /* its stamp */
	double us;   /* the same, unwrapped, since the first sample of all */
	double step_us;
	uint64_t frames; /* behind step_us */
};
struct samplestamps_opts {
	double unit_us;  /* of one unit of the stamp */
	int wrap_bits;   /* 0: never wraps */
	bool last;       /* the stamp is that of the frame's last sample */
	double step_us;  /* nominal; 0: not known */
};
struct samplestamps_frame {
	double from_us, step_us; /* of its first sample */
	uint64_t lost;           /* samples missing in front of it */
	bool back;               /* the device's clock was set back */
};
struct samplestamps_frame samplestamps_take(struct samplestamps *s, const struct samplestamps_opts *o, int64_t raw, size_t n);
void samplestamps_save(const struct samplestamps *s, struct buf *b); /* as a JSON object */
void samplestamps_load(struct samplestamps *s, const struct json *v);
