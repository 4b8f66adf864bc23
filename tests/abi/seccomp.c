/* SPDX-License-Identifier: MIT */
/*
 * seccomp(2): which filters are accepted, what each verdict does, who gets the filters. Each part runs in a child, and how
 * that ended is printed.
 */
#include "abi.h"
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define COUNT(a)    (sizeof(a) / sizeof((a)[0]))
#define ALLOW	    SECCOMP_RET_ALLOW
#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define GIVE(what)  BPF_STMT(BPF_RET | BPF_K, (what))
#define UNLESS(v)   BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (v), 0, 1)
#define FILTER(...)                                                               \
	({                                                                        \
		struct sock_filter code_[] = {__VA_ARGS__};                       \
		struct sock_fprog prog_ = {.len = COUNT(code_), .filter = code_}; \
		syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog_);     \
	})
/* One call gets a verdict, all others are allowed. */
#define REFUSE(nr_, what) FILTER(LOAD(nr), UNLESS(nr_), GIVE(what), GIVE(ALLOW))

static unsigned flags;

static void in_child(int line, const char *name, void (*fn)(void))
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		fn();
		fflush(stdout);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	printf("%d: %s: ", line, name);
	if (WIFEXITED(status))
		printf("exit %d\n", WEXITSTATUS(status));
	else
		printf("signal %d\n", WTERMSIG(status));
}
#define CHILD(fn) in_child(__LINE__, #fn, fn)

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

/* --- the language --- */

/* Every instruction there could be, where it does no harm. */
static void instructions(void)
{
	int count = 0;

	for (unsigned code = 0; code < 65536; code++) {
		if (code == (BPF_RET | BPF_K))
			continue;
		if (FILTER(BPF_STMT(BPF_LDX | BPF_IMM, 1), BPF_STMT(BPF_LD | BPF_IMM, ALLOW),
			   BPF_STMT(BPF_ST, 0), BPF_STMT((unsigned short)code, 0), GIVE(ALLOW)) == 0)
			printf("%x ", code), count++;
		else if (errno != EINVAL)
			printf("%x: %s\n", code, abi_error(errno));
		if (FILTER(BPF_STMT(BPF_LDX | BPF_IMM, 1), BPF_STMT(BPF_LD | BPF_IMM, ALLOW),
			   BPF_STMT(BPF_ST, 4), BPF_STMT((unsigned short)code, 4), GIVE(ALLOW)) == 0)
			printf("%x/4 ", code), count++;
		if (FILTER(BPF_STMT((unsigned short)code, 0)) == 0)
			printf("%x ends ", code), count++;
	}
	printf("%d\n", count);
}

static void operands(void)
{
	for (unsigned k = 0; k < 80; k++) {
		if (FILTER(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, k), GIVE(ALLOW)) == 0)
			printf("load %u\n", k);
		if (FILTER(BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, k), GIVE(ALLOW)) == 0)
			printf("shift %u\n", k);
		if (FILTER(BPF_STMT(BPF_ST, k), GIVE(ALLOW)) == 0)
			printf("store %u\n", k);
	}
	R(FILTER(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0xfffff000), GIVE(ALLOW)));
	R(FILTER(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0xfffffffc), GIVE(ALLOW)));
	R(FILTER(BPF_STMT(BPF_ST, 0xffffffff), GIVE(ALLOW)));
	R(FILTER(BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0), GIVE(ALLOW)));
	R(FILTER(BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 31), GIVE(ALLOW)));
	R(FILTER(BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 32), GIVE(ALLOW)));
	R(FILTER(BPF_STMT(BPF_LD | BPF_IMM, 3)));
	R(FILTER(GIVE(ALLOW), BPF_STMT(BPF_LD | BPF_IMM, 3)));
	/* Jumps. */
	R(FILTER(BPF_JUMP(BPF_JMP | BPF_JA, 0, 0, 0), GIVE(ALLOW)));
	R(FILTER(BPF_JUMP(BPF_JMP | BPF_JA, 1, 0, 0), GIVE(ALLOW)));
	R(FILTER(BPF_JUMP(BPF_JMP | BPF_JA, 0xffffffff, 0, 0), GIVE(ALLOW)));
	R(FILTER(BPF_JUMP(BPF_JMP | BPF_JA, 0xfffffffe, 0, 0), GIVE(ALLOW), GIVE(ALLOW)));
	R(FILTER(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1), GIVE(ALLOW)));
	R(FILTER(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0), GIVE(ALLOW)));
	R(FILTER(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 1), GIVE(ALLOW), GIVE(ALLOW)));
	R(FILTER(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 255, 255), GIVE(ALLOW), GIVE(ALLOW)));
	/* Memory is written before it is read, whichever way the program goes. */
	R(FILTER(BPF_STMT(BPF_LD | BPF_MEM, 0), GIVE(ALLOW)));
	R(FILTER(BPF_STMT(BPF_LDX | BPF_MEM, 15), GIVE(ALLOW)));
	R(FILTER(BPF_STMT(BPF_ST, 15), BPF_STMT(BPF_LDX | BPF_MEM, 15), GIVE(ALLOW)));
	R(FILTER(BPF_STMT(BPF_STX, 2), BPF_STMT(BPF_LD | BPF_MEM, 2), GIVE(ALLOW)));
	R(FILTER(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1), BPF_STMT(BPF_ST, 1),
		 BPF_STMT(BPF_LD | BPF_MEM, 1), GIVE(ALLOW)));
	R(FILTER(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 2), BPF_STMT(BPF_ST, 1),
		 BPF_STMT(BPF_JMP | BPF_JA, 1), BPF_STMT(BPF_STX, 1), BPF_STMT(BPF_LD | BPF_MEM, 1),
		 GIVE(ALLOW)));
	R(FILTER(BPF_STMT(BPF_JMP | BPF_JA, 1), BPF_STMT(BPF_ST, 1), BPF_STMT(BPF_LD | BPF_MEM, 1),
		 GIVE(ALLOW)));
	R(FILTER(GIVE(ALLOW), BPF_STMT(BPF_LD | BPF_MEM, 1), GIVE(ALLOW)));
}

