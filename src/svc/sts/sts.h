/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sts -- Security Token Service: who am I.  Holds nothing; `self` is NULL.
 *
 * The smallest service there is, and so the example of how one is made: see README.md here.
 */
#pragma once

#include "aws/op.h"

extern const struct service sts_service;
