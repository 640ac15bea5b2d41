/* SPDX-License-Identifier: Apache-2.0 */
/*
 * users -- further keys besides the root's, from a file that is read at the start.
 *
 * YAML or JSON, mode 0600:
 *	users:
 *	- name: tablet                  # a user; "root": the root of an account
 *	  account: "111111111111"       # without it the server's own
 *	  access_key_id: AKIA...        # 16 to 128 letters and digits
 *	  secret_access_key: ...        # 16 to 128 characters
 *	  policies:                     # IAM documents; without any, nothing is allowed but what a bucket's policy allows
 *	  - Version: "2012-10-17"
 *	    Statement: {Effect: Allow, Action: "s3:Get*", Resource: "*"}
 */
#pragma once

#include "aws/gate.h"

/* Adds the users of @file.  ERR_INVALID names the place in the file: line and column, or the member. */
int users_load(struct credentials *c, const char *file, const char *account, struct err *e) MUST_CHECK;
