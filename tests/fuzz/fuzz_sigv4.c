// SPDX-License-Identifier: Apache-2.0
/* A request as text (request line, headers, empty line, body) before the gate. */
#include <stddef.h>
#include <stdint.h>

#include "aws/gate.h"
#include "base/limits.h"

#define HEADERS 40

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

struct request {
	struct view name[HEADERS], value[HEADERS], body;
	size_t n;
};

static bool header_at(const void *self, size_t i, struct view *name, struct view *value)
{
	const struct request *r = self;

	if (i >= r->n)
		return false;
	*name = r->name[i];
	*value = r->value[i];
	return true;
}

static int body_of(void *self, struct view *ret, struct err *e)
{
	(void)e;
	*ret = ((struct request *)self)->body;
	return 0;
}

static struct view get_line(struct view *rest)
{
	struct view line = VIEW("");

	if (!view_split(rest, '\n', &line))
		return VIEW("");
	return line;
}

static void read_request(struct view text, struct request *r, struct gate_request *q)
{
	struct view line = get_line(&text), target;

	q->method = VIEW("");
	view_split(&line, ' ', &q->method);
	target = line.p ? line : VIEW("");
	q->path = VIEW("");
	view_split(&target, '?', &q->path);
	q->query = target;
	for (line = get_line(&text); line.n && r->n < HEADERS; line = get_line(&text)) {
		ptrdiff_t colon = view_chr(line, ':');

		r->name[r->n] = colon < 0 ? line : view_sub(line, 0, (size_t)colon);
		r->value[r->n++] = colon < 0 ? VIEW("") : view_trim(view_from(line, (size_t)colon + 1));
	}
	r->body = text.p ? text : VIEW("");
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct credentials *c;
	const struct gate_policy policy = { .region = "ap-northeast-2", .now_ms = INT64_C(1795380000000) };
	struct request r = { .n = 0 };
	struct gate_request q = { .header_at = header_at, .body = body_of, .self = &r };
	struct gate_result g;
	struct arena a;
	struct err e = { 0 };
	int rc;

	if (!c) {
		c = credentials_new("000000000000");
		credentials_add(c, "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", NULL, 0, "arn");
	}
	arena_init(&a, LIMIT_ARENA);
	read_request(view_of(p, n), &r, &q);
	rc = gate_verify(c, &q, &policy, &a, &g, &e);
	must((rc == 0) == (g.caller.arn != NULL));
	must(rc == 0 || (e.wire && e.code == rc && e.msg[0]));
	arena_clear(&a);
	return 0;
}
