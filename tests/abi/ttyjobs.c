/* SPDX-License-Identifier: MIT */
/*
 * Sessions and jobs at a pseudo-terminal (pts(4), credentials(7)): the controlling terminal, keys that send signals, jobs in
 * the background, orphans, hang-ups. Parents wait for their children, so that lines keep their order.
 */
#include "tty.h"

static void controlling(void)
{
	int m = open_master(), s, other = open_master(), s2;

	R(open("/dev/tty", O_RDWR) >= 0);
	R(setsid() == getpid());
	R(open("/dev/tty", O_RDWR));
	s = open(ptsname(m), O_RDWR | O_NOCTTY);
	R(tcgetpgrp(s));
	R(tcgetsid(s));
	R(ioctl(s, TIOCSCTTY, 0));
	R(ioctl(s, TIOCSCTTY, 0));
	HOLDS(tcgetsid(s) == getpid());
	HOLDS(tcgetpgrp(s) == getpid());
	HOLDS(tcgetsid(m) == getpid());
	HOLDS(tcgetpgrp(m) == getpid());
	s2 = open(ptsname(other), O_RDWR);
	HOLDS(s2 >= 0);
	R(tcgetpgrp(s2));
	R(ioctl(s2, TIOCSCTTY, 0));
	R(ioctl(s2, TIOCNOTTY));
	R(isatty(open("/dev/tty", O_RDWR)));
	R(tcsetpgrp(s, -1));
	R(tcsetpgrp(s, 4194303));
	R(tcsetpgrp(s, getppid()));
	R(tcsetpgrp(s2, getpid()));
	signal(SIGHUP, SIG_IGN);
	R(ioctl(s, TIOCNOTTY));
	R(open("/dev/tty", O_RDWR));
	R(tcgetsid(s));
	R(close(s2));
	s2 = open(ptsname(other), O_RDWR);
	HOLDS(tcgetsid(s2) == getpid());
	R(isatty(open("/dev/tty", O_RDWR)));
}

static void stat_fields(void)
{
	char text[512];
	int m = open_master(), s, fd, tty, group;
	struct stat st;
	ssize_t n;

	setsid();
	s = open(ptsname(m), O_RDWR);
	fstat(s, &st);
	fd = open("/proc/self/stat", O_RDONLY);
	n = read(fd, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = 0;
	R(sscanf(strrchr(text, ')'), ") R %*d %*d %*d %d %d", &tty, &group));
	HOLDS(tty == (int)(136 << 8 | minor(st.st_rdev)));
	HOLDS(group == getpid());
}

/* Keys that make signals go to the foreground, and flush. */
static void keys(void)
{
	int m = open_master(), s;
	char b[64];
	ssize_t n;

	setsid();
	s = open(ptsname(m), O_RDWR | O_NONBLOCK);
	watch(SIGINT);
	watch(SIGQUIT);
	watch(SIGTSTP);
	watch(SIGWINCH);
	R(write(m, "lost\003kept\n", 10));
	settle();
	printf("INT %d QUIT %d\n", seen[SIGINT], seen[SIGQUIT]);
	n = R(read(s, b, sizeof(b)));
	printf("%.*s", n > 0 ? (int)n : 0, b);
	n = R(read(m, b, sizeof(b)));
	R(write(m, "\034\032", 2));
	settle();
	printf("INT %d QUIT %d TSTP %d\n", seen[SIGINT], seen[SIGQUIT], seen[SIGTSTP]);
	n = R(read(m, b, sizeof(b)));
	printf("%.*s\n", n > 0 ? (int)n : 0, b);
	R(ioctl(m, TIOCSWINSZ, (&(struct winsize){.ws_row = 5, .ws_col = 6})));
	R(ioctl(m, TIOCSWINSZ, (&(struct winsize){.ws_row = 5, .ws_col = 6})));
	settle();
	printf("WINCH %d\n", seen[SIGWINCH]);
	R(ioctl(m, TIOCSIG, SIGINT));
	R(ioctl(m, TIOCSIG, SIGHUP));
	printf("INT %d\n", seen[SIGINT]);
}

static int job_tty;

/* What a job in the background may do; its leader is the parent. */
static void background(void)
{
	char b;

	setpgid(0, 0);
	watch(SIGTTIN);
	watch(SIGTTOU);
	R(read(job_tty, &b, 1));
	printf("TTIN %d\n", seen[SIGTTIN]);
	R(write(job_tty, "x", 1));
	R(tcsetpgrp(job_tty, getpid()));
	printf("TTOU %d\n", seen[SIGTTOU]);
	R(tcflush(job_tty, TCIFLUSH));
	R(ioctl(job_tty, TIOCSWINSZ, (&(struct winsize){.ws_row = 1, .ws_col = 2})));
	printf("TTOU %d\n", seen[SIGTTOU]);
	signal(SIGTTIN, SIG_IGN);
	R(read(job_tty, &b, 1));
	signal(SIGTTIN, SIG_DFL);
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTTIN);
	sigaddset(&set, SIGTTOU);
	sigprocmask(SIG_BLOCK, &set, NULL);
	R(read(job_tty, &b, 1));
	R(tcsetpgrp(job_tty, getpid()));
	HOLDS(tcgetpgrp(job_tty) == getpid());
	R(tcsetpgrp(job_tty, getppid()));
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	struct termios t;
	R(tcgetattr(job_tty, &t));
	t.c_lflag |= TOSTOP;
	signal(SIGTTOU, SIG_IGN);
	R(tcsetattr(job_tty, TCSANOW, &t));
	R(write(job_tty, "x", 1));
	watch(SIGTTOU);
	R(write(job_tty, "x", 1));
	printf("TTOU %d\n", seen[SIGTTOU]);
}

