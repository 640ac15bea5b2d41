/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_backend -- what a backend of log provides; included by log.c and by backends.
 *
 * A backend embeds the two structs as the first member of its own.  Arguments are as in store/log.h.
 */
#pragma once

#include "store/log.h"

struct log_vtable {
	const char *name;
	void (*close)(struct log *l);
	int (*append)(struct log *l, const struct view *records, size_t n, uint64_t *ret_first, struct err *e);
	int (*append_once)(struct log *l, const uint8_t key[LOG_KEY], const struct view *records, size_t n,
			   uint64_t *ret_first, struct err *e);
	uint64_t (*first)(struct log *l);
	uint64_t (*last)(struct log *l);
	void (*watch)(struct log *l, log_watch_fn fn, void *arg);
	void (*unwatch)(struct log *l, log_watch_fn fn, void *arg);
	int (*at_time)(struct log *l, int64_t at_ms, uint64_t *ret_seq, struct err *e);
	int (*reader_new)(struct log *l, uint64_t from, struct log_reader **ret, struct err *e);
	int (*read)(struct log_reader *r, struct log_record *ret, size_t n, size_t bytes_max, int timeout_ms,
		    struct err *e);
	void (*reader_wake)(struct log_reader *r);
	void (*reader_free)(struct log_reader *r);
	int (*trim)(struct log *l, uint64_t seq, struct err *e);
};

struct log {
	const struct log_vtable *vt;
};

struct log_reader {
	const struct log_vtable *vt;
};
