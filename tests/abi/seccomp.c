/* SPDX-License-Identifier: MIT */
/*
 * seccomp(2): which filters are accepted, what each verdict does, who gets the filters. Each part runs in a child, and how
 * that ended is printed.
 */
#include "seccomp.h"
#include <linux/audit.h>
#include <pthread.h>
#include <signal.h>

/* Our lines of a status file. */
static void show_status(const char *path)
{
	char line[200];
	FILE *f = fopen(path, "r");

	while (f && fgets(line, sizeof(line), f)) {
		if (strncmp(line, "NoNew", 5) == 0 || strncmp(line, "Seccomp", 7) == 0)
			fputs(line, stdout);
	}
	if (f)
		fclose(f);
}

/* --- the calls --- */

static void errors(void)
{
	struct sock_filter good[] = {GIVE(ALLOW)};
	struct sock_fprog prog = {.len = 1, .filter = good}, none = {.len = 0, .filter = good},
			  null = {.len = 1}, large = {.len = BPF_MAXINSNS + 1, .filter = good},
			  bad = {.len = 1, .filter = (void *)16}, *nowhere = (void *)8;
	const unsigned actions[] = {SECCOMP_RET_KILL_PROCESS,
				    SECCOMP_RET_KILL_THREAD,
				    SECCOMP_RET_TRAP,
				    SECCOMP_RET_ERRNO,
				    SECCOMP_RET_TRACE,
				    SECCOMP_RET_LOG,
				    SECCOMP_RET_ALLOW,
				    SECCOMP_RET_USER_NOTIF,
				    1,
				    0x7ffe0000,
				    0x80000001};
	struct seccomp_notif_sizes sizes = {0};

	R(prctl(PR_GET_SECCOMP, 0, 0, 0, 0));
	R(prctl(PR_SET_SECCOMP, 0, 0, 0, 0));
	R(prctl(PR_SET_SECCOMP, 3, &prog, 0, 0));
	R(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, 0, 0, 0));
	R(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, nowhere, 0, 0));
	R(syscall(SYS_seccomp, 4, 0, 0));
	R(syscall(SYS_seccomp, -1, 0, 0));
	R(syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 1, 0));
	R(syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, &prog));
	R(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 64, &prog));
	R(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, -1, &prog));
	R(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, 0));
	R(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, nowhere));
	R(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &none));
	R(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &null));
	R(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &large));
	R(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &bad));
	R(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, 0));
	R(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_LOG, 0));
	R(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, 0));
	R(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 16, 0));
	R(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 32, 0));
	R(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 1 | 8, 0));
	for (size_t i = 0; i < COUNT(actions); i++)
		R(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &actions[i]));
	R(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 1, &actions[0]));
	R(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, 0));
	R(syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes));
	R(sizes.seccomp_notif);
	R(sizes.seccomp_notif_resp);
	R(sizes.seccomp_data);
	R(syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, 0));
	R(syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 1, &sizes));
	R(prctl(PR_GET_SECCOMP, 0, 0, 0, 0));
	R(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog, 0, 0));
	R(prctl(PR_GET_SECCOMP, 0, 0, 0, 0));
	R(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT, 0, 0, 0));
	R(syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, 0));
	R(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog));
	show_status("/proc/self/status");
}

/* Who may: CAP_SYS_ADMIN, or who can gain nothing any more. The child has no_new_privs already, so its child asks. */
static void rights(void)
{
	struct sock_filter good[] = {GIVE(ALLOW)}, wrong[] = {BPF_STMT(0xff, 0)};
	struct sock_fprog prog = {.len = 1, .filter = good}, bad = {.len = 1, .filter = wrong},
			  none = {.len = 0, .filter = good}, null = {.len = 1};

	R(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog));
	R(setuid(1000));
	R(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog));
	R(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &bad));
	R(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &none));
	R(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &null));
	R(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog, 0, 0));
	R(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	R(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog));
	R(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &bad));
	R(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog, 0, 0));
}

/* --- verdicts --- */

static unsigned verdict;

static void give_verdict(void)
{
	R(REFUSE(SYS_getppid, verdict));
	long result = syscall(SYS_getppid);

	printf("result %d\n", result == -1 ? errno : result == 0 ? 0 : -1);
}

