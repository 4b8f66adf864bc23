/* SPDX-License-Identifier: MIT */
/* Memory in numbers. The one place that turns the ledger of frames into what programs are told. */
#include <moat/commit.h>
#include <moat/kasan.h>
#include <moat/usage.h>
#include "frame_internal.h"
#include "object_internal.h"

void memory_figures_read(struct memory_figures *out)
{
	struct frame_stats s;

	kasan_heap_settle();
	frame_stats_read(&s);
	*out = (struct memory_figures){
		.total = s.total,
		.free = s.owned[FRAME_FREE],
		.kernel = s.owned[FRAME_KERNEL],
		.tables = s.owned[FRAME_TABLE],
		.cache = s.owned[FRAME_CACHE],
		.shmem = s.owned[FRAME_SHMEM],
		.anon = s.owned[FRAME_ANON],
		/* With what would be given up before a program is refused anything. */
		.available = s.owned[FRAME_FREE] + object_cache_clean_pages(),
		.committed = commit_total_pages(),
		.commit_limit = commit_limit_pages(),
	};
}

void frame_blocks_read(unsigned node, u64 blocks[FRAME_ORDERS])
{
	struct frame_zone *zone = &frame_zones[node];

	for (unsigned order = 0; order < FRAME_ORDERS; order++) {
		const struct page *p;
		u64 irq = spin_lock_irqsave(&zone->lock);

		blocks[order] = order == FRAME_ORDERS - 1 ? zone->fresh_frames / CARVE_FRAMES : 0;
		LIST_FOREACH (p, &zone->free[order], link)
			blocks[order]++;
		spin_unlock_irqrestore(&zone->lock, irq);
	}
}
