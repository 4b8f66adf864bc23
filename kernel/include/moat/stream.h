/* SPDX-License-Identifier: MIT */
/* room: dev */
/*
 * The three standard streams between the program and the device that carries them (virtio-console or a serial
 * port), and the terminal that they may be on the host's side.
 */
#ifndef MOAT_STREAM_H
#define MOAT_STREAM_H

#include <moat/uio.h>
#include <moat/waitq.h>

struct file;

enum stream_how {
	STREAM_NONBLOCK = 1 << 0,	 /* -EAGAIN instead of waiting */
	STREAM_UNINTERRUPTIBLE = 1 << 1, /* a signal does not end the wait */
};

/* What a device does for a stream. A channel is one of its lines; process context, may sleep. */
struct stream_ops {
	/* Bytes moved, 0 at the end of input, -EAGAIN, -EINTR, -EFAULT, -EIO. */
	ssize_t (*read)(void *channel, struct uio *u, unsigned how);
	/* Bytes moved (short when a signal or a fault ends it), -EAGAIN, -EINTR, -EFAULT, -EPIPE, -ENOMEM. */
	ssize_t (*write)(void *channel, struct uio *u, unsigned how);
	/* As a file's `poll`, for one direction and with one queue. */
	unsigned (*poll_in)(void *channel, struct poll_table *t);
	unsigned (*poll_out)(void *channel, struct poll_table *t);
	size_t (*unread)(void *channel); /* bytes that a read would give now */
	void (*flush)(void *channel);	 /* returns when the device has taken all that was written */
};

/* The device that carries stream `which` (0, 1, 2). Boot. */
void stream_attach(unsigned which, const struct stream_ops *ops, void *arg);
/* The window of the machine's terminal has another size. Any context. */
void terminal_set_winsize(u16 rows, u16 cols);

#endif
