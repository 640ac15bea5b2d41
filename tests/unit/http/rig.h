/* SPDX-License-Identifier: Apache-2.0 */
/* rig -- a server for tests, its handler (see rig.c for the paths), and raw sockets to speak to it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/view.h"
#include "http/server.h"
#include "unit.h"

#define RIG_WAIT_MS 10000

struct rig {
	struct pool *pool;
	struct http_server *server;
	uint16_t port;
};

/* Zero fields of @o keep the server's own values. */
void rig_start(struct rig *g, const struct http_server_opts *o);
void rig_stop(struct rig *g);

int raw_open(const struct rig *g);
void raw_send(int fd, struct view v);
void raw_str(int fd, const char *s);
/* Reads until @marker was seen, the peer closed or RIG_WAIT_MS passed; returns what came, NUL-terminated. */
const char *raw_until(int fd, const char *marker);
/* Reads to the end; fails if the peer does not close. */
const char *raw_all(int fd);
/* One whole answer with Content-Length. */
const char *raw_answer(int fd);
/* The head of an answer of /fixed?N whose body, all of it, is as that sends it. */
const char *raw_long(int fd, uint64_t n);
bool raw_closed(int fd); /* the peer closes within RIG_WAIT_MS and sends nothing more */
/* Opens, sends, reads to the end or the answer's end, closes; true if the status line has @status. */
bool raw_gives(const struct rig *g, const char *request, int status);

/* What handlers saw, counted; waits until it is at least @n or RIG_WAIT_MS passed. */
enum rig_event {
	RIG_CALLS,
	RIG_ECHOED,
	RIG_BODY_GONE,
	RIG_BODY_TIMEOUT,
	RIG_STREAM_GONE,
	RIG_HELD,
	RIG_EVENTS
};
bool rig_wait(enum rig_event ev, unsigned n);
unsigned rig_count(enum rig_event ev);
/* Lets the handlers of /hold go on. */
void rig_release(void);
