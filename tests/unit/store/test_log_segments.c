/* SPDX-License-Identifier: Apache-2.0 */
/* Logs on local segments: the suite, torn tails, flipped bits, kill -9, full disks, shared syncs. */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/limits.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/thread.h"
#include "store/segment_files.h"
#include "suite_log.h"

static struct log *open_log(const char *dir)
{
	struct log *l = NULL;
	struct err e = { 0 };

	if (log_open_segments(dir, NULL, &l, &e) < 0)
		fail_msg("%s", e.msg);
	return l;
}

SUITE_LOG(log_segments, open_log)

/* Small segments: 64 KiB. */
static int open_small(const char *dir, struct log **ret, struct err *e)
{
	struct log_opts o = { .segment_bytes = 64 * KIB };

	return log_open_segments(dir, &o, ret, e);
}

static void append(struct log *l, const char *s, size_t n)
{
	struct view v = { s, n };
	struct err e = { 0 };

	if (log_append(l, &v, 1, NULL, &e) < 0)
		fail_msg("%s", e.msg);
}

/* Reads all; returns how many, or an error. */
static int read_all(struct log *l)
{
	struct log_record rec[16];
	struct log_reader *r;
	struct err e = { 0 };
	uint64_t total = 0;
	int n;

	assert_int_equal(log_reader_new(l, log_first(l), &r, &e), 0);
	while (total < log_last(l) && (n = log_read(r, rec, 16, 10000, 0, &e)) > 0)
		total += (uint64_t)n;
	log_reader_free(r);
	return e.code ? e.code : (int)total;
}

static char *path_in(const char *dir, const char *name)
{
	static char path[4096];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

#define FIRST "00000000000000000001.seg"

/* The first segment's bytes, before and after. */
struct image {
	uint8_t bytes[64 * KIB];
};

static void load(const char *dir, struct image *im)
{
	int fd = open(path_in(dir, FIRST), O_RDONLY);

	assert_true(fd >= 0);
	assert_int_equal(read(fd, im->bytes, sizeof(im->bytes)), sizeof(im->bytes));
	close(fd);
}

static void store(const char *dir, const struct image *im)
{
	int fd = open(path_in(dir, FIRST), O_WRONLY);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, im->bytes, sizeof(im->bytes)), sizeof(im->bytes));
	close(fd);
}

TEST(log_segments_cut_a_torn_tail_at_every_byte)
{
	static struct image im, torn;
	const char *dir = unit_tmpdir();
	size_t begin = SEGMENT_HEADER + 2 * segment_room(5), end = begin + segment_room(11);
	struct err e = { 0 };
	struct log *l;

	assert_int_equal(open_small(dir, &l, &e), 0);
	append(l, "first", 5);
	append(l, "other", 5);
	append(l, "last record", 11);
	log_close(l);
	load(dir, &im);
	for (size_t cut = begin; cut <= end; cut++) {
		bool whole = memcmp(im.bytes + cut, im.bytes + sizeof(im.bytes) - (end - cut), end - cut) == 0;

		memcpy(&torn, &im, sizeof(im));
		memset(torn.bytes + cut, 0, end - cut);
		store(dir, &torn);
		assert_int_equal(open_small(dir, &l, &e), 0);
		assert_int_equal(log_last(l), whole ? 3 : 2);
		append(l, "again", 5);
		assert_int_equal(read_all(l), whole ? 4 : 3);
		log_close(l);
	}
}

TEST(log_segments_cut_garbage_behind_the_end)
{
	static struct image im;
	const char *dir = unit_tmpdir();
	struct err e = { 0 };
	struct log *l;

	assert_int_equal(open_small(dir, &l, &e), 0);
	append(l, "first", 5);
	log_close(l);
	load(dir, &im);
	memset(im.bytes + SEGMENT_HEADER + segment_room(5), 0xa5, 5000);
	store(dir, &im);
	assert_int_equal(open_small(dir, &l, &e), 0);
	assert_int_equal(log_last(l), 1);
	log_close(l);
	load(dir, &im);
	for (size_t i = SEGMENT_HEADER + segment_room(5); i < sizeof(im.bytes); i++)
		assert_int_equal(im.bytes[i], 0);
}

