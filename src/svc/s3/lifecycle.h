/* SPDX-License-Identifier: Apache-2.0 */
/* lifecycle -- rules that say when objects, versions and uploads go; what they mean (lifecycle_rules.c), who acts (expire.c). */
#pragma once

#include "svc/s3/s3_int.h"

#define S3_KIND_LIFECYCLE "lifecycle" /* BucketLifecycleConfiguration, with TransitionDefaultMinimumObjectSize */
#define LC_DAY_MS (24 * 3600 * 1000LL)
#define LC_RULES_MAX 1000

struct lc_rule {
	const char *id;
	bool enabled;
	struct view prefix;
	struct s3_tags tags;
	int64_t above, below; /* sizes it is for: between them; INT64_MIN, INT64_MAX: no matter */
	/* What it does; 0: not that. */
	int64_t days, date_ms;		  /* the current version goes */
	bool lonely_markers;		  /* delete markers with nothing behind them go */
	int64_t old_days, old_kept;	  /* non-current versions go, but for the newest so many */
	int64_t abort_days;		  /* unfinished uploads go */
};

struct lifecycle {
	struct lc_rule *v;
	size_t n;
	bool tags; /* some rule asks for tags */
};

/* One version or marker, newest first for a key. */
struct lc_entry {
	const char *key;
	uint64_t size;
	int64_t modified_ms;
	bool marker;
	bool current;	    /* no newer one of its key */
	bool alone;	    /* no older one; known of current markers only */
	int64_t retired_ms; /* not current: when its successor was made, which is what AWS counts from */
	int64_t newer_old;  /* not current: how many non-current versions (no markers) are newer */
};

/* @doc: of s3_config, as lifecycle.c writes it. */
int lc_parse(struct arena *a, const char *doc, struct lifecycle *ret, struct err *e);
/*
 * When something that counts from @from_ms is due after @days: at the next midnight UTC, as AWS rounds up.  Days of another
 * length than 24 hours are for tests: then nothing is rounded.
 */
int64_t lc_due(int64_t from_ms, int64_t days, int64_t day_ms);
/* Whether a rule wants it gone at @now_ms.  @tags NULL: not known, taken as fitting. */
bool lc_wants(const struct lifecycle *l, const struct lc_entry *x, const struct s3_tags *tags, int64_t now_ms,
	      int64_t day_ms);
bool lc_wants_upload(const struct lifecycle *l, const char *key, int64_t created_ms, int64_t now_ms, int64_t day_ms);
/* The range of keys that rules are for: @to.n 0: to the end.  false: no rule is enabled. */
bool lc_range(const struct lifecycle *l, struct arena *a, struct view *from, struct view *to);
/* The rule that will be the first to expire a current version, and when; NULL: none will. */
const struct lc_rule *lc_first(const struct lifecycle *l, const struct s3_row *r, int64_t *ret_ms);
