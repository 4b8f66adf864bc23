/* SPDX-License-Identifier: MIT */
/* pipe(2): bytes, ends, capacity, atomic writes, what is ready, between processes. */
#include "abi.h"
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/uio.h>
#include <sys/wait.h>

static char big[1 << 20];
static volatile sig_atomic_t caught;

static void handler(int signal)
{
	caught = signal;
}

static void show_poll(int fd, short events)
{
	struct pollfd p = {.fd = fd, .events = events};
	int n = poll(&p, 1, 0);

	printf("poll(%d): %d, %#x\n", fd, n, p.revents);
}

static void ends(void)
{
	int fd[2], unread;
	struct stat st;
	char buf[16] = "";

	R(pipe(fd));
	R(fd[0]);
	R(fd[1]);
	R(fcntl(fd[0], F_GETFL));
	R(fcntl(fd[1], F_GETFL));
	R(fcntl(fd[0], F_GETFD));
	R(fstat(fd[0], &st));
	printf("mode %o, links %d, size %d, block %d\n", st.st_mode, (int)st.st_nlink, (int)st.st_size,
	       (int)st.st_blksize);
	show_poll(fd[0], POLLIN);
	show_poll(fd[1], POLLOUT);
	R(write(fd[1], "hello world", 11));
	show_poll(fd[0], POLLIN | POLLOUT);
	R(ioctl(fd[0], FIONREAD, &unread));
	R(unread);
	R(ioctl(fd[1], FIONREAD, &unread));
	R(unread);
	R(read(fd[0], buf, 5));
	printf("%s\n", buf);
	R(read(fd[0], buf, 16));
	printf("%.6s\n", buf);
	R(read(fd[0], buf, 0));
	R(write(fd[1], "", 0));
	R(read(fd[1], buf, 1));
	R(write(fd[0], buf, 1));
	R(lseek(fd[0], 0, SEEK_SET));
	R(pread(fd[0], buf, 1, 0));
	R(pwrite(fd[1], buf, 1, 0));
	R(ftruncate(fd[1], 0));
	R(fsync(fd[1]));
	R(ioctl(fd[0], 0x5401 /* TCGETS */, buf));
	P(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd[0], 0));
	R(write(fd[1], "end", 3));
	R(close(fd[1]));
	show_poll(fd[0], POLLIN);
	R(read(fd[0], buf, 16));
	R(read(fd[0], buf, 16));
	show_poll(fd[0], POLLIN);
	R(close(fd[0]));
}

static void flags(void)
{
	int fd[2], *page = (int *)(abi_page_before_hole() + PAGE - 4);

	R(pipe2(fd, O_CLOEXEC | O_NONBLOCK));
	R(fcntl(fd[0], F_GETFL));
	R(fcntl(fd[1], F_GETFL));
	R(fcntl(fd[0], F_GETFD));
	R(fcntl(fd[1], F_GETFD));
	R(read(fd[0], big, 1));
	R(close(fd[0]));
	R(close(fd[1]));
	R(pipe2(fd, O_APPEND));
	R(syscall(SYS_pipe, NULL));
	R(syscall(SYS_pipe, page));
	R(pipe(fd));
	R(fd[0]); /* nothing was left behind */
	R(close(fd[0]));
	R(close(fd[1]));
}

static void broken(void)
{
	int fd[2];

	R(pipe(fd));
	R(close(fd[0]));
	show_poll(fd[1], POLLOUT);
	signal(SIGPIPE, handler);
	R(write(fd[1], "x", 1));
	R(caught == SIGPIPE);
	caught = 0;
	R(write(fd[1], "", 0));
	R(caught);
	signal(SIGPIPE, SIG_IGN);
	R(write(fd[1], "x", 1));
	R(close(fd[1]));
	signal(SIGPIPE, SIG_DFL);
}

static void capacity(void)
{
	int fd[2], unread;
	long total = 0;

	R(pipe2(fd, O_NONBLOCK));
	R(fcntl(fd[0], F_GETPIPE_SZ));
	R(fcntl(fd[1], F_GETPIPE_SZ));
	R(write(fd[1], big, sizeof(big)));
	R(write(fd[1], big, 1));
	show_poll(fd[1], POLLOUT);
	R(read(fd[0], big, 4095));
	show_poll(fd[1], POLLOUT);
	R(write(fd[1], big, 4096));
	R(read(fd[0], big, 1));
	show_poll(fd[1], POLLOUT);
	R(write(fd[1], big, 4096));
	R(write(fd[1], big, 1));
	R(ioctl(fd[0], FIONREAD, &unread));
	R(unread);
	R(fcntl(fd[1], F_SETPIPE_SZ, 4096));
	while ((unread = read(fd[0], big, 10000)) > 0)
		total += unread;
	R(total);
	R(fcntl(fd[1], F_SETPIPE_SZ, 4096));
	R(write(fd[1], big, 10000));
	R(fcntl(fd[1], F_SETPIPE_SZ, 100000));
	R(write(fd[1], big, sizeof(big)));
	R(fcntl(fd[1], F_SETPIPE_SZ, 0));
	R(fcntl(fd[1], F_SETPIPE_SZ, -1));
	R(fcntl(0, F_GETPIPE_SZ) == -1);
	R(close(fd[0]));
	R(close(fd[1]));
}

