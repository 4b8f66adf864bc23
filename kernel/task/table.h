/* SPDX-License-Identifier: MIT */
/* room: task */
/* The table of processes (table.c), as the files that change the family tree see it. */
#ifndef TASK_TABLE_H
#define TASK_TABLE_H

#include <moat/task.h>

extern struct spinlock process_table_lock; /* RANK_TASKS, taken with interrupts off */

static inline u64 table_lock(void)
{
	return spin_lock_irqsave(&process_table_lock);
}

static inline void table_unlock(u64 irq)
{
	spin_unlock_irqrestore(&process_table_lock, irq);
}

/* A living process or zombie, PID 1 included, or NULL. Locked. */
struct process *table_find(int pid);
/* Is a process in the group, with a number as given? Its session in *sid. Locked. */
bool table_find_group(int pgid, int *sid);
/* Gives p its number: 0, or -EAGAIN when the table is full. */
int __must_check table_reserve(struct process *p);
/* Makes p, which has a number, the last child of parent; everybody finds it. Locked. */
void table_publish(struct process *p, struct process *parent);
/* Takes p out of table and family, in whatever state it is. Locked. */
void table_remove(struct process *p);
/* Gives p another parent. Locked. */
void table_adopt(struct process *p, struct process *parent);
/* Of those in the table, how many have this real user. Locked. */
unsigned table_count_user(u32 uid);

/* A process with no number and no resources, signals and limits as Linux's first process; or NULL. (process.c) */
struct process *__must_check process_alloc(void);
/* Frees it; a zombie that was removed from the table, or one that was never published. */
void process_free(struct process *p);

/* Tells p's parent that it has stopped or goes on: CLD_STOPPED, CLD_CONTINUED (exit.c). */
void parent_tell(struct process *p, int code, int signo);
/* SIGCHLD's siginfo for p: code and status as waitid(2) shows them. */
void child_info(const struct process *p, int code, int status, siginfo_t *info);
/* Splits the encoding of wait(2) into CLD_* and what goes with it. */
int wait_status_code(int wait_status, int *value);

#endif
