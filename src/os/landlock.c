/* SPDX-License-Identifier: Apache-2.0 */
/* landlock: rulesets by raw system calls. */
#include "os/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The kernel's numbers, from include/uapi/linux/landlock.h: the installed header may be older than the kernel. */
#define LL_EXECUTE (1ULL << 0)
#define LL_WRITE_FILE (1ULL << 1)
#define LL_READ_FILE (1ULL << 2)
#define LL_READ_DIR (1ULL << 3)
#define LL_REMOVE_DIR (1ULL << 4)
#define LL_REMOVE_FILE (1ULL << 5)
#define LL_MAKE_DIR (1ULL << 7)
#define LL_MAKE_REG (1ULL << 8)
#define LL_MAKE_SYM (1ULL << 12)
#define LL_ABI1 ((1ULL << 13) - 1)
#define LL_REFER (1ULL << 13)     /* ABI 2 */
#define LL_TRUNCATE (1ULL << 14)  /* ABI 3 */
#define LL_TCP 3ULL               /* ABI 4: bind, connect */
#define LL_IOCTL_DEV (1ULL << 15) /* ABI 5 */
#define LL_VERSION 1U
#define LL_PATH_BENEATH 1
#define LL_OF_FILES (LL_EXECUTE | LL_WRITE_FILE | LL_READ_FILE | LL_TRUNCATE)

struct ll_ruleset {
	uint64_t fs, net;
};
struct ll_path {
	uint64_t allowed;
	int32_t fd;
} __attribute__((packed));

static uint64_t rights(unsigned access, int abi)
{
	uint64_t r = 0;

	if (access & LANDLOCK_READ)
		r |= LL_READ_FILE | LL_READ_DIR;
	if (access & LANDLOCK_EXECUTE)
		r |= LL_EXECUTE;
	if (access & LANDLOCK_WRITE)
		r |= LL_WRITE_FILE | LL_REMOVE_FILE | LL_REMOVE_DIR | LL_MAKE_DIR | LL_MAKE_REG | LL_MAKE_SYM |
		     (abi >= 2 ? LL_REFER : 0) | (abi >= 3 ? LL_TRUNCATE : 0);
	return r;
}

static int add_rule(int ruleset, const struct landlock_rule *rule, int abi, struct err *e)
{
	struct ll_path p = { .allowed = rights(rule->access, abi), .fd = open(rule->path, O_PATH | O_CLOEXEC) };
	struct stat st;
	long r;

	if (p.fd < 0 && rule->optional)
		return 0;
	if (p.fd < 0)
		return err_sys(e, errno == ENOENT ? ERR_NOENT : ERR_IO, "cannot open a file of the job");
	if (fstat(p.fd, &st) == 0 && !S_ISDIR(st.st_mode))
		p.allowed &= LL_OF_FILES;
	r = syscall(SYS_landlock_add_rule, ruleset, LL_PATH_BENEATH, &p, 0U);
	(void)close(p.fd);
	return r < 0 ? err_sys(e, ERR_INTERNAL, "landlock rule") : 0;
}

int landlock_ruleset(const struct landlock_rule *rules, size_t n, bool tcp, int *ret_fd, int *ret_abi, struct err *e)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, LL_VERSION);
	struct ll_ruleset set = { .fs = LL_ABI1 };
	int fd, r = 0;

	*ret_fd = -1;
	*ret_abi = abi < 0 ? 0 : (int)abi;
	if (abi <= 0)
		return 0;
	set.fs |= (abi >= 2 ? LL_REFER : 0) | (abi >= 3 ? LL_TRUNCATE : 0) | (abi >= 5 ? LL_IOCTL_DEV : 0);
	set.net = abi >= 4 && !tcp ? LL_TCP : 0;
	fd = (int)syscall(SYS_landlock_create_ruleset, &set, abi >= 4 ? sizeof(set) : sizeof(set.fs), 0U);
	if (fd < 0)
		return err_sys(e, ERR_INTERNAL, "landlock ruleset");
	for (size_t i = 0; i < n && r == 0; i++)
		r = add_rule(fd, &rules[i], (int)abi, e);
	if (r < 0) {
		(void)close(fd);
		return r;
	}
	*ret_fd = fd;
	return 0;
}

bool landlock_enter(int fd)
{
	return syscall(SYS_landlock_restrict_self, fd, 0U) == 0;
}
