/* SPDX-License-Identifier: MIT */
/*
 * ptrace(2), events and several at once: forks, threads, exec, ends, group stops, PTRACE_SEIZE, filters, tracers that go.
 */
#include "trace.h"
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>

#define ALL_EVENTS                                                                             \
	(PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | \
	 PTRACE_O_TRACEVFORKDONE | PTRACE_O_TRACEEXIT | PTRACE_O_TRACESYSGOOD)

static const char *self;

/* --- one that is traced, with all that it starts --- */

struct kin {
	pid_t pid;
	char name;
};

static struct kin kin[8];
static int kin_count;

static char name_of(pid_t pid)
{
	for (int i = 0; i < kin_count; i++) {
		if (kin[i].pid == pid)
			return kin[i].name;
	}
	return '?';
}

/* What each one does is a line of its own, sorted: who comes first is chance. */
static char lines[400][80];
static int line_count;

static void say(pid_t pid, const char *what, long value)
{
	snprintf(lines[line_count++], sizeof(lines[0]), "%c: %s %ld", name_of(pid), what, value);
}

static void show_lines(void)
{
	/* Stable: what each one did stays in its order. */
	for (char c = '?'; c <= 'z'; c++) {
		for (int i = 0; i < line_count; i++) {
			if (lines[i][0] == c)
				puts(lines[i]);
		}
	}
	line_count = 0;
}

static void event(pid_t pid, int status)
{
	static const char *const names[] = {"signal", "fork",	    "vfork", "clone",
					    "exec",   "vfork done", "exit",  "seccomp"};
	int number = status >> 16;
	unsigned long message = 0;

	pt(PTRACE_GETEVENTMSG, pid, 0, (unsigned long)&message);
	if (number >= 1 && number <= 3) {
		kin[kin_count].name = (char)('a' + kin_count);
		kin[kin_count++].pid = (pid_t)message;
	}
	if (number == 6 || number == 7)
		say(pid, names[number], (long)message);
	else if (number == 128)
		say(pid, "stop event", WSTOPSIG(status));
	else if (number)
		say(pid, names[number], name_of((pid_t)message));
	else
		say(pid, "signal", WSTOPSIG(status));
}

/* Lets all go on until nobody is left. */
static void follow(pid_t first, long how)
{
	int status;
	pid_t pid;

	kin_count = 0;
	kin[kin_count++] = (struct kin){first, 'a'};
	pt(how, first, 0, 0);
	while ((pid = waitpid(-1, &status, __WALL)) > 0) {
		int pass = 0;

		/* A child may come before its parent's event: it is known by that only. */
		for (int i = 0; name_of(pid) == '?' && i < 1; i++) {
			int other;
			pid_t maker;

			for (int k = 0; k < kin_count; k++) {
				maker = waitpid(kin[k].pid, &other, __WALL | WNOHANG);
				if (maker > 0) {
					event(maker, other);
					pt(how, maker, 0, 0);
				}
			}
			if (name_of(pid) == '?')
				i = -1;
		}
		if (WIFEXITED(status)) {
			say(pid, "exited", WEXITSTATUS(status));
			continue;
		}
		if (WIFSIGNALED(status)) {
			say(pid, "killed", WTERMSIG(status));
			continue;
		}
		if (WSTOPSIG(status) == (SIGTRAP | 0x80)) {
			pt(how, pid, 0, 0);
			continue;
		}
		event(pid, status);
		if (status >> 16 == 0 && WSTOPSIG(status) != SIGSTOP)
			pass = WSTOPSIG(status);
		pt(how, pid, 0, (unsigned long)pass);
	}
	show_lines();
}

static void fork_and_exit(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(3);
	waitpid(pid, NULL, 0);
	_exit(4);
}

static void vfork_and_exit(void)
{
	pid_t pid = vfork();

	if (pid == 0)
		_exit(3);
	waitpid(pid, NULL, 0);
	_exit(4);
}

static void *thread(void *arg)
{
	return arg;
}

static void make_thread(void)
{
	pthread_t t;

	pthread_create(&t, NULL, thread, NULL);
	pthread_join(t, NULL);
	usleep(20000); /* its end is to be seen before the process's, whose status would be shown for it */
	_exit(5);
}

static void execute(void)
{
	execl(self, self, "exit", (char *)NULL);
}

static void *execute_in_thread(void *arg)
{
	execute();
	return arg;
}

static void thread_executes(void)
{
	pthread_t t;

	pthread_create(&t, NULL, execute_in_thread, NULL);
	for (;;)
		pause();
}

static void events(void (*fn)(void), long options, long how)
{
	pid_t pid = traced_child(fn);

	pt(PTRACE_SETOPTIONS, pid, 0, (unsigned long)options);
	follow(pid, how);
}

/* --- group stops --- */

static void stop_twice(void)
{
	raise(SIGSTOP);
	_exit(9);
}

