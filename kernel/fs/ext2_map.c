/* SPDX-License-Identifier: MIT */
/*
 * From a block of a file to a block of the disk. The first twelve numbers are in the inode; then come one, two and three
 * levels of blocks full of numbers. 0 is a hole.
 *
 *     slots   | 0 .. 11 | 12 | 13 | 14 |
 *                          |    |    `-> numbers -> numbers -> numbers -> blocks
 *                          |    `-> numbers -> numbers -> blocks
 *                          `-> numbers -> blocks
 *
 * A number is looked at each time it is followed: what is no block of the disk ends it with -EUCLEAN. Levels are counted, so
 * that no loop on the disk is one here. The super's lock is held throughout.
 */
#include <asm/errno.h>
#include <moat/panic.h>
#include "ext2.h"

#define SECTORS_PER_BLOCK(s) ((s)->block_bytes / BLOCK_SECTOR)

static u32 per_block(const struct ext2_super *s)
{
	return s->block_bytes / (u32)sizeof(u32);
}

static u64 span_of(const struct ext2_super *s, unsigned depth)
{
	u64 span = 1;

	while (depth-- > 0)
		span *= per_block(s);
	return span;
}

u64 ext2_blocks_max(const struct ext2_super *s)
{
	return MIN(EXT2_DIRECT + span_of(s, 1) + span_of(s, 2) + span_of(s, 3),
		   (u64)UINT32_MAX / SECTORS_PER_BLOCK(s));
}

/* The slot where the way starts, and how many levels of numbers lie below it; *index counts from its start afterwards. */
static int start_slot(const struct ext2_super *s, u64 *index, unsigned *slot, unsigned *depth)
{
	if (*index >= ext2_blocks_max(s))
		return -EFBIG;
	*depth = 0;
	*slot = (unsigned)*index;
	if (*index < EXT2_DIRECT)
		return 0;
	*index -= EXT2_DIRECT;
	for (*depth = 1; *index >= span_of(s, *depth); (*depth)++)
		*index -= span_of(s, *depth);
	*slot = EXT2_DIRECT + *depth - 1;
	return 0;
}

/* Fills an empty place; `in`: the block that it lies in, 0: the inode. A block of numbers is one of zeros. */
static int fill_slot(struct ext2_node *n, u32 *slot, u32 in, bool numbers)
{
	struct ext2_super *s = n->s;
	u32 block;
	void *data;
	int err;

	if (n->sectors > UINT32_MAX - SECTORS_PER_BLOCK(s))
		return -EFBIG;
	err = ext2_alloc_block(s, n->last_block ? n->last_block + 1 : 0, &block);
	if (!err && numbers) {
		err = ext2_new_block(s, block, &data);
		if (err)
			(void)ext2_free_block(s, block);
	}
	if (err)
		return err;
	*slot = n->last_block = block;
	n->sectors += SECTORS_PER_BLOCK(s);
	if (in)
		ext2_dirty(s, in);
	return 0;
}

int ext2_map(struct ext2_node *n, u64 index, bool create, u32 *out, bool *fresh)
{
	struct ext2_super *s = n->s;
	unsigned first, depth;
	u32 *slot, in = 0;
	void *numbers;
	int err = start_slot(s, &index, &first, &depth);

	DEBUG_ASSERT(mutex_is_held(&s->lock));
	*out = 0;
	*fresh = false;
	if (err)
		return err;
	for (slot = &n->slots[first];; depth--) {
		if (!*slot && !create)
			return 0;
		if (!*slot) {
			err = fill_slot(n, slot, in, depth > 0);
			*fresh = depth == 0;
			if (err)
				return err;
		}
		if (!ext2_is_data_block(s, *slot))
			return ext2_corrupt(s, "a file has a block that is none", *slot);
		if (depth == 0)
			break;
		in = *slot;
		err = ext2_block(s, in, &numbers);
		if (err)
			return err;
		slot = (u32 *)numbers + index / span_of(s, depth - 1);
		index %= span_of(s, depth - 1);
	}
	*out = *slot;
	return 0;
}

/* ---- giving back ---- */

static int free_one(struct ext2_node *n, u32 *slot)
{
	int err = ext2_free_block(n->s, *slot);

	*slot = 0;
	n->sectors -= MIN(n->sectors, SECTORS_PER_BLOCK(n->s));
	return err;
}

static int free_below(struct ext2_node *n, u32 *slot, unsigned depth, u64 base, u64 first);

/* The part of a block of numbers that is not before `first`. */
static int free_numbers(struct ext2_node *n, u32 block, unsigned depth, u64 base, u64 first)
{
	u64 span = span_of(n->s, depth - 1);
	u32 from = first > base ? (u32)((first - base) / span) : 0;
	void *numbers;
	int err;

	if (!ext2_is_data_block(n->s, block))
		return ext2_corrupt(n->s, "a file has a block that is none", block);
	err = ext2_block(n->s, block, &numbers);
	for (u32 i = from; i < per_block(n->s) && !err; i++)
		err = free_below(n, (u32 *)numbers + i, depth - 1, base + i * span, first);
	if (!err)
		ext2_dirty(n->s, block);
	waitq_give_way();
	return err;
}

/* As deep as the inode's slots are: three levels. */
static int free_below(struct ext2_node *n, u32 *slot, unsigned depth, u64 base, u64 first)
{
	int err = 0;

	if (!*slot || base + span_of(n->s, depth) <= first)
		return 0;
	if (depth > 0)
		err = free_numbers(n, *slot, depth, base, first);
	return !err && base >= first ? free_one(n, slot) : err;
}

int ext2_cut(struct ext2_node *n, u64 first)
{
	u64 base = EXT2_DIRECT;
	int err = 0;

	DEBUG_ASSERT(mutex_is_held(&n->s->lock));
	for (unsigned i = 0; i < EXT2_DIRECT && !err; i++)
		err = free_below(n, &n->slots[i], 0, i, first);
	for (unsigned depth = 1; depth <= 3 && !err; depth++) {
		err = free_below(n, &n->slots[EXT2_DIRECT + depth - 1], depth, base, first);
		base += span_of(n->s, depth);
	}
	return err;
}
