/* SPDX-License-Identifier: MIT */
/* room: sync */
/*
 * Sleeping locks: a mutex, and a readers-writer lock (writers wait for readers to drain; new readers wait
 * behind a waiting writer). Process context only; may not be taken under a spinlock.
 */
#ifndef MOAT_MUTEX_H
#define MOAT_MUTEX_H

#include <arch/cpu.h>
#include <moat/waitq.h>

struct mutex {
	u64 holder; /* [a] 0: free; who: see mutex.c */
	u8 rank;
	struct waitq waiters;
};

void mutex_init(struct mutex *m, enum lock_rank rank);
void mutex_lock(struct mutex *m);
bool __must_check mutex_trylock(struct mutex *m);
void mutex_unlock(struct mutex *m);
bool mutex_is_held(const struct mutex *m); /* by the current thread */

struct rwlock {
	u64 writer; /* [a] who is inside, or waits for the readers to leave; 0: nobody */
	u8 rank;
	struct waitq waiters;
	struct {
		u32 readers; /* [a] who have come in on this CPU, less who have left on it */
	} __aligned(64) cpu[CPU_MAX];
};

void rwlock_init(struct rwlock *l, enum lock_rank rank);
void rwlock_read(struct rwlock *l);
void rwlock_read_done(struct rwlock *l);
void rwlock_write(struct rwlock *l);
void rwlock_write_done(struct rwlock *l);
bool rwlock_is_write_held(const struct rwlock *l); /* by the current thread */
bool rwlock_is_held(const struct rwlock *l);	   /* by anybody, either way */

#endif
