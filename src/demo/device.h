/* SPDX-License-Identifier: Apache-2.0 */
/*
 * device -- the sensors that the demo's people wear, and their bytes, made by the declared layouts.
 *
 * Raw counts go in, payloads of records come out; decoding a payload by the same layout gives the same counts.
 *
 * Threads:  any; the table is constant.   Memory:  from the caller's arena.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "os/crypto.h"

#define DEVICE_CHANNELS 8

struct device {
	const char *layout, *model, *modality;
	double rate;            /* nominal, Hz */
	size_t channels;
	const char *fields[DEVICE_CHANNELS]; /* of the layout: one for all channels, or one for each */
	size_t frame_samples;   /* of each channel in a frame; 0: a frame is a record and takes any number */
	int64_t zero, lo, hi;   /* raw count of 0, and what can be carried */
	double unit;            /* of one count (uV); 0: counts without a unit */
};

enum device_kind { DEVICE_MAX30102, DEVICE_MUSE_PPG, DEVICE_CYTON, DEVICE_LXSDF_T2, DEVICE_LXSDF_T2A, DEVICE_MUSE_EEG };
const struct device *device_get(enum device_kind k);

/* One stream of one measurement: what a device has measured, and how it is cut into records. */
struct stream {
	const struct device *dev;
	double rate;                        /* the real one */
	const char *names[DEVICE_CHANNELS]; /* told in the begin manifest; NULL: the layout's */
	int64_t *raw[DEVICE_CHANNELS];      /* NULL: a channel that rests at zero */
	size_t n;                           /* samples of each channel */
	size_t record_samples;
	uint32_t records;
	char id[UUID_TEXT];
	uint8_t id_bytes[16];
};

/* @seconds of signal per record, as near as whole frames come; all other members but .raw and .names are set.  With
 * whole frames only: a rest of @n that fills none is ERR_INVALID, so is a count that the device cannot carry. */
int stream_cut(struct stream *s, enum device_kind k, double rate, size_t n, double seconds, struct err *e) MUST_CHECK;
/* Do the counts fit? */
int stream_check(const struct stream *s, struct err *e) MUST_CHECK;
/* Appends the payload of record @seq; ret_samples: of each channel in it. */
int stream_payload(const struct stream *s, uint32_t seq, struct buf *out, size_t *ret_samples, struct err *e) MUST_CHECK;
/* Name under which the analysis finds channel @c. */
const char *stream_channel_name(const struct stream *s, size_t c, struct arena *a);
