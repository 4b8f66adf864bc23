/* SPDX-License-Identifier: MIT */
/*
 * Contents of regular files on a disk: pages of a memory object, filled from the disk when they are touched, and written back
 * when somebody asks (fsync, sync), when a file has many changed pages, and when one that wrote is done with it.
 *
 * Which pages differ from the disk is known of those that write(2) changed (`dirty`). Nobody tells when a mapping is written:
 * of a file that was mapped from a description that may write, all pages in memory count. A page is given up only while
 * nothing differs (mobj->changed).
 *
 * write(2) gets its blocks first, so that a full disk is found out by who writes. A hole's page is in memory before the hole
 * gets a block: what that block held before is never read. What a mapping put into a hole gets its blocks when it is written
 * back; a hole of zeros stays one.
 *
 * Locks: the inode's is held by who writes and resizes. io_lock is held while pages are on their way, and around giving blocks
 * back, so that no page is written to a block that is somebody else's by now. Then the object's, then the super's.
 */
#include <asm/errno.h>
#include <linux/fcntl.h>
#include <moat/heap.h>
#include <moat/reclaim.h>
#include <moat/string.h>
#include "ext2.h"
#include "tmpfs.h"

#define SMALL_PAGES 64
#define RUN_PAGES   32u
#define DIRTY_MAX   256u	/* pages of a file */
#define WRITE_BYTES MIB(1)	/* of one write(2) at once */
#define DIRTY	    ((void *)1) /* what `dirty` holds */
#define MAPPED	    ((void *)1) /* file->private of a description that counts in node->mapped */

static u64 size_now(const struct mobj *obj)
{
	return __atomic_load_n(&obj->size_bytes, __ATOMIC_ACQUIRE);
}

static u64 pages_of(u64 bytes)
{
	return ALIGN_UP(bytes, PAGE_SIZE) >> PAGE_SHIFT;
}

static u64 blocks_of(const struct ext2_super *s, u64 bytes)
{
	return ALIGN_UP(bytes, (u64)s->block_bytes) >> s->block_shift;
}

/* ---- reading ---- */

static struct range file_window(struct mobj *obj, u64 index)
{
	struct ext2_node *n = obj->owner;
	u64 pages = pages_of(size_now(obj)), start = index;

	/* Behind the end there are only zeros, and nothing comes along with the wanted one. */
	if (index >= pages)
		return (struct range){index, index + 1};
	if (pages <= SMALL_PAGES)
		return (struct range){0, pages};
	if (index == n->next_index) {
		n->run_pages = MIN(MAX(n->run_pages, RUN_PAGES) * 2, (u32)MOBJ_FILL_MAX);
		mobj_read_on(obj, index);
	} else {
		n->run_pages = RUN_PAGES;
		start = ALIGN_DOWN(index, RUN_PAGES);
	}
	n->next_index = MIN(start + n->run_pages, pages);
	return (struct range){start, n->next_index};
}

/* The blocks of the disk for `count` blocks of the file; behind `end` there are none. */
static int map_blocks(struct ext2_node *n, u64 first, u32 count, u64 end, u32 *blocks)
{
	bool fresh;
	int err = 0;

	ext2_lock(n->s);
	for (u32 i = 0; i < count && !err; i++) {
		blocks[i] = 0;
		if (first + i < end)
			err = ext2_map(n, first + i, false, &blocks[i], &fresh);
	}
	ext2_unlock(n->s);
	return err;
}

static int read_blocks(struct ext2_super *s, const u32 *blocks, u32 count, struct page *const pages[])
{
	struct ext2_run *run = ext2_run_create(s, BLOCK_READ);
	int err = run ? 0 : -ENOMEM;

	for (u32 i = 0; i < count && !err; i++) {
		u64 at = (u64)i << s->block_shift;
		struct page *page = pages[at >> PAGE_SHIFT];
		u32 offset = (u32)(at % PAGE_SIZE);

		if (blocks[i])
			err = ext2_run_add(run, blocks[i], page, offset);
		else
			memset((u8 *)page_address(page) + offset, 0, s->block_bytes);
	}
	if (!err)
		err = ext2_run_send(run);
	kfree(run);
	return err;
}

/* Zeros behind the end of the file, whatever the last block holds there. */
static void clear_tail(struct page *const pages[], u64 start, u64 bytes, u64 size)
{
	u64 at = size > start ? size - start : 0, in_page = at % PAGE_SIZE;

	if (in_page && at < bytes)
		memset((u8 *)page_address(pages[at >> PAGE_SHIFT]) + in_page, 0, PAGE_SIZE - in_page);
}

