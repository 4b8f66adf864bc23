/* SPDX-License-Identifier: MIT */
/* fsync(2), sync(2), and advice about reading ahead: what most files are in is memory, with nothing behind it. */
#include <linux/fadvise.h>
#include <linux/fs.h>
#include <moat/block.h>
#include "sys_fs.h"

s64 sys_fsync(int fd)
{
	struct file *f = sys_file(fd);
	s64 err;

	if (!f)
		return -EBADF;
	err = vfs_fsync(f);
	file_put(f);
	return err;
}

s64 sys_fdatasync(int fd)
{
	return sys_fsync(fd);
}

s64 sys_sync(void)
{
	(void)disk_sync_all();
	return 0;
}

s64 sys_syncfs(int fd)
{
	struct file *f = sys_file(fd);

	s64 err;

	if (!f)
		return -EBADF;
	err = vfs_syncfs(f);
	file_put(f);
	return err;
}

/* The kind of the file behind fd (S_IFMT), or -EBADF. */
static s64 kind_of(int fd)
{
	struct file *f = sys_file(fd);
	struct file_facts facts;

	if (!f)
		return -EBADF;
	vfs_facts(f, &facts);
	file_put(f);
	return facts.mode & S_IFMT;
}

s64 sys_sync_file_range(int fd, s64 offset, s64 nbytes, u32 flags)
{
	s64 kind, end;

	if (flags & ~(u32)(SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER))
		return -EINVAL;
	kind = kind_of(fd);
	if (kind < 0)
		return kind;
	if (offset < 0 || nbytes < 0 || __builtin_add_overflow(offset, nbytes, &end))
		return -EINVAL;
	return kind == S_IFREG || kind == S_IFDIR || kind == S_IFLNK || kind == S_IFBLK ? 0 : -ESPIPE;
}

s64 sys_fadvise64(int fd, s64 offset, s64 len, int advice)
{
	s64 kind = kind_of(fd);

	(void)offset;
	if (kind < 0)
		return kind;
	if (kind == S_IFIFO)
		return -ESPIPE;
	if (len < 0)
		return -EINVAL;
	return advice >= POSIX_FADV_NORMAL && advice <= POSIX_FADV_NOREUSE ? 0 : -EINVAL;
}

s64 sys_readahead(int fd, s64 offset, size_t count)
{
	struct file *f = sys_file(fd);
	struct file_facts facts;
	bool readable;

	(void)offset;
	(void)count;
	if (!f)
		return -EBADF;
	readable = file_readable(f);
	vfs_facts(f, &facts);
	file_put(f);
	if (!readable)
		return -EBADF;
	return S_ISREG(facts.mode) ? 0 : -EINVAL;
}
