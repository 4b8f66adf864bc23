/* SPDX-License-Identifier: MIT */
/*
 * Fresh memory: RAM that was never used, and whose `struct page` entries hold whatever the machine left
 * there.
 *
 * It waits in a few spans. When the buddy lists run dry, one aligned unit of 2 MiB is carved: all 512 entries
 * of the unit are written, then the parts that lie in spans become free blocks. So a machine pays for its
 * size only as it is used.
 *
 *     unit         |.......|.......|.......|
 *     span A         [=========)              carved in three steps: an end, a middle, an end
 *     span B                    [==)          carved together with the end of A: a unit is carved once
 *
 * Invariant: a span meets a carved unit only in its carved part. That is how unit_is_carved knows.
 */
#include <moat/kasan.h>
#include <moat/panic.h>
#include "frame_internal.h"

static struct range range_cut(struct range a, struct range b)
{
	return (struct range){MAX(a.start, b.start), MIN(a.end, b.end)};
}

static struct range unit_of(u64 pfn)
{
	u64 start = ALIGN_DOWN(pfn, CARVE_FRAMES);

	return (struct range){start, start + CARVE_FRAMES};
}

static bool unit_is_carved(const struct frame_zone *zone, struct range unit)
{
	for (unsigned i = 0; i < zone->span_count; i++) {
		const struct frame_span *s = &zone->spans[i];

		if (!range_empty(range_cut(s->all, unit)) && range_empty(range_cut(s->fresh, unit)))
			return true;
	}
	return false;
}

/* Puts a run of frames on the buddy lists, as the largest aligned blocks that make it up. Zone lock held. */
static void give_run(struct frame_zone *zone, struct range pfns)
{
	u64 pfn = pfns.start;

	while (pfn < pfns.end) {
		unsigned order = 0;

		while (order < FRAME_ORDERS - 1 && IS_ALIGNED(pfn, 2ull << order) &&
		       pfn + (2ull << order) <= pfns.end)
			order++;
		kasan_frames_free(pfn, order);
		buddy_give(zone, pfn, order);
		pfn += 1ull << order;
	}
}

/* Writes the metadata of a unit: as long as nothing else is said, its frames are boot's for ever. */
static void init_pages(const struct frame_zone *zone, struct range unit)
{
	u64 end = MIN(unit.end, frame_max_pfn);

	for (u64 pfn = unit.start; pfn < end; pfn++)
		frame_pages[pfn] = (struct page){.owner = FRAME_KERNEL, .node = zone->node};
}

/* Takes the unit's part out of a span and frees it. Zone lock held. */
static void carve_from_span(struct frame_zone *zone, struct frame_span *s, struct range unit)
{
	struct range part = range_cut(s->fresh, unit);

	if (range_empty(part))
		return;
	ASSERT(part.start == s->fresh.start || part.end == s->fresh.end);
	if (part.start == s->fresh.start)
		s->fresh.start = part.end;
	else
		s->fresh.end = part.start;
	zone->fresh_frames -= range_len(part);
	give_run(zone, part);
}

static void carve_unit(struct frame_zone *zone, struct range unit)
{
	init_pages(zone, unit);
	kasan_frames_carve(unit);
	for (unsigned i = 0; i < zone->span_count; i++)
		carve_from_span(zone, &zone->spans[i], unit);
}

bool fresh_carve(struct frame_zone *zone)
{
	for (unsigned i = 0; i < zone->span_count; i++) {
		if (!range_empty(zone->spans[i].fresh)) {
			carve_unit(zone, unit_of(zone->spans[i].fresh.start));
			return true;
		}
	}
	return false;
}

/* Frees the end of a run that lies in a unit which was carved before; returns what is left of the run. */
static struct range give_if_carved(struct frame_zone *zone, struct range pfns, struct range unit)
{
	struct range part = range_cut(pfns, unit);

	if (range_empty(part) || !unit_is_carved(zone, unit))
		return pfns;
	give_run(zone, part);
	if (part.start == pfns.start)
		return (struct range){part.end, pfns.end};
	return (struct range){pfns.start, part.start};
}

/*
 * Takes in a run of unused frames. Only its first and its last unit can have been carved for a neighbour; all
 * between becomes a span. Returns the frames taken: fewer when there are more pieces of RAM than any real
 * memory map has. Zone lock held.
 */
static u64 span_add(struct frame_zone *zone, struct range pfns)
{
	u64 taken = range_len(pfns);

	pfns = give_if_carved(zone, pfns, unit_of(pfns.start));
	if (!range_empty(pfns))
		pfns = give_if_carved(zone, pfns, unit_of(pfns.end - 1));
	if (range_empty(pfns))
		return taken;
	if (zone->span_count == SPANS_MAX)
		return taken - range_len(pfns);
	zone->spans[zone->span_count++] = (struct frame_span){.all = pfns, .fresh = pfns};
	zone->fresh_frames += range_len(pfns);
	return taken;
}

/* The whole frames in a range of physical bytes. */
static struct range whole_frames(struct range phys)
{
	struct range pfns = {ALIGN_UP(phys.start, PAGE_SIZE) >> PAGE_SHIFT, phys.end >> PAGE_SHIFT};

	ASSERT(pfns.end <= frame_max_pfn);
	return pfns;
}

/* Gives each node its part of a run: how many frames were taken. Boundaries lie between units. */
static u64 zones_add(struct range pfns)
{
	u64 all_taken = 0;

	while (!range_empty(pfns)) {
		unsigned node = node_of_unit(pfns.start);
		struct frame_zone *zone = &frame_zones[node];
		struct range part = pfns;
		u64 irq, taken;

		while (part.start < pfns.end && node_of_unit(part.start) == node)
			part.start = unit_of(part.start).end;
		part = (struct range){pfns.start, MIN(part.start, pfns.end)};
		irq = spin_lock_irqsave(&zone->lock);
		taken = span_add(zone, part);
		zone->total_frames += taken;
		spin_unlock_irqrestore(&zone->lock, irq);
		all_taken += taken;
		frames_in_machine += taken;
		pfns.start = part.end;
	}
	return all_taken;
}

void frames_add_span(struct range phys)
{
	(void)zones_add(whole_frames(phys));
}

void frames_release_boot(struct range phys)
{
	struct range pfns = whole_frames(phys);
	u64 taken;

	if (range_empty(pfns))
		return;
	ASSERT(frame_boot_frames >= range_len(pfns));
	taken = zones_add(pfns);
	frame_boot_frames -= taken;
	frames_in_machine -= taken; /* counted twice now */
}
