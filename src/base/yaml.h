/* SPDX-License-Identifier: Apache-2.0 */
/*
 * yaml -- one YAML document as a JSON tree, through libyaml.
 *
 * Plain scalars become null, booleans, integers and numbers by YAML 1.2's core rules (yes, no, on, off stay text);
 * quoted ones are text.  CloudFormation's short tags become their long form: !Ref x is {"Ref": x}, !Sub, !GetAtt a.b
 * (["a", "b"]), !Join and so on {"Fn::Name": value}; other tags are an error.  Anchors and aliases are refused (they
 * can make a small text huge).  Duplicate keys are an error.  Depth at most JSON_DEPTH.
 */
#pragma once

#include "base/json.h"

/* NULL and @e ERR_INVALID with line and column. */
const struct json *yaml_parse(struct arena *a, struct view text, struct err *e) MUST_CHECK;
