/* SPDX-License-Identifier: MIT */
/* room: ipc */
/*
 * What the three kinds of System V objects share: IDs, keys, owners, rights.
 *
 * Each kind has a table with one mutex. It protects the table and all objects in it, and is never held around a copy
 * from or to a program, nor across a wait. An object lives while the table or somebody who waits holds a reference.
 */
#ifndef IPC_SYSV_H
#define IPC_SYSV_H

#include <asm/errno.h>
#include <moat/mutex.h>
#include <moat/procfs.h>
#include <moat/refcount.h>
#include <moat/sysv.h>
#include <moat/task.h>

struct sysv {
	struct refcount refs;
	int id;				/* [I] */
	s32 key;			/* [table] */
	u32 uid, gid, cuid, cgid, mode; /* [table] */
	bool removed;			/* [table for change, a for read] */
	s64 changed_sec;		/* [table] */
};

struct sysv_table {
	struct mutex lock;   /* RANK_INODE */
	struct sysv **slots; /* [lock] */
	u32 capacity, count; /* [lock] */
	u32 next, round;     /* [lock] where the next one goes, and how often that wrapped */
	u32 max;	     /* [I] */
	/* [I] IPC_RMID, lock held: takes o out of the table, at once or later. Whether the table's reference is to be put. */
	bool (*gone)(struct sysv *o);
	void (*destroy)(struct sysv *o); /* [I] no lock held: the last reference went */
};

extern struct sysv_table sysv_tables[SYSV_KINDS];

struct sysv_table *sysv_enter(enum sysv_kind kind);
void sysv_leave(struct sysv_table *t);
/* An object with that ID and, for a caller who wants `rights` (bits as in a mode, 0444 or 0222), allowed. Lock held. */
int __must_check sysv_find(struct sysv_table *t, int id, u32 rights, struct sysv **out);
int __must_check sysv_find_for(struct sysv_table *t, int id, enum sysv_look look, struct sysv **out);
/* The same for its owner or root: -EPERM. */
int __must_check sysv_find_owned(struct sysv_table *t, int id, struct sysv **out);
/* An object with that key, or NULL. Lock held. */
struct sysv *sysv_find_key(struct sysv_table *t, s32 key);
/*
 * *get(2): 0 and *out the existing object, allowed; 1: make one; or -ENOENT, -EEXIST, -EACCES. Lock held. Then sysv_add
 * takes over the reference to a new one: its ID, -ENOSPC or -ENOMEM.
 */
int __must_check sysv_get(struct sysv_table *t, s32 key, int flags, struct sysv **out);
int __must_check sysv_add(struct sysv_table *t, struct sysv *o, s32 key, int flags);
int __must_check sysv_check_rights(const struct sysv *o, u32 rights);
/* Out of the table; the reference is the caller's. Lock held. */
void sysv_take_out(struct sysv_table *t, struct sysv *o);
void sysv_put(struct sysv_table *t, struct sysv *o);
void sysv_put_perm(const struct sysv *o, struct ipc64_perm *out);
int __must_check sysv_set_perm(struct sysv *o, const struct ipc64_perm *perm);
/* The first object whose index is >= *index, which becomes its index; NULL: none. Lock held. */
struct sysv *sysv_next(struct sysv_table *t, u32 *index);
static inline bool sysv_is_removed(const struct sysv *o)
{
	return __atomic_load_n(&o->removed, __ATOMIC_ACQUIRE);
}
s64 sysv_now_sec(void);
/* Memory for messages and the like: counted, and limited for all of them together. */
bool sysv_charge(u64 bytes);
void sysv_uncharge(u64 bytes);

/* Bytes of a segment that are in memory; 0: there is no such segment. */
u64 shm_resident_bytes(int id);
extern const struct proc_entry sysv_proc_table[];

void shm_init(void);
void sem_init(void);
void msg_init(void);
void mq_init(void);
void mq_end(void);
void sysv_init(void);
void sysv_end(void);

#endif
