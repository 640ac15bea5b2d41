/* SPDX-License-Identifier: Apache-2.0 */
/* utf8 -- is it valid, how many characters, and percent-encoding of URIs (RFC 3986). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/view.h"

bool utf8_valid(struct view s); /* no surrogates, no overlong forms, to U+10FFFF */
size_t utf8_len(struct view s); /* code points of valid text */
void utf8_put(struct buf *b, uint32_t code_point);

/* Encodes every byte but A-Z a-z 0-9 - . _ ~ (and '/' if @keep_slash), upper-case hex. */
void uri_encode(struct buf *b, struct view s, bool keep_slash);
/* false for a broken %xx.  '+' stays '+' unless @plus_is_space. */
bool uri_decode(struct arena *a, struct view s, bool plus_is_space, struct view *ret);
