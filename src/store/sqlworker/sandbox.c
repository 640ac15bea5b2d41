// SPDX-License-Identifier: Apache-2.0
/* Landlock and seccomp by their raw system calls: the C library has no wrappers for them. */
#include "store/sqlworker/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/prctl.h>
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
#define LL_ABI1 ((1ULL << 13) - 1)
#define LL_REFER (1ULL << 13)     /* ABI 2 */
#define LL_TRUNCATE (1ULL << 14)  /* ABI 3 */
#define LL_TCP 3ULL               /* ABI 4: bind, connect */
#define LL_IOCTL_DEV (1ULL << 15) /* ABI 5 */
#define LL_VERSION 1U
#define LL_PATH_BENEATH 1

struct ll_ruleset {
	uint64_t fs, net;
};
struct ll_path {
	uint64_t allowed;
	int32_t fd;
} __attribute__((packed));

static int add_path(int ruleset, const char *path, uint64_t allowed, bool optional, struct err *e)
{
	struct ll_path rule = { .allowed = allowed, .fd = open(path, O_PATH | O_CLOEXEC) };
	long r;

	if (rule.fd < 0)
		return optional ? 0
				: err_sys(e, errno == ENOENT ? ERR_NOENT : ERR_IO,
					  "cannot open a file of the job");
	r = syscall(SYS_landlock_add_rule, ruleset, LL_PATH_BENEATH, &rule, 0U);
	(void)close(rule.fd);
	return r < 0 ? err_sys(e, ERR_INTERNAL, "landlock rule") : 0;
}

static int add_paths(int ruleset, const struct sandbox *s, int abi, struct err *e)
{
	/* What the engine reads of the system while it runs; it aborts where it may look but not read. */
	static const char *const files[] = { "/proc/self", "/sys/fs/cgroup",
					     "/sys/devices/system/cpu" };
	uint64_t work = LL_WRITE_FILE | LL_READ_FILE | LL_READ_DIR | LL_REMOVE_FILE |
			LL_REMOVE_DIR | LL_MAKE_DIR | LL_MAKE_REG | (abi >= 3 ? LL_TRUNCATE : 0);
	int r = add_path(ruleset, "/dev/urandom", LL_READ_FILE, true, e);

	for (size_t i = 0; i < ARRAY_LEN(files) && r == 0; i++)
		r = add_path(ruleset, files[i], LL_READ_FILE | LL_READ_DIR, true, e);
	for (size_t i = 0; i < s->n_read && r == 0; i++)
		r = add_path(ruleset, s->read[i], LL_READ_FILE, false, e);
	for (size_t i = 0; i < s->n_write && r == 0; i++)
		r = add_path(ruleset, s->write[i], work, false, e);
	return r;
}

static int landlock(const struct sandbox *s, int *ret_abi, struct err *e)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, LL_VERSION);
	struct ll_ruleset rules = { .fs = LL_ABI1 };
	int fd, r;

	*ret_abi = abi < 0 ? 0 : (int)abi;
	if (abi <= 0)
		return 0;
	rules.fs |= (abi >= 2 ? LL_REFER : 0) | (abi >= 3 ? LL_TRUNCATE : 0) |
		    (abi >= 5 ? LL_IOCTL_DEV : 0);
	rules.net = abi >= 4 ? LL_TCP : 0;
	fd = (int)syscall(SYS_landlock_create_ruleset, &rules,
			  abi >= 4 ? sizeof(rules) : sizeof(rules.fs), 0U);
	if (fd < 0)
		return err_sys(e, ERR_INTERNAL, "landlock ruleset");
	r = add_paths(fd, s, (int)abi, e);
	if (r == 0 && syscall(SYS_landlock_restrict_self, fd, 0U) < 0)
		r = err_sys(e, ERR_INTERNAL, "landlock");
	(void)close(fd);
	return r;
}

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#else
#error "seccomp: architecture not known"
#endif

