/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xml -- small XML documents into a tree, and escaping for output.
 *
 * Parsing is libexpat's with hard limits: no DOCTYPE, no entities but the five built in, no processing
 * instructions, depth 8 (callers may ask for less), 100,000 elements.  Namespaces prefixes are cut off names.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/view.h"

struct xml {
	struct view name;
	struct view text; /* all character data of this element, joined */
	const struct xml *child, *next;
};

/* NULL and @e ERR_INVALID or ERR_LIMIT. */
const struct xml *xml_parse(struct arena *a, struct view text, struct err *e) MUST_CHECK;
const struct xml *xml_get(const struct xml *x, const char *name); /* first child of that name, or NULL */
struct view xml_get_text(const struct xml *x, const char *name);  /* VIEW_NONE if there is none */
void xml_escape(struct buf *b, struct view text); /* & < > " and control characters XML allows as &#xD; */
