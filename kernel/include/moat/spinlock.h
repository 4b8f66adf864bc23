/* SPDX-License-Identifier: MIT */
/* room: sync */
/*
 * Spinlocks: whoever finds one free has it (sync/spinlock.c says why). Interrupts stay as they are with spin_lock; a lock that an
 * interrupt handler takes too is always taken with spin_lock_irqsave. Preemption needs no switch: kernel
 * code is not preempted, it yields. The debug kernel checks ranks and ownership.
 */
#ifndef MOAT_SPINLOCK_H
#define MOAT_SPINLOCK_H

#include <arch/cpu.h>
#include <moat/lockrank.h>
#include <moat/types.h>

struct spinlock {
	u8 locked; /* [a] */
	u8 rank;   /* [I] */
	s16 cpu;   /* CPU that holds it + 1, 0 = free; debug kernel only */
};

#define SPINLOCK_INIT(r)    \
	{                   \
		.rank = (r) \
	}

void spin_init(struct spinlock *l, enum lock_rank rank);
bool __must_check spin_trylock(struct spinlock *l);
bool spin_is_held(const struct spinlock *l); /* by this CPU; always true in the release kernel */
void spin_wait(struct spinlock *l);	     /* the slow part of spin_lock */
#if CONFIG_DEBUG
void spin_lock(struct spinlock *l);
void spin_unlock(struct spinlock *l);
u64 __must_check spin_lock_irqsave(struct spinlock *l); /* returns what spin_unlock_irqrestore needs */
void spin_unlock_irqrestore(struct spinlock *l, u64 irq_state);
void spin_assert_none_held(void); /* by this CPU; the release kernel does not know */
#else
static inline void spin_lock(struct spinlock *l)
{
	if (unlikely(__atomic_exchange_n(&l->locked, 1, __ATOMIC_ACQUIRE)))
		spin_wait(l);
}

static inline void spin_unlock(struct spinlock *l)
{
	__atomic_store_n(&l->locked, 0, __ATOMIC_RELEASE);
}

static inline void spin_assert_none_held(void)
{
}

static inline u64 __must_check spin_lock_irqsave(struct spinlock *l)
{
	u64 irq = cpu_irq_save();

	spin_lock(l);
	return irq;
}

static inline void spin_unlock_irqrestore(struct spinlock *l, u64 irq_state)
{
	spin_unlock(l);
	cpu_irq_restore(irq_state);
}
#endif

#endif
