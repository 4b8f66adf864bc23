/* SPDX-License-Identifier: MIT */
/* What calls about processes, signals, time and scheduling say to arguments that are wrong, and to odd ones that are not. */
#include "abi.h"
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/times.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
struct args {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid,
		set_tid_size, cgroup, more[60];
};
static long c3(struct args *a, size_t n)
{
	long r = syscall(435, a, n);
	if (r == 0)
		_exit(0);
	if (r > 0) {
		waitpid(-1, NULL, __WALL);
		r = 1;
	}
	return r;
}
/* --- clone3(2), clone(2) --- */

static void clone3s(void)
{
	struct args a = {.exit_signal = SIGCHLD};
	R(c3(&a, 0));
	R(c3(&a, 63));
	R(c3(&a, 64));
	R(c3(&a, 72));
	R(c3(&a, 80));
	R(c3(&a, 88));
	R(c3(&a, 65));
	R(c3(&a, 200));
	R(c3(&a, 4097));
	R(c3(NULL, 64));
	R(c3((void *)8, 88));
	a.more[0] = 1;
	R(c3(&a, 88));
	R(c3(&a, 96));
	R(c3(&a, 568));
	a.more[0] = 0;
	a.exit_signal = 64;
	R(c3(&a, 88));
	a.exit_signal = 65;
	R(c3(&a, 88));
	a.exit_signal = 0;
	R(c3(&a, 88));
	a.exit_signal = 1ull << 32 | 17;
	R(c3(&a, 88));
	a.exit_signal = 0x100 | 17;
	R(c3(&a, 88));
	a.exit_signal = 17;
	a.flags = 17;
	R(c3(&a, 88));
	a.flags = 1ull << 40;
	R(c3(&a, 88));
	a.flags = 0x100000000ull;
	R(c3(&a, 88));
	a.flags = 0x100000000ull | CLONE_SIGHAND | CLONE_VM;
	R(c3(&a, 88));
	a.flags = CLONE_DETACHED;
	R(c3(&a, 88));
	a.flags = CLONE_THREAD;
	R(c3(&a, 88));
	a.exit_signal = 0;
	R(c3(&a, 88));
	a.flags = CLONE_SIGHAND;
	R(c3(&a, 88));
	a.flags = CLONE_PARENT;
	a.exit_signal = 17;
	R(c3(&a, 88));
	a.flags = 0;
	a.stack = 4096;
	R(c3(&a, 88));
	a.stack = 0;
	a.stack_size = 4096;
	R(c3(&a, 88));
	a.stack = ~0ull - 100;
	R(c3(&a, 88));
	a.stack = 0;
	a.stack_size = 0;
	a.set_tid = 8;
	R(c3(&a, 88));
	a.set_tid_size = 1;
	R(c3(&a, 88));
	a.set_tid = 0;
	R(c3(&a, 88));
	int t = 1;
	a.set_tid = (uintptr_t)&t;
	R(c3(&a, 88));
	a.set_tid_size = 2;
	R(c3(&a, 88));
	a.set_tid_size = 100;
	R(c3(&a, 88));
	a.set_tid = a.set_tid_size = 0;
	a.flags = 0x200000000ull;
	a.cgroup = 99;
	R(c3(&a, 88));
	R(c3(&a, 80));
	a.cgroup = -1ull;
	R(c3(&a, 88));
	a.flags = 0;
	a.cgroup = 0;
	a.flags = CLONE_PARENT_SETTID;
	a.parent_tid = 8;
	R(c3(&a, 88));
	a.flags = CLONE_CHILD_SETTID;
	a.child_tid = 8;
	R(c3(&a, 88));
	a.flags = CLONE_SETTLS;
	a.tls = ~0ull;
	R(c3(&a, 88));
	a.flags = CLONE_NEWTIME;
	a.exit_signal = 17;
	a.tls = 0;
	a.flags = CLONE_FS | CLONE_NEWNS;
	R(c3(&a, 88));
	a.flags = CLONE_SYSVSEM | CLONE_NEWIPC;
	R(c3(&a, 88));
	a.flags = CLONE_IO;
	R(c3(&a, 88));
	a.flags = CLONE_UNTRACED;
	R(c3(&a, 88));
	a.flags = CLONE_PTRACE;
	R(c3(&a, 88));
	a.flags = CLONE_VFORK;
	R(c3(&a, 88));
	a.flags = CLONE_FILES | CLONE_FS;
	R(c3(&a, 88));
}
static long cl(unsigned long f)
{
	long r = syscall(SYS_clone, f, 0, 0, 0, 0);
	if (r == 0)
		_exit(0);
	if (r > 0) {
		waitpid(-1, NULL, __WALL);
		r = 1;
	}
	return r;
}
static void clones(void)
{
	R(cl(0));
	R(cl(17));
	R(cl(64));
	R(cl(65));
	R(cl(255));
	R(cl(CLONE_DETACHED | 17));
	R(cl(CLONE_THREAD | 17));
	R(cl(CLONE_SIGHAND | 17));
	R(cl(CLONE_VM | CLONE_VFORK | 17));
	R(cl(CLONE_NEWNS | CLONE_FS | 17));
	R(cl(CLONE_NEWUSER | CLONE_FS | 17));
	R(cl(CLONE_IO | 17));
	R(cl(CLONE_PTRACE | 17));
	R(cl(CLONE_UNTRACED | 17));
	R(cl(CLONE_SETTLS | 17 | CLONE_VFORK));
	R(cl(1ul << 40 | 17));
	R(cl(CLONE_NEWPID | CLONE_THREAD | CLONE_VM | CLONE_SIGHAND));
	R(cl(CLONE_NEWPID | CLONE_PARENT | CLONE_NEWUSER | CLONE_FS | 17));
	R(setresuid(1000, 1000, 1000));
	R(cl(CLONE_NEWNET | 17));
	R(cl(CLONE_NEWNS | 17));
}
/* --- signals --- */

