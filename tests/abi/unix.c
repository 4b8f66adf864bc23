/* SPDX-License-Identifier: MIT */
/* Names of sockets: bind, listen, connect, accept, datagrams by name, limits of queues. */
#include "abi.h"
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>

#define HEAD offsetof(struct sockaddr_un, sun_path)

static struct sockaddr_un name;
static char big[1000];

/* An address of `len` bytes of path. */
static struct sockaddr *at(const char *path, size_t len, socklen_t *out)
{
	memset(&name, 0, sizeof(name));
	name.sun_family = AF_UNIX;
	memcpy(name.sun_path, path, len);
	*out = (socklen_t)(HEAD + len);
	return (struct sockaddr *)&name;
}

static int do_bind(int fd, const char *path)
{
	socklen_t len;
	struct sockaddr *a = at(path, strlen(path) + 1, &len);

	return bind(fd, a, len);
}

static int do_connect(int fd, const char *path)
{
	socklen_t len;
	struct sockaddr *a = at(path, strlen(path) + 1, &len);

	return connect(fd, a, len);
}

static int bind_abstract(int fd, const char *text)
{
	char path[100] = "";
	socklen_t len;
	struct sockaddr *a;

	strcpy(path + 1, text);
	a = at(path, strlen(text) + 1, &len);
	return bind(fd, a, len);
}

static int connect_abstract(int fd, const char *text)
{
	char path[100] = "";
	socklen_t len;
	struct sockaddr *a;

	strcpy(path + 1, text);
	a = at(path, strlen(text) + 1, &len);
	return connect(fd, a, len);
}

static int send_to(int fd, const char *path, const char *text)
{
	socklen_t len;
	struct sockaddr *a = at(path, strlen(path) + 1, &len);

	return (int)sendto(fd, text, strlen(text), MSG_DONTWAIT, a, len);
}

static void show_address(const char *what, const struct sockaddr_un *a, socklen_t len)
{
	printf("%s: len %u", what, len);
	if (len >= HEAD)
		printf(", family %d, ", a->sun_family);
	for (size_t i = 0; i + HEAD < len && i < sizeof(a->sun_path); i++) {
		if (a->sun_path[i] > 32 && a->sun_path[i] < 127)
			putchar(a->sun_path[i]);
		else
			printf("\\%03o", (unsigned char)a->sun_path[i]);
	}
	putchar('\n');
}

static void show_name(int fd, int peer)
{
	struct sockaddr_un a = {0};
	socklen_t len = sizeof(a);
	int err;

	errno = 0;
	err = peer ? getpeername(fd, (void *)&a, &len) : getsockname(fd, (void *)&a, &len);
	if (err)
		printf("%s: %s\n", peer ? "peer" : "own", abi_error(errno));
	else
		show_address(peer ? "peer" : "own", &a, len);
}

static void show_poll(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT | POLLRDHUP};
	int n = poll(&p, 1, 0);

	printf("poll: %d, %#x\n", n, p.revents);
}

static int new (int type)
{
	return socket(AF_UNIX, type, 0);
}

