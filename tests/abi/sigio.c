/* SPDX-License-Identifier: MIT */
/* Signals from files to their owners: F_SETOWN, F_SETOWN_EX, F_SETSIG, O_ASYNC (fcntl(2)), FIOASYNC, and who may be told. */
#include "abi.h"
#include <asm/ioctls.h>
#include <linux/sockios.h>
#include <pty.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#ifndef SI_SIGIO
#define SI_SIGIO (-5)
#endif
#define SIGNALS_MAX 64

static siginfo_t seen[SIGNALS_MAX];
static volatile int count;

static void handler(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)context;
	if (count < SIGNALS_MAX)
		seen[count++] = *info;
}

/* What came since the last time; fds tell apart which file. */
static void show(const char *what)
{
	printf("%s:", what);
	for (int i = 0; i < count; i++) {
		const siginfo_t *s = &seen[i];

		printf(" [%s code %d",
		       s->si_signo == SIGIO	? "IO"
		       : s->si_signo == SIGURG	? "URG"
		       : s->si_signo == SIGUSR1 ? "USR1"
						: "RT",
		       s->si_code);
		if (s->si_code > 0 && s->si_code < 7 && s->si_signo != SIGURG)
			printf(" band %lx fd %d", s->si_band, s->si_fd);
		printf("]");
	}
	printf("\n");
	count = 0;
}

static void put_and_take(int out, int in)
{
	char c;

	R(write(out, "x", 1));
	show("written");
	R(read(in, &c, 1));
	show("read");
}

static const char *owner(int fd)
{
	static char text[40];
	struct f_owner_ex o;
	long err = fcntl(fd, F_GETOWN_EX, &o);

	snprintf(text, sizeof(text), "%ld type %d %s", err, o.type,
		 !o.pid		     ? "nobody"
		 : o.pid == getpid() ? "me"
				     : "somebody");
	return text;
}

static void choosing(void)
{
	struct f_owner_ex o = {F_OWNER_TID, 0};
	int fds[2], file = open("f", O_CREAT | O_RDWR, 0600), path = open(".", O_PATH), ended;

	R(pipe(fds));
	printf("%s\n", owner(fds[0]));
	R(fcntl(fds[0], F_GETOWN));
	R(fcntl(fds[0], F_GETSIG));
	R(fcntl(fds[0], F_SETOWN, getpid()));
	printf("%s, %d\n", owner(fds[0]), fcntl(fds[0], F_GETOWN) == getpid());
	R(fcntl(fds[0], F_SETOWN, -getpgrp()));
	printf("%s\n", owner(fds[0]));
	R(fcntl(fds[0], F_SETOWN, INT_MIN));
	R(fcntl(fds[0], F_SETOWN, 0x3ffffff));
	R(fcntl(fds[0], F_SETOWN, -0x3ffffff));
	R(fcntl(fds[0], F_SETOWN, 0));
	printf("%s\n", owner(fds[0]));
	for (o.type = -1; o.type < 4; o.type++) {
		o.pid = o.type == F_OWNER_PGRP ? getpgrp() : getpid();
		R(fcntl(fds[0], F_SETOWN_EX, &o));
		printf("type %d: %s\n", o.type, owner(fds[0]));
	}
	o = (struct f_owner_ex){F_OWNER_PID, -1};
	R(fcntl(fds[0], F_SETOWN_EX, &o));
	R(fcntl(fds[0], F_SETOWN_EX, (void *)8));
	R(fcntl(fds[0], F_GETOWN_EX, (void *)8));
	ended = fork();
	if (!ended)
		_exit(0);
	R(fcntl(fds[0], F_SETOWN, ended));
	waitpid(ended, NULL, 0);
	printf("ended: %s\n", owner(fds[0]));
	R(fcntl(fds[0], F_SETSIG, 64));
	R(fcntl(fds[0], F_GETSIG));
	R(fcntl(fds[0], F_SETSIG, 65));
	R(fcntl(fds[0], F_SETSIG, -1));
	R(fcntl(fds[1], F_GETSIG));
	R(fcntl(file, F_SETOWN, getpid()));
	printf("file: %s\n", owner(file));
	R(fcntl(file, F_SETFL, O_ASYNC));
	R(fcntl(file, F_GETFL) & O_ASYNC);
	R(ioctl(file, FIOASYNC, &(int){1}));
	R(ioctl(file, FIOASYNC, &(int){0}));
	R(ioctl(file, FIOASYNC, 8));
	R(fcntl(path, F_SETOWN, getpid()));
	R(fcntl(path, F_GETOWN));
	close(fds[0]);
	close(fds[1]);
}

static char big[65536];

static void fill(int fd)
{
	R(fcntl(fd, F_SETFL, O_NONBLOCK));
	R(write(fd, big, sizeof(big)));
	R(write(fd, big, 1));
}

