/* SPDX-License-Identifier: MIT */
/* EDEADLK: processes that would wait for one another's record locks for ever, in circles of two and three. */
#include "abi.h"
#include <signal.h>
#include <sys/wait.h>

static int fd;

static int lock(int cmd, int type, int at)
{
	struct flock l = {.l_type = (short)type, .l_whence = SEEK_SET, .l_start = at, .l_len = 1};

	return fcntl(fd, cmd, &l);
}

/* Each of `count` locks its own byte, then wants the next one's; the last one closes the circle a little later. */
static void circle(int count, int type, int get, int again)
{
	int ready[2], status, deadlocks = 0;
	pid_t pids[8];
	char c;

	pipe(ready);
	fflush(stdout);
	for (int i = 0; i < count; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			if (again)
				fd = open("file", O_RDWR);
			lock(get, F_WRLCK, i);
			close(ready[1]);
			read(ready[0], &c, 1);
			usleep(50000 * (unsigned)(i + 1));
			alarm((unsigned)(1 + 2 * i));
			if (lock(get == F_SETLK ? F_SETLKW : F_OFD_SETLKW, type, (i + 1) % count) == 0)
				_exit(0);
			_exit(errno == EDEADLK ? 1 : errno == EINTR ? 2 : 3);
		}
	}
	usleep(50000);
	close(ready[1]);
	close(ready[0]);
	for (int i = 0; i < count; i++) {
		waitpid(pids[i], &status, 0);
		if (WIFEXITED(status))
			deadlocks += WEXITSTATUS(status) == 1;
		printf("%d: %s %d\n", i, WIFEXITED(status) ? "exit" : "signal",
		       WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
	}
	printf("%d of %d\n", deadlocks, count);
}

int main(void)
{
	abi_scratch();
	fd = open("file", O_RDWR | O_CREAT, 0644);
	circle(2, F_WRLCK, F_SETLK, 0);
	circle(2, F_RDLCK, F_SETLK, 0);
	circle(3, F_WRLCK, F_SETLK, 0);
	circle(5, F_WRLCK, F_SETLK, 1);
	circle(2, F_WRLCK, F_OFD_SETLK, 1);
	/* A chain that is no circle. */
	fflush(stdout);
	if (fork() == 0) {
		lock(F_SETLK, F_WRLCK, 9);
		usleep(200000);
		_exit(0);
	}
	usleep(50000);
	R(lock(F_SETLK, F_WRLCK, 9));
	R(lock(F_SETLKW, F_WRLCK, 9));
	wait(NULL);
	return 0;
}
