/* SPDX-License-Identifier: MIT */
/*
 * Folders of the host that the program may write to. Whatever changes, changes on the host first, before the call returns;
 * then in the tree and the cache, which are kept as in hostfs.c. So what a call has done outlives the machine as far as the
 * host's own files do; fsync asks the host for more.
 *
 *     names         under the tree lock, by the operations of the super (hostfs_names.c)
 *     attributes    under the inode's lock (change)
 *     write(2)      into the pages, then the pages, from the first one's start, to the host
 *     mappings      nobody tells when they are written: all pages of a file that was mapped from a description that may
 *                   write go to the host at msync, fsync and when that description goes, which is after the mapping
 *
 * A page is given up only while nothing but write(2) can have changed it.
 */
#include <asm/errno.h>
#include <linux/falloc.h>
#include <linux/fcntl.h>
#include "hostfs.h"
#include "tmpfs.h"

static struct ninep *session(const struct host_node *node)
{
	return &node->super->ninep;
}

static struct host_super *super_of(const struct inode *i)
{
	return (struct host_super *)i->super;
}

/* ---- attributes ---- */

/*
 * Bits that let whoever executes a file act as its owner stay in the machine: on the host they would reach further than the
 * folder. A file without a name is found by nobody there, and the server would take its old name for it, whoever has that now.
 */
static int change(struct inode *i, const struct inode_change *c)
{
	struct host_super *s = super_of(i);
	struct inode_change there = *c;

	if (i->host->nameless)
		return i->host->elsewhere ? -ENOENT : 0;
	if (!inode_is_dir(i))
		there.mode &= ~(u32)(S_ISUID | S_ISGID);
	if (c->uid == 0)
		there.uid = s->own_uid;
	if (c->gid == 0)
		there.gid = s->own_gid;
	return ninep_setattr(&s->ninep, i->host->name_fid, &there);
}

/* Without a name it cannot be made shorter on the host: from then on its contents are those in memory. inode->lock held. */
static int resize_nameless(struct inode *i, u64 size_bytes)
{
	if (i->host->elsewhere)
		return -ENOENT;
	if (size_bytes < i->host->below_end)
		i->host->kept = true;
	return host_file_resize(i, size_bytes);
}

/* Behind the end of what lies below there is nothing: the host has it all. */
static int resize(struct inode *i, u64 size_bytes)
{
	int err;

	if (i->host->nameless)
		return resize_nameless(i, size_bytes);
	err = change(
		i, &(struct inode_change){.what = CHANGE_SIZE, .uid = 1, .gid = 1, .size_bytes = size_bytes});

	if (!err)
		err = host_file_resize(i, size_bytes);
	if (!err)
		__atomic_store_n(&i->host->below_end, size_bytes, __ATOMIC_RELEASE);
	return err;
}

/* Room on the host is not reserved; the size is set. */
static int allocate(struct inode *i, u32 mode, struct range bytes)
{
	if (mode & ~(u32)FALLOC_FL_KEEP_SIZE)
		return -EOPNOTSUPP;
	if (mode & FALLOC_FL_KEEP_SIZE || bytes.end <= i->object->size_bytes)
		return 0;
	return resize(i, bytes.end);
}

const struct inode_ops host_write_ops = {
	.fetch = host_dir_fetch,
	.change = change,
	.destroy = host_inode_destroy,
};

const struct inode_ops host_write_regular_ops = {
	.resize = resize,
	.allocate = allocate,
	.change = change,
	.destroy = host_file_destroy_inode,
};

/* ---- contents ---- */

enum send_flags {
	SEND_MUST_FINISH = 1 << 0, /* also when the thread is to die */
};

/* Sends n pages that belong to [offset, offset + bytes); a short write goes on with the page where it ended. */
static int send_run(struct host_node *node, u64 offset, struct page *const pages[], u64 bytes, unsigned flags)
{
	u64 done = 0;

	while (done < bytes) {
		u64 whole = ALIGN_DOWN(done, PAGE_SIZE);
		s64 n = ninep_write(session(node), node->fid, offset + whole, pages + (whole >> PAGE_SHIFT),
				    (u32)(bytes - whole), flags & SEND_MUST_FINISH);

		if (n < 0)
			return (int)n;
		if (whole + (u64)n <= done)
			return -EIO;
		done = whole + (u64)n;
	}
	return 0;
}

