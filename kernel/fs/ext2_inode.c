/* SPDX-License-Identifier: MIT */
/*
 * Inodes of a disk: from their place in the table into memory, and back.
 *
 * While an inode is in memory, it is what is true; its place is brought up to date when it is made, synchronised and given
 * up. Those in memory are found by number (`hash`), so that all names of a file lead to one. One that is about to go stays
 * there until its place is up to date; who looks for it meanwhile waits, and reads the place then.
 *
 * Times are seconds of 32 bits in inodes of 128 bytes, else
 * 34 bits and nanoseconds, as ext4 has it.
 */
#include <asm/errno.h>
#include <moat/heap.h>
#include <moat/string.h>
#include "ext2.h"

int ext2_locate(struct ext2_super *s, u32 ino, struct ext2_disk_inode **out, u32 *block)
{
	u32 index = (ino - 1) % s->inodes_per_group;
	u64 at = (u64)index * s->inode_bytes;
	struct ext2_disk_group *g;
	void *data;
	int err;

	if ((ino != EXT2_ROOT_INO && ino < s->first_inode) || ino > s->inodes_count)
		return ext2_corrupt(s, "a name leads to an inode that is none", ino);
	err = ext2_group(s, (ino - 1) / s->inodes_per_group, &g);
	if (err)
		return err;
	*block = g->inode_table + (u32)(at >> s->block_shift);
	err = ext2_block(s, *block, &data);
	if (!err)
		*out = (struct ext2_disk_inode *)((u8 *)data + at % s->block_bytes);
	return err;
}

struct ext2_node *ext2_node_create(struct ext2_super *s, struct inode *i)
{
	struct ext2_node *n = kzalloc(sizeof(*n));

	if (!n)
		return NULL;
	ref_init(&n->refs, 1);
	n->s = s;
	n->inode = i;
	mutex_init(&n->io_lock, RANK_WRITEBACK);
	radix_init(&n->dirty, heap_node_alloc, heap_node_free);
	return n;
}

void ext2_node_put(struct ext2_node *n)
{
	if (!ref_put(&n->refs))
		return;
	for (u64 index = 0; radix_next(&n->dirty, &index);)
		radix_remove(&n->dirty, index);
	kfree(n);
}

int ext2_set_ops(struct inode *i, struct ext2_node *n)
{
	i->disk = n;
	i->ops = &ext2_inode_ops;
	if (inode_is_dir(i))
		i->file_ops = &ext2_dir_file_ops;
	if (!inode_is(i, S_IFREG))
		return 0;
	i->ops = &ext2_file_inode_ops;
	i->file_ops = &ext2_file_ops;
	i->object = mobj_create(&ext2_object_ops, n);
	if (!i->object)
		return -ENOMEM;
	ref_get(&n->refs);
	i->object->seals = 1; /* F_SEAL_SEAL */
	return 0;
}

void ext2_list_node(struct ext2_node *n)
{
	LIST_INSERT_HEAD(&n->s->hash[n->ino % EXT2_HASH], n, hash_link);
	TAILQ_INSERT_TAIL(&n->s->nodes, n, link);
}

void ext2_unlist_node(struct ext2_node *n)
{
	LIST_REMOVE(n, hash_link);
	TAILQ_REMOVE(&n->s->nodes, n, link);
}

/* ---- times ---- */

static bool has_extra(const struct ext2_super *s, const struct ext2_disk_inode *d)
{
	return s->inode_bytes > EXT2_OLD_INODE_BYTES && d->extra_bytes >= EXT2_EXTRA_BYTES &&
	       d->extra_bytes <= s->inode_bytes - EXT2_OLD_INODE_BYTES;
}

static struct timestamp decode_time(u32 sec, u32 extra)
{
	struct timestamp t = {(s32)sec + ((s64)(extra & 3) << 32), extra >> 2};

	if (t.nsec >= 1000000000)
		t.nsec = 0;
	return t;
}

/* `extra` NULL: there is no room for more than 32 bits of seconds. */
static void encode_time(struct timestamp t, u32 *sec, u32 *extra)
{
	s64 last = extra ? ((s64)3 << 32) + INT32_MAX : INT32_MAX;
	s64 value = MIN(MAX(t.sec, (s64)INT32_MIN), last);

	*sec = (u32)value;
	if (extra)
		*extra = (u32)((value - (s32)value) >> 32 & 3) | t.nsec << 2;
}

