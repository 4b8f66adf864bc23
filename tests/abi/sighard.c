/* SPDX-License-Identifier: MIT */
/*
 * Corners of signals: flags of actions, errors of the calls, who may send what to whom, signals to stopped and dead processes,
 * and frames for rt_sigreturn that no kernel has made.
 */
#include "abi.h"
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <ucontext.h>

#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1u << 31)
#endif

static volatile int count;
static volatile sig_atomic_t seen_sp;
static char stack[65536] __attribute__((aligned(16)));

static void in_child(int line, const char *name, void (*fn)(void))
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		fn();
		fflush(stdout);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	printf("%d: %s: %s %d\n", line, name, WIFEXITED(status) ? "exit" : "signal",
	       WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
}
#define CHILD(fn) in_child(__LINE__, #fn, fn)

static int on_stack(void)
{
	char c;

	return &c >= stack && &c < stack + sizeof(stack);
}

static void counts(int signo)
{
	(void)signo;
	count++;
}

static void raises_again(int signo)
{
	if (count++ < 3)
		raise(signo);
}

static void note_stack(int signo)
{
	stack_t now;

	(void)signo;
	sigaltstack(NULL, &now);
	printf("on it: %d, flags %x, size %zu\n", on_stack(), (unsigned)now.ss_flags, now.ss_size);
}

static void set(int signo, void (*fn)(int), int flags)
{
	struct sigaction sa = {.sa_handler = fn, .sa_flags = flags};

	sigaction(signo, &sa, NULL);
}

static void flags(void)
{
	struct sigaction old;
	sigset_t pending;

	set(SIGUSR1, raises_again, 0);
	raise(SIGUSR1);
	R(count);
	count = 0;
	set(SIGUSR1, raises_again, SA_NODEFER);
	raise(SIGUSR1);
	R(count);
	count = 0;
	set(SIGUSR1, counts, SA_RESETHAND);
	raise(SIGUSR1);
	R(count);
	R(sigaction(SIGUSR1, NULL, &old));
	HOLDS(old.sa_handler == SIG_DFL);
	printf("flags %x\n", (unsigned)old.sa_flags & ~0x04000000u);
	/* With SA_RESETHAND the signal is blocked in its handler all the same. */
	set(SIGUSR1, raises_again, SA_RESETHAND);
	set(SIGUSR2, counts, 0);
	raise(SIGUSR2);
	R(sigaction(SIGKILL, NULL, &old));
	R(sigaction(SIGKILL, &old, NULL));
	R(sigaction(SIGSTOP, &old, NULL));
	R(sigaction(0, NULL, &old));
	R(sigaction(65, NULL, &old));
	R(sigaction(-1, NULL, NULL));
	R(syscall(SYS_rt_sigaction, SIGUSR1, 0, 0, 4));
	R(syscall(SYS_rt_sigaction, SIGUSR1, 8, 0, 8));
	R(syscall(SYS_rt_sigaction, SIGUSR1, 0, 8, 8));
	R(syscall(SYS_rt_sigprocmask, 3, &pending, NULL, 8));
	R(syscall(SYS_rt_sigprocmask, 3, NULL, NULL, 8));
	R(syscall(SYS_rt_sigprocmask, 0, 8, NULL, 8));
	R(syscall(SYS_rt_sigprocmask, 0, NULL, NULL, 7));
	R(syscall(SYS_rt_sigpending, &pending, 9));
	R(syscall(SYS_rt_sigpending, &pending, 4));
	R(syscall(SYS_rt_sigpending, 8, 8));
	R(syscall(SYS_rt_sigsuspend, 8, 8));
	R(syscall(SYS_rt_sigsuspend, &pending, 7));
	R(syscall(SYS_rt_sigtimedwait, 8, NULL, NULL, 8));
	R(syscall(SYS_rt_sigtimedwait, &pending, NULL, NULL, 7));
	R(syscall(SYS_tgkill, getpid(), getpid(), 65));
	R(syscall(SYS_tgkill, getpid(), getpid(), -1));
	R(syscall(SYS_tgkill, 0, getpid(), 0));
	R(syscall(SYS_tgkill, getpid(), 0, 0));
	R(syscall(SYS_tgkill, getpid(), -1, 0));
	R(syscall(SYS_tgkill, 1, getpid(), 0));
	R(syscall(SYS_tkill, 0, 0));
	R(syscall(SYS_tkill, -1, 0));
	R(syscall(SYS_tkill, getpid(), 65));
	R(kill(getpid(), 65));
	R(kill(getpid(), -1));
	R(kill(0x7ffffffe, 0));
	R(kill(-0x7ffffffe, 0));
	R(kill(INT_MIN, 0));
}

