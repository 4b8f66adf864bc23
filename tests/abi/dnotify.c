/* SPDX-License-Identifier: MIT */
/* F_NOTIFY of fcntl(2): signals about what happens in a directory. */
#include "abi.h"
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

static int dir;

/* Which signals there are now, and what they say. */
static void said(const char *what)
{
	const struct timespec none = {0};
	siginfo_t info;
	sigset_t all;

	printf("%s:", what);
	sigfillset(&all);
	while (sigtimedwait(&all, &info, &none) > 0) {
		if (info.si_signo == SIGIO)
			printf(" io %s", info.si_code == SI_KERNEL  ? "kernel"
					 : info.si_code == POLL_MSG ? "message"
								    : "?");
		else
			printf(" rt code %d fd %s band %lx", info.si_code, info.si_fd == dir ? "dir" : "?",
			       (long)info.si_band);
	}
	printf("\n");
}

static void touch(const char *name)
{
	int fd = open(name, O_RDWR | O_CREAT, 0644);
	char c;

	if (fd < 0 || write(fd, "x", 1) != 1 || pread(fd, &c, 1, 0) != 1)
		printf("touch %s: %s\n", name, abi_error(errno));
	close(fd);
}

static void all_operations(const char *what)
{
	printf("-- %s\n", what);
	touch("d/f");
	said("made, written and read");
	chmod("d/f", 0600);
	said("chmod");
	touch("d/f");
	said("written and read");
	rename("d/f", "d/g");
	said("renamed inside");
	rename("d/g", "g");
	said("renamed out");
	rename("g", "d/g");
	said("renamed in");
	mkdir("d/sub", 0755);
	said("mkdir");
	touch("d/sub/f");
	said("in a folder inside");
	unlink("d/sub/f");
	rmdir("d/sub");
	said("rmdir");
	chmod("d", 0700);
	said("chmod of itself");
	unlink("d/g");
	said("unlink");
}

static void each(void)
{
	static const struct {
		unsigned long mask;
		const char *name;
	} kinds[] = {{DN_ACCESS, "access"}, {DN_MODIFY, "modify"}, {DN_CREATE, "create"},
		     {DN_DELETE, "delete"}, {DN_RENAME, "rename"}, {DN_ATTRIB, "attrib"}};

	for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		R(fcntl(dir, F_NOTIFY, kinds[i].mask | DN_MULTISHOT));
		all_operations(kinds[i].name);
		R(fcntl(dir, F_NOTIFY, 0));
	}
	all_operations("nothing");
	R(fcntl(dir, F_NOTIFY, DN_CREATE | DN_DELETE));
	all_operations("once");
	R(fcntl(dir, F_NOTIFY, DN_CREATE));
	R(fcntl(dir, F_NOTIFY, DN_DELETE));
	all_operations("two masks, each of them once");
	R(fcntl(dir, F_NOTIFY, DN_CREATE | DN_MULTISHOT));
	R(fcntl(dir, F_NOTIFY, DN_DELETE));
	all_operations("two masks, one for ever");
	R(fcntl(dir, F_NOTIFY, DN_MULTISHOT));
	all_operations("no mask");
}

static void errors(void)
{
	int fd = R(open("f", O_RDWR | O_CREAT, 0644)), p[2];

	R(fcntl(fd, F_NOTIFY, DN_ACCESS));
	R(fcntl(fd, F_NOTIFY, 0));
	R(fcntl(fd, F_NOTIFY, 1UL << 20));
	R(fcntl(dir, F_NOTIFY, 1UL << 20));
	R(pipe(p));
	R(fcntl(p[0], F_NOTIFY, DN_ACCESS));
	close(p[0]);
	close(p[1]);
	R(fcntl(-1, F_NOTIFY, DN_ACCESS));
	close(fd);
	unlink("f");
	fd = R(open("d", O_PATH));
	R(fcntl(fd, F_NOTIFY, DN_ACCESS));
	close(fd);
}

static void closing(void)
{
	int other = dup(dir), status;
	pid_t child;

	R(fcntl(dir, F_NOTIFY, DN_CREATE | DN_MULTISHOT));
	child = fork();
	if (!child) {
		close(dir); /* its own table: nothing to the parent's */
		touch("d/c");
		_exit(0);
	}
	waitpid(child, &status, 0);
	said("made by a child");
	unlink("d/c");
	close(other);
	touch("d/e");
	said("after one of two descriptors was closed");
	unlink("d/e");
	R(fcntl(dir, F_NOTIFY, DN_CREATE | DN_MULTISHOT));
	close(dir);
	touch("d/f");
	unlink("d/f");
	said("after the last one was");
}

int main(void)
{
	sigset_t all;

	abi_scratch();
	sigfillset(&all);
	sigdelset(&all, SIGCHLD);
	sigprocmask(SIG_BLOCK, &all, NULL);
	signal(SIGCHLD, SIG_DFL);
	R(mkdir("d", 0755));
	dir = R(open("d", O_RDONLY | O_DIRECTORY));
	errors();
	printf("owner %d\n", fcntl(dir, F_GETOWN) == 0);
	R(fcntl(dir, F_NOTIFY, DN_CREATE | DN_MULTISHOT));
	printf("owner %d\n", fcntl(dir, F_GETOWN) == getpid());
	touch("d/f");
	unlink("d/f");
	said("by the usual signal");
	R(fcntl(dir, F_SETSIG, SIGRTMIN + 2));
	R(fcntl(dir, F_NOTIFY, 0));
	each();
	closing();
	return 0;
}
