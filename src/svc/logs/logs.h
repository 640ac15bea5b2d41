/* SPDX-License-Identifier: Apache-2.0 */
/* logs -- CloudWatch Logs: groups, streams, events.  Any thread. */
#pragma once

#include "aws/op.h"
#include "store/meta.h"
#include "svc/ports.h"

struct logs;
extern const struct service logs_service;

int logs_new(struct meta *m, const char *region, const char *account, struct logs **ret, struct err *e) MUST_CHECK;
int logs_start(struct logs *l, struct err *e) MUST_CHECK; /* starts the thread that keeps lines */
struct logs *logs_free(struct logs *l);                  /* keeps what is still in memory; returns NULL */
const struct logs_port *logs_port(struct logs *l);
