/* SPDX-License-Identifier: MIT */
/* room: ipc */
/* Waiting for something to become so, until a time. */
#ifndef IPC_WAIT_H
#define IPC_WAIT_H

#include <asm/errno.h>
#include <moat/waitq.h>

#define WAIT_FOREVER KTIMER_NEVER

/* How a `poll` operation shows its queue. */
typedef struct poll_table *poll_to;
#define poll_show(to, q) poll_add((to), (q))

/* 0, -EINTR, or -EAGAIN when the deadline (of the monotonic clock, ns; WAIT_FOREVER: none) has come. */
#define IPC_WAIT(q, cond, deadline_ns)                                       \
	({                                                                   \
		int ipc_err_ = WAIT_EVENT_UNTIL((q), (cond), (deadline_ns)); \
		ipc_err_ == -ETIMEDOUT ? -EAGAIN : ipc_err_;                 \
	})

#endif
