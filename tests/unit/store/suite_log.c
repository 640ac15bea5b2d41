/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of log (store/log.h) as tests that take a constructor. */
#include "suite_log.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "os/clock.h"
#include "os/thread.h"

static uint64_t append(struct log *l, const char *s)
{
	struct view v = view_str(s);
	struct err e = { 0 };
	uint64_t first = 0;

	if (log_append(l, &v, 1, &first, &e) < 0)
		fail_msg("%s", e.msg);
	return first;
}

static struct log_reader *reader(struct log *l, uint64_t from)
{
	struct log_reader *r = NULL;
	struct err e = { 0 };

	if (log_reader_new(l, from, &r, &e) < 0)
		fail_msg("%s", e.msg);
	return r;
}

static int read_some(struct log_reader *r, struct log_record *rec, size_t n, size_t bytes_max)
{
	struct err e = { 0 };
	int got = log_read(r, rec, n, bytes_max, 0, &e);

	if (got < 0)
		fail_msg("%s", e.msg);
	return got;
}

static void expect(const struct log_record *r, uint64_t seq, const char *s)
{
	assert_int_equal(r->seq, seq);
	assert_int_equal(r->data.n, strlen(s));
	assert_memory_equal(r->data.p, s, r->data.n);
}

void suite_log_numbers_records_from_1(suite_log_open open)
{
	struct log *l = open(unit_tmpdir());

	assert_int_equal(log_first(l), 1);
	assert_int_equal(log_last(l), 0);
	assert_int_equal(append(l, "a"), 1);
	assert_int_equal(append(l, ""), 2);
	assert_int_equal(log_first(l), 1);
	assert_int_equal(log_last(l), 2);
	log_close(l);
}

void suite_log_keeps_records_over_reopening(suite_log_open open)
{
	const char *dir = unit_tmpdir();
	int64_t before = clock_ms();
	struct log *l = open(dir);
	struct log_reader *r;
	struct log_record rec[4];

	append(l, "one");
	append(l, "two");
	log_close(l);
	l = open(dir);
	assert_int_equal(log_last(l), 2);
	assert_int_equal(append(l, "three"), 3);
	r = reader(l, 1);
	assert_int_equal(read_some(r, rec, 4, 1000), 3);
	expect(&rec[0], 1, "one");
	expect(&rec[1], 2, "two");
	expect(&rec[2], 3, "three");
	assert_true(rec[0].at_ms >= before && rec[2].at_ms <= clock_ms());
	assert_int_equal(read_some(r, rec, 4, 1000), 0);
	log_reader_free(r);
	log_close(l);
}

void suite_log_unit_keeps_its_order(suite_log_open open)
{
	struct view v[] = { VIEW("a"), VIEW("bb"), VIEW(""), VIEW("dddddddd"), VIEW("eeeeeeeee") };
	struct log *l = open(unit_tmpdir());
	struct log_reader *r = reader(l, 1);
	struct log_record rec[8];
	struct err e = { 0 };
	uint64_t first = 99;

	assert_int_equal(log_append(l, v, 0, &first, &e), ERR_INVALID);
	assert_int_equal(first, 99);
	err_clear(&e);
	assert_int_equal(log_append(l, v, 5, &first, &e), 0);
	assert_int_equal(first, 1);
	assert_int_equal(log_last(l), 5);
	assert_int_equal(read_some(r, rec, 8, 1000), 5);
	for (unsigned i = 0; i < 5; i++)
		expect(&rec[i], i + 1, v[i].p);
	log_reader_free(r);
	log_close(l);
}

/* A reader that takes few at a time, while more is written, across what it has read ahead and several segments. */
void suite_log_reader_takes_few_at_a_time(suite_log_open open)
{
	static char text[3000];
	struct log *l = open(unit_tmpdir());
	struct log_reader *r = reader(l, 3);
	struct log_record rec[2];
	struct err e = { 0 };
	uint64_t next = 3;

	memset(text, 'x', sizeof(text));
	for (unsigned i = 1; i <= 300; i++) {
		struct view v = view_of(text, i * 9);
		uint64_t seq;

		assert_int_equal(log_append(l, &v, 1, &seq, &e), 0);
		for (int n = 1; n > 0 && i % 3 == 0 && next < i - i % 7;) {
			n = read_some(r, rec, 1 + i % 2, 100000);
			for (int k = 0; k < n; k++, next++)
				assert_true(rec[k].seq == next && rec[k].data.n == next * 9 && memcmp(rec[k].data.p, text, next * 9) == 0);
		}
	}
	while (read_some(r, rec, 1, 1) > 0) {
		assert_true(rec[0].seq == next && rec[0].data.n == next * 9);
		next++;
	}
	assert_int_equal(next, 301);
	log_reader_free(r);
	log_close(l);
}

