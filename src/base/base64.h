/* SPDX-License-Identifier: Apache-2.0 */
/* base64 -- RFC 4648 base64 (with padding) and lower-case hex. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/view.h"

static inline size_t base64_len(size_t n)
{
	return (n + 2) / 3 * 4;
}

/* Writes base64_len(n) characters, no NUL. */
void base64_encode(char *out, const void *p, size_t n);
struct view base64_encode_arena(struct arena *a, struct view bytes);
/* Strict: length a multiple of 4, padding only at the end, no white space, no bits left over.  @out holds text.n / 4 * 3
 * bytes and may be text.p; on failure it may have been written to. */
bool base64_decode(void *out, struct view text, size_t *ret_n);
/* How many characters at the beginning are of the alphabet; '=' is not. */
size_t base64_span(struct view text);
bool base64_decode_arena(struct arena *a, struct view text, struct view *ret);

void hex_encode(char *out, const void *p, size_t n); /* 2n characters, no NUL */
char *hex_arena(struct arena *a, const void *p, size_t n);
bool hex_decode(void *out, struct view text); /* text.n / 2 bytes; either case */
