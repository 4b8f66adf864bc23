/* SPDX-License-Identifier: MIT */
/*
 * inotify(7): which events come of which calls, in which order, with which names; what the flags of a watch do; the calls'
 * errors; the queue.
 */
#include "abi.h"
#include <dirent.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include <sys/wait.h>

#ifndef IN_MASK_CREATE
#define IN_MASK_CREATE 0x10000000
#endif

static int fd;
static unsigned cookie;

static void show_mask(unsigned mask)
{
	static const char *const names[] = {"ACCESS",	     "MODIFY", "ATTRIB",      "CLOSE_WRITE",
					    "CLOSE_NOWRITE", "OPEN",   "MOVED_FROM",  "MOVED_TO",
					    "CREATE",	     "DELETE", "DELETE_SELF", "MOVE_SELF"};

	for (unsigned i = 0; i < 12; i++) {
		if (mask & 1u << i)
			printf(" %s", names[i]);
	}
	if (mask & IN_UNMOUNT)
		printf(" UNMOUNT");
	if (mask & IN_Q_OVERFLOW)
		printf(" Q_OVERFLOW");
	if (mask & IN_IGNORED)
		printf(" IGNORED");
	if (mask & IN_ISDIR)
		printf(" ISDIR");
}

/* All that has come, a line for each. Cookies only as the same as or another than the last one. */
static void events_(int line)
{
	static char buffer[65536] __attribute__((aligned(8)));
	ssize_t n;

	printf("%d:\n", line);
	while ((n = read(fd, buffer, sizeof(buffer))) > 0) {
		for (char *at = buffer; at < buffer + n;) {
			const struct inotify_event *e = (void *)at;

			printf("  %d", e->wd);
			show_mask(e->mask);
			if (e->cookie)
				printf(" %s", e->cookie == cookie ? "same" : "new");
			cookie = e->cookie;
			printf(" %u %s\n", e->len, e->len ? e->name : "-");
			at += sizeof(*e) + e->len;
		}
	}
	if (errno != EAGAIN)
		printf("  %s\n", abi_error(errno));
}
#define EVENTS() events_(__LINE__)

static void touch(const char *path)
{
	close(open(path, O_WRONLY | O_CREAT, 0644));
}

static void fresh(void)
{
	if (fd > 0)
		close(fd);
	fd = inotify_init1(IN_NONBLOCK);
}

static void errors(void)
{
	int other, files[2];

	R(inotify_init1(1));
	R(inotify_init1(-1));
	R((other = inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) >= 0);
	R(fcntl(other, F_GETFD));
	R(fcntl(other, F_GETFL));
	close(other);
	R((other = inotify_init()) >= 0);
	R(fcntl(other, F_GETFL));
	pipe(files);
	R(inotify_add_watch(-1, ".", IN_OPEN));
	R(inotify_add_watch(files[0], ".", IN_OPEN));
	R(inotify_add_watch(files[0], "nothing", IN_OPEN));
	R(inotify_add_watch(-1, ".", 0));
	R(inotify_add_watch(other, ".", 0));
	R(inotify_add_watch(other, ".", 0x1000));
	R(inotify_add_watch(other, ".", 0x00100000));
	R(inotify_add_watch(other, ".", 0x08000000));
	R(inotify_add_watch(other, ".", 0x1000 | IN_OPEN));
	R(inotify_add_watch(other, "nothing", IN_OPEN));
	R(inotify_add_watch(other, "", IN_OPEN));
	R(inotify_add_watch(other, (char *)8, IN_OPEN));
	R(inotify_add_watch(other, NULL, IN_OPEN));
	R(inotify_add_watch(other, ".", IN_MASK_ADD | IN_MASK_CREATE | IN_OPEN));
	R(inotify_add_watch(other, "nothing", IN_MASK_ADD | IN_MASK_CREATE | IN_OPEN));
	R(inotify_add_watch(other, ".", IN_MASK_ADD));
	R(inotify_add_watch(other, ".", IN_ONESHOT));
	touch("file");
	R(inotify_add_watch(other, "file", IN_ONLYDIR | IN_OPEN));
	R(inotify_add_watch(other, "file/", IN_OPEN));
	R(inotify_add_watch(other, ".", IN_ONLYDIR | IN_OPEN));
	R(inotify_add_watch(other, ".", IN_MASK_CREATE | IN_OPEN));
	R(inotify_add_watch(other, "file", IN_MASK_CREATE | IN_OPEN));
	R(inotify_rm_watch(other, 0));
	R(inotify_rm_watch(other, 99));
	R(inotify_rm_watch(other, -1));
	R(inotify_rm_watch(-1, 1));
	R(inotify_rm_watch(files[0], 1));
	R(inotify_rm_watch(other, 2));
	R(inotify_rm_watch(other, 2));
	R(inotify_add_watch(other, "file", IN_OPEN));
	R(write(other, "x", 1));
	R(lseek(other, 0, SEEK_CUR));
	R(lseek(other, 5, SEEK_SET));
	R(pread(other, files, 4, 0));
	close(other);
	close(files[0]);
	close(files[1]);
	fflush(stdout);
	if (geteuid() == 0) {
		touch("secret");
		chmod("secret", 0);
		if (fork() == 0) {
			setuid(1000);
			fresh();
			R(inotify_add_watch(fd, "secret", IN_OPEN));
			fflush(stdout);
			_exit(0);
		}
		fflush(stdout);
		wait(NULL);
	}
	unlink("secret");
}

