/* SPDX-License-Identifier: Apache-2.0 */
/* Modelled people: what the analysis finds is the truth that went in. */
#include "demo/model.h"

#include "base/limits.h"
#include "demo/person.h"
#include "truth.h"
#include "unit.h"

TEST(model_truth_is_found_through_the_devices)
{
	for (size_t i = 0; i < 12; i++) {
		struct person p;
		struct arena a;
		struct err e = { 0 };

		arena_init(&a, GIB);
		person_init(&p, "modelled", i);
		assert_int_equal(person_model(&p, &a, 1, i, 30, &e), 0);
		for (size_t k = 0; k < p.n_streams; k++)
			assert_int_equal(stream_check(&p.streams[k], &e), 0);
		const char *bad = person_compare(&p, truth_result(&p, &a), &a);
		if (bad)
			fail_msg("person %zu: %s", i, bad);
		arena_clear(&a);
	}
}

TEST(model_same_seed_same_person)
{
	struct model_person m, other;
	double hr, hr2;
	struct arena a;

	arena_init(&a, MIB);
	model_person(5, 2, &m);
	model_person(6, 2, &other);
	assert_true(m.hr != other.hr);
	const double *x = model_pulse(&a, &m, 100, 500, &hr), *y = model_pulse(&a, &m, 100, 500, &hr2);
	assert_memory_equal(x, y, 500 * sizeof(*x));
	assert_true(hr == hr2 && hr > 40 && hr < 110);
	arena_clear(&a);
}

TEST(person_compare_names_what_is_wrong)
{
	struct person p;
	struct arena a;
	struct err e = { 0 };

	arena_init(&a, MIB);
	person_init(&p, "somebody", 0);
	person_expect(&p, "pulse", NULL, "hr", 60)->abs = 1;
	person_expect(&p, "eeg", "Fp1", "accepted", 1);
	assert_string_equal(p.subject, "p-0001");
	const struct json *good = json_parse(&a, VIEW("{\"pulse\":{\"hr\":60.9},\"eeg\":{\"channels\":[{\"name\":\"Fp1\",\"accepted\":true}]}}"),
					     8, &e);
	const struct json *far = json_parse(&a, VIEW("{\"pulse\":{\"hr\":61.1}}"), 8, &e);
	assert_null(person_compare(&p, good, &a));
	assert_string_equal(person_compare(&p, far, &a), "pulse hr is 61.1, expected 60 within 1");
	assert_non_null(person_compare(&p, json_new_obj(&a), &a)); /* nothing is not as expected */
	arena_clear(&a);
}
