/* SPDX-License-Identifier: MIT */
/*
 * The line discipline of a terminal (termios(3)): what is typed at a pseudo-terminal's master, what comes back as echo, and
 * what a read gets. Each case sets the flags, types a text, and shows both.
 */
#include "abi.h"
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <termios.h>

static int master, near;

static void show(const char *what, const char *bytes, ssize_t n)
{
	printf("  %s %zd: ", what, n);
	for (ssize_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)bytes[i];

		if (c >= 32 && c < 127 && c != '\\')
			putchar(c);
		else
			printf("\\%03o", c);
	}
	if (n < 0)
		printf("%s", abi_error(errno));
	putchar('\n');
}

/* Waits until bytes stop coming. */
static ssize_t gather(int fd, char *out, size_t max)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	ssize_t total = 0;

	while (poll(&p, 1, total ? 20 : 60) == 1 && (p.revents & POLLIN)) {
		ssize_t n = read(fd, out + total, max - (size_t)total);

		if (n <= 0)
			break;
		total += n;
	}
	return total;
}

static void open_pair(void)
{
	master = posix_openpt(O_RDWR | O_NOCTTY);
	grantpt(master);
	unlockpt(master);
	near = open(ptsname(master), O_RDWR | O_NOCTTY | O_NONBLOCK);
	if (near < 0) {
		printf("no terminal: %s\n", abi_error(errno));
		exit(1);
	}
}

struct change {
	unsigned set_i, clear_i, set_o, clear_o, set_l, clear_l;
};

static struct termios first;

static void set(const struct change *c)
{
	struct termios t = first;

	t.c_iflag = (t.c_iflag | c->set_i) & ~c->clear_i;
	t.c_oflag = (t.c_oflag | c->set_o) & ~c->clear_o;
	t.c_lflag = (t.c_lflag | c->set_l) & ~c->clear_l;
	if (tcsetattr(near, TCSAFLUSH, &t))
		printf("tcsetattr: %s\n", abi_error(errno));
}

/* Types text; shows echo, and every read until there is nothing. */
static void type(const char *name, const char *text, size_t n)
{
	char bytes[8192];
	ssize_t got;

	printf("%s\n", name);
	if (write(master, text, n) != (ssize_t)n)
		printf("  write: %s\n", abi_error(errno));
	show("echo", bytes, gather(master, bytes, sizeof(bytes)));
	while ((got = read(near, bytes, sizeof(bytes))) >= 0) {
		show("read", bytes, got);
		if (got == 0)
			break;
	}
	if (got < 0)
		show("then", bytes, got);
}

#define TYPE(text) type(#text, text, sizeof(text) - 1)

static void put_out(const char *text)
{
	char bytes[512];

	printf("put out\n");
	if (write(near, text, strlen(text)) < 0)
		printf("  write: %s\n", abi_error(errno));
	show("seen", bytes, gather(master, bytes, sizeof(bytes)));
}

static void defaults(void)
{
	struct termios t;

	R(tcgetattr(near, &t));
	printf("%o %o %o %o\n", t.c_iflag, t.c_oflag, t.c_cflag, t.c_lflag);
	for (int i = 0; i < 17; i++)
		printf("%d ", t.c_cc[i]);
	printf("%d %d\n", cfgetispeed(&t) == B38400, cfgetospeed(&t) == B38400);
	R(tcgetattr(master, &t));
	printf("%o %o %o %o\n", t.c_iflag, t.c_oflag, t.c_cflag, t.c_lflag);
}

static void editing(void)
{
	set(&(struct change){0});
	TYPE("hello\n");
	TYPE("two\nlines\n");
	TYPE("return\r");
	TYPE("abc\177\177X\n");
	TYPE("\177\177X\n");
	TYPE("some words here\027\027X\n");
	TYPE("a_b-c  \027X\n");
	TYPE("killed\025X\n");
	TYPE("a\tb\tc\177\177\177\177X\n");
	TYPE("con\001trol\002\177\177\n");
	TYPE("lit\026\177\026\003\026\n!\n");
	TYPE("again\022!\n");
	TYPE("end\004");
	TYPE("\004");
	TYPE("x\004y\004\n");
	TYPE("del\377\300\n");
	TYPE("not a line");
	TYPE(" yet\n");
	set(&(struct change){.set_i = IUTF8});
	TYPE("\303\244\303\266\177!\n");
	TYPE("\342\202\254\177x\342\202\254\342\202\254\025\n");
	TYPE("w\303\266rter w\303\266rt\027X\n");
	set(&(struct change){0});
	TYPE("\303\244\303\266\177!\n");
}

