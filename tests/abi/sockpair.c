/* SPDX-License-Identifier: MIT */
/* Connected pairs of sockets: what is sent and received, how it ends, what is ready, options. */
#include "abi.h"
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <linux/sockios.h>

#ifndef SO_SNDBUFFORCE
#define SO_SNDBUFFORCE 32
#endif
#ifndef SO_RCVBUFFORCE
#define SO_RCVBUFFORCE 33
#endif

static char big[1 << 19];
static volatile sig_atomic_t caught;
static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};

static void handler(int signal)
{
	caught = signal;
}

static void show_poll(int fd)
{
	struct pollfd p = {.fd = fd,
			   .events = POLLIN | POLLOUT | POLLRDHUP | POLLPRI | POLLRDNORM | POLLWRNORM};
	int n = poll(&p, 1, 0);

	printf("poll: %d, %#x\n", n, p.revents);
}

static int option(int fd, int name)
{
	int value = -7;
	socklen_t len = sizeof(value);

	errno = 0;
	if (getsockopt(fd, SOL_SOCKET, name, &value, &len))
		printf("getsockopt %d: %s\n", name, abi_error(errno));
	else
		printf("getsockopt %d: %d, %u bytes\n", name, value, len);
	return value;
}

static void making(void)
{
	int fd[2] = {-1, -1}, *page = (int *)(abi_page_before_hole() + PAGE - 4);
	struct stat st;
	struct statfs fs;

	R(socket(-1, SOCK_STREAM, 0));
	R(socket(46, SOCK_STREAM, 0));
	R(socket(1000, SOCK_STREAM, 0));
	R(socket(AF_UNIX, 11, 0));
	R(socket(AF_UNIX, 0, 0));
	R(socket(AF_UNIX, 4, 0));
	R(socket(AF_UNIX, SOCK_PACKET, 0));
	R(socket(AF_UNIX, SOCK_STREAM | 0x100, 0));
	R(socket(AF_UNIX, SOCK_STREAM, 2));
	R(socketpair(AF_UNIX, SOCK_STREAM, 2, fd));
	R(socketpair(AF_UNIX, SOCK_STREAM, 0, NULL));
	R(socketpair(AF_UNIX, 77, 0, NULL));
	R(syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, page));
	R(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, AF_UNIX, fd));
	R(fd[0]);
	R(fd[1]);
	R(fcntl(fd[0], F_GETFL));
	R(fcntl(fd[1], F_GETFD));
	R(fstat(fd[0], &st));
	printf("mode %o, links %d, size %d, block %d\n", st.st_mode, (int)st.st_nlink, (int)st.st_size,
	       (int)st.st_blksize);
	R(fstatfs(fd[0], &fs));
	printf("%lx\n", (long)fs.f_type);
	R(lseek(fd[0], 0, SEEK_CUR));
	R(pread(fd[0], big, 1, 0));
	R(pwrite(fd[0], big, 1, 0));
	R(fsync(fd[0]));
	R(ftruncate(fd[0], 1));
	P(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd[0], 0));
	R(ioctl(fd[0], 0x5401, big));
	R(close(fd[0]));
	R(close(fd[1]));
	R(socket(AF_UNIX, SOCK_RAW, 0));
	option(3, SO_TYPE);
	R(close(3));
	/* Not sockets. */
	R(listen(0, 1));
	R(listen(99, 1));
	R(bind(0, NULL, 0));
	R(connect(0, NULL, 0));
	R(accept(0, NULL, NULL));
	R(accept4(99, NULL, NULL, 1));
	R(send(0, "x", 1, 0));
	R(recv(99, big, 1, 0));
	R(shutdown(0, 9));
	R(getsockname(0, NULL, NULL));
	R(getpeername(99, NULL, NULL));
	R(setsockopt(0, SOL_SOCKET, SO_DEBUG, NULL, -1));
	R(getsockopt(99, SOL_SOCKET, SO_DEBUG, NULL, NULL));
	R(sendmsg(0, NULL, 0));
	R(recvmsg(99, NULL, 0));
}

