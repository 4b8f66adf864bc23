/* SPDX-License-Identifier: MIT */
/*
 * Open directories. The offset is the cookie of the last entry that was shown: `.` is 1, `..` is 2, and each
 * name gets the next number when it is made. So reading goes on at the right place whatever was removed
 * meanwhile, and a name is shown at most once.
 */
#include <asm/errno.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include "namei.h"
#include "readdir.h"

/* The type in a directory entry: the upper bits of st_mode (getdents(2), d_type). */
static unsigned char type_of(const struct inode *i)
{
	return (unsigned char)((i->mode & S_IFMT) >> 12);
}

/* Shows one entry and moves the offset behind it; false stops. */
static bool show(struct file *f, struct dir_emit *e, const char *name, size_t len, const struct inode *i,
		 u64 cookie)
{
	if (!e->emit(e, name, len, i->ino, type_of(i), cookie))
		return false;
	f->offset = cookie;
	return true;
}

static void show_names(struct file *f, struct dir_emit *e)
{
	struct dentry *dir = f->dentry, *d;

	if (f->offset < COOKIE_DOT && !show(f, e, ".", 1, dir->inode, COOKIE_DOT))
		return;
	if (f->offset < COOKIE_DOTDOT && !show(f, e, "..", 2, dentry_inode_above(dir), COOKIE_DOTDOT))
		return;
	while ((d = dentry_after(dir, f->offset))) {
		if (!show(f, e, d->name, d->name_len, d->inode, d->cookie))
			return;
	}
}

/* f->offset_lock held. The emitter runs under the tree lock: it must not touch user memory. */
int dir_iterate(struct file *f, struct dir_emit *e)
{
	struct dentry *dir = dentry_real(f->dentry);
	struct walk w = {0};
	int err;

	do {
		rwlock_read(&fs_tree_lock);
		err = dir->attached ? walk_want_all(&w, dir) : -ENOENT;
		if (!err)
			show_names(f, e);
		rwlock_read_done(&fs_tree_lock);
	} while (walk_again(&w, &err));
	walk_done(&w);
	if (!err)
		file_accessed(f);
	return err;
}

/* Directories seek to cookies that getdents gave, or to the start; they have no end. */
s64 dir_seek(struct file *f, s64 offset, int whence)
{
	if (whence == SEEK_CUR && __builtin_add_overflow(offset, (s64)f->offset, &offset))
		return -EINVAL;
	if ((whence != SEEK_SET && whence != SEEK_CUR) || offset < 0)
		return -EINVAL;
	f->offset = (u64)offset;
	return offset;
}

int dir_fsync(struct file *f)
{
	(void)f;
	return 0;
}

const struct file_ops dir_file_ops = {
	.seek = dir_seek,
	.iterate = dir_iterate,
	.fsync = dir_fsync,
};
