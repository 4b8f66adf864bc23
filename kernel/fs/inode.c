/* SPDX-License-Identifier: MIT */
/*
 * Inodes: a file apart from its names. This file owns their life, their times and what stat(2) says of them.
 *
 * An inode lives while somebody holds a reference: each dentry and each open file has one. nlink counts names
 * on the file system and decides nothing about memory. Attributes change under inode->lock.
 */
#include <asm/errno.h>
#include <linux/fcntl.h>
#include <arch/timer.h>
#include <moat/heap.h>
#include <moat/string.h>
#include "mount.h"
#include "notify.h"

enum {
	DIRENT_BYTES = 20, /* what tmpfs counts for a name in the size of a directory */
	BLOCK_BYTES = 512,
	ANON_DEV = 15, /* st_dev of what has no file system */
};

#define FILE_TICK_NS 4000000ull /* as the coarse clocks */
#define NS_PER_SEC   1000000000ull
#define SEC_PER_DAY  86400

static u64 next_anon_ino = 1; /* [a] */

/* Whole ticks, as on Linux: what is done to a file in one go has one time. */
struct timestamp timestamp_now(void)
{
	u64 ns = clock_realtime_ns() / FILE_TICK_NS * FILE_TICK_NS;

	return (struct timestamp){(s64)(ns / NS_PER_SEC), (u32)(ns % NS_PER_SEC)};
}

struct inode *inode_create(struct super *s, const struct inode_seed *seed)
{
	struct inode *i = kzalloc(sizeof(*i));

	if (!i)
		return NULL;
	ref_init(&i->refs, 1);
	mutex_init(&i->lock, RANK_INODE);
	i->super = s;
	i->ino = __atomic_fetch_add(s ? &s->next_ino : &next_anon_ino, 1, __ATOMIC_RELAXED);
	i->mode = seed->mode;
	i->uid = seed->uid;
	i->gid = seed->gid;
	i->rdev = seed->rdev;
	i->atime = i->mtime = i->ctime = i->btime = timestamp_now();
	LIST_INIT(&i->locks);
	if (s)
		__atomic_fetch_add(&s->inodes, 1, __ATOMIC_RELAXED);
	return i;
}

int super_create_inode(struct super *s, const struct inode_seed *seed, struct inode **out)
{
	return s->ops->create ? s->ops->create(s, seed, out) : -EROFS;
}

struct inode *inode_create_anon(u32 mode, u32 rdev)
{
	struct inode_seed seed = {.mode = mode, .rdev = rdev};
	struct inode *i = inode_create(NULL, &seed);

	if (i)
		i->nlink = 1;
	return i;
}

struct inode *inode_create_own(u32 mode)
{
	struct fs_ids me = fs_ids(NULL);
	struct inode *i = inode_create_anon(mode, 0);

	if (i) {
		i->uid = me.uid;
		i->gid = me.gid;
	}
	return i;
}

void inode_get(struct inode *i)
{
	ref_get(&i->refs);
}

void inode_put(struct inode *i)
{
	struct super *s = i ? i->super : NULL;

	if (!i || !ref_put(&i->refs))
		return;
	notify_gone(i);
	DEBUG_ASSERT(LIST_EMPTY(&i->locks));
	if (i->ops && i->ops->destroy)
		i->ops->destroy(i);
	if (i->object)
		mobj_put(i->object);
	dentry_put(i->jump);
	xattrs_drop(i);
	kfree(i->target);
	kfree(i);
	if (s && __atomic_sub_fetch(&s->inodes, 1, __ATOMIC_ACQ_REL) == 0 && s->on_heap && s->detached) {
		kfree(s->source);
		kfree(s);
	}
}

void inode_touch_locked(struct inode *i, unsigned what)
{
	struct timestamp now = timestamp_now();

	DEBUG_ASSERT(mutex_is_held(&i->lock));
	if (what & TOUCH_ACCESS)
		i->atime = now;
	if (what & TOUCH_MODIFY)
		i->mtime = now;
	if (what & TOUCH_CHANGE)
		i->ctime = now;
}

void inode_touch(struct inode *i, unsigned what)
{
	mutex_lock(&i->lock);
	inode_touch_locked(i, what);
	mutex_unlock(&i->lock);
}

static bool not_after(struct timestamp a, struct timestamp b)
{
	return a.sec < b.sec || (a.sec == b.sec && a.nsec <= b.nsec);
}

/*
 * relatime (mount(8)): the access time moves when it is not later than a change, or a day old. Read without
 * the lock: a race costs at most one update of the access time.
 */
void file_accessed(const struct file *f)
{
	u64 flags = f->dentry ? dentry_mount_flags(f->dentry) : 0;
	struct inode *i = f->inode;
	struct timestamp now;

	if ((f->flags & O_NOATIME) || (flags & (MOUNT_RDONLY | MOUNT_NOATIME)) ||
	    (inode_is_dir(i) && (flags & MOUNT_NODIRATIME)))
		return;
	if (!(flags & MOUNT_STRICTATIME) && !not_after(i->atime, i->mtime) &&
	    !not_after(i->atime, i->ctime)) {
		now = timestamp_now();
		if (now.sec - i->atime.sec < SEC_PER_DAY)
			return;
	}
	inode_touch(i, TOUCH_ACCESS);
}