/* Sends those of the pages from `index` on that are there, 64 at most, up to the end of the file. */
static int send_pages(struct host_node *node, struct mobj *obj, u64 index, unsigned n, unsigned flags)
{
	struct page *pages[RADIX_SLOTS];
	u64 size;
	int err = 0;

	mobj_pages_present(obj, index, n, pages);
	size = __atomic_load_n(&obj->size_bytes, __ATOMIC_ACQUIRE);
	for (unsigned from = 0, to; from < n && !err; from = to) {
		u64 start = (index + from) << PAGE_SHIFT;

		for (to = from; to < n && pages[to]; to++)
			;
		if (to > from && start < size)
			err = send_run(node, start, pages + from,
				       MIN(size - start, (u64)(to - from) << PAGE_SHIFT), flags);
		to += to == from;
	}
	for (unsigned i = 0; i < n; i++) {
		if (pages[i])
			frame_put(pages[i]);
	}
	return err;
}

/* Sends what is in memory of [start, end). */
static int send_range(struct host_node *node, struct mobj *obj, struct range bytes, unsigned flags)
{
	u64 index = bytes.start >> PAGE_SHIFT;
	u64 end = ALIGN_UP(MIN(bytes.end, obj->size_bytes), PAGE_SIZE) >> PAGE_SHIFT;
	int err = 0;

	/* From page to page, since the size may be any, and holes as large. */
	for (; !err && mobj_next_page(obj, &index) && index < end; index += RADIX_SLOTS) {
		err = send_pages(node, obj, index, (unsigned)MIN(end - index, (u64)RADIX_SLOTS), flags);
		waitq_give_way();
	}
	return err;
}

static bool was_mapped(const struct host_node *node)
{
	return __atomic_load_n(&node->mapped, __ATOMIC_ACQUIRE);
}

static int object_sync(struct mobj *obj, struct range bytes)
{
	struct host_node *node = obj->owner;

	return was_mapped(node) ? send_range(node, obj, bytes, 0) : 0;
}

const struct mobj_ops host_write_object_ops = {
	.window = host_file_window,
	.fill = host_file_fill,
	.read = host_file_read,
	.sync = object_sync,
	.destroy = host_object_destroy,
};

static int file_open(struct file *f)
{
	struct host_node *node = f->inode->host;
	int err = host_node_open(node);

	return !err && file_writable(f) && !node->writes ? -EACCES : err;
}

/* After all of it is on the host: pages that only write(2) has changed can be given up again. inode->lock held. */
static void note_sent(struct mobj *obj, const struct host_node *node)
{
	spin_lock(&obj->maps_lock);
	if (!obj->writable_maps && !was_mapped(node))
		__atomic_store_n(&obj->changed, false, __ATOMIC_RELEASE);
	spin_unlock(&obj->maps_lock);
}

/* inode->lock held. */
static ssize_t file_write(struct file *f, struct uio *u, u64 *offset)
{
	struct host_node *node = f->inode->host;
	struct mobj *obj = f->inode->object;
	u64 start = *offset;
	ssize_t n = tmpfs_write(f, u, offset);
	int err;

	if (n <= 0 || node->kept)
		return n;
	err = send_range(node, obj, (struct range){start, *offset}, 0);
	if (err) {
		*offset = start;
		return err;
	}
	if (*offset > node->below_end)
		__atomic_store_n(&node->below_end, *offset, __ATOMIC_RELEASE);
	note_sent(obj, node);
	return n;
}

static struct mobj *file_map(struct file *f, int *err)
{
	if (file_writable(f))
		__atomic_store_n(&f->inode->host->mapped, true, __ATOMIC_RELEASE);
	return tmpfs_map(f, err);
}

static int file_fsync(struct file *f)
{
	struct host_node *node = f->inode->host;
	int err = object_sync(f->inode->object, (struct range){0, UINT64_MAX});

	return err ? err : ninep_fsync(session(node), node->fid);
}

/* The last look at what was written through mappings: they are gone by now. */
static void file_release(struct file *f)
{
	struct host_node *node = f->inode->host;

	if (file_writable(f) && was_mapped(node))
		(void)send_range(node, f->inode->object, (struct range){0, UINT64_MAX}, SEND_MUST_FINISH);
}

const struct file_ops host_write_file_ops = {
	.open = file_open,
	.read = tmpfs_read,
	.write = file_write,
	.seek = tmpfs_seek,
	.map = file_map,
	.fsync = file_fsync,
	.release = file_release,
};