static void kills(void)
{
	pid_t me = getpid();
	R(kill(me, 0));
	R(kill(me, -1));
	R(kill(me, 65));
	R(kill(999999, 0));
	R(kill(-999999, 0));
	R(kill(INT_MIN, 0));
	R(kill(0, 0));
	R(kill(0, 65));
	R(kill(999999, 65));
	pid_t c = fork();
	if (!c) {
		R(setresuid(1000, 1000, 1000));
		R(kill(-1, 0));
		_exit(0);
	}
	waitpid(c, NULL, 0);
	R(syscall(SYS_tkill, 0, 0));
	R(syscall(SYS_tkill, -1, 0));
	R(syscall(SYS_tkill, me, 65));
	R(syscall(SYS_tkill, 999999, 0));
	R(syscall(SYS_tgkill, me, 999999, 0));
	R(syscall(SYS_tgkill, 0, me, 0));
	R(syscall(SYS_tgkill, -1, me, 0));
	R(syscall(SYS_tgkill, me, me, 0));
	R(syscall(SYS_tgkill, 1, me, 0));
	R(syscall(SYS_tgkill, me, 0, 0));
	siginfo_t i = {.si_signo = 10, .si_code = SI_QUEUE};
	R(syscall(SYS_rt_sigqueueinfo, me, 0, &i));
	R(syscall(SYS_rt_sigqueueinfo, 999999, 0, &i));
	R(syscall(SYS_rt_sigqueueinfo, me, 65, &i));
	R(syscall(SYS_rt_sigqueueinfo, 0, 0, &i));
	R(syscall(SYS_rt_sigqueueinfo, -5, 0, &i));
	R(syscall(SYS_rt_sigqueueinfo, me, 0, 8));
	i.si_code = 0;
	R(syscall(SYS_rt_sigqueueinfo, 1, 0, &i));
	i.si_code = SI_TKILL;
	R(syscall(SYS_rt_sigqueueinfo, 1, 0, &i));
	R(syscall(SYS_rt_tgsigqueueinfo, me, me, 0, &i));
	R(syscall(SYS_rt_tgsigqueueinfo, 0, me, 0, &i));
	R(syscall(SYS_rt_tgsigqueueinfo, me, 0, 0, &i));
	R(syscall(SYS_rt_tgsigqueueinfo, me, 0, 0, 8));
	R(syscall(SYS_rt_sigaction, 65, 8, NULL, 8));
	sigset_t s;
	R(syscall(SYS_rt_sigprocmask, 99, &s, NULL, 8));
	R(syscall(SYS_rt_sigprocmask, 99, NULL, NULL, 8));
	R(syscall(SYS_rt_sigprocmask, 0, 8, NULL, 8));
	R(syscall(SYS_rt_sigprocmask, 0, NULL, 8, 8));
	R(syscall(SYS_rt_sigprocmask, 0, NULL, NULL, 4));
	R(syscall(SYS_rt_sigaction, 0, NULL, NULL, 8));
	R(syscall(SYS_rt_sigaction, 65, NULL, NULL, 8));
	R(syscall(SYS_rt_sigaction, 9, NULL, NULL, 8));
	R(syscall(SYS_rt_sigaction, 1, NULL, NULL, 4));
	R(syscall(SYS_rt_sigaction, 1, 8, NULL, 8));
	R(syscall(SYS_rt_sigaction, 1, NULL, 8, 8));
	R(syscall(SYS_rt_sigpending, 8, 8));
	R(syscall(SYS_rt_sigpending, &s, 16));
	R(syscall(SYS_rt_sigsuspend, 8, 8));
	R(syscall(SYS_rt_sigsuspend, &s, 4));
	R(syscall(SYS_rt_sigtimedwait, 8, NULL, NULL, 8));
	struct timespec t = {0, -1};
	sigemptyset(&s);
	R(syscall(SYS_rt_sigtimedwait, &s, NULL, &t, 8));
	t.tv_nsec = 0;
	R(syscall(SYS_rt_sigtimedwait, &s, NULL, &t, 8));
	R(syscall(SYS_rt_sigtimedwait, &s, NULL, &t, 4));
	R(syscall(SYS_sigaltstack, 8, NULL));
	R(syscall(SYS_sigaltstack, NULL, 8));
	stack_t st = {0};
	R(syscall(SYS_sigaltstack, &st, NULL));
	st.ss_flags = 99;
	R(syscall(SYS_sigaltstack, &st, NULL));
	st.ss_flags = 0;
	st.ss_size = 100;
	R(syscall(SYS_sigaltstack, &st, NULL));
}
/* --- groups, time, scheduling, limits --- */

