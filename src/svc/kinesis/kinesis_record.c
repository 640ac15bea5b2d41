/* SPDX-License-Identifier: Apache-2.0 */
/* kinesis_record: shards, sequence numbers and records. */
#include "svc/kinesis/kinesis_record.h"

#include <inttypes.h>
#include <string.h>

#include "os/crypto.h"

#define SHARD_ID "shardId-"
#define SEQ_LEAD '4' /* AWS's begin with it; numbers have no leading zero */
#define SEQ_SHARD 9
#define SEQ_TEXT (1 + SEQ_SHARD + 20)

kinesis_hash kinesis__hash_start(unsigned shard, unsigned shards)
{
	/* floor(2^128 shard / shards) without 2^128 itself. */
	kinesis_hash each = ~(kinesis_hash)0 / shards, rest = ~(kinesis_hash)0 % shards + 1;

	return shard == shards ? 0 : each * shard + rest * shard / shards;
}

kinesis_hash kinesis__hash_of(struct view key)
{
	uint8_t sum[DIGEST_MAX];
	kinesis_hash h = 0;

	digest_once(DIGEST_MD5, key, sum);
	for (int i = 0; i < 16; i++)
		h = h << 8 | sum[i];
	return h;
}

bool kinesis__hash_parse(struct view text, kinesis_hash *ret)
{
	kinesis_hash h = 0;

	for (size_t i = 0; i < text.n; i++) {
		unsigned d = (unsigned)(text.p[i] - '0');

		if (d > 9 || h > (~(kinesis_hash)0 - d) / 10)
			return false;
		h = h * 10 + d;
	}
	*ret = h;
	return text.n > 0;
}

const char *kinesis__hash_text(struct arena *a, kinesis_hash h)
{
	char text[40], *at = text + sizeof(text) - 1;

	*at = 0;
	do
		*--at = (char)('0' + (unsigned)(h % 10));
	while (h /= 10);
	return arena_str(a, view_str(at));
}

unsigned kinesis__shard_of(kinesis_hash h, unsigned shards)
{
	unsigned lo = 0, hi = shards; /* start(lo) <= h < start(hi) */

	while (hi - lo > 1) {
		unsigned mid = lo + (hi - lo) / 2;

		if (kinesis__hash_start(mid, shards) <= h)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

const char *kinesis__shard_id(struct arena *a, unsigned shard)
{
	return arena_printf(a, SHARD_ID "%012u", shard);
}

bool kinesis__shard_parse(const char *id, unsigned shards, unsigned *ret)
{
	struct view v = view_str(id);
	uint64_t n;

	if (!view_starts(v, VIEW(SHARD_ID)) || v.n != sizeof(SHARD_ID) - 1 + 12)
		return false;
	v = view_from(v, sizeof(SHARD_ID) - 1);
	while (v.n > 1 && v.p[0] == '0')
		v = view_from(v, 1);
	if (!view_u64(v, shards - 1, &n))
		return false;
	*ret = (unsigned)n;
	return true;
}

const char *kinesis__seq_text(struct arena *a, unsigned shard, uint64_t seq)
{
	return arena_printf(a, "%c%0*u%020" PRIu64, SEQ_LEAD, SEQ_SHARD, shard, seq);
}

bool kinesis__seq_parse(const char *text, unsigned shard, uint64_t *ret)
{
	struct view v = view_str(text), part = view_sub(v, 1 + SEQ_SHARD, 20);
	uint64_t n;

	if (v.n != SEQ_TEXT || v.p[0] != SEQ_LEAD)
		return false;
	while (part.n > 1 && part.p[0] == '0')
		part = view_from(part, 1);
	if (!view_u64(part, UINT64_MAX - 1, &n))
		return false;
	part = view_sub(v, 1, SEQ_SHARD);
	while (part.n > 1 && part.p[0] == '0')
		part = view_from(part, 1);
	*ret = n;
	return view_u64(part, KINESIS_SHARDS_MAX, &n) && n == shard;
}

struct view kinesis__record(struct arena *a, unsigned shard, struct view key, struct view data)
{
	size_t n = KINESIS_HEAD + key.n + data.n;
	uint8_t *p = arena_alloc(a, n);
	const uint8_t head[KINESIS_HEAD] = { 'K', 1, (uint8_t)shard, (uint8_t)(shard >> 8), (uint8_t)key.n, (uint8_t)(key.n >> 8) };

	memcpy(p, head, sizeof(head));
	if (key.n)
		memcpy(p + KINESIS_HEAD, key.p, key.n);
	if (data.n)
		memcpy(p + KINESIS_HEAD + key.n, data.p, data.n);
	return view_of(p, n);
}

bool kinesis__record_parse(struct view v, struct kinesis_record *ret)
{
	const uint8_t *p = (const uint8_t *)v.p;
	size_t key;

	if (v.n < KINESIS_HEAD || p[0] != 'K' || p[1] != 1 || p[6] || p[7])
		return false;
	key = (size_t)(p[4] | p[5] << 8);
	if (v.n - KINESIS_HEAD < key)
		return false;
	*ret = (struct kinesis_record){ .shard = (unsigned)(p[2] | p[3] << 8),
					.key = view_sub(v, KINESIS_HEAD, key),
					.data = view_from(v, KINESIS_HEAD + key) };
	return true;
}