static void unconnected(int type)
{
	int fd = R(socket(AF_UNIX, type | SOCK_NONBLOCK, 0)), n = 7;
	struct sockaddr_un a;
	socklen_t len = sizeof(a);

	show_poll(fd);
	R(read(fd, big, 1));
	R(recv(fd, big, 1, 0));
	R(recv(fd, big, 1, MSG_OOB));
	R(write(fd, big, 1));
	R(send(fd, big, 0, 0));
	R(accept(fd, NULL, NULL));
	R(listen(fd, 3));
	R(getsockname(fd, (void *)&a, &len));
	printf("family %d, len %u\n", a.sun_family, len);
	R(getpeername(fd, (void *)&a, &len));
	R(ioctl(fd, FIONREAD, &n));
	R(n);
	R(shutdown(fd, SHUT_RD));
	show_poll(fd);
	R(recv(fd, big, 1, 0));
	R(shutdown(fd, SHUT_WR));
	show_poll(fd);
	R(write(fd, big, 1));
	R(close(fd));
}

static void bytes(int type)
{
	int fd[2], n = 7;
	struct iovec v[3] = {{(char *)"ab", 2}, {(char *)"", 0}, {(char *)"cde", 3}};

	printf("-- type %d\n", type);
	R(socketpair(AF_UNIX, type, 0, fd));
	show_poll(fd[0]);
	R(write(fd[0], "hello", 5));
	R(write(fd[0], " world", 6));
	show_poll(fd[1]);
	show_poll(fd[0]);
	R(ioctl(fd[1], FIONREAD, &n));
	R(n);
	R(ioctl(fd[0], SIOCOUTQ, &n));
	R(n);
	R(ioctl(fd[1], SIOCOUTQ, &n));
	R(n);
	R(recv(fd[1], big, 3, MSG_PEEK));
	printf("%.3s\n", big);
	R(recv(fd[1], big, 100, MSG_PEEK));
	printf("%.11s\n", big);
	R(recv(fd[1], big, 3, MSG_TRUNC | MSG_PEEK));
	R(recv(fd[1], big, 3, 0));
	printf("%.3s\n", big);
	R(recv(fd[1], big, 100, 0));
	printf("%.8s\n", big);
	R(recv(fd[1], big, 100, MSG_DONTWAIT));
	R(write(fd[1], "", 0));
	R(send(fd[1], "", 0, 0));
	show_poll(fd[0]);
	R(recv(fd[0], big, 10, MSG_DONTWAIT));
	R(recv(fd[0], big, 10, MSG_DONTWAIT));
	R(recv(fd[0], big, 10, MSG_DONTWAIT));
	R(read(fd[0], big, 0));
	R(writev(fd[0], v, 3));
	R(recv(fd[1], big, 4, MSG_TRUNC));
	printf("%.4s\n", big);
	R(recv(fd[1], big, 4, MSG_TRUNC | MSG_DONTWAIT));
	R(send(fd[0], "x", 1, MSG_EOR | MSG_CONFIRM | MSG_MORE));
	R(recv(fd[1], (char *)8, 1, 0));
	R(recv(fd[1], big, 1, MSG_DONTWAIT));
	R(send(fd[0], (char *)8, 1, 0));
	R(send(fd[0], (char *)-8, 1, 0));
	R(sendto(fd[0], "x", 1, 0, NULL, 7));
	R(sendto(fd[0], "x", 1, 0, (void *)8, 7));
	R(sendto(fd[0], "x", 1, 0, (void *)big, 200));
	R(recv(fd[1], big, 1, MSG_OOB));
	R(close(fd[0]));
	R(close(fd[1]));
}

/* How much fits, and when there is room again. */
static void room(int type, size_t size)
{
	int fd[2], n, count = 0;
	long total = 0, got, sent = 0;

	R(socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, fd));
	while ((got = send(fd[0], big, size, 0)) > 0) {
		count++;
		total += got;
	}
	printf("type %d, %zu bytes: %d times, %ld bytes, %s\n", type, size, count, total, abi_error(errno));
	ioctl(fd[0], SIOCOUTQ, &n);
	R(n);
	show_poll(fd[0]);
	got = recv(fd[1], big, size, 0);
	for (count = 0; count < 10000; count++) {
		struct pollfd p = {.fd = fd[0], .events = POLLOUT};

		if (poll(&p, 1, 0))
			break;
		if (recv(fd[1], big, size, 0) <= 0)
			break;
	}
	R(count);
	while ((got = recv(fd[1], big, sizeof(big), 0)) > 0)
		sent += got;
	ioctl(fd[0], SIOCOUTQ, &n);
	R(n);
	R(send(fd[0], big, 212960, 0));
	R(send(fd[0], big, 212961, 0));
	R(close(fd[0]));
	R(close(fd[1]));
}