static pid_t other_tid; /* 0: not yet known */

/* A thread that the kernel ends tells its library nothing, so it cannot be joined. */
static void await_end(void)
{
	pid_t tid;

	while ((tid = __atomic_load_n(&other_tid, __ATOMIC_ACQUIRE)) == 0)
		usleep(1000);
	while (syscall(SYS_tgkill, getpid(), tid, 0) == 0)
		usleep(1000);
	printf("it has ended\n");
}

static void *thread_makes_call(void *arg)
{
	__atomic_store_n(&other_tid, (pid_t)syscall(SYS_gettid), __ATOMIC_RELEASE);
	syscall(SYS_getppid);
	return arg;
}

static void in_thread(void)
{
	pthread_t t;

	R(REFUSE(SYS_getppid, verdict));
	fflush(stdout);
	pthread_create(&t, NULL, thread_makes_call, NULL);
	await_end();
}

static void verdicts(void)
{
	const unsigned all[] = {SECCOMP_RET_KILL_PROCESS,
				SECCOMP_RET_KILL_THREAD,
				SECCOMP_RET_KILL_THREAD | 7,
				SECCOMP_RET_TRAP,
				SECCOMP_RET_ERRNO,
				SECCOMP_RET_ERRNO | ENOTSOCK,
				SECCOMP_RET_TRACE | 3,
				SECCOMP_RET_LOG,
				SECCOMP_RET_USER_NOTIF,
				0x10000,
				0x7fffffff,
				0x40000000,
				0x80010000,
				0xffffffff};

	for (size_t i = 0; i < COUNT(all); i++) {
		verdict = all[i];
		printf("verdict %x\n", verdict);
		CHILD(give_verdict);
	}
	verdict = SECCOMP_RET_KILL_PROCESS;
	CHILD(in_thread);
	verdict = SECCOMP_RET_KILL_THREAD;
	CHILD(in_thread);
}

static void large_errors(void)
{
	const unsigned data[] = {1, 4094, 4095, 4096, 65535};

	for (size_t i = 0; i < COUNT(data); i++) {
		const unsigned call[] = {SYS_getppid, SYS_getpgrp, SYS_getuid, SYS_geteuid, SYS_getgid};
		long result;

		R(REFUSE(call[i], SECCOMP_RET_ERRNO | data[i]));
		asm volatile("syscall" : "=a"(result) : "0"((long)call[i]) : "rcx", "r11", "memory");
		printf("%u: %ld\n", data[i], result);
	}
}

static unsigned long called_from, after_call;

static void on_sys(int signo, siginfo_t *info, void *context)
{
	const ucontext_t *uc = context;

	printf("signal %d code %d errno %d syscall %d arch %x\n", signo, info->si_code, info->si_errno,
	       info->si_syscall, info->si_arch);
	called_from = (unsigned long)info->si_call_addr;
	HOLDS(called_from == (unsigned long)uc->uc_mcontext.gregs[REG_RIP]);
	printf("rax %lld rdi %lld\n", uc->uc_mcontext.gregs[REG_RAX], uc->uc_mcontext.gregs[REG_RDI]);
	((ucontext_t *)context)->uc_mcontext.gregs[REG_RAX] = 4321;
}

static void trapped(void)
{
	struct sigaction sa = {.sa_sigaction = on_sys, .sa_flags = SA_SIGINFO};
	long result;
	sigset_t set;

	R(REFUSE(SYS_getppid, SECCOMP_RET_TRAP | 0x1234));
	R(sigaction(SIGSYS, &sa, NULL));
	asm volatile("syscall; 1: lea 1b(%%rip), %%rdx"
		     : "=a"(result), "=d"(after_call)
		     : "0"((long)SYS_getppid), "D"(99l)
		     : "rcx", "r11", "memory");
	R(result);
	HOLDS(after_call == called_from);
	fflush(stdout);
	/* Blocked: it kills all the same. */
	sigemptyset(&set);
	sigaddset(&set, SIGSYS);
	sigprocmask(SIG_BLOCK, &set, NULL);
	syscall(SYS_getppid);
	printf("still here\n");
}

