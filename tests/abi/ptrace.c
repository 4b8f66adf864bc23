/* SPDX-License-Identifier: MIT */
/*
 * ptrace(2), one tracee: who may trace, requests and their errors, registers, memory, system calls, signals, steps.
 */
#include "trace.h"
#include <elf.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <time.h>

static volatile long word = 0x1122334455667788;
static const long readonly = 0x0102030405060708;
static volatile int got;

static void nothing(void)
{
}

static void errors(void)
{
	pid_t pid, child;

	PT(PTRACE_TRACEME + 12345, 1 << 30, 0, 0);
	PT(PTRACE_CONT, getpid(), 0, 0);
	PT(PTRACE_ATTACH, getpid(), 0, 0);
	PT(PTRACE_ATTACH, 1 << 30, 0, 0);
	PT(PTRACE_SEIZE, 1 << 30, 0, 0);
	PT(PTRACE_SEIZE, getpid(), 1, 0);
	PT(PTRACE_SEIZE, getpid(), 0, 1 << 30);
	PT(PTRACE_KILL, getpid(), 0, 0);
	PT(PTRACE_INTERRUPT, getpid(), 0, 0);
	pid = traced_child(nothing);
	child = pid;
	PT(PTRACE_ATTACH, child, 0, 0);
	PT(PTRACE_CONT, child, 0, 65);
	PT(PTRACE_CONT, child, 0, -1);
	PT(PTRACE_DETACH, child, 0, 65);
	PT(PTRACE_SETOPTIONS, child, 0, 1 << 30);
	PT(PTRACE_SETOPTIONS, child, 0, 0x7f);
	PT(PTRACE_INTERRUPT, child, 0, 0);
	PT(PTRACE_LISTEN, child, 0, 0);
	PT(PTRACE_PEEKUSER, child, 3, &got);
	PT(PTRACE_PEEKUSER, child, sizeof(struct user), &got);
	PT(PTRACE_POKEUSER, child, 224, 0);
	PT(PTRACE_PEEKUSER, child, 0, 1);
	PT(PTRACE_PEEKDATA, child, 8, &got);
	PT(PTRACE_POKEDATA, child, 8, 0);
	PT(PTRACE_PEEKDATA, child, &word, 8);
	PT(PTRACE_GETREGS, child, 0, 8);
	PT(PTRACE_SETREGS, child, 0, 8);
	PT(PTRACE_GETREGSET, child, 77, 0);
	PT(PTRACE_GETSIGMASK, child, 4, &got);
	PT(PTRACE_GETSIGINFO, child, 0, 8);
	PT(PTRACE_GETEVENTMSG, child, 0, 8);
	PT(4000, child, 0, 0);
	PT(PTRACE_SECCOMP_GET_FILTER, child, 0, 0);
	PT(PTRACE_KILL, child, 0, 0);
	SEEN(child);
	PT(PTRACE_CONT, child, 0, 0);
	SEEN(child);
}

static void show_tracer(pid_t pid)
{
	char path[40], line[200];
	int tracer = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f)) {
		sscanf(line, "TracerPid: %d", &tracer);
		if (!strncmp(line, "State", 5))
			fputs(line, stdout);
	}
	if (f)
		fclose(f);
	printf("traced by %s\n", tracer == getpid() ? "me" : tracer == 0 ? "nobody" : "somebody");
}

static void call_getppid(void)
{
	_exit(syscall(SYS_getppid) == 99 ? 5 : 6);
}