static int file_fill(struct mobj *obj, u64 first, struct page *const pages[], unsigned n)
{
	struct ext2_node *node = obj->owner;
	struct ext2_super *s = node->s;
	u64 start = first << PAGE_SHIFT, bytes = (u64)n << PAGE_SHIFT;
	u32 count = (u32)(bytes >> s->block_shift);
	u32 *blocks = kcalloc(count, sizeof(u32));
	int err = -ENOMEM;

	if (!blocks)
		return err;
	err = map_blocks(node, start >> s->block_shift, count, blocks_of(s, size_now(obj)), blocks);
	if (!err)
		err = read_blocks(s, blocks, count, pages);
	if (!err)
		clear_tail(pages, start, bytes, size_now(obj));
	kfree(blocks);
	return err;
}

/* ---- writing back ---- */

/* Without memory for that, all pages count as changed. */
static void mark_dirty(struct ext2_node *n, struct range bytes)
{
	ext2_lock(n->s);
	for (u64 i = bytes.start >> PAGE_SHIFT; i < pages_of(bytes.end); i++) {
		if (radix_set(&n->dirty, i, DIRTY))
			(void)__atomic_fetch_add(&n->mapped, 1, __ATOMIC_RELEASE);
	}
	ext2_unlock(n->s);
}

static int mark_resident(struct ext2_node *n, struct mobj *obj)
{
	u64 index = 0, end = pages_of(size_now(obj));
	int err = 0;

	while (!err && mobj_next_page(obj, &index) && index < end) {
		ext2_lock(n->s);
		err = radix_set(&n->dirty, index, DIRTY);
		ext2_unlock(n->s);
		index++;
		waitq_give_way();
	}
	return err;
}

/* Takes the marks of the next pages in a row off, RADIX_SLOTS at most. False: there are none. Lock held. */
static bool take_dirty(struct ext2_node *n, u64 *index, unsigned *count)
{
	if (!radix_next(&n->dirty, index))
		return false;
	for (*count = 0; *count < RADIX_SLOTS && radix_get(&n->dirty, *index + *count); (*count)++)
		radix_remove(&n->dirty, *index + *count);
	return true;
}

static bool is_zero(const void *at, u32 bytes)
{
	const u64 *word = at;

	while (bytes > 0 && *word == 0) {
		word++;
		bytes -= (u32)sizeof(*word);
	}
	return bytes == 0;
}

/* The block for a piece of a page; 0: it stays a hole. Lock held. */
static int block_for(struct ext2_node *n, u64 index, const void *at, u32 *out)
{
	bool fresh;
	int err = ext2_map(n, index, false, out, &fresh);

	if (err || *out || is_zero(at, n->s->block_bytes))
		return err;
	return ext2_map(n, index, true, out, &fresh);
}

static int write_page(struct ext2_node *n, struct ext2_run *run, u64 index, struct page *page, u64 end)
{
	struct ext2_super *s = n->s;
	int err = 0;

	for (u32 at = 0; at < PAGE_SIZE && !err; at += s->block_bytes) {
		u64 block = ((index << PAGE_SHIFT) + at) >> s->block_shift;
		u32 to = 0;

		if (block >= end)
			break;
		ext2_lock(s);
		err = block_for(n, block, (u8 *)page_address(page) + at, &to);
		ext2_unlock(s);
		if (!err && to)
			err = ext2_run_add(run, to, page, at);
	}
	return err;
}

static int write_pages(struct ext2_node *n, struct mobj *obj, struct ext2_run *run, u64 index, unsigned count)
{
	struct page *pages[RADIX_SLOTS];
	u64 end = blocks_of(n->s, size_now(obj));
	int err = 0;

	mobj_pages_present(obj, index, count, pages);
	for (unsigned i = 0; i < count && !err; i++) {
		if (pages[i])
			err = write_page(n, run, index + i, pages[i], end);
	}
	if (!err)
		err = ext2_run_send(run);
	for (unsigned i = 0; i < count; i++) {
		if (pages[i])
			frame_put(pages[i]);
	}
	return err;
}