static void ends(int type)
{
	int fd[2], n = 7;
	struct sigaction action = {.sa_handler = handler};

	printf("-- type %d\n", type);
	sigaction(SIGPIPE, &action, NULL);
	R(socketpair(AF_UNIX, type, 0, fd));
	R(write(fd[0], "left", 4));
	R(shutdown(fd[0], SHUT_WR));
	show_poll(fd[0]);
	show_poll(fd[1]);
	R(write(fd[0], "x", 1));
	R(caught);
	caught = 0;
	R(send(fd[0], "x", 1, MSG_NOSIGNAL));
	R(caught);
	R(send(fd[1], "back", 4, 0));
	R(recv(fd[0], big, 9, 0));
	R(recv(fd[1], big, 9, 0));
	if (type != SOCK_DGRAM)
		R(recv(fd[1], big, 9, 0));
	R(recv(fd[1], big, 9, MSG_DONTWAIT));
	R(shutdown(fd[1], SHUT_WR));
	show_poll(fd[0]);
	show_poll(fd[1]);
	R(shutdown(fd[1], 3));
	R(shutdown(fd[1], -1));
	R(close(fd[0]));
	R(close(fd[1]));

	R(socketpair(AF_UNIX, type, 0, fd));
	R(shutdown(fd[0], SHUT_RD));
	show_poll(fd[0]);
	show_poll(fd[1]);
	R(write(fd[1], "x", 1));
	R(caught);
	caught = 0;
	R(recv(fd[0], big, 1, 0));
	R(close(fd[0]));
	R(close(fd[1]));

	R(socketpair(AF_UNIX, type, 0, fd));
	R(write(fd[0], "left", 4));
	R(close(fd[0]));
	show_poll(fd[1]);
	R(ioctl(fd[1], FIONREAD, &n));
	R(n);
	R(recv(fd[1], big, 9, 0));
	R(recv(fd[1], big, 9, MSG_DONTWAIT));
	R(write(fd[1], "x", 1));
	R(caught);
	caught = 0;
	R(write(fd[1], "x", 1));
	R(write(fd[1], "", 0));
	R(caught);
	caught = 0;
	show_poll(fd[1]);
	R(close(fd[1]));

	/* What was sent and not read makes a reset. */
	R(socketpair(AF_UNIX, type, 0, fd));
	R(write(fd[0], "left", 4));
	R(write(fd[1], "unread", 6));
	R(close(fd[0]));
	show_poll(fd[1]);
	option(fd[1], SO_ERROR);
	option(fd[1], SO_ERROR);
	R(recv(fd[1], big, 9, 0));
	R(close(fd[1]));
	R(socketpair(AF_UNIX, type, 0, fd));
	R(write(fd[0], "left", 4));
	R(write(fd[1], "unread", 6));
	R(close(fd[0]));
	R(recv(fd[1], big, 9, MSG_DONTWAIT));
	R(recv(fd[1], big, 9, MSG_DONTWAIT));
	R(recv(fd[1], big, 9, MSG_DONTWAIT));
	R(close(fd[1]));
	caught = 0;
}