/* A unit whose last record is missing was never acknowledged: none of it may come back. */
TEST(log_segments_cut_half_a_unit)
{
	static struct image im;
	const char *dir = unit_tmpdir();
	struct view v[3] = { VIEW("aaaaa"), VIEW("bbbbb"), VIEW("ccccc") };
	struct err e = { 0 };
	struct log *l;

	assert_int_equal(open_small(dir, &l, &e), 0);
	append(l, "first", 5);
	assert_int_equal(log_append(l, v, 3, NULL, &e), 0);
	log_close(l);
	load(dir, &im);
	im.bytes[SEGMENT_HEADER + 4 * segment_room(5) - 4] ^= 1; /* in the last payload */
	store(dir, &im);
	assert_int_equal(open_small(dir, &l, &e), 0);
	assert_int_equal(log_last(l), 1);
	log_close(l);
}

/* A power cut may leave any part of the last group, in any order of sectors: that is no corruption. */
TEST(log_segments_cut_a_hole_in_the_last_group)
{
	static struct image im;
	const char *dir = unit_tmpdir();
	struct view v[3] = { VIEW("aaaaa"), VIEW("bbbbb"), VIEW("ccccc") };
	struct err e = { 0 };
	struct log *l;

	assert_int_equal(open_small(dir, &l, &e), 0);
	append(l, "first", 5);
	assert_int_equal(log_append(l, v, 3, NULL, &e), 0);
	log_close(l);
	load(dir, &im);
	memset(im.bytes + SEGMENT_HEADER + 2 * segment_room(5), 0, segment_room(5));
	store(dir, &im);
	assert_int_equal(open_small(dir, &l, &e), 0);
	assert_int_equal(log_last(l), 1);
	append(l, "second", 6);
	assert_int_equal(read_all(l), 2);
	log_close(l);
}

TEST(log_segments_find_every_flipped_bit)
{
	static struct image im, bad;
	const char *dir = unit_tmpdir();
	size_t end = SEGMENT_HEADER + 2 * segment_room(13);
	struct err e = { 0 };
	struct log *l;

	assert_int_equal(open_small(dir, &l, &e), 0);
	append(l, "acknowledged1", 13);
	append(l, "acknowledged2", 13);
	append(l, "acknowledged3", 13);
	log_close(l);
	load(dir, &im);
	for (size_t bit = 0; bit < end * 8; bit++) {
		memcpy(&bad, &im, sizeof(im));
		bad.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		store(dir, &bad);
		if (open_small(dir, &l, &e) == 0)
			fail_msg("bit %zu of byte %zu was not seen", bit % 8, bit / 8);
		if (e.code != ERR_CORRUPT && e.code != ERR_UNSUPPORTED)
			fail_msg("bit %zu of byte %zu: %s", bit % 8, bit / 8, e.msg);
		err_clear(&e);
	}
	store(dir, &im);
	assert_int_equal(open_small(dir, &l, &e), 0);
	assert_int_equal(read_all(l), 3);
	log_close(l);
}

TEST(log_segments_name_the_corrupt_record)
{
	static struct image im;
	const char *dir = unit_tmpdir();
	char want[512];
	struct err e = { 0 };
	struct log *l;

	assert_int_equal(open_small(dir, &l, &e), 0);
	append(l, "one", 3);
	append(l, "two", 3);
	append(l, "three", 5);
	log_close(l);
	load(dir, &im);
	im.bytes[SEGMENT_HEADER + segment_room(3) + SEGMENT_RECORD] ^= 1;
	store(dir, &im);
	assert_int_equal(open_small(dir, &l, &e), ERR_CORRUPT);
	snprintf(want, sizeof(want),
		 "log: %s/" FIRST ": record 2 at byte 104 cannot be read but acknowledged records follow it; put back "
		 "a good copy of this file, nothing was changed",
		 dir);
	assert_string_equal(e.msg, want);
}

