/* SPDX-License-Identifier: Apache-2.0 */
/* serve -- the server in the foreground, until SIGINT or SIGTERM. */
#pragma once

int serve_main(int argc, char **argv);
