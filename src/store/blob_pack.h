/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blob_pack -- small blobs as records of group-committed segments; private to store/.
 *
 * A deleted blob's record is overwritten with a dead one of the same length (its bytes are gone, not only its
 * name); a segment whose records are all dead is unlinked.  How many are dead in a segment that was there at the
 * start is counted when one of its records is deleted.
 * Threads: any.   Durable: when pack_put() returns 0; deletes need not be: the sweep repeats them.
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/view.h"
#include "store/blob_ref.h"

struct pack;

int pack_open(const char *dir, struct pack **ret, struct err *e) MUST_CHECK;
struct pack *pack_close(struct pack *p);
int pack_put(struct pack *p, struct view data, struct arena *a, const char **ret_ref, struct err *e) MUST_CHECK;
/* @out has room for ref->size bytes.  ERR_NOENT, ERR_CORRUPT. */
int pack_get(struct pack *p, const struct blob_ref *ref, void *out, struct err *e) MUST_CHECK;
int pack_delete(struct pack *p, const struct blob_ref *ref, struct err *e) MUST_CHECK;
uint64_t pack_last(const struct pack *p); /* number of the newest record that was there at the start */
/* Of the records after number @since that were there at the start. */
int pack_sweep(struct pack *p, uint64_t since, bool (*used)(void *arg, struct view key), void *arg,
	       uint64_t *ret_removed, struct err *e) MUST_CHECK;
