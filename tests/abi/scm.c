/* SPDX-License-Identifier: MIT */
/* What travels with messages: descriptors and credentials; and sockets that only hold each other. */
#include "abi.h"
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

static char control[8192];

/* Sends `text` with `count` descriptors. */
static int send_fds(int to, const char *text, const int *fds, int count)
{
	struct iovec v = {(char *)text, strlen(text)};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
	struct cmsghdr *c = (struct cmsghdr *)control;

	memset(control, 0, sizeof(control));
	m.msg_control = control;
	m.msg_controllen = CMSG_SPACE(count * sizeof(int));
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(c), fds, count * sizeof(int));
	return (int)sendmsg(to, &m, MSG_DONTWAIT);
}

static int send_fd(int to, const char *text, int fd)
{
	return send_fds(to, text, &fd, 1);
}

/* Receives up to `size` bytes with `room` bytes of control and shows everything; the first descriptor or -1. */
static int receive(int from, size_t size, size_t room, int flags)
{
	char buf[100] = "";
	struct iovec v = {buf, size};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = room};
	int first = -1;
	long n;

	memset(control, 0x55, sizeof(control));
	errno = 0;
	n = recvmsg(from, &m, flags);
	if (n < 0) {
		printf("recvmsg: %s\n", abi_error(errno));
		return -1;
	}
	printf("recvmsg: %ld \"%s\", flags %#x, control %zu:", n, buf, m.msg_flags, (size_t)m.msg_controllen);
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		printf(" [%d %d %zu", c->cmsg_level, c->cmsg_type, (size_t)c->cmsg_len);
		if (c->cmsg_type == SCM_RIGHTS) {
			for (size_t i = 0; i < (c->cmsg_len - CMSG_LEN(0)) / 4; i++) {
				int fd = ((int *)CMSG_DATA(c))[i];

				if (first < 0)
					first = fd;
				printf(" %d/%d", fd, fcntl(fd, F_GETFD));
			}
		} else if (c->cmsg_type == SCM_CREDENTIALS && c->cmsg_len >= CMSG_LEN(sizeof(struct ucred))) {
			struct ucred u;

			memcpy(&u, CMSG_DATA(c), sizeof(u));
			printf(" %s %u %u",
			       u.pid == getpid() ? "me"
			       : u.pid == 0	 ? "nobody"
						 : "other",
			       u.uid, u.gid);
		}
		printf("]");
	}
	printf("\n");
	return first;
}

static void descriptors(int type)
{
	int s[2], p[2], fd, fds[300];
	char byte;

	printf("-- type %d\n", type);
	R(socketpair(AF_UNIX, type, 0, s));
	R(pipe(p));
	R(send_fd(s[0], "x", p[1]));
	close(p[1]);
	fd = receive(s[1], 9, 100, 0);
	R(write(fd, "through", 7));
	close(fd);
	R(read(p[0], control, 20));
	R(read(p[0], control, 20));
	/* The other end lives as long as it is in flight. */
	R(pipe(p));
	R(send_fd(s[0], "y", p[1]));
	close(p[1]);
	fcntl(p[0], F_SETFL, O_NONBLOCK);
	R(read(p[0], &byte, 1));
	R(read(s[1], &byte, 1));
	R(read(p[0], &byte, 1));
	/* Peeking gives another one. */
	R(send_fd(s[0], "zz", p[0]));
	fd = receive(s[1], 9, 100, MSG_PEEK);
	close(fd);
	fd = receive(s[1], 1, 100, MSG_CMSG_CLOEXEC);
	close(fd);
	receive(s[1], 1, 100, MSG_DONTWAIT);
	/* No room. */
	for (int room = 0; room <= 40; room += room == 16 ? 4 : 8) {
		fds[0] = p[0];
		fds[1] = s[0];
		fds[2] = s[1];
		R(room);
		R(send_fds(s[0], "r", fds, 3));
		receive(s[1], 9, room, 0);
		for (int i = s[1] + 10; i > s[1]; i--) {
			if (i != p[0] && i != p[1])
				close(i);
		}
	}
	R(send_fd(s[0], "n", p[0]));
	R(recv(s[1], &byte, 1, 0));
	/* Bytes before and behind stay apart. */
	R(send(s[0], "ab", 2, 0));
	R(send_fd(s[0], "cd", p[0]));
	R(send(s[0], "ef", 2, 0));
	fd = receive(s[1], 9, 100, 0);
	close(fd);
	fd = receive(s[1], 9, 100, MSG_DONTWAIT);
	close(fd);
	fd = receive(s[1], 9, 100, MSG_DONTWAIT);
	/* Wrong ones. */
	R(send_fd(s[0], "x", 99));
	R(send_fd(s[0], "x", -1));
	fds[0] = p[0];
	fds[1] = 99;
	R(send_fds(s[0], "x", fds, 2));
	for (int i = 0; i < 300; i++)
		fds[i] = p[0];
	R(send_fds(s[0], "x", fds, 254));
	R(send_fds(s[0], "x", fds, 253));
	R(send_fds(s[0], "x", fds, 0));
	fd = open(".", O_PATH);
	R(send_fd(s[0], "p", fd));
	R(send_fd(s[0], "", p[0]));
	close(s[0]);
	close(s[1]);
	for (int i = 3; i < 300; i++)
		close(i);
}

