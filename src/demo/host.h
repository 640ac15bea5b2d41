/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host -- the server that the demo starts, kills and starts again: this same program, as a child.
 *
 * Threads:  one (the kernel ends the child with the thread that started it).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "aws/client.h"
#include "os/proc.h"

struct host {
	struct arena arena;
	const char *dir;      /* data folder */
	bool ours, running;   /* made by us: removed at the end */
	struct proc proc;
	int log_fd;
	const char *endpoint, *page, *region, *access_key, *secret;
	double start_ms;      /* of the first start: until the first answer */
	double restart_ms;    /* of the last restart; 0: none */
	uint64_t idle_kib;    /* resident memory, idle */
};

/* Makes the data folder (@dir NULL: a fresh temporary one), starts the server on free ports, and waits until it answers. */
int host_start(struct host *h, const char *dir, struct err *e) MUST_CHECK;
/* SIGKILL in the middle of whatever it does; then the same folder and the same ports again. */
int host_kill_and_restart(struct host *h, struct err *e) MUST_CHECK;
/* Resident memory (KiB) of the server now; 0: unknown. */
uint64_t host_resident_kib(const struct host *h);
/* What the server wrote last on stderr. */
const char *host_log_tail(struct host *h);
/* Stops it (SIGTERM, then SIGKILL), and removes the folder if it is ours and @keep is false. */
void host_stop(struct host *h, bool keep);
