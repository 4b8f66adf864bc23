/* SPDX-License-Identifier: MIT */
/*
 * Rows about processes and threads that talk to each other: pipes, futexes, signals, giving way, making and joining a thread;
 * and about names of files. A round trip is there and back: two wake-ups and two switches.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "bench.h"

/* --- pipes --- */

/* Answers each byte until the other end is closed. */
static void answer(int in, int out)
{
	char byte;

	while (call3(SYS_read, in, (long)&byte, 1) == 1)
		call3(SYS_write, out, (long)&byte, 1);
	call3(SYS_exit_group, 0, 0, 0);
}

static int run_pipe_pair(struct sample *s, unsigned int count)
{
	int there[2], back[2], err = 0;
	char byte = 'x';
	long pid;

	if (pipe(there) || pipe(back))
		return errno;
	pid = call3(SYS_fork, 0, 0, 0);
	if (pid == 0) {
		close(there[1]);
		answer(there[0], back[1]);
	}
	close(there[0]);
	close(back[1]);
	start(s);
	for (unsigned int i = 0; i < count && !err; i++) {
		call3(SYS_write, there[1], (long)&byte, 1);
		if (call3(SYS_read, back[0], (long)&byte, 1) != 1)
			err = EIO;
	}
	stop(s);
	close(there[1]);
	close(back[0]);
	return pid < 0 ? (int)-pid : err ? err : reap(pid);
}

/* `arg` bytes through a pipe of one's own. */
static int run_pipe_self(struct sample *s, unsigned int count)
{
	static char bytes[65536];
	int ends[2], err = 0;

	if (pipe(ends))
		return errno;
	memset(bytes, 'p', sizeof(bytes));
	start(s);
	for (unsigned int i = 0; i < count && !err; i++) {
		if (call3(SYS_write, ends[1], (long)bytes, (long)s->arg) != (long)s->arg ||
		    call3(SYS_read, ends[0], (long)bytes, (long)s->arg) != (long)s->arg)
			err = EIO;
	}
	stop(s);
	close(ends[0]);
	close(ends[1]);
	return err;
}

/* --- threads --- */

static int turn; /* whose it is: 0 or 1, and 2 when all is over */

static void await_turn(int mine)
{
	int now;

	while ((now = __atomic_load_n(&turn, __ATOMIC_ACQUIRE)) != mine && now != 2)
		syscall(SYS_futex, &turn, FUTEX_WAIT_PRIVATE, now, NULL);
}

static void give_turn(int to)
{
	__atomic_store_n(&turn, to, __ATOMIC_RELEASE);
	call3(SYS_futex, (long)&turn, FUTEX_WAKE_PRIVATE, 1);
}

static void *partner(void *arg)
{
	for (;;) {
		await_turn(1);
		if (turn == 2)
			return arg;
		give_turn(0);
	}
}

static int run_futex_pair(struct sample *s, unsigned int count)
{
	pthread_t t;
	int err;

	turn = 0;
	err = pthread_create(&t, NULL, partner, NULL);
	if (err)
		return err;
	start(s);
	for (unsigned int i = 0; i < count; i++) {
		give_turn(1);
		await_turn(0);
	}
	stop(s);
	give_turn(2);
	return pthread_join(t, NULL);
}

static int run_yield(struct sample *s, unsigned int count)
{
	start(s);
	for (unsigned int i = 0; i < count; i++)
		call3(SYS_sched_yield, 0, 0, 0);
	stop(s);
	return 0;
}

static int yields_end;
static unsigned int partner_turns;

static void *yield_on(void *arg)
{
	while (!__atomic_load_n(&yields_end, __ATOMIC_RELAXED)) {
		__atomic_add_fetch(&partner_turns, 1, __ATOMIC_RELAXED);
		call3(SYS_sched_yield, 0, 0, 0);
	}
	return arg;
}

static void yield_until_turn(unsigned int turn)
{
	while (__atomic_load_n(&partner_turns, __ATOMIC_RELAXED) < turn)
		call3(SYS_sched_yield, 0, 0, 0);
}

/*
 * Two threads give way to each other: one operation is a switch to the other one and the switch back. Not each call need
 * switch: Linux lets a new thread wait for some ms, so turns are counted and not calls, and some are had before.
 */
static int run_yield_pair(struct sample *s, unsigned int count)
{
	pthread_t t;
	int err;

	yields_end = 0;
	partner_turns = 0;
	err = pthread_create(&t, NULL, yield_on, NULL);
	if (err)
		return err;
	yield_until_turn(100);
	start(s);
	yield_until_turn(100 + count);
	stop(s);
	yields_end = 1;
	return pthread_join(t, NULL);
}

static void *nothing(void *arg)
{
	return arg;
}

static int run_thread(struct sample *s, unsigned int count)
{
	int err = 0;

	start(s);
	for (unsigned int i = 0; i < count && !err; i++) {
		pthread_t t;

		err = pthread_create(&t, NULL, nothing, NULL);
		if (!err)
			err = pthread_join(t, NULL);
	}
	stop(s);
	return err;
}

/* --- signals --- */

static volatile unsigned int handled;

static void handle(int signo)
{
	(void)signo;
	handled++;
}

static int run_signal(struct sample *s, unsigned int count)
{
	struct sigaction a = {.sa_handler = handle};
	long self = getpid();

	handled = 0;
	if (sigaction(SIGUSR1, &a, NULL))
		return errno;
	start(s);
	for (unsigned int i = 0; i < count; i++)
		call3(SYS_kill, self, SIGUSR1, 0);
	stop(s);
	return handled == count ? 0 : EIO;
}

/* --- names --- */

#define NAME "bench.name"

static int run_stat(struct sample *s, unsigned int count)
{
	struct stat st;
	int fd = open(NAME, O_RDWR | O_CREAT, 0600);
	long err = 0;

	if (fd < 0)
		return errno;
	close(fd);
	start(s);
	for (unsigned int i = 0; i < count; i++)
		err |= call3(SYS_stat, (long)NAME, (long)&st, 0);
	stop(s);
	unlink(NAME);
	return err ? EIO : 0;
}

static int run_open_close(struct sample *s, unsigned int count)
{
	int fd = open(NAME, O_RDWR | O_CREAT, 0600);
	long err = 0;

	if (fd < 0)
		return errno;
	close(fd);
	start(s);
	for (unsigned int i = 0; i < count; i++)
		err |= call3(SYS_close, call3(SYS_open, (long)NAME, O_RDONLY, 0), 0, 0);
	stop(s);
	unlink(NAME);
	return err ? EIO : 0;
}

static const struct row rows[] = {
	{"pipe round trip, processes", 1000, run_pipe_pair, 0},
	{"futex round trip, threads", 1000, run_futex_pair, 0},
	{"sched_yield", 2000, run_yield, 0},
	{"sched_yield, there and back", 2000, run_yield_pair, 0},
	{"pthread create+join", 200, run_thread, 0},
	{"signal sent and handled", 2000, run_signal, 0},
	{"pipe to oneself, 1 byte", 2000, run_pipe_self, 1},
	{"pipe to oneself, 64 KiB", 100, run_pipe_self, 65536},
	{"stat", 2000, run_stat, 0},
	{"open+close", 2000, run_open_close, 0},
};

const struct rows talk_rows = {rows, sizeof(rows) / sizeof(rows[0])};
