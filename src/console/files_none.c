/* SPDX-License-Identifier: Apache-2.0 */
/* files_none: stands in for the built page while there is none. */
#include "console/console_int.h"

const struct console_file console__files[1];
const size_t console__n_files = 0;
