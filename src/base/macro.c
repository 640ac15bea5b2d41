// SPDX-License-Identifier: Apache-2.0
/* What happens when an assertion of must() does not hold. */
#include "base/macro.h"

#include <stdio.h>
#include <stdlib.h>

void must_failed(const char *what, const char *file, int line)
{
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
	abort();
}
