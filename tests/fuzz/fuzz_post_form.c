// SPDX-License-Identifier: Apache-2.0
/* A browser's form: the first byte is the length of reads; the rest the body, whose field "policy" is judged as well. */
#include <stddef.h>
#include <stdint.h>

#include "aws/post_form.h"
#include "aws/post_policy.h"
#include "base/base64.h"

#define NOW INT64_C(1795380000000)
#define TYPE VIEW("multipart/form-data; boundary=xx")

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

struct wire {
	struct view v;
	size_t step;
};

static ssize_t wire_read(void *self, void *to, size_t n, struct err *e)
{
	struct wire *w = self;
	struct view v = view_sub(w->v, 0, n < w->step ? n : w->step);

	(void)e;
	if (v.n)
		memcpy(to, v.p, v.n);
	w->v = view_from(w->v, v.n);
	return (ssize_t)v.n;
}

static void judge(const struct post_form *f, struct arena *a)
{
	struct view policy = post_form_get(f, "policy");
	struct post_fields fields = { .bucket = VIEW("b") };
	struct post_range range = { 0 };
	struct err e = { 0 };
	int rc;

	fields.v = post_form_fields(f, &fields.n);
	rc = post_policy_check(base64_encode_arena(a, policy.p ? policy : VIEW("")), &fields, NOW, a, &range, &e);
	must((rc == 0) == (e.code == 0) && (rc == 0 || e.wire));
	must(rc < 0 || policy.p);
}

/* What came of the body when it is read in pieces of @step: bytes of the file, or a negative error. */
static int64_t read_form(struct view body, size_t step, struct arena *a)
{
	struct wire w = { body, step };
	const struct body_source src = { wire_read, &w, -1 };
	struct post_form *f = NULL;
	struct err e = { 0 };
	char out[64];
	int64_t total = 0;
	ssize_t got;

	if (post_form_open(&src, TYPE, a, &f, &e) < 0) {
		must(e.wire);
		return -1;
	}
	judge(f, a);
	while ((got = post_form_read(f, out, sizeof(out), &e)) > 0)
		total += got;
	must(got == 0 || e.wire);
	return got < 0 ? -2 : total;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena a;
	struct view body;

	if (n < 1)
		return 0;
	body = view_from(view_of(p, n), 1);
	arena_init(&a, LIMIT_ARENA);
	/* How the bytes come in pieces changes nothing. */
	must(read_form(body, 1 + p[0], &a) == read_form(body, 65536, &a));
	arena_clear(&a);
	return 0;
}