static int flush_locked(struct ext2_node *n, struct mobj *obj)
{
	struct ext2_run *run = ext2_run_create(n->s, BLOCK_WRITE);
	u64 index = 0;
	unsigned count;
	bool more = true;
	int err = run ? 0 : -ENOMEM;

	if (!err && __atomic_load_n(&n->mapped, __ATOMIC_ACQUIRE))
		err = mark_resident(n, obj);
	while (!err) {
		ext2_lock(n->s);
		more = take_dirty(n, &index, &count);
		ext2_unlock(n->s);
		if (!more)
			break;
		err = write_pages(n, obj, run, index, count);
		index += count;
		waitq_give_way();
	}
	kfree(run);
	return err;
}

int ext2_flush(struct ext2_node *n, struct mobj *obj)
{
	int err = 0;

	if (n->s->readonly || (!n->dirty.count && !__atomic_load_n(&n->mapped, __ATOMIC_ACQUIRE)))
		return 0;
	mutex_lock(&n->io_lock);
	err = flush_locked(n, obj);
	mutex_unlock(&n->io_lock);
	if (err)
		__atomic_store_n(&n->error, err, __ATOMIC_RELEASE);
	return err;
}

/* All is on the disk, and only write(2) has changed it: pages can be given up again. inode->lock held. */
static void note_clean(struct ext2_node *n, struct mobj *obj)
{
	spin_lock(&obj->maps_lock);
	if (!obj->writable_maps && !n->dirty.count && !__atomic_load_n(&n->mapped, __ATOMIC_ACQUIRE))
		__atomic_store_n(&obj->changed, false, __ATOMIC_RELEASE);
	spin_unlock(&obj->maps_lock);
}

/* Another holder of the inode's lock may be writing: he will do it. */
static void try_note_clean(struct inode *i)
{
	if (!mutex_trylock(&i->lock))
		return;
	note_clean(i->disk, i->object);
	mutex_unlock(&i->lock);
}

/* Flushes, and tells of an error that nobody heard of before. */
static int sync_pages(struct inode *i)
{
	struct ext2_node *n = i->disk;
	int err;

	(void)ext2_flush(n, i->object);
	err = __atomic_exchange_n(&n->error, 0, __ATOMIC_ACQ_REL);
	if (!err)
		try_note_clean(i);
	return err;
}

static int object_sync(struct mobj *obj, struct range bytes)
{
	struct ext2_node *n = obj->owner;
	int err = ext2_flush(n, obj);

	(void)bytes;
	return err ? err : ext2_sync_node(n);
}

static void object_destroy(struct mobj *obj)
{
	ext2_node_put(obj->owner);
}

const struct mobj_ops ext2_object_ops = {
	.window = file_window,
	.fill = file_fill,
	.sync = object_sync,
	.destroy = object_destroy,
};

/* ---- writing ---- */

/* Pages of [start, end) that lie before the end of the file: in memory, and kept there. */
static int load_pages(struct mobj *obj, struct range bytes)
{
	u64 end = pages_of(MIN(bytes.end, size_now(obj)));

	mobj_note_change(obj);
	for (u64 i = bytes.start >> PAGE_SHIFT; i < end; i++) {
		struct page *page;
		int err = mobj_page(obj, i, MOBJ_CREATE, &page);

		if (err)
			return err;
		frame_put(page);
	}
	return 0;
}

/* Blocks for [start, *end); with too few of them *end comes nearer, with none it is an error. */
static int get_blocks(struct ext2_node *n, u64 start, u64 *end)
{
	struct ext2_super *s = n->s;
	u64 index = start >> s->block_shift;
	int err;

	ext2_lock(s);
	err = ext2_may_change(s);
	for (; !err && index << s->block_shift < *end; index++) {
		u32 block;
		bool fresh;

		err = ext2_map(n, index, true, &block, &fresh);
		if (err && index << s->block_shift > start) {
			*end = index << s->block_shift;
			err = 0;
			break;
		}
	}
	ext2_unlock(s);
	return err;
}

/* Gives back blocks that lie behind the end. */
static int cut_to_size(struct ext2_node *n, struct mobj *obj)
{
	int err;

	mutex_lock(&n->io_lock);
	ext2_lock(n->s);
	err = ext2_cut(n, blocks_of(n->s, size_now(obj)));
	ext2_unlock(n->s);
	mutex_unlock(&n->io_lock);
	return err;
}

