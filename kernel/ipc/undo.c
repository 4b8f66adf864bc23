/* SPDX-License-Identifier: MIT */
/*
 * SEM_UNDO (semop(2)): when a process ends, what it has taken from semaphores is given back, and the other way round.
 *
 * Records hang in a hash table by process, and in a list of their set. A process that ends calls sem_exit, once.
 */
#include <moat/heap.h>
#include "sem.h"

enum { BUCKETS = 64 };

static LIST_HEAD(undo_bucket, undo) buckets[BUCKETS]; /* [table] */

static struct undo_bucket *bucket_of(const struct process *p)
{
	return &buckets[(u32)p->pid % BUCKETS];
}

static size_t bytes_of(const struct sem_set *s)
{
	return sizeof(struct undo) + s->count * sizeof(s32);
}

int undo_get(struct sem_set *s, struct undo **out)
{
	const struct process *p = current_process();
	struct undo *u;

	LIST_FOREACH (u, bucket_of(p), of_process) {
		if (u->process == p && u->set == s) {
			*out = u;
			return 0;
		}
	}
	if (!sysv_charge(bytes_of(s)))
		return -ENOMEM;
	u = kzalloc(bytes_of(s));
	if (!u) {
		sysv_uncharge(bytes_of(s));
		return -ENOMEM;
	}
	u->set = s;
	u->process = p;
	LIST_INSERT_HEAD(bucket_of(p), u, of_process);
	LIST_INSERT_HEAD(&s->undos, u, of_set);
	*out = u;
	return 0;
}

static void drop(struct undo *u)
{
	LIST_REMOVE(u, of_process);
	LIST_REMOVE(u, of_set);
	sysv_uncharge(bytes_of(u->set));
	kfree(u);
}

void undo_forget(struct sem_set *s)
{
	struct undo *u;

	while ((u = LIST_FIRST(&s->undos)))
		drop(u);
}

/* Values stay in their range whatever others have done meanwhile. */
static void apply(const struct undo *u)
{
	for (u32 i = 0; i < u->set->count; i++) {
		struct sem *sem = &u->set->sems[i];

		if (!u->adjust[i])
			continue;
		sem->value = MIN(MAX(sem->value + u->adjust[i], 0), SEM_VALUE_MAX);
		sem->last_by = u->process->pid;
	}
	u->set->used_sec = sysv_now_sec();
	sem_set_changed(u->set);
}

void sem_exit(struct process *p)
{
	struct sysv_table *t;
	struct undo *u, *next;

	/* The records of p are made by itself: nobody adds one now. */
	if (LIST_EMPTY(bucket_of(p)))
		return;
	t = sysv_enter(SYSV_SEM);
	for (u = LIST_FIRST(bucket_of(p)); u; u = next) {
		next = LIST_NEXT(u, of_process);
		if (u->process == p) {
			apply(u);
			drop(u);
		}
	}
	sysv_leave(t);
}
