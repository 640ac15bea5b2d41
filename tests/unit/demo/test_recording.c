/* SPDX-License-Identifier: Apache-2.0 */
/* Recordings: read, packed into devices' bytes, decoded, analysed: the golden numbers. */
#include "demo/recording.h"

#include <string.h>

#include "base/limits.h"
#include "os/file.h"
#include "truth.h"
#include "unit.h"

static void check(const struct recording *rec)
{
	const char *path;
	struct view content;
	struct person p;
	struct arena a;
	struct err e = { 0 };

	arena_init(&a, 4 * GIB);
	path = unit_data(arena_printf(&a, "data/recordings/%s", rec->path));
	if (!path) {
		arena_clear(&a);
		skip_test("%s is not there", rec->path);
	}
	assert_int_equal(file_read(path, &a, 64 * MIB, &content, &e), 0);
	if (recording_person(rec, &p, 0, &a, content, &e) < 0)
		fail_msg("%s", e.msg);
	const char *bad = person_compare(&p, truth_result(&p, &a), &a);
	if (bad)
		fail_msg("%s: %s", rec->path, bad);
	arena_clear(&a);
}

TEST(recording_heartpy_data)
{
	check(&recordings[0]);
}

TEST(recording_heartpy_data2)
{
	check(&recordings[1]);
}

TEST(recording_heartpy_ring)
{
	check(&recordings[2]);
}

TEST(recording_wfdb_v102s)
{
	check(&recordings[3]);
}

TEST(recording_biosppy_closed)
{
	check(&recordings[4]);
}

TEST(recording_biosppy_open)
{
	check(&recordings[5]);
}

TEST(recording_openbci)
{
	check(&recordings[6]);
}

static void reads(const struct recording *rec, struct view text, const int64_t *expect, size_t n)
{
	struct person p;
	struct arena a;
	struct err e = { 0 };

	arena_init(&a, 16 * MIB);
	if (recording_person(rec, &p, 0, &a, text, &e) < 0)
		fail_msg("%s", e.msg);
	const int64_t *raw = p.streams[0].raw[p.streams[0].dev->channels == 2 ? 1 : 0];
	assert_int_equal(p.streams[0].n, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(raw[i], expect[i]);
	arena_clear(&a);
}

TEST(recording_formats_made_by_hand)
{
	reads(&recordings[0], VIEW("hr\n500\n510\r\n520\n"), (const int64_t[]){ 510, 520 }, 2);
	reads(&recordings[1], VIEW("timer,hr\n0.0,5\n10.0,6\n20.0,7\n30,8\n40,9\n50.0,10\n60,11"),
	      (const int64_t[]){ 5, 6, 7, 8, 9, 10 }, 6); /* whole frames of 6 */
	/* 12-bit pairs in 3 bytes; the third of four is -46 + 2048. */
	reads(&recordings[3], VIEW("\xe6\x1f\x54\xd2\x1f\x53"), (const int64_t[]){ 2002 }, 1);
}

static void refuses(const struct recording *rec, struct view text, const char *message)
{
	struct person p;
	struct arena a;
	struct err e = { 0 };

	arena_init(&a, 16 * MIB);
	assert_true(recording_person(rec, &p, 0, &a, text, &e) < 0);
	assert_string_equal(e.msg, message);
	arena_clear(&a);
}

TEST(recording_broken_files_are_refused)
{
	refuses(&recordings[0], VIEW(""), "heartpy/data.csv: no samples");
	refuses(&recordings[0], VIEW("500\n510\n5x0\n520\n"), "heartpy/data.csv: line 2 of the samples is no number");
	refuses(&recordings[0], VIEW("500\n999999\n"),
		"heartpy/data.csv: max30102.fifo2@1: sample 0 of channel 1 is 999999; 0 to 262143 can be carried");
	refuses(&recordings[1], VIEW("1,2\n1,3\n"), "heartpy/data2.csv: the timer column does not rise");
	refuses(&recordings[2], VIEW("1\n2\n"), "heartpy/ring_data.csv: less than ten minutes");
	refuses(&recordings[3], VIEW(""), "wfdb/v102s.dat: max30102.fifo2@1: 0 samples are no whole frames of 1");
}

TEST(recording_folder_without_any_is_told)
{
	struct person p[1];
	struct arena a;
	struct err e = { 0 };
	size_t n;

	arena_init(&a, MIB);
	assert_int_equal(recording_find(unit_tmpdir(), p, 1, &n, &a, &e), ERR_NOENT);
	arena_clear(&a);
}