/* Before and after others have been there, and with units of several records that have a key. */
void suite_log_reader_begins_anywhere(suite_log_open open)
{
	static char text[2000];
	struct log *l = open(unit_tmpdir());
	struct log_record rec[64];
	struct log_reader *r;
	struct err e = { 0 };
	uint64_t total = 0, x = 88172645463325252ULL;

	for (unsigned i = 0; i < 900; i++) {
		uint8_t key[LOG_KEY] = { (uint8_t)i, (uint8_t)(i >> 8), 1 };
		struct view v[3];
		uint64_t first;
		size_t n = 1 + i % 3;

		for (size_t k = 0; k < n; k++)
			v[k] = view_of(text, 1 + (total + k) % sizeof(text));
		assert_int_equal(i % 2 ? log_append_once(l, key, v, n, &first, &e) : log_append(l, v, n, &first, &e), 0);
		assert_int_equal(first, total + 1);
		total += n;
	}
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 200; i++) {
			uint64_t seq;

			x ^= x << 13, x ^= x >> 7, x ^= x << 17;
			seq = 1 + x % total;
			r = reader(l, seq);
			assert_int_equal(read_some(r, rec, 1, 1), 1);
			assert_true(rec[0].seq == seq && rec[0].data.n == 1 + (seq - 1) % sizeof(text));
			log_reader_free(r);
		}
		r = reader(l, 1); /* leaves its marks */
		for (uint64_t next = 1; next <= total;) {
			int n = read_some(r, rec, 64, 100000);

			assert_true(n > 0 && rec[0].seq == next);
			next += (uint64_t)n;
		}
		log_reader_free(r);
	}
	log_close(l);
}

void suite_log_reader_starts_where_told(suite_log_open open)
{
	struct log *l = open(unit_tmpdir());
	struct log_reader *r;
	struct log_record rec[4];
	struct err e = { 0 };
	char text[16];

	for (int i = 1; i <= 100; i++) {
		snprintf(text, sizeof(text), "r%d", i);
		append(l, text);
	}
	r = reader(l, 42);
	assert_int_equal(read_some(r, rec, 2, 1000), 2);
	expect(&rec[0], 42, "r42");
	expect(&rec[1], 43, "r43");
	log_reader_free(r);
	r = reader(l, 101);
	assert_int_equal(read_some(r, rec, 2, 1000), 0);
	append(l, "r101");
	assert_int_equal(read_some(r, rec, 2, 1000), 1);
	expect(&rec[0], 101, "r101");
	log_reader_free(r);
	assert_int_equal(log_reader_new(l, 0, &r, &e), ERR_INVALID);
	log_close(l);
}

static void *append_later(void *arg)
{
	append(arg, "late");
	return NULL;
}

static void *wake_reader(void *arg)
{
	log_reader_wake(arg);
	return NULL;
}

void suite_log_reader_waits_and_is_woken(suite_log_open open)
{
	struct log *l = open(unit_tmpdir());
	struct log_reader *r = reader(l, 1);
	struct log_record rec;
	struct err e = { 0 };
	pthread_t t;

	t = thread_start("append", append_later, l);
	assert_int_equal(log_read(r, &rec, 1, 100, 20000, &e), 1);
	expect(&rec, 1, "late");
	thread_join(t);
	t = thread_start("wake", wake_reader, r);
	assert_int_equal(log_read(r, &rec, 1, 100, 20000, &e), 0); /* would time the test out otherwise */
	thread_join(t);
	assert_int_equal(log_read(r, &rec, 1, 100, 1, &e), 0);
	log_reader_free(r);
	log_close(l);
}