/* ---- reading ---- */

static u32 decode_device(const struct ext2_disk_inode *d)
{
	u32 dev = d->slots[1];

	if (d->slots[0])
		return dev_make(d->slots[0] >> 8 & 0xff, d->slots[0] & 0xff);
	return dev_make(dev >> 8 & 0xfff, (dev & 0xff) | (dev >> 12 & 0xfff00));
}

static int read_link(struct ext2_node *n, const struct ext2_disk_inode *d, struct inode *i)
{
	struct ext2_super *s = n->s;
	u32 attr_sectors = n->attr_block ? s->block_bytes / BLOCK_SECTOR : 0, block;
	bool fresh;
	void *text;
	int err = 0;

	if (n->sectors == attr_sectors) {
		if (d->size >= EXT2_FAST_LINK_BYTES)
			return ext2_corrupt(s, "a symbolic link without its text", n->ino);
		text = n->slots;
	} else {
		if (d->size >= s->block_bytes)
			return ext2_corrupt(s, "a symbolic link that is too long", n->ino);
		err = ext2_map(n, 0, false, &block, &fresh);
		if (!err && !block)
			err = ext2_corrupt(s, "a symbolic link without its text", n->ino);
		if (!err)
			err = ext2_block(s, block, &text);
	}
	if (err)
		return err;
	i->target = kstrdup(text, d->size);
	return i->target ? 0 : -ENOMEM;
}

static int check_kind(struct ext2_super *s, const struct ext2_disk_inode *d, u32 ino)
{
	switch (d->mode & S_IFMT) {
	case S_IFDIR:
		if (d->size % s->block_bytes || d->size_high || d->size >> s->block_shift > s->blocks_count)
			return ext2_corrupt(s, "a directory with an odd size", ino);
		break;
	case S_IFREG:
	case S_IFLNK:
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK:
		break;
	default:
		return ext2_corrupt(s, "an inode of no known kind", ino);
	}
	return d->links == 0 ? ext2_corrupt(s, "a name leads to an inode that is free", ino) : 0;
}

static void decode(struct inode *i, const struct ext2_disk_inode *d, bool extra)
{
	struct ext2_node *n = i->disk;

	i->ino = n->ino;
	i->uid = d->uid | (u32)d->uid_high << 16;
	i->gid = d->gid | (u32)d->gid_high << 16;
	i->nlink = d->links;
	i->atime = decode_time(d->atime, extra ? d->atime_extra : 0);
	i->mtime = decode_time(d->mtime, extra ? d->mtime_extra : 0);
	i->ctime = i->btime = decode_time(d->ctime, extra ? d->ctime_extra : 0);
	if (extra && d->btime)
		i->btime = decode_time(d->btime, d->btime_extra);
	memcpy(n->slots, d->slots, sizeof(n->slots));
	n->sectors = d->sectors;
	n->attr_block = d->attr_block;
	n->flags = d->flags;
}

/* Lock held. `i` is bare but for its node. */
static int read_contents(struct inode *i, const struct ext2_disk_inode *d)
{
	struct ext2_node *n = i->disk;
	u64 size = d->size;

	switch (d->mode & S_IFMT) {
	case S_IFDIR:
		i->dir_bytes = size;
		return 0;
	case S_IFLNK:
		return read_link(n, d, i);
	case S_IFREG:
		size |= (u64)d->size_high << 32;
		if (size > ext2_blocks_max(n->s) << n->s->block_shift)
			return ext2_corrupt(n->s, "a file that is too long", n->ino);
		i->object->size_bytes = size;
		return 0;
	default:
		return 0;
	}
}

int ext2_inode_kind(struct ext2_super *s, u32 ino, u32 *mode)
{
	struct ext2_disk_inode *d;
	u32 block;
	int err = ext2_locate(s, ino, &d, &block);

	if (!err)
		*mode = d->mode & S_IFMT;
	return err;
}

/* Lock held. */
static int read_inode(struct ext2_super *s, u32 ino, struct inode **out)
{
	struct ext2_disk_inode *d;
	struct inode_seed seed;
	struct ext2_node *n;
	struct inode *i;
	u32 block;
	int err = ext2_locate(s, ino, &d, &block);

	if (!err)
		err = check_kind(s, d, ino);
	if (err)
		return err;
	seed = (struct inode_seed){.mode = d->mode, .rdev = decode_device(d)};
	i = inode_create(&s->super, &seed);
	n = i ? ext2_node_create(s, i) : NULL;
	err = n ? ext2_set_ops(i, n) : -ENOMEM;
	if (!err) {
		n->ino = ino;
		decode(i, d, has_extra(s, d));
		err = read_contents(i, d);
	}
	if (err) {
		if (n)
			n->ino = 0; /* not listed: there is nothing to store */
		inode_put(i);
		return err;
	}
	ext2_list_node(n);
	*out = i;
	return 0;
}

