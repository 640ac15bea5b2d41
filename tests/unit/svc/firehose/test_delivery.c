/* SPDX-License-Identifier: Apache-2.0 */
/* Delivery: targets that get ahead of each other, updates in between, crashes at named points. */
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"
#include "os/clock.h"

#define BACKUP(seconds) \
	",'S3BackupMode':'Enabled','S3BackupConfiguration':{'RoleARN':'" ROLE "','BucketARN':'arn:aws:s3:::backup'," \
	"'BufferingHints':{'SizeInMBs':1,'IntervalInSeconds':" seconds "}}"

static int remove_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	const struct fh_row row = { .id = arg };

	return fh__remove(tx, &row, 1, e);
}

static size_t count(struct fixture *f, const char *bucket)
{
	struct s3_object *v;
	size_t n;

	assert_int_equal(f->port.list(f->s3, bucket, "", NULL, 1000, &f->a, &v, &n, &f->e), 0);
	return n;
}

static const struct json *account(struct fixture *f)
{
	const struct json *list = NULL;

	assert_int_equal(firehose_verify(f->fh, &f->a, &list, &f->e), 0);
	return json_at(list, 0);
}

static void right(struct fixture *f)
{
	const char *problem = text(f, account(f), "problem");

	if (*problem)
		fail_msg("%s", problem);
}

static int64_t number(struct fixture *f, const char *name)
{
	return json_int(json_get(account(f), name), -1);
}

static void until_pending(struct fixture *f, int64_t n)
{
	int64_t deadline = clock_mono_ns() + 20LL * 1000000000;

	while (number(f, "pending") != n && clock_mono_ns() < deadline)
		arena_clear(&f->a);
	assert_int_equal(number(f, "pending"), n);
}

/* The row goes before delivery is told: what it would publish then is not delivered, so the log has to keep it. */
TEST(delivery_into_a_deletion_is_no_delivery)
{
	struct fixture *f = fixture_new();
	struct fh_stream *s;

	ok(f, "CreateDeliveryStream", stream(f, "s", "raw", AT_ONCE));
	s = fh__find(f->fh, "s");
	fh__end(s);
	put(f, "s", VIEW("one"));
	assert_int_equal(meta_write(f->meta, remove_fn, (void *)(uintptr_t)s->id, &f->e), 0);
	fh__begin(s);
	fh__end(s);
	assert_int_equal(count(f, "raw"), 0);
	fixture_free(f);
}

TEST(delivery_of_one_target_does_not_wait_for_another)
{
	struct fixture *f = fixture_new();

	ok(f, "CreateBucket", "{'Bucket':'backup'}");
	ok(f, "CreateDeliveryStream", stream(f, "s", "raw", AT_ONCE BACKUP("900")));
	for (int i = 0; i < 20; i++)
		put(f, "s", view_str(arena_printf(&f->a, "<%d>", i)));
	assert_int_equal(content(f, "raw", 70).n, 70);
	assert_int_equal(count(f, "backup"), 0);
	assert_int_equal(number(f, "pending"), 20); /* the backup's are still to come */
	right(f);
	close_all(f);
	open_all(f); /* read again; what raw was given already is not given again */
	put(f, "s", VIEW("<20>"));
	assert_int_equal(content(f, "raw", 74).n, 74);
	right(f);
	/* An update: what was gathered goes out under what counted then. */
	ok(f, "UpdateDestination",
	   "{'DeliveryStreamName':'s','CurrentDeliveryStreamVersionId':'1','DestinationId':'destinationId-000000000001',"
	   "'ExtendedS3DestinationUpdate':{'Prefix':'new/','S3BackupUpdate':{'BufferingHints':{'SizeInMBs':1,'IntervalInSeconds':0}}}}");
	assert_int_equal(content(f, "backup", 74).n, 74);
	put(f, "s", VIEW("<21>"));
	until_pending(f, 0);
	assert_int_equal(content(f, "raw", 78).n, 78);
	assert_int_equal(content(f, "backup", 78).n, 78);
	right(f);
	assert_int_equal(number(f, "delivered"), 22);
	fixture_free(f);
}