void suite_log_reader_keeps_to_its_limits(suite_log_open open)
{
	struct log *l = open(unit_tmpdir());
	struct log_reader *r = reader(l, 1);
	struct log_record rec[10];
	char *big = malloc(9000);
	struct view v = { big, 9000 };
	struct err e = { 0 };

	memset(big, 'x', 9000);
	for (int i = 0; i < 6; i++)
		assert_int_equal(log_append(l, &v, 1, NULL, &e), 0);
	assert_int_equal(read_some(r, rec, 10, 1), 1); /* one, however large */
	assert_int_equal(rec[0].data.n, 9000);
	assert_int_equal(read_some(r, rec, 10, 21000), 2);
	assert_int_equal(read_some(r, rec, 1, 10000000), 1);
	assert_int_equal(rec[0].seq, 4);
	assert_memory_equal(rec[0].data.p, big, 9000);
	assert_int_equal(read_some(r, rec, 10, 10000000), 2);
	free(big);
	log_reader_free(r);
	log_close(l);
}

void suite_log_refuses_what_is_too_large(suite_log_open open)
{
	struct log *l = open(unit_tmpdir());
	char *big = calloc(1, LIMIT_LOG_RECORD + 1);
	struct view v[18];
	struct err e = { 0 };
	uint64_t first = 7;

	for (int i = 0; i < 18; i++)
		v[i] = view_of(big, LIMIT_LOG_RECORD);
	v[0].n++;
	assert_int_equal(log_append(l, v, 1, &first, &e), ERR_LIMIT);
	err_clear(&e);
	v[0].n--;
	assert_int_equal(log_append(l, v, 18, &first, &e), ERR_LIMIT);
	err_clear(&e);
	assert_int_equal(first, 7);
	assert_int_equal(log_last(l), 0);
	assert_int_equal(log_append(l, v, 15, &first, &e), 0);
	assert_int_equal(log_last(l), 15);
	free(big);
	log_close(l);
}

void suite_log_trims_whole_segments(suite_log_open open)
{
	struct log *l = open(unit_tmpdir());
	char *big = calloc(1, LIMIT_RECORD);
	struct view v = { big, LIMIT_RECORD };
	struct err e = { 0 };
	struct log_reader *r = reader(l, 1);
	struct log_record rec;
	uint64_t first;

	for (int i = 0; i < 40; i++)
		assert_int_equal(log_append(l, &v, 1, NULL, &e), 0);
	assert_int_equal(log_trim(l, 1, &e), 0);
	assert_int_equal(log_first(l), 1);
	assert_int_equal(log_trim(l, 30, &e), 0);
	first = log_first(l);
	assert_true(first > 1 && first <= 30);
	assert_int_equal(log_last(l), 40);
	assert_int_equal(log_read(r, &rec, 1, 1, 0, &e), ERR_NOENT);
	log_reader_free(r);
	r = reader(l, first);
	assert_int_equal(read_some(r, &rec, 1, 1), 1);
	assert_int_equal(rec.seq, first);
	log_reader_free(r);
	free(big);
	log_close(l);
}

static int64_t next_ms(void)
{
	int64_t now = clock_ms();

	while (clock_ms() <= now)
		;
	return now + 1;
}

static uint64_t at_time(struct log *l, int64_t at_ms)
{
	struct err e = { 0 };
	uint64_t seq = 0;

	if (log_at_time(l, at_ms, &seq, &e) < 0)
		fail_msg("%s", e.msg);
	return seq;
}

void suite_log_finds_records_by_time(suite_log_open open)
{
	struct log *l = open(unit_tmpdir());
	char *big = calloc(1, LIMIT_RECORD);
	struct view v[2] = { { big, LIMIT_RECORD }, { big, 1 } };
	int64_t begun[40];
	struct err e = { 0 };

	assert_int_equal(at_time(l, 0), 1);
	assert_int_equal(at_time(l, clock_ms() + 1000), 1);
	for (int i = 0; i < 40; i++) { /* over several segments */
		begun[i] = next_ms();
		assert_int_equal(log_append(l, v, 2, NULL, &e), 0);
	}
	assert_int_equal(at_time(l, 0), 1);
	for (uint64_t i = 0; i < 40; i++)
		assert_int_equal(at_time(l, begun[i]), 1 + 2 * i);
	assert_int_equal(at_time(l, next_ms()), 81);
	assert_int_equal(log_trim(l, 60, &e), 0);
	assert_true(log_first(l) > 1);
	assert_int_equal(at_time(l, begun[0]), log_first(l));
	assert_int_equal(at_time(l, begun[39]), 79);
	free(big);
	log_close(l);
}

