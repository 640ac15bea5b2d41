/* SPDX-License-Identifier: Apache-2.0 */
/* Listing: order, prefixes, delimiters, pages, and the port's own list. */
#include "fixture.h"

static struct fixture *with_keys(void)
{
	static const char *const keys[] = { "a",
					    "photos/2026/1.jpg",
					    "photos/2026/2.jpg",
					    "photos/2027/1.jpg",
					    "photos/x",
					    "photos0",
					    "z/1",
					    "\xc3\xa9" };
	struct fixture *f = fixture_new();

	ok(f, "CreateBucket", "{'Bucket':'buck'}");
	for (size_t i = ARRAY_LEN(keys); i > 0; i--)
		put(f, "buck", keys[i - 1], VIEW("x"));
	return f;
}

/* "key key | prefix prefix" */
static const char *found(struct fixture *f, const struct json *v)
{
	const struct json *c = json_get(v, "Contents"), *p = json_get(v, "CommonPrefixes");
	const char *s = "";

	for (size_t i = 0; i < json_len(c); i++)
		s = arena_printf(&f->a, "%s%s ", s, text(f, json_at(c, i), "Key"));
	s = arena_printf(&f->a, "%s|", s);
	for (size_t i = 0; i < json_len(p); i++)
		s = arena_printf(&f->a, "%s %s", s, text(f, json_at(p, i), "Prefix"));
	return s;
}

TEST(list_by_prefix_and_delimiter)
{
	static const struct {
		const char *in, *found;
	} cases[] = {
		{ "{'Bucket':'buck'}", "a photos/2026/1.jpg photos/2026/2.jpg photos/2027/1.jpg "
				       "photos/x photos0 z/1 \xc3\xa9 |" },
		{ "{'Bucket':'buck','Delimiter':'/'}", "a photos0 \xc3\xa9 | photos/ z/" },
		{ "{'Bucket':'buck','Delimiter':'/','Prefix':'photos/'}",
		  "photos/x | photos/2026/ photos/2027/" },
		{ "{'Bucket':'buck','Prefix':'photos'}",
		  "photos/2026/1.jpg photos/2026/2.jpg photos/2027/1.jpg photos/x photos0 |" },
		{ "{'Bucket':'buck','Prefix':'nothing'}", "|" },
		{ "{'Bucket':'buck','StartAfter':'photos/2026/1.jpg','Prefix':'photos/'}",
		  "photos/2026/2.jpg photos/2027/1.jpg photos/x |" },
		{ "{'Bucket':'buck','StartAfter':'photos/','Delimiter':'/'}",
		  "photos0 \xc3\xa9 | z/" },
		{ "{'Bucket':'buck','Delimiter':'2026'}",
		  "a photos/2027/1.jpg photos/x photos0 z/1 \xc3\xa9 | photos/2026" },
		{ "{'Bucket':'buck','MaxKeys':0}", "|" },
		{ "{'Bucket':'buck','Prefix':'\\u00e9','EncodingType':'url'}", "%C3%A9 |" },
	};
	struct fixture *f = with_keys();

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_string_equal(found(f, ok(f, "ListObjectsV2", cases[i].in)), cases[i].found);
	fixture_free(f);
}

TEST(list_pages_give_everything_once)
{
	struct fixture *f = with_keys();

	for (int size = 1; size <= 6; size++) {
		const char *all = "", *token = NULL, *marker = NULL, *v1 = "";
		int pages = 0;

		do {
			struct json *in = input(f, "{'Bucket':'buck','Delimiter':'/'}");
			const struct json *v;

			json_set_int(&f->a, in, "MaxKeys", size);
			json_set_str(&f->a, in, "ContinuationToken", token);
			v = call_json(f, "ListObjectsV2", in);
			assert_non_null(v);
			assert_true(json_int(json_get(v, "KeyCount"), -1) <= size);
			all = arena_printf(&f->a, "%s%s;", all, found(f, v));
			token = json_is_true(json_get(v, "IsTruncated"))
					? text(f, v, "NextContinuationToken")
					: NULL;
		} while (token && ++pages < 10);
		assert_int_equal(pages, (5 + size - 1) / size - 1);
		pages = 0;
		do {
			struct json *in = input(f, "{'Bucket':'buck','Delimiter':'/'}");
			const struct json *v;

			json_set_int(&f->a, in, "MaxKeys", size);
			json_set_str(&f->a, in, "Marker", marker);
			v = call_json(f, "ListObjects", in);
			v1 = arena_printf(&f->a, "%s%s;", v1, found(f, v));
			marker = json_is_true(json_get(v, "IsTruncated")) ? text(f, v, "NextMarker")
									  : NULL;
		} while (marker && ++pages < 10);
		assert_string_equal(v1, all);
	}
	fixture_free(f);
}