static void messages(int type)
{
	struct iovec v[2] = {{big, 3}, {big + 100, 3}};
	char name[200];
	struct msghdr m = {.msg_iov = v, .msg_iovlen = 2, .msg_name = name, .msg_namelen = sizeof(name)};
	struct mmsghdr many[3] = {{{.msg_iov = v, .msg_iovlen = 1}, 9}, {{.msg_iov = v, .msg_iovlen = 2}, 9}};
	struct timespec no_time = {0, 0}, bad_time = {0, 1000000000};
	int fd[2];

	printf("-- type %d\n", type);
	R(socketpair(AF_UNIX, type, 0, fd));
	R(send(fd[0], "abcdefgh", 8, 0));
	R(recvmsg(fd[1], &m, 0));
	printf("%.3s %.3s name %u, flags %#x\n", big, big + 100, m.msg_namelen, m.msg_flags);
	R(recvmsg(fd[1], &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC));
	R(send(fd[0], "abcd", 4, 0));
	m.msg_flags = 99;
	m.msg_controllen = 3;
	R(recvmsg(fd[1], &m, MSG_CMSG_CLOEXEC | MSG_WAITFORONE | MSG_DONTWAIT));
	printf("name %u, flags %#x, control %zu\n", m.msg_namelen, m.msg_flags, (size_t)m.msg_controllen);
	m.msg_controllen = 0;
	m.msg_name = NULL;
	m.msg_namelen = 0;
	R(sendmsg(fd[0], &m, 0));
	R(sendmsg(fd[0], &m, MSG_OOB * 0 + MSG_DONTROUTE));
	R(sendmsg(fd[0], NULL, 0));
	R(sendmsg(fd[0], (void *)8, 0));
	m.msg_iovlen = 1025;
	R(sendmsg(fd[0], &m, 0));
	R(recvmsg(fd[1], &m, 0));
	m.msg_iovlen = 2;
	m.msg_iov = (void *)8;
	R(sendmsg(fd[0], &m, 0));
	m.msg_iov = v;
	m.msg_name = name;
	m.msg_namelen = -1;
	R(syscall(SYS_sendmsg, fd[0], &m, 0));
	R(syscall(SYS_recvmsg, fd[1], &m, 0));
	R(syscall(SYS_recvmsg, fd[1], &m, 0x80000000));
	R(syscall(SYS_sendmsg, fd[0], &m, 0x80000000));
	m.msg_namelen = 0;
	R(recvmsg(fd[1], &m, MSG_PEEK));
	R(recv(fd[1], big, 100, 0));
	R(sendmmsg(fd[0], many, 2, 0));
	printf("%u %u\n", many[0].msg_len, many[1].msg_len);
	R(recvmmsg(fd[1], many, 3, MSG_DONTWAIT, NULL));
	printf("%u %u\n", many[0].msg_len, many[1].msg_len);
	R(recvmmsg(fd[1], many, 3, MSG_DONTWAIT, NULL));
	R(recvmmsg(fd[1], many, 3, MSG_DONTWAIT, &bad_time));
	R(sendmmsg(fd[0], many, 2, 0));
	R(recvmmsg(fd[1], many, 2, 0, &no_time));
	R(recv(fd[1], big, 100, MSG_DONTWAIT));
	R(sendmmsg(fd[0], many, 0, 0));
	R(sendmmsg(99, many, 0, 0));
	R(send(fd[0], "abcd", 4, 0));
	many[1].msg_hdr.msg_iov = (void *)8;
	R(recvmmsg(fd[1], many, 2, MSG_WAITFORONE, NULL));
	R(recv(fd[1], big, 100, MSG_DONTWAIT));
	R(sendmmsg(fd[0], many, 2, 0));
	R(close(fd[0]));
	R(recvmmsg(fd[1], many, 1, 0, NULL));
	R(close(fd[1]));
}

