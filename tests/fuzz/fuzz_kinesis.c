/* SPDX-License-Identifier: Apache-2.0 */
/* Records, shard ids, sequence numbers and hash keys of Kinesis: what is taken is printed as it was. */
#include <string.h>

#include "base/limits.h"
#include "svc/kinesis/kinesis_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct view v = view_of((const char *)p, n);
	struct kinesis_record r;
	kinesis_hash h;
	struct arena a;
	const char *text;
	unsigned shard;
	uint64_t seq;

	arena_init(&a, 16 * MIB);
	if (n < MIB && kinesis__record_parse(v, &r))
		must(view_eq(kinesis__record(&a, r.shard, r.key, r.data), v));
	text = n < 4096 ? arena_str(&a, v) : "";
	if (kinesis__shard_parse(text, KINESIS_SHARDS_MAX, &shard))
		must(strcmp(kinesis__shard_id(&a, shard), text) == 0);
	if (kinesis__seq_parse(text, 7, &seq))
		must(strcmp(kinesis__seq_text(&a, 7, seq), text) == 0);
	if (n < 4096 && kinesis__hash_parse(v, &h) && p[0] != '0')
		must(strcmp(kinesis__hash_text(&a, h), text) == 0);
	arena_clear(&a);
	return 0;
}