static struct ext2_node *find_node(struct ext2_super *s, u32 ino)
{
	struct ext2_node *n;

	LIST_FOREACH (n, &s->hash[ino % EXT2_HASH], hash_link) {
		if (n->ino == ino)
			return n;
	}
	return NULL;
}

/* 0, or -EAGAIN: it is about to go. */
static int try_get(struct ext2_super *s, u32 ino, struct inode **out)
{
	struct ext2_node *n;
	int err = 0;

	ext2_lock(s);
	n = find_node(s, ino);
	if (!n)
		err = read_inode(s, ino, out);
	else if (ref_get_unless_zero(&n->inode->refs))
		*out = n->inode;
	else
		err = -EAGAIN;
	ext2_unlock(s);
	return err;
}

static u64 gone_count(const struct ext2_super *s)
{
	return __atomic_load_n(&s->gone_count, __ATOMIC_ACQUIRE);
}

int ext2_inode_get(struct ext2_super *s, u32 ino, struct inode **out)
{
	for (;;) {
		u64 seen = gone_count(s);
		int err = try_get(s, ino, out);

		if (err != -EAGAIN)
			return err;
		WAIT_EVENT_UNKILLABLE(&s->gone, gone_count(s) != seen);
	}
}

/* ---- writing ---- */

static u64 size_of(const struct inode *i)
{
	if (i->object)
		return __atomic_load_n(&i->object->size_bytes, __ATOMIC_ACQUIRE);
	return i->target ? strlen(i->target) : i->dir_bytes;
}

static void encode(const struct inode *i, u32 links, struct ext2_disk_inode *d, bool extra)
{
	const struct ext2_node *n = i->disk;
	u64 size = size_of(i);

	d->mode = (u16)i->mode;
	d->uid = (u16)i->uid;
	d->uid_high = (u16)(i->uid >> 16);
	d->gid = (u16)i->gid;
	d->gid_high = (u16)(i->gid >> 16);
	d->links = (u16)links;
	d->size = (u32)size;
	if (i->object)
		d->size_high = (u32)(size >> 32);
	encode_time(i->atime, &d->atime, extra ? &d->atime_extra : NULL);
	encode_time(i->mtime, &d->mtime, extra ? &d->mtime_extra : NULL);
	encode_time(i->ctime, &d->ctime, extra ? &d->ctime_extra : NULL);
	if (extra)
		encode_time(i->btime, &d->btime, &d->btime_extra);
	d->dtime = 0;
	d->sectors = n->sectors;
	d->flags = n->flags;
	d->attr_block = n->attr_block;
	memcpy(d->slots, n->slots, sizeof(d->slots));
}

int ext2_inode_store(struct inode *i, u32 links)
{
	struct ext2_node *n = i->disk;
	struct ext2_super *s = n->s;
	struct ext2_disk_inode *d, new;
	size_t bytes = MIN(sizeof(new), (size_t)s->inode_bytes);
	u32 block;
	int err = s->readonly ? -EROFS : ext2_locate(s, n->ino, &d, &block);

	if (err)
		return err;
	memcpy(&new, d, bytes);
	encode(i, links, &new, has_extra(s, d));
	if (size_of(i) > INT32_MAX && i->object)
		s->disk_super->ro_compat |= EXT2_RO_LARGE_FILE;
	if (memcmp(&new, d, bytes) != 0) {
		memcpy(d, &new, bytes);
		ext2_dirty(s, block);
	}
	return 0;
}

void ext2_inode_attr(struct inode *i, struct file_attr *out)
{
	struct ext2_super *s = ext2_of(i->super);

	out->blksize = s->block_bytes;
	out->blocks = __atomic_load_n(&i->disk->sectors, __ATOMIC_RELAXED);
}

/* Attributes go to the disk when the inode does. */
int ext2_inode_change(struct inode *i, const struct inode_change *c)
{
	(void)c;
	return ext2_may_change(i->disk->s);
}
