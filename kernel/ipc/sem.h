/* SPDX-License-Identifier: MIT */
/* room: ipc */
/* Sets of semaphores, inside. Everything is protected by the lock of their table. */
#ifndef IPC_SEM_H
#define IPC_SEM_H

#include <sys/queue.h>
#include <moat/waitq.h>
#include "sysv.h"
#include "wait.h"

struct sem {
	s32 value;
	int last_by; /* PID */
	u32 value_waiters, zero_waiters;
};

struct undo;

struct sem_set {
	struct sysv sysv;
	u32 count;   /* [I] */
	u32 changes; /* [table for change, a for read] */
	s64 used_sec;
	struct waitq changed;
	LIST_HEAD(, undo) undos; /* of all processes */
	struct sem sems[];
};

/* What a process that ends adds to the values of one set. */
struct undo {
	LIST_ENTRY(undo) of_set, of_process;
	struct sem_set *set;	       /* [I] goes before the set does */
	const struct process *process; /* [I] */
	s32 adjust[];
};

static inline struct sem_set *sem_set_of(struct sysv *o)
{
	return CONTAINER_OF(o, struct sem_set, sysv);
}

/* The set may let somebody go on. Lock held. */
void sem_set_changed(struct sem_set *s);
/* The current process's record for the set, made if there is none: 0 or -ENOMEM. Lock held. */
int __must_check undo_get(struct sem_set *s, struct undo **out);
/* The set goes: nothing is to be undone any more. Lock held. */
void undo_forget(struct sem_set *s);

#endif