TEST(delivery_goes_on_where_an_update_says_when_its_bucket_is_gone)
{
	struct fixture *f = fixture_new();

	ok(f, "CreateDeliveryStream", stream(f, "s", "nowhere", AT_ONCE));
	put(f, "s", VIEW("one"));
	ok(f, "UpdateDestination",
	   "{'DeliveryStreamName':'s','CurrentDeliveryStreamVersionId':'1','DestinationId':'destinationId-000000000001',"
	   "'S3DestinationUpdate':{'BucketARN':'arn:aws:s3:::raw'}}");
	assert_true(view_eq(content(f, "raw", 3), VIEW("one")));
	right(f);
	fixture_free(f);
}

/* --- crashes --- */

static const char *crash_point;
static int crash_after;

static void crash(const char *point)
{
	if (strcmp(point, crash_point) == 0 && --crash_after == 0)
		(void)kill(getpid(), SIGKILL);
}

/* In a process of its own: puts <0>, <1>, ... and writes a byte for each that was acknowledged, until it is killed. */
static void victim(const char *dir, int told)
{
	struct fixture *f = fixture_at(dir);

	ok(f, "CreateBucket", "{'Bucket':'backup'}");
	fh__at = crash;
	ok(f, "CreateDeliveryStream", stream(f, "s", "raw", AT_ONCE BACKUP("900")));
	for (int i = 0; i < 1000; i++) {
		put(f, "s", view_str(arena_printf(&f->a, "<%d>", i)));
		if (write(told, "+", 1) != 1)
			break;
	}
	_exit(1); /* it should have been killed */
}