/* Writes up to WRITE_BYTES. inode->lock held. */
static ssize_t write_some(struct inode *i, struct uio *u, u64 start)
{
	struct ext2_node *n = i->disk;
	struct mobj *obj = i->object;
	u64 end = start + MIN(u->left, WRITE_BYTES);
	size_t rest = u->left;
	ssize_t done;
	int err = start >= ext2_blocks_max(n->s) << n->s->block_shift ? -EFBIG : 0;

	end = MIN(end, ext2_blocks_max(n->s) << n->s->block_shift);
	if (!err)
		err = load_pages(obj, (struct range){start, end});
	if (!err)
		err = get_blocks(n, start, &end);
	if (err) {
		(void)cut_to_size(n, obj);
		return err;
	}
	u->left = (size_t)(end - start);
	done = mobj_write(obj, start, u);
	rest -= (size_t)(end - start) - u->left;
	u->left = rest;
	/* All of it, written or not: its blocks may be new. */
	mark_dirty(n, (struct range){start, MIN(end, size_now(obj))});
	if (done < (ssize_t)(end - start))
		(void)cut_to_size(n, obj);
	return done;
}

static int file_fsync(struct file *f);

/* No memory for a page: what this file holds is written back, and can be given up. inode->lock held. */
static bool make_room(struct inode *i)
{
	if (ext2_flush(i->disk, i->object))
		return false;
	note_clean(i->disk, i->object);
	return memory_reclaim() > 0;
}

static ssize_t file_write(struct file *f, struct uio *u, u64 *offset)
{
	struct inode *i = f->inode;
	struct ext2_node *n = i->disk;
	ssize_t done = 0, now = 0;

	while (u->left > 0) {
		size_t want = MIN(u->left, WRITE_BYTES);

		now = write_some(i, u, *offset);
		if (now == -ENOMEM && make_room(i))
			continue;
		if (now <= 0)
			break;
		done += now;
		*offset += (u64)now;
		if (n->dirty.count > DIRTY_MAX && !ext2_flush(n, i->object)) {
			note_clean(n, i->object);
			mobj_cache_balance();
		}
		if ((size_t)now < want)
			break;
		waitq_give_way();
	}
	if (done)
		inode_touch_locked(i, TOUCH_WRITE);
	if (done && (f->flags & (O_DSYNC | O_DIRECT)) && file_fsync(f))
		return -EIO;
	return done ? done : now;
}

static int file_resize(struct inode *i, u64 size_bytes)
{
	struct ext2_node *n = i->disk;
	u64 old = size_now(i->object);
	int err = ext2_may_change(n->s);

	if (!err && size_bytes > ext2_blocks_max(n->s) << n->s->block_shift)
		err = -EFBIG;
	mobj_note_change(i->object);
	if (!err)
		err = mobj_resize(i->object, size_bytes);
	if (err || size_bytes > old)
		return err;
	/* The rest of the last block is zeros now, which the disk does not know. */
	if (size_bytes % n->s->block_bytes)
		mark_dirty(n, (struct range){size_bytes - 1, size_bytes});
	return cut_to_size(n, i->object);
}

static struct mobj *file_map(struct file *f, int *err)
{
	if (file_writable(f) && !__atomic_exchange_n(&f->private, MAPPED, __ATOMIC_ACQ_REL))
		(void)__atomic_fetch_add(&f->inode->disk->mapped, 1, __ATOMIC_RELEASE);
	return tmpfs_map(f, err);
}

static int file_fsync(struct file *f)
{
	int err = sync_pages(f->inode);

	return err ? err : ext2_sync_inode(f->inode);
}

/* What was written goes to the disk while somebody still knows of it; by now mappings are gone too. */
static void file_release(struct file *f)
{
	struct inode *i = f->inode;
	struct ext2_node *n = i->disk;
	int err = 0;

	if (!file_writable(f))
		return;
	if (i->nlink)
		err = ext2_flush(n, i->object);
	if (f->private)
		(void)__atomic_fetch_sub(&n->mapped, 1, __ATOMIC_RELEASE);
	if (!err)
		try_note_clean(i);
}

const struct file_ops ext2_file_ops = {
	.read = tmpfs_read,
	.write = file_write,
	.seek = tmpfs_seek,
	.map = file_map,
	.fsync = file_fsync,
	.release = file_release,
};

const struct inode_ops ext2_file_inode_ops = {
	.resize = file_resize,
	.change = ext2_inode_change,
	.attr = ext2_inode_attr,
	.destroy = ext2_inode_destroy,
};
