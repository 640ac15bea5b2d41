/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outside -- requests on the API port that are no AWS operations: /-/health, /-/url/<id>/ (function URLs), /-/verify/ and the
 * console's read API under /-/.  All but health are verified by the gate first (services "lambda" and "mulgil").
 */
#pragma once

#include "http/server.h"

/* aws_opts.outside; arg: struct wire. */
bool outside_handle(struct http_req *r, void *arg);
