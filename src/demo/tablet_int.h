/* SPDX-License-Identifier: Apache-2.0 */
/* tablet's insides: patience, and its three parts. */
#pragma once

#include "demo/tablet.h"

struct patience {
	int64_t deadline_ns;
	unsigned wait_ms;
};

/* Waits a little longer each time, as long as @r is worth another try (no connection, time-out, 5xx) and the patience lasts. */
bool tablet__again(struct tablet *t, struct patience *w, int r, struct err *e);
void tablet__sleep_ms(unsigned ms);

/* tablet_files.c */
void tablet__make_files(struct tablet *t);
int tablet__announce(struct tablet *t, struct err *e) MUST_CHECK;
/* PUT to the presigned URL for @modality; a URL that is no longer good is asked for anew. */
int tablet__upload(struct tablet *t, const char *modality, struct view data, struct err *e) MUST_CHECK;
int tablet__manifest(struct tablet *t, struct err *e) MUST_CHECK;

/* tablet_send.c */
int tablet__play(struct tablet *t, struct err *e) MUST_CHECK;
