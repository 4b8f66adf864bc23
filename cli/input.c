/* SPDX-License-Identifier: MIT */
/*
 * Standard input, into port 1. End of file is passed on by shutting down the sending half of the socket:
 * closing it would look to QEMU like a hang-up and could lose what is still in it. A deterministic run gets
 * all of its input beforehand, as a file.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "alloc.h"
#include "output.h"
#include "streams.h"
#include "terminal.h"

#define CHUNK_BYTES    (64U << 10)
#define ESCAPE_KEY     0x1d /* Ctrl-] */
#define ESCAPE_PRESSES 3
#define ESCAPE_NS      1000000000ULL /* from one press to the next at most */

/*
 * Reading the terminal from the background would stop us with SIGTTIN although the program may never want
 * to read; the signal is blocked, so that read(2) says EIO instead, and we wait to be continued.
 */
static bool in_background(void)
{
	pid_t foreground = tcgetpgrp(STDIN_FILENO);

	return foreground >= 0 && foreground != getpgrp();
}

static bool may_retry(struct streams *streams)
{
	if (errno == EINTR)
		return true;
	if (errno == EAGAIN)
		return output_wait(STDIN_FILENO, POLLIN) == 0;
	if (errno != EIO || !in_background())
		return false;
	while (sem_wait(&streams->foreground) && errno == EINTR)
		;
	return true;
}

/* What has been typed ends the run when it holds the escape: the key pressed so often in a row, quickly. */
static bool is_escape(const char *typed, size_t bytes)
{
	static uint64_t last_ns; /* [input thread] as is: */
	static int presses;
	uint64_t now = monotonic_ns();

	if (now - last_ns > ESCAPE_NS)
		presses = 0;
	last_ns = now;
	for (size_t i = 0; i < bytes; i++) {
		presses = typed[i] == ESCAPE_KEY ? presses + 1 : 0;
		if (presses == ESCAPE_PRESSES)
			return true;
	}
	return false;
}

static void end_run(struct streams *streams)
{
	atomic_store(&streams->escaped, true);
	streams_notify(streams);
}

/** input_thread - carry standard input to the machine until it ends or the machine has gone. */
void *input_thread(void *argument)
{
	struct streams *streams = argument;
	int to = streams->machine->port[PORT_STDIN];
	char *chunk = must_alloc(CHUNK_BYTES);
	int error = 0;
	ssize_t n;

	do {
		n = read(STDIN_FILENO, chunk, CHUNK_BYTES);
		if (n > 0 && terminal_is_raw() && is_escape(chunk, (size_t)n))
			end_run(streams);
		if (n > 0)
			error = output_write(to, chunk, (size_t)n);
	} while (!error && (n > 0 || (n < 0 && may_retry(streams))));
	shutdown(to, SHUT_WR);
	free(chunk);
	return NULL;
}

/**
 * input_collect - read standard input to its end.
 * @fd: receives a memfd that holds it, close-on-exec, owned by the caller.
 *
 * Returns 0, or a negative number with @v set.
 */
int input_collect(int *fd, struct verdict *v)
{
	char *chunk = must_alloc(CHUNK_BYTES);
	int error = 0;
	ssize_t n;

	*fd = memfd_create("moat-input", MFD_CLOEXEC);
	do {
		n = *fd < 0 ? -1 : read(STDIN_FILENO, chunk, CHUNK_BYTES);
		if (n > 0)
			error = output_write(*fd, chunk, (size_t)n);
		else if (n < 0)
			error = errno == EAGAIN	 ? output_wait(STDIN_FILENO, POLLIN)
				: errno == EINTR ? 0
						 : -errno;
	} while (!error && n != 0);
	free(chunk);
	if (!error)
		return 0;
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	return verdict_error(v, STATUS_MOAT_FAILED, "standard input: %s", strerror(-error));
}
