/* SPDX-License-Identifier: MIT */
/*
 * Which blocks and inodes are free: bitmaps of the groups, and the counts that go with them. The super's lock is held in
 * all of it.
 *
 *     group    | (super, groups) | block bitmap | inode bitmap | inode table | data ................ |
 *
 * Where a group's parts lie is what the disk says, checked at mount; a bitmap that calls one of them, or what it has given
 * out before, free is found out when that block is taken.
 *
 * Free blocks are searched from the last one on, round and round, so that what was given back is not used again soon. If it
 * is all the same, the disk is told first (`freed`): else, after a crash, a file that the disk still knows under its name
 * would show bytes of another.
 */
#include <asm/errno.h>
#include <moat/panic.h>
#include "ext2.h"

static bool test_bit(const u8 *map, u32 bit)
{
	return map[bit / 8] >> bit % 8 & 1;
}

/* The first clear bit in [from, end), or end. */
static u32 find_clear(const u8 *map, u32 from, u32 end)
{
	while (from < end) {
		if (from % 8 == 0 && map[from / 8] == 0xff)
			from += 8;
		else if (test_bit(map, from))
			from++;
		else
			return from;
	}
	return end;
}

int ext2_group(struct ext2_super *s, u32 group, struct ext2_disk_group **out)
{
	u32 per_block = s->block_bytes / (u32)sizeof(struct ext2_disk_group);
	void *table;
	int err = ext2_block(s, s->group_table + group / per_block, &table);

	if (!err)
		*out = (struct ext2_disk_group *)table + group % per_block;
	return err;
}

static void dirty_group(struct ext2_super *s, u32 group)
{
	ext2_dirty(s, s->group_table + group / (s->block_bytes / (u32)sizeof(struct ext2_disk_group)));
}

static u32 group_blocks(const struct ext2_super *s, u32 group)
{
	return MIN(s->blocks_per_group, s->blocks_count - s->first_data_block - group * s->blocks_per_group);
}

bool ext2_is_data_block(const struct ext2_super *s, u32 block)
{
	return block > s->first_data_block && block < s->blocks_count;
}

/* Does the group itself lie there? */
static bool is_system(const struct ext2_super *s, const struct ext2_disk_group *g, u32 block)
{
	u32 table = (s->inodes_per_group * s->inode_bytes + s->block_bytes - 1) >> s->block_shift;

	return block == g->block_bitmap || block == g->inode_bitmap ||
	       (block >= g->inode_table && block - g->inode_table < table);
}

bool ext2_is_system(struct ext2_super *s, u32 block)
{
	struct ext2_disk_group *g;

	return !ext2_is_data_block(s, block) || block - s->group_table < s->group_blocks ||
	       ext2_group(s, (block - s->first_data_block) / s->blocks_per_group, &g) ||
	       is_system(s, g, block);
}

static int take_block(struct ext2_super *s, u32 group, struct ext2_disk_group *g, u8 *map, u32 bit)
{
	u32 block = s->first_data_block + group * s->blocks_per_group + bit;

	if (!ext2_is_data_block(s, block) || is_system(s, g, block) || g->free_blocks == 0 ||
	    s->disk_super->free_blocks == 0)
		return ext2_corrupt(s, "a block that cannot be free is", block);
	if (range_contains(s->freed, block)) {
		int err = ext2_write_meta(s);

		if (err)
			return err;
	}
	map[bit / 8] |= (u8)(1u << bit % 8);
	ext2_dirty(s, g->block_bitmap);
	g->free_blocks--;
	dirty_group(s, group);
	s->disk_super->free_blocks--;
	s->next_block = block + 1;
	return 0;
}

/* Looks for a free block in [from, end) of a group: 0, -ENOSPC, or an error. */
static int search_group(struct ext2_super *s, u32 group, u32 from, u32 *out)
{
	u32 end = group_blocks(s, group), bit;
	struct ext2_disk_group *g;
	void *map;
	int err = ext2_group(s, group, &g);

	if (err || g->free_blocks == 0)
		return err ? err : -ENOSPC;
	err = ext2_block(s, g->block_bitmap, &map);
	if (err)
		return err;
	bit = find_clear(map, from, end);
	if (bit == end)
		return -ENOSPC;
	*out = s->first_data_block + group * s->blocks_per_group + bit;
	return take_block(s, group, g, map, bit);
}

