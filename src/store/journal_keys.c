/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of keys, one per segment, and the files that keep those of complete segments. */
#include "store/journal_keys.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/crc.h"
#include "base/limits.h"
#include "base/mutant.h"
#include "base/view.h"
#include "os/file.h"

#define MAGIC "mulgil"
#define KIND "KEYS"
#define VERSION 1
#define HEADER 32
#define ENTRY (SEGMENT_KEY + 8)
#define CAP_MIN 16

struct entry {
	uint8_t key[SEGMENT_KEY];
	uint64_t first; /* 0: free */
};

struct key_set {
	struct key_set *older;
	uint64_t segment;
	int64_t sealed_ns; /* 0: the segment is still written to */
	size_t n, cap;     /* open addressing; @cap is a power of 2 */
	struct entry *v;
};

static struct key_set *set_free(struct key_set *s)
{
	free(s->v);
	free(s);
	return NULL;
}

void journal_keys_clear(struct journal_keys *k)
{
	while (k->newest) {
		struct key_set *s = k->newest;

		k->newest = s->older;
		set_free(s);
	}
	k->n = 0;
}

/* Keys are parts of digests, so any 8 bytes of them will do. */
static struct entry *place(const struct key_set *s, const uint8_t key[SEGMENT_KEY])
{
	uint64_t h;

	memcpy(&h, key, sizeof(h));
	for (size_t i = h & (s->cap - 1);; i = (i + 1) & (s->cap - 1)) {
		if (!s->v[i].first || memcmp(s->v[i].key, key, SEGMENT_KEY) == 0)
			return &s->v[i];
	}
}

bool journal_keys_find(const struct journal_keys *k, const uint8_t key[SEGMENT_KEY], uint64_t *ret_first)
{
	for (const struct key_set *s = k->newest; s; s = s->older) {
		const struct entry *x = place(s, key);

		if (x->first) {
			*ret_first = x->first;
			return true;
		}
	}
	return false;
}

static void grow(struct key_set *s)
{
	struct key_set more = { .cap = s->cap * 2 };

	more.v = calloc(more.cap, sizeof(*more.v));
	must(more.v);
	for (size_t i = 0; i < s->cap; i++) {
		if (s->v[i].first)
			*place(&more, s->v[i].key) = s->v[i];
	}
	free(s->v);
	s->v = more.v;
	s->cap = more.cap;
}

static struct key_set *newest_of(struct journal_keys *k, uint64_t segment)
{
	struct key_set *s = k->newest;

	if (s && s->segment == segment)
		return s;
	s = calloc(1, sizeof(*s));
	must(s);
	*s = (struct key_set){ .older = k->newest, .segment = segment, .cap = CAP_MIN };
	s->v = calloc(s->cap, sizeof(*s->v));
	must(s->v);
	k->newest = s;
	return s;
}

void journal_keys_add(struct journal_keys *k, uint64_t segment, const uint8_t key[SEGMENT_KEY], uint64_t first)
{
	struct key_set *s = newest_of(k, segment);
	struct entry *x;

	if (s->n + s->n / 4 >= s->cap)
		grow(s);
	x = place(s, key);
	if (!x->first) {
		s->n++;
		k->n++;
	}
	memcpy(x->key, key, SEGMENT_KEY);
	x->first = first;
}

/* --- files --- */

static int path_of(const char *dir, uint64_t segment, char out[PATH_MAX], struct err *e)
{
	int n = snprintf(out, PATH_MAX, "%s/%020" PRIu64 ".keys", dir, segment);

	if (n < 0 || n >= PATH_MAX)
		return err_set(e, ERR_LIMIT, "path of folder %.80s... is too long", dir);
	return 0;
}

bool journal_keys_name(const char *name, uint64_t *ret_segment)
{
	struct view v = view_str(name);

	return v.n == 25 && view_ends(v, VIEW(".keys")) && view_u64(view_sub(v, 0, 20), UINT64_MAX, ret_segment);
}

bool journal_keys_litter(const char *name)
{
	struct view v = view_str(name);

	return v.n > 25 && view_eq(view_sub(v, 20, 10), VIEW(".keys.new-"));
}

static void put64(char *p, uint64_t v)
{
	for (int i = 0; i < 8; i++)
		p[i] = (char)(v >> (8 * i));
}

static uint64_t get64(const char *p)
{
	uint64_t v = 0;

	for (int i = 8; i-- > 0;)
		v = v << 8 | (uint8_t)p[i];
	return v;
}

/* Its own place counts as zeros. */
static uint32_t checksum(const char *p, size_t n)
{
	uint32_t crc = crc32c(0, p, 12);

	crc = crc32c(crc, "\0\0\0", 4);
	return crc32c(crc, p + 16, n - 16);
}