static void memory_and_registers(void)
{
	pid_t child = traced_child(call_getppid);
	struct user_regs_struct regs, again;
	struct user_fpregs_struct fp;
	unsigned char state[8192];
	struct iovec iov = {state, sizeof(state)};
	long value = 0;

	show_tracer(child);
	printf("state %c\n", state_of(child));
	PT(PTRACE_PEEKDATA, child, &word, &value);
	HOLDS(value == word);
	PT(PTRACE_POKEDATA, child, &word, 42);
	PT(PTRACE_PEEKTEXT, child, &word, &value);
	HOLDS(value == 42 && word != 42);
	PT(PTRACE_POKETEXT, child, &readonly, 43);
	PT(PTRACE_PEEKTEXT, child, &readonly, &value);
	HOLDS(value == 43 && readonly != 43);
	PT(PTRACE_PEEKTEXT, child, (long)nothing & -4096, &value);
	PT(PTRACE_POKETEXT, child, (long)nothing & -4096, value);

	PT(PTRACE_GETREGS, child, 0, &regs);
	HOLDS(regs.cs == 0x33 && regs.ss == 0x2b && regs.ds == 0 && regs.fs_base != 0);
	HOLDS(regs.orig_rax == SYS_tgkill || regs.orig_rax == SYS_tkill);
	HOLDS(regs.rax == 0);
	HOLDS((regs.eflags & 0x300) == 0x200);
	PT(PTRACE_PEEKUSER, child, offsetof(struct user, regs.rip), &value);
	HOLDS((unsigned long)value == regs.rip);
	again = regs;
	again.r15 = 0x1234;
	PT(PTRACE_SETREGS, child, 0, &again);
	PT(PTRACE_PEEKUSER, child, offsetof(struct user, regs.r15), &value);
	HOLDS(value == 0x1234);
	PT(PTRACE_SETREGS, child, 0, &regs);
	PT(PTRACE_POKEUSER, child, offsetof(struct user, regs.fs_base), -1);
	PT(PTRACE_POKEUSER, child, offsetof(struct user, regs.cs), 0);
	PT(PTRACE_POKEUSER, child, offsetof(struct user, regs.ds), 1);
	PT(PTRACE_POKEUSER, child, offsetof(struct user, regs.eflags), ~0ul);
	PT(PTRACE_PEEKUSER, child, offsetof(struct user, regs.eflags), &value);
	HOLDS((value & ~0x50000) == 0x4fd7 || (value & ~0x50002) == 0x4fd5);
	PT(PTRACE_POKEUSER, child, offsetof(struct user, regs.eflags), regs.eflags);

	PT(PTRACE_GETFPREGS, child, 0, &fp);
	HOLDS(fp.cwd == 0x37f && fp.mxcsr == 0x1f80);
	fp.xmm_space[0] = 0x5678;
	PT(PTRACE_SETFPREGS, child, 0, &fp);
	memset(&fp, 0, sizeof(fp));
	PT(PTRACE_GETFPREGS, child, 0, &fp);
	HOLDS(fp.xmm_space[0] == 0x5678);
	fp.mxcsr = ~0u;
	PT(PTRACE_SETFPREGS, child, 0, &fp);
	PT(PTRACE_GETREGSET, child, NT_X86_XSTATE, &iov);
	HOLDS(iov.iov_len >= 576 && (*(long *)(state + 464) & 3) == 3 && (state[512] & 2));
	HOLDS(((struct user_fpregs_struct *)state)->xmm_space[0] == 0x5678);
	((struct user_fpregs_struct *)state)->xmm_space[0] = 0x9abc;
	PT(PTRACE_SETREGSET, child, NT_X86_XSTATE, &iov);
	PT(PTRACE_GETFPREGS, child, 0, &fp);
	HOLDS(fp.xmm_space[0] == 0x9abc);
	state[520] = 1;
	PT(PTRACE_SETREGSET, child, NT_X86_XSTATE, &iov);
	iov.iov_len = 64;
	PT(PTRACE_SETREGSET, child, NT_X86_XSTATE, &iov);
	iov.iov_len = 7;
	PT(PTRACE_GETREGSET, child, NT_PRSTATUS, &iov);
	iov = (struct iovec){&regs, 1 << 20};
	PT(PTRACE_GETREGSET, child, NT_PRSTATUS, &iov);
	HOLDS(iov.iov_len == sizeof(regs));
	PT(PTRACE_SETREGSET, child, NT_PRSTATUS, &iov);
	iov = (struct iovec){&fp, sizeof(fp)};
	PT(PTRACE_GETREGSET, child, NT_PRFPREG, &iov);
	PT(PTRACE_CONT, child, 0, 0);
	SEEN(child);
}

static void show_call(pid_t child)
{
	struct __ptrace_syscall_info info;
	long n;

	memset(&info, 0x55, sizeof(info));
	n = pt(PTRACE_GET_SYSCALL_INFO, child, sizeof(info), (unsigned long)&info);
	printf("info: %ld bytes, op %d", n, info.op);
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
		printf(", call %d", (int)info.entry.nr);
	if (info.op == PTRACE_SYSCALL_INFO_EXIT)
		printf(", error %d, value %s%ld", info.exit.is_error, info.exit.rval > 0 ? "+" : "",
		       info.exit.rval > 0 ? 1l : (long)info.exit.rval);
	putchar('\n');
}

