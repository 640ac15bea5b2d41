/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limits -- every ceiling for sizes that come from outside, in one place.
 *
 * AWS's own limits are defaults of the `compat` profile and live with their service; these are the
 * program's, so that nothing grows without bound.
 */
#pragma once

#define KIB (1024UL)
#define MIB (1024UL * 1024UL)
#define GIB (1024UL * 1024UL * 1024UL)

#define LIMIT_HEADERS (16 * KIB)          /* request line and headers of one request */
#define LIMIT_HEADER_COUNT 100
#define LIMIT_BODY_JSON (8 * MIB)         /* a JSON, XML or form body, kept in memory */
#define LIMIT_ARENA (256 * MIB)           /* one request's or transition's memory */
#define LIMIT_RECORD 1024000UL            /* one record of a delivery stream */
#define LIMIT_LOG_RECORD (1028 * KIB)     /* one record of a log: Kinesis has them a little larger */
#define LIMIT_SMALL_BLOB (128 * KIB)      /* blobs to this size are packed into segments */
#define LIMIT_KEY 1024                    /* bytes of an object key */
#define LIMIT_LOG_BATCH (16 * MIB)        /* what one log append may hold */
#define LIMIT_LOG_KEYS (1024 * 1024UL)    /* keys of appends that a log remembers, about */
