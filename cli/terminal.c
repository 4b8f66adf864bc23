/* SPDX-License-Identifier: MIT */
/*
 * The terminal that the command runs at. When standard input and an output are the same terminal, its line discipline is
 * the guest's: ours is switched off (raw), so that keys arrive as they are typed and output appears as it was written.
 *
 * However the command ends, the terminal must be as it was. A child, the guard, holds the other end of a pipe of ours:
 * a byte there says that all is done; when the pipe ends without one we have died, and the guard puts the settings
 * back.
 *
 *     terminal_take ──> raw ──> terminal_give_back
 *                        ^            │
 *                        └ terminal_take_again (after a stop)
 */
#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

/* [main thread] but for `raw` */
static struct {
	bool wanted;	      /* settings are known and a guard is there */
	struct termios saved; /* as we found it */
	int guard;	      /* pipe to the guard, or -1 */
	atomic_bool raw;
} terminal = {.guard = -1};

/** terminal_size - size of the terminal that one of the standard streams is; false when none is one. */
bool terminal_size(unsigned int *rows, unsigned int *columns)
{
	struct winsize size;

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (isatty(fd) && ioctl(fd, TIOCGWINSZ, &size) == 0) {
			*rows = size.ws_row;
			*columns = size.ws_col;
			return true;
		}
	}
	return false;
}

/** terminal_is_taken - is the guest to have the line discipline? */
bool terminal_is_taken(const struct options *options)
{
	int out = isatty(STDOUT_FILENO) ? STDOUT_FILENO : STDERR_FILENO;
	struct stat in_stat, out_stat;

	return !options->deterministic && isatty(STDIN_FILENO) && isatty(out) &&
	       fstat(STDIN_FILENO, &in_stat) == 0 && fstat(out, &out_stat) == 0 &&
	       in_stat.st_rdev == out_stat.st_rdev;
}

/* From the background this would stop us; the signal is blocked meanwhile, and then it is allowed. */
static bool set(const struct termios *settings)
{
	sigset_t block, before;
	bool done;

	sigemptyset(&block);
	sigaddset(&block, SIGTTOU);
	pthread_sigmask(SIG_BLOCK, &block, &before);
	done = tcsetattr(STDIN_FILENO, TCSADRAIN, settings) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return done;
}

/* The guard: outside of our process group, deaf to all but SIGKILL, with nothing open but terminal and pipe. */
static void guard(int pipe)
{
	sigset_t all;
	char byte;
	ssize_t n;

	setpgid(0, 0);
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	prctl(PR_SET_NAME, "moat-terminal");
	dup2(pipe, STDOUT_FILENO);
	close_range(STDERR_FILENO, ~0U, 0);
	do
		n = read(STDOUT_FILENO, &byte, 1);
	while (n < 0 && errno == EINTR);
	if (n == 0)
		tcsetattr(STDIN_FILENO, TCSANOW, &terminal.saved);
	_exit(0);
}

static bool start_guard(void)
{
	int pair[2];
	pid_t pid;

	if (pipe2(pair, O_CLOEXEC))
		return false;
	pid = fork();
	if (pid == 0) {
		close(pair[1]);
		guard(pair[0]);
	}
	close(pair[0]);
	terminal.guard = pair[1];
	return pid > 0;
}

static bool in_foreground(void)
{
	return tcgetpgrp(STDIN_FILENO) == getpgrp();
}

/**
 * terminal_take_again - make the terminal raw, if it is ours to do so and we are in its foreground.
 *
 * After a stop, and when we may have come to the foreground.
 */
void terminal_take_again(void)
{
	struct termios raw = terminal.saved;

	if (!terminal.wanted || !in_foreground())
		return;
	cfmakeraw(&raw);
	atomic_store(&terminal.raw, set(&raw));
}

/** terminal_take - from now on the guest edits lines, if terminal_is_taken(). Main thread, before there are others. */
void terminal_take(const struct options *options)
{
	terminal.wanted =
		terminal_is_taken(options) && tcgetattr(STDIN_FILENO, &terminal.saved) == 0 && start_guard();
	terminal_take_again();
}

/** terminal_give_back - put the terminal's settings back, if they were changed. */
void terminal_give_back(void)
{
	if (atomic_exchange(&terminal.raw, false))
		set(&terminal.saved);
}

/** terminal_is_raw - is the terminal raw now? Any thread. */
bool terminal_is_raw(void)
{
	return atomic_load(&terminal.raw);
}