static void echoes(void)
{
	set(&(struct change){.clear_l = ECHO});
	TYPE("silent\177\177\n");
	set(&(struct change){.clear_l = ECHO, .set_l = ECHONL});
	TYPE("newline\n");
	set(&(struct change){.clear_l = ECHOE});
	TYPE("abc\177\n");
	set(&(struct change){.clear_l = ECHOKE});
	TYPE("abc\025d\n");
	set(&(struct change){.clear_l = ECHOKE | ECHOK});
	TYPE("abc\025d\n");
	set(&(struct change){.clear_l = ECHOCTL});
	TYPE("a\001\002\177b\177\n");
	set(&(struct change){.set_l = ECHOPRT});
	TYPE("abc\177\177d\n");
	TYPE("abc\025d\n");
	TYPE("abc\027\n");
	set(&(struct change){.clear_l = IEXTEN});
	TYPE("a b\027\026\022c\n");
}

static void translations(void)
{
	set(&(struct change){.clear_i = ICRNL});
	TYPE("a\rb\n");
	set(&(struct change){.set_i = IGNCR});
	TYPE("a\rb\n");
	set(&(struct change){.set_i = INLCR, .clear_i = ICRNL});
	TYPE("a\nb\r\004");
	set(&(struct change){.set_i = ISTRIP});
	TYPE("\341\342\n");
	set(&(struct change){.set_i = IUCLC});
	TYPE("ABC\n");
	set(&(struct change){.set_i = PARMRK});
	TYPE("a\377b\n");
	set(&(struct change){.set_i = IXANY});
	TYPE("a\023b\n");
	set(&(struct change){0});
	put_out("a\tb\r\nc\n");
	set(&(struct change){.set_o = TAB3});
	put_out("a\tb\n\tc\n");
	set(&(struct change){.clear_o = ONLCR});
	put_out("ab\ncd\n");
	set(&(struct change){.clear_o = OPOST});
	put_out("ab\ncd\n");
	set(&(struct change){.set_o = OCRNL, .clear_o = ONLCR});
	put_out("ab\rcd\n");
	set(&(struct change){.set_o = ONOCR});
	put_out("\rab\r\r\n");
	set(&(struct change){.set_o = ONLRET, .clear_o = ONLCR});
	put_out("ab\n\tx\n");
	set(&(struct change){.set_o = OLCUC});
	put_out("abC\n");
}

/* Reads in canonical mode with small buffers. */
static void pieces(void)
{
	char b[16];

	set(&(struct change){.clear_l = ECHO});
	R(write(master, "abcdef\nxyz\n", 11));
	usleep(20000);
	R(read(near, b, 3));
	R(read(near, b, 3));
	R(read(near, b, 3));
	R(read(near, b, 16));
	R(write(master, "abc\004", 4));
	usleep(20000);
	R(read(near, b, 3));
	R(read(near, b, 3));
	R(write(master, "abc\004\004", 5));
	usleep(20000);
	R(read(near, b, 0));
	R(read(near, b, 2));
	R(read(near, b, 2));
	R(read(near, b, 2));
	R(read(near, b, 2));
}

