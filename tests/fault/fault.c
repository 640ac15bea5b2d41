/* SPDX-License-Identifier: Apache-2.0 */
/* What the drivers of the power-cut harness share. */
#include "fault.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/view.h"

static int lost;

void fault_loss(const char *what, uint64_t id, const char *why)
{
	printf("LOST %s %" PRIu64 ": %s\n", what, id, why);
	lost++;
}

int fault_losses(void)
{
	return lost;
}

void fault_stop(const struct err *e)
{
	printf("FAILED %s\n", e->msg);
	exit(2);
}

void fault_tell(const char *fmt, ...)
{
	char line[512];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	must(n > 0 && (size_t)n < sizeof(line));
	must(write(STDOUT_FILENO, line, (size_t)n) == n);
}

char *fault_bytes(size_t n, uint64_t seed)
{
	uint64_t x = (seed + 1) * 0x9e3779b97f4a7c15u;
	char *p = malloc(n + sizeof(x));

	must(p);
	for (size_t i = 0; i < n; i += sizeof(x)) {
		uint64_t letters;

		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		letters = (x & 0x0f0f0f0f0f0f0f0fu) + 0x6161616161616161u;
		memcpy(p + i, &letters, sizeof(letters));
	}
	p[n] = '\0';
	return p;
}

size_t fault_last_ack(void)
{
	uint64_t n = 0, one;
	char line[512];

	while (fgets(line, sizeof(line), stdin)) {
		struct view v = view_trim(view_str(line));

		if (view_starts(v, VIEW("A ")) && view_u64(view_from(v, 2), UINT64_MAX, &one) && one > n)
			n = one;
	}
	return (size_t)n;
}
