/* SPDX-License-Identifier: Apache-2.0 */
/* Time zones: transitions, footers, and patterns that show them. */
#include "data/zone.h"

#include <stdio.h>

#include "base/limits.h"
#include "base/macro.h"
#include "data/prefix.h"
#include "unit.h"

/* A TZif file, version 2, with one type and a footer. */
static struct view tzif(struct arena *a, int64_t change_s, int32_t before_s, int32_t after_s, const char *footer)
{
	const uint64_t at = (uint64_t)change_s;
	const uint32_t off[2] = { (uint32_t)before_s, (uint32_t)after_s };
	char *p = arena_alloc(a, 512), *q = p;

	for (int block = 0; block < 2; block++) {
		const unsigned char counts[24] = { [15] = 1, [19] = 2, [23] = 8 };

		memcpy(q, "TZif2", 5);
		memcpy(q + 20, counts, 24);
		q += 44;
		for (int i = block ? 7 : 3; i >= 0; i--)
			*q++ = (char)(block ? at >> 8 * i : 0);
		*q++ = 1;
		for (int i = 0; i < 2; i++) {
			for (int k = 3; k >= 0; k--)
				*q++ = (char)(off[i] >> 8 * k);
			q++;
			*q++ = (char)(4 * i);
		}
		memcpy(q, "LMT\0NEW", 8);
		q += 8;
	}
	return view_of(p, (size_t)(q - p) + (size_t)snprintf(q, 128, "\n%s\n", footer));
}

TEST(zone_offsets)
{
	static const struct {
		const char *footer;
		int64_t at_ms, offset_s;
		const char *name;
	} cases[] = {
		{ "KST-9", 999, -10, "LMT" },
		{ "KST-9", 1000, 32400, "KST" },
		{ "", 1000, 20, "NEW" },
		/* 2026: 8 March 07:00 UTC and 1 November 06:00 UTC */
		{ "EST5EDT,M3.2.0,M11.1.0", 1772953199999, -18000, "EST" },
		{ "EST5EDT,M3.2.0,M11.1.0", 1772953200000, -14400, "EDT" },
		{ "EST5EDT,M3.2.0,M11.1.0", 1793512799999, -14400, "EDT" },
		{ "EST5EDT,M3.2.0,M11.1.0", 1793512800000, -18000, "EST" },
		/* the other half of the world: 4 October 2026 and 5 April 2026, 16:00 UTC the day before */
		{ "AEST-10AEDT,M10.1.0,M4.1.0/3", 1775318399999, 39600, "AEDT" },
		{ "AEST-10AEDT,M10.1.0,M4.1.0/3", 1775318400000, 36000, "AEST" },
		{ "AEST-10AEDT,M10.1.0,M4.1.0/3", 1791043200000, 39600, "AEDT" },
		{ "<+0330>-3:30<+0430>,J79/24,J263/24", 1795380007089, 12600, "+0330" },
		{ "<+0330>-3:30<+0430>,J79/24,J263/24", 1783000000000, 16200, "+0430" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct zone *z;
		struct zone_at at;
		struct err e = { 0 };
		struct arena a;

		arena_init(&a, MIB);
		assert_int_equal(zone_parse(&a, VIEW("A/B"), tzif(&a, 1, -10, 20, cases[i].footer), &z, &e), 0);
		at = zone_at(z, cases[i].at_ms);
		if (at.offset_s != cases[i].offset_s || !view_eq_str(at.abbreviation, cases[i].name))
			fail_msg("%s at %lld: %lld %.*s", cases[i].footer, (long long)cases[i].at_ms, (long long)at.offset_s,
				 VIEW_ARG(at.abbreviation));
		arena_clear(&a);
	}
}

TEST(zone_in_patterns)
{
	static const struct {
		const char *pattern, *utc, *there;
	} cases[] = {
		{ "yyyy-MM-dd'T'HH:mm", "2026-11-22T20:40", "2026-11-23T05:40" },
		{ "X XX XXX x xxx Z ZZZZ ZZZZZ", "Z Z Z +00 +00:00 +0000 GMT Z",
		  "+09 +0900 +09:00 +09 +09:00 +0900 GMT+09:00 +09:00" },
		{ "O z VV G", "GMT UTC UTC AD", "GMT+9 KST A/B AD" },
		{ "k K QQ A n uuuu", "20 8 04 74407089 89000000 2026", "5 5 04 20407089 89000000 2026" },
	};
	const struct zone *z;
	struct err e = { 0 };
	struct arena a;

	arena_init(&a, MIB);
	assert_int_equal(zone_parse(&a, VIEW("A/B"), tzif(&a, 1, 0, 0, "KST-9"), &z, &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf b;

		buf_init(&b, KIB);
		prefix_timestamp(view_str(cases[i].pattern), 1795380007089, NULL, &b);
		assert_string_equal(b.p, cases[i].utc);
		buf_reset(&b);
		prefix_timestamp(view_str(cases[i].pattern), 1795380007089, z, &b);
		assert_string_equal(b.p, cases[i].there);
		buf_clear(&b);
	}
	arena_clear(&a);
}

TEST(zone_refuses_what_is_no_rule)
{
	static const char *const footers[] = { "K-9", "KST", "EST5EDT", "EST5EDT,M13.1.0,M1.1.0", "EST5EDT,M3.2.0", "EST5EDT,M3.2.0,M11.1.0x",
					       "EST168", "<KST-9" };

	for (size_t i = 0; i < ARRAY_LEN(footers); i++) {
		const struct zone *z;
		struct err e = { 0 };
		struct arena a;

		arena_init(&a, MIB);
		if (zone_parse(&a, VIEW("A/B"), tzif(&a, 1, 0, 0, footers[i]), &z, &e) != ERR_CORRUPT)
			fail_msg("%s went well", footers[i]);
		arena_clear(&a);
	}
}
