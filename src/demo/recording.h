/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recording -- real recordings as people: readers of their formats, devices that carry them without loss, golden results.
 *
 * A folder is searched for the files of recording.c's table, by their names, in itself and one folder deep; each that is found becomes
 * a person.  The recordings are not ours and are not in this repository (make demo takes heartpy's from its package);
 * the golden numbers are, computed by us with numpy and scipy from the same bytes.
 *
 * Counts that a device cannot carry as they are:
 *  - smart ring: missing samples are interpolated, as its golden result says, in steps of 1/512;
 *  - OpenBCI: the text has 0.01 uV, the device steps of 0.0224 uV: rounded to them, compared within 5e-5;
 *  - v102s PLETH is signed: 2048 is added (the heart rate does not depend on it).
 */
#pragma once

#include "demo/person.h"

struct recording {
	const char *path;   /* under the folder, "heartpy/data.csv"; the last part alone is searched too */
	const char *name;
	enum device_kind device;
	int (*read)(const struct recording *r, struct person *p, struct arena *a, struct view text, struct err *e);
	size_t column, skip; /* of the readers that have them */
	const struct expect *golden;
};

extern const struct recording recordings[];
extern const size_t recordings_n;

/* Fills @p from the file's content.  ERR_INVALID, ERR_CORRUPT. */
int recording_person(const struct recording *r, struct person *p, size_t index, struct arena *a, struct view content,
		     struct err *e) MUST_CHECK;

/* Fills at most @max of @ret.  ERR_NOENT if no known recording is there. */
int recording_find(const char *dir, struct person *ret, size_t max, size_t *ret_n, struct arena *a, struct err *e) MUST_CHECK;
