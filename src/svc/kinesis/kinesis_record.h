/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kinesis_record -- shards, sequence numbers and records: pure functions.
 *
 * A record in the log: 'K', version 1, u16 shard, u16 length of the partition key, u16 0 (little-endian), the key, the data.
 * Shard: the hash key is the MD5 of the partition key as a number of 128 bits, big-endian; n shards share 0..2^128-1
 * evenly (AWS: "Kinesis Data Streams Terminology", CreateStream).
 */
#pragma once

#include "base/arena.h"
#include "base/view.h"
#include "svc/ports.h"

#define KINESIS_HEAD 8
#define KINESIS_SHARDS_MAX 10000

typedef unsigned __int128 kinesis_hash;

kinesis_hash kinesis__hash_start(unsigned shard, unsigned shards); /* of shard @shards: 0, one past the last */
kinesis_hash kinesis__hash_of(struct view partition_key);
bool kinesis__hash_parse(struct view text, kinesis_hash *ret); /* decimal */
const char *kinesis__hash_text(struct arena *a, kinesis_hash h);
unsigned kinesis__shard_of(kinesis_hash h, unsigned shards);

const char *kinesis__shard_id(struct arena *a, unsigned shard); /* "shardId-000000000000" */
bool kinesis__shard_parse(const char *id, unsigned shards, unsigned *ret);
/* Greater ones are later, as numbers and within a shard; the log's number and the shard can be read back. */
const char *kinesis__seq_text(struct arena *a, unsigned shard, uint64_t seq);
bool kinesis__seq_parse(const char *text, unsigned shard, uint64_t *ret);

struct view kinesis__record(struct arena *a, unsigned shard, struct view key, struct view data);
bool kinesis__record_parse(struct view v, struct kinesis_record *ret);
