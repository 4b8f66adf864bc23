/* SPDX-License-Identifier: MIT */
/* room: dev */
#ifndef DEV_TTY_CONSOLE_H
#define DEV_TTY_CONSOLE_H

#include <moat/stream.h>

/* One of the device's channels; ops is NULL when no device carries it. */
struct stream_channel {
	const struct stream_ops *ops;
	void *arg;
};

/*
 * There is a terminal; in or out may be NULL. host_edits: the far end is not raw but edits lines and echoes itself.
 * 0 or -ENOMEM. Boot.
 */
int __must_check console_create(const struct stream_channel *in, const struct stream_channel *out, u16 rows,
				u16 cols, bool host_edits);
/* Sends all that is in the ring, however long it takes. Process context. */
void console_flush(void);

#endif