static void counts(void)
{
	int n = -1;

	set(&(struct change){.clear_l = ECHO});
	R(write(master, "abc", 3));
	usleep(20000);
	R(ioctl(near, FIONREAD, &n));
	HOLDS(n == 0);
	R(write(master, "\n12\004", 4));
	usleep(20000);
	R(ioctl(near, FIONREAD, &n));
	HOLDS(n == 6);
	R(tcflush(near, TCIFLUSH));
	R(ioctl(near, FIONREAD, &n));
	HOLDS(n == 0);
	R(write(near, "out", 3));
	usleep(20000);
	R(ioctl(master, FIONREAD, &n));
	HOLDS(n == 3);
	R(ioctl(near, TIOCOUTQ, &n));
	HOLDS(n == 0);
	R(tcdrain(near));
	R(tcsendbreak(near, 0));
	R(tcflush(near, 7));
	R(ioctl(near, TCXONC, 9));
	R(read(master, (char[8]){0}, 8));
}

/* Switching between modes with bytes there. */
static void switching(void)
{
	struct change raw = {.clear_l = ICANON | ECHO};
	struct termios t;
	char b[32];

	set(&(struct change){.clear_l = ECHO});
	R(write(master, "line\npart", 9));
	usleep(20000);
	t = first;
	t.c_lflag &= ~(ICANON | ECHO);
	R(tcsetattr(near, TCSANOW, &t));
	show("raw", b, read(near, b, sizeof(b)));
	set(&raw);
	R(write(master, "bytes", 5));
	usleep(20000);
	t = first;
	t.c_lflag &= ~ECHO;
	R(tcsetattr(near, TCSANOW, &t));
	show("canonical", b, read(near, b, sizeof(b)));
	show("then", b, read(near, b, sizeof(b)));
}

static long tenths_since(const struct timeval *start)
{
	struct timeval now;

	gettimeofday(&now, NULL);
	return ((now.tv_sec - start->tv_sec) * 1000000 + now.tv_usec - start->tv_usec) / 100000;
}

/* Types the bytes of `text` with pauses, from another process. */
static pid_t typist(const char *text, int pause_us)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();

	if (pid)
		return pid;
	for (; *text; text++) {
		usleep((useconds_t)pause_us);
		if (write(master, text, 1) != 1)
			_exit(1);
	}
	_exit(0);
}

static void timed(const char *name, int min, int time, const char *text, int pause_us, long from, long to)
{
	struct termios t = first;
	struct timeval start;
	char b[16];
	pid_t pid;
	ssize_t n;
	long took;

	t.c_lflag &= ~(ICANON | ECHO);
	t.c_cc[VMIN] = (cc_t)min;
	t.c_cc[VTIME] = (cc_t)time;
	tcsetattr(near, TCSAFLUSH, &t);
	pid = typist(text, pause_us);
	gettimeofday(&start, NULL);
	n = read(near, b, sizeof(b));
	took = tenths_since(&start);
	waitpid(pid, NULL, 0);
	printf("%s\n", name);
	show("read", b, n);
	printf("  in time: %s\n", took >= from && took <= to ? "yes" : "NO");
}

static void raw_reads(void)
{
	struct termios t = first;
	struct pollfd p = {.fd = near, .events = POLLIN};

	fcntl(near, F_SETFL, 0);
	timed("min 0 time 0", 0, 0, "", 0, 0, 2);
	timed("min 1 time 0", 1, 0, "a", 100000, 1, 20);
	timed("min 3 time 0", 3, 0, "abc", 50000, 1, 20);
	timed("min 0 time 3", 0, 3, "", 0, 2, 20);
	timed("min 0 time 30, one byte", 0, 30, "a", 100000, 1, 20);
	timed("min 5 time 4, two bytes", 5, 4, "ab", 50000, 4, 25);
	t.c_lflag &= ~(ICANON | ECHO);
	t.c_cc[VMIN] = 3;
	tcsetattr(near, TCSAFLUSH, &t);
	R(write(master, "ab", 2));
	usleep(20000);
	R(poll(&p, 1, 0));
	R(write(master, "c", 1));
	usleep(20000);
	R(poll(&p, 1, 0));
	fcntl(near, F_SETFL, O_NONBLOCK);
	tcflush(near, TCIFLUSH);
	R(write(master, "ab", 2));
	usleep(20000);
	R(read(near, (char[8]){0}, 8));
	R(read(near, (char[8]){0}, 8));
}

