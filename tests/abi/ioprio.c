/* SPDX-License-Identifier: MIT */
/* ioprio_set(2), ioprio_get(2); syslog(2); sethostname(2); personality(2). Nothing of the host is changed. */
#include "abi.h"
#include <sched.h>
#include <sys/klog.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#define PROCESS		      1
#define GROUP		      2
#define USER		      3
#define RT(n)		      (1 << 13 | (n))
#define BE(n)		      (2 << 13 | (n))
#define IDLE(n)		      (3 << 13 | (n))
#define get(which, who)	      syscall(SYS_ioprio_get, which, who)
#define set(which, who, prio) syscall(SYS_ioprio_set, which, who, prio)

static void show(void)
{
	printf("now %lx, of the group %lx\n", get(PROCESS, 0), get(GROUP, 0));
}

static void own(void)
{
	R(setpgid(0, 0));
	R(set(PROCESS, 0, 0));
	R(setpriority(PRIO_PROCESS, 0, 0));
	show();
	R(setpriority(PRIO_PROCESS, 0, 15));
	show();
	R(get(PROCESS, getpid()));
	R(set(PROCESS, 0, BE(3)));
	show();
	R(set(PROCESS, 0, IDLE(0)));
	show();
	R(set(PROCESS, 0, IDLE(5)));
	show();
	R(set(PROCESS, 0, RT(4)));
	show();
	R(set(PROCESS, 0, BE(8)));
	show();
	R(set(PROCESS, 0, BE(0x100)));
	show();
	R(set(PROCESS, 0, 4 << 13));
	R(set(PROCESS, 0, 7 << 13));
	R(set(PROCESS, 0, -1));
	R(set(PROCESS, 0, 5));
	R(set(PROCESS, 0, 1 << 20));
	show();
	R(set(GROUP, 0, BE(6)));
	show();
	R(set(GROUP, getpid(), BE(5)));
	show();
	if (fork() == 0) {
		show();
		R(set(PROCESS, 0, BE(1)));
		show();
		_exit(0);
	}
	wait(NULL);
	show();
	R(set(PROCESS, 0, 0));
	R(syscall(SYS_sched_setscheduler, 0, SCHED_IDLE, &(struct sched_param){0}));
	show();
	R(get(0, 0));
	R(get(4, 0));
	R(get(PROCESS, 99999999));
	R(get(GROUP, 99999999));
	R(get(USER, 99999999));
	R(set(0, 0, BE(0)));
	R(set(4, 0, BE(0)));
	R(set(PROCESS, 99999999, BE(0)));
	R(set(GROUP, 99999999, BE(0)));
	R(set(USER, 99999999, BE(0)));
	R(setresuid(1000, 1000, 1000));
	R(set(PROCESS, 0, RT(1)));
	R(set(PROCESS, 0, IDLE(1)));
	R(set(PROCESS, 1, BE(1)));
	show();
}

static void log_calls(void)
{
	char buf[16];

	R(syscall(SYS_syslog, 2, buf, -1));
	R(syscall(SYS_syslog, 2, NULL, 1));
	R(syscall(SYS_syslog, 3, NULL, 5));
	R(syscall(SYS_syslog, 2, buf, 0));
	R(syscall(SYS_syslog, 3, buf, 0));
	R(syscall(SYS_syslog, 10, NULL, 0) > 0);
	R(syscall(SYS_syslog, 8, NULL, 0));
	R(syscall(SYS_syslog, 8, NULL, 9));
	R(syscall(SYS_syslog, 99, NULL, 0));
	R(syscall(SYS_syslog, -1, NULL, 0));
}

static void names(void)
{
	struct utsname u;

	R(sethostname("x", (size_t)-1));
	R(sethostname("x", 65));
	R(syscall(SYS_sethostname, 8, 4));
	R(setdomainname("x", (size_t)-1));
	R(setdomainname("x", 65));
	R(syscall(SYS_personality, 0x0020000));
	R(uname(&u));
	HOLDS(strncmp(u.release, "2.6.", 4) == 0);
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (fork() == 0) {
		own();
		log_calls();
		R(sethostname("x", 1));
		R(setdomainname("x", 65));
		_exit(0);
	}
	wait(NULL);
	log_calls();
	names();
	return 0;
}
