/* SPDX-License-Identifier: MIT */
/*
 * How a thread is scheduled, as far as the calls tell: policies, priorities, nice values, affinity, what a child inherits,
 * and what who is not root may do.
 */
#include "abi.h"
#include <grp.h>
#include <linux/sched.h>
#include <linux/sched/types.h>
#include <sys/resource.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

/* Both libraries say ENOSYS for some of these: the calls themselves. */
#define CALL(name, ...) syscall(SYS_##name, __VA_ARGS__)

struct param {
	int priority;
};

static long set_policy(int pid, int policy, int priority)
{
	struct param p = {priority};

	return CALL(sched_setscheduler, pid, policy, &p);
}

static void show_policy(int pid)
{
	struct param p = {-1};

	R(CALL(sched_getscheduler, pid));
	R(CALL(sched_getparam, pid, &p));
	R(p.priority);
}

static void policies(void)
{
	struct param p = {1};

	for (int policy = -1; policy <= 8; policy++) {
		printf("policy %d\n", policy);
		R(CALL(sched_get_priority_max, policy));
		R(CALL(sched_get_priority_min, policy));
	}
	show_policy(0);
	show_policy(getpid());
	R(set_policy(0, SCHED_FIFO, 7));
	show_policy(0);
	R(set_policy(0, SCHED_RR, 99));
	show_policy(0);
	R(CALL(sched_setparam, 0, &p));
	show_policy(0);
	R(set_policy(0, SCHED_RR, 100));
	R(set_policy(0, SCHED_RR, 0));
	R(set_policy(0, SCHED_RR, -1));
	R(set_policy(0, SCHED_BATCH, 1));
	R(set_policy(0, SCHED_BATCH, 0));
	show_policy(0);
	R(CALL(sched_setparam, 0, &p));
	R(set_policy(0, SCHED_IDLE | SCHED_RESET_ON_FORK, 0));
	show_policy(0);
	R(set_policy(0, 4, 0));
	R(set_policy(0, 55, 0));
	R(set_policy(0, -1, 0));
	R(set_policy(-1, SCHED_NORMAL, 0));
	R(set_policy(4000000, SCHED_NORMAL, 0));
	R(CALL(sched_setscheduler, 0, SCHED_NORMAL, NULL));
	R(CALL(sched_setscheduler, 0, SCHED_NORMAL, (void *)16));
	R(CALL(sched_setparam, -1, &p));
	R(CALL(sched_setparam, 4000000, &p));
	R(CALL(sched_getparam, 0, NULL));
	R(CALL(sched_getparam, -1, &p));
	R(CALL(sched_getscheduler, -1));
	R(CALL(sched_getscheduler, 4000000));
	R(set_policy(0, SCHED_NORMAL, 0));
	show_policy(0);
	R(syscall(SYS_sched_yield));
}

static void intervals(void)
{
	struct timespec t = {-1, -1};

	R(CALL(sched_rr_get_interval, 0, &t));
	R(t.tv_sec);
	R(set_policy(0, SCHED_RR, 1));
	R(CALL(sched_rr_get_interval, 0, &t));
	R(t.tv_nsec);
	R(set_policy(0, SCHED_FIFO, 1));
	R(CALL(sched_rr_get_interval, 0, &t));
	R(t.tv_nsec);
	R(set_policy(0, SCHED_NORMAL, 0));
	R(CALL(sched_rr_get_interval, -1, &t));
	R(CALL(sched_rr_get_interval, 4000000, &t));
	R(CALL(sched_rr_get_interval, 0, 16));
}

static void show_attr(void)
{
	struct sched_attr a;

	memset(&a, 0xff, sizeof(a));
	R(CALL(sched_getattr, 0, &a, sizeof(a), 0));
	R(a.size);
	R(a.sched_policy);
	R(a.sched_flags);
	R(a.sched_nice);
	R(a.sched_priority);
}

