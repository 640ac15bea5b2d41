/* SPDX-License-Identifier: Apache-2.0 */
/* config -- a stream's destination as it is stored. */
#include "svc/firehose/firehose_int.h"

char *fh__config_text(struct arena *a, const struct fh_config *c)
{
	struct json *o = json_new_obj(a);

	json_set(a, o, "extended", json_new_bool(c->extended));
	json_set_str(a, o, "role", c->role_arn);
	json_set_str(a, o, "bucket", c->bucket_arn);
	json_set_str(a, o, "prefix", c->prefix);
	json_set_str(a, o, "error_prefix", c->error_prefix);
	json_set_int(a, o, "size_mb", c->size_mb);
	json_set_int(a, o, "interval_s", c->interval_s);
	json_set(a, o, "gzip", json_new_bool(c->gzip));
	json_set_str(a, o, "extension", c->extension);
	json_set_str(a, o, "time_zone", c->time_zone);
	json_set_str(a, o, "log_group", c->log_group);
	json_set_str(a, o, "log_stream", c->log_stream);
	return json_text(a, o);
}

static const char *text(struct arena *a, const struct json *o, const char *name)
{
	struct view v = json_get_str(o, name);

	return v.p ? arena_str(a, v) : NULL;
}

int fh__config_from(struct arena *a, struct view v, struct fh_config *ret, struct err *e)
{
	const struct json *o = json_parse(a, v, JSON_DEPTH, e);

	if (!o)
		return err_ctx(e, "stored configuration of a delivery stream");
	*ret = (struct fh_config){
		.extended = json_is_true(json_get(o, "extended")),
		.role_arn = text(a, o, "role"),
		.bucket_arn = text(a, o, "bucket"),
		.prefix = text(a, o, "prefix"),
		.error_prefix = text(a, o, "error_prefix"),
		.size_mb = json_int(json_get(o, "size_mb"), FIREHOSE_SIZE_MB),
		.interval_s = json_int(json_get(o, "interval_s"), FIREHOSE_INTERVAL_S),
		.gzip = json_is_true(json_get(o, "gzip")),
		.extension = text(a, o, "extension"),
		.time_zone = text(a, o, "time_zone"),
		.log_group = text(a, o, "log_group"),
		.log_stream = text(a, o, "log_stream"),
	};
	return 0;
}