static int send_raw(int to, size_t len, int level, int kind, size_t total)
{
	struct iovec v = {(char *)"x", 1};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = total};
	struct cmsghdr *c = (struct cmsghdr *)control;

	c->cmsg_len = len;
	c->cmsg_level = level;
	c->cmsg_type = kind;
	return (int)syscall(SYS_sendmsg, to, &m, MSG_DONTWAIT);
}

static void malformed(void)
{
	int s[2];
	struct iovec v = {(char *)"x", 1};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};

	R(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
	memset(control, 0, sizeof(control));
	R(send_raw(s[0], 16, SOL_SOCKET, SCM_RIGHTS, 15));
	R(send_raw(s[0], 15, SOL_SOCKET, SCM_RIGHTS, 16));
	R(send_raw(s[0], 16, SOL_SOCKET, SCM_RIGHTS, 16));
	R(send_raw(s[0], 17, SOL_SOCKET, SCM_RIGHTS, 16));
	R(send_raw(s[0], 19, SOL_SOCKET, SCM_RIGHTS, 24));
	R(send_raw(s[0], 16, SOL_SOCKET, 99, 16));
	R(send_raw(s[0], 16, 99, 99, 16));
	R(send_raw(s[0], 20, SOL_SOCKET, SCM_CREDENTIALS, 24));
	R(send_raw(s[0], 0, 99, 99, 16));
	m.msg_control = (void *)8;
	m.msg_controllen = 16;
	R(syscall(SYS_sendmsg, s[0], &m, 0));
	m.msg_controllen = 1ul << 31;
	R(syscall(SYS_sendmsg, s[0], &m, 0));
	m.msg_controllen = 200000;
	R(syscall(SYS_sendmsg, s[0], &m, 0));
	m.msg_controllen = 0;
	R(syscall(SYS_sendmsg, s[0], &m, 0));
	close(s[0]);
	close(s[1]);
}

static int send_cred(int to, int pid, int uid, int gid)
{
	struct iovec v = {(char *)"c", 1};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control};
	struct cmsghdr *c = (struct cmsghdr *)control;
	struct ucred u = {pid, (uid_t)uid, (gid_t)gid};

	m.msg_controllen = CMSG_SPACE(sizeof(u));
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_CREDENTIALS;
	c->cmsg_len = CMSG_LEN(sizeof(u));
	memcpy(CMSG_DATA(c), &u, sizeof(u));
	return (int)sendmsg(to, &m, MSG_DONTWAIT);
}

static void credentials(int type)
{
	int s[2], on = 1, status;

	printf("-- type %d\n", type);
	R(socketpair(AF_UNIX, type, 0, s));
	R(send(s[0], "before", 6, 0));
	R(setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)));
	R(send(s[0], "after", 5, 0));
	receive(s[1], 20, 100, 0);
	receive(s[1], 20, 100, 0);
	R(send_cred(s[0], getpid(), 0, 0));
	R(send_cred(s[0], getpid(), 5, 6));
	R(send_cred(s[0], 1, 0, 0));
	R(send_cred(s[0], 0, 0, 0));
	R(send_cred(s[0], 4000000, 0, 0));
	for (int i = 0; i < 3; i++)
		receive(s[1], 20, 100, 0);
	R(send(s[0], "x", 1, 0));
	receive(s[1], 20, 0, 0);
	R(send(s[0], "x", 1, 0));
	receive(s[1], 20, 20, 0);
	R(send_fd(s[0], "f", s[0]));
	close(receive(s[1], 20, 100, 0));
	R(send_fd(s[0], "f", s[0]));
	receive(s[1], 20, 40, 0);
	fflush(stdout);
	if (fork() == 0) {
		if (setgid(1) || setuid(1))
			_exit(9);
		R(send_cred(s[0], getpid(), 0, 0));
		R(send_cred(s[0], getppid(), 1, 1));
		R(send_cred(s[0], getpid(), 1, 0));
		R(send_cred(s[0], getpid(), 1, 1));
		R(write(s[0], "plain", 5));
		fflush(stdout);
		_exit(0);
	}
	wait(&status);
	R(status);
	receive(s[1], 20, 100, 0);
	receive(s[1], 20, 100, MSG_DONTWAIT);
	close(s[0]);
	close(s[1]);
}

