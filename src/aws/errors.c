/* SPDX-License-Identifier: Apache-2.0 */
/* Errors every service may give, and how a handler sets one. */
#include "aws/op.h"

#include <stdarg.h>
#include <stdio.h>

#include "aws/aws_int.h"

const struct aws_error AWS_ACCESS_DENIED = { "AccessDeniedException", 403, false };
const struct aws_error AWS_INTERNAL = { "InternalFailure", 500, true };
const struct aws_error AWS_VALIDATION = { "ValidationException", 400, false };
const struct aws_error AWS_SERIALIZATION = { "SerializationException", 400, false };
const struct aws_error AWS_UNKNOWN_OPERATION = { "UnknownOperationException", 400, false };
const struct aws_error AWS_THROTTLING = { "ThrottlingException", 400, false };
const struct aws_error AWS_UNAVAILABLE = { "ServiceUnavailable", 503, true };
const struct aws_error AWS_NOT_IMPLEMENTED = { "NotImplemented", 501, false };
const struct aws_error AWS_TOO_LARGE = { "RequestEntityTooLargeException", 413, false };
const struct aws_error AWS_MALFORMED_XML = { "MalformedXML", 400, false };
const struct aws_error AWS_INVALID_URI = { "InvalidURI", 400, false };

int aws_fail_at(struct err *e, const struct aws_error *wire, const char *file, int line, const char *fmt, ...)
{
	char msg[ERR_MSG_MAX];
	va_list ap;
	int code = wire->status >= 500 && wire->server_fault ? ERR_INTERNAL : ERR_INVALID;

	va_start(ap, fmt);
	(void)vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	err_set_at(e, code, file, line, "%s", msg);
	e->wire = wire;
	return code;
}

const struct aws_error *aws__err_invalid(const struct service *s)
{
	return s->invalid ? s->invalid : &AWS_VALIDATION;
}

const struct aws_error *aws__err_refused(const struct service *s)
{
	if (s->refused)
		return s->refused;
	return s->protocol == OP_REST_XML ? &AWS_NOT_IMPLEMENTED : aws__err_invalid(s);
}

void op_error_detail(struct op_ctx *cx, const char *element, const char *text)
{
	if (cx->n_details == ARRAY_LEN(cx->details))
		return;
	cx->details[cx->n_details++] = (struct op_pair){ arena_str(cx->arena, view_str(element)),
							 arena_str(cx->arena, view_str(text)) };
}

void op_error_header(struct op_ctx *cx, const char *name, const char *value)
{
	if (cx->n_error_headers == ARRAY_LEN(cx->error_headers))
		return;
	cx->error_headers[cx->n_error_headers++] =
		(struct op_pair){ arena_str(cx->arena, view_str(name)),
				  arena_str(cx->arena, view_str(value)) };
}