/* What goes in comes out, whatever the sizes. */
static void contents(void)
{
	unsigned in = 0, out = 0, wrong = 0, seed = 1;
	static unsigned char buf[70000];
	int fd[2];

	R(pipe2(fd, O_NONBLOCK));
	for (int i = 0; i < 3000; i++) {
		long n, size;

		seed = seed * 1103515245 + 12345;
		size = (seed >> 8) % (i % 7 == 0 ? sizeof(buf) : 5000);
		if (seed >> 31) {
			for (long k = 0; k < size; k++)
				buf[k] = (unsigned char)((in + k) * 7 % 251);
			n = write(fd[1], buf, size);
			in += n > 0 ? n : 0;
		} else {
			n = read(fd[0], buf, size);
			for (long k = 0; k < n; k++)
				wrong += buf[k] != (unsigned char)((out + k) * 7 % 251);
			out += n > 0 ? n : 0;
		}
		if (i % 500 == 0)
			fcntl(fd[0], F_SETPIPE_SZ, (seed >> 4) % 200000);
	}
	R(wrong);
	HOLDS(out <= in);
	HOLDS(in > 100000);
	R(close(fd[0]));
	R(close(fd[1]));
}

static void vectors(void)
{
	struct iovec v[3] = {{"ab", 2}, {"", 0}, {"cde", 3}};
	char a[3] = "", b[8] = "";
	struct iovec r[2] = {{a, 2}, {b, 7}};
	int fd[2];

	R(pipe(fd));
	R(writev(fd[1], v, 3));
	R(readv(fd[0], r, 2));
	printf("%s %s\n", a, b);
	R(write(fd[1], (char *)8, 1));
	R(write(fd[1], "x", 1));
	R(read(fd[0], (char *)8, 1));
	R(read(fd[0], a, 1));
	R(close(fd[0]));
	R(close(fd[1]));
}

/* A reader in another process, slower than the writer. */
static void between(void)
{
	int fd[2], status;
	long total = 0, n, wrong = 0;
	pid_t pid;

	R(pipe(fd));
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (char)(i % 251);
	pid = fork();
	if (pid == 0) {
		close(fd[0]);
		n = write(fd[1], big, sizeof(big));
		_exit(n == sizeof(big) ? 0 : 1);
	}
	close(fd[1]);
	static char buf[3000];
	while ((n = read(fd[0], buf, sizeof(buf))) > 0) {
		for (long i = 0; i < n; i++)
			wrong += buf[i] != (char)((total + i) % 251);
		total += n;
	}
	R(n);
	R(total);
	R(wrong);
	R(waitpid(pid, &status, 0) == pid);
	R(status);
	close(fd[0]);
}

static void blocked_by_signal(void)
{
	struct sigaction action = {.sa_handler = handler};
	int fd[2], status;
	pid_t pid;

	R(pipe(fd));
	sigaction(SIGUSR1, &action, NULL);
	pid = fork();
	if (pid == 0) {
		struct pollfd p = {.fd = fd[0], .events = POLLIN};
		fd_set set;
		int ok;

		close(fd[1]);
		ok = read(fd[0], big, 1) == -1 && errno == EINTR; /* no SA_RESTART */
		ok &= poll(&p, 1, -1) == 1 && p.revents == POLLIN;
		ok &= read(fd[0], big, 2) == 2;
		FD_ZERO(&set);
		FD_SET(fd[0], &set);
		ok &= select(fd[0] + 1, &set, NULL, NULL, NULL) == 1; /* the end */
		ok &= read(fd[0], big, 2) == 0;
		_exit(ok ? 0 : 1);
	}
	close(fd[0]);
	usleep(50000);
	R(kill(pid, SIGUSR1));
	usleep(50000);
	R(write(fd[1], "ab", 2));
	usleep(50000);
	R(close(fd[1]));
	R(waitpid(pid, &status, 0) == pid);
	R(status);
	/* A writer that dies of SIGPIPE while it waits. */
	R(pipe(fd));
	pid = fork();
	if (pid == 0) {
		signal(SIGPIPE, SIG_DFL);
		close(fd[0]);
		write(fd[1], big, sizeof(big));
		_exit(0);
	}
	close(fd[1]);
	usleep(50000);
	close(fd[0]);
	R(waitpid(pid, &status, 0) == pid);
	R(WTERMSIG(status));
}

/* Pipes and sockets belong to who made them, and can be opened again by them alone. */
static void belongs(void)
{
	int fd[2], sockets[2];
	char name[64];
	struct stat st;
	uid_t old = getuid();

	R(setegid(1001));
	R(seteuid(1000));
	R(pipe(fd));
	R(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
	R(fstat(fd[0], &st));
	printf("pipe of %d, %d\n", (int)st.st_uid, (int)st.st_gid);
	R(fstat(sockets[0], &st));
	printf("socket of %d, %d\n", (int)st.st_uid, (int)st.st_gid);
	snprintf(name, sizeof(name), "/proc/self/task/%d/fd/%d", (int)gettid(), fd[0]);
	R(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
	R(open(name, O_RDONLY | O_NONBLOCK));
	R(fchmod(fd[0], 0200));
	R(open(name, O_RDONLY | O_NONBLOCK));
	R(seteuid(old));
	R(setegid(0));
}

int main(void)
{
	belongs();
	setvbuf(stdout, NULL, _IONBF, 0);
	ends();
	flags();
	broken();
	capacity();
	contents();
	vectors();
	between();
	blocked_by_signal();
	return 0;
}