/* Whenever a socket is closed, those that nobody can reach are looked for. */
static void collect(void)
{
	close(socket(AF_UNIX, SOCK_DGRAM, 0));
	usleep(200000);
}

/* Sockets in flight in each other's queues, forgotten: the pipe's other end tells when they are gone. */
static void cycles(void)
{
	int s[2], t[2], p[2], l, c;
	struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "cycle"};
	char byte;

	R(pipe2(p, O_NONBLOCK));
	/* Itself. */
	R(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
	R(send_fd(s[0], "p", p[1]));
	R(send_fd(s[0], "s", s[1]));
	R(send_fd(s[1], "s", s[0]));
	close(s[0]);
	close(s[1]);
	close(p[1]);
	collect();
	R(read(p[0], &byte, 1));
	close(p[0]);
	/* Two pairs, one within the other, reached and then not. */
	R(pipe2(p, O_NONBLOCK));
	R(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	R(socketpair(AF_UNIX, SOCK_STREAM, 0, t));
	R(send_fd(t[0], "p", p[1]));
	R(send_fd(t[0], "t", t[1]));
	R(send_fd(s[0], "t", t[1]));
	R(send_fd(t[0], "s", s[1]));
	close(p[1]);
	close(t[0]);
	close(t[1]);
	close(s[1]);
	R(read(p[0], &byte, 1));
	close(s[0]);
	collect();
	R(read(p[0], &byte, 1));
	close(p[0]);
	/* In a connection that nobody accepted, of a listener in flight. */
	R(pipe2(p, O_NONBLOCK));
	l = socket(AF_UNIX, SOCK_STREAM, 0);
	R(bind(l, (void *)&name, sizeof(name)));
	R(listen(l, 5));
	c = socket(AF_UNIX, SOCK_STREAM, 0);
	R(connect(c, (void *)&name, sizeof(name)));
	R(send_fd(c, "p", p[1]));
	R(send_fd(c, "l", l));
	R(send_fd(c, "c", c));
	close(p[1]);
	close(l);
	R(read(p[0], &byte, 1));
	close(c);
	collect();
	R(read(p[0], &byte, 1));
	close(p[0]);
	/* A long chain, each in the queue of the next. */
	R(pipe2(p, O_NONBLOCK));
	int last = p[1];
	for (int i = 0; i < 400; i++) {
		if (socketpair(AF_UNIX, SOCK_DGRAM, 0, s) || send_fd(s[0], "c", last) != 1)
			R(i);
		close(last);
		close(s[0]);
		last = s[1];
	}
	R(read(p[0], &byte, 1));
	close(last);
	collect();
	R(read(p[0], &byte, 1));
	close(p[0]);
	/* Left behind on purpose: the machine ends without a leak. */
	R(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
	R(send_fd(s[0], "s", s[1]));
	R(send_fd(s[1], "s", s[0]));
}

/* Who is not root may have as many in flight as descriptors. */
static void limits(void)
{
	struct rlimit few = {20, 20};
	int status;

	fflush(stdout);
	if (fork() == 0) {
		int s[2], n = 0;

		setrlimit(RLIMIT_NOFILE, &few);
		if (setgid(1) || setuid(1) || socketpair(AF_UNIX, SOCK_DGRAM, 0, s))
			_exit(9);
		while (n < 200 && send_fd(s[0], "x", 0) == 1)
			n++;
		R(n);
		R(send_fd(s[0], "x", 0));
		while (recv(s[1], control, 1, MSG_DONTWAIT) == 1)
			;
		R(send_fd(s[0], "x", 0));
		fflush(stdout);
		_exit(0);
	}
	wait(&status);
	R(status);
}

int main(void)
{
	abi_scratch();
	descriptors(SOCK_STREAM);
	descriptors(SOCK_DGRAM);
	descriptors(SOCK_SEQPACKET);
	malformed();
	credentials(SOCK_STREAM);
	credentials(SOCK_DGRAM);
	limits();
	cycles();
	return 0;
}