static void put_checksum(char *p, size_t n)
{
	uint32_t crc = checksum(p, n);

	for (int i = 0; i < 4; i++)
		p[12 + i] = (char)(crc >> (8 * i));
}

static void freep(char **p)
{
	free(*p);
}

int journal_keys_save(const struct journal_keys *k, const char *dir, uint64_t segment, struct err *e)
{
	const struct key_set *s = k->newest;
	CLEANUP(freep) char *text = NULL;
	char path[PATH_MAX], *to;

	if (!s || s->segment != segment || MUTANT(13))
		return 0;
	text = calloc(1, HEADER + s->n * ENTRY);
	must(text);
	memcpy(text, MAGIC, 6);
	text[7] = VERSION;
	memcpy(text + 8, KIND, 4);
	put64(text + 16, segment);
	put64(text + 24, s->n);
	to = text + HEADER;
	for (size_t i = 0; i < s->cap; i++) {
		if (!s->v[i].first)
			continue;
		memcpy(to, s->v[i].key, SEGMENT_KEY);
		put64(to + SEGMENT_KEY, s->v[i].first);
		to += ENTRY;
	}
	put_checksum(text, HEADER + s->n * ENTRY);
	if (path_of(dir, segment, path, e) < 0)
		return e->code;
	return file_replace(path, view_of(text, HEADER + s->n * ENTRY), 0600, e);
}

/* Forgets the oldest set; one of the last segment is none. */
static bool drop_oldest(struct journal_keys *k, const char *dir, bool anyway, int64_t now_ns)
{
	struct key_set **at = &k->newest, *s;
	struct err e = { 0 };
	char path[PATH_MAX];

	while (*at && (*at)->older)
		at = &(*at)->older;
	s = *at;
	if (!s || !s->sealed_ns || (!anyway && now_ns - s->sealed_ns < JOURNAL_KEYS_WINDOW_NS))
		return false;
	*at = NULL;
	k->n -= s->n;
	/* Should it come back after a crash, its window is longer: that does no harm. */
	if (path_of(dir, s->segment, path, &e) == 0)
		unlink(path);
	set_free(s);
	return true;
}

void journal_keys_seal(struct journal_keys *k, const char *dir, int64_t now_ns)
{
	if (k->newest && !k->newest->sealed_ns)
		k->newest->sealed_ns = now_ns;
	while (drop_oldest(k, dir, k->n > LIMIT_LOG_KEYS && k->newest->older, now_ns))
		;
}

static bool is_whole(struct view v, uint64_t segment)
{
	char head[12] = MAGIC;
	uint32_t crc;

	head[7] = VERSION;
	memcpy(head + 8, KIND, 4);
	if (v.n < HEADER || memcmp(v.p, head, sizeof(head)) != 0)
		return false;
	crc = checksum(v.p, v.n);
	for (int i = 0; i < 4; i++) {
		if ((uint8_t)v.p[12 + i] != (uint8_t)(crc >> (8 * i)))
			return false;
	}
	return get64(v.p + 16) == segment && get64(v.p + 24) == (v.n - HEADER) / ENTRY && (v.n - HEADER) % ENTRY == 0;
}

bool journal_keys_decode(struct journal_keys *k, uint64_t segment, struct view v)
{
	if (!is_whole(v, segment))
		return false;
	for (const char *p = v.p + HEADER; p < v.p + v.n; p += ENTRY) {
		if (!get64(p + SEGMENT_KEY))
			return false;
		journal_keys_add(k, segment, (const uint8_t *)p, get64(p + SEGMENT_KEY));
	}
	return true;
}

static int load(struct journal_keys *k, const char *path, uint64_t segment, struct arena *a, struct err *e)
{
	struct view v;

	if (file_read(path, a, SEGMENT_SIZE_MAX, &v, e) < 0)
		return e->code;
	if (v.n > 8 && memcmp(v.p, MAGIC, 6) == 0 && v.p[7] != VERSION)
		return err_set(e, ERR_UNSUPPORTED, "%s has format version %d; this program knows %d", path, v.p[7],
			       VERSION);
	if (!journal_keys_decode(k, segment, v))
		return err_set(e, ERR_CORRUPT,
			       "%s is damaged; put back a good copy, or remove it: then clients that repeat "
			       "what they sent before the stop may be stored twice",
			       path);
	return 0;
}

int journal_keys_load(struct journal_keys *k, const char *dir, uint64_t segment, int64_t now_ns, struct err *e)
{
	char path[PATH_MAX];
	struct arena a;
	int rc = path_of(dir, segment, path, e);

	if (rc)
		return rc;
	arena_init(&a, SEGMENT_SIZE_MAX);
	rc = load(k, path, segment, &a, e);
	arena_clear(&a);
	if (rc == 0 && k->newest && k->newest->segment == segment)
		k->newest->sealed_ns = now_ns;
	return rc;
}
