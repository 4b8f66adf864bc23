/* SPDX-License-Identifier: MIT */
/* room: task */
/*
 * Descriptors of processes (pidfd_open(2)), and what they hold: a name for a process, or for one thread, that stays true
 * when the number is given again.
 */
#ifndef MOAT_PIDFD_H
#define MOAT_PIDFD_H

#include <moat/aspace.h>
#include <moat/file.h>
#include <moat/procfs.h>
#include <moat/signal.h>
#include <moat/waitq.h>

#ifndef PIDFD_THREAD
#define PIDFD_THREAD 0200 /* O_EXCL: newer than the build machine's headers */
#endif

struct task_ref {
	struct refcount refs;
	int pid;		 /* [I once found] of the process, or of the thread that is meant */
	struct process *process; /* [table] NULL: it was reaped, or the thread has left */
	struct thread *thread;	 /* [table] NULL: the process as a whole */
	int exit_status;	 /* [table] of a process that was reaped */
	struct inode
		*inode;	   /* [I] what all descriptors of it lead to: fstat(2) shows that they are the same */
	struct waitq wait; /* it ends, it is reaped */
};

/*
 * A reference to who has the number now: flags 0: -ENOENT when it is a thread that leads no process; PIDFD_THREAD: the
 * thread. -EINVAL (not positive), -ESRCH, -ENOMEM.
 */
int __must_check task_ref_find(int pid, u32 flags, struct task_ref **out);
/* The same for the process of a directory /proc/PID: -ESRCH when it is gone. */
int __must_check task_ref_find_key(const struct proc_key *key, struct task_ref **out);
void task_ref_put(struct task_ref *r);
/* A descriptor's file: flags O_NONBLOCK, PIDFD_THREAD. Takes no reference of the caller's. -ENOMEM. */
int __must_check pidfd_create(struct task_ref *r, u32 flags, struct file **out);
/* What f stands for, or NULL: f is something else. It lives as long as f. */
struct task_ref *pidfd_ref(const struct file *f);

/*
 * CLONE_PIDFD: gives a process, or thread t, that nobody has seen its reference, and makes the file. A thread's reference
 * gets its number when the thread does. -ENOMEM.
 */
int __must_check pidfd_create_new(struct process *p, struct thread *t, bool is_thread, struct file **out);
/* Table locked. The process was taken out of the table, the thread out of its process: descriptors say so. NULL allowed. */
void task_ref_end(struct task_ref *r);

enum pidfd_scope {
	PIDFD_TO_THREAD,
	PIDFD_TO_PROCESS,
	PIDFD_TO_GROUP,
};
/* pidfd_send_signal(2); info NULL: as kill(2) and tgkill(2) make it. (signal_kill.c) */
int __must_check signal_kill_ref(struct task_ref *r, enum pidfd_scope scope, int signo,
				 const siginfo_t *info);
/* pidfd_getfd(2): the file behind a descriptor of r, with a reference. -ESRCH, -EPERM, -EBADF. */
int __must_check pidfd_get_file(struct task_ref *r, int fd, struct file **out);
/* The memory of r, with a reference: -ESRCH, -EACCES. */
int __must_check pidfd_get_aspace(struct task_ref *r, struct aspace **out);
/* process_mrelease(2): waits until r, which is to end, has given its memory back. -EINVAL: it is not; -ESRCH, -EINTR. */
int __must_check pidfd_await_memory(struct task_ref *r);
/* setns(2): is it there (-ESRCH), and may the current process look into it (-EPERM)? */
int __must_check pidfd_may_peek(struct task_ref *r);

#endif
