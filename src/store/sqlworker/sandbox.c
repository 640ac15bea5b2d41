// SPDX-License-Identifier: Apache-2.0
/* sandbox: Landlock by os/landlock.h, seccomp by a filter of its own. */
#include "store/sqlworker/sandbox.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/macro.h"
#include "os/landlock.h"

/* What the engine reads of the system while it runs; it aborts where it may look but not read. */
static const char *const system_files[] = { "/proc/self", "/sys/fs/cgroup", "/sys/devices/system/cpu", "/dev/urandom" };

static int landlock(const struct sandbox *s, int *ret_abi, struct err *e)
{
	size_t n = 0, max = ARRAY_LEN(system_files) + s->n_read + s->n_write;
	struct landlock_rule *rules = calloc(max, sizeof(*rules));
	int fd, r;

	must(rules);
	for (size_t i = 0; i < ARRAY_LEN(system_files); i++)
		rules[n++] = (struct landlock_rule){ system_files[i], LANDLOCK_READ, true };
	for (size_t i = 0; i < s->n_read; i++)
		rules[n++] = (struct landlock_rule){ s->read[i], LANDLOCK_READ, false };
	for (size_t i = 0; i < s->n_write; i++)
		rules[n++] = (struct landlock_rule){ s->write[i], LANDLOCK_READ | LANDLOCK_WRITE, false };
	r = landlock_ruleset(rules, n, false, &fd, ret_abi, e);
	free(rules);
	if (r == 0 && fd >= 0 && !landlock_enter(fd))
		r = err_sys(e, ERR_INTERNAL, "landlock");
	if (fd >= 0)
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
