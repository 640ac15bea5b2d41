/* SPDX-License-Identifier: Apache-2.0 */
/* firehose_ops -- what each operation takes, and its handler. */
#pragma once

#include "svc/firehose/firehose_int.h"

struct in_kinesis {
	const char *arn, *role;
};
struct in_create {
	const char *name, *type;
	struct in_kinesis *kinesis;
	const struct json *plain, *extended; /* in the SDK's shape */
	struct op_list tags;
};
struct in_update {
	const char *name, *version, *destination;
	const struct json *plain, *extended; /* in the SDK's shape */
};
struct in_key {
	const char *arn, *type;
};
struct in_encryption {
	const char *name;
	struct in_key *config;
};
struct in_describe {
	const char *name, *after;
	struct opt_int limit;
};
struct in_list {
	const char *type, *after;
	struct opt_int limit;
};
struct in_delete {
	const char *name;
	struct opt_bool force;
};
struct in_record {
	struct view data;
};
struct in_put {
	const char *name;
	struct in_record *record;
};
struct in_put_batch {
	const char *name;
	struct op_list records;
};
struct in_tags {
	const char *name, *after;
	struct op_list tags, keys;
	struct opt_int limit;
};

/* --- destination.c: members of destinations --- */
extern const struct op_field fh__plain_fields[], fh__plain_update_fields[], fh__extended_fields[], fh__extended_update_fields[];

#define FH_HANDLER(name) int fh__op_##name(struct op_ctx *cx, const void *input, struct out *o)
FH_HANDLER(create);
FH_HANDLER(describe);
FH_HANDLER(list);
FH_HANDLER(delete);
FH_HANDLER(put);
FH_HANDLER(put_batch);
FH_HANDLER(tag);
FH_HANDLER(start_encryption);
FH_HANDLER(stop_encryption);
FH_HANDLER(untag);
FH_HANDLER(update);
FH_HANDLER(list_tags);