TEST(log_segments_find_damage_in_an_older_segment_when_it_is_read)
{
	static struct image im;
	const char *dir = unit_tmpdir();
	static char text[10000];
	struct err e = { 0 };
	struct log *l;

	memset(text, 'x', sizeof(text));
	assert_int_equal(open_small(dir, &l, &e), 0);
	for (int i = 0; i < 20; i++)
		append(l, text, sizeof(text));
	assert_int_equal(read_all(l), 20);
	log_close(l);
	load(dir, &im);
	im.bytes[30000] ^= 4;
	store(dir, &im);
	assert_int_equal(open_small(dir, &l, &e), 0);
	assert_int_equal(read_all(l), ERR_CORRUPT);
	log_close(l);
}

TEST(log_segments_refuse_a_second_opening)
{
	const char *dir = unit_tmpdir();
	struct log *l = open_log(dir), *other;
	struct err e = { 0 };

	assert_int_equal(log_open_segments(dir, NULL, &other, &e), ERR_BUSY);
	log_close(l);
}

TEST(log_segments_are_full_at_their_ceiling_and_go_on_after_a_trim)
{
	struct log_opts o = { .segment_bytes = 64 * KIB, .bytes_max = 200 * KIB };
	static char text[10000];
	struct view v = { text, sizeof(text) };
	const char *dir = unit_tmpdir();
	struct err e = { 0 };
	struct log *l;
	int n = 0;

	assert_int_equal(log_open_segments(dir, &o, &l, &e), 0);
	while (n < 100 && log_append(l, &v, 1, NULL, &e) == 0)
		n++;
	assert_int_equal(e.code, ERR_LIMIT);
	assert_int_equal(n, 18); /* 3 segments of 6 */
	err_clear(&e);
	assert_int_equal(log_trim(l, 10, &e), 0);
	assert_int_equal(log_append(l, &v, 1, NULL, &e), 0);
	assert_int_equal(log_last(l), 19);
	assert_int_equal(log_first(l), 7);
	log_close(l);
}

/* In a child, because the limit is the process's. */
static void full_disk(const char *dir)
{
	struct rlimit small = { 50 * KIB, RLIM_INFINITY }, none = { RLIM_INFINITY, RLIM_INFINITY };
	struct log_opts o = { .segment_bytes = 256 * KIB };
	static char text[50000];
	struct view v = { text, sizeof(text) };
	struct err e = { 0 };
	struct log *l;

	signal(SIGXFSZ, SIG_IGN);
	must(open_small(dir, &l, &e) == 0);
	must(log_append(l, &v, 1, NULL, &e) == 0);
	log_close(l);
	must(log_open_segments(dir, &o, &l, &e) == 0);
	must(setrlimit(RLIMIT_FSIZE, &small) == 0);
	must(log_append(l, &v, 1, NULL, &e) == ERR_LIMIT);
	err_clear(&e);
	must(log_last(l) == 1);
	must(setrlimit(RLIMIT_FSIZE, &none) == 0);
	must(log_append(l, &v, 1, NULL, &e) == 0);
	must(log_last(l) == 2);
	log_close(l);
	_exit(0);
}