static void default_of_all(void)
{
	struct sigaction sa = {.sa_handler = SIG_IGN}, old;

	/* What is ignored while it is pending is dropped, also what is dropped by default. */
	sigset_t all, pending;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	raise(SIGUSR1);
	raise(SIGCHLD);
	raise(SIGWINCH);
	raise(SIGURG);
	raise(SIGCONT);
	sigpending(&pending);
	for (int i = 1; i < 32; i++) {
		if (sigismember(&pending, i))
			printf("pending %d\n", i);
	}
	sigaction(SIGUSR1, &sa, &old);
	sa.sa_handler = SIG_DFL;
	sigaction(SIGCHLD, &sa, NULL);
	sigaction(SIGWINCH, &sa, NULL);
	sigpending(&pending);
	for (int i = 1; i < 32; i++) {
		if (sigismember(&pending, i))
			printf("still pending %d\n", i);
	}
	/* Stop signals and SIGCONT put one another out. */
	raise(SIGTSTP);
	raise(SIGTTIN);
	raise(SIGCONT);
	sigpending(&pending);
	printf("%d %d %d\n", sigismember(&pending, SIGTSTP), sigismember(&pending, SIGTTIN),
	       sigismember(&pending, SIGCONT));
	raise(SIGTTOU);
	sigpending(&pending);
	printf("%d %d\n", sigismember(&pending, SIGTTOU), sigismember(&pending, SIGCONT));
}

static void altstack(void)
{
	stack_t ss = {.ss_sp = stack, .ss_size = sizeof(stack)}, old;

	R(sigaltstack(NULL, &old));
	printf("flags %x\n", (unsigned)old.ss_flags);
	ss.ss_size = 2047;
	R(sigaltstack(&ss, NULL));
	ss.ss_size = 0;
	R(sigaltstack(&ss, NULL));
	ss.ss_size = sizeof(stack);
	ss.ss_flags = 4;
	R(sigaltstack(&ss, NULL));
	ss.ss_flags = SS_DISABLE | SS_ONSTACK;
	R(sigaltstack(&ss, NULL));
	ss.ss_flags = SS_ONSTACK;
	R(sigaltstack(&ss, NULL));
	R(sigaltstack(NULL, &old));
	printf("flags %x size %zu\n", (unsigned)old.ss_flags, old.ss_size);
	ss.ss_flags = (int)SS_AUTODISARM;
	R(sigaltstack(&ss, &old));
	printf("flags %x size %zu\n", (unsigned)old.ss_flags, old.ss_size);
	R(sigaltstack(NULL, &old));
	printf("flags %x size %zu\n", (unsigned)old.ss_flags, old.ss_size);
	set(SIGUSR1, note_stack, SA_ONSTACK);
	raise(SIGUSR1);
	R(sigaltstack(NULL, &old));
	printf("flags %x size %zu\n", (unsigned)old.ss_flags, old.ss_size);
	ss.ss_flags = 0;
	R(sigaltstack(&ss, NULL));
	raise(SIGUSR1);
	set(SIGUSR1, note_stack, 0);
	raise(SIGUSR1);
	ss.ss_flags = SS_DISABLE;
	ss.ss_sp = (void *)5;
	R(sigaltstack(&ss, &old));
	R(sigaltstack(NULL, &old));
	printf("flags %x size %zu, %s\n", (unsigned)old.ss_flags, old.ss_size,
	       old.ss_sp ? "somewhere" : "nowhere");
	R(syscall(SYS_sigaltstack, 8, NULL));
	R(syscall(SYS_sigaltstack, NULL, 8));
}

