/* SPDX-License-Identifier: Apache-2.0 */
/* Open segments: found again by their journal, closed when they have been idle longest. */
#include "store/segment_files.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "os/file.h"
#include "os/thread.h"

/* Over all that follows and the private members of every file; never held while a file is opened or closed. */
static struct lock lock = { .m = PTHREAD_MUTEX_INITIALIZER, .name = "segment-files" };
static struct segment_file *oldest, *newest; /* idle */
static unsigned n_open;

int segment_path(const char *dir, uint64_t first, char *out, size_t n, struct err *e)
{
	char name[SEGMENT_NAME];
	int len;

	segment_name(first, name);
	len = snprintf(out, n, "%s/%s", dir, name);
	if (len < 0 || (size_t)len >= n)
		return err_set(e, ERR_LIMIT, "path of folder %.80s... is too long", dir);
	return 0;
}

static void busy(struct segment_file *f)
{
	if (f->older)
		f->older->newer = f->newer;
	else
		oldest = f->newer;
	if (f->newer)
		f->newer->older = f->older;
	else
		newest = f->older;
	f->older = f->newer = NULL;
}

static void idle(struct segment_file *f)
{
	f->older = newest;
	f->newer = NULL;
	if (newest)
		newest->newer = f;
	else
		oldest = f;
	newest = f;
}

/* It is not found any more. */
static void hide(struct segment_file *f)
{
	struct segment_file **at = &f->of->open;

	while (*at != f)
		at = &(*at)->next;
	*at = f->next;
	n_open--;
}

static void destroy(struct segment_file *f)
{
	if (!f)
		return;
	fd_closep(&f->fd);
	free(f);
}

/* Takes the longest idle file away if there are too many; the caller destroys it without the lock. */
static struct segment_file *surplus(void)
{
	struct segment_file *f = n_open > SEGMENT_FILES_MAX ? oldest : NULL;

	if (f) {
		busy(f);
		hide(f);
	}
	return f;
}

static struct segment_file *find(struct segment_files *of, uint64_t first)
{
	for (struct segment_file *f = of->open; f; f = f->next) {
		if (f->info.first != first)
			continue;
		if (f->users++ == 0)
			busy(f);
		return f;
	}
	return NULL;
}

static int open_file(struct segment_files *of, uint64_t first, struct segment_file **ret, struct err *e)
{
	struct segment_file *f;
	struct segment_info info;
	char path[PATH_MAX];
	int fd;

	if (segment_path(of->dir, first, path, sizeof(path), e) < 0 ||
	    segment_open(path, O_RDWR, of->kind, &info, &fd, e) < 0)
		return e->code;
	f = calloc(1, sizeof(*f));
	must(f);
	*f = (struct segment_file){ .fd = fd, .info = info, .of = of, .users = 1 };
	*ret = f;
	if (info.first == first)
		return 0;
	destroy(f);
	return err_set(e, ERR_CORRUPT, "segment %s begins with record %" PRIu64, path, info.first);
}

int segment_file_get(struct segment_files *of, uint64_t first, struct segment_file **ret, struct err *e)
{
	struct segment_file *f, *mine = NULL, *old = NULL;

	lock_take(&lock);
	f = find(of, first);
	lock_drop(&lock);
	if (!f) {
		if (open_file(of, first, &mine, e) < 0)
			return e->code;
		lock_take(&lock);
		f = find(of, first); /* another may have been faster */
		if (!f) {
			f = mine;
			mine = NULL;
			f->next = of->open;
			of->open = f;
			n_open++;
			old = surplus();
		}
		lock_drop(&lock);
		destroy(mine);
		destroy(old);
	}
	*ret = f;
	return 0;
}

void segment_file_put(struct segment_file *f)
{
	struct segment_file *old = NULL;

	lock_take(&lock);
	if (--f->users == 0) {
		if (f->gone) {
			old = f;
		} else {
			idle(f);
			old = surplus();
		}
	}
	lock_drop(&lock);
	destroy(old);
}

void segment_file_putp(struct segment_file **f)
{
	if (*f)
		segment_file_put(*f);
}

void segment_files_forget(struct segment_files *of, uint64_t first)
{
	struct segment_file *f;

	lock_take(&lock);
	f = find(of, first);
	if (f) {
		hide(f);
		f->gone = true;
	}
	lock_drop(&lock);
	if (f)
		segment_file_put(f);
}

void segment_files_clear(struct segment_files *of)
{
	struct segment_file *f;

	do {
		lock_take(&lock);
		f = of->open;
		if (f) {
			must(!f->users);
			busy(f);
			hide(f);
		}
		lock_drop(&lock);
		destroy(f);
	} while (f);
}

unsigned segment_files_count(void)
{
	LOCK_SCOPE(&lock);
	return n_open;
}
