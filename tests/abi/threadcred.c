/* SPDX-License-Identifier: MIT */
/* Each thread has an identity of its own: what one changes by raw system calls, another one, /proc and the process do not see. */
#include "abi.h"
#include <dirent.h>
#include <grp.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

static pthread_barrier_t barrier;
static pid_t other;
static int target;

#define STEP() pthread_barrier_wait(&barrier)

static void show_status(const char *title, const char *path)
{
	char line[300];
	FILE *f = fopen(path, "r");

	printf("%s\n", title);
	while (f && fgets(line, sizeof(line), f)) {
		if (strncmp(line, "Uid:", 4) == 0 || strncmp(line, "Gid:", 4) == 0 ||
		    strncmp(line, "Groups:", 7) == 0)
			printf("  %s", line);
	}
	if (f)
		fclose(f);
}

static void show_both(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/task/%d/status", other);
	show_status("other", path);
	show_status("self", "/proc/self/status");
}

static unsigned long effective(pid_t tid)
{
	struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, tid};
	struct __user_cap_data_struct d[2] = {{0}};

	if (syscall(SYS_capget, &h, d) != 0)
		return ~0ul;
	return d[0].effective & ~(1ul << CAP_SYS_RESOURCE);
}

static void *changes(void *arg)
{
	struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct none[2] = {{0}};
	unsigned groups[2] = {7, 8};

	other = (pid_t)syscall(SYS_gettid);
	STEP();
	R(syscall(SYS_setgroups, 2, groups));
	R(syscall(SYS_setresgid, 100, 200, 300));
	R(syscall(SYS_setresuid, -1, 1000, -1));
	R(syscall(SYS_geteuid));
	R(open("only-root", O_RDONLY));
	R(close(open("made", O_WRONLY | O_CREAT, 0644)));
	STEP();
	STEP();
	R(syscall(SYS_setresuid, 0, 0, 0));
	R(syscall(SYS_setfsuid, 1001));
	STEP();
	STEP();
	R(syscall(SYS_capset, &h, none));
	R(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
	R(prctl(PR_CAPBSET_DROP, CAP_WAKE_ALARM, 0, 0, 0));
	STEP();
	STEP();
	R(syscall(SYS_setresuid, 1000, 1000, 1000));
	R(kill(target, 0));
	R(kill(getpid(), 0));
	R(syscall(SYS_tgkill, getpid(), getpid(), 0));
	fflush(stdout);
	if (fork() == 0) {
		show_status("child of the thread", "/proc/self/status");
		fflush(stdout);
		_exit(0);
	}
	fflush(stdout);
	wait(NULL);
	STEP();
	STEP();
	return arg;
}

static void raw(void)
{
	struct stat st;
	pthread_t t;
	int fd;

	fd = open("only-root", O_WRONLY | O_CREAT, 0600);
	close(fd);
	chmod(".", 0777);
	pthread_barrier_init(&barrier, NULL, 2);
	fflush(stdout);
	target = fork();
	if (target == 0) {
		pause();
		_exit(0);
	}
	pthread_create(&t, NULL, changes, NULL);
	STEP();
	STEP();
	R(syscall(SYS_geteuid));
	R(syscall(SYS_getegid));
	R(syscall(SYS_getgroups, 0, NULL));
	HOLDS((fd = open("only-root", O_RDONLY)) >= 0);
	close(fd);
	show_both();
	stat("made", &st);
	printf("made by %u %u\n", st.st_uid, st.st_gid);
	HOLDS(effective(other) == 0);
	HOLDS(effective(0) != 0);
	STEP();
	STEP();
	show_both();
	STEP();
	STEP();
	HOLDS(effective(other) == 0);
	HOLDS(effective(0) != 0);
	R(prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0));
	R(prctl(PR_CAPBSET_READ, CAP_WAKE_ALARM, 0, 0, 0));
	STEP();
	STEP();
	show_both();
	R(syscall(SYS_getuid));
	STEP();
	pthread_join(t, NULL);
	kill(target, SIGKILL);
	waitpid(target, NULL, 0);
}

static void *waits(void *arg)
{
	other = (pid_t)syscall(SYS_gettid);
	STEP();
	STEP();
	printf("other thread: %d %d %d %d\n", (int)syscall(SYS_getuid), (int)syscall(SYS_geteuid),
	       (int)syscall(SYS_getgid), (int)syscall(SYS_getgroups, 0, NULL));
	fflush(stdout);
	return arg;
}

/* The C library makes the call in all threads. */
static void by_library(void)
{
	gid_t groups[] = {5};
	pthread_t t;

	pthread_create(&t, NULL, waits, NULL);
	STEP();
	R(setgroups(1, groups));
	R(setgid(10));
	R(setuid(20));
	show_both();
	STEP();
	pthread_join(t, NULL);
}

/* Who executes a program from another thread than the first one takes its own identity along. */
static void *executes(void *arg)
{
	char *argv[] = {"threadcred", "after", NULL}, *envp[] = {NULL};

	syscall(SYS_setresgid, 11, 12, 13);
	syscall(SYS_setresuid, 21, 22, 23);
	fflush(stdout);
	execve("/proc/self/exe", argv, envp);
	printf("no exec: %s\n", abi_error(errno));
	return arg;
}

int main(int argc, char **argv)
{
	pthread_t t;

	if (argc > 1) {
		show_status(argv[1], "/proc/self/status");
		return 0;
	}
	if (geteuid() != 0) {
		printf("not root\n");
		return 0;
	}
	abi_scratch();
	raw();
	fflush(stdout);
	if (fork() == 0) {
		by_library();
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	fflush(stdout);
	if (fork() == 0) {
		pthread_create(&t, NULL, executes, NULL);
		for (;;)
			pause();
	}
	wait(NULL);
	return 0;
}
