/* SPDX-License-Identifier: MIT */
/* process_madvise(2) and process_mrelease(2): advice about one's own memory and another's, memory of the dying. */
#include "abi.h"
#include "children.h"
#include <signal.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <sys/wait.h>

#ifndef MADV_COLD
#define MADV_COLD    20
#define MADV_PAGEOUT 21
#endif
#define COLLAPSE      25
#define GUARD_INSTALL 102
#define GUARD_REMOVE  103
#define SELF	      (-10001)
#define SELF_THREAD   (-10000)

#define pidfd_open(pid, flags)		  syscall(SYS_pidfd_open, pid, flags)
#define advise(fd, iov, n, advice, flags) syscall(SYS_process_madvise, fd, iov, n, advice, flags)
#define release(fd, flags)		  syscall(448, fd, flags)

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void own(int self)
{
	static const int advices[] = {0,
				      1,
				      2,
				      3,
				      4,
				      5,
				      8,
				      9,
				      10,
				      11,
				      12,
				      13,
				      14,
				      15,
				      16,
				      17,
				      18,
				      19,
				      20,
				      21,
				      22,
				      23,
				      24,
				      GUARD_INSTALL,
				      GUARD_REMOVE,
				      99,
				      -1};
	char *p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct iovec iov[3] = {{p, PAGE}, {p + 2 * PAGE, PAGE}, {p + 3 * PAGE, PAGE}};

	for (size_t i = 0; i < sizeof(advices) / sizeof(advices[0]); i++) {
		printf("advice %d\n", advices[i]);
		R(advise(self, iov, 3, advices[i], 0));
	}
	memset(p, 7, 4 * PAGE);
	R(advise(self, iov, 2, MADV_DONTNEED, 0));
	R(p[0]);
	R(p[PAGE]);
	R(p[2 * PAGE]);
	R(p[3 * PAGE]);
	R(advise(self, iov, 0, MADV_DONTNEED, 0));
	R(advise(self, NULL, 0, MADV_DONTNEED, 0));
	R(advise(self, NULL, 0, 99, 0));
	iov[1].iov_len = 0;
	R(advise(self, iov, 2, MADV_DONTNEED, 0));
	iov[1].iov_len = 100;
	R(advise(self, iov, 3, MADV_DONTNEED, 0));
	/* What comes before the bad one is done. */
	iov[1].iov_base = p + 1;
	R(advise(self, iov, 3, MADV_DONTNEED, 0));
	iov[0].iov_base = p + 1;
	R(advise(self, iov, 3, MADV_DONTNEED, 0));
	R(munmap(p + PAGE, PAGE));
	iov[0] = (struct iovec){p + PAGE, PAGE};
	R(advise(self, iov, 1, MADV_DONTNEED, 0));
	iov[0] = (struct iovec){p, 4 * PAGE};
	R(advise(self, iov, 1, MADV_DONTNEED, 0));
	R(advise(self, iov, 1, MADV_COLD, 0));
	R(advise(self, iov, 1, MADV_NORMAL, 1));
	R(advise(self, iov, 2000, MADV_NORMAL, 0));
	R(advise(self, 8, 1, MADV_NORMAL, 0));
	R(advise(self, 8, 1, 99, 0));
	R(advise(99, iov, 1, MADV_NORMAL, 0));
	R(advise(1, iov, 1, MADV_NORMAL, 0));
	iov[0] = (struct iovec){p, PAGE};
	R(advise(SELF, iov, 1, MADV_COLD, 0));
	R(advise(SELF_THREAD, iov, 1, MADV_COLD, 0));
	munmap(p, 4 * PAGE);
}

static void others(void)
{
	static const int advices[] = {MADV_NORMAL,  MADV_DONTNEED, MADV_WILLNEED, MADV_FREE, MADV_COLD,
				      MADV_PAGEOUT, MADV_HUGEPAGE, GUARD_INSTALL, 22,	     99};
	char *p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct iovec iov = {p, 2 * PAGE};
	pid_t pid = child_sleeps(), other;
	int fd = (int)pidfd_open(pid, 0), kernel = (int)pidfd_open(1, 0);

	memset(p, 1, 4 * PAGE);
	for (size_t i = 0; i < sizeof(advices) / sizeof(advices[0]); i++) {
		printf("advice %d\n", advices[i]);
		R(advise(fd, &iov, 1, advices[i], 0));
	}
	other = fork();
	if (other == 0) {
		R(setresuid(1000, 1000, 1000));
		R(advise(fd, &iov, 1, MADV_COLD, 0));
		R(advise(kernel, &iov, 1, MADV_COLD, 0));
		_exit(0);
	}
	waitpid(other, NULL, 0);
	end(pid);
	R(advise(fd, &iov, 1, MADV_COLD, 0));
	close(fd);
	close(kernel);
}

static void dying(int self)
{
	pid_t pid = child_sleeps();
	int fd = (int)pidfd_open(pid, 0);
	siginfo_t info;
	long result;

	R(release(self, 0));
	R(release(fd, 0));
	R(release(fd, 1));
	R(release(99, 0));
	R(release(1, 0));
	R(kill(pid, SIGKILL));
	result = release(fd, 0);
	HOLDS(result == 0 || (result == -1 && errno == ESRCH));
	R(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT));
	R(release(fd, 0));
	R(waitpid(pid, NULL, 0) == pid);
	R(release(fd, 0));
	close(fd);
}

int main(void)
{
	int self = (int)pidfd_open(getpid(), 0);

	setvbuf(stdout, NULL, _IOLBF, 0);
	own(self);
	others();
	dying(self);
	return 0;
}
