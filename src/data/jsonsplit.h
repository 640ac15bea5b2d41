/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jsonsplit -- where JSON values begin and end, without making a tree of them.
 *
 * It matches brackets and quotes and nothing else: that a value is correct JSON is for whoever parses it.  What it
 * gives are views into the text.
 *
 * Threads: pure functions, any thread.
 */
#pragma once

#include <stdbool.h>

#include "base/view.h"

#define JSONSPLIT_DEPTH 256 /* brackets inside each other; jq 1.6 parses no deeper */

/* Takes the value that @rest begins with (white space in front is skipped) off it.  false, and *rest as it was: it does
 * not begin with a whole value. */
bool jsonsplit_value(struct view *rest, struct view *ret);
/*
 * The next part of a record of JSON objects, one after the other, white space between them or not: "{..}{..}".  What
 * does not begin with a whole object, to the end, is one part as well, so that no byte is lost but white space.
 * false: there is no part left.
 */
bool jsonsplit_object(struct view *rest, struct view *part);
/* The next part of a record that has @delimiter (not empty) between its parts; empty parts are skipped.  false: there is
 * no part left. */
bool jsonsplit_delimited(struct view *rest, struct view delimiter, struct view *part);

/* Members of an object and elements of an array: *at is the text behind the opening bracket at first; @name without its
 * quotes, as it is written (escapes are not undone).  1: one was taken off; 0: the closing bracket was; -1: neither. */
int jsonsplit_member(struct view *at, struct view *name, struct view *value);
int jsonsplit_element(struct view *at, struct view *value);