static void pipes(void)
{
	int fds[2];

	R(pipe(fds));
	R(fcntl(fds[0], F_SETFL, O_ASYNC | O_NONBLOCK));
	R(fcntl(fds[0], F_GETFL) & (O_ASYNC | O_NONBLOCK));
	put_and_take(fds[1], fds[0]); /* no owner: nobody is told */
	R(fcntl(fds[0], F_SETOWN, getpid()));
	put_and_take(fds[1], fds[0]);
	R(fcntl(fds[0], F_SETSIG, SIGRTMIN + 1));
	put_and_take(fds[1], fds[0]);
	R(fcntl(fds[0], F_SETSIG, SIGUSR1));
	put_and_take(fds[1], fds[0]);
	R(fcntl(fds[0], F_SETSIG, SIGIO));
	put_and_take(fds[1], fds[0]);
	R(fcntl(fds[0], F_SETSIG, SIGCHLD));
	put_and_take(fds[1], fds[0]);
	R(fcntl(fds[1], F_SETOWN, getpid()));
	R(fcntl(fds[1], F_SETSIG, SIGRTMIN + 2));
	R(fcntl(fds[0], F_SETFL, O_NONBLOCK));
	fill(fds[1]);
	R(ioctl(fds[1], FIOASYNC, &(int){1}));
	R(read(fds[0], big, sizeof(big)));
	show("room again");
	R(fcntl(fds[1], F_GETFL) & O_ASYNC);
	R(fcntl(fds[0], F_SETFL, O_ASYNC));
	R(fcntl(fds[0], F_SETSIG, SIGRTMIN + 1));
	R(ioctl(fds[1], FIOASYNC, &(int){0}));
	close(fds[1]);
	show("the writer has gone");
	close(fds[0]);
}

static void many(void)
{
	int fds[2];
	sigset_t set, old;

	R(pipe(fds));
	R(fcntl(fds[0], F_SETOWN, getpid()));
	R(fcntl(fds[0], F_SETSIG, SIGRTMIN + 1));
	R(fcntl(fds[0], F_SETFL, O_ASYNC));
	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, &old);
	for (int i = 0; i < 5; i++)
		write(fds[1], "x", 1);
	sigprocmask(SIG_SETMASK, &old, NULL);
	show("five writes");
	close(fds[0]);
	close(fds[1]);
	show("closed");
}

static void sockets(void)
{
	int s[2], value;

	R(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	R(ioctl(s[0], SIOCSPGRP, &(int){getpid()}));
	R(ioctl(s[0], FIOGETOWN, &value));
	printf("mine: %d\n", value == getpid());
	R(ioctl(s[0], FIOSETOWN, &(int){-getpgrp()}));
	R(ioctl(s[0], SIOCGPGRP, &value));
	printf("the group's: %d\n", value == -getpgrp());
	R(ioctl(s[0], FIOSETOWN, &(int){0x3ffffff}));
	R(ioctl(s[0], FIOSETOWN, 8));
	R(fcntl(s[0], F_SETSIG, SIGRTMIN + 1));
	R(fcntl(s[0], F_SETFL, O_ASYNC));
	put_and_take(s[1], s[0]);
	put_and_take(s[0], s[1]);
	close(s[1]);
	show("the other end has gone");
	close(s[0]);
}

static void others(void)
{
	int master, slave, watch = inotify_init();
	char text[8];

	R(openpty(&master, &slave, NULL, NULL, NULL));
	R(fcntl(slave, F_SETOWN, getpid()));
	R(fcntl(slave, F_SETSIG, SIGUSR1));
	R(fcntl(slave, F_SETFL, O_ASYNC));
	R(write(master, "a\n", 2));
	for (int i = 0; i < 100 && !count; i++)
		usleep(1000);
	printf("a line: %s\n", count ? "told" : "not told");
	count = 0;
	R(fcntl(slave, F_SETFL, 0));
	R(read(slave, text, sizeof(text)));
	R(inotify_add_watch(watch, ".", IN_CREATE));
	R(fcntl(watch, F_SETOWN, getpid()));
	R(fcntl(watch, F_SETFL, O_ASYNC));
	close(open("new", O_CREAT | O_RDWR, 0600));
	show("a new file");
}

/* Another process is told, one that may not be is not, and a group is. */
static void elsewhere(void)
{
	int fds[2], go[2], status;
	pid_t child;
	char c;

	R(pipe(fds));
	R(pipe(go));
	child = fork();
	if (!child) {
		sigset_t set;
		siginfo_t info;

		sigemptyset(&set);
		sigaddset(&set, SIGIO);
		sigprocmask(SIG_BLOCK, &set, NULL);
		write(go[1], "g", 1);
		_exit(sigwaitinfo(&set, &info) == SIGIO ? info.si_code == SI_KERNEL ? 10 : 11 : 12);
	}
	read(go[0], &c, 1);
	/* It leads no group. */
	R(fcntl(fds[0], F_SETOWN, -child));
	printf("no group: %s\n", owner(fds[0]));
	R(fcntl(fds[0], F_SETOWN, child));
	R(fcntl(fds[0], F_SETFL, O_ASYNC));
	R(write(fds[1], "x", 1));
	waitpid(child, &status, 0);
	printf("the child: %#x\n", status);
	R(fcntl(fds[0], F_SETOWN, -getpgrp()));
	R(write(fds[1], "x", 1));
	show("the group");
}

int main(void)
{
	struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART};

	abi_scratch();
	setpgid(0, 0);
	sigaction(SIGIO, &sa, NULL);
	sigaction(SIGURG, &sa, NULL);
	sigaction(SIGUSR1, &sa, NULL);
	sigaction(SIGCHLD, &sa, NULL);
	sigaction(SIGRTMIN + 1, &sa, NULL);
	sigaction(SIGRTMIN + 2, &sa, NULL);
	choosing();
	count = 0;
	pipes();
	many();
	sockets();
	others();
	signal(SIGCHLD, SIG_DFL);
	elsewhere();
	return 0;
}
