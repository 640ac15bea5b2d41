/* SPDX-License-Identifier: Apache-2.0 */
/*
 * meta_backend -- what a backend of meta provides; included by meta.c, by backends and by their tests.
 *
 * A backend embeds the three structs as the first member of its own and fills in the vtable.  Arguments are
 * as in store/meta.h; @fmt and the values of run/query are described there (tx_run).
 */
#pragma once

#include <stdarg.h>

#include "store/meta.h"

struct meta_vtable {
	const char *name;
	void (*close)(struct meta *m);
	int (*write)(struct meta *m, meta_fn fn, void *arg, struct err *e);
	int (*read)(struct meta *m, meta_fn fn, void *arg, struct err *e);
	int (*schema)(struct meta *m, const char *ddl, struct err *e);
	int (*verify)(struct meta *m, meta_found_fn found, void *arg, uint64_t *ret_bytes, struct err *e);
	uint64_t (*commits)(struct meta *m); /* group commits done so far: tests see sharing by it */

	int (*run)(struct meta_tx *tx, struct err *e, const char *sql, const char *fmt, va_list ap);
	int (*query)(struct meta_tx *tx, struct tx_rows **ret, struct err *e, const char *sql, const char *fmt,
		     va_list ap);
	void (*after_commit)(struct meta_tx *tx, void (*fn)(void *), void *arg);

	int (*next)(struct tx_rows *r, struct err *e);
	void (*end)(struct tx_rows *r);
	int64_t (*col_int)(const struct tx_rows *r, int col);
	double (*col_double)(const struct tx_rows *r, int col);
	struct view (*col_view)(const struct tx_rows *r, int col);
	bool (*col_null)(const struct tx_rows *r, int col);
};

struct meta {
	const struct meta_vtable *vt;
};

struct meta_tx {
	const struct meta_vtable *vt;
	int64_t changes;
};

struct tx_rows {
	const struct meta_vtable *vt;
};

uint64_t meta_commits(struct meta *m);
