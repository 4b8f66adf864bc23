/* SPDX-License-Identifier: MIT */
/*
 * System V semaphores (semget(2), semop(2)): sets of counters that operations change together or not at all.
 *
 * Who cannot go on waits for any change of the set and tries again; meanwhile he counts as waiting at the first
 * semaphore that stopped him (GETNCNT, GETZCNT). Adjustments that SEM_UNDO asks for are kept by process in undo.c.
 */
#include <linux/sem.h>
#include <arch/timer.h>
#include <moat/heap.h>
#include <moat/string.h>
#include "sem.h"

static u32 total; /* [table] semaphores in all sets */

static void sem_destroy(struct sysv *o)
{
	struct sem_set *s = sem_set_of(o);

	sysv_uncharge(sizeof(*s) + s->count * sizeof(s->sems[0]));
	kfree(s);
}

/* IPC_RMID: who waits is woken and finds it gone. */
static bool sem_gone(struct sysv *o)
{
	struct sysv_table *t = &sysv_tables[SYSV_SEM];
	struct sem_set *s = sem_set_of(o);

	total -= s->count;
	sysv_take_out(t, o);
	undo_forget(s);
	waitq_wake_all(&s->changed);
	return true;
}

void sem_init(void)
{
	sysv_tables[SYSV_SEM].gone = sem_gone;
	sysv_tables[SYSV_SEM].destroy = sem_destroy;
}

u32 sem_total(void)
{
	return __atomic_load_n(&total, __ATOMIC_RELAXED);
}

/* A new set; lock held. */
static int create(struct sysv_table *t, s32 key, int count, int flags)
{
	size_t bytes = sizeof(struct sem_set) + (size_t)count * sizeof(struct sem);
	struct sem_set *s;
	int id;

	if (!count)
		return -EINVAL;
	if (total + (u32)count > SEM_ALL_MAX)
		return -ENOSPC;
	if (!sysv_charge(bytes))
		return -ENOMEM;
	s = kzalloc(bytes);
	if (!s) {
		sysv_uncharge(bytes);
		return -ENOMEM;
	}
	ref_init(&s->sysv.refs, 1);
	s->count = (u32)count;
	waitq_init(&s->changed);
	LIST_INIT(&s->undos);
	id = sysv_add(t, &s->sysv, key, flags);
	if (id < 0)
		sysv_put(t, &s->sysv);
	else
		total += (u32)count;
	return id;
}

int sem_get(s32 key, int count, int flags)
{
	struct sysv_table *t;
	struct sysv *o;
	int err;

	if (count < 0 || count > SEM_IN_SET_MAX)
		return -EINVAL;
	t = sysv_enter(SYSV_SEM);
	err = sysv_get(t, key, flags, &o);
	if (err > 0) {
		err = create(t, key, count, flags);
	} else if (!err) {
		err = (u32)count > sem_set_of(o)->count ? -EINVAL : sysv_check_rights(o, (u32)flags);
		err = err ? err : o->id;
	}
	sysv_leave(t);
	return err;
}

/* One call of semop. */
struct operation {
	struct sem_set *set;
	const struct sembuf *ops;
	u32 count;
	struct undo *undo; /* of the current process; NULL: no operation wants it */
	struct sem *at;	   /* the semaphore that stopped it */
	bool for_zero;	   /* and what it waits for there */
};

/* Takes the first n operations back. */
static void take_back(struct operation *o, u32 n)
{
	while (n-- > 0) {
		const struct sembuf *op = &o->ops[n];

		o->set->sems[op->sem_num].value -= op->sem_op;
		if (op->sem_flg & SEM_UNDO)
			o->undo->adjust[op->sem_num] += op->sem_op;
	}
}