static void calls(void)
{
	struct user_regs_struct regs;
	siginfo_t info;
	pid_t child = traced_child(call_getppid);
	long message = -1;

	PT(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACESYSGOOD);
	show_call(child);
	PT(PTRACE_SYSCALL, child, 0, 0);
	/* The library may have calls to make before the one that counts. */
	for (;;) {
		SEEN(child);
		pt(PTRACE_GETREGS, child, 0, (unsigned long)&regs);
		if (regs.orig_rax == SYS_getppid)
			break;
		pt(PTRACE_SYSCALL, child, 0, 0);
	}
	show_call(child);
	HOLDS(regs.rax == (unsigned long)-ENOSYS);
	PT(PTRACE_GETEVENTMSG, child, 0, &message);
	printf("message %ld\n", message);
	PT(PTRACE_GETSIGINFO, child, 0, &info);
	printf("siginfo %d, code %d, pid %d\n", info.si_signo, info.si_code, info.si_pid == child);
	PT(PTRACE_SYSCALL, child, 0, 0);
	SEEN(child);
	show_call(child);
	pt(PTRACE_GETREGS, child, 0, (unsigned long)&regs);
	HOLDS(regs.orig_rax == SYS_getppid && regs.rax == (unsigned long)getpid());
	regs.rax = 99;
	PT(PTRACE_SETREGS, child, 0, &regs);
	PT(PTRACE_SYSCALL, child, 0, 0);
	SEEN(child);
	show_call(child);
	PT(PTRACE_SYSCALL, child, 0, 0);
	SEEN(child);
}

static void call_twice(void)
{
	long a = syscall(SYS_getppid), b = syscall(SYS_getppid);

	_exit((a == 77) + 2 * (b < 0 && errno == ENOSYS));
}

/* A call is skipped with a result, and one is made another. */
static void other_calls(void)
{
	pid_t child = traced_child(call_twice);
	struct user_regs_struct regs;
	int nth = 0;

	PT(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACESYSGOOD);
	for (;;) {
		int status;

		pt(PTRACE_SYSCALL, child, 0, 0);
		waitpid(child, &status, 0);
		if (!WIFSTOPPED(status)) {
			printf("exit %d\n", WEXITSTATUS(status));
			break;
		}
		pt(PTRACE_GETREGS, child, 0, (unsigned long)&regs);
		if (regs.orig_rax != SYS_getppid || regs.rax != (unsigned long)-ENOSYS)
			continue;
		regs.orig_rax = nth++ ? 9999 : -1;
		if (nth == 1)
			regs.rax = 77;
		pt(PTRACE_SETREGS, child, 0, (unsigned long)&regs);
	}
}

static void emulated(void)
{
	pid_t child = traced_child(call_twice);
	struct user_regs_struct regs;

	for (;;) {
		int status;

		pt(31, child, 0, 0);
		waitpid(child, &status, 0);
		pt(PTRACE_GETREGS, child, 0, (unsigned long)&regs);
		printf("emulated stop by %d\n", WSTOPSIG(status));
		if (regs.orig_rax != SYS_getppid)
			break;
		regs.rax = 77;
		pt(PTRACE_SETREGS, child, 0, (unsigned long)&regs);
	}
	HOLDS(regs.orig_rax == SYS_exit_group && regs.rdi == 1);
	end(child);
}

static void on_signal(int signo)
{
	got = signo;
}

static void send_signals(void)
{
	struct sigaction ign = {.sa_handler = SIG_IGN};

	signal(SIGUSR1, on_signal);
	signal(SIGUSR2, on_signal);
	sigaction(SIGWINCH, &ign, NULL);
	raise(SIGUSR1); /* comes */
	if (got != SIGUSR1)
		_exit(1);
	raise(SIGUSR1); /* is dropped */
	got = 0;
	raise(SIGUSR1); /* becomes another */
	if (got != SIGUSR2)
		_exit(2);
	raise(SIGWINCH); /* is told though it is ignored */
	raise(SIGCHLD);	 /* the same by default */
	_exit(3);
}

static void signals(void)
{
	pid_t child = traced_child(send_signals);
	unsigned long mask = 0;
	siginfo_t info;

	PT(PTRACE_CONT, child, 0, 0);
	SEEN(child);
	PT(PTRACE_GETSIGINFO, child, 0, &info);
	printf("siginfo %d, code %d, pid %d\n", info.si_signo, info.si_code, info.si_pid == child);
	PT(PTRACE_CONT, child, 0, SIGUSR1);
	SEEN(child);
	PT(PTRACE_CONT, child, 0, 0);
	SEEN(child);
	PT(PTRACE_CONT, child, 0, SIGUSR2);
	SEEN(child);
	PT(PTRACE_CONT, child, 0, SIGWINCH);
	SEEN(child);
	PT(PTRACE_GETSIGMASK, child, 8, &mask);
	printf("mask %lx\n", mask);
	mask = ~0ul;
	PT(PTRACE_SETSIGMASK, child, 8, &mask);
	PT(PTRACE_GETSIGMASK, child, 8, &mask);
	printf("mask %lx\n", mask);
	/* It is blocked now, and kept. */
	PT(PTRACE_CONT, child, 0, SIGUSR1);
	SEEN(child);
}