static void binding(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	struct stat st;
	char longest[200];
	socklen_t len;
	int fd = new (SOCK_STREAM), other = new (SOCK_STREAM);

	R(bind(fd, NULL, 0));
	R(bind(fd, NULL, -1));
	R(bind(fd, NULL, 129));
	R(bind(fd, NULL, 10));
	R(bind(fd, (void *)&a, 1));
	R(bind(fd, (void *)&a, 111));
	R(bind(fd, (void *)big, 128));
	a.sun_family = AF_INET;
	R(bind(fd, (void *)&a, 2));
	R(bind(fd, (void *)&a, 16));
	R(do_bind(fd, "no/such"));
	R(do_bind(fd, "dir/"));
	R(do_bind(fd, "."));
	umask(027);
	R(do_bind(fd, "one"));
	umask(022);
	show_name(fd, 0);
	R(stat("one", &st));
	printf("mode %o, size %d\n", st.st_mode, (int)st.st_size);
	R(open("one", O_RDWR));
	R(open("one", O_PATH));
	R(close(5));
	R(do_bind(fd, "one"));
	R(do_bind(fd, "two"));
	R(access("two", F_OK));
	R(bind_abstract(fd, "x"));
	a.sun_family = AF_UNIX;
	R(bind(fd, (void *)&a, 2));
	R(do_bind(other, "one"));
	R(unlink("one"));
	R(do_bind(other, "one"));
	R(close(fd));
	R(close(other));
	R(access("one", F_OK));
	fd = new (SOCK_STREAM);
	R(do_bind(fd, "one"));
	R(unlink("one"));
	R(mkfifo("fifo", 0600));
	R(do_bind(fd, "fifo"));
	R(symlink("target", "link"));
	R(do_bind(fd, "link"));
	R(fchmod(fd, 0640));
	/* No terminator, and a name that ends early. */
	R(bind(fd, at("abc", 3, &len), len));
	show_name(fd, 0);
	R(stat("abc", &st));
	printf("mode %o\n", st.st_mode);
	R(close(fd));
	fd = new (SOCK_STREAM);
	R(bind(fd, at("de\0fgh", 6, &len), len));
	show_name(fd, 0);
	R(close(fd));
	memset(longest, 'l', sizeof(longest));
	fd = new (SOCK_STREAM);
	R(bind(fd, at(longest, 108, &len), len));
	show_name(fd, 0);
	len = 20;
	R(getsockname(fd, (void *)&a, &len));
	R(len);
	R(getsockname(fd, (void *)&a, (void *)8));
	R(getsockname(fd, (void *)8, &len));
	len = -1;
	R(getsockname(fd, (void *)&a, &len));
	R(close(fd));
	/* Abstract: by bytes, and apart for each type. */
	fd = new (SOCK_STREAM);
	other = new (SOCK_STREAM);
	R(bind(fd, at("\0a\0b", 4, &len), len));
	show_name(fd, 0);
	R(bind(other, at("\0a\0b", 4, &len), len));
	R(bind(other, at("\0a\0b\0", 5, &len), len));
	show_name(other, 0);
	R(close(other));
	other = new (SOCK_DGRAM);
	R(bind(other, at("\0a\0b", 4, &len), len));
	R(close(fd));
	R(close(other));
	fd = new (SOCK_STREAM);
	R(bind(fd, at("\0", 1, &len), len));
	show_name(fd, 0);
	R(close(fd));
	/* A name of the kernel's choice. */
	fd = new (SOCK_STREAM);
	R(bind(fd, at("", 0, &len), len));
	len = sizeof(a);
	R(getsockname(fd, (void *)&a, &len));
	R(len);
	R(a.sun_path[0]);
	R(strspn(a.sun_path + 1, "0123456789abcdef") >= 5);
	R(bind(fd, at("", 0, &len), len));
	R(close(fd));
}

