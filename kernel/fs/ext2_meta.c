/* SPDX-License-Identifier: MIT */
/*
 * Blocks of a disk in memory: all but the contents of regular files, which are in their own objects.
 *
 * The blocks are pages of one memory object, as long as the disk. A page may hold several blocks, some of them contents of
 * files, which nobody looks at here: so it is blocks, not pages, that are dirty and are written. Nothing reaches the disk
 * before ext2_write_meta, which writes all that is dirty: first the blocks of directories (and of numbers), then those of the
 * groups. So when that is cut short, a name that was given to another file leads to that one, or still to the old one, but
 * never to an inode that is free or somebody else's by now.
 *
 * A pointer into a block is good as long as the lock is held: pages go only when it is taken, and memory is short.
 */
#include <asm/errno.h>
#include <moat/heap.h>
#include <moat/log.h>
#include <moat/panic.h>
#include <moat/string.h>
#include "ext2.h"

#define LOW_SHARE  16
#define KEEP_PAGES 256

int ext2_corrupt(struct ext2_super *s, const char *what, u64 number)
{
	if (!__atomic_exchange_n(&s->failed, true, __ATOMIC_ACQ_REL))
		log_printf("ext2: %s: %s (%llu): nothing is changed any more\n", s->disk->name, what,
			   (unsigned long long)number);
	return -EUCLEAN;
}

int ext2_may_change(const struct ext2_super *s)
{
	return s->readonly || __atomic_load_n(&s->failed, __ATOMIC_ACQUIRE) ? -EROFS : 0;
}

/* Pages that can be read again are given up when memory is short. */
static void balance(struct ext2_super *s)
{
	struct frame_stats stats;

	if (s->meta->pages.count < KEEP_PAGES)
		return;
	frame_stats_read(&stats);
	if (stats.owned[FRAME_FREE] >= stats.total / LOW_SHARE || ext2_write_meta(s))
		return;
	if (mobj_punch(s->meta, (struct range){0, ALIGN_DOWN(s->meta->size_bytes, PAGE_SIZE)}))
		return; /* another time */
}

void ext2_lock(struct ext2_super *s)
{
	mutex_lock(&s->lock);
	balance(s);
}

void ext2_unlock(struct ext2_super *s)
{
	mutex_unlock(&s->lock);
}

static int page_of(struct ext2_super *s, u32 block, struct page **page, u32 *offset)
{
	u64 at = (u64)block << s->block_shift;
	int err;

	DEBUG_ASSERT(mutex_is_held(&s->lock));
	if (block >= s->blocks_count)
		return ext2_corrupt(s, "a block behind the end of the disk", block);
	err = mobj_page(s->meta, at >> PAGE_SHIFT, MOBJ_CREATE, page);
	*offset = (u32)(at % PAGE_SIZE);
	return err;
}

int ext2_block(struct ext2_super *s, u32 block, void **out)
{
	struct page *page;
	u32 offset;
	int err = page_of(s, block, &page, &offset);

	if (err)
		return err;
	*out = (u8 *)page_address(page) + offset;
	frame_put(page); /* the object has another */
	return 0;
}

int ext2_new_block(struct ext2_super *s, u32 block, void **out)
{
	int err = ext2_block(s, block, out);

	if (err)
		return err;
	memset(*out, 0, s->block_bytes);
	ext2_dirty(s, block);
	return 0;
}

/* ---- writing ---- */

int ext2_run_send(struct ext2_run *run)
{
	struct ext2_super *s = run->s;
	int err = 0;

	if (run->count)
		err = s->disk->ops->transfer(s->disk, run->what, (u64)run->first << (s->block_shift - 9),
					     run->pieces, run->count);
	run->count = 0;
	return err;
}

int ext2_run_add(struct ext2_run *run, u32 block, struct page *page, u32 offset)
{
	struct block_piece *last = run->count ? &run->pieces[run->count - 1] : NULL;
	u32 bytes = run->s->block_bytes;
	int err = 0;

	if (last && block == run->next && last->page == page && last->offset + last->bytes == offset) {
		last->bytes += bytes;
		run->next++;
		return 0;
	}
	if (run->count == BLOCK_PIECES_MAX || (last && block != run->next))
		err = ext2_run_send(run);
	if (run->count == 0)
		run->first = block;
	run->pieces[run->count++] = (struct block_piece){page, offset, bytes};
	run->next = block + 1;
	return err;
}

/* The copy of the superblock that is kept at hand becomes the one that is written. */
static int store_super(struct ext2_super *s)
{
	u32 block = EXT2_SUPER_AT >> s->block_shift;
	void *data;
	int err = ext2_block(s, block, &data);

	data = (u8 *)data + EXT2_SUPER_AT % s->block_bytes;
	if (err || memcmp(data, s->disk_super, sizeof(*s->disk_super)) == 0)
		return err;
	memcpy(data, s->disk_super, sizeof(*s->disk_super));
	ext2_dirty(s, block);
	return 0;
}

static int add_dirty(struct ext2_run *run, u32 block)
{
	struct page *page;
	u32 offset;
	int err = page_of(run->s, block, &page, &offset);

	if (err)
		return err;
	frame_put(page); /* the object's reference does: the lock is held until all is written */
	return ext2_run_add(run, block, page, offset);
}

/* Writes the dirty blocks of groups, or all others. */
static int add_all(struct ext2_run *run, bool system)
{
	struct ext2_super *s = run->s;
	int err = 0;

	for (u64 block = 0; !err && radix_next(&s->dirty, &block); block++) {
		if (ext2_is_system(s, (u32)block) == system)
			err = add_dirty(run, (u32)block);
	}
	return err ? err : ext2_run_send(run);
}

int ext2_write_meta(struct ext2_super *s)
{
	struct ext2_run *run = s->readonly ? NULL : ext2_run_create(s, BLOCK_WRITE);
	u64 block;
	int err = s->readonly ? 0 : run ? store_super(s) : -ENOMEM;

	if (!run)
		return err;
	if (!err)
		err = add_all(run, false);
	if (!err)
		err = add_all(run, true);
	/* Only now: after an error all are written again. */
	for (block = 0; !err && radix_next(&s->dirty, &block);)
		radix_remove(&s->dirty, block);
	if (!err)
		s->freed = (struct range){0, 0};
	kfree(run);
	return err;
}

struct ext2_run *ext2_run_create(struct ext2_super *s, enum block_request what)
{
	struct ext2_run *run = kmalloc(sizeof(*run));

	if (run) {
		run->s = s;
		run->what = what;
		run->count = 0;
	}
	return run;
}

void ext2_dirty(struct ext2_super *s, u32 block)
{
	struct block_piece piece = {.bytes = s->block_bytes};

	DEBUG_ASSERT(mutex_is_held(&s->lock));
	if (radix_set(&s->dirty, block, s) == 0)
		return;
	/* No memory to remember it: now. */
	if (page_of(s, block, &piece.page, &piece.offset))
		return;
	if (s->disk->ops->transfer(s->disk, BLOCK_WRITE, (u64)block << (s->block_shift - 9), &piece, 1))
		(void)ext2_corrupt(s, "cannot be written", block);
	frame_put(piece.page);
}

void ext2_forget(struct ext2_super *s, u32 block)
{
	(void)radix_remove(&s->dirty, block);
}
