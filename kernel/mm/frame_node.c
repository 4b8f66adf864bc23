/* SPDX-License-Identifier: MIT */
/*
 * Nodes of the frame allocator: which memory and which CPU belongs to which, and how often a CPU got what it wanted.
 *
 * A unit of 2 MiB belongs to one node as a whole, that of its first byte: metadata is written and blocks are merged unit
 * by unit, so neither ever meets two nodes.
 */
#include <arch/cpu.h>
#include <moat/panic.h>
#include "frame_internal.h"

struct numa_topology numa = {.nodes = 1};
u8 numa_cpu_node[CPU_MAX];
struct frame_zone frame_zones[NODES_MAX];

void frames_set_topology(const struct numa_topology *t, const u8 cpu_node[], unsigned cpu_count)
{
	numa = *t;
	for (unsigned cpu = 0; cpu < CPU_MAX; cpu++)
		numa_cpu_node[cpu] = cpu < cpu_count ? cpu_node[cpu] : 0;
}

void zones_init(void)
{
	for (unsigned node = 0; node < NODES_MAX; node++) {
		struct frame_zone *zone = &frame_zones[node];

		*zone = (struct frame_zone){.lock = SPINLOCK_INIT(RANK_FRAMES), .node = (u8)node};
		numa_nearest(&numa, node, zone->nearest);
		for (unsigned o = 0; o < FRAME_ORDERS; o++)
			LIST_INIT(&zone->free[o]);
	}
}

unsigned node_of_unit(u64 pfn)
{
	return numa.nodes == 1 ? 0 : numa_node_of_phys(&numa, ALIGN_DOWN(pfn, CARVE_FRAMES) << PAGE_SHIFT);
}

static void count(u64 *counter, u64 n)
{
	__atomic_add_fetch(counter, n, __ATOMIC_RELAXED);
}

void node_count(unsigned intended, unsigned got, unsigned cpu_node, unsigned order)
{
	struct node_stats *s = &frame_zones[got].stats;
	u64 n = 1ull << order;

	if (got == intended) {
		count(&s->hit, n);
	} else {
		count(&s->miss, n);
		count(&frame_zones[intended].stats.foreign, n);
	}
	count(got == cpu_node ? &s->local : &s->other, n);
}

void node_count_interleave(unsigned node)
{
	count(&frame_zones[node].stats.interleave_hit, 1);
}

void node_stats_read(unsigned node, struct node_stats *out)
{
	u64 batched = __atomic_load_n(&frame_zones[node].batched, __ATOMIC_RELAXED);

	*out = frame_zones[node].stats;
	out->hit += batched;
	out->local += batched;
}

/* Adds the frames of a carved run, which begins and ends with a block: what is no block is a single frame. */
static void add_run(struct range pfns, struct frame_stats *out)
{
	for (u64 pfn = pfns.start; pfn < pfns.end;) {
		const struct page *p = &frame_pages[pfn];
		unsigned owner = p->owner, order = p->order;
		bool head = (p->flags & PAGE_IS_FREE_BLOCK) || frame_refs(p) != 0;
		u64 n = head && order < FRAME_ORDERS ? MIN(1ull << order, pfns.end - pfn) : 1;

		/* What boot keeps lies in no span. Without a reference it is free, or on a CPU's list. */
		out->owned[frame_refs(p) == 0 || owner >= FRAME_OWNERS ? FRAME_FREE : owner] += n;
		pfn += n;
	}
}

void node_frames_read(unsigned node, struct frame_stats *out)
{
	struct frame_zone *zone = &frame_zones[node];
	u64 boot = node == 0 ? frame_boot_frames : 0, seen = 0;

	*out = (struct frame_stats){.total = zone->total_frames + boot, .fresh = zone->fresh_frames};
	out->owned[FRAME_KERNEL] = boot;
	for (unsigned i = 0; i < zone->span_count; i++) {
		const struct frame_span *s = &zone->spans[i];

		add_run((struct range){s->all.start, MIN(s->fresh.start, s->all.end)}, out);
		add_run((struct range){MAX(s->fresh.end, s->all.start), s->all.end}, out);
	}
	for (unsigned o = FRAME_FREE + 1; o < FRAME_OWNERS; o++)
		seen += out->owned[o];
	out->owned[FRAME_FREE] = out->total - MIN(seen, out->total);
}