static void trapped_ignored(void)
{
	R(REFUSE(SYS_getppid, SECCOMP_RET_TRAP));
	signal(SIGSYS, SIG_IGN);
	fflush(stdout);
	syscall(SYS_getppid);
	printf("still here\n");
}

/* All filters are asked; the strictest verdict counts, and of equal ones the newest filter's. */
static void several(void)
{
	R(REFUSE(SYS_getppid, SECCOMP_RET_ERRNO | 5));
	R(REFUSE(SYS_getppid, SECCOMP_RET_ERRNO | 6));
	R(syscall(SYS_getppid));
	R(REFUSE(SYS_getppid, SECCOMP_RET_LOG));
	R(syscall(SYS_getppid));
	R(REFUSE(SYS_getppid, SECCOMP_RET_TRACE));
	R(syscall(SYS_getppid));
	R(REFUSE(SYS_getppid, SECCOMP_RET_ERRNO | 7));
	R(syscall(SYS_getppid));
	R(REFUSE(SYS_seccomp, SECCOMP_RET_ERRNO | ENOLCK));
	R(REFUSE(SYS_getppid, SECCOMP_RET_ERRNO | 8) == -1 && errno == ENOLCK);
	R(REFUSE(-1, SECCOMP_RET_ERRNO | 8) == -1 && errno == ENOLCK);
	show_status("/proc/self/status");
	R(prctl(PR_GET_SECCOMP, 0, 0, 0, 0));
}

static void numbers(void)
{
	R(REFUSE((unsigned)-1, SECCOMP_RET_ERRNO | 5));
	R(REFUSE(5000, SECCOMP_RET_ERRNO | 9));
	R(syscall(-1));
	R(syscall(5000));
	R(syscall(5001));
}

/* A signal does not start a refused call again. */
static void interrupted(void)
{
	long result;

	R(REFUSE(SYS_pause, SECCOMP_RET_ERRNO | EINTR));
	R(REFUSE(SYS_getppid, SECCOMP_RET_ERRNO));
	asm volatile("syscall" : "=a"(result) : "0"((long)SYS_pause) : "rcx", "r11", "memory");
	R(result);
	R(syscall(SYS_getppid));
}

/* --- who has them --- */

static void inherited(void)
{
	int status;

	R(REFUSE(SYS_getppid, SECCOMP_RET_ERRNO | 5));
	fflush(stdout);
	if (fork() == 0) {
		R(syscall(SYS_getppid));
		R(REFUSE(SYS_getpgrp, SECCOMP_RET_ERRNO | 6));
		R(syscall(SYS_getpgrp));
		show_status("/proc/self/status");
		fflush(stdout);
		_exit(0);
	}
	wait(&status);
	R(syscall(SYS_getpgrp) > 0);
	show_status("/proc/self/status");
	fflush(stdout);
	char *argv[] = {"seccomp", "after", NULL}, *envp[] = {NULL};
	execve("/proc/self/exe", argv, envp);
	printf("no exec: %s\n", abi_error(errno));
}

static pthread_barrier_t barrier;
static int other_adds;

static void *other_thread(void *arg)
{
	other_tid = (pid_t)syscall(SYS_gettid);
	if (other_adds)
		REFUSE(SYS_getuid, SECCOMP_RET_ERRNO | 9);
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	errno = 0;
	printf("other: getppid %d, getpgrp %d, getuid %d\n", (int)(syscall(SYS_getppid) != -1),
	       (int)(syscall(SYS_getpgrp) != -1), (int)(syscall(SYS_getuid) != (unsigned)-1 && errno != 9));
	show_status("/proc/thread-self/status");
	return arg;
}

static void thread_part(unsigned how, int adds)
{
	pthread_t t;
	long result;

	other_adds = adds;
	R(REFUSE(SYS_getppid, SECCOMP_RET_ERRNO | 5));
	pthread_barrier_init(&barrier, NULL, 2);
	pthread_create(&t, NULL, other_thread, NULL);
	pthread_barrier_wait(&barrier);
	R(REFUSE(SYS_getegid, SECCOMP_RET_ERRNO | 1));
	flags = how;
	errno = 0;
	result = REFUSE(SYS_getpgrp, SECCOMP_RET_ERRNO | 6);
	printf("sync: %s, %s\n",
	       result == other_tid ? "its number"
	       : result == 0	   ? "0"
				   : "-1",
	       abi_error(errno));
	R(syscall(SYS_getpgrp) > 0);
	flags = 0;
	pthread_barrier_wait(&barrier);
	pthread_join(t, NULL);
	show_status("/proc/self/status");
}

