/* SPDX-License-Identifier: MIT */
/*
 * Files in memory (tmpfs(5)). A regular file is a memory object, which holds its pages and its size; a
 * symbolic link is its text; directories are the tree of names itself. Nothing is ever written anywhere.
 *
 * Writers hold inode->lock from the choice of the offset to the last byte, so that two appends never overlap;
 * readers take no lock beyond the object's own, as on Linux.
 */
#include <asm/errno.h>
#include <linux/falloc.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <moat/frame.h>
#include <moat/heap.h>
#include <moat/reclaim.h>
#include <moat/string.h>
#include "mount.h"
#include "tmpfs.h"

ssize_t tmpfs_read(struct file *f, struct uio *u, u64 *offset)
{
	ssize_t n = mobj_read(f->inode->object, *offset, u);

	if (n > 0)
		*offset += (u64)n;
	file_accessed(f);
	return n;
}

ssize_t tmpfs_write(struct file *f, struct uio *u, u64 *offset)
{
	ssize_t n = mobj_write(f->inode->object, *offset, u);

	if (n > 0) {
		*offset += (u64)n;
		inode_touch_locked(f->inode, TOUCH_WRITE);
	}
	return n;
}

/* lseek(2) with SEEK_DATA and SEEK_HOLE; f->offset_lock held. */
s64 tmpfs_seek(struct file *f, s64 offset, int whence)
{
	struct mobj *obj = f->inode->object;

	if (whence == SEEK_DATA || whence == SEEK_HOLE) {
		if (offset < 0)
			return -ENXIO;
		offset = mobj_seek(obj, (u64)offset, whence == SEEK_HOLE);
		if (offset < 0)
			return offset;
		whence = SEEK_SET;
	}
	return file_seek_sized(f, offset, whence, __atomic_load_n(&obj->size_bytes, __ATOMIC_ACQUIRE));
}

struct mobj *tmpfs_map(struct file *f, int *err)
{
	*err = 0;
	mobj_get(f->inode->object);
	return f->inode->object;
}

int tmpfs_fsync(struct file *f)
{
	(void)f;
	return 0;
}

static const struct file_ops tmpfs_file_ops = {
	.read = tmpfs_read,
	.write = tmpfs_write,
	.seek = tmpfs_seek,
	.map = tmpfs_map,
	.fsync = tmpfs_fsync,
};

static int tmpfs_resize(struct inode *i, u64 size_bytes)
{
	return mobj_resize(i->object, size_bytes);
}

/*
 * Makes every page of the range exist. Pages that were made before memory ran out stay: they read as the
 * zeros that were there, and truncation frees them.
 */
static int fill_pages(struct mobj *obj, struct range bytes)
{
	for (u64 at = bytes.start >> PAGE_SHIFT; at << PAGE_SHIFT < bytes.end; at++) {
		struct page *page;
		int err;

		do
			err = mobj_page(obj, at, MOBJ_CREATE, &page);
		while (err == -ENOMEM && memory_retry());
		if (err)
			return err == -ENOMEM ? -ENOSPC : err;
		frame_put(page);
		if (waitq_signal_due())
			return -EINTR;
		waitq_give_way();
	}
	return 0;
}

/* As Linux's tmpfs, it knows no zeroing, collapsing or inserting of ranges. */
int tmpfs_allocate(struct inode *i, u32 mode, struct range bytes)
{
	u64 size = i->object->size_bytes;
	int err;

	if (mode & ~(u32)(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE))
		return -EOPNOTSUPP;
	if (mode & FALLOC_FL_PUNCH_HOLE) {
		err = mobj_punch(i->object, bytes);
	} else {
		err = mobj_check_grow(i->object, bytes.end);
		if (!err)
			err = fill_pages(i->object, bytes);
		if (!err && !(mode & FALLOC_FL_KEEP_SIZE) && bytes.end > size)
			err = mobj_resize(i->object, bytes.end);
	}
	if (!err)
		inode_touch_locked(i, TOUCH_WRITE);
	return err;
}

static const struct inode_ops tmpfs_inode_ops = {
	.resize = tmpfs_resize,
	.allocate = tmpfs_allocate,
};

/* The part of an inode that its kind asks for. */
static int make_contents(struct inode *i, const struct inode_seed *seed)
{
	switch (seed->mode & S_IFMT) {
	case S_IFREG:
		i->object = mobj_create(NULL, NULL);
		i->ops = &tmpfs_inode_ops;
		i->file_ops = &tmpfs_file_ops;
		if (!i->object)
			return -ENOMEM;
		i->object->seals = F_SEAL_SEAL;
		return 0;
	case S_IFLNK:
		i->target = kstrdup(seed->target, strlen(seed->target));
		return i->target ? 0 : -ENOMEM;
	default:
		return 0;
	}
}

int tmpfs_create_inode(struct super *s, const struct inode_seed *seed, struct inode **out)
{
	struct inode *i = inode_create(s, seed);
	int err = i ? make_contents(i, seed) : -ENOMEM;

	if (err)
		inode_put(i);
	else
		*out = i;
	return err;
}

/* statfs(2): files may take whatever memory there is, and whatever takes memory leaves less for files. */
void tmpfs_facts(struct super *s, struct fs_facts *out)
{
	struct frame_stats stats;

	frame_stats_read(&stats);
	out->magic = TMPFS_MAGIC;
	out->blocks = stats.total;
	out->blocks_free = stats.owned[FRAME_FREE];
	out->files = stats.total;
	out->files_free = out->files - MIN(s->inodes, out->files);
}

static const struct super_ops tmpfs_super_ops = {
	.create = tmpfs_create_inode,
	.facts = tmpfs_facts,
	.keeps_xattrs = true,
	.makes_whiteouts = true,
};

int tmpfs_create(const char *type, u32 mode, struct super **super, struct inode **root)
{
	struct inode_seed seed = {.mode = S_IFDIR | mode};
	struct super *s = kzalloc(sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	*s = (struct super){.ops = &tmpfs_super_ops, .type = type, .dev = mount_new_dev(), .next_ino = 1};
	err = tmpfs_create_inode(s, &seed, root);
	if (err) {
		kfree(s);
		return err;
	}
	(*root)->nlink = 2;
	*super = s;
	return 0;
}