static int run_victim(const char *dir, const char *point, int after)
{
	int ends[2], status, acked = 0;
	pid_t child;
	char c;

	crash_point = point;
	crash_after = after;
	assert_int_equal(pipe(ends), 0);
	child = fork();
	if (child == 0) {
		close(ends[0]);
		victim(dir, ends[1]);
	}
	close(ends[1]);
	while (read(ends[0], &c, 1) == 1)
		acked++;
	close(ends[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	if (!WIFSIGNALED(status))
		fail_msg("%s, %d: it was not killed", point, after);
	return acked;
}

static void exact(struct fixture *f, const char *bucket, int n)
{
	struct buf b;
	struct view v;

	buf_init(&b, MIB);
	for (int i = 0; i < n; i++)
		buf_printf(&b, "<%d>", i);
	v = content(f, bucket, b.n);
	if (!view_eq(v, buf_view(&b)))
		fail_msg("%s: %.*s", bucket, VIEW_ARG(v));
	buf_clear(&b);
}

TEST(delivery_is_exact_after_a_crash_at_any_point)
{
	static const char *const points[] = { "sealed", "prepared", "published" };

	for (size_t i = 0; i < ARRAY_LEN(points); i++) {
		for (int after = 1; after < 4; after++) {
			const char *dir = unit_tmpdir();
			int acked = run_victim(dir, points[i], after), there;
			struct fixture *f = fixture_at(dir);

			there = (int)log_last(fh__find(f->fh, "s")->log);
			assert_true(there >= acked && there <= acked + 1);
			exact(f, "raw", there);
			right(f);
			ok(f, "UpdateDestination",
			   "{'DeliveryStreamName':'s','CurrentDeliveryStreamVersionId':'1',"
			   "'DestinationId':'destinationId-000000000001','ExtendedS3DestinationUpdate':{'S3BackupUpdate':{"
			   "'BufferingHints':{'SizeInMBs':1,'IntervalInSeconds':0}}}}");
			exact(f, "backup", there);
			until_pending(f, 0);
			exact(f, "raw", there);
			right(f);
			fixture_free(f);
		}
	}
}

/* --- what a transaction and a name are made of --- */

struct advance {
	const char *id;
	struct fh_progress p;
};

static int advance_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	const struct advance *a = arg;

	return fh__advance(tx, a->id, &a->p, e);
}

static int advance(struct fixture *f, const char *id, uint64_t from, int64_t flushes, int64_t version)
{
	struct advance a = { id, { .from = from, .to = 5, .flushes = flushes, .version = version } };

	err_clear(&f->e);
	return meta_write(f->meta, advance_fn, &a, &f->e);
}

TEST(delivery_by_a_state_that_is_not_the_rows_is_refused)
{
	struct fixture *f = fixture_new();
	const char *id;

	ok(f, "CreateDeliveryStream", stream(f, "s", "raw", LATER));
	id = fh__find(f->fh, "s")->id;
	assert_int_equal(advance(f, id, 1, 0, 1), ERR_CONFLICT);
	assert_int_equal(advance(f, id, 0, 1, 1), ERR_CONFLICT); /* a commit that was not answered */
	assert_int_equal(advance(f, id, 0, 0, 2), ERR_CONFLICT); /* an update */
	assert_int_equal(advance(f, id, 0, 0, 1), 0);
	assert_int_equal(advance(f, id, 0, 0, 1), ERR_CONFLICT);
	assert_int_equal(advance(f, "none", 0, 0, 1), ERR_CANCELLED);
	err_clear(&f->e);
	assert_true(*text(f, account(f), "problem")); /* five records delivered that nobody counted */
	fixture_free(f);
}

static const char *key_of(struct fixture *f, const char *prefix, const char *error, const struct fh_target *t)
{
	const struct fh_object o = { .first = 7, .last = 9, .at_ms = 1795380007089 };
	const struct fh_stream s = { .name = "s", .id = "01a223e0e7cd7b128cfbbe88d7de360d" };
	struct fh_config c = { .data = { .prefix_text = prefix } };

	err_clear(&f->e);
	assert_int_equal(prefix_parse(&f->a, view_str(prefix), PREFIX_DATA, &c.data.prefix, &f->e), 0);
	if (error)
		assert_int_equal(prefix_parse(&f->a, view_str(error), PREFIX_ERROR, &c.data.error_prefix, &f->e), 0);
	return fh__object_key(&s, &c, 3, t, &o, &f->a);
}

TEST(delivery_names_objects_after_target_range_and_time)
{
	const struct fh_key a = { VIEW("k"), VIEW("a/../b") }, b = { VIEW("k"), VIEW("b") };
	const struct fh_target data = { .kind = FH_DATA, .query = &a, .n_query = 1 },
			       other = { .kind = FH_DATA, .query = &b, .n_query = 1 },
			       error = { .kind = FH_ERROR, .error_type = "processing-failed" };
	struct fixture *f = fixture_new();
	const char *k = key_of(f, "p/!{partitionKeyFromQuery:k}/", NULL, &data);

	assert_true(view_starts(view_str(k), VIEW("p/a/../b/s-3-2026-11-22-20-40-07-00000000-0007-8"))); /* as AWS: as it is */
	assert_string_equal(k, key_of(f, "p/!{partitionKeyFromQuery:k}/", NULL, &data));
	k = key_of(f, "p/", NULL, &data);
	assert_true(view_starts(view_str(k), VIEW("p/2026/11/22/20/s-3-")));
	assert_string_equal(k, key_of(f, "p/", NULL, &other)); /* the Prefix does not ask for the key */
	assert_string_not_equal(key_of(f, "!{partitionKeyFromQuery:k}", NULL, &data) + sizeof("a/../b"),
				key_of(f, "!{partitionKeyFromQuery:k}", NULL, &other) + sizeof("b"));
	assert_true(view_starts(view_str(key_of(f, "p/", NULL, &error)), VIEW("p/processing-failed/2026/11/22/20/s-3-")));
	assert_true(view_starts(view_str(key_of(f, "p/", "e/", &error)), VIEW("e/processing-failed/2026/11/22/20/s-3-")));
	assert_true(view_starts(view_str(key_of(f, "p/", "e/!{firehose:error-output-type}/x/", &error)),
				VIEW("e/processing-failed/x/s-3-")));
	fixture_free(f);
}
