/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config -- the server's settings: one table gives names, defaults, `mulgil serve --help` and docs.
 *
 * A value comes from the command line (--name), else the environment (MULGIL_NAME), else the configuration file
 * (YAML, "name: value"), else the default.  Unknown names are errors.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

struct config {
	const char *data, *api, *console, *region, *account, *s3_domain, *log_level, *function_dir, *users, *encryption, *master_key,
		*public_access_block;
	int64_t fast_threads, slow_threads, sql_children, sql_memory_mb, compaction_quiet_s, function_children,
		lifecycle_interval_s, lifecycle_day_s, scrub_every_s,
		log_max_mb, log_keep_h, log_keep_mb;
};

/* Fills @ret from all sources; strings live in @a.  @argc, @argv: behind the subcommand.  ERR_INVALID names the setting.
 * *ret_help: --help was asked for. */
int config_load(int argc, char **argv, struct arena *a, struct config *ret, bool *ret_help, struct err *e) MUST_CHECK;
void config_help(struct buf *b);

/* "127.0.0.1:4566" into its parts; the address must be numeric. */
int config_address(const char *text, struct arena *a, const char **ret_host, uint16_t *ret_port, struct err *e) MUST_CHECK;
