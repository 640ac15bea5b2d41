// SPDX-License-Identifier: Apache-2.0
/* XML in through libexpat, with everything switched off that request bodies do not need. */
#include "base/xml.h"

#include <limits.h>

#include <expat.h>

#define DEPTH_MAX 8
#define ELEMENTS_MAX 100000 /* 10,000 parts of an upload, each with its number, tag and checksums */

struct node {
	struct xml x;
	struct xml *last_child;
	struct buf text;
};

struct reader {
	XML_Parser parser;
	struct arena *a;
	struct err *e;
	struct node open[DEPTH_MAX]; /* [depth - 1] is the innermost element that is open */
	size_t depth, elements;
	struct xml *root;
};

static void stop(struct reader *r, int code, const char *what)
{
	if (!r->e->code)
		err_set(r->e, code, "XML: %s at line %lu", what,
			XML_GetCurrentLineNumber(r->parser));
	XML_StopParser(r->parser, XML_FALSE);
}

static void on_start(void *ctx, const XML_Char *name, const XML_Char **attributes)
{
	struct reader *r = ctx;
	struct view v = view_str(name);
	ptrdiff_t colon = view_chr(v, ':');
	struct node *n;

	(void)attributes;
	if (r->e->code)
		return;
	if (r->depth == DEPTH_MAX) {
		stop(r, ERR_LIMIT, "nested too deep");
		return;
	}
	if (r->elements++ == ELEMENTS_MAX) {
		stop(r, ERR_LIMIT, "too many elements");
		return;
	}
	if (colon >= 0)
		v = view_from(v, (size_t)colon + 1);
	n = &r->open[r->depth++];
	*n = (struct node){ .x.name = arena_view(r->a, v) };
	buf_init(&n->text, SIZE_MAX / 4);
}

static void on_end(void *ctx, const XML_Char *name)
{
	struct reader *r = ctx;
	struct node *n, *parent;
	struct xml *x;

	(void)name;
	if (r->e->code)
		return;
	n = &r->open[--r->depth];
	n->x.text = arena_view(r->a, buf_view(&n->text));
	buf_clear(&n->text);
	x = arena_dup(r->a, &n->x, sizeof(n->x));
	if (r->depth == 0) {
		r->root = x;
		return;
	}
	parent = &r->open[r->depth - 1];
	if (parent->last_child)
		parent->last_child->next = x;
	else
		parent->x.child = x;
	parent->last_child = x;
}

static void on_text(void *ctx, const XML_Char *s, int n)
{
	struct reader *r = ctx;

	if (!r->e->code && r->depth)
		buf_add(&r->open[r->depth - 1].text, s, (size_t)n);
}

static void on_doctype(void *ctx, const XML_Char *name, const XML_Char *sysid,
		       const XML_Char *pubid, int internal)
{
	(void)name;
	(void)sysid;
	(void)pubid;
	(void)internal;
	stop(ctx, ERR_INVALID, "a document type is not allowed");
}

static void on_instruction(void *ctx, const XML_Char *target, const XML_Char *data)
{
	(void)target;
	(void)data;
	stop(ctx, ERR_INVALID, "a processing instruction is not allowed");
}

const struct xml *xml_parse(struct arena *a, struct view text, struct err *e)
{
	struct reader r = { .a = a, .e = e };
	enum XML_Status st;

	if (text.n > INT_MAX) {
		err_set(e, ERR_LIMIT, "XML: the text is longer than 2 GiB");
		return NULL;
	}
	r.parser = XML_ParserCreate("UTF-8");
	must(r.parser);
	XML_SetUserData(r.parser, &r);
	XML_SetElementHandler(r.parser, on_start, on_end);
	XML_SetCharacterDataHandler(r.parser, on_text);
	XML_SetStartDoctypeDeclHandler(r.parser, on_doctype);
	XML_SetProcessingInstructionHandler(r.parser, on_instruction);
	st = XML_Parse(r.parser, text.n ? text.p : "", (int)text.n, 1);
	if (st != XML_STATUS_OK && !e->code)
		err_set(e, ERR_INVALID, "XML: %s at line %lu",
			XML_ErrorString(XML_GetErrorCode(r.parser)),
			XML_GetCurrentLineNumber(r.parser));
	while (r.depth)
		buf_clear(&r.open[--r.depth].text);
	XML_ParserFree(r.parser);
	return e->code ? NULL : r.root;
}

const struct xml *xml_get(const struct xml *x, const char *name)
{
	for (const struct xml *c = x ? x->child : NULL; c; c = c->next)
		if (view_eq_str(c->name, name))
			return c;
	return NULL;
}

struct view xml_get_text(const struct xml *x, const char *name)
{
	const struct xml *c = xml_get(x, name);

	return c ? c->text : VIEW_NONE;
}

void xml_escape(struct buf *b, struct view text)
{
	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];

		if (c == '&')
			buf_add_str(b, "&amp;");
		else if (c == '<')
			buf_add_str(b, "&lt;");
		else if (c == '>')
			buf_add_str(b, "&gt;");
		else if (c == '"')
			buf_add_str(b, "&quot;");
		else if (c < 0x20)
			buf_printf(b, "&#x%X;", c);
		else
			buf_add_char(b, (char)c);
	}
}