/* One program, for one call, answers with what it computes as the call's error. */
#define ANSWER(...)                                                                                       \
	show_answer(FILTER(LOAD(nr), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 1, 0), GIVE(ALLOW), \
			   __VA_ARGS__, BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xfff),                       \
			   BPF_STMT(BPF_ALU | BPF_OR | BPF_K, SECCOMP_RET_ERRNO),                         \
			   BPF_STMT(BPF_RET | BPF_A, 0)));                                                \
	return
#define A(op, k)	 BPF_STMT(BPF_ALU | (op) | BPF_K, (k))
#define AX(op)		 BPF_STMT(BPF_ALU | (op) | BPF_X, 0)
#define SET(v)		 BPF_STMT(BPF_LD | BPF_IMM, (v))
#define SETX(v)		 BPF_STMT(BPF_LDX | BPF_IMM, (v))
#define TEST(op, k, yes) BPF_JUMP(BPF_JMP | (op), (k), 0, 1), SET(yes)

static int which;

static void show_answer(long accepted)
{
	long result = syscall(SYS_getppid, 0x1122334455667788, 2, 3, 4, 5, 0xabc);

	printf("%d: accepted %ld, answer %d\n", which, accepted, result == -1 ? errno : 0);
}

static void answer(void)
{
	switch (which) {
	case 0:
		ANSWER(SET(7), A(BPF_ADD, 0xfffffffe));
	case 1:
		ANSWER(SET(7), A(BPF_SUB, 3));
	case 2:
		ANSWER(SET(7), A(BPF_MUL, 300));
	case 3:
		ANSWER(SET(0xffffffff), A(BPF_DIV, 0x100000));
	case 4:
		ANSWER(SET(0xf5), A(BPF_XOR, 0xff));
	case 5:
		ANSWER(SET(5), BPF_STMT(BPF_ALU | BPF_NEG, 0));
	case 6:
		ANSWER(SET(1), SETX(33), AX(BPF_LSH));
	case 7:
		ANSWER(SET(0x80000000), SETX(31), AX(BPF_RSH));
	case 8:
		ANSWER(SET(100), SETX(7), AX(BPF_DIV));
	case 9:
		ANSWER(SET(100), SETX(7), AX(BPF_SUB));
	case 10:
		ANSWER(SET(100), SETX(0), AX(BPF_DIV));
	case 11:
		ANSWER(BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0));
	case 12:
		ANSWER(BPF_STMT(BPF_LDX | BPF_W | BPF_LEN, 0), BPF_STMT(BPF_MISC | BPF_TXA, 0));
	case 13:
		ANSWER(LOAD(args[0]), A(BPF_RSH, 20));
	case 14:
		ANSWER(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args) + 4),
		       A(BPF_RSH, 20));
	case 15:
		ANSWER(LOAD(args[5]));
	case 16:
		ANSWER(LOAD(args[1]), BPF_STMT(BPF_MISC | BPF_TAX, 0), LOAD(args[2]), AX(BPF_MUL));
	case 17:
		ANSWER(LOAD(arch), A(BPF_RSH, 28));
	case 18:
		ANSWER(LOAD(arch), A(BPF_AND, 0xfff));
	case 19:
		ANSWER(SET(9), TEST(BPF_JGT, 8, 1), A(BPF_ADD, 0));
	case 20:
		ANSWER(SET(9), TEST(BPF_JGT, 9, 1), A(BPF_ADD, 0));
	case 21:
		ANSWER(SET(9), TEST(BPF_JGE, 9, 1), A(BPF_ADD, 0));
	case 22:
		ANSWER(SET(0x80000000), TEST(BPF_JGT, 1, 1), A(BPF_RSH, 4));
	case 23:
		ANSWER(SET(6), TEST(BPF_JSET, 2, 1), A(BPF_ADD, 0));
	case 24:
		ANSWER(SET(6), TEST(BPF_JSET, 1, 1), A(BPF_ADD, 0));
	case 25:
		ANSWER(SETX(6), SET(6), TEST(BPF_JEQ | BPF_X, 0, 77), A(BPF_ADD, 0));
	case 26:
		ANSWER(SET(123), BPF_STMT(BPF_ST, 3), SET(1), BPF_STMT(BPF_LD | BPF_MEM, 3));
	case 27:
		ANSWER(SETX(55), BPF_STMT(BPF_STX, 3), SETX(1), BPF_STMT(BPF_LDX | BPF_MEM, 3),
		       BPF_STMT(BPF_MISC | BPF_TXA, 0));
	case 28:
		ANSWER(BPF_STMT(BPF_MISC | BPF_TXA, 0), A(BPF_ADD, 1)); /* X is 0 at the start */
	default:
		ANSWER(LOAD(nr));
	}
}

static void language(void)
{
	for (which = 0; which < 30; which++)
		CHILD(answer);
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
	CHILD(instructions);
	CHILD(operands);
	language();
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
