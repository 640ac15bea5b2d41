// SPDX-License-Identifier: Apache-2.0
/* A chained hash table keyed by bytes. */
#include "base/map.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>

#include "base/macro.h"

#define CAP_MIN 16

static uint64_t seed[2];

/* The kernel gives each process 16 random bytes at its start. */
__attribute__((constructor)) static void take_seed(void)
{
	uintptr_t at = getauxval(AT_RANDOM);

	if (at)
		memcpy(seed, (const void *)at, sizeof(seed));
}

static void *take_memory(size_t n, size_t size)
{
	void *p = calloc(n, size);

	if (!p) {
		fprintf(stderr, "out of memory: %zu bytes\n", n * size);
		abort();
	}
	return p;
}

static uint64_t rotl(uint64_t x, int b)
{
	return x << b | x >> (64 - b);
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[0] = rotl(v[0], 32);
	v[2] += v[3];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[2] = rotl(v[2], 32);
}

/* SipHash-1-3 (Aumasson and Bernstein, 2012): one round per word, three at the end. */
uint64_t map_hash(struct view key)
{
	uint64_t v[4] = { seed[0] ^ 0x736f6d6570736575ull, seed[1] ^ 0x646f72616e646f6dull,
			  seed[0] ^ 0x6c7967656e657261ull, seed[1] ^ 0x7465646279746573ull };
	uint64_t m, last = (uint64_t)key.n << 56;
	size_t i;

	for (i = 0; i + 8 <= key.n; i += 8) {
		memcpy(&m, key.p + i, 8);
		v[3] ^= m;
		sip_round(v);
		v[0] ^= m;
	}
	m = 0;
	if (i < key.n)
		memcpy(&m, key.p + i, key.n - i);
	m |= last;
	v[3] ^= m;
	sip_round(v);
	v[0] ^= m;
	v[2] ^= 0xff;
	for (int k = 0; k < 3; k++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void map_init(struct map *m)
{
	*m = (struct map){ 0 };
}

void map_clear(struct map *m)
{
	for (size_t i = 0; i < m->cap; i++)
		for (struct map_entry *e = m->slots[i], *next; e; e = next) {
			next = e->next;
			free(e);
		}
	free(m->slots);
	map_init(m);
}

/* Where the pointer to the entry of @key is, or would be added. */
static struct map_entry **place(const struct map *m, struct view key, uint64_t hash)
{
	struct map_entry **at = &m->slots[hash & (m->cap - 1)];

	while (*at && !((*at)->hash == hash && view_eq((*at)->key, key)))
		at = &(*at)->next;
	return at;
}

void *map_get(const struct map *m, struct view key)
{
	struct map_entry *e = m->n ? *place(m, key, map_hash(key)) : NULL;

	return e ? e->value : NULL;
}

static void grow(struct map *m)
{
	size_t cap = m->cap ? m->cap * 2 : CAP_MIN;
	struct map_entry **slots = take_memory(cap, sizeof(struct map_entry *));

	for (size_t i = 0; i < m->cap; i++)
		for (struct map_entry *e = m->slots[i], *next; e; e = next) {
			next = e->next;
			e->next = slots[e->hash & (cap - 1)];
			slots[e->hash & (cap - 1)] = e;
		}
	free(m->slots);
	m->slots = slots;
	m->cap = cap;
}

void *map_put(struct map *m, struct view key, void *value)
{
	uint64_t hash = map_hash(key);
	struct map_entry **at, *e;

	if (m->n >= m->cap)
		grow(m);
	at = place(m, key, hash);
	if (*at) {
		void *old = (*at)->value;

		(*at)->value = value;
		return old;
	}
	e = take_memory(1, sizeof(*e) + key.n + 1);
	if (key.n)
		memcpy(e + 1, key.p, key.n);
	e->key = view_of(e + 1, key.n);
	e->hash = hash;
	e->value = value;
	*at = e;
	m->n++;
	return NULL;
}

void *map_del(struct map *m, struct view key)
{
	struct map_entry **at = m->n ? place(m, key, map_hash(key)) : NULL;
	struct map_entry *e = at ? *at : NULL;
	void *value;

	if (!e)
		return NULL;
	value = e->value;
	*at = e->next;
	free(e);
	m->n--;
	return value;
}

static struct map_entry *first_from(const struct map *m, size_t slot)
{
	for (; slot < m->cap; slot++)
		if (m->slots[slot])
			return m->slots[slot];
	return NULL;
}

/* *slot keeps the address of the entry after the current one, so that the current one may go. */
bool map_next(const struct map *m, size_t *slot, struct map_entry **it)
{
	struct map_entry *e, *next;

	/* cppcheck-suppress intToPointerCast ; the cursor was made from a pointer below */
	e = *it ? (struct map_entry *)(uintptr_t)*slot : first_from(m, 0);
	*it = e;
	if (!e)
		return false;
	next = e->next ? e->next : first_from(m, (e->hash & (m->cap - 1)) + 1);
	*slot = (size_t)(uintptr_t)next;
	return true;
}