static void options(void)
{
	static const int readable[] = {
		SO_DEBUG,     SO_REUSEADDR, SO_TYPE,	    SO_ERROR,	  SO_DONTROUTE,	 SO_BROADCAST,
		SO_SNDBUF,    SO_RCVBUF,    SO_KEEPALIVE,   SO_OOBINLINE, SO_PRIORITY,	 SO_BSDCOMPAT,
		SO_REUSEPORT, SO_PASSCRED,  SO_RCVLOWAT,    SO_SNDLOWAT,  SO_ACCEPTCONN, SO_PROTOCOL,
		SO_DOMAIN,    SO_PEEK_OFF,  SO_SNDBUFFORCE, 999};
	int fd[2], value, ok;
	struct timeval tv = {1, 500000}, bad = {0, 1000000};
	struct linger linger = {1, 7};
	struct ucred cred = {0, 0, 0};
	socklen_t len;

	R(socketpair(AF_UNIX, SOCK_STREAM, 0, fd));
	for (size_t i = 0; i < sizeof(readable) / sizeof(int); i++)
		option(fd[0], readable[i]);
	for (size_t i = 0; i < sizeof(readable) / sizeof(int); i++) {
		value = 1;
		errno = 0;
		ok = setsockopt(fd[0], SOL_SOCKET, readable[i], &value, sizeof(value));
		printf("set %d: %d %s\n", readable[i], ok, ok ? abi_error(errno) : "");
		option(fd[0], readable[i]);
	}
	value = 10000;
	R(setsockopt(fd[0], SOL_SOCKET, SO_SNDBUF, &value, 4));
	option(fd[0], SO_SNDBUF);
	R(setsockopt(fd[0], SOL_SOCKET, SO_RCVBUFFORCE, &value, 4));
	option(fd[0], SO_RCVBUF);
	R(setsockopt(fd[0], SOL_SOCKET, SO_PRIORITY, &value, 4));
	option(fd[0], SO_PRIORITY);
	value = -1;
	R(setsockopt(fd[0], SOL_SOCKET, SO_RCVLOWAT, &value, 4));
	option(fd[0], SO_RCVLOWAT);
	value = 0;
	R(setsockopt(fd[0], SOL_SOCKET, SO_RCVLOWAT, &value, 4));
	option(fd[0], SO_RCVLOWAT);
	R(setsockopt(fd[0], SOL_SOCKET, SO_REUSEPORT, &value, 4));
	R(setsockopt(fd[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	R(setsockopt(fd[0], SOL_SOCKET, SO_RCVTIMEO, &bad, sizeof(bad)));
	R(setsockopt(fd[0], SOL_SOCKET, SO_RCVTIMEO, &tv, 8));
	R(setsockopt(fd[0], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
	R(setsockopt(fd[0], SOL_SOCKET, SO_LINGER, &linger, 4));
	R(setsockopt(fd[0], SOL_SOCKET, SO_DEBUG, &value, 3));
	R(setsockopt(fd[0], SOL_SOCKET, SO_DEBUG, (void *)8, 4));
	R(setsockopt(fd[0], SOL_SOCKET, SO_DEBUG, &value, -1));
	R(setsockopt(fd[0], 6, 1, &value, 4));
	R(setsockopt(fd[0], 999, 1, &value, 4));
	len = 4;
	R(getsockopt(fd[0], 6, 1, &value, &len));
	len = sizeof(tv);
	memset(&tv, 0, sizeof(tv));
	R(getsockopt(fd[0], SOL_SOCKET, SO_RCVTIMEO, &tv, &len));
	printf("%ld %ld, %u\n", (long)tv.tv_sec, (long)tv.tv_usec, len);
	len = 100;
	R(getsockopt(fd[0], SOL_SOCKET, SO_LINGER, &linger, &len));
	printf("%d %d, %u\n", linger.l_onoff, linger.l_linger, len);
	len = 100;
	R(getsockopt(fd[0], SOL_SOCKET, SO_PEERCRED, &cred, &len));
	printf("%d %u %u, %u\n", cred.pid == getpid(), cred.uid, cred.gid, len);
	len = 4;
	R(getsockopt(fd[0], SOL_SOCKET, SO_PEERCRED, &cred, &len));
	R(len);
	len = 2;
	value = 0x7777;
	R(getsockopt(fd[0], SOL_SOCKET, SO_TYPE, &value, &len));
	printf("%#x, %u\n", value, len);
	len = -1;
	R(getsockopt(fd[0], SOL_SOCKET, SO_TYPE, &value, &len));
	len = 4;
	R(getsockopt(fd[0], SOL_SOCKET, SO_TYPE, (void *)8, &len));
	R(getsockopt(fd[0], SOL_SOCKET, SO_TYPE, &value, (void *)8));
	R(close(fd[0]));
	R(close(fd[1]));
	/* Nobody is at the other end. */
	R(socket(AF_UNIX, SOCK_STREAM, 0));
	len = sizeof(cred);
	R(getsockopt(3, SOL_SOCKET, SO_PEERCRED, &cred, &len));
	printf("%d %d %d, %u\n", (int)cred.pid, (int)cred.uid, (int)cred.gid, len);
	R(close(3));
}

static void peek_offset(int type)
{
	int fd[2], off = 2;

	printf("-- type %d\n", type);
	R(socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, fd));
	R(setsockopt(fd[1], SOL_SOCKET, SO_PEEK_OFF, &off, sizeof(off)));
	R(send(fd[0], "abcdef", 6, 0));
	R(send(fd[0], "ghi", 3, 0));
	memset(big, '.', 20);
	R(recv(fd[1], big, 2, MSG_PEEK));
	printf("%.4s\n", big);
	option(fd[1], SO_PEEK_OFF);
	R(recv(fd[1], big, 3, MSG_PEEK));
	printf("%.4s\n", big);
	option(fd[1], SO_PEEK_OFF);
	R(recv(fd[1], big, 3, MSG_PEEK));
	printf("%.4s\n", big);
	option(fd[1], SO_PEEK_OFF);
	R(recv(fd[1], big, 4, 0));
	printf("%.4s\n", big);
	option(fd[1], SO_PEEK_OFF);
	R(recv(fd[1], big, 10, MSG_PEEK));
	R(recv(fd[1], big, 10, MSG_PEEK));
	option(fd[1], SO_PEEK_OFF);
	R(close(fd[0]));
	R(close(fd[1]));
}

/* With another process at the other end. */
static void between(int type)
{
	int fd[2], status;
	long total = 0, n, wrong = 0;
	struct timeval soon = {0, 20000};

	printf("-- type %d\n", type);
	R(socketpair(AF_UNIX, type, 0, fd));
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (char)(i % 251);
	if (fork() == 0) {
		close(fd[0]);
		for (n = 0; n < (long)sizeof(big); n += 1 << 15) {
			if (write(fd[1], big + n, 1 << 15) != 1 << 15)
				_exit(1);
		}
		_exit(0);
	}
	close(fd[1]);
	static char buf[1 << 15];
	while ((n = read(fd[0], buf, type == SOCK_STREAM ? 3000 : sizeof(buf))) > 0) {
		for (long i = 0; i < n; i++)
			wrong += buf[i] != (char)((total + i) % 251);
		total += n;
		if (type == SOCK_DGRAM && total == sizeof(big))
			break;
	}
	R(n > 0);
	R(total);
	R(wrong);
	R(wait(&status) > 0);
	R(status);
	R(setsockopt(fd[0], SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof(soon)));
	R(read(fd[0], buf, 1));
	R(close(fd[0]));

	R(socketpair(AF_UNIX, type, 0, fd));
	R(setsockopt(fd[0], SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof(soon)));
	R(setsockopt(fd[0], SOL_SOCKET, SO_SNDTIMEO, &soon, sizeof(soon)));
	R(read(fd[0], buf, 1));
	while ((n = write(fd[0], buf, 1000)) == 1000)
		;
	R(errno);
	close(fd[0]);
	close(fd[1]);

	/* All that was asked for, in two steps; and a signal in the middle. */
	R(socketpair(AF_UNIX, type, 0, fd));
	if (fork() == 0) {
		usleep(30000);
		write(fd[1], "ab", 2);
		usleep(30000);
		write(fd[1], "cd", 2);
		usleep(30000);
		kill(getppid(), SIGUSR1);
		_exit(0);
	}
	R(recv(fd[0], buf, 4, MSG_WAITALL));
	if (type != SOCK_STREAM)
		R(recv(fd[0], buf, 4, MSG_WAITALL));
	struct sigaction action = {.sa_handler = handler};
	sigaction(SIGUSR1, &action, NULL);
	R(recv(fd[0], buf, 4, 0));
	R(caught == SIGUSR1);
	wait(NULL);
	close(fd[0]);
	close(fd[1]);
}

int main(void)
{
	making();
	for (int i = 0; i < 3; i++)
		unconnected(types[i]);
	for (int i = 0; i < 3; i++)
		bytes(types[i]);
	for (int i = 0; i < 3; i++) {
		room(types[i], 1);
		room(types[i], 1000);
		room(types[i], 5000);
		room(types[i], 40000);
		room(types[i], 150000);
	}
	for (int i = 0; i < 3; i++)
		ends(types[i]);
	for (int i = 0; i < 3; i++)
		messages(types[i]);
	options();
	for (int i = 0; i < 3; i++)
		peek_offset(types[i]);
	fflush(stdout);
	for (int i = 0; i < 3; i++) {
		between(types[i]);
		fflush(stdout);
	}
	return 0;
}
