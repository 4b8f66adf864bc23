/* SPDX-License-Identifier: MIT */
/*
 * Mounting a disk, and bringing all of it up to date: at sync(2), every few seconds, and at the end.
 *
 * Nothing in the superblock is believed before it is checked against the size of the disk and the other numbers. What a disk
 * may have that is not known here: a `compat` feature is of no concern, with an `ro_compat` one it is read only, with an
 * `incompat` one it is refused.
 *
 * The order of a sync: pages of files, inodes, then all blocks in memory, then the device's own cache. While a disk is mounted
 * for writing it is marked as not clean; disk_unmount_all marks it as clean again.
 */
#include <asm/errno.h>
#include <moat/heap.h>
#include <moat/log.h>
#include <moat/string.h>
#include "ext2.h"
#include "mount.h"
#include "names.h"

#define WINDOW_PAGES 8

static LIST_HEAD(, block_device) devices = LIST_HEAD_INITIALIZER(devices); /* [I after boot] */
static TAILQ_HEAD(, ext2_super) mounted = TAILQ_HEAD_INITIALIZER(mounted); /* [I after boot] */

void block_register(struct block_device *d)
{
	LIST_INSERT_HEAD(&devices, d, link);
}

struct block_device *block_find(const char *name)
{
	struct block_device *d;

	LIST_FOREACH (d, &devices, link) {
		if (strcmp(d->name, name) == 0)
			return d;
	}
	return NULL;
}

/* ---- the object that blocks are in ---- */

static struct range meta_window(struct mobj *obj, u64 index)
{
	u64 start = ALIGN_DOWN(index, WINDOW_PAGES), end = ALIGN_UP(obj->size_bytes, PAGE_SIZE) >> PAGE_SHIFT;

	return (struct range){start, MIN(start + WINDOW_PAGES, MAX(end, index + 1))};
}

static int meta_fill(struct mobj *obj, u64 first, struct page *const pages[], unsigned n)
{
	struct ext2_super *s = obj->owner;
	u64 end = obj->size_bytes, at = first << PAGE_SHIFT;
	struct block_piece pieces[WINDOW_PAGES];
	unsigned count = 0;

	for (unsigned i = 0; i < n; i++, at += PAGE_SIZE) {
		u64 bytes = at < end ? MIN(end - at, PAGE_SIZE) : 0;

		if (bytes < PAGE_SIZE)
			memset(page_address(pages[i]), 0, PAGE_SIZE);
		if (bytes)
			pieces[count++] = (struct block_piece){pages[i], 0, (u32)bytes};
	}
	return count ? s->disk->ops->transfer(s->disk, BLOCK_READ, (first << PAGE_SHIFT) / BLOCK_SECTOR,
					      pieces, count)
		     : 0;
}

static const struct mobj_ops meta_ops = {.window = meta_window, .fill = meta_fill};

/* ---- mounting ---- */

static int read_super(struct block_device *disk, struct ext2_disk_super *out)
{
	struct page *page = frame_alloc(0, 0, FRAME_KERNEL);
	struct block_piece piece = {page, 0, sizeof(*out)};
	int err = -ENOMEM;

	if (page && disk->sectors < (EXT2_SUPER_AT + sizeof(*out)) / BLOCK_SECTOR)
		err = -EINVAL;
	else if (page)
		err = disk->ops->transfer(disk, BLOCK_READ, EXT2_SUPER_AT / BLOCK_SECTOR, &piece, 1);
	if (!err)
		memcpy(out, page_address(page), sizeof(*out));
	if (page)
		frame_put(page);
	return err;
}

static bool is_power_of_2(u32 x)
{
	return x && !(x & (x - 1));
}

/* What makes the disk none that can be mounted, or NULL. */
static const char *judge(const struct ext2_disk_super *d, u64 sectors)
{
	u32 bits = 8192u << MIN(d->log_block_size, 2u);

	if (d->magic != EXT2_MAGIC)
		return "not an ext2 file system";
	if (d->revision > 1 || (d->revision && (d->incompat & ~EXT2_INCOMPAT_FILETYPE)))
		return "uses features that ext2 does not have (ext3 that was not unmounted, or ext4)";
	if (d->log_block_size > 2)
		return "its blocks are larger than 4096 bytes";
	if (d->revision && (!is_power_of_2(d->inode_bytes) || d->inode_bytes < EXT2_OLD_INODE_BYTES ||
			    d->inode_bytes > 1024u << d->log_block_size))
		return "its inodes have an odd size";
	if (d->blocks_count > sectors >> (1 + d->log_block_size))
		return "it is larger than its disk";
	if (d->first_data_block != (d->log_block_size == 0) || d->blocks_count <= d->first_data_block + 1 ||
	    d->blocks_per_group < 8 || d->blocks_per_group > bits || d->inodes_per_group < 8 ||
	    d->inodes_per_group > bits)
		return "its superblock makes no sense";
	if (d->revision && (d->first_inode < 3 || d->first_inode > d->inodes_count))
		return "its superblock makes no sense";
	return NULL;
}

