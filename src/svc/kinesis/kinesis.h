/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kinesis -- Kinesis Data Streams: a face over the same log that delivery streams have.
 *
 * A stream is ONE log; a shard is an attribute of its records (from the partition key's MD5, as AWS says), so a batch for
 * many shards is one append and one fsync.  Sequence numbers are the log's.  Consumers read by shard and position, as many
 * as like.  The log of a delivery stream can be read by its name, too, as a stream with one shard, when no data stream has
 * that name: what tablets send to Firehose is live for every Kinesis consumer.
 *
 * Threads:  any; one actor drops what is older than each stream's retention period.
 * Durable:  records, when they are answered; streams and their tags as well.
 * Limits:   1 MiB a record with its partition key, 500 records and 10 MiB a batch, as AWS has; 10,000 shards.  When the
 *           log or the disk is full: ProvisionedThroughputExceededException, which clients repeat.
 */
#pragma once

#include "aws/op.h"
#include "svc/ports.h"

struct kinesis;

struct kinesis_opts {
	struct meta *meta;
	const struct firehose_port *firehose; /* whose logs can be read; NULL: none */
	const char *dir;                      /* of the logs, one folder each; copied, as the others */
	const char *region, *account;
	uint64_t log_bytes_max; /* of one stream; 0: the log's default */
	int64_t (*now_ms)(void); /* NULL: clock_ms() */
};

extern const struct service kinesis_service;

int kinesis_new(const struct kinesis_opts *o, struct kinesis **ret, struct err *e) MUST_CHECK; /* creates its tables, opens the logs */
struct kinesis *kinesis_free(struct kinesis *k); /* readers of its logs have to be gone; NULL is fine; returns NULL */
struct kinesis_port kinesis_port(struct kinesis *k);
/* Drops what is older than its retention period now, as the actor does every minute. */
void kinesis_expire(struct kinesis *k);
