/* SPDX-License-Identifier: Apache-2.0 */
/* Local files become artifacts: the same files always the same bytes. */
#include "unit.h"

#include <string.h>

#include "base/limits.h"
#include "cli/deploy_int.h"
#include "os/file.h"
#include "os/zip.h"

static void put(struct arena *a, const char *dir, const char *name, const char *text, unsigned mode)
{
	struct err e = { 0 };
	const char *path = arena_printf(a, "%s/%s", dir, name), *slash = strrchr(path, '/');

	assert_int_equal(file_mkdirs(arena_printf(a, "%.*s", (int)(slash - path), path), 0755, &e),
			 0);
	assert_int_equal(file_replace(path, view_str(text), mode, &e), 0);
}

TEST(deploy_code_folder_is_zipped_the_same_every_time)
{
	struct deploy_artifact one = { 0 }, two = { 0 }, three = { 0 };
	struct err e = { 0 };
	struct arena a;
	const char *tmp = unit_tmpdir(), *dir;
	struct view text;

	arena_init(&a, 256 * MIB);
	dir = arena_printf(&a, "%s/code", tmp);
	put(&a, dir, "bootstrap", "#!/bin/sh\n", 0755);
	put(&a, dir, "lib/data.txt", "d", 0644);
	assert_int_equal(package_code(&a, dir, &one, &e), 0);
	put(&a, dir, "bootstrap.p/main.o", "left by the build", 0644);
	assert_int_equal(package_code(&a, dir, &two, &e), 0);
	assert_string_equal(one.key, two.key);
	assert_true(view_ends(view_str(one.key), VIEW(".zip")));
	put(&a, dir, "lib/data.txt", "changed", 0644);
	assert_int_equal(package_code(&a, dir, &three, &e), 0);
	assert_string_not_equal(one.key, three.key);

	assert_int_equal(zip_unpack(two.data, arena_printf(&a, "%s/out", tmp), MIB, &e), 0);
	assert_int_equal(
		file_read(arena_printf(&a, "%s/out/lib/data.txt", tmp), &a, 100, &text, &e), 0);
	assert_true(view_eq(text, VIEW("d")));
	assert_false(file_exists(arena_printf(&a, "%s/out/bootstrap.p", tmp)));
	arena_clear(&a);
}

TEST(deploy_code_that_is_no_folder_or_zip_is_refused)
{
	struct deploy_artifact f = { 0 };
	struct err e = { 0 };
	struct arena a;
	const char *dir;

	arena_init(&a, 256 * MIB);
	dir = unit_tmpdir();
	put(&a, dir, "script.py", "x", 0644);
	assert_int_equal(package_code(&a, arena_printf(&a, "%s/script.py", dir), &f, &e),
			 ERR_UNSUPPORTED);
	err_clear(&e);
	assert_int_equal(package_code(&a, arena_printf(&a, "%s/nothing", dir), &f, &e), ERR_NOENT);
	err_clear(&e);
	assert_int_equal(file_mkdirs(arena_printf(&a, "%s/empty", dir), 0755, &e), 0);
	assert_int_equal(package_code(&a, arena_printf(&a, "%s/empty", dir), &f, &e), ERR_INVALID);
	arena_clear(&a);
}

TEST(deploy_script_keeps_its_extension)
{
	struct deploy_artifact f = { 0 };
	struct err e = { 0 };
	const char *tmp = unit_tmpdir();
	struct arena a;

	arena_init(&a, 256 * MIB);
	put(&a, tmp, "job.sql", "SELECT 1", 0644);
	assert_int_equal(package_file(&a, arena_printf(&a, "%s/job.sql", tmp), &f, &e), 0);
	assert_string_equal(f.key,
			    "e004ebd5b5532a4b85984a62f8ad48a81aa3460c1ca07701f386135d72cdecf5.sql");
	arena_clear(&a);
}
