/* SPDX-License-Identifier: MIT */
/*
 * Pseudo-terminals (pts(4)) and what belongs to them: sessions, jobs, hang-ups, packet mode. Whoever needs a session of its
 * own is a child that reports through the pipe of its output; parents wait for them, so that lines keep their order.
 */
#include "abi.h"
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <termios.h>
#include <utmp.h>

static volatile sig_atomic_t seen[65];

static void note(int signo)
{
	seen[signo]++;
}

static void watch(int signo)
{
	struct sigaction a = {.sa_handler = note};

	sigaction(signo, &a, NULL);
}

/* Runs fn in a child, and waits for it. */
static void child(void (*fn)(void))
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
	if (WIFSIGNALED(status))
		printf("ended by signal %d\n", WTERMSIG(status));
	else if (status)
		printf("status %d\n", WEXITSTATUS(status));
}

static void settle(void)
{
	usleep(30000);
}

static short ready(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT | POLLPRI};

	poll(&p, 1, 0);
	return p.revents;
}

static int open_master(void)
{
	int m = open("/dev/ptmx", O_RDWR | O_NOCTTY);

	unlockpt(m);
	return m;
}

static void names(void)
{
	char path[64], self[64];
	struct stat st;
	struct statfs fs;
	int m = R(posix_openpt(O_RDWR | O_NOCTTY)) >= 0 ? 3 : -1, s, number = -1, locked = -1;

	R(ptsname_r(m, path, sizeof(path)));
	HOLDS(strncmp(path, "/dev/pts/", 9) == 0);
	R(ioctl(m, TIOCGPTN, &number));
	HOLDS(number == atoi(path + 9));
	R(ioctl(m, TIOCGPTLCK, &locked));
	printf("locked %d\n", locked);
	R(open(path, O_RDWR | O_NOCTTY));
	R(grantpt(m));
	R(unlockpt(m));
	R(ioctl(m, TIOCGPTLCK, &locked));
	printf("locked %d\n", locked);
	s = open(path, O_RDWR | O_NOCTTY);
	HOLDS(s >= 0);
	R(fstat(s, &st));
	HOLDS(S_ISCHR(st.st_mode) && major(st.st_rdev) == 136 && (int)minor(st.st_rdev) == number);
	printf("mode %o\n", st.st_mode & 0700);
	R(fstat(m, &st));
	HOLDS(major(st.st_rdev) == 5 && minor(st.st_rdev) == 2);
	HOLDS(ttyname_r(s, self, sizeof(self)) == 0 && strcmp(self, path) == 0);
	R(fstatfs(s, &fs));
	printf("type %lx\n", (long)fs.f_type);
	R(ioctl(s, TIOCGPTN, &number));
	R(isatty(m));
	close(s);
	s = (int)ioctl(m, TIOCGPTPEER, O_RDWR | O_NOCTTY);
	HOLDS(s >= 0);
	R(isatty(s));
	R(mkdir("/dev/pts/dir", 0700));
	R(ioctl(m, TIOCSPTLCK, (void *)8));
	close(m);
	R(access(path, F_OK));
	R(open(path, O_RDWR));
	close(s);
}

static void closing(void)
{
	char b[64];
	int m = open_master(), s, s2;

	printf("no near end yet: poll %x\n", ready(m));
	fcntl(m, F_SETFL, O_NONBLOCK);
	R(read(m, b, 8));
	s = open(ptsname(m), O_RDWR | O_NOCTTY);
	R(write(s, "hello", 5));
	settle();
	R(close(s));
	settle();
	printf("closed: poll %x\n", ready(m));
	R(read(m, b, 3));
	R(read(m, b, 8));
	R(read(m, b, 8));
	R(write(m, "typed\n", 6));
	s = open(ptsname(m), O_RDWR | O_NOCTTY);
	s2 = open(ptsname(m), O_RDWR | O_NOCTTY);
	settle();
	printf("open again: poll %x\n", ready(m));
	R(read(s, b, 8));
	R(read(m, b, sizeof(b)));
	R(write(m, "left\n", 5));
	settle();
	close(m);
	printf("no master: poll %x\n", ready(s));
	R(read(s, b, 8));
	R(write(s, "x", 1));
	R(tcgetattr(s, &(struct termios){0}));
	R(tcgetpgrp(s));
	R(tcsetpgrp(s, 1));
	R(isatty(s2));
	close(s);
	close(s2);
}

/* A reader that sleeps when the other end goes. */
static void sleeping(void)
{
	int m = open_master(), s = open(ptsname(m), O_RDWR | O_NOCTTY);
	pid_t pid;
	char b;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		close(m);
		R(read(s, &b, 1));
		fflush(stdout);
		_exit(0);
	}
	settle();
	close(m);
	waitpid(pid, NULL, 0);
	m = open_master();
	close(s);
	s = open(ptsname(m), O_RDWR | O_NOCTTY);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		close(s);
		R(read(m, &b, 1));
		fflush(stdout);
		_exit(0);
	}
	settle();
	close(s);
	waitpid(pid, NULL, 0);
	close(m);
}

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

