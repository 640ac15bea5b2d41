/* SPDX-License-Identifier: Apache-2.0 */
/* Pre-written files of checksummed records, and how to find the end of one after a crash. */
#include "store/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crc.h"
#include "base/limits.h"
#include "base/macro.h"
#include "base/mutant.h"
#include "base/view.h"
#include "os/file.h"
#include "store/reserve.h"

#define MAGIC "mulgil"
#define CHUNK (256 * KIB)

static void put32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

static void put64(uint8_t *p, uint64_t v)
{
	put32(p, (uint32_t)v);
	put32(p + 4, (uint32_t)(v >> 32));
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint64_t get64(const uint8_t *p)
{
	return get32(p) | (uint64_t)get32(p + 4) << 32;
}

void segment_name(uint64_t first, char out[SEGMENT_NAME])
{
	int n = snprintf(out, SEGMENT_NAME, "%020" PRIu64 ".seg", first);

	must(n == 24);
}

bool segment_name_parse(const char *name, uint64_t *ret_first)
{
	struct view v = view_str(name);

	return v.n == 24 && view_ends(v, VIEW(".seg")) && view_u64(view_sub(v, 0, 20), UINT64_MAX, ret_first);
}

static int zero_fill(int fd, uint64_t from, uint64_t to, struct err *e)
{
	static const uint8_t zeros[CHUNK];

	while (from < to) {
		size_t n = to - from < sizeof(zeros) ? (size_t)(to - from) : sizeof(zeros);

		if (file_pwrite_all(fd, zeros, n, (off_t)from, e) < 0)
			return e->code;
		from += n;
	}
	return 0;
}

/* Tells a full disk before it is filled up; where the file system cannot, writing will tell. */
static int set_aside(int fd, uint64_t size, struct err *e)
{
	if (fallocate(fd, 0, 0, (off_t)size) < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EFBIG))
		return err_sys(e, ERR_LIMIT, "%" PRIu64 " bytes", size);
	return 0;
}

int segment_create(const char *path, uint64_t size, int *ret_fd, struct err *e)
{
	CLEANUP(fd_closep) int fd = -1;

	if (unlink(path) < 0 && errno != ENOENT)
		return err_sys(e, ERR_IO, "segment %s", path);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(e, errno == ENOSPC || errno == EDQUOT ? ERR_LIMIT : ERR_IO, "segment %s", path);
	if (reserve_check(fd, e) < 0 || set_aside(fd, size, e) < 0 || zero_fill(fd, 0, size, e) < 0) {
		unlink(path);
		return err_ctx(e, "no room for a segment");
	}
	file_sync_data(fd);
	*ret_fd = fd;
	fd = -1;
	return 0;
}

static void encode_info(uint8_t h[SEGMENT_HEADER], const struct segment_info *info)
{
	memset(h, 0, SEGMENT_HEADER);
	memcpy(h, MAGIC, 6);
	h[7] = (uint8_t)info->version;
	memcpy(h + 8, info->kind, 4);
	memcpy(h + 16, info->uuid, 16);
	put64(h + 32, info->first);
	put64(h + 40, info->size);
	put64(h + 48, (uint64_t)info->created_ms);
	put32(h + 12, crc32c(0, h, SEGMENT_HEADER)); /* while its own place is zero */
}

int segment_start(int fd, const struct segment_info *info, struct err *e)
{
	uint8_t h[SEGMENT_HEADER];

	encode_info(h, info);
	if (file_pwrite_all(fd, h, sizeof(h), 0, e) < 0)
		return e->code;
	if (!MUTANT(14))
		file_sync_data(fd);
	return 0;
}

static int decode_info(const uint8_t h[SEGMENT_HEADER], struct segment_info *ret)
{
	uint8_t again[SEGMENT_HEADER];

	ret->version = (enum segment_version)h[7];
	memcpy(ret->kind, h + 8, 4);
	memcpy(ret->uuid, h + 16, 16);
	ret->first = get64(h + 32);
	ret->size = get64(h + 40);
	ret->created_ms = (int64_t)get64(h + 48);
	encode_info(again, ret);
	return memcmp(h, again, SEGMENT_HEADER) == 0 && ret->size <= SEGMENT_SIZE_MAX ? 0 : -1;
}