int ext2_alloc_block(struct ext2_super *s, u32 near, u32 *out)
{
	u32 start, group, from;
	int err;

	if (!ext2_is_data_block(s, near))
		near = s->next_block;
	start = ext2_is_data_block(s, near) ? near - s->first_data_block : 0;
	group = start / s->blocks_per_group;
	from = start % s->blocks_per_group;
	/* The first group twice: what lies before the start comes last. */
	for (u32 i = 0; i <= s->groups; i++, from = 0) {
		err = search_group(s, (group + i) % s->groups, from, out);
		if (err != -ENOSPC)
			return err;
	}
	return -ENOSPC;
}

int ext2_free_block(struct ext2_super *s, u32 block)
{
	u32 group = (block - s->first_data_block) / s->blocks_per_group;
	u32 bit = (block - s->first_data_block) % s->blocks_per_group;
	struct ext2_disk_group *g;
	void *map;
	int err;

	if (!ext2_is_data_block(s, block))
		return ext2_corrupt(s, "a block that is none is given back", block);
	err = ext2_group(s, group, &g);
	if (!err)
		err = ext2_block(s, g->block_bitmap, &map);
	if (err)
		return err;
	if (is_system(s, g, block) || !test_bit(map, bit))
		return ext2_corrupt(s, "a block is given back twice", block);
	((u8 *)map)[bit / 8] &= (u8) ~(1u << bit % 8);
	ext2_dirty(s, g->block_bitmap);
	g->free_blocks++;
	dirty_group(s, group);
	s->disk_super->free_blocks++;
	ext2_forget(s, block);
	if (range_empty(s->freed))
		s->freed = (struct range){block, block + 1};
	s->freed = (struct range){MIN(s->freed.start, block), MAX(s->freed.end, (u64)block + 1)};
	return 0;
}

static int inode_map(struct ext2_super *s, u32 group, struct ext2_disk_group **g, u8 **map)
{
	void *block = NULL;
	int err = ext2_group(s, group, g);

	if (!err)
		err = ext2_block(s, (*g)->inode_bitmap, &block);
	*map = block;
	return err;
}

/* The first bit of a group's map whose inode is not reserved; a small group may have none. */
static u32 first_free_bit(const struct ext2_super *s, u32 group)
{
	u64 first = (u64)group * s->inodes_per_group;

	return (u32)MIN(MAX(first, (u64)s->first_inode - 1) - first, (u64)s->inodes_per_group);
}

int ext2_alloc_inode(struct ext2_super *s, u32 dir_ino, bool is_dir, u32 *out)
{
	u32 home = (dir_ino - 1) / s->inodes_per_group;

	for (u32 i = 0; i < s->groups; i++) {
		u32 group = (home + i) % s->groups, bit;
		struct ext2_disk_group *g;
		u8 *map;
		int err = inode_map(s, group, &g, &map);

		if (err)
			return err;
		bit = g->free_inodes ? find_clear(map, first_free_bit(s, group), s->inodes_per_group)
				     : s->inodes_per_group;
		if (bit == s->inodes_per_group)
			continue;
		if (s->disk_super->free_inodes == 0)
			return ext2_corrupt(s, "an inode that cannot be free is", bit);
		map[bit / 8] |= (u8)(1u << bit % 8);
		ext2_dirty(s, g->inode_bitmap);
		g->free_inodes--;
		g->directories += is_dir;
		dirty_group(s, group);
		s->disk_super->free_inodes--;
		*out = group * s->inodes_per_group + bit + 1;
		return 0;
	}
	return -ENOSPC;
}

int ext2_free_inode(struct ext2_super *s, u32 ino, bool is_dir)
{
	u32 group = (ino - 1) / s->inodes_per_group, bit = (ino - 1) % s->inodes_per_group;
	struct ext2_disk_group *g;
	u8 *map;
	int err;

	if (ino < s->first_inode || ino > s->inodes_count)
		return ext2_corrupt(s, "an inode that is none is given back", ino);
	err = inode_map(s, group, &g, &map);
	if (err)
		return err;
	if (!test_bit(map, bit))
		return ext2_corrupt(s, "an inode is given back twice", ino);
	map[bit / 8] &= (u8) ~(1u << bit % 8);
	ext2_dirty(s, g->inode_bitmap);
	g->free_inodes++;
	if (is_dir && g->directories > 0)
		g->directories--;
	dirty_group(s, group);
	s->disk_super->free_inodes++;
	return 0;
}
