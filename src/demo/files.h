/* SPDX-License-Identifier: Apache-2.0 */
/*
 * files -- the files of a measurement, generated and valid: signature (PNG), profile (JSON), video (MP4).
 *
 * Threads:  pure functions.   Memory:  the caller's buffer; check it for its ceiling.
 */
#pragma once

#include <stdint.h>

#include "base/buf.h"

/* A scrawl in 8-bit grey, stored without compression (ISO/IEC 15948). */
void files_png(struct buf *out, uint64_t seed);
/* What the tablet asks a viewer; pseudonym only. */
void files_profile(struct buf *out, const char *subject, uint64_t seed);
/* Uncompressed grey frames at 25 a second, a blinking eye, of about @bytes (at least one frame) (ISO/IEC 14496-12). */
void files_mp4(struct buf *out, uint64_t bytes, uint64_t seed);
