/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blob_backend -- what a backend of blob provides; included by blob.c and by backends.
 *
 * A backend embeds the three structs as the first member of its own.  Arguments are as in store/blob.h.
 * commit and abort end the writer.
 */
#pragma once

#include "store/blob.h"

struct blob_vtable {
	const char *name;
	void (*close)(struct blob_store *b);
	int (*begin)(struct blob_store *b, struct blob_writer **ret, struct err *e);
	int (*write)(struct blob_writer *w, const void *p, size_t n, struct err *e);
	int (*commit)(struct blob_writer *w, struct arena *a, const char **ret_ref, struct err *e);
	void (*abort)(struct blob_writer *w);
	int (*adopt)(struct blob_store *b, const char *path, struct arena *a, const char **ret_ref, struct err *e);
	int (*reader_open)(struct blob_store *b, const char *ref, struct blob_reader **ret, struct err *e);
	ssize_t (*read)(struct blob_reader *r, void *p, size_t n, uint64_t off, struct err *e);
	int (*verify)(struct blob_reader *r, uint64_t off, uint64_t n, int *ret_fd, struct err *e); /* NULL: never */
	void (*reader_close)(struct blob_reader *r);
	int (*path)(struct blob_store *b, const char *ref, struct arena *a, const char **ret_path, struct err *e);
	int (*delete)(struct blob_store *b, const char *ref, struct err *e);
	void (*settle)(struct blob_store *b);
	bool (*crashed)(struct blob_store *b);
	int (*sweep)(struct blob_store *b, enum blob_sweep_what what, bool (*used)(void *arg, struct view key),
		     void *arg, uint64_t *ret_removed, struct err *e);
};

struct blob_store {
	const struct blob_vtable *vt;
};

struct blob_writer {
	const struct blob_vtable *vt;
	uint64_t written;
};

struct blob_reader {
	const struct blob_vtable *vt;
};