/* A line longer than a terminal takes. */
static void long_line(void)
{
	static char line[6000], back[8192];
	ssize_t n, total = 0;

	set(&(struct change){.clear_l = ECHO});
	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	R(write(master, line, sizeof(line)));
	usleep(100000);
	while ((n = read(near, back, sizeof(back))) > 0)
		total += n;
	printf("long line: %zd\n", total);
	/* In raw mode nothing is lost. */
	set(&(struct change){.clear_l = ECHO | ICANON});
	R(write(master, line, sizeof(line)));
	for (total = 0; total < 6000 && gather(near, back, 1000) > 0;)
		total += 1000;
	printf("raw: %s\n", total >= 6000 ? "all" : "LOST");
}

static void speeds(void)
{
	struct termios t;
	int line = 7;
	struct winsize w = {.ws_row = 11, .ws_col = 22, .ws_xpixel = 3, .ws_ypixel = 4}, v = {0};

	tcgetattr(near, &t);
	cfsetspeed(&t, B115200);
	t.c_cflag |= PARENB | CSTOPB | CS7;
	R(tcsetattr(near, TCSANOW, &t));
	R(tcgetattr(near, &t));
	printf("%o %d\n", t.c_cflag & (CSIZE | PARENB | CSTOPB), cfgetospeed(&t) == B115200);
	R(ioctl(near, TIOCGWINSZ, &v));
	printf("%d %d\n", v.ws_row, v.ws_col);
	R(ioctl(near, TIOCSWINSZ, &w));
	R(ioctl(master, TIOCGWINSZ, &v));
	printf("%d %d %d %d\n", v.ws_row, v.ws_col, v.ws_xpixel, v.ws_ypixel);
	R(ioctl(near, TIOCGETD, &line));
	HOLDS(line == 0);
	R(ioctl(near, TIOCGEXCL, &line));
	R(ioctl(near, TIOCEXCL));
	R(ioctl(near, TIOCGEXCL, &line));
	HOLDS(line == 1);
	R(ioctl(near, TIOCNXCL));
	R(ioctl(near, TIOCMGET, &line));
	R(ioctl(near, 0x54ff, &line));
	R(ioctl(near, TCGETS, (void *)8));
	R(ioctl(near, TCSETS, (void *)8));
	R(ioctl(near, TIOCGWINSZ, (void *)8));
	R(ioctl(near, TIOCGPGRP, &line));
	R(ioctl(near, TIOCGSID, &line));
	R(ioctl(near, TIOCNOTTY));
	R(isatty(near));
	R(isatty(master));
	R(lseek(near, 0, SEEK_SET));
	R(pread(near, &line, 1, 0));
}

/* What is fixed stays as it is, whoever wants to change it. */
static void fixed(void)
{
	struct termios t = {0}, now;

	memset(&now, 0xff, sizeof(now));
	R(ioctl(near, TIOCGLCKTRMIOS, &now));
	R(now.c_lflag);
	R(ioctl(near, TIOCSLCKTRMIOS, 8));
	t.c_lflag = ECHO;
	t.c_cc[VINTR] = 1;
	R(ioctl(near, TIOCSLCKTRMIOS, &t));
	R(ioctl(near, TIOCGLCKTRMIOS, &now));
	R(now.c_lflag == ECHO);
	t = first;
	t.c_lflag &= ~(tcflag_t)(ECHO | ICANON);
	t.c_cc[VINTR] = t.c_cc[VQUIT] = 'x';
	R(tcsetattr(near, TCSANOW, &t));
	tcgetattr(near, &now);
	printf("  %x %d %d\n", (now.c_lflag ^ first.c_lflag), now.c_cc[VINTR], now.c_cc[VQUIT]);
	memset(&t, 0, sizeof(t));
	R(ioctl(near, TIOCSLCKTRMIOS, &t));
}

int main(void)
{
	setvbuf(stdout, NULL, _IOFBF, 1 << 16);
	alarm(50);
	open_pair();
	tcgetattr(near, &first);
	defaults();
	editing();
	echoes();
	translations();
	pieces();
	counts();
	switching();
	raw_reads();
	long_line();
	speeds();
	fixed();
	return 0;
}
