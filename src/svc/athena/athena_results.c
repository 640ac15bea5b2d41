// SPDX-License-Identifier: Apache-2.0
/* athena_results: rows of a result, read from its object; a page's token is its offset in the file. */
#include <fcntl.h>
#include <unistd.h>

#include "base/limits.h"
#include "os/file.h"
#include "svc/athena/athena_int.h"

#define PAGE 1000
#define PIECE (1UL * MIB)       /* read at first */
#define PIECE_MAX (32UL * MIB)  /* one row is never longer: the request's memory holds all pieces, and the answer */
#define PAGE_BYTES (6UL * MIB)

struct page {
	struct arena *arena;
	const struct athena_query *q;
	bool plain; /* a .txt result: cells between tabs, no quotes, no header */
	int fd;
	off_t at; /* of data */
	char *data;
	size_t cap, n, used; /* read, and given out of it */
	bool end;       /* the file ends with data */
};

/*
 * One CSV field at the front of @v: quoted, or empty for null.  false: it does not end within @v.  Doubled quotes are
 * made one in place: what is not used of the data is read again, so nothing is looked at twice.
 */
static bool field(struct view *v, struct view *ret)
{
	char *data = (char *)(uintptr_t)v->p;
	size_t i = 1, n = 1;

	*ret = VIEW_NONE;
	if (!v->n)
		return false;
	if (data[0] != '"')
		return data[0] == ',' || data[0] == '\n';
	for (;; i++) {
		if (i + 1 >= v->n)
			return false;
		if (data[i] == '"') {
			if (data[i + 1] != '"')
				break;
			i++;
		}
		data[n++] = data[i];
	}
	*ret = view_of(data + 1, n - 1);
	*v = view_from(*v, i + 1);
	return true;
}

/* One row of @v into @cells; the rest stays in @v.  false: it is not whole. */
static bool csv_row(struct view *v, struct view *cells, size_t n_cells)
{
	struct view rest = *v;
	size_t n = 0;

	for (;;) {
		struct view cell;

		if (!field(&rest, &cell) || !rest.n)
			return false;
		if (n < n_cells)
			cells[n++] = cell;
		if (rest.p[0] == '\n')
			break;
		rest = view_from(rest, 1);
	}
	*v = view_from(rest, 1);
	return true;
}

static bool text_row(struct view *v, struct view *cells, size_t n_cells)
{
	ptrdiff_t end = view_chr(*v, '\n');
	struct view line = view_sub(*v, 0, end < 0 ? 0 : (size_t)end), cell;

	if (end < 0)
		return false;
	for (size_t i = 0; i < n_cells && view_split(&line, '\t', &cell); i++)
		cells[i] = cell;
	*v = view_from(*v, (size_t)end + 1);
	return true;
}

/* Reads more of the file behind what is there; a row that was not whole begins the new data. */
static int refill(struct page *p, struct err *e)
{
	size_t left = p->n - p->used, size = left * 2 > PIECE ? left * 2 : PIECE;
	ssize_t n;

	if (size > PIECE_MAX)
		return err_set(e, ERR_LIMIT,
			       "a row of the result is too long to be given by GetQueryResults");
	p->at += (off_t)p->used;
	if (size > p->cap) {
		p->data = arena_alloc(p->arena, size);
		p->cap = size;
	}
	n = file_pread_all(p->fd, p->data, size, p->at, e);
	if (n < 0)
		return e->code;
	p->n = (size_t)n;
	p->used = 0;
	p->end = p->n < size;
	return 0;
}

/* 1: a row; 0: the end. */
static int next_row(struct page *p, struct view *cells, size_t n_cells, struct err *e)
{
	for (;;) {
		struct view v = view_of(p->data + p->used, p->n - p->used);

		memset(cells, 0, n_cells * sizeof(*cells));
		if (v.n &&
		    (p->plain ? text_row(&v, cells, n_cells) : csv_row(&v, cells, n_cells))) {
			p->used = p->n - v.n;
			return 1;
		}
		if (p->end)
			return v.n ? err_set(e, ERR_CORRUPT,
					     "the result's object is not what the query wrote")
				   : 0;
		if (refill(p, e) < 0)
			return e->code;
	}
}