static void show_info(pid_t pid)
{
	siginfo_t info;

	if (PT(PTRACE_GETSIGINFO, pid, 0, &info) == 0)
		printf("siginfo %d, code %x\n", info.si_signo, info.si_code);
}

static void group_stop(void)
{
	pid_t pid = traced_child(stop_twice);
	siginfo_t info = {0};

	PT(PTRACE_CONT, pid, 0, 0);
	SEEN(pid);
	show_info(pid);
	PT(PTRACE_CONT, pid, 0, SIGSTOP);
	SEEN(pid);
	show_info(pid);
	printf("state %c\n", state_of(pid));
	PT(PTRACE_LISTEN, pid, 0, 0);
	kill(pid, SIGCONT);
	seen_by(__LINE__, pid, WNOHANG);
	PT(PTRACE_CONT, pid, 0, 0);
	R(waitid(P_PID, (id_t)pid, &info, WEXITED | WSTOPPED | WNOWAIT));
	printf("code %d, status %d\n", info.si_code, info.si_status);
	SEEN(pid);
	PT(PTRACE_CONT, pid, 0, 0);
	SEEN(pid);
}

static void loop(void)
{
	for (;;)
		pause();
}

static void seize(void)
{
	pid_t pid = plain_child(loop);

	while (state_of(pid) != 'S')
		usleep(1000);
	PT(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACESYSGOOD);
	seen_by(__LINE__, pid, WNOHANG);
	PT(PTRACE_CONT, pid, 0, 0);
	PT(PTRACE_INTERRUPT, pid, 0, 0);
	SEEN(pid);
	show_info(pid);
	PT(PTRACE_CONT, pid, 0, 0);
	kill(pid, SIGSTOP);
	SEEN(pid);
	PT(PTRACE_CONT, pid, 0, SIGSTOP);
	SEEN(pid);
	show_info(pid);
	PT(PTRACE_LISTEN, pid, 0, 0);
	PT(PTRACE_GETSIGINFO, pid, 0, 0);
	seen_by(__LINE__, pid, WNOHANG);
	kill(pid, SIGCONT);
	SEEN(pid);
	show_info(pid);
	PT(PTRACE_CONT, pid, 0, 0);
	SEEN(pid);
	PT(PTRACE_CONT, pid, 0, SIGCONT);
	PT(PTRACE_INTERRUPT, pid, 0, 0);
	SEEN(pid);
	PT(PTRACE_DETACH, pid, 0, 0);
	kill(pid, SIGTERM);
	SEEN(pid);
}

static void attach(void)
{
	pid_t pid = plain_child(loop);

	PT(PTRACE_ATTACH, pid, 0, 0);
	SEEN(pid);
	show_info(pid);
	PT(PTRACE_DETACH, pid, 0, 0);
	/* The same for one that has stopped. */
	kill(pid, SIGSTOP);
	seen_by(__LINE__, pid, WUNTRACED);
	PT(PTRACE_ATTACH, pid, 0, 0);
	SEEN(pid);
	show_info(pid);
	PT(PTRACE_DETACH, pid, 0, 0);
	kill(pid, SIGCONT);
	seen_by(__LINE__, pid, WCONTINUED);
	kill(pid, SIGSTOP);
	seen_by(__LINE__, pid, WUNTRACED);
	PT(PTRACE_SEIZE, pid, 0, 0);
	SEEN(pid);
	show_info(pid);
	end(pid);
}

/* --- whose child it is --- */

static void exit_six(void)
{
	usleep(1000);
	_exit(6);
}

/* Another process traces our child: we see its end when that one has. */
static void traced_by_another(void)
{
	int to[2], back[2];
	pid_t child, tracer;
	char c;

	R(pipe(to) + pipe(back));
	fflush(stdout);
	child = plain_child(loop);
	tracer = fork();
	if (tracer == 0) {
		PT(PTRACE_SEIZE, child, 0, 0);
		fflush(stdout);
		(void)!write(back[1], "x", 1);
		(void)!read(to[0], &c, 1);
		SEEN(child);
		fflush(stdout);
		_exit(0);
	}
	(void)!read(back[0], &c, 1);
	kill(child, SIGKILL);
	while (state_of(child) != 'Z')
		usleep(1000);
	seen_by(__LINE__, child, WNOHANG);
	(void)!write(to[1], "x", 1);
	waitpid(tracer, NULL, 0);
	SEEN(child);
}

/* A tracer that ends lets its tracees go, or kills them. */
static void tracer_ends(unsigned long options)
{
	pid_t child = plain_child(loop), tracer;

	fflush(stdout);
	tracer = fork();
	if (tracer == 0) {
		PT(PTRACE_SEIZE, child, 0, options);
		PT(PTRACE_INTERRUPT, child, 0, 0);
		SEEN(child);
		fflush(stdout);
		_exit(0);
	}
	waitpid(tracer, NULL, 0);
	if (!options) {
		while (state_of(child) != 'S')
			usleep(1000);
		kill(child, SIGTERM);
	}
	SEEN(child);
}

