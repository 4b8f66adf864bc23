/* SPDX-License-Identifier: MIT */
/* Directories: reading them (getdents(2)), and being in them (chdir(2), getcwd(2), chroot(2)). */
#include <linux/fs.h>
#include <linux/limits.h>
#include <arch/uaccess.h>
#include <moat/heap.h>
#include <moat/string.h>
#include "sys_fs.h"

#define DIRENTS_AT_ONCE KIB(32) /* size of the kernel's buffer for one call */

/* What getdents64(2) writes for each name, and what the old getdents(2) does: its type is the record's last
 * byte. */
struct dirent64 {
	u64 ino;
	s64 next;
	u16 record_len;
	u8 type;
	char name[];
};

struct dirent_old {
	u64 ino;
	u64 next;
	u16 record_len;
	char name[];
};

/* Collects entries in a kernel buffer: user memory is not touched while a directory is locked. */
struct collector {
	struct dir_emit emit;
	u8 *buf;
	size_t size, used;
	bool too_small; /* not even one entry fits */
};

/* Room for a record of that size, cleared, or NULL. */
static void *reserve(struct collector *c, size_t len)
{
	void *at = c->buf + c->used;

	if (len > c->size - c->used) {
		c->too_small = c->used == 0;
		return NULL;
	}
	memset(at, 0, len);
	c->used += len;
	return at;
}

static bool emit64(struct dir_emit *e, const char *name, size_t len, u64 ino, unsigned char type, u64 next)
{
	struct collector *c = CONTAINER_OF(e, struct collector, emit);
	size_t record = ALIGN_UP(offsetof(struct dirent64, name) + len + 1, sizeof(u64));
	struct dirent64 *d = reserve(c, record);

	if (!d)
		return false;
	d->ino = ino;
	d->next = (s64)next;
	d->record_len = (u16)record;
	d->type = type;
	memcpy(d->name, name, len);
	return true;
}

static bool emit_old(struct dir_emit *e, const char *name, size_t len, u64 ino, unsigned char type, u64 next)
{
	struct collector *c = CONTAINER_OF(e, struct collector, emit);
	size_t record = ALIGN_UP(offsetof(struct dirent_old, name) + len + 2, sizeof(u64));
	struct dirent_old *d = reserve(c, record);

	if (!d)
		return false;
	d->ino = ino;
	d->next = next;
	d->record_len = (u16)record;
	memcpy(d->name, name, len);
	((u8 *)d)[record - 1] = type;
	return true;
}

/* Reads into c->buf and copies it out; what could not be copied is read again by the next call. */
static s64 collect(struct file *f, struct collector *c, void __user *to)
{
	s64 before = vfs_seek(f, 0, SEEK_CUR);
	int err = before < 0 ? -ENOTDIR : vfs_iterate(f, &c->emit);

	if (err)
		return err;
	if (c->too_small)
		return -EINVAL;
	if (copy_to_user(to, c->buf, c->used)) {
		(void)!vfs_seek(f, before, SEEK_SET);
		return -EFAULT;
	}
	return (s64)c->used;
}

static s64 read_dir(int fd, void __user *to, u32 count, struct collector *c)
{
	struct file *f = sys_file(fd);
	s64 n = -ENOTDIR;

	if (!f)
		return -EBADF;
	c->size = MIN(count, DIRENTS_AT_ONCE);
	if (f->ops->iterate) {
		c->buf = kmalloc(MAX(c->size, 1ul));
		n = c->buf ? collect(f, c, to) : -ENOMEM;
		kfree(c->buf);
	}
	file_put(f);
	return n;
}

s64 sys_getdents64(int fd, void __user *dirp, u32 count)
{
	struct collector c = {.emit = {emit64}};

	return read_dir(fd, dirp, count, &c);
}

s64 sys_getdents(int fd, void __user *dirp, u32 count)
{
	struct collector c = {.emit = {emit_old}};

	return read_dir(fd, dirp, count, &c);
}

s64 sys_getcwd(void __user *buf, size_t size)
{
	char *path = kmalloc(PATH_MAX);
	s64 len;

	if (!path)
		return -ENOMEM;
	len = vfs_getcwd(sys_fs(), path, PATH_MAX);
	if (len >= 0) {
		len++;
		if ((size_t)len > size)
			len = -ERANGE;
		else if (copy_to_user(buf, path, (size_t)len))
			len = -EFAULT;
	}
	kfree(path);
	return len;
}

s64 sys_chdir(const char __user *path)
{
	char *text;
	s64 err = sys_get_path(path, &text);

	if (err)
		return err;
	err = vfs_chdir(sys_fs(), text);
	kfree(text);
	return err;
}

s64 sys_fchdir(int fd)
{
	struct file *f = fd_get_path(current_thread()->files, fd);
	s64 err;

	if (!f)
		return -EBADF;
	err = f->dentry ? vfs_chdir_to(sys_fs(), f->dentry) : -ENOTDIR;
	file_put(f);
	return err;
}

s64 sys_chroot(const char __user *path)
{
	struct user_path p;
	s64 err = user_path_get(&p, AT_FDCWD, path, FS_FOLLOW);

	if (err)
		return err;
	err = vfs_chroot(&p.at);
	user_path_put(&p);
	return err;
}

s64 sys_umask(u32 mask)
{
	return __atomic_exchange_n(&sys_fs()->umask, mask & 0777, __ATOMIC_RELAXED);
}
