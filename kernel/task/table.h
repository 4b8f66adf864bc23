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

LIST_HEAD(process_list, process);

/* A living process or zombie, PID 1 included, or NULL; by a thread's number: its process. Locked. */
struct process *table_find(int pid);
/* Is a process in the group, with a number as given? Its session in *sid. Locked. */
bool table_find_group(int pgid, int *sid);
/* process_for_each. Locked. */
void table_for_each(bool (*fn)(struct process *p, void *arg), void *arg);
/* Gives p its number, `wanted` if that is not 0: 0, -EAGAIN when the table is full, -EEXIST. */
int __must_check table_reserve(struct process *p, int wanted);
/* Makes p, which has a number, the last child of parent; everybody finds it. Locked. */
void table_publish(struct process *p, struct process *parent);
/* Takes p out of table and family, in whatever state it is. Locked. */
void table_remove(struct process *p);
/* Gives p another parent. Locked. */
void table_adopt(struct process *p, struct process *parent);
/* The same for t, for table_add_thread to follow at once: 0, -EAGAIN when there are too many, -EEXIST. Locked. */
int __must_check table_number_thread(struct thread *t, int wanted);
struct thread *table_find_thread(int tid);
/* t, which has its number, becomes one of its process's threads: everybody finds it. Locked. */
void table_add_thread(struct thread *t);
/* t is not one of them any more; its number is free unless it is its process's. Locked. */
void table_remove_thread(struct thread *t);
/* t, the only thread of its process, takes over the process's number (execve(2)). Locked. */
void table_become_leader(struct thread *t);
/* How many threads, and zombies, have this real user. Locked. */
unsigned table_count_user(u32 uid);

/* A process with no number and no resources, and these actions, whose reference it takes; or NULL. (process.c) */
struct process *__must_check process_alloc(struct sighand *hand);
/* Frees it; a zombie that was removed from the table, or one that was never published. */
void process_free(struct process *p);

/* p->usage takes in what p's address space has counted, before p gives it up; own thread. (process.c) */
void process_settle_memory(struct process *p);
/* Adds what t has counted itself. (process.c) */
void thread_add_counts(const struct thread *t, struct process_usage *out);
/* The same for the CPU time of a thread that is about to leave p. Locked. */
void process_settle_thread(struct process *p, const struct thread *t);

/*
 * Ends all other threads of the current process and waits until they are gone; the caller has the process's number then.
 * 0, or -EINTR: it is to end itself. (leave.c)
 */
int __must_check thread_await_alone(void);
/* The thread of p that had this number ends, or has another one: its children are another thread's. Locked. (exit.c) */
void thread_give_children_away(struct process *p, int tid);
/* Writes 0 where set_tid_address(2) asked for it, and wakes who waits there, if others share the memory. */
void thread_clear_tid(struct thread *t);
/* Ends the current process, whose other threads and whose files are gone, with its last thread (exit.c). */
__noreturn void process_end(int wait_status);
/* A process that could have continued the group's members ends: if it was the last, those that are stopped are told. Locked. */
void group_lost_parent(int pgid);
/* Tells the parent of p, a zombie, what it wants to know. True: nobody will wait for p. Locked. (exit.c) */
bool parent_tell_of_end(struct process *p);
/* Tells p's parent that it has stopped or goes on: CLD_STOPPED, CLD_CONTINUED (exit.c). */
void parent_tell(struct process *p, int code, int signo);
void parent_tell_locked(struct process *p, int code, int signo);
/* SIGCHLD's siginfo for p: code and status as waitid(2) shows them. */
void child_info(const struct process *p, int code, int status, siginfo_t *info);
/* Splits the encoding of wait(2) into CLD_* and what goes with it. */
int wait_status_code(int wait_status, int *value);

#endif