/* A file and its directory. */
static void one_file(void)
{
	struct timeval times[2] = {{1, 2}, {3, 4}};
	struct timespec only_access[2] = {{5, 6}, {0, (1l << 30) - 2}},
			only_change[2] = {{0, (1l << 30) - 2}, {5, 6}},
			neither[2] = {{0, (1l << 30) - 2}, {0, (1l << 30) - 2}};
	char buffer[10];
	int file;

	fresh();
	mkdir("d", 0755);
	R(inotify_add_watch(fd, "d", IN_ALL_EVENTS));
	file = open("d/file", O_RDWR | O_CREAT, 0644);
	EVENTS();
	R(inotify_add_watch(fd, "d/file", IN_ALL_EVENTS));
	R(write(file, "hello", 5));
	EVENTS();
	R(write(file, "", 0));
	R(pread(file, buffer, 3, 0));
	R(pread(file, buffer, 3, 100));
	EVENTS();
	R(ftruncate(file, 2));
	R(truncate("d/file", 3));
	R(fallocate(file, 0, 0, 10));
	EVENTS();
	R(fchmod(file, 0600));
	R(chmod("d/file", 0640));
	EVENTS();
	R(fchown(file, -1, -1));
	EVENTS();
	R(chown("d/file", getuid(), -1));
	EVENTS();
	R(utimes("d/file", times));
	EVENTS();
	R(utimensat(AT_FDCWD, "d/file", only_access, 0));
	EVENTS();
	R(futimens(file, only_change));
	EVENTS();
	R(futimens(file, neither));
	R(futimens(file, NULL));
	EVENTS();
	R(fsync(file));
	R(lseek(file, 0, SEEK_SET));
	EVENTS();
	close(dup(file));
	EVENTS();
	close(file);
	EVENTS();
	close(open("d/file", O_RDONLY));
	EVENTS();
	close(open("d/file", O_RDWR));
	EVENTS();
	close(open("d/file", O_WRONLY | O_TRUNC));
	EVENTS();
	close(open("d/file", O_WRONLY | O_CREAT | O_TRUNC, 0644));
	EVENTS();
	close(open("d/file", O_PATH));
	EVENTS();
	R(open("d/file", O_RDWR | O_CREAT | O_EXCL, 0644));
	R(open("d/none", O_RDWR));
	EVENTS();
	R(access("d/file", R_OK));
	EVENTS();
	R(link("d/file", "d/other"));
	EVENTS();
	touch("d/other");
	EVENTS();
	R(unlink("d/other"));
	EVENTS();
	R(rename("d/file", "d/moved"));
	EVENTS();
	file = open("d/moved", O_RDWR);
	R(unlink("d/moved"));
	EVENTS();
	R(write(file, "more", 4));
	EVENTS();
	close(file);
	EVENTS();
	touch("d/short");
	EVENTS();
	R(inotify_add_watch(fd, "d/short", IN_ALL_EVENTS));
	R(unlink("d/short"));
	EVENTS();
	R(inotify_rm_watch(fd, 3));
	R(rmdir("d"));
	EVENTS();
	R(inotify_rm_watch(fd, 1));
}