static void queue_signals(void)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	for (int i = 0; i < 3; i++)
		sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = i});
	raise(SIGUSR1);
	raise(SIGSTOP);
}

static void queues(void)
{
	pid_t child = traced_child(queue_signals);
	struct __ptrace_peeksiginfo_args args = {.off = 1, .flags = 1, .nr = 10};
	siginfo_t info[10];

	PT(PTRACE_CONT, child, 0, 0);
	SEEN(child);
	PT(PTRACE_PEEKSIGINFO, child, &args, info);
	HOLDS(info[0].si_value.sival_int == 1 && info[1].si_value.sival_int == 2);
	args = (struct __ptrace_peeksiginfo_args){.nr = 1};
	PT(PTRACE_PEEKSIGINFO, child, &args, info);
	printf("first %d\n", info[0].si_signo);
	args.nr = -1;
	PT(PTRACE_PEEKSIGINFO, child, &args, info);
	args = (struct __ptrace_peeksiginfo_args){.flags = 2, .nr = 1};
	PT(PTRACE_PEEKSIGINFO, child, &args, info);
	end(child);
}

/* --- steps --- */

static void code(void)
{
	asm volatile("int3; nop; nop; movl $39, %%eax; syscall; nop; int3"
		     :
		     :
		     : "rax", "rcx", "r11", "memory");
}

static void show_step(pid_t child, struct user_regs_struct *regs, unsigned long from)
{
	siginfo_t info;

	pt(PTRACE_GETREGS, child, 0, (unsigned long)regs);
	pt(PTRACE_GETSIGINFO, child, 0, (unsigned long)&info);
	printf("at +%ld, code %d, trap flag %d, address %d\n", (long)(regs->rip - from), info.si_code,
	       !!(regs->eflags & 0x100), (unsigned long)info.si_addr == regs->rip);
}

static void steps(void)
{
	pid_t child = traced_child(code);
	struct user_regs_struct regs;
	unsigned long from;
	int status;

	PT(PTRACE_CONT, child, 0, 0);
	SEEN(child);
	pt(PTRACE_GETREGS, child, 0, (unsigned long)&regs);
	from = regs.rip;
	show_step(child, &regs, from);
	for (int i = 0; i < 6; i++) {
		PT(PTRACE_SINGLESTEP, child, 0, 0);
		waitpid(child, &status, 0);
		printf("%d: ", WSTOPSIG(status));
		show_step(child, &regs, from);
	}
	PT(PTRACE_CONT, child, 0, 0);
	SEEN(child);
}

static void handle_and_step(void)
{
	signal(SIGUSR1, on_signal);
	raise(SIGUSR1);
	_exit(got);
}

static void step_into_handler(void)
{
	pid_t child = traced_child(handle_and_step);
	struct user_regs_struct regs;
	siginfo_t info;

	PT(PTRACE_CONT, child, 0, 0);
	SEEN(child);
	PT(PTRACE_SINGLESTEP, child, 0, SIGUSR1);
	SEEN(child);
	pt(PTRACE_GETREGS, child, 0, (unsigned long)&regs);
	pt(PTRACE_GETSIGINFO, child, 0, (unsigned long)&info);
	HOLDS(regs.rip == (unsigned long)on_signal && info.si_code == SIGTRAP);
	PT(PTRACE_CONT, child, 0, 0);
	SEEN(child);
}

static void breakpoint(void)
{
	pid_t child = traced_child(handle_and_step);
	struct user_regs_struct regs;
	siginfo_t info;
	long text = 0;

	PT(PTRACE_PEEKTEXT, child, on_signal, &text);
	PT(PTRACE_POKETEXT, child, on_signal, (text & ~0xffl) | 0xcc);
	PT(PTRACE_CONT, child, 0, 0);
	SEEN(child);
	PT(PTRACE_CONT, child, 0, SIGUSR1);
	SEEN(child);
	pt(PTRACE_GETREGS, child, 0, (unsigned long)&regs);
	pt(PTRACE_GETSIGINFO, child, 0, (unsigned long)&info);
	printf("breakpoint at +%ld, code %d\n", (long)(regs.rip - (unsigned long)on_signal), info.si_code);
	HOLDS(*(long *)on_signal == text);
	PT(PTRACE_POKETEXT, child, on_signal, text);
	regs.rip--;
	PT(PTRACE_SETREGS, child, 0, &regs);
	PT(PTRACE_CONT, child, 0, 0);
	SEEN(child);
}

