/* SPDX-License-Identifier: MIT */
/*
 * Writing to descriptors that other programs share with us. Their O_NONBLOCK flag belongs to the open file,
 * not to us: it is neither set nor cleared, but somebody else may have set it, so EAGAIN means "wait".
 */
#include "output.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

/** output_wait - wait until one of the poll(2) @events holds on @fd. Returns 0 or a negative errno. */
int output_wait(int fd, short events)
{
	struct pollfd wait = {.fd = fd, .events = events};

	return poll(&wait, 1, -1) < 0 && errno != EINTR ? -errno : 0;
}

/** output_write - write all of the bytes, waiting as long as it takes. Returns 0 or a negative errno. */
int output_write(int fd, const char *data, size_t bytes)
{
	while (bytes > 0) {
		ssize_t n = write(fd, data, bytes);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			n = output_wait(fd, POLLOUT);
		if (n < 0)
			return -errno;
		data += n;
		bytes -= (size_t)n;
	}
	return 0;
}
