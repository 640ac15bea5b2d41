/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_json -- policies as a pure function of a JSON value: for `mulgil eval policy` and tests.
 *
 * In:   {"kind": "resource" (default) or "identity", "policy": the document, as object or text,
 *        "request": {"action","resource","account","arn","canonical_id","keys": {"aws:SourceIp": "1.2.3.4" or [...]}}}
 * Out:  {"effect": "Allow", "Delegate", "Deny" or "None", "public": whether everybody is allowed something}.
 */
#pragma once

#include "base/json.h"

int policy_json(struct arena *a, const struct json *in, const struct json **ret, struct err *e) MUST_CHECK;
