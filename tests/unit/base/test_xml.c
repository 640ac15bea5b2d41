// SPDX-License-Identifier: Apache-2.0
/* XML: the tree, what is refused, escaping. */
#include "base/xml.h"

#include "unit.h"

TEST(xml_tree)
{
	struct arena a;
	struct err e = { 0 };
	const struct xml *x, *p;

	arena_init(&a, 1 << 20);
	x = xml_parse(&a,
		      VIEW("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<s:Up "
			   "xmlns:s=\"urn:x\"><Part a=\"1\"><N>1</N></Part>"
			   "<!-- c "
			   "--><Part><N>2</N><E>a&amp;<![CDATA[<b>]]>&#x41;</E><Z/></Part></s:Up>"),
		      &e);
	assert_non_null(x);
	assert_true(view_eq_str(x->name, "Up"));
	p = xml_get(x, "Part");
	assert_true(view_eq_str(xml_get_text(p, "N"), "1"));
	p = p->next;
	assert_true(view_eq_str(xml_get_text(p, "N"), "2"));
	assert_true(view_eq_str(xml_get_text(p, "E"), "a&<b>A"));
	assert_non_null(xml_get_text(p, "Z").p);
	assert_null(xml_get_text(p, "Y").p);
	assert_null(p->next);
	arena_clear(&a);
}

TEST(xml_refuses)
{
	static const struct {
		const char *text;
		int code;
	} t[] = {
		{ "", ERR_INVALID },
		{ "<a>", ERR_INVALID },
		{ "<a></b>", ERR_INVALID },
		{ "<a/><b/>", ERR_INVALID },
		{ "<!DOCTYPE a><a/>", ERR_INVALID },
		{ "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>", ERR_INVALID },
		{ "<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>", ERR_INVALID },
		{ "<a>&x;</a>", ERR_INVALID },
		{ "<a><?php x ?></a>", ERR_INVALID },
		{ "<a>\xff</a>", ERR_INVALID },
		{ "<a><a><a><a><a><a><a><a><a/></a></a></a></a></a></a></a></a>", ERR_LIMIT },
	};
	struct arena a;

	arena_init(&a, 1 << 20);
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct err e = { 0 };

		if (xml_parse(&a, view_str(t[i].text), &e))
			fail_msg("taken: %s", t[i].text);
		assert_int_equal(e.code, t[i].code);
	}
	arena_clear(&a);
}

TEST(xml_elements_are_limited)
{
	struct arena a;
	struct buf b;
	struct err e = { 0 };

	arena_init(&a, 64 << 20);
	buf_init(&b, 1 << 20);
	buf_add_str(&b, "<a>");
	for (int i = 0; i < 100000; i++)
		buf_add_str(&b, "<b/>");
	buf_add_str(&b, "</a>");
	assert_null(xml_parse(&a, buf_view(&b), &e));
	assert_int_equal(e.code, ERR_LIMIT);
	buf_clear(&b);
	arena_clear(&a);
}

/* The largest document that S3's limits allow. */
TEST(xml_takes_an_upload_of_10000_parts)
{
	struct arena a;
	struct buf b;
	struct err e = { 0 };
	const struct xml *x;
	size_t n = 0;

	arena_init(&a, 64 << 20);
	buf_init(&b, 4 << 20);
	buf_add_str(&b, "<CompleteMultipartUpload>");
	for (int i = 1; i <= 10000; i++)
		buf_printf(&b, "<Part><ETag>\"%032d\"</ETag><ChecksumCRC32>AAAAAA==</ChecksumCRC32>"
			   "<PartNumber>%d</PartNumber></Part>", i, i);
	buf_add_str(&b, "</CompleteMultipartUpload>");
	x = xml_parse(&a, buf_view(&b), &e);
	if (!x)
		fail_msg("%s", e.msg);
	for (const struct xml *c = x->child; c; c = c->next)
		n++;
	assert_int_equal(n, 10000);
	buf_clear(&b);
	arena_clear(&a);
}

TEST(xml_escape_all)
{
	struct buf b;

	buf_init(&b, 100);
	xml_escape(&b, VIEW("a<b>&\"c\"\r\xed\x95\x9c"));
	assert_string_equal(b.p, "a&lt;b&gt;&amp;&quot;c&quot;&#xD;\xed\x95\x9c");
	buf_clear(&b);
}
