/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate_eval -- Signature Version 4 as a pure function of a JSON value: for `mulgil eval sigv4` and tests.
 *
 * In:   {"method","path","query" (raw, optional),"headers":[["name","value"],...],
 *        "signed_headers" ("a;b"; absent: all), "payload_hash" or "body" (text) or "body_base64",
 *        "path_rule" ("s3","normal","unchanged"; absent: by service),
 *        "date" ("20150830T123600Z"),"region","service","secret"}
 * Out:  {"canonical_request","string_to_sign","signature"}.
 * With  "verify": {"access_key","secret","token","region","now"}: the request is judged as the gate does, instead:
 *       {"ok":true,"mode","presigned"} or {"ok":false,"error","status","message"}.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"

int gate_eval(struct arena *a, const struct json *in, const struct json **ret, struct err *e) MUST_CHECK;