static void change_on_it(int signo)
{
	stack_t ss = {.ss_sp = stack, .ss_size = sizeof(stack)}, off = {.ss_flags = SS_DISABLE};

	(void)signo;
	R(sigaltstack(&ss, NULL));
	R(sigaltstack(&off, NULL));
}

static void altstack_in_use(void)
{
	stack_t ss = {.ss_sp = stack, .ss_size = sizeof(stack)};

	sigaltstack(&ss, NULL);
	set(SIGUSR1, change_on_it, SA_ONSTACK);
	raise(SIGUSR1);
}

static void altstack_bad(void)
{
	stack_t ss = {.ss_sp = (void *)0x10000, .ss_size = 65536};

	R(sigaltstack(&ss, NULL));
	set(SIGUSR1, counts, SA_ONSTACK);
	fflush(stdout);
	raise(SIGUSR1);
	printf("still here\n");
}

/* --- rt_sigqueueinfo --- */

static void queueinfo(void)
{
	siginfo_t info = {0};
	sigset_t set_;
	pid_t child, self = getpid();
	const int codes[] = {SI_QUEUE, SI_USER, SI_TKILL, SI_KERNEL, SI_TIMER, SI_ASYNCIO, 1, -100, -6};

	sigfillset(&set_);
	sigprocmask(SIG_BLOCK, &set_, NULL);
	child = fork();
	if (child == 0) {
		for (;;)
			pause();
	}
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		info.si_signo = 1;
		info.si_code = codes[i];
		printf("code %d: other %ld", codes[i], syscall(SYS_rt_sigqueueinfo, child, SIGUSR1, &info));
		printf(", self %ld", syscall(SYS_rt_sigqueueinfo, self, SIGUSR2, &info));
		printf(", tg other %ld", syscall(SYS_rt_tgsigqueueinfo, child, child, SIGUSR1, &info));
		printf(", tg self %ld\n", syscall(SYS_rt_tgsigqueueinfo, self, self, SIGUSR1, &info));
	}
	info.si_code = SI_QUEUE;
	R(syscall(SYS_rt_sigqueueinfo, self, 65, &info));
	R(syscall(SYS_rt_sigqueueinfo, self, -1, &info));
	R(syscall(SYS_rt_sigqueueinfo, self, 0, &info));
	R(syscall(SYS_rt_sigqueueinfo, 0, SIGUSR1, &info));
	R(syscall(SYS_rt_sigqueueinfo, -1, SIGUSR1, &info));
	R(syscall(SYS_rt_sigqueueinfo, 0x7ffffffe, SIGUSR1, &info));
	R(syscall(SYS_rt_sigqueueinfo, self, SIGUSR1, 8));
	R(syscall(SYS_rt_tgsigqueueinfo, 0, self, SIGUSR1, &info));
	R(syscall(SYS_rt_tgsigqueueinfo, self, 0, SIGUSR1, &info));
	R(syscall(SYS_rt_tgsigqueueinfo, -1, self, SIGUSR1, &info));
	R(syscall(SYS_rt_tgsigqueueinfo, self, child, SIGUSR1, &info));
	R(syscall(SYS_rt_tgsigqueueinfo, self, self, 65, &info));
	info.si_signo = 5;
	info.si_value.sival_int = 1234;
	info.si_errno = 77;
	R(syscall(SYS_rt_sigqueueinfo, self, SIGRTMIN, &info));
	memset(&info, 0xff, sizeof(info));
	sigemptyset(&set_);
	sigaddset(&set_, SIGRTMIN);
	HOLDS(sigwaitinfo(&set_, &info) == SIGRTMIN);
	HOLDS(info.si_signo == SIGRTMIN);
	printf("code %d value %d errno %d\n", info.si_code, info.si_value.sival_int, info.si_errno);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