static void connecting(int type)
{
	int fd, listener = new (type), other, a;
	struct sockaddr_un from;
	struct ucred cred;
	socklen_t len;

	printf("-- type %d\n", type);
	fd = new (type);
	R(connect(fd, NULL, 0));
	R(connect(fd, NULL, -1));
	R(connect(fd, at("", 0, &len), len));
	R(connect(fd, NULL, 20));
	name.sun_family = AF_UNSPEC;
	R(connect(fd, (void *)&name, 16));
	R(do_connect(fd, "server"));
	abi_write_file("plain", "x");
	R(do_connect(fd, "plain"));
	R(do_connect(fd, "plain/x"));
	R(do_connect(fd, "."));
	R(connect_abstract(fd, "nobody"));
	R(listen(listener, 1));
	R(do_bind(listener, "server"));
	show_poll(listener);
	R(do_connect(fd, "server"));
	R(listen(listener, 1));
	show_poll(listener);
	R(accept(fd, NULL, NULL));
	R(symlink("server", "way"));
	other = new (SOCK_DGRAM);
	R(do_connect(other, "server"));
	R(close(other));
	R(do_connect(fd, "way"));
	show_poll(fd);
	show_poll(listener);
	show_name(fd, 0);
	show_name(fd, 1);
	R(do_connect(fd, "server"));
	R(listen(fd, 1));
	R(do_connect(listener, "server"));
	R(write(fd, "early", 5));
	len = sizeof(cred);
	R(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len));
	printf("%d %u\n", cred.pid == getpid(), cred.uid);
	len = sizeof(from);
	a = R(accept4(listener, (void *)&from, &len, SOCK_CLOEXEC | SOCK_NONBLOCK));
	show_address("from", &from, len > sizeof(from) ? 0 : len);
	R(fcntl(a, F_GETFL));
	R(fcntl(a, F_GETFD));
	show_name(a, 0);
	show_name(a, 1);
	show_poll(a);
	R(read(a, big, 9));
	R(write(a, "answer", 6));
	R(recv(fd, big, 9, 0));
	R(close(fd));
	show_poll(a);
	show_name(a, 1);
	R(close(a));
	R(fcntl(listener, F_SETFL, O_NONBLOCK));
	R(accept(listener, NULL, NULL));
	R(accept4(listener, NULL, NULL, 1));
	R(read(listener, big, 1));
	R(write(listener, big, 1));
	/* The queue takes one more than it was told. */
	for (int i = 0; i < 3; i++) {
		fd = new (type | SOCK_NONBLOCK);
		R(do_connect(fd, "server"));
	}
	/* The first is gone again, the second bound. */
	R(close(fd - 2));
	R(bind_abstract(fd - 1, "client"));
	R(write(fd - 1, "x", 1));
	len = sizeof(from);
	a = R(accept(listener, (void *)&from, &len));
	show_address("from", &from, len);
	show_poll(a);
	R(read(a, big, 1));
	R(write(a, "xy", 2) < 0);
	R(close(a));
	len = 4;
	a = R(accept(listener, (void *)&from, &len));
	R(len);
	show_name(a, 1);
	R(close(a));
	R(accept(listener, NULL, NULL));
	R(do_connect(fd, "server"));
	R(accept(listener, (void *)8, &len));
	show_poll(fd);
	R(read(fd, big, 1));
	R(close(fd));
	R(close(fd - 1));
	/* Who waits in the queue of a listener that goes. */
	fd = new (type);
	R(do_connect(fd, "server"));
	R(write(fd, "x", 1));
	R(close(listener));
	show_poll(fd);
	R(read(fd, big, 1));
	R(read(fd, big, 1));
	R(do_connect(new (type), "server"));
	R(unlink("server"));
	R(unlink("way"));
	for (int i = 3; i < 20; i++)
		close(i);
	/* Shut down. */
	listener = new (type);
	R(do_bind(listener, "server"));
	R(listen(listener, -1));
	R(shutdown(listener, SHUT_RD));
	show_poll(listener);
	R(accept(listener, NULL, NULL));
	R(do_connect(new (type), "server"));
	R(fcntl(listener, F_SETFL, O_NONBLOCK));
	R(accept(listener, NULL, NULL));
	R(unlink("server"));
	R(do_connect(new (type), "server"));
	for (int i = 3; i < 20; i++)
		close(i);
}

static void rights(void)
{
	int listener = new (SOCK_STREAM), status;

	R(do_bind(listener, "guarded"));
	R(listen(listener, 5));
	R(chmod("guarded", 0755));
	R(mkdir("closed", 0700));
	fflush(stdout);
	if (fork() == 0) {
		if (setgid(1) || setuid(1))
			_exit(9);
		R(do_connect(new (SOCK_STREAM), "guarded"));
		R(do_bind(new (SOCK_STREAM), "closed/x"));
		R(do_connect(new (SOCK_STREAM), "closed/x"));
		fflush(stdout);
		_exit(0);
	}
	wait(&status);
	R(status);
	R(close(listener));
}

