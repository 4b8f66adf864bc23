/* SPDX-License-Identifier: MIT */
/*
 * Rows about processes: fork, vfork and exec, with little and with much memory resident, and the page faults
 * that a fork leaves behind. A child is made by the bare system call, so that the library's own work around
 * fork() is not part of the row.
 */
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "bench.h"

static void leave(void)
{
	for (;;)
		call3(SYS_exit_group, 0, 0, 0);
}

int reap(long pid)
{
	int status;
	long ret;

	do
		ret = syscall(SYS_wait4, pid, &status, 0, NULL);
	while (ret < 0 && errno == EINTR);
	if (ret < 0)
		return errno;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : EIO;
}

static int run_fork(struct sample *s, unsigned int count)
{
	int err = 0;

	start(s);
	for (unsigned int i = 0; i < count && !err; i++) {
		long pid = call3(SYS_fork, 0, 0, 0);

		if (pid == 0)
			leave();
		err = pid < 0 ? (int)-pid : reap(pid);
	}
	stop(s);
	return err;
}

/* `bytes` resident as `advice` says; aligned to a huge page. Unmap with drop_resident(). */
static char *make_resident(size_t bytes, int advice, char **base)
{
	char *p = mmap(NULL, bytes + 2 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	*base = p;
	p = (char *)(((uintptr_t)p + 2 * MIB - 1) & ~(2 * MIB - 1));
	madvise(p, bytes, advice);
	touch_pages(p, bytes / PAGE);
	return p;
}

/* Low bits of a row's argument, beside the size in MiB: what is timed, and in which pages. */
#define HUGE_PAGES	     1u
#define CALL_ONLY	     2u
#define RESIDENT(mib, flags) ((unsigned long)(mib) << 8 | (flags))

static int run_fork_resident(struct sample *s, unsigned int count)
{
	size_t bytes = (s->arg >> 8) * MIB;
	char *base;
	long pid;
	int err;

	(void)count;
	/* Asked first: filling memory is not worth it for a call that is not there. */
	if (call3(SYS_wait4, -1, 0, WNOHANG) == -ENOSYS)
		return ENOSYS;
	if (!make_resident(bytes, s->arg & HUGE_PAGES ? MADV_HUGEPAGE : MADV_NOHUGEPAGE, &base))
		return errno;
	start(s);
	pid = call3(SYS_fork, 0, 0, 0);
	if (pid == 0)
		leave();
	if (s->arg & CALL_ONLY)
		stop(s);
	err = pid < 0 ? (int)-pid : reap(pid);
	if (!(s->arg & CALL_ONLY))
		stop(s);
	munmap(base, bytes + 2 * MIB);
	return err;
}

static void become_self(void)
{
	static char word[] = "exit";
	char *argv[] = {(char *)(uintptr_t)own_path, word, NULL};
	char *env[] = {NULL};

	call3(SYS_execve, (long)own_path, (long)argv, (long)env);
	call3(SYS_exit_group, 127, 0, 0);
}

static int run_fork_exec(struct sample *s, unsigned int count)
{
	int err = 0;

	start(s);
	for (unsigned int i = 0; i < count && !err; i++) {
		long pid = call3(SYS_fork, 0, 0, 0);

		if (pid == 0)
			become_self();
		err = pid < 0 ? (int)-pid : reap(pid);
	}
	stop(s);
	return err;
}

static int run_vfork_exec(struct sample *s, unsigned int count)
{
	int err = 0;

	start(s);
	for (unsigned int i = 0; i < count && !err; i++) {
		pid_t pid = vfork();

		if (pid == 0)
			become_self();
		err = pid < 0 ? errno : reap(pid);
	}
	stop(s);
	return err;
}

/* Writes to pages that a living child shares: each is copied. */
static int run_cow_break(struct sample *s, unsigned int count)
{
	char *p = fresh_pages(count);
	long pid;

	if (!p)
		return errno;
	touch_pages(p, count);
	pid = call3(SYS_fork, 0, 0, 0);
	if (pid == 0) {
		for (;;)
			call3(SYS_pause, 0, 0, 0);
	}
	if (pid > 0) {
		start(s);
		touch_pages(p, count);
		stop(s);
		call3(SYS_kill, pid, SIGKILL, 0);
		reap(pid);
	}
	munmap(p, count * PAGE);
	return pid < 0 ? (int)-pid : 0;
}

/* Writes to pages whose other owner has gone: each is taken over, none copied. */
static int run_cow_reuse(struct sample *s, unsigned int count)
{
	char *p = fresh_pages(count);
	long pid;
	int err;

	if (!p)
		return errno;
	touch_pages(p, count);
	pid = call3(SYS_fork, 0, 0, 0);
	if (pid == 0)
		leave();
	err = pid < 0 ? (int)-pid : reap(pid);
	start(s);
	touch_pages(p, count);
	stop(s);
	munmap(p, count * PAGE);
	return err;
}

static const struct row rows[] = {
	{"fork+exit+wait", 20, run_fork, 0},
	{"fork+exec+wait", 20, run_fork_exec, 0},
	{"vfork+exec+wait", 20, run_vfork_exec, 0},
	{"COW break", 256, run_cow_break, 0},
	{"COW, other owner gone", 256, run_cow_reuse, 0},
	{"fork+exit+wait 256 MiB", 1, run_fork_resident, RESIDENT(256, 0)},
	{"fork call 256 MiB", 1, run_fork_resident, RESIDENT(256, CALL_ONLY)},
	{"fork+exit+wait 256 MiB huge", 1, run_fork_resident, RESIDENT(256, HUGE_PAGES)},
	{"fork call 256 MiB huge", 1, run_fork_resident, RESIDENT(256, HUGE_PAGES | CALL_ONLY)},
	{"fork call 1 GiB", 1, run_fork_resident, RESIDENT(1024, CALL_ONLY)},
};

const struct rows process_rows = {rows, sizeof(rows) / sizeof(rows[0])};
