/* SPDX-License-Identifier: MIT */
/*
 * Directories on a disk: blocks that are full of entries, each of which says where the next one begins.
 *
 *     | ino len "name" ....room.... | ino len "name" | 0 (free) ............. |  end of the block
 *
 * A name is added into the room behind another, or in a new block; a name that goes becomes room of the one before it. No
 * entry is followed before its length was checked. A hash tree (`dir_index`) looks like free entries to who reads all blocks
 * in a row; who adds a name says that there is none any more.
 *
 * All but the reading of names into the tree (ext2_dir_fetch) wants the super's lock, and the tree's for writing.
 */
#include <asm/errno.h>
#include <moat/heap.h>
#include <moat/string.h>
#include "ext2.h"

enum ext2_type {
	TYPE_UNKNOWN,
	TYPE_REGULAR,
	TYPE_DIRECTORY,
	TYPE_CHARACTER,
	TYPE_BLOCK,
	TYPE_FIFO,
	TYPE_SOCKET,
	TYPE_LINK,
	TYPE_COUNT,
};

static const u32 kinds[TYPE_COUNT] = {0, S_IFREG, S_IFDIR, S_IFCHR, S_IFBLK, S_IFIFO, S_IFSOCK, S_IFLNK};

static u8 type_of(const struct ext2_super *s, u32 mode)
{
	u8 type = TYPE_UNKNOWN;

	while (s->filetype && ++type < TYPE_COUNT && kinds[type] != (mode & S_IFMT))
		;
	return type == TYPE_COUNT ? TYPE_UNKNOWN : type;
}

/* Where somebody who reads a directory is. */
struct cursor {
	struct inode *dir;
	u64 index; /* of the block in the directory */
	u32 block; /* of the disk */
	u8 *data;  /* its contents; NULL: not looked at yet */
	u32 at;
	struct ext2_dirent *entry, *before; /* before: in the same block, or NULL */
};

static u32 bytes_for(size_t name_len)
{
	return (u32)ALIGN_UP(EXT2_DIRENT_HEAD + name_len, 4);
}

static int check_entry(struct ext2_super *s, const struct cursor *c)
{
	const struct ext2_dirent *e = c->entry;

	if (c->at + EXT2_DIRENT_HEAD > s->block_bytes || e->bytes % 4 || e->bytes < bytes_for(e->name_len) ||
	    e->bytes > s->block_bytes - c->at || (e->ino && (e->name_len == 0 || e->ino > s->inodes_count)))
		return ext2_corrupt(s, "a directory entry makes no sense in inode", c->dir->disk->ino);
	return 0;
}

static int load_block(struct cursor *c)
{
	struct ext2_node *n = c->dir->disk;
	void *data;
	bool fresh;
	int err = ext2_map(n, c->index, false, &c->block, &fresh);

	if (!err && !c->block)
		err = ext2_corrupt(n->s, "a directory with a hole", n->ino);
	if (!err)
		err = ext2_block(n->s, c->block, &data);
	if (err)
		return err;
	c->data = data;
	c->at = 0;
	c->before = NULL;
	return 0;
}

/* 1: there is another entry; 0: there is none; or an error. */
static int next_entry(struct cursor *c)
{
	struct ext2_super *s = c->dir->disk->s;
	int err = 0;

	if (c->data) {
		c->before = c->entry;
		c->at += c->entry->bytes;
		if (c->at == s->block_bytes) {
			c->data = NULL;
			c->index++;
		}
	}
	if (!c->data) {
		if (c->index >= c->dir->dir_bytes >> s->block_shift)
			return 0;
		waitq_give_way();
		err = load_block(c);
	}
	if (err)
		return err;
	c->entry = (struct ext2_dirent *)(c->data + c->at);
	err = check_entry(s, c);
	return err ? err : 1;
}

static int find_entry(struct cursor *c, const char *name, size_t len)
{
	int got;

	while ((got = next_entry(c)) > 0) {
		if (c->entry->ino && c->entry->name_len == len && memcmp(c->entry->name, name, len) == 0)
			return 0;
	}
	/* The tree of names knows it, so it was there. */
	return got ? got : ext2_corrupt(c->dir->disk->s, "a name is missing in inode", c->dir->disk->ino);
}

static void fill_entry(struct cursor *c, const char *name, size_t len, u32 ino, u32 mode)
{
	struct ext2_dirent *e = c->entry;

	e->ino = ino;
	e->name_len = (u8)len;
	e->type = type_of(c->dir->disk->s, mode);
	memcpy(e->name, name, len);
	ext2_dirty(c->dir->disk->s, c->block);
}

static int append_block(struct cursor *c)
{
	struct ext2_node *n = c->dir->disk;
	struct ext2_super *s = n->s;
	void *data;
	bool fresh;
	int err;

	if (c->dir->dir_bytes >= UINT32_MAX - s->block_bytes)
		return -ENOSPC;
	c->index = c->dir->dir_bytes >> s->block_shift;
	err = ext2_map(n, c->index, true, &c->block, &fresh);
	if (!err)
		err = ext2_new_block(s, c->block, &data);
	if (err)
		return err;
	c->data = data;
	c->entry = data;
	c->entry->bytes = (u16)s->block_bytes;
	c->dir->dir_bytes += s->block_bytes;
	return 0;
}

/* Puts the cursor at a free entry of `need` bytes at least, made of the room behind another one if need be. */
static int find_room(struct cursor *c, u32 need)
{
	int got;

	while ((got = next_entry(c)) > 0) {
		struct ext2_dirent *e = c->entry;
		u32 used = e->ino ? bytes_for(e->name_len) : 0, rest = e->bytes - used;

		if (rest < need)
			continue;
		if (used) {
			c->entry = (struct ext2_dirent *)((u8 *)e + used);
			c->entry->bytes = (u16)rest;
			e->bytes = (u16)used;
		}
		return 0;
	}
	return got ? got : append_block(c);
}