static void threads_apart(void)
{
	thread_part(0, 0);
}

static void threads_synchronised(void)
{
	thread_part(SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_LOG, 0);
}

static void threads_diverged(void)
{
	thread_part(SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_SPEC_ALLOW, 1);
}

static void threads_diverged_esrch(void)
{
	thread_part(SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH, 1);
}

static void limit(void)
{
	static struct sock_filter code[BPF_MAXINSNS];
	struct sock_fprog prog = {.len = BPF_MAXINSNS, .filter = code};
	long result = 0;
	int count = 0;

	for (int i = 0; i < BPF_MAXINSNS; i++)
		code[i] = (struct sock_filter)GIVE(ALLOW);
	while (count < 100 && (result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog)) == 0)
		count++;
	printf("%s, %s\n", count > 1 && count < 20 ? "some" : "other", result ? abi_error(errno) : "no end");
	count = 0;
	while (count < 100000 && FILTER(GIVE(ALLOW)) == 0)
		count++;
	printf("%s, %s\n", count < 10000 ? "some" : "many", abi_error(errno));
}

/* --- strict --- */

static void strict(void)
{
	int fds[2], right = 0;
	char c = 0;

	R(pipe(fds));
	fflush(stdout);
	right += syscall(SYS_prctl, PR_SET_SECCOMP, SECCOMP_MODE_STRICT, 0, 0, 0) == 0;
	right += syscall(SYS_write, fds[1], "x", 1) == 1;
	right += syscall(SYS_read, fds[0], &c, 1) == 1 && c == 'x';
	syscall(SYS_exit, 10 + right);
}

static void strict_getpid(void)
{
	syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, 0);
	syscall(SYS_getpid);
	syscall(SYS_exit, 4);
}

static void strict_exit_group(void)
{
	syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, 0);
	syscall(SYS_exit_group, 5);
}

static void *strict_thread(void *arg)
{
	__atomic_store_n(&other_tid, (pid_t)syscall(SYS_gettid), __ATOMIC_RELEASE);
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
	syscall(SYS_getpid);
	return arg;
}

/* Only the thread goes. */
static void strict_in_thread(void)
{
	pthread_t t;

	pthread_create(&t, NULL, strict_thread, NULL);
	await_end();
	R(prctl(PR_GET_SECCOMP, 0, 0, 0, 0));
}

/* --- settings --- */

static void settings(void)
{
	const char *const path = "/proc/sys/kernel/seccomp/actions_logged";
	struct stat st;

	abi_show_file("/proc/sys/kernel/seccomp/actions_avail");
	R(stat("/proc/sys/kernel/seccomp/actions_avail", &st));
	R(st.st_mode);
	R(stat(path, &st));
	R(st.st_mode);
}

int main(int argc, char **argv)
{
	int status;

	if (argc > 1) {
		printf("after exec: %s\n", argv[1]);
		R(syscall(SYS_getppid));
		show_status("/proc/self/status");
		return 0;
	}
	CHILD(errors);
	fflush(stdout);
	if (fork() == 0) {
		rights();
		fflush(stdout);
		_exit(0);
	}
	wait(&status);
	verdicts();
	CHILD(large_errors);
	CHILD(trapped);
	CHILD(trapped_ignored);
	CHILD(several);
	CHILD(numbers);
	CHILD(interrupted);
	CHILD(inherited);
	CHILD(threads_apart);
	CHILD(threads_synchronised);
	CHILD(threads_diverged);
	CHILD(threads_diverged_esrch);
	CHILD(limit);
	CHILD(strict);
	CHILD(strict_getpid);
	CHILD(strict_exit_group);
	CHILD(strict_in_thread);
	settings();
	return 0;
}