/* One operation: 0; 1, it has to wait; -ERANGE. */
static int step(struct operation *o, const struct sembuf *op)
{
	struct sem *sem = &o->set->sems[op->sem_num];
	int value = sem->value + op->sem_op, adjust;

	o->at = sem;
	o->for_zero = op->sem_op == 0;
	if (value < 0 || (op->sem_op == 0 && sem->value))
		return op->sem_flg & IPC_NOWAIT ? -EAGAIN : 1;
	if (value > SEM_VALUE_MAX)
		return -ERANGE;
	if (op->sem_flg & SEM_UNDO) {
		adjust = o->undo->adjust[op->sem_num] - op->sem_op;
		if (adjust < -SEM_VALUE_MAX - 1 || adjust > SEM_VALUE_MAX)
			return -ERANGE;
		o->undo->adjust[op->sem_num] = adjust;
	}
	sem->value = value;
	return 0;
}

/* All operations or none. Lock held. */
static int try(struct operation *o)
{
	int err = 0;
	u32 i;

	for (i = 0; i < o->count && !err; i++)
		err = step(o, &o->ops[i]);
	if (err) {
		take_back(o, i - 1);
		return err;
	}
	for (i = 0; i < o->count; i++)
		o->set->sems[o->ops[i].sem_num].last_by = current_process()->pid;
	o->set->used_sec = sysv_now_sec();
	return 0;
}

/* Waits with the lock given up until the set has changed: 0, -EINTR, -EAGAIN, -EIDRM. */
static int await_change(struct sysv_table *t, struct operation *o, u64 deadline_ns)
{
	struct sem_set *s = o->set;
	struct sem *at = o->at;
	u32 *waiting = o->for_zero ? &at->zero_waiters : &at->value_waiters, seen = s->changes;
	int err;

	++*waiting;
	ref_get(&s->sysv.refs);
	sysv_leave(t);
	err = IPC_WAIT(&s->changed,
		       __atomic_load_n(&s->changes, __ATOMIC_ACQUIRE) != seen || sysv_is_removed(&s->sysv),
		       deadline_ns);
	(void)sysv_enter(SYSV_SEM);
	--*waiting;
	if (s->sysv.removed)
		err = -EIDRM;
	return err;
}

static int check_numbers(const struct sem_set *s, const struct sembuf *ops, u32 count)
{
	for (u32 i = 0; i < count; i++) {
		if (ops[i].sem_num >= s->count)
			return -EFBIG;
	}
	return 0;
}

void sem_set_changed(struct sem_set *s)
{
	__atomic_store_n(&s->changes, s->changes + 1, __ATOMIC_RELEASE);
	waitq_wake_all(&s->changed);
}

/* What the operations want of the set, and whether they are to be undone. */
static void look_at(const struct sembuf *ops, u32 count, u32 *rights, bool *undo)
{
	*rights = 0444;
	*undo = false;
	for (u32 i = 0; i < count; i++) {
		if (ops[i].sem_op)
			*rights = 0222;
		*undo |= (ops[i].sem_flg & SEM_UNDO) != 0;
	}
}

/* Tries until it works or cannot. The set is kept by a reference across waits. Lock held. */
static int operate(struct sysv_table *t, struct operation *o, u64 deadline_ns)
{
	int err;

	while ((err = try(o)) > 0) {
		err = await_change(t, o, deadline_ns);
		if (err) {
			sysv_leave(t);
			sysv_put(t, &o->set->sysv);
			(void)sysv_enter(SYSV_SEM);
			return err;
		}
		/* The table has its own reference still. */
		(void)!ref_put(&o->set->sysv.refs);
	}
	if (!err)
		sem_set_changed(o->set);
	return err;
}

int sem_operate(int id, const struct sembuf *ops, u32 count, u64 deadline_ns)
{
	struct operation o = {.ops = ops, .count = count};
	struct sysv_table *t;
	struct sysv *found;
	bool undo;
	u32 rights;
	int err;

	look_at(ops, count, &rights, &undo);
	t = sysv_enter(SYSV_SEM);
	err = sysv_find(t, id, 0, &found);
	if (!err) {
		o.set = sem_set_of(found);
		err = check_numbers(o.set, ops, count);
	}
	if (!err)
		err = sysv_check_rights(found, rights);
	if (!err && undo)
		err = undo_get(o.set, &o.undo);
	if (!err)
		err = operate(t, &o, deadline_ns);
	sysv_leave(t);
	return err;
}