static void datagrams(void)
{
	int a = new (SOCK_DGRAM), b = new (SOCK_DGRAM), c = new (SOCK_DGRAM), n = 0, err;
	struct sockaddr_un from;
	struct timeval soon = {0, 20000};
	socklen_t len;

	R(do_bind(a, "a"));
	R(listen(a, 1));
	R(accept(a, NULL, NULL));
	R(send_to(b, "nobody", "x"));
	R(send_to(b, "plain", "x"));
	R(send_to(b, "a", "one"));
	R(bind_abstract(b, "b"));
	R(send_to(b, "a", "two"));
	len = sizeof(from);
	R(recvfrom(a, big, 9, 0, (void *)&from, &len));
	show_address("from", &from, len); /* as it is named now */
	len = 4;
	R(recvfrom(a, big, 9, 0, (void *)&from, &len));
	R(len);
	R(sendto(b, "x", 1, 0, (void *)&from, 2));
	R(sendto(b, "x", 1, 0, (void *)&from, 1));
	R(do_connect(b, "a"));
	show_name(b, 1);
	R(write(b, "three", 5));
	R(send_to(b, "a", "four"));
	R(recv(a, big, 9, 0));
	R(recv(a, big, 9, 0));
	/* A queue has a limit. */
	while ((err = (int)send(b, "x", 1, MSG_DONTWAIT)) == 1)
		n++;
	R(n);
	R(errno == EAGAIN);
	show_poll(b);
	show_poll(c);
	R(send_to(c, "a", "x"));
	R(setsockopt(b, SOL_SOCKET, SO_SNDTIMEO, &soon, sizeof(soon)));
	R(write(b, "x", 1));
	R(recv(a, big, 9, 0));
	show_poll(b);
	R(write(b, "x", 1));
	/* Connected to one, no one else may send. */
	R(connect_abstract(a, "b"));
	show_poll(b);
	R(send_to(c, "a", "x"));
	R(do_connect(c, "a"));
	R(write(b, "mutual", 6));
	n = 0;
	while (recv(a, big, 9, MSG_DONTWAIT) > 0)
		n++;
	R(n);
	n = 0;
	while (send(b, "x", 1, MSG_DONTWAIT) == 1)
		n++;
	R(n);
	/* Disconnected: what was sent is gone, and the other one hears of it. */
	memset(&name, 0, sizeof(name));
	R(connect(a, (void *)&name, 2));
	R(connect(a, (void *)&name, 1));
	R(recv(a, big, 9, MSG_DONTWAIT));
	show_poll(b);
	R(write(b, "x", 1));
	R(write(b, "x", 1));
	R(recv(a, big, 9, MSG_DONTWAIT));
	R(close(a));
	show_poll(b);
	R(write(b, "x", 1));
	R(write(b, "x", 1));
	R(send_to(b, "a", "x"));
	R(unlink("a"));
	R(close(b));
	R(close(c));
	/* To itself. */
	a = new (SOCK_DGRAM);
	R(bind_abstract(a, "self"));
	R(connect_abstract(a, "self"));
	R(write(a, "me", 2));
	R(recv(a, big, 9, 0));
	show_poll(a);
	R(close(a));
	/* A name of its own for who wants to know who sends. */
	a = new (SOCK_DGRAM);
	n = 1;
	R(setsockopt(a, SOL_SOCKET, SO_PASSCRED, &n, sizeof(n)));
	R(connect_abstract(a, "nobody"));
	len = sizeof(from);
	R(getsockname(a, (void *)&from, &len));
	R(len);
	R(close(a));
}

static void waiting(void)
{
	int listener = new (SOCK_STREAM), fd, a = new (SOCK_DGRAM), b = new (SOCK_DGRAM), status, n = 0;
	struct timeval soon = {0, 20000};

	R(do_bind(listener, "wait"));
	R(listen(listener, 0));
	R(setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof(soon)));
	R(accept(listener, NULL, NULL));
	soon.tv_usec = 0;
	R(setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof(soon)));
	if (fork() == 0) {
		for (int i = 0; i < 20; i++) {
			fd = new (SOCK_STREAM);
			if (do_connect(fd, "wait") || write(fd, &i, sizeof(i)) != sizeof(i))
				_exit(1);
			close(fd);
		}
		_exit(0);
	}
	for (int i = 0; i < 20; i++) {
		int got = -1;

		fd = accept(listener, NULL, NULL);
		n += read(fd, &got, sizeof(got)) == sizeof(got) && got == i;
		close(fd);
	}
	R(n);
	wait(&status);
	R(status);
	R(bind_abstract(a, "sink"));
	if (fork() == 0) {
		if (connect_abstract(b, "sink"))
			_exit(2);
		for (int i = 0; i < 100; i++) {
			if (write(b, &i, sizeof(i)) != sizeof(i))
				_exit(1);
		}
		_exit(0);
	}
	n = 0;
	for (int i = 0; i < 100; i++) {
		int got = -1;

		n += read(a, &got, sizeof(got)) == sizeof(got) && got == i;
	}
	R(n);
	wait(&status);
	R(status);
	soon.tv_usec = 20000;
	for (int i = 0; i < 3; i++) {
		fd = new (SOCK_STREAM);
		R(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &soon, sizeof(soon)));
		R(do_connect(fd, "wait"));
	}
}

int main(void)
{
	abi_scratch();
	binding();
	connecting(SOCK_STREAM);
	connecting(SOCK_SEQPACKET);
	rights();
	datagrams();
	fflush(stdout);
	waiting();
	return 0;
}
