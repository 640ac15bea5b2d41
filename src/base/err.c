// SPDX-License-Identifier: Apache-2.0
/* Errors: set once, context put in front on the way up. */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void set_v(struct err *e, int code, const char *file, int line, const char *fmt, va_list ap)
	PRINTF_LIKE(5, 0);

static void set_v(struct err *e, int code, const char *file, int line, const char *fmt, va_list ap)
{
	must(code < 0);
	must(e->code == 0);
	e->code = code;
	e->file = file;
	e->line = line;
	vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
}

int err_set_at(struct err *e, int code, const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set_v(e, code, file, line, fmt, ap);
	va_end(ap);
	return code;
}

int err_sys_at(struct err *e, int code, const char *file, int line, const char *fmt, ...)
{
	int no = errno;
	char buf[128];
	size_t n;
	va_list ap;

	va_start(ap, fmt);
	set_v(e, code, file, line, fmt, ap);
	va_end(ap);
	n = strlen(e->msg);
	snprintf(e->msg + n, sizeof(e->msg) - n, ": %s", strerror_r(no, buf, sizeof(buf)));
	return code;
}

int err_ctx(struct err *e, const char *fmt, ...)
{
	char old[ERR_MSG_MAX];
	size_t n;
	va_list ap;

	must(e->code < 0);
	memcpy(old, e->msg, sizeof(old));
	va_start(ap, fmt);
	vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
	va_end(ap);
	n = strlen(e->msg);
	snprintf(e->msg + n, sizeof(e->msg) - n, ": %s", old);
	return e->code;
}

void err_clear(struct err *e)
{
	e->code = 0;
	e->wire = NULL;
	e->line = 0;
	e->file = NULL;
	e->msg[0] = '\0';
}

const char *err_text(int code)
{
	switch (-code) {
#define X(name, text) \
	case ERR__##name: \
		return text;
		ERR_CODES(X)
#undef X
	case ERR__OK:
		return "no error";
	default:
		return "unknown error";
	}
}