static void directories(void)
{
	DIR *dir;
	int at;

	fresh();
	mkdir("d", 0755);
	mkdir("d/sub", 0755);
	mkdir("e", 0755);
	R(inotify_add_watch(fd, "d", IN_ALL_EVENTS));
	R(inotify_add_watch(fd, "d/sub", IN_ALL_EVENTS));
	R(inotify_add_watch(fd, "e", IN_ALL_EVENTS));
	at = open("d/sub", O_RDONLY | O_DIRECTORY);
	EVENTS();
	dir = fdopendir(at);
	while (readdir(dir))
		;
	EVENTS();
	closedir(dir);
	EVENTS();
	dir = opendir("d");
	while (readdir(dir))
		;
	closedir(dir);
	EVENTS();
	R(mkdir("d/new", 0755));
	EVENTS();
	R(symlink("nowhere", "d/link"));
	R(mkfifo("d/fifo", 0644));
	R(mkdir("d/link", 0755));
	EVENTS();
	R(chmod("d/new", 0700));
	R(chmod("d", 0700));
	EVENTS();
	R(rename("d/new", "e/newer"));
	EVENTS();
	R(rename("d/sub", "e/sub"));
	EVENTS();
	touch("d/a");
	touch("e/b");
	EVENTS();
	R(inotify_add_watch(fd, "e/b", IN_ALL_EVENTS));
	R(inotify_add_watch(fd, "d/a", IN_ALL_EVENTS));
	R(rename("d/a", "e/b"));
	EVENTS();
	touch("d/x");
	R(syscall(SYS_renameat2, AT_FDCWD, "d/x", AT_FDCWD, "e/sub", 2));
	EVENTS();
	R(rename("e/b", "e/b"));
	R(rename("e/b", "e/bb"));
	EVENTS();
	R(rename("d", "f"));
	EVENTS();
	touch("f/after");
	EVENTS();
	/* Out of the watched ones, and into them. */
	R(rename("f/after", "out"));
	EVENTS();
	touch("out");
	EVENTS();
	R(rename("out", "f/back"));
	touch("f/back");
	EVENTS();
	R(rmdir("e/newer"));
	EVENTS();
	R(mkdir("f/empty", 0755));
	R(mkdir("g", 0755));
	R(inotify_add_watch(fd, "f/empty", IN_ALL_EVENTS));
	EVENTS();
	R(rename("g", "f/empty"));
	EVENTS();
	R(rmdir("f/empty"));
	EVENTS();
	close(open("f", O_RDWR | O_TMPFILE, 0600));
	system("rm -rf e f");
}

static void flags(void)
{
	int file, second;

	fresh();
	mkdir("d", 0755);
	touch("d/file");
	symlink("d/file", "link");
	R(inotify_add_watch(fd, "d", IN_OPEN));
	R(inotify_add_watch(fd, "d", IN_MASK_ADD | IN_CLOSE));
	close(open("d/file", O_RDONLY));
	EVENTS();
	R(inotify_add_watch(fd, "d", IN_ATTRIB));
	close(open("d/file", O_RDONLY));
	chmod("d/file", 0600);
	EVENTS();
	R(inotify_add_watch(fd, "link", IN_OPEN));
	R(inotify_add_watch(fd, "d/file", IN_OPEN | IN_CLOSE));
	R(inotify_add_watch(fd, "link", IN_DONT_FOLLOW | IN_ALL_EVENTS));
	R(inotify_add_watch(fd, "link", IN_DONT_FOLLOW | IN_MASK_CREATE | IN_ALL_EVENTS));
	close(open("link", O_RDONLY));
	unlink("link");
	EVENTS();
	R(inotify_add_watch(fd, "d", IN_ONESHOT | IN_ALL_EVENTS));
	close(open("d/file", O_RDONLY));
	EVENTS();
	R(inotify_rm_watch(fd, 1));
	/* Names that are gone. */
	R(inotify_add_watch(fd, "d", IN_EXCL_UNLINK | IN_ALL_EVENTS));
	file = open("d/file", O_RDWR);
	unlink("d/file");
	write(file, "x", 1);
	EVENTS();
	close(file);
	EVENTS();
	/* Two watchers. */
	second = inotify_init1(IN_NONBLOCK);
	R(inotify_add_watch(second, "d", IN_CREATE));
	touch("d/new");
	EVENTS();
	file = fd;
	fd = second;
	EVENTS();
	fd = file;
	close(second);
	unlink("d/new");
	EVENTS();
	/* A hard link by a directory that is not watched. */
	mkdir("e", 0755);
	touch("d/one");
	link("d/one", "e/two");
	EVENTS();
	touch("e/two");
	EVENTS();
	touch("d/one");
	EVENTS();
	unlink("d/one");
	unlink("e/two");
	rmdir("d");
	rmdir("e");
	EVENTS();
}

