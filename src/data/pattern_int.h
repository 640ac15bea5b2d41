/* SPDX-License-Identifier: Apache-2.0 */
/* pattern_int -- private to pattern*.c: the compiled form and the scanner of pattern texts. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/view.h"
#include "data/pattern.h"

/* --- compiled form --- */
enum match_kind {
	MATCH_STR,      /* equal strings, or the same IP address written differently */
	MATCH_NUM,
	MATCH_TRUE,
	MATCH_FALSE,
	MATCH_NULL,
	MATCH_PREFIX,
	MATCH_SUFFIX,
	MATCH_NOCASE,
	MATCH_WILDCARD,
	MATCH_RANGE,    /* numeric */
	MATCH_CIDR,
	MATCH_EXISTS,
	MATCH_ABSENT,
	MATCH_BUT,      /* anything but list[] */
};

struct ip {
	bool v6;
	uint8_t b[16];
};

struct matcher {
	enum match_kind kind;
	bool nocase;             /* of PREFIX and SUFFIX */
	bool open_lo, open_hi;   /* of RANGE */
	bool is_ip;              /* of STR: lo_ip is its address */
	struct view text;        /* STR, PREFIX, SUFFIX, NOCASE; NUM: as written */
	double lo, hi;           /* RANGE; NUM: lo */
	struct ip lo_ip, hi_ip;  /* CIDR */
	struct view *part;       /* WILDCARD: the pieces between the stars, at least one */
	size_t n_part;
	struct matcher *list;    /* BUT */
	size_t n_list;
};

struct field_test {
	struct view path; /* joined with '.' */
	size_t path_no;   /* index into pattern.paths */
	struct matcher *m;
	size_t n;
};

struct branch { /* all tests must hold; sorted by path */
	const struct field_test **t;
	size_t n, cap;
};

struct pattern {
	struct arena arena;
	struct branch *branches;
	size_t n, cap;
	struct view *paths; /* every tested path once, sorted */
	size_t n_paths;
};

bool pattern__ip(struct view s, struct ip *ret);
int pattern__ip_cmp(const struct ip *a, const struct ip *b);
/* The next code point, folded for comparison without case; advances *s. */
uint32_t pattern__fold_next(struct view *s);

/* --- scanner: tokens with the positions that EventBridge names in its messages --- */
enum token {
	TOKEN_OBJ, TOKEN_OBJ_END, TOKEN_ARR, TOKEN_ARR_END, TOKEN_NAME, TOKEN_STR, TOKEN_NUM, TOKEN_TRUE,
	TOKEN_FALSE, TOKEN_NULL, TOKEN_END, TOKEN_ERROR,
};

struct scan {
	struct arena *a;
	struct view src;
	size_t pos;
	enum token pending; /* what follows a name was looked at already; TOKEN_END: nothing */
	bool open_str;      /* pos is inside a string whose text was not asked for yet */
	bool in_list;       /* messages from inside lists carry their position twice */
	int depth;
	bool first;         /* no element of the innermost container was read */
	bool after_name;
	char stack[PATTERN_DEPTH]; /* '{' or '[' */
	size_t start[PATTERN_DEPTH];
	struct view text;   /* of NAME, STR (after scan_text()) and NUM */
	struct view number; /* text of a pending NUM */
	struct err *e;
};

void scan_init(struct scan *s, struct arena *a, struct view src, struct err *e);
enum token scan_next(struct scan *s); /* TOKEN_ERROR: s->e is set */
/* Text of the current STR; false: s->e is set. */
bool scan_text(struct scan *s);
/* Sets s->e to "Event pattern is not valid. Reason: <text>" and the position; returns false. */
bool scan_fail(struct scan *s, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* The same without a position. */
bool scan_fail_plain(struct scan *s, const char *fmt, ...) PRINTF_LIKE(2, 3);
