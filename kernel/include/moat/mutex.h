/* SPDX-License-Identifier: MIT */
/* room: sync */
/*
 * Sleeping locks: a mutex, and a readers-writer lock (writers wait for readers to drain; new readers wait
 * behind a waiting writer). Process context only; may not be taken under a spinlock.
 */
#ifndef MOAT_MUTEX_H
#define MOAT_MUTEX_H

#include <moat/waitq.h>

struct mutex {
	struct thread *holder; /* [a] NULL when free */
	u8 rank;
	struct waitq waiters;
};

void mutex_init(struct mutex *m, enum lock_rank rank);
void mutex_lock(struct mutex *m);
bool __must_check mutex_trylock(struct mutex *m);
void mutex_unlock(struct mutex *m);
bool mutex_is_held(const struct mutex *m); /* by the current thread */

struct rwlock {
	s32 state;	       /* [a] readers inside, or -1 for a writer */
	u32 writers;	       /* [a] writers waiting */
	struct thread *writer; /* [a] */
	u8 rank;
	struct waitq waiters;
};

void rwlock_init(struct rwlock *l, enum lock_rank rank);
void rwlock_read(struct rwlock *l);
void rwlock_read_done(struct rwlock *l);
void rwlock_write(struct rwlock *l);
void rwlock_write_done(struct rwlock *l);
bool rwlock_is_write_held(const struct rwlock *l); /* by the current thread */
bool rwlock_is_held(const struct rwlock *l);	   /* by anybody, either way */

#endif
