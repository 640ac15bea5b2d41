// SPDX-License-Identifier: Apache-2.0
/* Runs the tests that registered themselves and prints TAP. */
#include "unit.h"

#include <ftw.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TESTS_MAX 4096
#define KEPT_MAX 4096

static struct CMUnitTest tests[TESTS_MAX];
static const char *files[TESTS_MAX];
static size_t n_tests;

static char *kept[KEPT_MAX]; /* paths handed out; kept until the end of the program */
static size_t n_kept;
static char *tmpdirs[KEPT_MAX];
static size_t n_tmpdirs;

static void die(const char *what)
{
	fprintf(stderr, "unit: %s\n", what);
	exit(99);
}

void unit_register(const char *name, const char *file, unit_fn fn)
{
	if (n_tests == TESTS_MAX)
		die("too many tests");
	files[n_tests] = file;
	tests[n_tests++] = (struct CMUnitTest){ .name = name, .test_func = fn };
}

const char *unit_data(const char *path)
{
	const char *root = getenv("MULGIL_TEST_DATA");
	const char *src = getenv("MULGIL_SOURCE_ROOT");
	char *p = NULL;
	int n;

	if (root && *root)
		n = asprintf(&p, "%s/%s", root, path);
	else
		n = asprintf(&p, "%s/../shared/%s", src ? src : ".", path);
	if (n < 0 || n_kept == KEPT_MAX)
		die("no memory for a path");
	kept[n_kept++] = p;
	return access(p, R_OK) == 0 ? p : NULL;
}

const char *unit_tmpdir(void)
{
	const char *root = getenv("TMPDIR");
	char *p = NULL;

	if (n_tmpdirs == KEPT_MAX ||
	    asprintf(&p, "%s/mulgil-unit-XXXXXX", root && *root ? root : "/tmp") < 0)
		die("no memory for a path");
	if (!mkdtemp(p))
		die("cannot make a temporary directory");
	tmpdirs[n_tmpdirs++] = p;
	return p;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *f)
{
	(void)st;
	(void)flag;
	(void)f;
	return remove(path);
}

static void clear(bool ok)
{
	for (size_t i = 0; i < n_tmpdirs; i++) {
		if (ok)
			nftw(tmpdirs[i], remove_one, 16, FTW_DEPTH | FTW_PHYS);
		else
			fprintf(stderr, "# kept: %s\n", tmpdirs[i]);
		free(tmpdirs[i]);
	}
	for (size_t i = 0; i < n_kept; i++)
		free(kept[i]);
}

static bool wanted(const char *name, int argc, char **argv)
{
	bool any = false;

	for (int i = 1; i < argc; i++) {
		if (argv[i][0] == '-')
			continue;
		any = true;
		if (strstr(name, argv[i]))
			return true;
	}
	return !any;
}

int main(int argc, char **argv)
{
	bool list = argc > 1 && strcmp(argv[1], "-l") == 0;
	size_t n = 0;
	int failed;

	for (size_t i = 0; i < n_tests; i++) {
		if (!wanted(tests[i].name, argc, argv))
			continue;
		if (list)
			printf("%s\t%s\n", tests[i].name, files[i]);
		tests[n++] = tests[i];
	}
	if (list)
		return 0;
	if (n == 0)
		die("no test has that name");
	cmocka_set_message_output(CM_OUTPUT_TAP);
	failed = _cmocka_run_group_tests("unit", tests, n, NULL, NULL);
	clear(failed == 0);
	return failed == 0 ? 0 : 1;
}