TEST(list_entries_say_what_objects_are)
{
	struct fixture *f = with_keys();
	const struct json *v = ok(f, "ListObjectsV2",
				  "{'Bucket':'buck','MaxKeys':1,'FetchOwner':true}");
	const struct json *c = json_at(json_get(v, "Contents"), 0);

	assert_string_equal(text(f, c, "ETag"), "\"9dd4e461268c8034f5c8564e155c67a6\"");
	assert_string_equal(text(f, c, "StorageClass"), "STANDARD");
	assert_string_equal(text(f, c, "ChecksumType"), "FULL_OBJECT");
	assert_int_equal(json_int(json_get(c, "Size"), -1), 1);
	assert_int_equal(strlen(text(f, json_get(c, "Owner"), "ID")), 64);
	assert_true(json_is_true(json_get(v, "IsTruncated")));
	v = ok(f, "ListObjects", "{'Bucket':'buck','MaxKeys':1}");
	assert_string_equal(text(f, v, "Marker"), "");
	assert_non_null(json_get(v, "Prefix"));
	assert_null(json_get(v, "NextMarker")); /* only with a delimiter */
	fixture_free(f);
}

TEST(list_port)
{
	struct fixture *f = with_keys();
	struct s3_object *v;
	size_t n;

	assert_int_equal(f->port.list(f->s3, "buck", "photos/", NULL, 2, &f->a, &v, &n, &f->e), 0);
	assert_int_equal(n, 2);
	assert_string_equal(v[1].key, "photos/2026/2.jpg");
	assert_int_equal(v[1].n_refs, 1);
	assert_int_equal(f->port.list(f->s3, "buck", "photos/", v[1].key, 10, &f->a, &v, &n, &f->e),
			 0);
	assert_int_equal(n, 2);
	assert_string_equal(v[1].key, "photos/x");
	assert_true(f->port.bucket_exists(f->s3, "buck"));
	assert_false(f->port.bucket_exists(f->s3, "none"));
	fixture_free(f);
}

struct removal {
	struct fixture *f;
	struct s3_object o;
};

static int remove_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct removal *r = arg;

	return r->f->port.remove_tx(r->f->s3, tx, &r->o, e);
}

TEST(port_removes_what_was_looked_at_and_keeps_the_bytes_of_who_pinned_them)
{
	struct fixture *f = with_keys();
	struct removal old = { .f = f }, now = { .f = f };
	struct err e = { 0 };
	void *pin;

	put(f, "buck", "there", bytes_of(f, 300000, 1));
	assert_int_equal(f->port.head(f->s3, "buck", "there", &f->a, &old.o, &e), 0);
	put(f, "buck", "there", bytes_of(f, 300000, 2));
	assert_int_equal(f->port.head(f->s3, "buck", "there", &f->a, &now.o, &e), 0);
	assert_int_equal(meta_write(f->meta, remove_fn, &old, &e), ERR_CONFLICT);
	err_clear(&e);
	pin = f->port.pin(f->s3);
	assert_int_equal(meta_write(f->meta, remove_fn, &now, &e), 0);
	assert_int_equal(f->port.head(f->s3, "buck", "there", &f->a, &old.o, &e), ERR_NOENT);
	assert_true(blob_gone(f, old.o.refs[0])); /* nobody pinned what was replaced before */
	assert_true(blob_there(f, now.o.refs[0]));
	f->port.unpin(f->s3, pin);
	assert_true(blob_gone(f, now.o.refs[0]));
	f->port.unpin(f->s3, NULL);
	fixture_free(f);
}