int sem_stat(int id, enum sysv_look look, struct semid64_ds *out)
{
	struct sysv_table *t = sysv_enter(SYSV_SEM);
	struct sysv *o;
	int result = sysv_find_for(t, id, look, &o);

	if (!result) {
		memset(out, 0, sizeof(*out));
		sysv_put_perm(o, &out->sem_perm);
		out->sem_otime = sem_set_of(o)->used_sec;
		out->sem_ctime = o->changed_sec;
		out->sem_nsems = sem_set_of(o)->count;
		result = look == LOOK_BY_ID ? 0 : o->id;
	}
	sysv_leave(t);
	return result;
}

int sem_read(int id, int index, int what)
{
	struct sysv_table *t = sysv_enter(SYSV_SEM);
	struct sysv *o;
	int result = sysv_find(t, id, 0444, &o);

	if (!result && (index < 0 || (u32)index >= sem_set_of(o)->count))
		result = -EINVAL;
	if (!result) {
		const struct sem *sem = &sem_set_of(o)->sems[index];

		result = what == GETVAL	   ? sem->value
			 : what == GETPID  ? sem->last_by
			 : what == GETNCNT ? (int)sem->value_waiters
					   : (int)sem->zero_waiters;
	}
	sysv_leave(t);
	return result;
}

/* A value that is set takes the adjustments of all processes with it. */
static void set_value(struct sem_set *s, u32 index, int value)
{
	struct undo *u;

	LIST_FOREACH (u, &s->undos, of_set)
		u->adjust[index] = 0;
	s->sems[index].value = value;
	s->sems[index].last_by = current_process()->pid;
}

int sem_write(int id, int index, int value)
{
	struct sysv_table *t;
	struct sysv *o;
	int err;

	if (value < 0 || value > SEM_VALUE_MAX)
		return -ERANGE;
	t = sysv_enter(SYSV_SEM);
	err = sysv_find(t, id, 0, &o);
	if (!err && (index < 0 || (u32)index >= sem_set_of(o)->count))
		err = -EINVAL;
	if (!err)
		err = sysv_check_rights(o, 0222);
	if (!err) {
		set_value(sem_set_of(o), (u32)index, value);
		o->changed_sec = sysv_now_sec();
		sem_set_changed(sem_set_of(o));
	}
	sysv_leave(t);
	return err;
}

int sem_size(int id, bool for_write)
{
	struct sysv_table *t = sysv_enter(SYSV_SEM);
	struct sysv *o;
	int result = sysv_find(t, id, for_write ? 0222 : 0444, &o);

	if (!result)
		result = (int)sem_set_of(o)->count;
	sysv_leave(t);
	return result;
}

int sem_read_all(int id, u16 *values, u32 count)
{
	struct sysv_table *t = sysv_enter(SYSV_SEM);
	struct sysv *o;
	int err = sysv_find(t, id, 0444, &o);

	for (u32 i = 0; !err && i < MIN(count, sem_set_of(o)->count); i++)
		values[i] = (u16)sem_set_of(o)->sems[i].value;
	sysv_leave(t);
	return err;
}

int sem_write_all(int id, const u16 *values, u32 count)
{
	struct sysv_table *t;
	struct sysv *o;
	int err;

	for (u32 i = 0; i < count; i++) {
		if (values[i] > SEM_VALUE_MAX)
			return -ERANGE;
	}
	t = sysv_enter(SYSV_SEM);
	err = sysv_find(t, id, 0222, &o);
	for (u32 i = 0; !err && i < MIN(count, sem_set_of(o)->count); i++)
		set_value(sem_set_of(o), i, values[i]);
	if (!err) {
		o->changed_sec = sysv_now_sec();
		sem_set_changed(sem_set_of(o));
	}
	sysv_leave(t);
	return err;
}