static const int denied[] = {
	SYS_socket,
	SYS_socketpair,
	SYS_connect,
	SYS_bind,
	SYS_listen,
	SYS_accept,
	SYS_accept4,
	SYS_sendto,
	SYS_sendmsg,
	SYS_execve,
	SYS_execveat,
	SYS_ptrace,
	SYS_mount,
	SYS_umount2,
	SYS_pivot_root,
	SYS_chroot,
	SYS_kexec_load,
	SYS_bpf,
	SYS_io_uring_setup,
	SYS_process_vm_readv,
	SYS_process_vm_writev,
	SYS_keyctl,
	SYS_add_key,
	SYS_request_key,
	SYS_userfaultfd,
	SYS_perf_event_open,
	SYS_unshare,
	SYS_setns,
	SYS_kill,
	SYS_pidfd_open,
	SYS_pidfd_getfd,
	SYS_pidfd_send_signal,
	SYS_init_module,
	SYS_finit_module,
	SYS_open_by_handle_at,
	SYS_personality,
	SYS_reboot,
	SYS_swapon,
	SYS_acct,
	SYS_setuid,
	SYS_setgid,
#ifdef SYS_fork
	SYS_fork,
	SYS_vfork,
#endif
};

#define JUMP(op, k, yes, no) \
	((struct sock_filter){ BPF_JMP | (op) | BPF_K, (yes), (no), (unsigned)(k) })
#define LOAD(off) ((struct sock_filter){ BPF_LD | BPF_W | BPF_ABS, 0, 0, (unsigned)(off) })
#define ANSWER(k) ((struct sock_filter){ BPF_RET | BPF_K, 0, 0, (unsigned)(k) })

static int seccomp(struct err *e)
{
	struct sock_filter f[ARRAY_LEN(denied) * 2 + 16];
	struct sock_fprog prog = { .filter = f };
	unsigned short n = 0;

	f[n++] = LOAD(offsetof(struct seccomp_data, arch));
	f[n++] = JUMP(BPF_JEQ, ARCH, 1, 0);
	f[n++] = ANSWER(SECCOMP_RET_KILL_PROCESS);
	f[n++] = LOAD(offsetof(struct seccomp_data, nr));
#if defined(__x86_64__)
	f[n++] = JUMP(BPF_JGE, 0x40000000, 0, 1); /* x32's numbers */
	f[n++] = ANSWER(SECCOMP_RET_KILL_PROCESS);
#endif
	for (size_t i = 0; i < ARRAY_LEN(denied); i++) {
		f[n++] = JUMP(BPF_JEQ, denied[i], 0, 1);
		f[n++] = ANSWER(SECCOMP_RET_ERRNO | EPERM);
	}
	/* Threads only: clone3's flags are out of reach, so the C library is sent back to clone. */
	f[n++] = JUMP(BPF_JEQ, SYS_clone3, 0, 1);
	f[n++] = ANSWER(SECCOMP_RET_ERRNO | ENOSYS);
	f[n++] = JUMP(BPF_JEQ, SYS_clone, 0, 3);
	f[n++] = LOAD(offsetof(struct seccomp_data, args[0]));
	f[n++] = JUMP(BPF_JSET, CLONE_THREAD, 1, 0);
	f[n++] = ANSWER(SECCOMP_RET_ERRNO | EPERM);
	f[n++] = ANSWER(SECCOMP_RET_ALLOW);
	prog.len = n;
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) < 0)
		return err_sys(e, ERR_INTERNAL, "seccomp");
	return 0;
}

int sandbox_enter(const struct sandbox *s, int *ret_landlock, struct err *e)
{
	int abi, r;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(e, ERR_INTERNAL, "no_new_privs");
	r = landlock(s, &abi, e);
	if (r == 0)
		r = seccomp(e);
	if (r == 0)
		*ret_landlock = abi;
	return r;
}