int segment_open(const char *path, int flags, const char *kind, struct segment_info *ret, int *ret_fd,
		 struct err *e)
{
	CLEANUP(fd_closep) int fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW);
	uint8_t h[SEGMENT_HEADER];
	struct segment_info info;
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return err_sys(e, errno == ENOENT ? ERR_NOENT : ERR_IO, "segment %s", path);
	n = file_pread_all(fd, h, sizeof(h), 0, e);
	if (n < 0)
		return err_ctx(e, "segment %s", path);
	if (n == sizeof(h) && memcmp(h, MAGIC, 6) == 0 && (h[7] < SEGMENT_PLAIN || h[7] > SEGMENT_KEYED))
		return err_set(e, ERR_UNSUPPORTED, "segment %s has format version %d; this program knows %d and %d",
			       path, h[7], SEGMENT_PLAIN, SEGMENT_KEYED);
	if (n != sizeof(h) || decode_info(h, &info) < 0 || memcmp(info.kind, kind, 4) != 0)
		return err_set(e, ERR_CORRUPT, "segment %s has no valid header", path);
	if (fstat(fd, &st) < 0)
		return err_sys(e, ERR_IO, "segment %s", path);
	if ((uint64_t)st.st_size != info.size)
		return err_set(e, ERR_CORRUPT, "segment %s has %jd bytes, its header says %" PRIu64, path,
			       (intmax_t)st.st_size, info.size);
	*ret = info;
	*ret_fd = fd;
	fd = -1;
	return 0;
}

static uint32_t record_crc(uint32_t payload_crc, const uint8_t *header, const struct segment_info *info)
{
	return crc32c(crc32c(payload_crc, header + 4, SEGMENT_RECORD - 4), info->uuid, sizeof(info->uuid));
}

/* The checksum of the payload waits where the record's own will be. */
void segment_prepare(uint8_t *out, enum record_type type, const void *p, size_t n)
{
	memset(out, 0, SEGMENT_RECORD);
	put32(out + 4, (uint32_t)n);
	out[28] = (uint8_t)type;
	if (p && n)
		memcpy(out + SEGMENT_RECORD, p, n);
	else
		memset(out + SEGMENT_RECORD, 0, n);
	memset(out + SEGMENT_RECORD + n, 0, segment_room(n) - SEGMENT_RECORD - n);
	put32(out, crc32c(0, out + SEGMENT_RECORD, n));
}

uint64_t segment_finish(uint8_t *out, const struct segment_info *info, struct segment_record *r)
{
	r->len = get32(out + 4);
	r->type = (enum record_type)out[28];
	put64(out + 8, r->seq);
	put64(out + 16, (uint64_t)r->at_ms);
	put32(out + 24, (uint32_t)(r->group / 8));
	r->crc = record_crc(get32(out), out, info);
	put32(out, r->crc);
	return segment_room(r->len);
}

void segment_encode(uint8_t *out, const struct segment_info *info, struct segment_record *r, const void *p)
{
	segment_prepare(out, r->type, p, r->len);
	segment_finish(out, info, r);
}

static bool plausible(const uint8_t *p, const struct segment_info *info, uint64_t off,
		      struct segment_record *ret)
{
	uint8_t type = p[28], most = info->version == SEGMENT_PLAIN ? RECORD_DEAD : RECORD_KEY;

	if (type < RECORD_LAST || type > most || p[29] || p[30] || p[31])
		return false;
	*ret = (struct segment_record){
		.crc = get32(p),
		.len = get32(p + 4),
		.seq = get64(p + 8),
		.at_ms = (int64_t)get64(p + 16),
		.group = (uint64_t)get32(p + 24) * 8,
		.type = (enum record_type)type,
	};
	return (type != RECORD_KEY || ret->len == SEGMENT_KEY) && ret->seq >= info->first && ret->group >= SEGMENT_HEADER && ret->group <= off &&
	       ret->len <= info->size && off + segment_room(ret->len) <= info->size;
}

enum segment_look segment_decode(const uint8_t *p, size_t n, const struct segment_info *info, uint64_t off,
				 struct segment_record *ret, uint64_t *ret_need)
{
	struct segment_record r;
	uint64_t room;

