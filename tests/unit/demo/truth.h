/* SPDX-License-Identifier: Apache-2.0 */
/* truth -- what the analysis should make of a stream's counts, computed here without any pipeline. */
#pragma once

#include "demo/person.h"

/* A result document as in docs/audience-pipeline.md section 8, of the members that the demo's expectations name. */
const struct json *truth_result(const struct person *p, struct arena *a);
