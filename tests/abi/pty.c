/* SPDX-License-Identifier: MIT */
/* Pseudo-terminals (pts(4)): their names and ends, flow, packet mode, and the library's functions; ttyjobs.c has the jobs. */
#include "tty.h"

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
	flow();
	signal(SIGHUP, SIG_DFL);
	packets();
	libraries();
	volume();
	many();
	return 0;
}
