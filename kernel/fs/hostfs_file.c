/* SPDX-License-Identifier: MIT */
/*
 * Contents of the host's files: pages of a memory object that are read when they are touched, by read(2), by a mapping or
 * by the program loader. All else is as in tmpfs.
 *
 * How much comes at once: a small file whole; else an aligned piece of 32 pages for a touch somewhere, and twice as much as
 * the last time, up to what a request can carry, for one where the last piece ended.
 */
#include <asm/errno.h>
#include <linux/falloc.h>
#include <linux/fcntl.h>
#include <moat/string.h>
#include "hostfs.h"
#include "tmpfs.h"

#define SMALL_PAGES 64
#define RUN_PAGES   32u

static u64 below_end(const struct host_node *node)
{
	return __atomic_load_n(&node->below_end, __ATOMIC_ACQUIRE);
}

/* A file that may only be read is in a writable share like one that may be written until somebody does. */
static int open_there(struct host_node *node)
{
	int err = node->super->writable ? ninep_open(&node->super->ninep, node->fid, O_RDWR) : -EROFS;

	node->writes = !err;
	return err && err != -EINTR ? ninep_open(&node->super->ninep, node->fid, O_RDONLY) : err;
}

int host_node_open(struct host_node *node)
{
	int err = 0;

	if (__atomic_load_n(&node->opened, __ATOMIC_ACQUIRE))
		return 0;
	mutex_lock(&node->open_lock);
	if (!node->opened) {
		/* What has its name now may be another file. */
		err = __atomic_load_n(&node->nameless, __ATOMIC_ACQUIRE) ? -ENOENT : open_there(node);
		if (!err)
			__atomic_store_n(&node->opened, true, __ATOMIC_RELEASE);
	}
	mutex_unlock(&node->open_lock);
	return err;
}

/* ---- pages ---- */

struct range host_file_window(struct mobj *obj, u64 index)
{
	struct host_node *node = obj->owner;
	u64 pages = ALIGN_UP(below_end(node), PAGE_SIZE) >> PAGE_SHIFT, start = index;

	/* Behind what lies below there are only zeros, and nothing comes along with the wanted one. */
	if (index >= pages)
		return (struct range){index, index + 1};
	if (pages <= SMALL_PAGES)
		return (struct range){0, pages};
	if (index == node->next_index) {
		node->run_pages = MIN(MAX(node->run_pages, RUN_PAGES) * 2, (u32)MOBJ_FILL_MAX);
		mobj_read_on(obj, index);
	} else {
		node->run_pages = RUN_PAGES;
		start = ALIGN_DOWN(index, RUN_PAGES);
	}
	node->next_index = MIN(start + node->run_pages, pages);
	return (struct range){start, node->next_index};
}

/* Reads `want` bytes from `offset` into the pages; *got: bytes until the file ended. */
static int read_pages(struct host_node *node, u64 offset, struct page *const pages[], u64 want, u64 *got)
{
	*got = 0;
	while (*got < want) {
		/* A short read may end inside a page: that one is read again, which tells whether the file ends there. */
		u64 whole = ALIGN_DOWN(*got, PAGE_SIZE);
		s64 n = ninep_read(&node->super->ninep, node->fid, offset + whole,
				   pages + (whole >> PAGE_SHIFT), 0, (u32)(want - whole));

		if (n < 0)
			return (int)n;
		if (whole + (u64)n <= *got)
			return 0;
		*got = whole + (u64)n;
	}
	return 0;
}

static void clear_from(struct page *const pages[], u64 at, u64 end)
{
	while (at < end) {
		u64 in_page = at % PAGE_SIZE, n = MIN(end - at, PAGE_SIZE - in_page);

		memset((u8 *)page_address(pages[at >> PAGE_SHIFT]) + in_page, 0, n);
		at += n;
	}
}

int host_file_fill(struct mobj *obj, u64 first, struct page *const pages[], unsigned n)
{
	struct host_node *node = obj->owner;
	u64 start = first << PAGE_SHIFT, end = below_end(node), got = 0;
	int err = 0;

	if (start < end) {
		err = host_node_open(node);
		if (!err)
			err = read_pages(node, start, pages, MIN(end - start, (u64)n << PAGE_SHIFT), &got);
	}
	if (!err)
		clear_from(pages, got, (u64)n << PAGE_SHIFT);
	return err;
}

s64 host_file_read(struct mobj *obj, u64 offset, struct page *const pages[], u32 in_page, u32 bytes)
{
	struct host_node *node = obj->owner;
	u64 end = below_end(node);
	int err = offset < end ? host_node_open(node) : 0;

	if (err || offset >= end)
		return err;
	bytes = (u32)MIN(bytes, end - offset);
	return ninep_read(&node->super->ninep, node->fid, offset, pages, in_page, bytes);
}

void host_object_destroy(struct mobj *obj)
{
	host_node_free(obj->owner);
}

const struct mobj_ops host_object_ops = {
	.window = host_file_window,
	.fill = host_file_fill,
	.read = host_file_read,
	.destroy = host_object_destroy,
};

/* ---- files ---- */

/* So that a file of the host that cannot be read says so when it is opened. */
static int file_open(struct file *f)
{
	struct host_node *node = f->inode->host;

	return below_end(node) > 0 ? host_node_open(node) : 0;
}

const struct file_ops host_file_ops = {
	.open = file_open,
	.read = tmpfs_read,
	.write = tmpfs_write,
	.seek = tmpfs_seek,
	.map = tmpfs_map,
	.fsync = tmpfs_fsync,
};

/* What was cut off is gone, also when the file grows again. inode->lock held. */
int host_file_resize(struct inode *i, u64 size_bytes)
{
	u64 end = below_end(i->host);

	mobj_note_change(i->object);
	/* First: a page that a fault brings back before the object has shrunk is one of zeros, and goes with the rest. */
	if (size_bytes < end)
		__atomic_store_n(&i->host->below_end, size_bytes, __ATOMIC_RELEASE);
	return mobj_resize(i->object, size_bytes);
}

/* A hole in what lies below cannot be remembered. */
static int file_allocate(struct inode *i, u32 mode, struct range bytes)
{
	if ((mode & FALLOC_FL_PUNCH_HOLE) && bytes.start < below_end(i->host))
		return -EOPNOTSUPP;
	return tmpfs_allocate(i, mode, bytes);
}

/* The node stays with the memory object. */
void host_file_destroy_inode(struct inode *i)
{
	if (i->host)
		host_links_forget(i->host);
}

const struct inode_ops host_regular_ops = {
	.resize = host_file_resize,
	.allocate = file_allocate,
	.destroy = host_file_destroy_inode,
};
