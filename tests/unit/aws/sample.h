/* SPDX-License-Identifier: Apache-2.0 */
/* sample -- made-up services with every kind of member, for tests and fuzz targets of aws/. */
#pragma once

#include "aws/op.h"

struct sample_tag {
	const char *key, *value;
};
struct sample_hints {
	struct opt_int size, seconds;
};
struct sample_in {
	const char *name, *kind;
	struct view data;
	struct opt_int count, at;
	struct opt_num ratio;
	struct opt_bool on;
	struct op_list tags;  /* struct sample_tag */
	struct op_list names; /* const char * */
	struct op_list ports; /* int64_t */
	struct op_map env;
	const struct json *document, *kept;
	struct sample_hints *hints;
};

/* What comes in bulk. */
struct sample_record {
	struct view data;
	const char *key;
};
struct sample_bulk_in {
	const char *name;
	struct op_list records;
	struct sample_record *one;
	struct opt_int count;
};

extern const struct op_field sample_fields[];
extern const struct op sample_bulk;
extern const struct service sample_json, sample_xml, sample_query, sample_rest;
/* What the handler was last given. */
extern struct sample_in sample_seen;
extern const struct aws_error SAMPLE_NOT_FOUND;