static int in_child(void (*fn)(const char *), const char *dir)
{
	pid_t pid = fork();
	int status = -1;

	assert_true(pid >= 0);
	if (pid == 0)
		fn(dir);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

TEST(log_segments_go_on_when_the_full_disk_has_room_again)
{
	assert_int_equal(in_child(full_disk, unit_tmpdir()), 0);
}

#define WRITERS 16
#define EACH 100

static void *write_some(void *arg)
{
	for (int i = 0; i < EACH; i++)
		append(arg, "some bytes", 10);
	return NULL;
}

TEST(log_segments_share_syncs_between_callers)
{
	struct log *l = open_log(unit_tmpdir());
	uint64_t before, syncs;
	pthread_t t[WRITERS];

	append(l, "first", 5);
	before = file_sync_count();
	append(l, "alone", 5);
	assert_int_equal(file_sync_count() - before, 1);
	before = file_sync_count();
	for (int i = 0; i < WRITERS; i++)
		t[i] = thread_start("writer", write_some, l);
	for (int i = 0; i < WRITERS; i++)
		thread_join(t[i]);
	syncs = file_sync_count() - before;
	assert_true(syncs > 0 && syncs < WRITERS * EACH);
	log_close(l);
}

/* Appends until killed; one line per acknowledged record. */
static void append_for_ever(const char *dir, int fd)
{
	struct log *l;
	struct err e = { 0 };
	char text[64];

	must(open_small(dir, &l, &e) == 0);
	for (uint64_t i = log_last(l) + 1;; i++) {
		struct view v = { text, (size_t)snprintf(text, sizeof(text), "record %" PRIu64, i) };
		uint64_t seq;

		must(log_append(l, &v, 1, &seq, &e) == 0 && seq == i);
		if (write(fd, &seq, sizeof(seq)) != sizeof(seq))
			_exit(1);
	}
}

static uint64_t last_ack(int fd, int at_least)
{
	uint64_t seq, last = 0;

	for (int i = 0; i < at_least && read(fd, &seq, sizeof(seq)) == sizeof(seq); i++)
		last = seq;
	return last;
}

TEST(log_segments_keep_every_acknowledged_record_over_kill_9)
{
	const char *dir = unit_tmpdir();
	uint64_t last = 0;

	for (int round = 0; round < 5; round++) {
		struct err e = { 0 };
		struct log *l;
		int p[2], status;
		uint64_t more;
		pid_t pid;

		assert_int_equal(pipe(p), 0);
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0)
			append_for_ever(dir, p[1]);
		close(p[1]);
		last = last_ack(p[0], 300 + 77 * round);
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		more = last_ack(p[0], 1000000);
		close(p[0]);
		if (more > last)
			last = more;
		assert_true(last > 0);
		assert_int_equal(open_small(dir, &l, &e), 0);
		assert_true(log_last(l) >= last);
		assert_int_equal(read_all(l), log_last(l));
		log_close(l);
	}
}

/* --- many segments, many logs --- */

static uint64_t bytes_read(void)
{
	struct view text, line;
	struct err e = { 0 };
	struct arena a;
	uint64_t n = 0;

	arena_init(&a, 64 * KIB);
	assert_int_equal(file_read("/proc/self/io", &a, 4096, &text, &e), 0);
	assert_true(view_split(&text, '\n', &line) && view_starts(line, VIEW("rchar: ")));
	assert_true(view_u64(view_from(line, 7), UINT64_MAX, &n));
	arena_clear(&a);
	return n;
}

static int count_files(const char *dir, const char *ends)
{
	DIR *d = opendir(dir);
	struct dirent *ent;
	int n = 0;

	assert_non_null(d);
	while ((ent = readdir(d)))
		n += view_ends(view_str(ent->d_name), view_str(ends));
	closedir(d);
	return n;
}

static void once(struct log *l, uint64_t n, uint64_t want)
{
	static char text[10000];
	const struct view v = { text, sizeof(text) };
	uint8_t key[LOG_KEY] = { 0 };
	struct err e = { 0 };
	uint64_t first;

	memcpy(key, &n, sizeof(n));
	if (log_append_once(l, key, &v, 1, &first, &e) < 0)
		fail_msg("%s", e.msg);
	assert_int_equal(first, want);
}