static void change_word(void)
{
	word = 1;
	nothing();
	word = 2;
	_exit(0);
}

static void watchpoint(void)
{
	pid_t child = traced_child(change_word);
	size_t debug = offsetof(struct user, u_debugreg);
	siginfo_t info;
	long value;

	PT(PTRACE_POKEUSER, child, debug, &word);
	PT(PTRACE_POKEUSER, child, debug, -8);
	PT(PTRACE_POKEUSER, child, debug + 4 * 8, 0);
	PT(PTRACE_POKEUSER, child, debug + 7 * 8, 0x20001); /* ports */
	PT(PTRACE_POKEUSER, child, debug + 7 * 8, 0x90001); /* 8 bytes, written */
	PT(PTRACE_PEEKUSER, child, debug, &value);
	HOLDS(value == (long)&word);
	for (int i = 0; i < 2; i++) {
		PT(PTRACE_CONT, child, 0, 0);
		SEEN(child);
		pt(PTRACE_GETSIGINFO, child, 0, (unsigned long)&info);
		pt(PTRACE_PEEKDATA, child, (unsigned long)&word, (unsigned long)&value);
		printf("code %d, the word is %ld", info.si_code, value);
		pt(PTRACE_PEEKUSER, child, debug + 6 * 8, (unsigned long)&value);
		printf(", hits %lx\n", value & 0xf);
	}
	PT(PTRACE_CONT, child, 0, 0);
	SEEN(child);
}

/* --- calls that are interrupted --- */

static void sleep_long(void)
{
	struct timespec t = {.tv_nsec = 300000000};

	_exit(nanosleep(&t, NULL) == 0 ? 7 : 8);
}

static void sleep_interrupted(void)
{
	pid_t child = traced_child(sleep_long);
	struct user_regs_struct regs;
	char path[40], text[100] = "";
	int fd;

	PT(PTRACE_CONT, child, 0, 0);
	while (state_of(child) != 'S')
		usleep(1000);
	snprintf(path, sizeof(path), "/proc/%d/syscall", child);
	fd = open(path, O_RDONLY);
	HOLDS(read(fd, text, sizeof(text) - 1) > 0 &&
	      (atoi(text) == SYS_nanosleep || atoi(text) == SYS_clock_nanosleep));
	close(fd);
	kill(child, SIGUSR1);
	SEEN(child);
	pt(PTRACE_GETREGS, child, 0, (unsigned long)&regs);
	printf("result %ld\n", (long)regs.rax);
	PT(PTRACE_CONT, child, 0, 0);
	SEEN(child);
}

/* --- who may --- */

static void wait_for_it(void)
{
	for (;;)
		pause();
}

static void as_user(unsigned uid, pid_t target)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		(void)!setresgid(uid, uid, uid);
		(void)!setresuid(uid, uid, uid);
		PT(PTRACE_ATTACH, target, 0, 0);
		fflush(stdout);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

static void be_user(void)
{
	(void)!setresgid(1000, 1000, 1000);
	(void)!setresuid(1000, 1000, 1000);
	prctl(PR_SET_DUMPABLE, 1);
	raise(SIGSTOP);
	prctl(PR_SET_DUMPABLE, 0);
	raise(SIGSTOP);
}

static void rights(void)
{
	pid_t root = plain_child(wait_for_it), user = plain_child(be_user);

	waitpid(user, NULL, WUNTRACED);
	as_user(1000, root);
	as_user(1001, user);
	as_user(1000, user);
	kill(user, SIGCONT);
	waitpid(user, NULL, WUNTRACED);
	as_user(1000, user);
	as_user(0, user);
	PT(PTRACE_TRACEME, 0, 0, 0) == 0 ? R(prctl(PR_SET_PTRACER, getppid(), 0, 0, 0)) : 0;
	end(root);
	end(user);
}

int main(void)
{
	int status;
	pid_t pid;

	setvbuf(stdout, NULL, _IOFBF, 1 << 16);
	errors();
	memory_and_registers();
	calls();
	other_calls();
	emulated();
	signals();
	queues();
	steps();
	step_into_handler();
	breakpoint();
	watchpoint();
	sleep_interrupted();
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		rights();
		return 0;
	}
	/* It has become our tracee. */
	while (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status))
		pt(PTRACE_CONT, pid, 0, WSTOPSIG(status));
	return 0;
}
