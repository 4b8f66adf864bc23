/* SPDX-License-Identifier: MIT */
/*
 * How an inode comes to its place on a disk, and how it goes. It is made in memory, without a number; gets one, with what its
 * kind needs, when it is given a name; and goes from the disk with its last user when it has no name any more.
 */
#include <asm/errno.h>
#include <moat/heap.h>
#include <moat/string.h>
#include "ext2.h"

#define NEW_EXTRA_BYTES 32

int ext2_inode_prepare(struct super *super, const struct inode_seed *seed, struct inode **out)
{
	struct inode *i = inode_create(super, seed);
	struct ext2_node *n = i ? ext2_node_create(ext2_of(super), i) : NULL;
	int err = n ? ext2_set_ops(i, n) : -ENOMEM;

	if (!err && inode_is(i, S_IFLNK)) {
		i->target = kstrdup(seed->target, strlen(seed->target));
		err = i->target ? 0 : -ENOMEM;
	}
	if (err)
		inode_put(i);
	else
		*out = i;
	return err;
}

static void encode_device(struct ext2_node *n, u32 rdev)
{
	u32 major = rdev >> 20, minor = rdev & 0xfffff;

	if (major < 256 && minor < 256)
		n->slots[0] = major << 8 | minor;
	else
		n->slots[1] = (minor & 0xff) | major << 8 | (minor & 0xfff00) << 12;
}

static int place_link(struct ext2_node *n, const char *text)
{
	size_t len = strlen(text);
	u32 block;
	bool fresh;
	void *data;
	int err;

	if (len < EXT2_FAST_LINK_BYTES) {
		memcpy(n->slots, text, len);
		return 0;
	}
	if (len >= n->s->block_bytes)
		return -ENAMETOOLONG;
	err = ext2_map(n, 0, true, &block, &fresh);
	if (!err)
		err = ext2_new_block(n->s, block, &data);
	if (!err)
		memcpy(data, text, len);
	return err;
}

static int clear_place(struct ext2_super *s, u32 ino)
{
	struct ext2_disk_inode *d;
	u32 block;
	int err = ext2_locate(s, ino, &d, &block);

	if (err)
		return err;
	memset(d, 0, s->inode_bytes);
	if (s->inode_bytes > EXT2_OLD_INODE_BYTES)
		d->extra_bytes = NEW_EXTRA_BYTES;
	d->generation = timestamp_now().nsec ^ ino;
	ext2_dirty(s, block);
	return 0;
}

int ext2_inode_place(struct inode *i, u32 dir_ino, const struct inode_seed *seed)
{
	struct ext2_node *n = i->disk;
	struct ext2_super *s = n->s;
	u32 ino;
	int err = ext2_alloc_inode(s, dir_ino, inode_is_dir(i), &ino);

	if (err)
		return err;
	err = clear_place(s, ino);
	if (err) {
		(void)ext2_free_inode(s, ino, inode_is_dir(i));
		return err;
	}
	i->ino = n->ino = ino;
	ext2_list_node(n);
	if (S_ISCHR(i->mode) || S_ISBLK(i->mode))
		encode_device(n, i->rdev);
	if (inode_is(i, S_IFLNK))
		err = place_link(n, seed->target);
	if (!err && inode_is_dir(i))
		err = ext2_dir_begin(i, dir_ino);
	if (!err)
		err = ext2_inode_store(i, inode_is_dir(i) ? 2 : 1);
	if (err)
		ext2_inode_unplace(i);
	return err;
}

/* Blocks, attributes and number are given back; what the slots of a short link or a device hold are no blocks. */
static void give_back(struct inode *i)
{
	struct ext2_node *n = i->disk;
	struct ext2_super *s = n->s;
	struct ext2_disk_inode *d;
	u32 block;
	int err = 0;

	if (inode_is(i, S_IFREG) || inode_is_dir(i) || (inode_is(i, S_IFLNK) && n->sectors))
		err = ext2_cut(n, 0);
	if (err || ext2_locate(s, n->ino, &d, &block))
		return;
	d->links = 0;
	d->size = d->size_high = d->sectors = d->attr_block = 0;
	memset(d->slots, 0, sizeof(d->slots));
	d->dtime = (u32)timestamp_now().sec;
	ext2_dirty(s, block);
	(void)ext2_free_inode(s, n->ino, inode_is_dir(i));
}

void ext2_inode_unplace(struct inode *i)
{
	give_back(i);
	ext2_unlist_node(i->disk);
	i->disk->ino = 0;
}

/* The block of extended attributes has one user less. */
static int drop_attr_block(struct ext2_node *n)
{
	struct {
		u32 magic, refs;
	} * head;
	void *data = NULL;
	int err;

	if (!n->attr_block)
		return 0;
	err = ext2_is_data_block(n->s, n->attr_block) ? ext2_block(n->s, n->attr_block, &data) : -EUCLEAN;
	head = data;
	if (err || head->magic != EXT2_ATTR_MAGIC)
		return ext2_corrupt(n->s, "attributes that are none", n->attr_block);
	if (head->refs > 1) {
		head->refs--;
		ext2_dirty(n->s, n->attr_block);
	} else {
		err = ext2_free_block(n->s, n->attr_block);
	}
	n->sectors -= MIN(n->sectors, n->s->block_bytes / BLOCK_SECTOR);
	n->attr_block = 0;
	return err;
}

/* The last user is gone: the file too, if it has no name; else all of it goes to its place. */
void ext2_inode_destroy(struct inode *i)
{
	struct ext2_node *n = i->disk;
	struct ext2_super *s;

	if (!n)
		return;
	s = n->s;
	if (n->ino) {
		if (i->nlink && i->object)
			(void)ext2_flush(n, i->object);
		ext2_lock(s);
		if (i->nlink)
			(void)ext2_inode_store(i, i->nlink);
		else if (!ext2_may_change(s) && !drop_attr_block(n))
			give_back(i);
		ext2_unlist_node(n);
		n->inode = NULL;
		ext2_unlock(s);
		__atomic_fetch_add(&s->gone_count, 1, __ATOMIC_RELEASE);
		waitq_wake_all(&s->gone);
	}
	ext2_node_put(n);
}