/* --- who may --- */

static void matrix(void)
{
	const unsigned ids[][3] = {
		{0, 0, 0}, {1000, 1000, 1000}, {1000, 1001, 1002}, {1001, 1000, 1000}, {1002, 1002, 1000}};
	const size_t n = sizeof(ids) / sizeof(ids[0]);

	for (size_t from = 1; from < n; from++) {
		printf("from %u/%u/%u:", ids[from][0], ids[from][1], ids[from][2]);
		for (size_t to = 0; to < n; to++) {
			int ready[2], status;
			pid_t target, sender;
			char c;

			pipe(ready);
			fflush(stdout);
			target = fork();
			if (target == 0) {
				setresuid(ids[to][0], ids[to][1], ids[to][2]);
				setsid();
				write(ready[1], "x", 1);
				pause();
				_exit(0);
			}
			read(ready[0], &c, 1);
			sender = fork();
			if (sender == 0) {
				setresuid(ids[from][0], ids[from][1], ids[from][2]);
				status = kill(target, 0) == 0 ? 1 : errno == EPERM ? 0 : 2;
				status |= kill(target, SIGCONT) == 0 ? 4 : 0;
				_exit(status);
			}
			waitpid(sender, &status, 0);
			printf(" %d", WEXITSTATUS(status));
			kill(target, SIGKILL);
			waitpid(target, NULL, 0);
			close(ready[0]);
			close(ready[1]);
		}
		printf("\n");
	}
}

static void dead_and_stopped(void)
{
	int status;
	pid_t pid = fork();
	siginfo_t info;

	if (pid == 0)
		_exit(3);
	usleep(50000);
	R(kill(pid, 0));
	R(kill(pid, SIGTERM));
	R(kill(pid, SIGKILL));
	R(syscall(SYS_tgkill, pid, pid, SIGTERM));
	R(kill(-getpgrp(), 0));
	waitpid(pid, &status, 0);
	R(WEXITSTATUS(status));
	R(kill(pid, 0));
	pid = fork();
	if (pid == 0) {
		set(SIGUSR1, counts, 0);
		raise(SIGSTOP);
		_exit(count);
	}
	R(waitid(P_PID, (id_t)pid, &info, WSTOPPED | WEXITED));
	printf("code %d status %d\n", info.si_code, info.si_status);
	R(kill(pid, SIGUSR1));
	R(kill(pid, SIGUSR1));
	usleep(20000);
	R(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG));
	R(kill(pid, SIGCONT));
	R(waitid(P_PID, (id_t)pid, &info, WEXITED));
	printf("code %d status %d\n", info.si_code, info.si_status);
	pid = fork();
	if (pid == 0) {
		raise(SIGSTOP);
		_exit(0);
	}
	waitid(P_PID, (id_t)pid, &info, WSTOPPED | WNOWAIT);
	R(kill(pid, SIGTERM));
	R(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG));
	R(kill(pid, SIGKILL));
	waitpid(pid, &status, 0);
	R(WTERMSIG(status));
}

static void no_zombies(void)
{
	struct sigaction sa = {.sa_handler = counts, .sa_flags = SA_NOCLDWAIT};
	pid_t pid;

	sigaction(SIGCHLD, &sa, NULL);
	pid = fork();
	if (pid == 0)
		_exit(0);
	errno = 0;
	while (waitpid(pid, NULL, 0) == -1 && errno == EINTR)
		;
	printf("%s, told %d\n", abi_error(errno), count);
	signal(SIGCHLD, SIG_IGN);
	count = 0;
	if (fork() == 0)
		_exit(0);
	R(wait(NULL));
	R(count);
	sa = (struct sigaction){.sa_handler = counts, .sa_flags = SA_NOCLDSTOP};
	sigaction(SIGCHLD, &sa, NULL);
	pid = fork();
	if (pid == 0) {
		raise(SIGSTOP);
		_exit(0);
	}
	while (waitpid(pid, NULL, WUNTRACED) == -1)
		;
	R(count);
	kill(pid, SIGCONT);
	while (waitpid(pid, NULL, 0) == -1)
		;
	R(count);
}