int ext2_dir_add(struct inode *dir, const char *name, size_t len, u32 ino, u32 mode)
{
	struct ext2_node *n = dir->disk;
	struct cursor c = {.dir = dir, .index = n->room_index};
	int err = find_room(&c, bytes_for(len));

	if (err)
		return err;
	n->room_index = (u32)c.index;
	n->flags &= ~EXT2_FLAG_INDEX;
	fill_entry(&c, name, len, ino, mode);
	return ext2_inode_store(dir, dir->nlink);
}

int ext2_dir_remove(struct inode *dir, const char *name, size_t len)
{
	struct cursor c = {.dir = dir};
	int err = find_entry(&c, name, len);

	if (err)
		return err;
	if (c.before)
		c.before->bytes = (u16)(c.before->bytes + c.entry->bytes);
	c.entry->ino = 0;
	dir->disk->room_index = MIN(dir->disk->room_index, (u32)c.index);
	ext2_dirty(dir->disk->s, c.block);
	return 0;
}

int ext2_dir_set(struct inode *dir, const char *name, size_t len, u32 ino, u32 mode)
{
	struct cursor c = {.dir = dir};
	int err = find_entry(&c, name, len);

	if (!err)
		fill_entry(&c, name, len, ino, mode);
	return err;
}

int ext2_dir_begin(struct inode *dir, u32 parent_ino)
{
	struct cursor c = {.dir = dir};
	int err = append_block(&c);
	u32 first = bytes_for(1);

	if (err)
		return err;
	c.entry->bytes = (u16)first;
	fill_entry(&c, ".", 1, dir->disk->ino, S_IFDIR);
	c.entry = (struct ext2_dirent *)(c.data + first);
	c.entry->bytes = (u16)(dir->disk->s->block_bytes - first);
	fill_entry(&c, "..", 2, parent_ino, S_IFDIR);
	return 0;
}

/* ---- into the tree of names ---- */

static bool is_dots(const struct ext2_dirent *e)
{
	return e->name[0] == '.' && (e->name_len == 1 || (e->name_len == 2 && e->name[1] == '.'));
}

/* A name of which only number and kind are known; one without a kind has its inode looked at later, as a file's. */
static struct dentry *make_unread(struct ext2_super *s, const struct ext2_dirent *e, u32 mode)
{
	struct inode_seed seed = {.mode = mode};
	struct inode *inode = inode_create(&s->super, &seed);
	struct dentry *d;

	if (!inode)
		return NULL;
	inode->ino = e->ino;
	inode->unread = true;
	d = dentry_create(inode, e->name, e->name_len);
	if (!d)
		inode_put(inode);
	return d;
}

static int add_name(struct ext2_super *s, const struct ext2_dirent *e, struct dentry **list)
{
	u32 mode = s->filetype && e->type < TYPE_COUNT ? kinds[e->type] : 0;
	struct dentry *d;
	int err = 0;

	if (is_dots(e))
		return 0;
	if (memchr(e->name, '/', e->name_len) || memchr(e->name, 0, e->name_len))
		return ext2_corrupt(s, "a name that is none leads to inode", e->ino);
	if (!mode)
		err = ext2_inode_kind(s, e->ino, &mode);
	if (err)
		return err;
	d = make_unread(s, e, mode);
	if (!d)
		return -ENOMEM;
	d->next_transient = *list;
	*list = d;
	return 0;
}

static int fetch_all(struct dentry *dir)
{
	struct ext2_super *s = ext2_of(dir->inode->super);
	struct cursor c = {.dir = dir->inode};
	struct dentry *list = NULL;
	int err = 0, got = 0;

	ext2_lock(s);
	while (!err && (got = next_entry(&c)) > 0) {
		if (c.entry->ino)
			err = add_name(s, c.entry, &list);
		if (waitq_kill_due())
			err = -EINTR;
	}
	ext2_unlock(s);
	return dentry_settle_all(dir, list, err ? err : got);
}

/* The unread name gets its inode. A directory has one name only: a second one would be a way round in circles. */
static int take_inode(struct dentry *d, struct inode *inode)
{
	struct ext2_node *n = inode->disk;
	if (!d->attached || !d->inode->unread)
		return 0;
	if (!d->dir != !inode_is_dir(inode) || (d->dir && n->placed))
		return ext2_corrupt(n->s, "two names, or another kind than its name says, has inode", n->ino);
	n->placed = d->dir;
	inode_get(inode);
	inode_put(dentry_read(d, inode));
	return 0;
}

static int read_name(struct dentry *d)
{
	struct inode *inode;
	int err = ext2_inode_get(ext2_of(d->inode->super), (u32)d->inode->ino, &inode);

	if (err)
		return err;
	rwlock_write(&fs_tree_lock);
	err = take_inode(d, inode);
	rwlock_write_done(&fs_tree_lock);
	inode_put(inode);
	return err;
}

int ext2_dir_fetch(struct dentry *dir, const char *name, size_t len)
{
	bool partial, unread = false;
	struct dentry *d;
	int err = 0;

	rwlock_read(&fs_tree_lock);
	partial = dir->dir->partial;
	rwlock_read_done(&fs_tree_lock);
	if (partial)
		err = fetch_all(dir);
	if (err || !name)
		return err;
	rwlock_read(&fs_tree_lock);
	d = dentry_child(dir, name, len);
	if (d) {
		dentry_get(d);
		unread = d->inode->unread;
	}
	rwlock_read_done(&fs_tree_lock);
	if (!d)
		return -ENOENT;
	if (unread)
		err = read_name(d);
	dentry_put(d);
	return err;
}
