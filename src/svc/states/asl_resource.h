/* SPDX-License-Identifier: Apache-2.0 */
/* asl_resource -- what a Task's Resource stands for. */
#pragma once

#include "svc/states/asl.h"

/* false: unknown, or not in @r (NULL: not looked up). */
bool asl_resource_parse(struct arena *a, struct view text, const struct op_registry *r, struct asl_resource *ret);
