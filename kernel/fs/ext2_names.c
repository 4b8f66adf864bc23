/* SPDX-License-Identifier: MIT */
/*
 * What the tree of names does to a disk: make, link, remove, move. Each happens in the blocks in memory, under the lock, before
 * it happens in the tree; what fails half way is undone, or was the disk's fault and ends all changes.
 */
#include <asm/errno.h>
#include <moat/string.h>
#include "ext2.h"
#include "readdir.h"

static int make_name(struct dentry *dir, struct dentry *child, const struct inode_seed *seed)
{
	struct inode *i = child->inode, *in = dir->inode;
	struct ext2_super *s = ext2_of(i->super);
	int err;

	ext2_lock(s);
	err = ext2_may_change(s);
	if (!err && child->dir && in->nlink >= EXT2_LINKS_MAX)
		err = -EMLINK;
	if (!err)
		err = ext2_inode_place(i, in->disk->ino, seed);
	if (!err) {
		err = ext2_dir_add(in, child->name, child->name_len, i->disk->ino, i->mode);
		if (err)
			ext2_inode_unplace(i);
	}
	ext2_unlock(s);
	if (!err && child->dir) {
		child->dir->partial = false;
		i->disk->placed = true;
	}
	return err;
}

/* On the disk nothing leads to it either: what a crash leaves of it is a free inode that e2fsck clears. */
static int make_unnamed(struct dentry *dir, struct inode *i, const struct inode_seed *seed)
{
	struct ext2_super *s = ext2_of(i->super);
	int err;

	ext2_lock(s);
	err = ext2_may_change(s);
	if (!err)
		err = ext2_inode_place(i, dir->inode->disk->ino, seed);
	if (!err) {
		err = ext2_inode_store(i, 0);
		if (err)
			ext2_inode_unplace(i);
	}
	ext2_unlock(s);
	return err;
}

static int link_name(struct dentry *dir, struct dentry *child)
{
	struct inode *i = child->inode;
	struct ext2_super *s = ext2_of(i->super);
	int err;

	ext2_lock(s);
	err = ext2_may_change(s);
	if (!err && i->nlink >= EXT2_LINKS_MAX)
		err = -EMLINK;
	if (!err)
		err = ext2_dir_add(dir->inode, child->name, child->name_len, i->disk->ino, i->mode);
	if (!err)
		err = ext2_inode_store(i, i->nlink + 1);
	ext2_unlock(s);
	return err;
}

static int remove_name(struct dentry *d)
{
	struct ext2_super *s = ext2_of(d->inode->super);
	int err;

	ext2_lock(s);
	err = ext2_may_change(s);
	if (!err)
		err = ext2_dir_remove(d->parent->inode, d->name, d->name_len);
	ext2_unlock(s);
	return err;
}

/* The new name first, for which there may be no room. Lock held. */
static int move_entry(struct dentry *d, struct dentry *dir, const char *name)
{
	const struct dentry *target = dentry_child(dir, name, strlen(name));
	struct inode *i = d->inode;
	bool moves = d->dir && d->parent != dir;
	int err;

	if (target)
		err = ext2_dir_set(dir->inode, name, strlen(name), i->disk->ino, i->mode);
	else if (moves && dir->inode->nlink >= EXT2_LINKS_MAX)
		err = -EMLINK;
	else
		err = ext2_dir_add(dir->inode, name, strlen(name), i->disk->ino, i->mode);
	if (!err)
		err = ext2_dir_remove(d->parent->inode, d->name, d->name_len);
	if (!err && moves)
		err = ext2_dir_set(i, "..", 2, dir->inode->disk->ino, S_IFDIR);
	return err;
}

static int move_name(struct dentry *d, struct dentry *dir, const char *name)
{
	struct ext2_super *s = ext2_of(d->inode->super);
	int err;

	ext2_lock(s);
	err = ext2_may_change(s);
	if (!err)
		err = move_entry(d, dir, name);
	ext2_unlock(s);
	return err;
}

static void facts(struct super *super, struct fs_facts *out)
{
	const struct ext2_super *s = ext2_of(super);
	const struct ext2_disk_super *d = s->disk_super;
	u32 tables = (u32)(((u64)s->inodes_per_group * s->inode_bytes) >> s->block_shift) + 2;

	out->magic = EXT2_MAGIC;
	out->block_size = s->block_bytes;
	out->blocks = s->blocks_count - s->first_data_block - MIN(s->groups * tables, s->blocks_count / 2);
	out->blocks_free = d->free_blocks;
	out->files = s->inodes_count;
	out->files_free = d->free_inodes;
}

const struct super_ops ext2_super_ops = {
	.create = ext2_inode_prepare,
	.facts = facts,
	.make = make_name,
	.link = link_name,
	.unnamed = make_unnamed,
	.remove = remove_name,
	.move = move_name,
	.sync = ext2_sync,
};

const struct super_ops ext2_readonly_super_ops = {
	.facts = facts,
};

static int dir_sync(struct file *f)
{
	return ext2_sync_inode(f->inode);
}

const struct file_ops ext2_dir_file_ops = {
	.seek = dir_seek,
	.iterate = dir_iterate,
	.fsync = dir_sync,
};

const struct inode_ops ext2_inode_ops = {
	.fetch = ext2_dir_fetch,
	.change = ext2_inode_change,
	.attr = ext2_inode_attr,
	.destroy = ext2_inode_destroy,
};
