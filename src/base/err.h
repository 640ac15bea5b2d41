/* SPDX-License-Identifier: Apache-2.0 */
/*
 * err -- what went wrong, told once where it is known best.
 *
 * A function that can fail returns 0 or a negative enum err_code and, where a message helps, fills
 * a struct err that its caller holds (last parameter, never NULL).  Callers add context on the way
 * up with err_ctx().  Setting an error that is already set is a bug and stops the program.
 *
 * Messages: lower case, no function names, what failed on which object, members by their name.
 * Threads:  a struct err belongs to one thread.
 * Memory:   none allocated; longer messages are cut at ERR_MSG_MAX.
 */
#pragma once

#include "base/macro.h"

#define ERR_CODES(X) \
	X(INVALID, "invalid input") \
	X(NOENT, "does not exist") \
	X(EXISTS, "exists already") \
	X(LIMIT, "over a limit") \
	X(BUSY, "busy") \
	X(TIMEOUT, "timed out") \
	X(CANCELLED, "cancelled") \
	X(CONFLICT, "changed meanwhile") \
	X(DENIED, "denied") \
	X(CORRUPT, "corrupt data") \
	X(IO, "input/output error") \
	X(UNSUPPORTED, "not supported") \
	X(INTERNAL, "internal error")

enum err_code {
	ERR__OK = 0,
#define X(name, text) ERR__##name,
	ERR_CODES(X)
#undef X
};

#define ERR_INVALID (-ERR__INVALID)
#define ERR_NOENT (-ERR__NOENT)
#define ERR_EXISTS (-ERR__EXISTS)
#define ERR_LIMIT (-ERR__LIMIT)
#define ERR_BUSY (-ERR__BUSY)
#define ERR_TIMEOUT (-ERR__TIMEOUT)
#define ERR_CANCELLED (-ERR__CANCELLED)
#define ERR_CONFLICT (-ERR__CONFLICT)
#define ERR_DENIED (-ERR__DENIED)
#define ERR_CORRUPT (-ERR__CORRUPT)
#define ERR_IO (-ERR__IO)
#define ERR_UNSUPPORTED (-ERR__UNSUPPORTED)
#define ERR_INTERNAL (-ERR__INTERNAL)

#define ERR_MSG_MAX 1024

struct err {
	int code;         /* 0: nothing set */
	const void *wire; /* the service's own error (const struct aws_error *), or NULL; see aws/aws.h */
	int line;
	const char *file;
	char msg[ERR_MSG_MAX];
};

/* Sets @e and returns @code. */
#define err_set(e, code, ...) err_set_at((e), (code), __FILE__, __LINE__, __VA_ARGS__)
int err_set_at(struct err *e, int code, const char *file, int line, const char *fmt, ...)
	PRINTF_LIKE(5, 6);

/* As err_set(), with ": strerror(errno)" behind the message. */
#define err_sys(e, code, ...) err_sys_at((e), (code), __FILE__, __LINE__, __VA_ARGS__)
int err_sys_at(struct err *e, int code, const char *file, int line, const char *fmt, ...)
	PRINTF_LIKE(5, 6);

/* Puts "<context>: " in front of the message of an error that is set; returns its code. */
int err_ctx(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

void err_clear(struct err *e);

/* "invalid input" for ERR_INVALID, and so on; never NULL. */
const char *err_text(int code);
