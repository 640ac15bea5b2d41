// SPDX-License-Identifier: Apache-2.0
/* First byte: payload mode; second: length of reads; third: decoded length; the rest: the body on the wire. */
#include <stddef.h>
#include <stdint.h>

#include "aws/aws_int.h"

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

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct gate_result g = { .scope = "20130524/us-east-1/s3/aws4_request", .amz_date = "20130524T000000Z",
				 .seed_signature = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9" };
	struct wire w = { view_of(p, n), 1 };
	struct body_source src = { wire_read, &w, -1 };
	struct op_body *b = NULL;
	struct arena a;
	struct err e = { 0 };
	char out[64];
	ssize_t got = 0;
	int64_t total = 0, decoded;

	if (n < 3)
		return 0;
	g.mode = (enum payload_mode)(p[0] % 5);
	w.step = 1 + p[1] % 64;
	decoded = p[2];
	w.v = view_from(w.v, 3);
	sigv4_key(VIEW("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"), VIEW("20130524"), VIEW("us-east-1"), VIEW("s3"),
		  g.signing_key);
	arena_init(&a, LIMIT_ARENA);
	if (aws__body_new(&g, &src, decoded, g.mode > PAYLOAD_CHUNKED_SIGNED ? VIEW("x-amz-checksum-crc32") : VIEW_NONE, &a,
			  &b, &e) == 0) {
		while ((got = op_body_read(b, out, sizeof(out), &e)) > 0)
			total += got;
		must((got == 0) == aws__body_done(b) && (got == 0 || e.wire));
		must(got < 0 || g.mode < PAYLOAD_CHUNKED_SIGNED || total == decoded);
	}
	aws__body_end(b);
	arena_clear(&a);
	return 0;
}
