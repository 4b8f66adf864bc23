/* SPDX-License-Identifier: MIT */
/*
 * What the command knows about the terminal it runs at: its size. The terminal stays in its normal mode;
 * the host's line discipline edits lines and turns keys into signals.
 */
#include "terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

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
