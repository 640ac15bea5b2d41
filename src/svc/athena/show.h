/* SPDX-License-Identifier: Apache-2.0 */
/* show -- SHOW DATABASES, SHOW TABLES, SHOW PARTITIONS, SHOW COLUMNS and DESCRIBE, answered from the catalog. */
#pragma once

#include "base/buf.h"
#include "svc/ports.h"

struct show_result {
	const char *columns[3]; /* names; all of type string */
	size_t n_columns;
	uint64_t rows;
	struct buf text; /* a line for each row, columns separated by tabs; the caller's to clear */
};

/* 1: it was such a statement and is answered; 0: it is none; negative: error. */
int show_run(const struct glue_port *glue, const char *text, const char *database, struct arena *a, struct show_result *ret,
	     struct err *e) MUST_CHECK;
