/* SPDX-License-Identifier: Apache-2.0 */
/* A VFS that puts a checksum into every page of a database and checks it when the page is read. */
#include "store/meta_sqlite_pages.h"

#include <pthread.h>
#include <sqlite3.h>
#include <string.h>

#include "base/crc.h"
#include "base/macro.h"
#include "base/mutant.h"

#define VFS_NAME "mulgil-pages"
#define HEADER 100 /* bytes of the file format's header, at the beginning of page 1 */

/* The file of SQLite's own VFS is behind this struct. */
struct pages_file {
	sqlite3_file base;
	bool known;    /* @page is */
	uint32_t page; /* size of pages; 0: without checksums */
};

static sqlite3_file *real_of(sqlite3_file *f)
{
	return (sqlite3_file *)((struct pages_file *)(void *)f + 1);
}

static sqlite3_vfs *real_vfs(sqlite3_vfs *v)
{
	return v->pAppData;
}

static uint32_t page_crc(const uint8_t *page, uint32_t n, uint32_t no)
{
	const uint8_t where[4] = { (uint8_t)no, (uint8_t)(no >> 8), (uint8_t)(no >> 16), (uint8_t)(no >> 24) };

	return crc32c(crc32c(0, page, n - PAGES_RESERVED), where, sizeof(where));
}

/* CRC-32C of the page and its number, little-endian; then 4 bytes that say so. */
static void put_sum(uint8_t *page, uint32_t n, uint32_t no)
{
	uint32_t crc = page_crc(page, n, no);
	const uint8_t sum[PAGES_RESERVED] = {
		(uint8_t)crc, (uint8_t)(crc >> 8), (uint8_t)(crc >> 16), (uint8_t)(crc >> 24), 'c', 'r', 'c', '1'
	};

	memcpy(page + n - PAGES_RESERVED, sum, sizeof(sum));
}

bool pages_good(const uint8_t *page, uint32_t n, uint32_t no)
{
	uint32_t crc = page_crc(page, n, no);
	const uint8_t *sum = page + n - PAGES_RESERVED;

	if (MUTANT(9))
		return true;
	return ((uint32_t)sum[0] | (uint32_t)sum[1] << 8 | (uint32_t)sum[2] << 16 | (uint32_t)sum[3] << 24) == crc &&
	       memcmp(sum + 4, "crc1", 4) == 0;
}

uint32_t pages_size(const uint8_t *header)
{
	bool ours = (header[16] << 8 | header[17]) == PAGES_SIZE && header[20] == PAGES_RESERVED;

	return ours ? PAGES_SIZE : 0;
}

static void learn(struct pages_file *f, const uint8_t *header)
{
	f->page = pages_size(header);
	f->known = true;
}

/* What is not known yet when another connection has made the file since this one was opened. */
static void ask(struct pages_file *f)
{
	sqlite3_file *real = real_of(&f->base);
	uint8_t header[HEADER];

	if (!f->known && real->pMethods->xRead(real, header, HEADER, 0) == SQLITE_OK)
		learn(f, header);
}

static bool whole_page(const struct pages_file *f, int n, sqlite3_int64 at)
{
	return f->page && (uint32_t)n == f->page && at % n == 0;
}

static uint32_t number_of(int n, sqlite3_int64 at)
{
	return (uint32_t)(at / n + 1);
}

static int f_read(sqlite3_file *file, void *p, int n, sqlite3_int64 at)
{
	struct pages_file *f = (struct pages_file *)(void *)file;
	sqlite3_file *real = real_of(file);
	int rc = real->pMethods->xRead(real, p, n, at);

	if (rc != SQLITE_OK)
		return rc;
	if (at == 0 && n >= HEADER)
		learn(f, p);
	ask(f);
	if (whole_page(f, n, at) && !pages_good(p, (uint32_t)n, number_of(n, at)))
		return SQLITE_IOERR_DATA;
	return SQLITE_OK;
}

static int f_write(sqlite3_file *file, const void *p, int n, sqlite3_int64 at)
{
	struct pages_file *f = (struct pages_file *)(void *)file;
	sqlite3_file *real = real_of(file);
	uint8_t page[PAGES_SIZE];

	if (at == 0 && n >= HEADER)
		learn(f, p);
	ask(f);
	if (!whole_page(f, n, at))
		return real->pMethods->xWrite(real, p, n, at);
	must(n == PAGES_SIZE); /* pages_size() knows no other */
	memcpy(page, p, sizeof(page));
	put_sum(page, (uint32_t)n, number_of(n, at));
	return real->pMethods->xWrite(real, page, n, at);
}

/* The rest is handed through. */

static int f_close(sqlite3_file *f)
{
	return real_of(f)->pMethods->xClose(real_of(f));
}

static int f_truncate(sqlite3_file *f, sqlite3_int64 n)
{
	return real_of(f)->pMethods->xTruncate(real_of(f), n);
}

static int f_sync(sqlite3_file *f, int flags)
{
	return real_of(f)->pMethods->xSync(real_of(f), flags);
}

static int f_size(sqlite3_file *f, sqlite3_int64 *ret)
{
	return real_of(f)->pMethods->xFileSize(real_of(f), ret);
}