TEST(log_segments_open_without_reading_what_is_complete)
{
	const char *dir = unit_tmpdir();
	struct err e = { 0 };
	uint64_t before;
	struct log *l;

	assert_int_equal(open_small(dir, &l, &e), 0);
	for (uint64_t i = 1; i <= 300; i++)
		once(l, i, i);
	log_close(l);
	assert_int_equal(count_files(dir, ".seg"), 50);
	before = bytes_read();
	assert_int_equal(open_small(dir, &l, &e), 0);
	/* The last segment, its header, and 24 bytes for each key. */
	assert_true(bytes_read() - before < 64 * KIB + 300 * 24 + 49 * 32 + 4 * KIB);
	assert_int_equal(log_last(l), 300);
	assert_int_equal(log_first(l), 1);
	assert_int_equal(read_all(l), 300);
	log_close(l);
}

TEST(log_segments_know_keys_of_complete_and_of_removed_segments)
{
	const char *dir = unit_tmpdir();
	struct err e = { 0 };
	struct log *l;

	for (int round = 0; round < 3; round++) {
		assert_int_equal(open_small(dir, &l, &e), 0);
		for (uint64_t i = 1; i <= 40; i++)
			once(l, i, i);
		assert_int_equal(log_trim(l, 30, &e), 0);
		log_close(l);
	}
	assert_int_equal(count_files(dir, ".seg"), 3);
	assert_int_equal(count_files(dir, ".keys"), 6);
}

TEST(log_segments_find_damage_in_kept_keys)
{
	const char *dir = unit_tmpdir();
	const char *path = path_in(dir, "00000000000000000001.keys");
	struct err e = { 0 };
	struct log *l;
	uint8_t byte;
	int fd;

	assert_int_equal(open_small(dir, &l, &e), 0);
	for (uint64_t i = 1; i <= 10; i++)
		once(l, i, i);
	log_close(l);
	for (off_t at = 0; at < 32 + 6 * 24; at++) {
		fd = open(path, O_RDWR);
		assert_true(fd >= 0 && pread(fd, &byte, 1, at) == 1);
		byte ^= 0x10;
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
		if (open_small(dir, &l, &e) == 0)
			fail_msg("byte %d", (int)at);
		assert_true(e.code == ERR_CORRUPT || e.code == ERR_UNSUPPORTED);
		err_clear(&e);
		byte ^= 0x10;
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
		close(fd);
	}
	assert_int_equal(open_small(dir, &l, &e), 0);
	once(l, 3, 3);
	log_close(l);
}

/* As the program wrote them before there were keys: not written to any more, read as ever. */
TEST(log_segments_go_on_behind_a_segment_of_version_1)
{
	struct segment_info info = { .kind = { 'L', 'O', 'G', ' ' }, .version = SEGMENT_PLAIN, .uuid = { 9 }, .first = 1, .size = 4096 };
	const char *dir = unit_tmpdir();
	uint64_t off = SEGMENT_HEADER;
	struct err e = { 0 };
	uint8_t out[128];
	struct log *l;
	int fd;

	assert_int_equal(segment_create(path_in(dir, FIRST), info.size, &fd, &e), 0);
	assert_int_equal(segment_start(fd, &info, &e), 0);
	for (uint64_t seq = 1; seq <= 3; seq++) {
		struct segment_record r = { .seq = seq, .group = off, .len = 5, .type = RECORD_LAST };

		segment_encode(out, &info, &r, "older");
		assert_int_equal(file_pwrite_all(fd, out, segment_room(5), (off_t)off, &e), 0);
		off += segment_room(5);
	}
	close(fd);
	for (int round = 0; round < 2; round++) {
		assert_int_equal(open_small(dir, &l, &e), 0);
		assert_int_equal(log_last(l), 3 + (unsigned)round);
		once(l, 7, 4);
		assert_int_equal(read_all(l), 4);
		log_close(l);
		assert_int_equal(count_files(dir, ".seg"), 2);
	}
}