static void stopped_reader(void)
{
	char b[8];
	ssize_t n;

	setpgid(0, 0);
	n = R(read(job_tty, b, sizeof(b)));
	printf("%.*s", n > 0 ? (int)n : 0, b);
}

static void jobs(void)
{
	int m = open_master(), status;
	pid_t pid;

	setsid();
	job_tty = open(ptsname(m), O_RDWR);
	child(background);
	tcsetattr(job_tty, TCSANOW, &(struct termios){.c_lflag = ICANON, .c_iflag = ICRNL});
	/* A reader in the background is stopped; in the foreground, and continued, it reads. */
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		stopped_reader();
		fflush(stdout);
		_exit(0);
	}
	setpgid(pid, pid);
	HOLDS(waitpid(pid, &status, WUNTRACED) == pid);
	HOLDS(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTTIN);
	R(tcsetpgrp(job_tty, pid));
	kill(pid, SIGCONT);
	settle();
	write(m, "line\n", 5);
	HOLDS(waitpid(pid, &status, 0) == pid && status == 0);
	signal(SIGTTOU, SIG_IGN);
	R(tcsetpgrp(job_tty, getpid()));
}

/* A group without anybody who could continue it. */
static void orphan(void)
{
	int m = open_master(), wait_for[2];
	pid_t pid;
	char b;

	setsid();
	job_tty = open(ptsname(m), O_RDWR);
	pipe(wait_for);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		if (fork() == 0) {
			close(wait_for[0]);
			setpgid(0, 0);
			settle();
			R(read(job_tty, &b, 1));
			R(tcsetpgrp(job_tty, getpid()));
			fflush(stdout);
			_exit(0);
		}
		_exit(0);
	}
	close(wait_for[1]);
	waitpid(pid, NULL, 0);
	read(wait_for[0], &b, 1);
}

/* What is stopped when nobody is left who could continue it. */
static void orphan_stopped(void)
{
	int told[2], status;
	char b[2] = "??";
	pid_t pid;

	pipe(told);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		setsid();
		pid = fork();
		if (pid == 0) {
			setpgid(0, 0);
			watch(SIGHUP);
			watch(SIGCONT);
			raise(SIGSTOP);
			usleep(10000);
			b[0] = (char)('0' + seen[SIGHUP]);
			b[1] = (char)('0' + seen[SIGCONT]);
			write(told[1], b, 2);
			_exit(0);
		}
		waitpid(pid, &status, WUNTRACED);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	R(read(told[0], b, 2));
	printf("HUP %c CONT %c\n", b[0], b[1]);
}

static void leader(void)
{
	int m = open_master(), told[2], status;
	pid_t pid;
	char b = 0;

	pipe(told);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		/* The leader: its child in the foreground is told when it ends. */
		setsid();
		job_tty = open(ptsname(m), O_RDWR);
		if (fork() == 0) {
			watch(SIGHUP);
			write(told[1], "r", 1);
			while (!seen[SIGHUP])
				usleep(10000);
			int fd = open("/dev/tty", O_RDWR);
			b = fd < 0 && errno == ENXIO ? 'n' : 'y';
			write(told[1], &b, 1);
			_exit(0);
		}
		read(told[0], &b, 1);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	R(read(told[0], &b, 1));
	printf("terminal gone: %c\n", b);
	R(tcgetsid(m));
	close(m);
}

/* The master goes: the leader gets SIGHUP and SIGCONT. */
static void hang_up(void)
{
	int m = open_master(), s;
	char b;

	setsid();
	s = open(ptsname(m), O_RDWR);
	watch(SIGHUP);
	watch(SIGCONT);
	close(m);
	printf("HUP %d CONT %d\n", seen[SIGHUP], seen[SIGCONT]);
	R(read(s, &b, 1));
	R(write(s, &b, 1));
	R(open("/dev/tty", O_RDWR));
	m = open_master();
	s = open(ptsname(m), O_RDWR);
	fcntl(m, F_SETFL, O_NONBLOCK);
	R(vhangup());
	printf("HUP %d CONT %d\n", seen[SIGHUP], seen[SIGCONT]);
	R(read(s, &b, 1));
	R(read(m, &b, 1));
	R(close(s));
	R(read(m, &b, 1));
	s = open(ptsname(m), O_RDWR | O_NOCTTY);
	HOLDS(s >= 0);
	R(write(s, "back", 4));
	settle();
	R(read(m, (char[8]){0}, 8));
}

int main(void)
{
	setvbuf(stdout, NULL, _IOFBF, 1 << 16);
	signal(SIGHUP, SIG_IGN);
	alarm(50);
	child(controlling);
	child(stat_fields);
	child(keys);
	child(jobs);
	child(orphan);
	orphan_stopped();
	leader();
	signal(SIGHUP, SIG_DFL);
	child(hang_up);
	return 0;
}