static void out_columns(struct out *o, const struct json *columns)
{
	out_obj(o, "ResultSetMetadata");
	out_list(o, "ColumnInfo", NULL);
	for (size_t i = 0; i < json_len(columns); i++) {
		const struct json *c = json_at(columns, i);
		struct view type = json_str(json_at(c, 1));

		out_obj(o, NULL);
		out_str(o, "CatalogName", "hive");
		out_str(o, "SchemaName", "");
		out_str(o, "TableName", "");
		out_view(o, "Name", json_str(json_at(c, 0)));
		out_view(o, "Label", json_str(json_at(c, 0)));
		out_view(o, "Type", type);
		out_int(o, "Precision", json_int(json_at(c, 2), 0));
		out_int(o, "Scale", json_int(json_at(c, 3), 0));
		out_str(o, "Nullable", "UNKNOWN");
		out_bool(o, "CaseSensitive",
			 view_eq_str(type, "varchar") || view_eq_str(type, "char"));
		out_obj_end(o);
	}
	out_list_end(o);
	out_obj_end(o);
}

static void out_row(struct out *o, const struct view *cells, size_t n)
{
	out_obj(o, NULL);
	out_list(o, "Data", NULL);
	for (size_t i = 0; i < n; i++) {
		out_obj(o, NULL);
		out_view(o, "VarCharValue", cells[i]);
		out_obj_end(o);
	}
	out_list_end(o);
	out_obj_end(o);
}

static int open_result(struct op_ctx *cx, const struct athena_query *q, int *ret_fd)
{
	const struct s3_port *s3 = ((struct athena *)cx->self)->o.s3;
	const char *bucket, *key, *path;
	struct s3_object obj;
	struct err why = { 0 };

	must(athena__split(cx->arena, q->location, &bucket, &key));
	if (s3->head(s3->self, bucket, key, cx->arena, &obj, &why) < 0 ||
	    s3->path(s3->self, &obj, cx->arena, &path, &why) < 0)
		return aws_fail(&cx->err, &ATHENA_INVALID, "Could not find results: %s: %s",
				q->location, why.msg);
	*ret_fd = open(path, O_RDONLY | O_CLOEXEC);
	return *ret_fd < 0 ? err_sys(&cx->err, ERR_IO, "%s", q->location) : 0;
}

static int out_page(struct op_ctx *cx, struct page *p, int64_t max, struct out *o)
{
	size_t n_cells = json_len(p->q->columns);
	struct view *cells = ARENA_ARRAY(cx->arena, struct view, n_cells + 1);
	off_t from = p->at;
	int64_t n = 0;
	int r = 1;

	out_list(o, "Rows", NULL);
	while (n < max && p->at + (off_t)p->used - from < (off_t)PAGE_BYTES &&
	       (r = next_row(p, cells, n_cells, &cx->err)) > 0) {
		out_row(o, cells, n_cells);
		n++;
	}
	out_list_end(o);
	from = p->at + (off_t)p->used;
	if (r > 0)
		r = next_row(p, cells, n_cells, &cx->err); /* is there more? */
	out_columns(o, p->q->columns);
	out_obj_end(o);
	if (r > 0)
		out_str(o, "NextToken", arena_printf(cx->arena, "%lld", (long long)from));
	return r < 0 ? r : 0;
}

int athena__get_results(struct op_ctx *cx, const void *input, struct out *o)
{
	CLEANUP(fd_closep) int fd = -1;
	const struct athena_in *in = input;
	struct athena_query q;
	struct page p = { .arena = cx->arena, .q = &q, .data = arena_alloc(cx->arena, 1) };
	int64_t at = 0;
	int r = athena__query(cx->self, in->id, cx->arena, &q, &cx->err);

	if (r < 0)
		return r;
	if (r == 0)
		return aws_fail(&cx->err, &ATHENA_INVALID, "QueryExecution %s was not found",
				in->id);
	if (strcmp(q.state, "QUEUED") == 0 || strcmp(q.state, "RUNNING") == 0)
		return aws_fail(&cx->err, &ATHENA_INVALID,
				"Query has not yet finished. Current state: %s", q.state);
	if (strcmp(q.state, "SUCCEEDED") != 0)
		return aws_fail(&cx->err, &ATHENA_INVALID,
				"Query did not finish successfully. Final query state: %s",
				q.state);
	if (in->next && (!view_i64(view_str(in->next), &at) || at < 0))
		return aws_fail(&cx->err, &ATHENA_INVALID, "NextToken is invalid");
	if (open_result(cx, &q, &fd) < 0)
		return cx->err.code;
	p.fd = fd;
	p.at = at;
	p.plain = view_ends(view_str(q.location), VIEW(".txt"));
	out_int(o, "UpdateCount", 0);
	out_obj(o, "ResultSet");
	return out_page(cx, &p, opt_int_or(in->max, PAGE), o);
}