/* Equal neighbours are one. */
static void queue(void)
{
	char buffer[4096] __attribute__((aligned(8))), c;
	struct epoll_event event = {.events = EPOLLIN};
	struct pollfd p;
	int bytes, file, epoll = epoll_create1(0);

	fresh();
	mkdir("d", 0755);
	R(inotify_add_watch(fd, "d", IN_ALL_EVENTS));
	p = (struct pollfd){.fd = fd, .events = POLLIN | POLLOUT};
	R(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
	R(poll(&p, 1, 0));
	R(ioctl(fd, FIONREAD, &bytes));
	R(bytes);
	file = open("d/a-name-of-22-characters", O_RDWR | O_CREAT, 0644);
	R(ioctl(fd, FIONREAD, &bytes));
	R(bytes);
	for (int i = 0; i < 10; i++)
		write(file, "x", 1);
	R(ioctl(fd, FIONREAD, &bytes));
	R(bytes);
	for (int i = 0; i < 3; i++) {
		write(file, "x", 1);
		pread(file, &c, 1, 0);
	}
	R(poll(&p, 1, 0));
	R(p.revents);
	R(epoll_wait(epoll, &event, 1, 0));
	R(read(fd, buffer, 0));
	R(read(fd, buffer, 15));
	R(read(fd, buffer, 16));
	R(read(fd, buffer, 47));
	R(read(fd, buffer, 48));
	R(read(fd, buffer, 100));
	R(read(fd, (char *)8, 4096));
	EVENTS();
	R(poll(&p, 1, 0));
	R(read(fd, buffer, 4096));
	R(read(fd, buffer, 0));
	close(file);
	unlink("d/a-name-of-22-characters");
	EVENTS();
	/* Lengths of names: padded to 16, with at least one 0. */
	for (int i = 14; i < 34; i++) {
		char name[64] = "d/";

		memset(name + 2, 'n', i);
		name[2 + i] = 0;
		mkdir(name, 0755);
		rmdir(name);
	}
	EVENTS();
	rmdir("d");
	EVENTS();
	close(epoll);
}

static void overflow(void)
{
	static char buffer[1 << 20] __attribute__((aligned(8)));
	char name[32];
	long count = 0, limit = 0;
	ssize_t n;
	FILE *f = fopen("/proc/sys/fs/inotify/max_queued_events", "r");

	fscanf(f, "%ld", &limit);
	fclose(f);
	fresh();
	mkdir("d", 0755);
	inotify_add_watch(fd, "d", IN_CREATE | IN_DELETE);
	for (long i = 0; i < limit + 10; i += 2) {
		snprintf(name, sizeof(name), "d/%ld", i);
		mkdir(name, 0755);
		rmdir(name);
	}
	while ((n = read(fd, buffer, sizeof(buffer))) > 0) {
		for (char *at = buffer; at < buffer + n;) {
			const struct inotify_event *e = (void *)at;

			if (e->mask & IN_Q_OVERFLOW)
				printf("overflow: wd %d len %u, %s\n", e->wd, e->len,
				       count == limit ? "at the limit" : "elsewhere");
			count++;
			at += sizeof(*e) + e->len;
		}
	}
	HOLDS(count == limit + 1);
	rmdir("d");
	EVENTS();
}

static void others(void)
{
	char buffer[100], line[300];
	int status;
	FILE *f;

	/* A reader that waits. */
	fresh();
	fcntl(fd, F_SETFL, 0);
	mkdir("d", 0755);
	R(inotify_add_watch(fd, "d", IN_CREATE));
	fflush(stdout);
	if (fork() == 0) {
		usleep(50000);
		mkdir("d/x", 0755);
		_exit(0);
	}
	R(read(fd, buffer, sizeof(buffer)));
	wait(&status);
	rmdir("d/x");
	snprintf(line, sizeof(line), "/proc/self/fdinfo/%d", fd);
	f = fopen(line, "r");
	while (fgets(line, sizeof(line), f)) {
		unsigned wd, mask, ignored;

		if (sscanf(line, "inotify wd:%x ino:%*x sdev:%*x mask:%x ignored_mask:%x", &wd, &mask,
			   &ignored) == 3)
			printf("fdinfo %x %x %x\n", wd, mask, ignored);
	}
	fclose(f);
	snprintf(line, sizeof(line), "/proc/self/fd/%d", fd);
	R(readlink(line, buffer, sizeof(buffer)));
	printf("%.18s\n", buffer);
	rmdir("d");
	/* What cannot be told of is watched all the same. */
	fresh();
	R(inotify_add_watch(fd, "/proc/self/status", IN_ALL_EVENTS) > 0);
	R(inotify_rm_watch(fd, 1));
	EVENTS();
}

int main(void)
{
	abi_scratch();
	errors();
	one_file();
	directories();
	flags();
	queue();
	overflow();
	others();
	return 0;
}