/* --- frames --- */

static int what;

static void spoil(int signo, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	greg_t *g = uc->uc_mcontext.gregs;
	unsigned char *fp = (void *)uc->uc_mcontext.fpregs;

	(void)signo;
	(void)info;
	switch (what) {
	case 0:
		g[REG_RIP] = (greg_t)0x8000000000000000ull;
		break;
	case 1:
		g[REG_RIP] = (greg_t)0xffffffff80000000ull;
		break;
	case 2:
		g[REG_RIP] = 0x10;
		break;
	case 3:
		g[REG_CSGSFS] = 0;
		break;
	case 4:
		g[REG_CSGSFS] = (g[REG_CSGSFS] & ~0xffffll) | 0x10;
		break;
	case 5:
		g[REG_EFL] = -1;
		break;
	case 6:
		g[REG_EFL] = 0;
		break;
	case 7:
		uc->uc_mcontext.fpregs = NULL;
		break;
	case 8:
		uc->uc_mcontext.fpregs = (void *)8;
		break;
	case 9:
		uc->uc_mcontext.fpregs = (void *)((char *)uc->uc_mcontext.fpregs + 1);
		break;
	case 10:
		memset(fp + 512, 0xff, 64);
		break;
	case 11:
		memset(fp + 24, 0xff, 4);
		break;
	case 12:
		memset(fp + 464, 0, 48);
		break;
	case 13:
		memset(fp + 464, 0xff, 48);
		break;
	case 14:
		uc->uc_stack.ss_sp = (void *)3;
		uc->uc_stack.ss_size = 5;
		uc->uc_stack.ss_flags = 12345;
		break;
	case 15:
		memset(&uc->uc_sigmask, 0xff, 8);
		break;
	case 16:
		uc->uc_flags = 0;
		break;
	case 17:
		g[REG_RSP] = 0;
		g[REG_RIP] = 0;
		break;
	case 18:
		g[REG_RIP] = (greg_t)0x00007ffffffff000ull;
		break;
	default:
		break;
	}
}

static void frame(void)
{
	struct sigaction sa = {.sa_sigaction = spoil, .sa_flags = SA_SIGINFO};
	sigset_t mask;

	sigaction(SIGUSR1, &sa, NULL);
	raise(SIGUSR1);
	sigprocmask(SIG_BLOCK, NULL, &mask);
	asm volatile("cld");
	printf("%d: back, masked %d %d\n", what, sigismember(&mask, SIGUSR2), sigismember(&mask, SIGKILL));
}

static void bare_sigreturn(void)
{
	static char page[8192] __attribute__((aligned(4096)));

	asm volatile("mov %0, %%rsp; mov $15, %%eax; syscall; hlt" : : "r"(page + 4096) : "memory");
}

static void sigreturn_nowhere(void)
{
	asm volatile("mov $64, %%esp; mov $15, %%eax; syscall; hlt" : : : "memory");
}

int main(void)
{
	CHILD(flags);
	CHILD(default_of_all);
	CHILD(altstack);
	CHILD(altstack_in_use);
	CHILD(altstack_bad);
	CHILD(queueinfo);
	CHILD(matrix);
	CHILD(dead_and_stopped);
	CHILD(no_zombies);
	for (what = 0; what < 20; what++) {
		printf("frame %d\n", what);
		CHILD(frame);
	}
	CHILD(bare_sigreturn);
	CHILD(sigreturn_nowhere);
	return 0;
}
