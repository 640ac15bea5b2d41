// SPDX-License-Identifier: Apache-2.0
/* The sql seam: calls through the backend's table. */
#include "store/sql.h"

int sql_run(struct sql *s, const struct sql_job *job, struct arena *a, struct sql_result *ret,
	    struct err *e)
{
	return s->v->run(s, job, a, ret, e);
}

int sql_tables(struct sql *s, const char *text, struct arena *a, struct sql_name **ret,
	       size_t *ret_n, struct err *e)
{
	return s->v->tables(s, text, a, ret, ret_n, e);
}

struct sql *sql_close(struct sql *s)
{
	return s ? s->v->close(s) : NULL;
}