static void groups(void)
{
	pid_t me = getpid();
	R(setpgid(-1, 0));
	R(setpgid(0, -1));
	R(setpgid(999999, 0));
	R(setpgid(1, 0));
	R(setpgid(0, 1));
	R(setpgid(0, 999999));
	R(setpgid(0, 0));
	R(getpgrp() == me);
	R(getpgid(-1));
	R(getpgid(999999));
	R(getpgid(0) == me);
	R(getsid(-1));
	R(getsid(999999));
	R(setsid());
	pid_t c = fork();
	if (!c) {
		R(setsid() == getpid());
		R(setsid());
		R(setpgid(0, 0));
		R(getsid(0) == getpid());
		_exit(0);
	}
	waitpid(c, NULL, 0);
	R(setpgid(c, 0));
	int p[2];
	if (pipe(p))
		return;
	c = fork();
	if (!c) {
		char b;
		setsid();
		(void)!write(p[1], "x", 1);
		(void)!read(p[0] + 0, &b, 0);
		pause();
	}
	char b;
	(void)!read(p[0], &b, 1);
	R(setpgid(c, c));
	R(setpgid(c, me));
	kill(c, 9);
	waitpid(c, NULL, 0);
}
static void times_(void)
{
	struct tms t;
	R(times(&t) >= 0);
	R(syscall(SYS_times, 8));
	R(syscall(SYS_times, NULL) >= 0);
	struct timespec ts = {0, 1000000000};
	R(syscall(SYS_nanosleep, &ts, NULL));
	ts = (struct timespec){-1, 0};
	R(syscall(SYS_nanosleep, &ts, NULL));
	ts = (struct timespec){0, -1};
	R(syscall(SYS_nanosleep, &ts, NULL));
	R(syscall(SYS_nanosleep, 8, NULL));
	R(syscall(SYS_nanosleep, NULL, NULL));
	ts = (struct timespec){0, 0};
	R(syscall(SYS_nanosleep, &ts, 8));
	struct itimerval iv = {{0, 0}, {0, 1000000}};
	R(setitimer(0, &iv, NULL));
	R(setitimer(3, &iv, NULL));
	R(syscall(SYS_setitimer, 0, 8, NULL));
	R(syscall(SYS_getitimer, 3, &iv));
	R(syscall(SYS_getitimer, 0, 8));
	timer_t id;
	struct sigevent bad = {.sigev_notify = 77};
	R(syscall(SYS_timer_create, CLOCK_MONOTONIC_RAW, &bad, &id));
	R(syscall(SYS_timer_create, 99, 8, &id));
	R(syscall(SYS_timer_create, CLOCK_MONOTONIC, &bad, &id));
	R(syscall(SYS_timer_settime, 99, 0, NULL, NULL));
	R(syscall(SYS_timer_gettime, 99, 8));
	R(syscall(SYS_timer_delete, 99));
	R(syscall(SYS_timer_getoverrun, 99));
	R(syscall(SYS_timer_create, 0, NULL, &id));
	R(syscall(SYS_timer_settime, id, 0, 8, NULL));
	R(syscall(SYS_timer_gettime, id, 8));
	struct itimerspec is = {{0, 0}, {0, -1}};
	R(syscall(SYS_timer_settime, id, 0, &is, NULL));
	is.it_value.tv_nsec = 0;
	R(syscall(SYS_timer_settime, id, 99, &is, NULL));
	R(syscall(SYS_timer_settime, id, 0, &is, 8));
}
static void sched_(void)
{
	struct sched_param p = {0};
	R(syscall(SYS_sched_setscheduler, 0, -1, &p));
	R(syscall(SYS_sched_setscheduler, 0, 99, &p));
	R(syscall(SYS_sched_setscheduler, -1, 0, &p));
	R(syscall(SYS_sched_setscheduler, 0, 0, NULL));
	R(syscall(SYS_sched_setscheduler, 0, 0, 8));
	p.sched_priority = 1;
	R(syscall(SYS_sched_setscheduler, 0, 0, &p));
	p.sched_priority = 0;
	R(syscall(SYS_sched_setscheduler, 0, 1, &p));
	p.sched_priority = 100;
	R(syscall(SYS_sched_setscheduler, 0, 1, &p));
	R(syscall(SYS_sched_setparam, 0, NULL));
	R(syscall(SYS_sched_setparam, -1, &p));
	R(syscall(SYS_sched_setparam, 0, 8));
	R(syscall(SYS_sched_getparam, 0, NULL));
	R(syscall(SYS_sched_getparam, 0, 8));
	R(syscall(SYS_sched_getparam, 999999, &p));
	R(syscall(SYS_sched_getscheduler, -1));
	R(syscall(SYS_sched_getscheduler, 999999));
	R(sched_get_priority_max(99));
	R(sched_get_priority_min(-1));
	R(syscall(SYS_sched_rr_get_interval, 0, 8));
	R(syscall(SYS_sched_rr_get_interval, -1, 8));
	R(syscall(SYS_sched_rr_get_interval, 999999, &p));
	unsigned long m = 0;
	R(syscall(SYS_sched_setaffinity, 0, 8, &m));
	R(syscall(SYS_sched_setaffinity, 0, 8, 8));
	pid_t zombie = fork();
	if (!zombie)
		_exit(0);
	waitid(P_PID, (id_t)zombie, NULL, WEXITED | WNOWAIT);
	R(syscall(SYS_setpriority, 0, zombie, 5));
	R(syscall(SYS_execveat, AT_FDCWD, "", NULL, NULL, 1));
	R(syscall(SYS_sched_setaffinity, 999999, 8, &m));
	R(syscall(SYS_sched_getaffinity, 0, 1, &m));
	R(syscall(SYS_sched_getaffinity, 0, 8, NULL));
	R(syscall(SYS_sched_getaffinity, -1, 8, &m));
	R(syscall(SYS_sched_getaffinity, 0, 0, &m));
	unsigned cpu;
	R(syscall(SYS_getcpu, &cpu, NULL, NULL));
	R(syscall(SYS_getcpu, 8, NULL, NULL));
	R(syscall(SYS_getcpu, NULL, 8, NULL));
	R(syscall(SYS_getcpu, NULL, NULL, 8));
}
static void limits(void)
{
	struct rlimit l;
	unsigned long n[2] = {10, 5};
	R(syscall(SYS_prlimit64, 999999, 16, NULL, &l));
	R(syscall(SYS_prlimit64, 0, 16, 8, NULL));
	R(syscall(SYS_prlimit64, 0, 16, NULL, &l));
	R(syscall(SYS_prlimit64, 0, -1, NULL, &l));
	R(syscall(SYS_prlimit64, 0, 7, n, NULL));
	R(syscall(SYS_prlimit64, 999999, 7, NULL, &l));
	R(syscall(SYS_prlimit64, -1, 7, NULL, &l));
	R(syscall(SYS_prlimit64, 0, 7, 8, NULL));
	R(syscall(SYS_prlimit64, 0, 7, NULL, 8));
	R(syscall(SYS_setrlimit, 99, &l));
	R(syscall(SYS_setrlimit, 7, 8));
	R(syscall(SYS_getrlimit, 7, 8));
	R(syscall(SYS_getrlimit, 99, &l));
	n[0] = n[1] = 1073741817;
	R(syscall(SYS_prlimit64, 0, 7, n, NULL));
	n[0] = n[1] = ~0ul;
	R(syscall(SYS_prlimit64, 0, 7, n, NULL));
	pid_t c = fork();
	if (!c) {
		pause();
		_exit(0);
	}
	n[0] = 100;
	n[1] = 200;
	R(syscall(SYS_prlimit64, c, 7, n, &l));
	R(syscall(SYS_prlimit64, c, 7, NULL, &l));
	R(l.rlim_cur);
	R(l.rlim_max);
	if (fork() == 0) {
		R(setresuid(1000, 1000, 1000));
		R(syscall(SYS_prlimit64, c, 7, NULL, &l));
		n[0] = 10;
		n[1] = 100000000;
		R(syscall(SYS_prlimit64, 0, 7, n, NULL));
		n[1] = 20;
		R(syscall(SYS_prlimit64, 0, 7, n, NULL));
		n[1] = 30;
		R(syscall(SYS_prlimit64, 0, 7, n, NULL));
		n[0] = 5;
		n[1] = 20;
		R(syscall(SYS_prlimit64, 0, 7, n, NULL));
		_exit(0);
	}
	wait(NULL);
	kill(c, 9);
	wait(NULL);
	n[0] = n[1] = 0;
	c = fork();
	if (!c) {
		n[0] = 1;
		n[1] = 2;
		R(syscall(SYS_prlimit64, 0, RLIMIT_CPU, n, NULL));
		for (;;)
			;
	}
	int s;
	waitpid(c, &s, 0);
	R(s & 0x7f);
	c = fork();
	if (!c) {
		signal(SIGXCPU, SIG_IGN);
		n[0] = 0;
		n[1] = 1;
		R(syscall(SYS_prlimit64, 0, RLIMIT_CPU, n, NULL));
		for (;;)
			;
	}
	waitpid(c, &s, 0);
	R(s & 0x7f);
}
int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGUSR1, SIG_IGN);
	signal(64, SIG_IGN);
	signal(65, SIG_IGN);
	void (*fs[])(void) = {clone3s, clones, kills, groups, times_, sched_, limits};
	for (int i = 0; i < 7; i++) {
		fflush(stdout);
		if (fork() == 0) {
			fs[i]();
			_exit(0);
		}
		int s;
		wait(&s);
		if (s)
			printf("%d ended %x\n", i, s);
	}
	return 0;
}