struct seen {
	struct lock lock;
	struct cond cond;
	struct log *l;
	uint64_t last;
	bool busy, go_on;
};

static void see(void *arg, uint64_t last)
{
	struct seen *s = arg;

	LOCK_SCOPE(&s->lock);
	must(last > s->last && last <= log_last(s->l) && log_first(s->l) == 1);
	s->last = last;
	cond_broadcast(&s->cond);
}

static void seen_init(struct seen *s, struct log *l)
{
	*s = (struct seen){ .l = l };
	lock_init(&s->lock, "seen");
	cond_init(&s->cond);
}

static void seen_clear(struct seen *s)
{
	cond_clear(&s->cond);
	lock_clear(&s->lock);
}

static void wait_for(struct seen *s, uint64_t last)
{
	int64_t end = clock_mono_ns() + 20000000000;

	LOCK_SCOPE(&s->lock);
	while (s->last < last)
		assert_true(cond_wait_until(&s->cond, &s->lock, end));
}

void suite_log_watch_is_told_of_every_append(suite_log_open open)
{
	struct log *l = open(unit_tmpdir());
	struct view v[3] = { VIEW("a"), VIEW("b"), VIEW("c") };
	struct seen one, two;
	struct err e = { 0 };

	seen_init(&one, l);
	seen_init(&two, l);
	log_watch(l, see, &one);
	append(l, "first");
	wait_for(&one, 1);
	log_watch(l, see, &two);
	assert_int_equal(log_append(l, v, 3, NULL, &e), 0);
	wait_for(&one, 4);
	wait_for(&two, 4);
	log_unwatch(l, see, &one);
	append(l, "last");
	wait_for(&two, 5);
	assert_int_equal(one.last, 4);
	log_unwatch(l, see, &two);
	log_unwatch(l, see, &two); /* nothing left to end */
	seen_clear(&one);
	seen_clear(&two);
	log_close(l);
}

static void linger(void *arg, uint64_t last)
{
	struct seen *s = arg;

	LOCK_SCOPE(&s->lock);
	s->last = last;
	s->busy = true;
	cond_broadcast(&s->cond);
	while (!s->go_on)
		cond_wait(&s->cond, &s->lock);
	s->busy = false;
}

static void *append_one(void *arg)
{
	append(arg, "one");
	return NULL;
}

static void *let_go(void *arg)
{
	struct seen *s = arg;

	LOCK_SCOPE(&s->lock);
	s->go_on = true;
	cond_broadcast(&s->cond);
	return NULL;
}

void suite_log_unwatch_waits_for_a_running_call(suite_log_open open)
{
	struct log *l = open(unit_tmpdir());
	pthread_t writer, other;
	struct seen s;

	seen_init(&s, l);
	log_watch(l, linger, &s);
	writer = thread_start("writer", append_one, l);
	wait_for(&s, 1);
	other = thread_start("other", let_go, &s);
	log_unwatch(l, linger, &s);
	assert_false(s.busy); /* no lock needed: nobody is there any more */
	thread_join(other);
	thread_join(writer);
	seen_clear(&s);
	log_close(l);
}

static uint64_t once(struct log *l, const char *key, const struct view *v, size_t n)
{
	uint8_t k[LOG_KEY] = { 0 };
	struct err e = { 0 };
	uint64_t first = 0;

	memcpy(k, key, strlen(key));
	if (log_append_once(l, k, v, n, &first, &e) < 0)
		fail_msg("%s", e.msg);
	return first;
}

