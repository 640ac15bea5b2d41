/* SPDX-License-Identifier: Apache-2.0 */
/* s3_rig -- S3 as it is, on real stores in a folder, called without HTTP. */
#pragma once

#include "svc/s3/s3_int.h"

#define RIG_UPLOADS 32

struct rig {
	struct meta *meta;
	struct blob_store *blob;
	struct s3 *s3;
	struct op_registry *ops;
	struct arena a; /* for the caller to clear, now and then */
	struct err e;
	const char *upload[RIG_UPLOADS]; /* the caller's */
};

void rig_open(struct rig *r, const char *dir);
void rig_close(struct rig *r);
/* The answer, or NULL and r->e. */
const struct json *rig_call(struct rig *r, const char *op, const struct json *in);
/* Ends the program if it fails. */
const struct json *rig_ok(struct rig *r, const char *op, const struct json *in);
