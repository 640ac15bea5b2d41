/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire -- what mulgil and mulgil-jq say to each other over a socket.  Numbers are 32 bits, little-endian.
 *
 *	child, once it is ready:  WIRE_HELLO (1 byte)
 *	request:  length of what follows | length, program | number of records | length, record ...
 *	answers, one for each record, in order:  length of what follows | kind (1 byte) | ...
 *		WIRE_KEYS: length, name, length, value ...
 *		WIRE_FAILED, WIRE_LATE (it ran too long), WIRE_PROGRAM (jq does not accept the program; no other answer
 *		follows): text
 */
#pragma once

#include "base/buf.h"
#include "base/limits.h"
#include "base/view.h"

#define WIRE_HELLO '!'
#define WIRE_KEYS 'K'
#define WIRE_FAILED 'F'
#define WIRE_LATE 'T'
#define WIRE_PROGRAM 'P'

#define WIRE_REQUEST_MAX (64 * MIB) /* one record always fits: gzip_unpack()ed ones are smaller as well */
#define WIRE_ANSWER_MAX (16 * KIB)

static inline void wire_number(struct buf *b, size_t v)
{
	const char le[4] = { (char)v, (char)(v >> 8), (char)(v >> 16), (char)(v >> 24) };

	buf_add(b, le, sizeof(le));
}

static inline void wire_text(struct buf *b, struct view v)
{
	wire_number(b, v.n);
	buf_add_view(b, v);
}

static inline size_t wire_number_of(const void *le)
{
	const unsigned char *p = le;

	return (size_t)p[0] | (size_t)p[1] << 8 | (size_t)p[2] << 16 | (size_t)p[3] << 24;
}

/* false: there is not that much. */
static inline bool wire_take_number(struct view *rest, size_t *ret)
{
	if (rest->n < 4)
		return false;
	*ret = wire_number_of(rest->p);
	*rest = view_from(*rest, 4);
	return true;
}

static inline bool wire_take_text(struct view *rest, struct view *ret)
{
	size_t n;

	if (!wire_take_number(rest, &n) || n > rest->n)
		return false;
	*ret = view_sub(*rest, 0, n);
	*rest = view_from(*rest, n);
	return true;
}