	if (off + SEGMENT_RECORD > info->size)
		return LOOK_BAD;
	*ret_need = SEGMENT_RECORD;
	if (n < SEGMENT_RECORD)
		return LOOK_SHORT;
	if (!plausible(p, info, off, &r))
		return LOOK_BAD;
	room = segment_room(r.len);
	*ret_need = room;
	if (n < room)
		return LOOK_SHORT;
	if (record_crc(crc32c(0, p + SEGMENT_RECORD, r.len), p, info) != r.crc)
		return LOOK_BAD;
	for (uint64_t i = SEGMENT_RECORD + r.len; i < room; i++) {
		if (p[i])
			return LOOK_BAD;
	}
	*ret = r;
	return LOOK_GOOD;
}

static bool all_zero(const uint8_t *p, size_t n)
{
	return n == 0 || (p[0] == 0 && memcmp(p, p + 1, n - 1) == 0);
}

/* Is there a record behind @bad whose group began after it?  (Invariant 2.)  Or any at all where records are
 * overwritten: a delete may have been torn, and those of its group were acknowledged.  (Invariant 5.) */
static bool acknowledged_behind(const uint8_t *p, const struct segment_info *info, uint64_t bad, uint64_t seq)
{
	bool overwritten = memcmp(info->kind, "PACK", 4) == 0;
	struct segment_record r;
	uint64_t need;

	for (uint64_t off = bad; off + SEGMENT_RECORD <= info->size; off += 8) {
		if (off % 4096 == 0 && off + 4096 <= info->size && all_zero(p + off, 4096)) {
			off += 4096 - 8;
			continue;
		}
		if (p[off + 28] == 0 || !plausible(p + off, info, off, &r) || r.seq < seq ||
		    (r.group <= bad && !overwritten))
			continue;
		if (segment_decode(p + off, info->size - off, info, off, &r, &need) == LOOK_GOOD)
			return true;
	}
	return false;
}

int segment_zero(int fd, uint64_t from, uint64_t to, struct err *e)
{
	if (zero_fill(fd, from, to, e) < 0)
		return e->code;
	file_sync_data(fd);
	return 0;
}

/* Zeros what is not zero in [from, size); returns how many bytes that span. */
static int clean_tail(int fd, const uint8_t *p, const struct segment_info *info, uint64_t from, uint64_t *ret_cut,
		      struct err *e)
{
	uint64_t to = info->size;

	while (to > from && p[to - 1] == 0)
		to--;
	*ret_cut = to - from;
	return to == from ? 0 : segment_zero(fd, from, to, e);
}

static void freep(uint8_t **p)
{
	free(*p);
}

/* Goes over the good records from the beginning; returns where the first place without one is. */
static uint64_t walk(const uint8_t *p, const struct segment_info *info, const struct segment_keys *keys,
		     struct segment_tail *ret)
{
	uint64_t off = SEGMENT_HEADER, seq = info->first, need;
	const uint8_t *key = NULL;
	struct segment_record r;

	while (off < info->size && segment_decode(p + off, info->size - off, info, off, &r, &need) == LOOK_GOOD &&
	       r.seq == seq) {
		if (r.type == RECORD_KEY) {
			if (ret->next_seq != seq || key) /* inside a unit: nobody wrote that */
				break;
			key = p + off + SEGMENT_RECORD;
			off += segment_room(r.len);
			continue;
		}
		off += segment_room(r.len);
		seq++;
		if (r.type == RECORD_MORE)
			continue;
		if (key && keys)
			keys->fn(keys->arg, key, ret->next_seq);
		key = NULL;
		ret->end = off;
		ret->next_seq = seq;
	}
	return off;
}

int segment_recover(int fd, const struct segment_info *info, const struct segment_keys *keys,
		    struct segment_tail *ret, struct err *e)
{
	CLEANUP(freep) uint8_t *p = malloc(info->size);
	uint64_t off;
	ssize_t n;

	must(p);
	*ret = (struct segment_tail){ .end = SEGMENT_HEADER, .next_seq = info->first };
	n = file_pread_all(fd, p, info->size, 0, e);
	if (n < 0)
		return e->code;
	if ((uint64_t)n != info->size)
		return err_set(e, ERR_IO, "segment became shorter while it was read");
	off = walk(p, info, keys, ret);
	if (acknowledged_behind(p, info, off, ret->next_seq)) {
		ret->corrupt = true;
		return 0;
	}
	return clean_tail(fd, p, info, ret->end, &ret->cut, e);
}
