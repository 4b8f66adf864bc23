/* SPDX-License-Identifier: MIT */
/*
 * A lock is a byte that is free or taken; who finds it taken looks until it is free and then tries again.
 *
 * Nobody has a turn, and that is meant. These CPUs are threads of a host that takes them away for milliseconds at any moment.
 * With tickets or a queue, the lock then goes to a CPU that does not run, and all behind it wait until the host lets it go
 * on: 50 threads that hand on one mutex get a tenth as much done on two CPUs of a busy host. Whoever runs takes the lock
 * here. No CPU is kept from it for long, as none holds a lock again right after letting go of it, for longer than it takes
 * another one to see that it is free.
 *
 * The debug kernel keeps, for each CPU, the stack of ranks it holds: taking a lock whose rank is not above the
 * highest one held, or one that this CPU has already, is a bug and ends in a panic. docs/locking.md has the list.
 */
#include <arch/cpu.h>
#include <moat/panic.h>
#include <moat/spinlock.h>

#if CONFIG_DEBUG
#define HELD_MAX 16

static struct {
	const struct spinlock *locks[HELD_MAX];
	unsigned count;
} held[CPU_MAX];

/* May l be taken by one who holds that lock? Futex queues nest by address, epoll files as epoll_graph.c says. */
static bool in_order(const struct spinlock *other, const struct spinlock *l)
{
	if (l->rank == RANK_NONE || other->rank < l->rank)
		return true;
	return other->rank == l->rank && (l->rank == RANK_EPOLL || (l->rank == RANK_FUTEX && other < l));
}

/* Interrupts may come between two statements here: handlers take and release in pairs, so the stack stays right. */
static void note_acquire(struct spinlock *l)
{
	bool interruptible = cpu_irq_enabled();
	u64 irq = cpu_irq_save();
	u32 cpu = cpu_id();
	unsigned n = held[cpu].count;

	if (interruptible && l->rank >= RANK_VIRTIO)
		panic("lock rank %u taken with interrupts on", l->rank);
	for (unsigned i = 0; i < n; i++) {
		ASSERT(held[cpu].locks[i] != l);
		if (!in_order(held[cpu].locks[i], l))
			panic("lock rank %u taken while rank %u is held", l->rank, held[cpu].locks[i]->rank);
	}
	ASSERT(n < HELD_MAX);
	held[cpu].locks[n] = l;
	held[cpu].count = n + 1;
	l->cpu = (s16)(cpu + 1);
	cpu_irq_restore(irq);
}

static void note_release(struct spinlock *l)
{
	u64 irq = cpu_irq_save();
	u32 cpu = cpu_id();
	unsigned n = held[cpu].count, i = n;

	ASSERT(l->cpu == (s16)(cpu + 1));
	while (i > 0 && held[cpu].locks[i - 1] != l)
		i--;
	ASSERT(i > 0);
	for (; i < n; i++)
		held[cpu].locks[i - 1] = held[cpu].locks[i];
	held[cpu].count = n - 1;
	l->cpu = 0;
	cpu_irq_restore(irq);
}

void spin_assert_none_held(void)
{
	u64 irq = cpu_irq_save();

	ASSERT(held[cpu_id()].count == 0);
	cpu_irq_restore(irq);
}
#else
static inline void note_acquire(struct spinlock *l)
{
	(void)l;
}
#endif

void spin_init(struct spinlock *l, enum lock_rank rank)
{
	*l = (struct spinlock){.rank = (u8)rank};
}

/* The holder may wait for this CPU to flush its TLB, and interrupts may be off. */
void spin_wait(struct spinlock *l)
{
	do {
		while (__atomic_load_n(&l->locked, __ATOMIC_RELAXED)) {
			cpu_relax();
			cpu_serve_requests();
		}
	} while (__atomic_exchange_n(&l->locked, 1, __ATOMIC_ACQUIRE));
}

bool spin_trylock(struct spinlock *l)
{
	if (__atomic_exchange_n(&l->locked, 1, __ATOMIC_ACQUIRE))
		return false;
	note_acquire(l);
	return true;
}

#if CONFIG_DEBUG
void spin_lock(struct spinlock *l)
{
	if (__atomic_exchange_n(&l->locked, 1, __ATOMIC_ACQUIRE))
		spin_wait(l);
	note_acquire(l);
}

void spin_unlock(struct spinlock *l)
{
	note_release(l);
	__atomic_store_n(&l->locked, 0, __ATOMIC_RELEASE);
}

u64 spin_lock_irqsave(struct spinlock *l)
{
	u64 irq = cpu_irq_save();

	spin_lock(l);
	return irq;
}

void spin_unlock_irqrestore(struct spinlock *l, u64 irq_state)
{
	spin_unlock(l);
	cpu_irq_restore(irq_state);
}
#endif

bool spin_is_held(const struct spinlock *l)
{
#if CONFIG_DEBUG
	return l->cpu == (s16)(cpu_id() + 1);
#else
	(void)l;
	return true;
#endif
}
