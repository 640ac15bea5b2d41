/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hist -- a histogram of times: every value within 1/1024 of itself, in constant memory, whatever its size.
 *
 * Buckets are linear within each power of two, as in Gil Tene's HdrHistogram (hdrhistogram.org); so percentiles far out
 * are as good as the median, and histograms of many threads can be added up without loss.
 *
 * Threads:  one per histogram.   Memory: about 460 KiB each, from calloc.
 */
#pragma once

#include <stdint.h>

#include "base/buf.h"

struct hist;

struct hist *hist_new(void);
struct hist *hist_free(struct hist *h);
void hist_add(struct hist *h, int64_t value); /* below 0 counts as 0 */
void hist_merge(struct hist *to, const struct hist *from);
uint64_t hist_count(const struct hist *h);
int64_t hist_max(const struct hist *h); /* exact; 0 when empty */
/* The least value that at least @p percent are not above (nearest rank), from 0 to 100; 0 when empty. */
int64_t hist_percentile(const struct hist *h, double p);
/* The table that HdrHistogram's plotters read: "Value Percentile TotalCount 1/(1-Percentile)"; values divided by @unit. */
void hist_print(const struct hist *h, double unit, struct buf *b);
