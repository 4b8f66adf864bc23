/* SPDX-License-Identifier: MIT */
/* room: fs */
/*
 * The owner of an open file: whom it tells by a signal that something can be read or written, or went wrong (F_SETOWN, F_SETSIG
 * and O_ASYNC of fcntl(2), SIGIO in signal(7)).
 */
#ifndef MOAT_OWNER_H
#define MOAT_OWNER_H

#include <moat/file.h>

struct owner {
	int type;      /* F_OWNER_* */
	int pid;       /* of a thread, process or group; 0: nobody */
	u64 life;      /* with pid, who it is; 0 for a group */
	u32 uid, euid; /* of the one who chose it */
};

/* Sets the owner: 0 or -ENOMEM. And says who it is. */
int __must_check file_set_owner(struct file *f, const struct owner *o);
void file_get_owner(struct file *f, struct owner *out);
/* The signal, 0 for SIGIO without further facts: 0 or -ENOMEM. The caller has checked the number. */
int __must_check file_set_signal(struct file *f, int signo);
int file_get_signal(struct file *f);
/* O_ASYNC: 0, -ENOTTY (files of this kind do not tell), -ENOMEM. fd: what the signal is to name. May sleep. */
int __must_check file_set_async(struct file *f, int fd, bool on);
/*
 * For F_NOTIFY: fd is what its signals name from now on, 0 or -ENOMEM; and one of them, POLL_MSG. The second under any lock before
 * RANK_ASYNC, after the first.
 */
int __must_check file_tell_as(struct file *f, int fd);
void file_tell_message(struct file *f);
/* The file ends: it tells nothing any more. */
void file_owner_end(struct file *f);

/* --- for the task room --- */

/* Sends a signal: signo 0 is SIGIO alone; code is POLL_IN…, fd the descriptor. No lock held. */
typedef void owner_tell(const struct owner *o, int signo, int code, int fd);
/* Sends what files have noted on this CPU. Interrupts off, no lock held. */
void file_owners_tell(owner_tell *tell);
/* The same, from the interrupt of cpu_send_reschedule. (task/owner.c) */
void owners_tell(void);
/* --- the choice, as system calls make it (task/owner.c) --- */

/* F_SETOWN_EX, in the current process's name; pid 0: nobody. 0, -ESRCH, -EINVAL, -ENOMEM. */
int __must_check owner_set(struct file *f, int type, int pid);
/* F_SETOWN, where a negative number is a group's; and F_GETOWN: 0 when the owner has gone. */
int __must_check owner_set_signed(struct file *f, int who);
int owner_get_signed(struct file *f);
/* The number without sign, 0 when the owner has gone. */
int owner_pid(const struct owner *o);

#endif
