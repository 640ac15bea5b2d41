// SPDX-License-Identifier: Apache-2.0
/* The hash table. */
#include "base/map.h"

#include <stdio.h>

#include "unit.h"

static struct view key(char out[16], int i)
{
	return view_of(out, (size_t)snprintf(out, 16, "k%d", i));
}

TEST(map_put_get_del)
{
	struct map m;
	char k[16];
	int v[3];

	map_init(&m);
	assert_null(map_get(&m, VIEW("a")));
	assert_null(map_del(&m, VIEW("a")));
	assert_null(map_put(&m, VIEW("a"), &v[0]));
	assert_ptr_equal(map_put(&m, VIEW("a"), &v[1]), &v[0]);
	assert_ptr_equal(map_get(&m, VIEW("a")), &v[1]);
	assert_null(map_put(&m, VIEW(""), &v[2]));
	assert_ptr_equal(map_get(&m, VIEW("")), &v[2]);
	assert_null(map_get(&m, view_of("a\0", 2)));
	assert_int_equal(m.n, 2);
	assert_ptr_equal(map_del(&m, VIEW("a")), &v[1]);
	assert_null(map_get(&m, VIEW("a")));
	for (int i = 0; i < 1000; i++)
		map_put(&m, key(k, i), &v[i % 3]);
	for (int i = 0; i < 1000; i++)
		assert_ptr_equal(map_get(&m, key(k, i)), &v[i % 3]);
	assert_int_equal(m.n, 1001);
	map_clear(&m);
	assert_int_equal(m.n, 0);
}

TEST(map_next_sees_each_once_while_deleting)
{
	struct map m;
	char k[16];
	int seen[500] = { 0 }, n = 0;
	size_t slot;
	struct map_entry *it = NULL;

	map_init(&m);
	assert_false(map_next(&m, &slot, &it));
	it = NULL;
	for (int i = 0; i < 500; i++)
		map_put(&m, key(k, i), &seen[i]);
	while (map_next(&m, &slot, &it)) {
		++*(int *)it->value;
		if (n++ % 2)
			map_del(&m, it->key);
	}
	assert_int_equal(n, 500);
	for (int i = 0; i < 500; i++)
		assert_int_equal(seen[i], 1);
	assert_int_equal(m.n, 250);
	map_clear(&m);
}
