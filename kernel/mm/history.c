/* SPDX-License-Identifier: MIT */
/*
 * What was done to an address space last: a ring of the latest calls that mapped, unmapped or protected something, so that
 * a fault can be explained by what caused it. An event is a few words; nothing is ever looked up but for an explanation.
 */
#include <arch/cpu.h>
#include <arch/timer.h>
#include <moat/panic.h>
#include <moat/printf.h>
#include "aspace_internal.h"

static int (*current_tid)(void); /* [I after boot] */

void history_register_tid(int (*fn)(void))
{
	current_tid = fn;
}

void history_add(struct aspace *as, enum map_op op, struct range r)
{
	struct map_event *e = &as->history.events[as->history.count++ % HISTORY_EVENTS];

	DEBUG_ASSERT(rwlock_is_write_held(&as->lock));
	/* What is known first: no register need be saved for it. */
	e->range = r;
	e->op = op;
	e->when_cycles = cpu_cycles();
	e->tid = current_tid ? current_tid() : 0;
}

/* The latest event that touched addr, or NULL. as->lock held. */
static const struct map_event *latest(const struct aspace *as, u64 addr)
{
	u32 count = as->history.count;

	for (u32 i = 1; i <= MIN(count, HISTORY_EVENTS); i++) {
		const struct map_event *e = &as->history.events[(count - i) % HISTORY_EVENTS];

		if (range_contains(e->range, addr))
			return e;
	}
	return NULL;
}

int history_explain(const struct aspace *as, u64 addr, char *buf, size_t size)
{
	static const char *const names[] = {
		[MAP_OP_MAP] = "mmap", [MAP_OP_UNMAP] = "munmap", [MAP_OP_PROTECT] = "mprotect",
		[MAP_OP_BRK] = "brk",  [MAP_OP_REMAP] = "mremap", [MAP_OP_STACK] = "growth",
	};
	const struct map_event *e = latest(as, addr);

	DEBUG_ASSERT(rwlock_is_held(&as->lock));
	if (!e)
		return 0;
	return ksnprintf(buf, size, "; last %s of %lx-%lx by thread %d, %lu us before", names[e->op],
			 e->range.start, e->range.end, e->tid,
			 (cpu_cycles() - e->when_cycles) * 1000 / clock_cycles_khz());
}