void suite_log_appends_once(suite_log_open open)
{
	const char *dir = unit_tmpdir();
	struct log *l = open(dir);
	struct view v[2] = { VIEW("a"), VIEW("b") };
	struct log_reader *r;
	struct log_record rec[10];

	assert_int_equal(once(l, "one", v, 2), 1);
	assert_int_equal(append(l, "c"), 3);
	assert_int_equal(once(l, "two", v, 1), 4);
	assert_int_equal(once(l, "one", v, 2), 1);
	assert_int_equal(once(l, "two", v, 1), 4);
	log_close(l);
	l = open(dir);
	assert_int_equal(log_last(l), 4);
	assert_int_equal(once(l, "two", v, 1), 4);
	assert_int_equal(once(l, "one", v, 2), 1);
	assert_int_equal(once(l, "three", v, 2), 5);
	assert_int_equal(log_last(l), 6);
	r = reader(l, 1);
	assert_int_equal(read_some(r, rec, 10, 1000), 6);
	expect(&rec[0], 1, "a");
	expect(&rec[1], 2, "b");
	expect(&rec[2], 3, "c");
	expect(&rec[3], 4, "a");
	expect(&rec[5], 6, "b");
	log_reader_free(r);
	log_close(l);
}

#define SAME 8
#define SAME_ROUNDS 50

static void *append_the_same(void *arg)
{
	struct log *l = arg;
	const struct view v[2] = { VIEW("x"), VIEW("y") };
	static _Atomic uint64_t numbers[SAME_ROUNDS];

	for (int i = 0; i < SAME_ROUNDS; i++) {
		char key[LOG_KEY];
		uint64_t none = 0, first;

		snprintf(key, sizeof(key), "same %d", i);
		first = once(l, key, v, 2);
		must(atomic_compare_exchange_strong(&numbers[i], &none, first) || none == first);
	}
	return NULL;
}

/* Also while the first of them is still being written. */
void suite_log_appends_once_what_comes_at_the_same_time(suite_log_open open)
{
	struct log *l = open(unit_tmpdir());
	pthread_t t[SAME];

	for (int i = 0; i < SAME; i++)
		t[i] = thread_start("same", append_the_same, l);
	for (int i = 0; i < SAME; i++)
		thread_join(t[i]);
	assert_int_equal(log_last(l), 2 * SAME_ROUNDS);
	log_close(l);
}

#define WRITERS 8
#define EACH 200

struct writer {
	struct log *l;
	int no;
};

static void *write_many(void *arg)
{
	struct writer *w = arg;
	char a[32], b[32];

	for (int i = 0; i < EACH; i++) {
		struct view v[2] = { { a, 0 }, { b, 0 } };
		struct err e = { 0 };

		v[0].n = (size_t)snprintf(a, sizeof(a), "%d/%d/a", w->no, i);
		v[1].n = (size_t)snprintf(b, sizeof(b), "%d/%d/b", w->no, i);
		must(log_append(w->l, v, 2, NULL, &e) == 0);
	}
	return NULL;
}

void suite_log_many_writers_lose_nothing(suite_log_open open)
{
	struct log *l = open(unit_tmpdir());
	struct writer w[WRITERS];
	pthread_t t[WRITERS];
	struct log_reader *r = reader(l, 1);
	struct log_record rec[64];
	int next[WRITERS] = { 0 }, total = 0;

	for (int i = 0; i < WRITERS; i++) {
		w[i] = (struct writer){ l, i };
		t[i] = thread_start("writer", write_many, &w[i]);
	}
	while (total < WRITERS * EACH * 2) {
		struct err e = { 0 };
		int n = log_read(r, rec, 64, 100000, 20000, &e);

		if (n <= 0)
			fail_msg("after %d records: %s", total, e.msg);
		for (int i = 0; i < n; i++) {
			int no = rec[i].data.p[0] - '0';
			char want[32];

			assert_int_equal(rec[i].seq, ++total);
			snprintf(want, sizeof(want), "%d/%d/%c", no, next[no] / 2, next[no] % 2 ? 'b' : 'a');
			expect(&rec[i], rec[i].seq, want);
			next[no]++;
		}
	}
	for (int i = 0; i < WRITERS; i++)
		thread_join(t[i]);
	log_reader_free(r);
	log_close(l);
}

static void *read_until_cancelled(void *arg)
{
	struct log_reader *r = arg;
	struct log_record rec;
	struct err e = { 0 };
	int rc;

	while ((rc = log_read(r, &rec, 1, 100, -1, &e)) == 0)
		;
	must(rc == ERR_CANCELLED);
	log_reader_free(r);
	return NULL;
}

void suite_log_close_cancels_readers(suite_log_open open)
{
	struct log *l = open(unit_tmpdir());
	pthread_t t = thread_start("reader", read_until_cancelled, reader(l, 1));

	log_close(l);
	thread_join(t);
}
