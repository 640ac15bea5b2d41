/* SPDX-License-Identifier: Apache-2.0 */
/* keyquery -- libjq for one purpose; the only file that includes its headers. */
#include "data/keyquery.h"

#include <limits.h>
#include <stdlib.h>

#include <jv.h>
#include <jq.h>

#include "base/macro.h"

struct keyquery {
	jq_state *jq;
	struct err *compiling; /* where the compiler's first message goes */
};

static void jv_freep(jv *v)
{
	jv_free(*v);
}

static struct view text_of(jv *s)
{
	return view_of(jv_string_value(*s), (size_t)jv_string_length_bytes(jv_copy(*s)));
}

/* "jq: error: syntax error, unexpected $end (Unix shell quoting issues?) at <top-level>, line 1:\n{a:  " */
static void on_message(void *arg, jv message)
{
	struct keyquery *q = arg;
	CLEANUP(jv_freep) jv m = message;
	struct view v;
	ptrdiff_t at;

	if (!q->compiling || q->compiling->code || jv_get_kind(m) != JV_KIND_STRING)
		return;
	v = text_of(&m);
	at = view_chr(v, '\n');
	if (at >= 0)
		v = view_sub(v, 0, (size_t)at);
	if (view_starts(v, VIEW("jq: error: ")))
		v = view_from(v, 11);
	at = view_find(v, VIEW(" (Unix shell quoting issues?)"));
	if (at >= 0)
		err_set(q->compiling, ERR_INVALID, "%.*s%.*s", (int)at, v.p,
			VIEW_ARG(view_from(v, (size_t)at + 29)));
	else
		err_set(q->compiling, ERR_INVALID, "%.*s", VIEW_ARG(v));
}

int keyquery_new(const char *program, struct keyquery **ret, struct err *e)
{
	struct keyquery *q = calloc(1, sizeof(*q));
	int ok;

	must(q);
	q->jq = jq_init();
	must(q->jq);
	jq_set_error_cb(q->jq, on_message, q);
	q->compiling = e;
	ok = jq_compile(q->jq, program);
	q->compiling = NULL;
	if (!ok || e->code) {
		keyquery_free(q);
		return e->code ? e->code : err_set(e, ERR_INVALID, "jq does not accept it");
	}
	*ret = q;
	return 0;
}

struct keyquery *keyquery_free(struct keyquery *q)
{
	if (q)
		jq_teardown(&q->jq);
	free(q);
	return NULL;
}

void keyquery_interrupt(struct keyquery *q)
{
	if (!jq_halted(q->jq))
		jq_halt(q->jq, jv_null(), jv_null());
}

/* jq has no more results: because the program ended, failed, or was interrupted. */
static int check_end(struct keyquery *q, jv end, struct err *e)
{
	CLEANUP(jv_freep) jv m = jv_invalid_get_msg(end);

	if (jq_halted(q->jq))
		return err_set(e, ERR_TIMEOUT, "the query ran longer than it may");
	if (jv_get_kind(m) == JV_KIND_NULL || jv_get_kind(m) == JV_KIND_INVALID)
		return 0;
	if (jv_get_kind(m) == JV_KIND_STRING)
		return err_set(e, ERR_INVALID, "%.*s", VIEW_ARG(text_of(&m)));
	return err_set(e, ERR_INVALID, "the query failed");
}

/* Exactly one result. */
static int one_result(struct keyquery *q, jv *ret, struct err *e)
{
	jv v = jq_next(q->jq), more;
	int rc;

	if (!jv_is_valid(v)) {
		rc = check_end(q, v, e);
		return rc ? rc : err_set(e, ERR_INVALID, "the query gives nothing");
	}
	more = jq_next(q->jq);
	if (jv_is_valid(more)) {
		jv_free(more);
		rc = err_set(e, ERR_INVALID, "the query gives more than one result");
	} else {
		rc = check_end(q, more, e);
	}
	if (rc)
		jv_free(v);
	else
		*ret = v;
	return rc;
}

static int value_text(struct arena *a, jv value, struct view *ret, struct err *e)
{
	CLEANUP(jv_freep) jv text = jv_null();

	switch (jv_get_kind(value)) {
	case JV_KIND_STRING:
		text = value;
		break;
	case JV_KIND_NUMBER:
	case JV_KIND_TRUE:
	case JV_KIND_FALSE:
		text = jv_dump_string(value, 0);
		break;
	case JV_KIND_NULL:
		jv_free(value);
		return err_set(e, ERR_INVALID, "partitionKeys values must not be null or empty");
	default:
		jv_free(value);
		return err_set(e, ERR_INVALID,
			       "partitionKeys values must be strings, numbers or booleans");
	}
	*ret = text_of(&text);
	if (!ret->n)
		return err_set(e, ERR_INVALID, "partitionKeys values must not be null or empty");
	if (ret->n > KEYQUERY_VALUE_MAX)
		return err_set(e, ERR_LIMIT, "partitionKeys values must not be longer than %d bytes",
			       KEYQUERY_VALUE_MAX);
	*ret = arena_view(a, *ret);
	return 0;
}

static int keys_of(struct arena *a, jv object, const struct keyquery_key **ret, size_t *ret_n,
		   struct err *e)
{
	struct keyquery_key *v;
	size_t n = 0;
	int rc = 0;

	v = ARENA_ARRAY(a, struct keyquery_key, jv_object_length(jv_copy(object)) + 1);
	for (int i = jv_object_iter(object); !rc && jv_object_iter_valid(object, i);
	     i = jv_object_iter_next(object, i)) {
		CLEANUP(jv_freep) jv name = jv_object_iter_key(object, i);

		v[n].name = arena_view(a, text_of(&name));
		rc = value_text(a, jv_object_iter_value(object, i), &v[n].value, e);
		if (rc)
			rc = err_ctx(e, "%.*s", VIEW_ARG(v[n].name));
		n++;
	}
	*ret = v;
	*ret_n = n;
	return rc;
}

int keyquery_run(struct keyquery *q, struct arena *a, struct view record,
		 const struct keyquery_key **ret, size_t *ret_n, struct err *e)
{
	CLEANUP(jv_freep) jv object = jv_null();
	jv in;
	int rc;

	if (record.n > INT_MAX)
		return err_set(e, ERR_LIMIT, "the record is too long");
	in = jv_parse_sized(record.p ? record.p : "", (int)record.n);
	if (!jv_is_valid(in)) {
		jv_free(in);
		return err_set(e, ERR_INVALID, "Non JSON record provided");
	}
	jq_start(q->jq, in, 0);
	rc = one_result(q, &object, e);
	if (rc)
		return rc;
	if (jv_get_kind(object) != JV_KIND_OBJECT)
		return err_set(e, ERR_INVALID, "the query does not give an object");
	return keys_of(a, object, ret, ret_n, e);
}
