/* SPDX-License-Identifier: Apache-2.0 */
/* Delivery: names, targets, crashes at named points. */
#include "fixture.h"

static int remove_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	const struct fh_row row = { .id = arg };

	return fh__remove(tx, &row, 1, e);
}

/* The row goes before delivery is told: what it would publish then is not delivered, so the log has to keep it. */
TEST(delivery_into_a_deletion_is_no_delivery)
{
	struct fixture *f = fixture_new();
	struct fh_stream *s;
	struct s3_object *v;
	size_t n;

	ok(f, "CreateDeliveryStream", stream(f, "s", "raw", AT_ONCE));
	s = fh__find(f->fh, "s");
	fh__end(s);
	put(f, "s", VIEW("one"));
	assert_int_equal(meta_write(f->meta, remove_fn, (void *)(uintptr_t)s->id, &f->e), 0);
	fh__begin(s);
	fh__end(s);
	assert_int_equal(f->port.list(f->s3, "raw", "", NULL, 10, &f->a, &v, &n, &f->e), 0);
	assert_int_equal(n, 0);
	fixture_free(f);
}
