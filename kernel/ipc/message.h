/* SPDX-License-Identifier: MIT */
/* room: ipc */
/* A message in memory that is counted and limited (sysv_charge), as System V and POSIX queues hold it. */
#ifndef IPC_MESSAGE_H
#define IPC_MESSAGE_H

#include <sys/queue.h>
#include <moat/types.h>
#include <moat/uio.h>

struct message {
	TAILQ_ENTRY(message) link; /* its queue's */
	s64 type;		   /* System V: msgsnd(2)'s type; POSIX: the priority */
	size_t len;		   /* bytes of text */
	char text[];
};

TAILQ_HEAD(message_list, message);

/* A message of that type with all that is left in text. 0, -ENOMEM, -EFAULT. */
int __must_check message_new(s64 type, struct uio *text, struct message **out);
/* NULL is allowed. */
void message_free(struct message *m);

#endif
