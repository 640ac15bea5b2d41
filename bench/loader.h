/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loader -- what the ingest bench's client knows of a server: how records are written to it and how it answers.
 *
 *	loader.c        connections, the clock, what came out
 *	loader_wires.c  Firehose, and the own protocols of the peers: Redis, NATS, Kafka
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/view.h"

struct load {
	const struct wire *wire;
	const char *host, *target; /* numeric address; stream, key, subject or topic */
	uint16_t port;
	size_t records, bytes;     /* of one request, of one record */
	size_t producers, requests;
	double rate;               /* requests per second, all producers together; 0: each sends when it was answered */
};

struct wire {
	const char *name;
	/* What a new connection says first, or NULL. */
	void (*hello)(const struct load *l, size_t producer, struct buf *b);
	/* One request, which is sent again and again. */
	void (*request)(const struct load *l, size_t producer, struct buf *b);
	/* How many bytes of @v are whole answers (or of no interest); *ret_answers is raised by how many they are, *ret_ends
	 * is set if the server closes behind them.  An answer that says no ends the program. */
	size_t (*answers)(const struct load *l, struct view v, size_t *ret_answers, bool *ret_ends);
	bool own_requests;  /* each producer's request is another */
	bool record_answer; /* each record is answered, not the request */
};

extern const struct wire wires[];
extern const size_t n_wires;

NORETURN void die(const char *what, const char *more);
