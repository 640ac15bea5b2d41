/* SPDX-License-Identifier: Apache-2.0 */
/* cli_int -- what the files of this folder share besides cli.h. */
#pragma once

#include "cli/cli.h"

/* verify --deep: prints what is damaged and returns the exit code. */
int cli__deep(struct cli_session *s, bool json);
/* verify --streams: prints the accounts and returns the exit code. */
int cli__streams(struct cli_session *s, bool json);
