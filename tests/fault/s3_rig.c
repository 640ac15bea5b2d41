/* SPDX-License-Identifier: Apache-2.0 */
/* S3 on real stores, called without HTTP. */
#include "s3_rig.h"

#include "base/limits.h"
#include "fault.h"

void rig_open(struct rig *r, const char *dir)
{
	struct s3_opts o = { .region = "eu-north-1", .account = "123456789012" };

	*r = (struct rig){ 0 };
	arena_init(&r->a, LIMIT_ARENA);
	if (meta_open_sqlite(arena_printf(&r->a, "%s/meta", dir), &r->meta, &r->e) < 0 ||
	    blob_open_files(arena_printf(&r->a, "%s/objects", dir), &r->blob, &r->e) < 0)
		fault_stop(&r->e);
	o.meta = r->meta;
	o.blob = r->blob;
	r->s3 = s3_new(&o);
	if (s3_start(r->s3, &r->e) < 0)
		fault_stop(&r->e);
	r->ops = op_registry_new();
	op_registry_add(r->ops, &s3_service, r->s3);
	op_registry_context(r->ops, "eu-north-1", VIEW("http://127.0.0.1:4566"));
}

void rig_close(struct rig *r)
{
	op_registry_free(r->ops);
	s3_free(r->s3);
	blob_close(r->blob);
	meta_close(r->meta);
	arena_clear(&r->a);
}

const struct json *rig_call(struct rig *r, const char *op, const struct json *in)
{
	static const struct op_caller caller = { "123456789012", "AKIDEXAMPLE", "arn:aws:iam::123456789012:root",
						 "192.0.2.7", NULL };
	const struct json *ret = NULL;

	err_clear(&r->e);
	return op_call(r->ops, "s3", op, in, &caller, &r->a, &ret, &r->e) < 0 ? NULL : ret;
}

const struct json *rig_ok(struct rig *r, const char *op, const struct json *in)
{
	const struct json *v = rig_call(r, op, in);

	if (!v)
		fault_stop(&r->e);
	return v;
}
