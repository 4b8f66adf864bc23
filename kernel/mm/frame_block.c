/* SPDX-License-Identifier: MIT */
/*
 * References to blocks of 2 MiB, which may have been split into single frames behind the holder's back.
 *
 *     whole    head.order = 9, head.refs = n         n huge entries
 *     split    every order = 0, every refs = n       huge entries and entries of single pages, n for each page
 *
 * One lock orders splitting against taking and dropping references. It is held for a few instructions, or for 512 steps
 * when a block is split or a reference to a split one moves.
 */
#include <arch/mmu.h>
#include <moat/panic.h>
#include "frame_internal.h"

static struct spinlock split_lock = SPINLOCK_INIT(RANK_BLOCKS);

static bool is_whole(const struct page *head)
{
	return head->order == HUGE_ORDER;
}

void frame_block_get(struct page *head)
{
	u64 irq = spin_lock_irqsave(&split_lock);

	for (u64 i = 0; i < (is_whole(head) ? 1 : HUGE_PAGES); i++)
		frame_get(head + i);
	spin_unlock_irqrestore(&split_lock, irq);
}

void frame_block_put(struct page *head)
{
	u64 irq = spin_lock_irqsave(&split_lock);
	u64 n = is_whole(head) ? 1 : HUGE_PAGES;

	for (u64 i = 0; i < n; i++)
		frame_put(head + i);
	spin_unlock_irqrestore(&split_lock, irq);
}

void frame_block_split(struct page *head)
{
	u64 irq = spin_lock_irqsave(&split_lock);

	if (is_whole(head)) {
		for (u64 i = 1; i < HUGE_PAGES; i++) {
			DEBUG_ASSERT(head[i].refs == 0);
			head[i].refs = head->refs;
			head[i].owner = head->owner;
			head[i].order = 0;
		}
		head->order = 0;
	}
	spin_unlock_irqrestore(&split_lock, irq);
}

bool frame_block_is_single_owner(const struct page *head)
{
	return is_whole(head) && frame_refs(head) == 1;
}
