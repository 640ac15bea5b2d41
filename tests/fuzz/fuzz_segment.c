/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recovery of a segment: any records, then any damage.  What recovery leaves must recover to the same again.
 *
 * Input: up to the first byte 0, one record per byte (bits 0-4 length, 5 the unit goes on, 6 a new group,
 * 7 dead; 5 and 7: a unit with a key); then damage, 3 bytes each (offset, and what is XORed there).
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/macro.h"
#include "os/file.h"
#include "store/segment.h"

#define SIZE 4096UL

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static const struct segment_info info = { .kind = "FUZZ", .version = SEGMENT_KEYED, .uuid = { 1, 2, 3 }, .first = 7, .size = SIZE };

static void build(uint8_t *seg, const uint8_t *p, size_t n)
{
	uint64_t off = SEGMENT_HEADER, group = off, seq = info.first;
	size_t i = 0;

	for (; i < n && p[i] && off + segment_room(p[i] & 31) <= SIZE; i++) {
		struct segment_record r = { .seq = seq++, .len = p[i] & 31, .type = RECORD_LAST };
		uint8_t text[32];

		memset(text, p[i], sizeof(text));
		if (p[i] & 64)
			group = off;
		if ((p[i] & 160) == 160 && off + segment_room(SEGMENT_KEY) + segment_room(p[i] & 31) <= SIZE) {
			struct segment_record key = { .seq = r.seq, .group = group, .len = SEGMENT_KEY, .type = RECORD_KEY };

			segment_encode(seg + off, &info, &key, text);
			off += segment_room(SEGMENT_KEY);
		}
		r.group = group;
		if ((p[i] & 160) == 32)
			r.type = RECORD_MORE;
		else if ((p[i] & 160) == 128)
			r.type = RECORD_DEAD;
		segment_encode(seg + off, &info, &r, text);
		off += segment_room(r.len);
	}
	for (i++; i + 3 <= n; i += 3)
		seg[SEGMENT_HEADER + (p[i] << 8 | p[i + 1]) % (SIZE - SEGMENT_HEADER)] ^= p[i + 2];
}

static void see_key(void *arg, const uint8_t key[SEGMENT_KEY], uint64_t first)
{
	uint64_t *last = arg;

	must(key && first > *last);
	*last = first;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	uint64_t last = info.first - 1;
	const struct segment_keys keys = { see_key, &last };
	static uint8_t seg[SIZE];
	struct segment_tail first, again;
	struct err e = { 0 };
	int fd = memfd_create("segment", MFD_CLOEXEC);

	must(fd >= 0);
	memset(seg, 0, sizeof(seg));
	build(seg, p, n);
	must(file_pwrite_all(fd, seg, sizeof(seg), 0, &e) == 0);
	must(segment_recover(fd, &info, &keys, &first, &e) == 0);
	must(first.end >= SEGMENT_HEADER && first.end <= SIZE && first.next_seq >= info.first && last < first.next_seq);
	must(segment_recover(fd, &info, NULL, &again, &e) == 0);
	must(again.corrupt == first.corrupt && again.end == first.end && again.next_seq == first.next_seq);
	must(again.cut == 0);
	close(fd);
	return 0;
}