/* A group that was written in part is zeroed before the next one is written. */
static void failed_write(const char *dir)
{
	struct rlimit small = { 10000, RLIM_INFINITY }, none = { RLIM_INFINITY, RLIM_INFINITY };
	static char text[6000];
	struct view v[2] = { { text, 4000 }, { text, sizeof(text) } };
	struct err e = { 0 };
	struct log *l;

	signal(SIGXFSZ, SIG_IGN);
	must(open_small(dir, &l, &e) == 0);
	must(log_append(l, v, 1, NULL, &e) == 0);
	must(setrlimit(RLIMIT_FSIZE, &small) == 0);
	must(log_append(l, v, 2, NULL, &e) == ERR_LIMIT);
	err_clear(&e);
	must(log_append(l, v, 1, NULL, &e) == ERR_LIMIT); /* nor can it be zeroed */
	err_clear(&e);
	must(setrlimit(RLIMIT_FSIZE, &none) == 0);
	must(log_append(l, v, 1, NULL, &e) == 0 && log_last(l) == 2);
	log_close(l);
	must(open_small(dir, &l, &e) == 0 && log_last(l) == 2 && read_all(l) == 2);
	log_close(l);
	_exit(0);
}

TEST(log_segments_leave_nothing_of_a_write_that_failed)
{
	assert_int_equal(in_child(failed_write, unit_tmpdir()), 0);
}

#define MANY 300

/* More than may be open: files are closed and opened again behind the scenes. */
TEST(log_segments_of_many_logs_share_few_open_files)
{
	struct log_opts o = { .segment_bytes = 64 * KIB, .locked = true };
	const char *dir = unit_tmpdir();
	static struct log *l[MANY];
	struct log_reader *r[MANY];
	struct log_record rec;
	struct err e = { 0 };
	char path[4096];

	for (int i = 0; i < MANY; i++) {
		snprintf(path, sizeof(path), "%s/%d", dir, i);
		assert_int_equal(log_open_segments(path, &o, &l[i], &e), 0);
		assert_int_equal(log_reader_new(l[i], 1, &r[i], &e), 0);
	}
	assert_int_equal(segment_files_count(), 0);
	assert_int_equal(count_files(path, ".seg"), 0); /* of the last one */
	for (int round = 1; round <= 2; round++) {
		for (int i = 0; i < MANY; i++) {
			append(l[i], "some", 4);
			assert_int_equal(log_read(r[i], &rec, 1, 100, 0, &e), 1);
			assert_int_equal(rec.seq, round);
		}
		assert_int_equal(segment_files_count(), SEGMENT_FILES_MAX);
	}
	for (int i = 0; i < MANY; i++) {
		log_reader_free(r[i]);
		log_close(l[i]);
	}
	assert_int_equal(segment_files_count(), 0);
}

TEST(log_segments_keep_what_is_young_while_there_is_room)
{
	struct log_opts o = { .segment_bytes = 64 * KIB, .bytes_max = 5 * 64 * KIB, .keep_ms = 3600 * 1000 };
	const char *dir = unit_tmpdir();
	struct err e = { 0 };
	struct log *l;

	assert_int_equal(log_open_segments(dir, &o, &l, &e), 0);
	for (uint64_t i = 1; i <= 30; i++) /* 5 segments of 6 */
		once(l, i, i);
	assert_int_equal(log_trim(l, 20, &e), 0);
	assert_int_equal(log_first(l), 1);
	once(l, 31, 31);
	assert_int_equal(log_first(l), 7);
	log_close(l);
	o.keep_bytes = 3 * 64 * KIB;
	assert_int_equal(log_open_segments(dir, &o, &l, &e), 0);
	assert_int_equal(log_trim(l, 31, &e), 0);
	assert_int_equal(log_first(l), 19);
	log_close(l);
	o.keep_bytes = 0;
	o.keep_ms = 1;
	assert_int_equal(log_open_segments(dir, &o, &l, &e), 0);
	for (int64_t now = clock_ms(); clock_ms() < now + 2;)
		;
	assert_int_equal(log_trim(l, 26, &e), 0);
	assert_int_equal(log_first(l), 25);
	/* What somebody needs is not removed for new records. */
	for (uint64_t i = 32; i <= 48; i++)
		once(l, i, i);
	assert_int_equal(log_first(l), 25);
	log_close(l);
}