/* Everything that counts on is within the disk? Lock held. */
static bool groups_make_sense(struct ext2_super *s)
{
	u32 table = (u32)(((u64)s->inodes_per_group * s->inode_bytes + s->block_bytes - 1) >> s->block_shift);
	struct ext2_disk_group *g;

	for (u32 i = 0; i < s->groups; i++) {
		if (ext2_group(s, i, &g) || !ext2_is_data_block(s, g->block_bitmap) ||
		    !ext2_is_data_block(s, g->inode_bitmap) || !ext2_is_data_block(s, g->inode_table) ||
		    table > s->blocks_count - g->inode_table)
			return false;
		waitq_give_way();
	}
	return true;
}

static void take_numbers(struct ext2_super *s, const struct ext2_disk_super *d)
{
	s->block_shift = 10 + d->log_block_size;
	s->block_bytes = 1u << s->block_shift;
	s->blocks_count = d->blocks_count;
	s->first_data_block = d->first_data_block;
	s->blocks_per_group = d->blocks_per_group;
	s->inodes_per_group = d->inodes_per_group;
	s->groups = (d->blocks_count - d->first_data_block + d->blocks_per_group - 1) / d->blocks_per_group;
	s->inodes_count = (u32)MIN((u64)s->groups * s->inodes_per_group, (u64)d->inodes_count);
	s->group_table = d->first_data_block + 1;
	s->group_blocks =
		(u32)((s->groups * sizeof(struct ext2_disk_group) + s->block_bytes - 1) >> s->block_shift);
	s->inode_bytes = d->revision ? d->inode_bytes : EXT2_OLD_INODE_BYTES;
	s->first_inode = d->revision ? d->first_inode : 11;
	s->filetype = d->revision && (d->incompat & EXT2_INCOMPAT_FILETYPE);
	s->readonly = s->disk->readonly ||
		      (d->revision && (d->ro_compat & ~(EXT2_RO_SPARSE_SUPER | EXT2_RO_LARGE_FILE)));
}

static struct ext2_super *super_create(struct block_device *disk, const struct ext2_disk_super *d)
{
	struct ext2_super *s = kzalloc(sizeof(*s));

	if (!s)
		return NULL;
	s->disk = disk;
	take_numbers(s, d);
	s->super = (struct super){
		.ops = s->readonly ? &ext2_readonly_super_ops : &ext2_super_ops,
		.type = "ext2",
		.dev = mount_new_dev(),
		.next_ino = 1,
	};
	mutex_init(&s->lock, RANK_DISK);
	waitq_init(&s->gone);
	TAILQ_INIT(&s->nodes);
	for (unsigned i = 0; i < EXT2_HASH; i++)
		LIST_INIT(&s->hash[i]);
	radix_init(&s->dirty, heap_node_alloc, heap_node_free);
	s->meta = mobj_create(&meta_ops, s);
	s->disk_super = kmalloc(sizeof(*s->disk_super));
	if (!s->meta || !s->disk_super)
		return NULL; /* a boot that has failed may lose some bytes */
	*s->disk_super = *d;
	s->meta->size_bytes = (u64)s->blocks_count << s->block_shift;
	mobj_note_change(s->meta); /* its pages are given up here only */
	return s;
}

/* From now on the disk is in use. */
static int begin(struct ext2_super *s)
{
	struct ext2_disk_super *d = s->disk_super;
	int err;

	ext2_lock(s);
	err = groups_make_sense(s) ? 0 : ext2_corrupt(s, "the table of groups makes no sense", s->groups);
	if (!err && !s->readonly) {
		if (!(d->state & EXT2_STATE_VALID) || (d->state & EXT2_STATE_ERROR))
			log_printf("ext2: %s was not unmounted cleanly: e2fsck is recommended\n",
				   s->disk->name);
		d->state &= (u16)~EXT2_STATE_VALID;
		d->mount_count++;
		d->mount_time = d->write_time = (u32)timestamp_now().sec;
		err = ext2_write_meta(s);
	}
	ext2_unlock(s);
	return err;
}

static int attach(struct ext2_super *s, const char *path)
{
	struct fs_context *ctx = fs_context_create();
	struct dentry *point = NULL;
	struct inode *root = NULL;
	int err = ctx ? vfs_make_path(ctx, path) : -ENOMEM;

	if (!err) {
		struct fs_at where = fs_at(ctx, NULL, path, FS_FOLLOW);

		err = vfs_lookup(&where, &point);
	}
	if (!err)
		err = ext2_inode_get(s, EXT2_ROOT_INO, &root);
	if (!err && !inode_is_dir(root))
		err = ext2_corrupt(s, "the root is no directory", EXT2_ROOT_INO);
	if (!err) {
		root->disk->placed = true;
		err = mount_attach(&s->super, root, point);
	}
	if (err)
		inode_put(root);
	dentry_put(point);
	fs_context_put(ctx);
	return err;
}