static int f_lock(sqlite3_file *f, int how)
{
	return real_of(f)->pMethods->xLock(real_of(f), how);
}

static int f_unlock(sqlite3_file *f, int how)
{
	return real_of(f)->pMethods->xUnlock(real_of(f), how);
}

static int f_reserved(sqlite3_file *f, int *ret)
{
	return real_of(f)->pMethods->xCheckReservedLock(real_of(f), ret);
}

static int f_control(sqlite3_file *f, int op, void *arg)
{
	return real_of(f)->pMethods->xFileControl(real_of(f), op, arg);
}

static int f_sector(sqlite3_file *f)
{
	return real_of(f)->pMethods->xSectorSize(real_of(f));
}

static int f_device(sqlite3_file *f)
{
	return real_of(f)->pMethods->xDeviceCharacteristics(real_of(f));
}

static int f_shm_map(sqlite3_file *f, int page, int n, int extend, void volatile **ret)
{
	return real_of(f)->pMethods->xShmMap(real_of(f), page, n, extend, ret);
}

static int f_shm_lock(sqlite3_file *f, int at, int n, int flags)
{
	return real_of(f)->pMethods->xShmLock(real_of(f), at, n, flags);
}

static void f_shm_barrier(sqlite3_file *f)
{
	real_of(f)->pMethods->xShmBarrier(real_of(f));
}

static int f_shm_unmap(sqlite3_file *f, int remove)
{
	return real_of(f)->pMethods->xShmUnmap(real_of(f), remove);
}

/* Version 2: pages cannot be mapped past the check. */
static const sqlite3_io_methods methods = {
	.iVersion = 2,
	.xClose = f_close,
	.xRead = f_read,
	.xWrite = f_write,
	.xTruncate = f_truncate,
	.xSync = f_sync,
	.xFileSize = f_size,
	.xLock = f_lock,
	.xUnlock = f_unlock,
	.xCheckReservedLock = f_reserved,
	.xFileControl = f_control,
	.xSectorSize = f_sector,
	.xDeviceCharacteristics = f_device,
	.xShmMap = f_shm_map,
	.xShmLock = f_shm_lock,
	.xShmBarrier = f_shm_barrier,
	.xShmUnmap = f_shm_unmap,
};

static int v_open(sqlite3_vfs *v, const char *name, sqlite3_file *file, int flags, int *ret_flags)
{
	struct pages_file *f = (struct pages_file *)(void *)file;
	int rc;

	if (!(flags & SQLITE_OPEN_MAIN_DB)) /* the WAL, temporary files */
		return real_vfs(v)->xOpen(real_vfs(v), name, file, flags, ret_flags);
	*f = (struct pages_file){ 0 };
	rc = real_vfs(v)->xOpen(real_vfs(v), name, real_of(file), flags, ret_flags);
	if (real_of(file)->pMethods)
		file->pMethods = &methods;
	return rc;
}

static int v_delete(sqlite3_vfs *v, const char *name, int sync_dir)
{
	return real_vfs(v)->xDelete(real_vfs(v), name, sync_dir);
}

static int v_access(sqlite3_vfs *v, const char *name, int flags, int *ret)
{
	return real_vfs(v)->xAccess(real_vfs(v), name, flags, ret);
}

static int v_full(sqlite3_vfs *v, const char *name, int n, char *out)
{
	return real_vfs(v)->xFullPathname(real_vfs(v), name, n, out);
}

static int v_random(sqlite3_vfs *v, int n, char *out)
{
	return real_vfs(v)->xRandomness(real_vfs(v), n, out);
}

static int v_sleep(sqlite3_vfs *v, int us)
{
	return real_vfs(v)->xSleep(real_vfs(v), us);
}

static int v_time(sqlite3_vfs *v, double *ret)
{
	return real_vfs(v)->xCurrentTime(real_vfs(v), ret);
}

static int v_error(sqlite3_vfs *v, int n, char *out)
{
	return real_vfs(v)->xGetLastError(real_vfs(v), n, out);
}

static int v_time64(sqlite3_vfs *v, sqlite3_int64 *ret)
{
	return real_vfs(v)->xCurrentTimeInt64(real_vfs(v), ret);
}

static sqlite3_vfs vfs = {
	.iVersion = 2,
	.zName = VFS_NAME,
	.xOpen = v_open,
	.xDelete = v_delete,
	.xAccess = v_access,
	.xFullPathname = v_full,
	.xRandomness = v_random,
	.xSleep = v_sleep,
	.xCurrentTime = v_time,
	.xGetLastError = v_error,
	.xCurrentTimeInt64 = v_time64,
};

static void start(void)
{
	sqlite3_vfs *real = sqlite3_vfs_find(NULL);

	must(real && real->iVersion >= 2);
	vfs.pAppData = real;
	vfs.mxPathname = real->mxPathname;
	vfs.szOsFile = real->szOsFile + (int)sizeof(struct pages_file);
	must(sqlite3_vfs_register(&vfs, 0) == SQLITE_OK);
}

const char *pages_vfs(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, start);
	return VFS_NAME;
}
