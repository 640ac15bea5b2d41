// SPDX-License-Identifier: Apache-2.0
/* Gives every file of a corpus folder to a fuzz target, once whole and once per shortened form; prints TAP. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static int replay(const char *dir, const char *name)
{
	char path[4096];
	uint8_t *all = malloc(1 << 20), *exact;
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "rb");
	if (!f || !all) {
		fprintf(stderr, "cannot read %s\n", path);
		free(all);
		return -1;
	}
	n = fread(all, 1, 1 << 20, f);
	fclose(f);
	/* In memory of exactly that size, so that a sanitizer sees one byte too far. */
	for (size_t len = n > 64 ? n - 64 : 0; len <= n; len++) {
		exact = malloc(len ? len : 1);
		if (!exact)
			abort();
		for (size_t i = 0; i < len; i++)
			exact[i] = all[i];
		LLVMFuzzerTestOneInput(exact, len);
		free(exact);
	}
	free(all);
	return 0;
}

int main(int argc, char **argv)
{
	DIR *d = argc == 2 ? opendir(argv[1]) : NULL;
	struct dirent *entry;
	int count = 0, failed = 0;

	if (!d) {
		fprintf(stderr, "usage: replay CORPUS\n");
		return 2;
	}
	while ((entry = readdir(d))) {
		int rc;

		if (entry->d_name[0] == '.')
			continue;
		rc = replay(argv[1], entry->d_name);
		failed += rc < 0;
		printf("%sok %d - %s\n", rc < 0 ? "not " : "", ++count, entry->d_name);
		fflush(stdout);
	}
	closedir(d);
	printf("1..%d\n", count);
	return failed || count == 0;
}
