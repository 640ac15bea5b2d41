/* SPDX-License-Identifier: Apache-2.0 */
/* The three writers behind struct out give the same document in their own words. */
#include "unit.h"

#include <math.h>
#include <string.h>

#include "aws/aws_int.h"

static void write_document(struct out *o)
{
	const char bytes[] = { 'h', 'i', (char)0xff };

	out_str(o, "Text", "a<&>\"\n");
	out_str(o, "Absent", NULL);
	out_view(o, "View", VIEW("v"));
	out_view(o, "None", VIEW_NONE);
	out_blob(o, "Bytes", view_of(bytes, 3));
	out_int(o, "Int", INT64_MIN);
	out_num(o, "Num", 0.1);
	out_bool(o, "Bool", false);
	out_time(o, "Time", 1500);
	out_obj(o, "Object");
	out_list(o, "List", "Item");
	out_str(o, NULL, "one");
	out_obj(o, NULL);
	out_str(o, "Two", "2");
	out_obj_end(o);
	out_list(o, NULL, "Inner");
	out_int(o, NULL, 3);
	out_list_end(o);
	out_list_end(o);
	out_list(o, NULL, "Flat");
	out_int(o, NULL, 1);
	out_int(o, NULL, 2);
	out_list_end(o);
	out_obj_end(o);
	out_list(o, "Empty", "Item");
	out_list_end(o);
}

TEST(out_as_json)
{
	struct arena a;
	struct out o = { 0 };

	arena_init(&a, LIMIT_ARENA);
	aws__out_init(&o, &aws__out_json, &a);
	write_document(&o);
	aws__out_finish(&o);
	assert_string_equal(o.buf.p, "{\"Text\":\"a<&>\\\"\\n\",\"View\":\"v\",\"Bytes\":\"aGn/\",\"Int\":-9223372036854775808,"
			    "\"Num\":0.1,\"Bool\":false,\"Time\":1.500,\"Object\":{\"List\":[\"one\",{\"Two\":\"2\"},[3]],"
			    "\"Flat\":[1,2]},\"Empty\":[]}");
	aws__out_clear(&o);
	arena_clear(&a);
}

TEST(out_as_xml)
{
	struct arena a;
	struct out o = { 0 };

	arena_init(&a, LIMIT_ARENA);
	aws__out_init(&o, &aws__out_xml, &a);
	o.default_root = "DoResult";
	write_document(&o);
	aws__out_finish(&o);
	assert_string_equal(o.buf.p, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<DoResult><Text>a&lt;&amp;&gt;&quot;&#xA;</Text>"
			    "<View>v</View><Bytes>aGn/</Bytes><Int>-9223372036854775808</Int><Num>0.1</Num><Bool>false</Bool>"
			    "<Time>1970-01-01T00:00:01.500Z</Time><Object><List><Item>one</Item><Item><Two>2</Two></Item>"
			    "<Item><Inner>3</Inner></Item></List><Flat>1</Flat><Flat>2</Flat></Object><Empty></Empty></DoResult>");
	aws__out_clear(&o);
	arena_clear(&a);
}

TEST(out_as_tree)
{
	struct arena a;
	struct out o = { 0 };

	arena_init(&a, LIMIT_ARENA);
	aws__out_init(&o, &aws__out_tree, &a);
	write_document(&o);
	out_header(&o, "ETag", "ETag", "\"e\"");
	out_header(&o, NULL, "x-private", "p");
	out_header(&o, "Metadata.a", "x-amz-meta-a", "1");
	out_header(&o, "Metadata.b", "x-amz-meta-b", "2");
	aws__out_finish(&o);
	assert_string_equal(json_text(&a, aws__out_json_tree(&o)),
			    "{\"Text\":\"a<&>\\\"\\n\",\"View\":\"v\",\"Bytes\":\"aGn/\",\"Int\":-9223372036854775808,\"Num\":0.1,"
			    "\"Bool\":false,\"Time\":\"1970-01-01T00:00:01.500Z\",\"Object\":{\"List\":[\"one\",{\"Two\":\"2\"},[3]],"
			    "\"Flat\":[1,2]},\"Empty\":[],\"ETag\":\"\\\"e\\\"\",\"Metadata\":{\"a\":\"1\",\"b\":\"2\"}}");
	aws__out_clear(&o);
	arena_clear(&a);
}

TEST(out_without_a_document)
{
	struct arena a;
	const struct out_ops *const all[] = { &aws__out_json, &aws__out_xml };
	const char *const want[] = { "{}", "" };

	arena_init(&a, LIMIT_ARENA);
	for (size_t i = 0; i < 2; i++) {
		struct out o = { 0 };

		aws__out_init(&o, all[i], &a);
		aws__out_finish(&o);
		assert_int_equal(o.buf.n, strlen(want[i]));
		aws__out_clear(&o);
	}
	arena_clear(&a);
}

TEST(out_numbers_json_does_not_have)
{
	struct arena a;
	struct out o = { 0 };

	arena_init(&a, LIMIT_ARENA);
	aws__out_init(&o, &aws__out_json, &a);
	out_num(&o, "A", NAN);
	out_num(&o, "B", -INFINITY);
	aws__out_finish(&o);
	assert_string_equal(o.buf.p, "{\"A\":\"NaN\",\"B\":\"-Infinity\"}");
	aws__out_clear(&o);
	arena_clear(&a);
}