static void attributes(void)
{
	struct sched_attr a = {.size = sizeof(a), .sched_policy = SCHED_NORMAL, .sched_nice = 5};
	char large[128] = {0};

	show_attr();
	R(CALL(sched_setattr, 0, &a, 0));
	show_attr();
	a.sched_nice = 100;
	R(CALL(sched_setattr, 0, &a, 0));
	show_attr();
	a = (struct sched_attr){.size = 48, .sched_policy = SCHED_RR, .sched_priority = 3};
	a.sched_flags = SCHED_FLAG_RESET_ON_FORK;
	R(CALL(sched_setattr, 0, &a, 0));
	show_attr();
	a.sched_flags = SCHED_FLAG_KEEP_POLICY;
	a.sched_policy = 0;
	a.sched_priority = 4;
	R(CALL(sched_setattr, 0, &a, 0));
	show_attr();
	a.sched_flags = SCHED_FLAG_KEEP_PARAMS | SCHED_FLAG_KEEP_POLICY;
	a.sched_priority = 9;
	R(CALL(sched_setattr, 0, &a, 0));
	show_attr();
	a = (struct sched_attr){.size = 48, .sched_policy = SCHED_NORMAL, .sched_priority = 1};
	R(CALL(sched_setattr, 0, &a, 0));
	a.sched_priority = 0;
	a.sched_flags = 1ull << 40;
	R(CALL(sched_setattr, 0, &a, 0));
	a.sched_flags = 0;
	a.sched_policy = 77;
	R(CALL(sched_setattr, 0, &a, 0));
	a.sched_policy = 0x80000000u;
	R(CALL(sched_setattr, 0, &a, 0));
	a.sched_policy = SCHED_NORMAL;
	R(CALL(sched_setattr, 0, &a, 1));
	R(CALL(sched_setattr, -1, &a, 0));
	R(CALL(sched_setattr, 4000000, &a, 0));
	R(CALL(sched_setattr, 0, NULL, 0));
	R(CALL(sched_setattr, 0, 16, 0));
	a.size = 40;
	R(CALL(sched_setattr, 0, &a, 0));
	R(a.size);
	a.size = 5000;
	R(CALL(sched_setattr, 0, &a, 0));
	R(a.size);
	memcpy(large, &(struct sched_attr){.size = sizeof(large)}, sizeof(a));
	R(CALL(sched_setattr, 0, large, 0));
	large[100] = 1;
	R(CALL(sched_setattr, 0, large, 0));
	R(((struct sched_attr *)large)->size);
	R(CALL(sched_getattr, 0, &a, 47, 0));
	R(CALL(sched_getattr, 0, &a, 5000, 0));
	R(CALL(sched_getattr, 0, &a, 48, 1));
	R(CALL(sched_getattr, 0, NULL, 48, 0));
	R(CALL(sched_getattr, -1, &a, 48, 0));
	R(CALL(sched_getattr, 4000000, &a, 48, 0));
	R(CALL(sched_getattr, 0, &a, 48, 0));
	R(a.size);
}

static void nice_values(void)
{
	R(CALL(getpriority, PRIO_PROCESS, 0));
	R(CALL(setpriority, PRIO_PROCESS, 0, 3));
	R(CALL(getpriority, PRIO_PROCESS, getpid()));
	R(CALL(setpriority, PRIO_PROCESS, getpid(), -100));
	R(CALL(getpriority, PRIO_PROCESS, 0));
	R(CALL(setpriority, PRIO_PROCESS, 0, 100));
	R(CALL(getpriority, PRIO_PROCESS, 0));
	R(CALL(setpriority, PRIO_PROCESS, 4000000, 0));
	R(CALL(getpriority, PRIO_PROCESS, 4000000));
	R(CALL(setpriority, 3, 0, 0));
	R(CALL(getpriority, -1, 0));
	R(setpgid(0, 0));
	R(CALL(setpriority, PRIO_PGRP, 0, 7));
	R(CALL(getpriority, PRIO_PGRP, 0));
	R(CALL(getpriority, PRIO_PGRP, getpid()));
	R(CALL(getpriority, PRIO_PGRP, 4000000));
	R(CALL(getpriority, PRIO_USER, 3999999));
	HOLDS(CALL(getpriority, PRIO_USER, 0) >= 13);
	R(CALL(setpriority, PRIO_PROCESS, 0, 0));
	errno = 0;
	R(nice(4));
	R(CALL(setpriority, PRIO_PROCESS, 0, 0));
}

/* Runs fn in a child. */
static void in_child(void (*fn)(void))
{
	int status;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		fn();
		fflush(stdout);
		_exit(0);
	}
	waitpid(child, &status, 0);
	R(status);
}

static void inherited(void)
{
	show_policy(0);
	R(CALL(getpriority, PRIO_PROCESS, 0));
}

static void inheritance(void)
{
	R(CALL(setpriority, PRIO_PROCESS, 0, -3));
	in_child(inherited);
	R(set_policy(0, SCHED_BATCH | SCHED_RESET_ON_FORK, 0));
	in_child(inherited);
	R(CALL(setpriority, PRIO_PROCESS, 0, 5));
	in_child(inherited);
	R(set_policy(0, SCHED_FIFO, 2));
	in_child(inherited);
	R(set_policy(0, SCHED_FIFO | SCHED_RESET_ON_FORK, 2));
	in_child(inherited);
	R(set_policy(0, SCHED_IDLE, 0));
	in_child(inherited);
	R(set_policy(0, SCHED_NORMAL, 0));
	R(CALL(setpriority, PRIO_PROCESS, 0, 0));
}

