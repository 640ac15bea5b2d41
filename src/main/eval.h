/* SPDX-License-Identifier: Apache-2.0 */
/* eval -- `mulgil eval pattern|jsonpath|intrinsic|layout|prefix|sigv4`: JSON lines in, JSON lines out. */
#pragma once

int eval_main(int argc, char **argv);