void inode_add_links(struct inode *i, int by)
{
	__atomic_fetch_add(&i->nlink, (u32)by, __ATOMIC_RELAXED);
	inode_touch(i, TOUCH_CHANGE);
}

int inode_begin_write(struct inode *i)
{
	s32 n = __atomic_load_n(&i->writers, __ATOMIC_RELAXED);

	do {
		if (n < 0)
			return -ETXTBSY;
	} while (!__atomic_compare_exchange_n(&i->writers, &n, n + 1, false, __ATOMIC_ACQ_REL,
					      __ATOMIC_RELAXED));
	return 0;
}

void inode_end_write(struct inode *i)
{
	__atomic_fetch_sub(&i->writers, 1, __ATOMIC_RELEASE);
}

int vfs_deny_write(struct file *f)
{
	s32 n = __atomic_load_n(&f->inode->writers, __ATOMIC_RELAXED);

	do {
		if (n > 0)
			return -ETXTBSY;
	} while (!__atomic_compare_exchange_n(&f->inode->writers, &n, n - 1, false, __ATOMIC_ACQ_REL,
					      __ATOMIC_RELAXED));
	return 0;
}

void vfs_allow_write(struct file *f)
{
	__atomic_fetch_add(&f->inode->writers, 1, __ATOMIC_RELEASE);
}

static u64 size_of(const struct inode *i)
{
	if (i->object)
		return __atomic_load_n(&i->object->size_bytes, __ATOMIC_ACQUIRE);
	if (i->private)
		return 0; /* what is made when it is read has no size yet */
	if (i->target)
		return strlen(i->target);
	if (i->dir_bytes)
		return i->dir_bytes; /* names come to be known one by one: not a change of the directory */
	if (inode_is_dir(i))
		return (u64)DIRENT_BYTES * (2 + i->entries);
	return 0;
}

/* What fstat shows of a stream without an inode: the end of a pipe. */
static void stream_attr(struct file_attr *out)
{
	*out = (struct file_attr){
		.ino = 1,
		.dev = ANON_DEV,
		.mode = S_IFIFO | 0600,
		.nlink = 1,
		.blksize = PAGE_SIZE,
	};
}

void inode_attr(struct inode *i, struct file_attr *out)
{
	if (!i) {
		stream_attr(out);
		return;
	}
	*out = (struct file_attr){
		.ino = i->ino,
		.dev = i->super ? i->super->dev : ANON_DEV,
		.rdev = i->rdev,
		.nlink = i->nlink,
		.blksize = PAGE_SIZE,
		.size_bytes = size_of(i),
		.blocks = i->object ? mobj_resident_pages(i->object) * (PAGE_SIZE / BLOCK_BYTES) : 0,
		.btime = i->btime,
	};
	if (i->ops && i->ops->attr)
		i->ops->attr(i, out);
	mutex_lock(&i->lock);
	out->mode = i->mode;
	out->uid = i->uid;
	out->gid = i->gid;
	out->atime = i->atime;
	out->mtime = i->mtime;
	out->ctime = i->ctime;
	mutex_unlock(&i->lock);
}

void vfs_facts(const struct file *f, struct file_facts *out)
{
	const struct inode *i = f->inode;

	*out = (struct file_facts){.mode = S_IFIFO | 0600};
	if (i)
		*out = (struct file_facts){size_of(i), i->mode, i->uid, i->gid};
}

void inode_fs_facts(const struct inode *i, struct fs_facts *out)
{
	*out = (struct fs_facts){.block_size = PAGE_SIZE, .name_max = 255};
	if (!i || !i->super) {
		out->magic =
			i && inode_is(i, S_IFSOCK) ? 0x534f434b : 0x50495045; /* SOCKFS_MAGIC, PIPEFS_MAGIC */
		return;
	}
	out->fsid[0] = i->super->dev;
	i->super->ops->facts(i->super, out);
}

bool inode_is_link(const struct inode *i)
{
	return inode_is(i, S_IFLNK);
}

bool inode_is_folder(const struct inode *i)
{
	return inode_is_dir(i);
}

ssize_t inode_read_link(struct inode *i, char *buf, size_t size)
{
	size_t len;

	if (!i->target)
		return i->ops && i->ops->readlink ? i->ops->readlink(i, buf, size) : -EINVAL;
	len = strlen(i->target);
	if (len >= size)
		return -ENAMETOOLONG;
	memcpy(buf, i->target, len + 1);
	return (ssize_t)len;
}

void inode_set_reopen(struct inode *i, const struct file_ops *ops, void *private)
{
	i->file_ops = ops;
	i->private = private;
}