/* Stopping and starting output. */
static void flow(void)
{
	int m = open_master(), s = open(ptsname(m), O_RDWR | O_NOCTTY | O_NONBLOCK);
	char b[64];

	fcntl(m, F_SETFL, O_NONBLOCK);
	R(write(m, "\023", 1));
	settle();
	R(write(s, "held", 4));
	printf("stopped: poll %x\n", ready(s));
	R(write(m, "\021", 1));
	settle();
	R(write(s, "free", 4));
	settle();
	R(read(m, b, sizeof(b)));
	R(tcflow(s, TCOOFF));
	R(write(s, "held", 4));
	R(write(m, "\021", 1));
	settle();
	R(write(s, "held", 4));
	R(tcflow(s, TCOON));
	R(write(s, "free", 4));
	settle();
	R(read(m, b, sizeof(b)));
	R(tcflow(s, TCIOFF));
	settle();
	R(read(m, b, sizeof(b)));
	printf("%d\n", b[0]);
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

static void show_packet(int m)
{
	unsigned char b[64];
	ssize_t n = read(m, b, sizeof(b));

	printf("packet %zd:", n);
	for (ssize_t i = 0; i < n; i++)
		printf(" %u", b[i]);
	printf("%s\n", n < 0 ? abi_error(errno) : "");
}

static void packets(void)
{
	int m = open_master(), s = open(ptsname(m), O_RDWR | O_NOCTTY), on = 1;
	struct termios t;

	fcntl(m, F_SETFL, O_NONBLOCK);
	R(ioctl(m, TIOCPKT, &on));
	R(ioctl(m, TIOCGPKT, &on));
	R(ioctl(s, TIOCPKT, &on));
	write(s, "hey", 3);
	settle();
	show_packet(m);
	show_packet(m);
	R(tcflush(s, TCIFLUSH));
	printf("poll %x\n", ready(m));
	show_packet(m);
	R(tcflush(s, TCOFLUSH));
	show_packet(m);
	R(tcflow(s, TCOOFF));
	show_packet(m);
	R(tcflow(s, TCOON));
	show_packet(m);
	tcgetattr(s, &t);
	t.c_iflag &= ~IXON;
	R(tcsetattr(s, TCSANOW, &t));
	show_packet(m);
	t.c_iflag |= IXON;
	R(tcsetattr(s, TCSANOW, &t));
	show_packet(m);
	show_packet(m);
	on = 0;
	R(ioctl(m, TIOCPKT, &on));
	write(s, "x", 1);
	settle();
	show_packet(m);
}

static void libraries(void)
{
	char b[64];
	int m, s, status;
	ssize_t n, total = 0;
	pid_t pid;
	struct winsize w = {.ws_row = 33, .ws_col = 44};

	R(openpty(&m, &s, NULL, NULL, &w));
	R(ioctl(s, TIOCGWINSZ, &w));
	printf("%d %d\n", w.ws_row, w.ws_col);
	close(m);
	close(s);
	fflush(stdout);
	pid = forkpty(&m, NULL, NULL, &w);
	if (pid == 0) {
		printf("%d %d %d\n", isatty(0), tcgetpgrp(0) == getpid(), tcgetsid(1) == getsid(0));
		fflush(stdout);
		_exit(open("/dev/tty", O_RDWR) >= 0 ? 7 : 1);
	}
	while ((n = read(m, b + total, sizeof(b) - (size_t)total)) > 0)
		total += n;
	printf("%zd %s: %.*s\n", n, abi_error(errno), (int)total, b);
	waitpid(pid, &status, 0);
	printf("status %d\n", WEXITSTATUS(status));
}

/* Much data in both directions at once, through a process that copies. */
static void volume(void)
{
	static char out[1 << 17], back[1 << 17];
	struct termios t;
	size_t sent = 0, got = 0;
	int m = open_master(), s = open(ptsname(m), O_RDWR | O_NOCTTY);
	pid_t pid;

	tcgetattr(s, &t);
	cfmakeraw(&t);
	tcsetattr(s, TCSANOW, &t);
	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = (char)(i * 7 + i / 251);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		char b[1000];
		close(m);
		for (ssize_t n; (n = read(s, b, sizeof(b))) > 0;)
			write(s, b, (size_t)n);
		_exit(0);
	}
	close(s);
	fcntl(m, F_SETFL, O_NONBLOCK);
	while (got < sizeof(back)) {
		struct pollfd p = {.fd = m, .events = (short)(POLLIN | (sent < sizeof(out) ? POLLOUT : 0))};
		ssize_t n;

		poll(&p, 1, 5000);
		if (p.revents & POLLOUT) {
			n = write(m, out + sent, sizeof(out) - sent > 3000 ? 3000 : sizeof(out) - sent);
			sent += n > 0 ? (size_t)n : 0;
		}
		if (p.revents & POLLIN) {
			n = read(m, back + got, sizeof(back) - got);
			got += n > 0 ? (size_t)n : 0;
		}
		if (!p.revents)
			break;
	}
	printf("%zu back, %s\n", got, memcmp(out, back, got) == 0 ? "the same" : "DIFFERENT");
	close(m);
	waitpid(pid, NULL, 0);
}

static void many(void)
{
	int fds[100], n;

	for (n = 0; n < 100; n++) {
		fds[n] = posix_openpt(O_RDWR | O_NOCTTY);
		if (fds[n] < 0)
			break;
	}
	printf("%d opened\n", n);
	while (n--)
		close(fds[n]);
}

int main(void)
{
	setvbuf(stdout, NULL, _IOFBF, 1 << 16);
	signal(SIGHUP, SIG_IGN);
	alarm(50);
	names();
	closing();
	sleeping();
	child(controlling);
	child(stat_fields);
	child(keys);
	flow();
	child(jobs);
	child(orphan);
	orphan_stopped();
	leader();
	signal(SIGHUP, SIG_DFL);
	child(hang_up);
	packets();
	libraries();
	volume();
	many();
	return 0;
}