/* Reads the superblock and judges it; the file system that it describes. */
static int open_disk(struct block_device *device, const char **why, struct ext2_super **out)
{
	struct ext2_disk_super *d = kmalloc(sizeof(*d));
	int err = -ENOMEM;

	*why = "cannot be read";
	if (d)
		err = read_super(device, d);
	if (!err) {
		*why = judge(d, device->sectors);
		err = *why ? -EINVAL : 0;
	}
	if (!err) {
		*why = "no memory";
		*out = super_create(device, d);
		err = *out ? 0 : -ENOMEM;
	}
	kfree(d);
	return err;
}

int disk_mount(const struct disk *disk, const char **why)
{
	struct block_device *device = block_find(disk->name);
	struct ext2_super *s;
	int err;

	*why = "there is no such disk";
	if (!device)
		return -ENODEV;
	err = open_disk(device, why, &s);
	if (err)
		return err;
	*why = "it is damaged (e2fsck may help)";
	err = begin(s);
	if (!err)
		err = attach(s, disk->path);
	if (!err)
		TAILQ_INSERT_TAIL(&mounted, s, link);
	return err;
}

/* ---- up to date ---- */

/* What is in memory of the metadata goes to the disk, and stays there. */
static int write_all(struct ext2_super *s)
{
	int err;

	if (s->readonly)
		return 0;
	ext2_lock(s);
	err = ext2_write_meta(s);
	ext2_unlock(s);
	return err ? err : s->disk->ops->transfer(s->disk, BLOCK_FLUSH, 0, NULL, 0);
}

int ext2_sync_node(struct ext2_node *n)
{
	struct ext2_super *s = n->s;
	int err = 0;

	ext2_lock(s);
	if (n->inode && n->inode->nlink && !s->readonly)
		err = ext2_inode_store(n->inode, n->inode->nlink);
	ext2_unlock(s);
	return err ? err : write_all(s);
}

int ext2_sync_inode(struct inode *i)
{
	return ext2_sync_node(i->disk);
}

/* The next inode that this walk has not seen, with a reference; NULL: all were seen. */
static struct inode *next_inode(struct ext2_super *s, u64 walk)
{
	struct inode *found = NULL;
	struct ext2_node *n;

	ext2_lock(s);
	while (!found && (n = TAILQ_FIRST(&s->nodes)) && n->walk != walk) {
		n->walk = walk;
		TAILQ_REMOVE(&s->nodes, n, link);
		TAILQ_INSERT_TAIL(&s->nodes, n, link);
		if (n->inode->nlink)
			(void)ext2_inode_store(n->inode, n->inode->nlink);
		if (n->dirty.count || __atomic_load_n(&n->mapped, __ATOMIC_ACQUIRE))
			found = ref_get_unless_zero(&n->inode->refs) ? n->inode : NULL;
	}
	ext2_unlock(s);
	return found;
}

int ext2_sync(struct super *super)
{
	struct ext2_super *s = ext2_of(super);
	struct inode *i;
	u64 walk;
	int err = 0, end;

	ext2_lock(s);
	walk = ++s->walk;
	ext2_unlock(s);
	while ((i = next_inode(s, walk))) {
		int failed = ext2_flush(i->disk, i->object);

		/* Pages may have got blocks. */
		ext2_lock(s);
		if (!failed && i->nlink)
			failed = ext2_inode_store(i, i->nlink);
		ext2_unlock(s);
		err = err ? err : failed;
		inode_put(i);
	}
	end = write_all(s);
	return err ? err : end;
}

bool disk_any(void)
{
	struct ext2_super *s;

	TAILQ_FOREACH (s, &mounted, link) {
		if (!s->readonly)
			return true;
	}
	return false;
}

int disk_sync_all(void)
{
	struct ext2_super *s;
	int err = 0;

	TAILQ_FOREACH (s, &mounted, link) {
		if (!s->readonly && !err)
			err = ext2_sync(&s->super);
	}
	return err;
}

static int unmount(struct ext2_super *s)
{
	int err = ext2_sync(&s->super);

	if (err)
		return err;
	ext2_lock(s);
	s->disk_super->state |= s->failed ? EXT2_STATE_ERROR : EXT2_STATE_VALID;
	s->disk_super->write_time = (u32)timestamp_now().sec;
	ext2_unlock(s);
	return write_all(s);
}

int disk_unmount_all(void)
{
	struct ext2_super *s;
	int err = 0;

	TAILQ_FOREACH (s, &mounted, link) {
		if (!s->readonly && unmount(s))
			err = -EIO;
	}
	return err;
}
