/* SPDX-License-Identifier: Apache-2.0 */
/* prefix_int -- what prefix.c and prefix_time.c share. */
#pragma once

#include "data/prefix.h"

int prefix__check_timestamp(struct view format, struct err *e) MUST_CHECK;