static pid_t other; /* a process of root's */

static void limit(int resource, unsigned long value)
{
	struct rlimit l = {value, value};

	setrlimit(resource, &l);
}

static void unprivileged(void)
{
	unsigned long mask = 1;

	limit(RLIMIT_NICE, 0);
	limit(RLIMIT_RTPRIO, 0);
	R(setgroups(0, NULL));
	R(setgid(1000));
	R(setuid(1000));
	R(CALL(setpriority, PRIO_PROCESS, 0, 2));
	R(CALL(setpriority, PRIO_PROCESS, 0, 1));
	R(CALL(setpriority, PRIO_PROCESS, other, 1));
	R(CALL(getpriority, PRIO_PROCESS, other));
	R(set_policy(0, SCHED_FIFO, 1));
	R(set_policy(other, SCHED_BATCH, 0));
	R(CALL(sched_getscheduler, other));
	R(set_policy(0, SCHED_BATCH, 0));
	R(set_policy(0, SCHED_NORMAL | SCHED_RESET_ON_FORK, 0));
	R(set_policy(0, SCHED_NORMAL, 0));
	R(CALL(sched_setaffinity, other, sizeof(mask), &mask));
	R(CALL(sched_setaffinity, 0, sizeof(mask), &mask));
	R(set_policy(0, SCHED_IDLE | SCHED_RESET_ON_FORK, 0));
	R(set_policy(0, SCHED_NORMAL | SCHED_RESET_ON_FORK, 0));
	R(CALL(sched_getscheduler, 0));
}

static void affinity(void)
{
	unsigned long mask[16] = {0};
	unsigned int cpu = 99, node = 99;

	HOLDS(CALL(sched_getaffinity, 0, sizeof(mask), mask) >= 8);
	HOLDS(mask[0] & 1);
	R(CALL(sched_getaffinity, 0, 7, mask));
	R(CALL(sched_getaffinity, 0, 0, mask));
	R(CALL(sched_getaffinity, -1, sizeof(mask), mask));
	R(CALL(sched_getaffinity, 4000000, sizeof(mask), mask));
	R(CALL(sched_getaffinity, 0, sizeof(mask), 16));
	mask[0] = 1;
	R(CALL(sched_setaffinity, 0, sizeof(mask), mask));
	mask[0] = 0;
	R(CALL(sched_getaffinity, 0, 8, mask));
	R((long)mask[0]);
	R(CALL(getcpu, &cpu, &node, NULL));
	R(cpu);
	R(CALL(getcpu, NULL, NULL, NULL));
	R(CALL(getcpu, 16, NULL, NULL));
	mask[0] = 0;
	R(CALL(sched_setaffinity, 0, sizeof(mask), mask));
	mask[0] = 1ul << 63;
	R(CALL(sched_setaffinity, 0, sizeof(mask), mask));
	mask[0] = 1;
	R(CALL(sched_setaffinity, 0, 1, mask));
	R(CALL(sched_setaffinity, 0, 0, mask));
	R(CALL(sched_setaffinity, -1, sizeof(mask), mask));
	R(CALL(sched_setaffinity, 4000000, sizeof(mask), mask));
	R(CALL(sched_setaffinity, 0, sizeof(mask), 16));
}

/* The first process of all is there to be asked; what it answers is its machine's. */
static void first_process(void)
{
	struct param p;
	uint64_t cpus[64];

	R(CALL(sched_getscheduler, 1) >= 0);
	R(CALL(sched_getparam, 1, &p));
	R(CALL(sched_getaffinity, 1, sizeof(cpus), cpus) > 0);
	R(CALL(getpriority, PRIO_PROCESS, 1) > 0);
	R(setuid(1000));
	R(CALL(sched_getscheduler, 1) >= 0);
	R(set_policy(1, SCHED_BATCH, 0));
	R(setpriority(PRIO_PROCESS, 1, 5));
	cpus[0] = 1;
	R(CALL(sched_setaffinity, 1, 8, cpus));
	exit(0);
}

int main(void)
{
	/* Whatever the tests are run with. */
	(void)set_policy(0, SCHED_NORMAL, 0);
	setpriority(PRIO_PROCESS, 0, 0);
	policies();
	intervals();
	attributes();
	R(set_policy(0, SCHED_NORMAL, 0));
	in_child(nice_values);
	inheritance();
	other = fork();
	if (other == 0) {
		for (;;)
			pause();
	}
	in_child(unprivileged);
	kill(other, SIGKILL);
	waitpid(other, NULL, 0);
	in_child(affinity);
	in_child(first_process);
	return 0;
}