static void killed_in_stops(void)
{
	pid_t pid = traced_child(exit_six);

	kill(pid, SIGKILL);
	SEEN(pid);
	pid = traced_child(exit_six);
	pt(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEEXIT | PTRACE_O_TRACESYSGOOD);
	PT(PTRACE_CONT, pid, 0, SIGTERM);
	SEEN(pid);
	PT(PTRACE_CONT, pid, 0, 0);
	SEEN(pid);
	pid = traced_child(exit_six);
	PT(PTRACE_SYSCALL, pid, 0, 0);
	SEEN(pid);
	kill(pid, SIGKILL);
	SEEN(pid);
	PT(PTRACE_CONT, pid, 0, 0);
}

static volatile int told;

static void on_child(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)context;
	told = info->si_code * 1000 + info->si_status;
}

/* SIGCHLD for a stop. */
static void told_by_signal(void)
{
	struct sigaction a = {.sa_sigaction = on_child, .sa_flags = SA_SIGINFO | SA_RESTART};
	pid_t pid;

	sigaction(SIGCHLD, &a, NULL);
	pid = traced_child(exit_six);
	printf("told %d\n", told);
	PT(PTRACE_SYSCALL, pid, 0, 0);
	SEEN(pid);
	printf("told %d\n", told);
	pt(PTRACE_CONT, pid, 0, 0);
	SEEN(pid);
	printf("told %d\n", told);
	a.sa_flags |= SA_NOCLDSTOP;
	sigaction(SIGCHLD, &a, NULL);
	told = 0;
	pid = traced_child(exit_six);
	printf("told %d\n", told);
	signal(SIGCHLD, SIG_IGN);
	pt(PTRACE_CONT, pid, 0, 0);
	SEEN(pid);
	signal(SIGCHLD, SIG_DFL);
}

/* --- filters --- */

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void filtered(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE | 0x1234),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = {.len = COUNT(code), .filter = code};

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog);
	raise(SIGSTOP);
	_exit(syscall(SYS_getppid) < 0 ? errno == ENOSYS : 2);
}

static void filters(void)
{
	struct sock_filter code[20];
	struct user_regs_struct regs;
	pid_t pid = traced_child(filtered);

	PT(PTRACE_SECCOMP_GET_FILTER, pid, 0, 0);
	PT(PTRACE_CONT, pid, 0, 0);
	SEEN(pid);
	PT(PTRACE_SECCOMP_GET_FILTER, pid, 0, code);
	HOLDS(code[1].k == SYS_getppid);
	PT(PTRACE_SECCOMP_GET_FILTER, pid, 1, code);
	/* Without the option there is no such call. */
	PT(PTRACE_CONT, pid, 0, 0);
	SEEN(pid);
	for (int skip = 0; skip < 2; skip++) {
		unsigned long message = 0;

		pid = traced_child(filtered);
		PT(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESECCOMP);
		pt(PTRACE_CONT, pid, 0, 0);
		SEEN(pid);
		PT(PTRACE_CONT, pid, 0, 0);
		SEEN(pid);
		PT(PTRACE_GETEVENTMSG, pid, 0, &message);
		pt(PTRACE_GETREGS, pid, 0, (unsigned long)&regs);
		printf("message %lx, result %ld\n", message, (long)regs.rax);
		HOLDS(regs.orig_rax == SYS_getppid);
		regs.orig_rax = -1ul;
		if (skip)
			pt(PTRACE_SETREGS, pid, 0, (unsigned long)&regs);
		PT(PTRACE_CONT, pid, 0, 0);
		SEEN(pid);
	}
	pid = traced_child(filtered);
	PT(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_SUSPEND_SECCOMP);
	pt(PTRACE_CONT, pid, 0, 0);
	SEEN(pid);
	PT(PTRACE_CONT, pid, 0, 0);
	SEEN(pid);
}

int main(int argc, char **argv)
{
	self = argv[0];
	if (argc > 1)
		return 11;
	setvbuf(stdout, NULL, _IOFBF, 1 << 16);
	events(fork_and_exit, ALL_EVENTS, PTRACE_CONT);
	events(fork_and_exit, 0, PTRACE_CONT);
	events(fork_and_exit, ALL_EVENTS, PTRACE_SYSCALL);
	events(vfork_and_exit, ALL_EVENTS, PTRACE_CONT);
	events(make_thread, ALL_EVENTS, PTRACE_CONT);
	events(execute, ALL_EVENTS, PTRACE_SYSCALL);
	events(execute, 0, PTRACE_CONT);
	events(thread_executes, ALL_EVENTS & ~PTRACE_O_TRACEEXIT, PTRACE_CONT);
	group_stop();
	seize();
	attach();
	traced_by_another();
	tracer_ends(0);
	tracer_ends(PTRACE_O_EXITKILL);
	killed_in_stops();
	told_by_signal();
	filters();
	return 0;
}
