/* SPDX-License-Identifier: MIT */
/* The client of 9P2000.L, continued: requests that change something. */
#include <asm/errno.h>
#include <linux/fcntl.h>
#include "ninep_wire.h"

static void put_name(struct exchange *x, const char *name)
{
	put_string(x, name, strlen(name));
}

/* The reply begins with the new file's number on the host. */
static int finish_made(struct ninep *n, struct exchange *x, u64 *ino)
{
	int err = ninep_finish(n, x, QID_BYTES);

	if (!err)
		*ino = get_qid(x).path;
	return err;
}

/* The number that the directory is opened under becomes the file's. */
static int create_regular(struct ninep *n, u32 dir, u32 made, const char *name, u32 mode, u64 *ino)
{
	struct exchange x;
	int err = ninep_clone(n, dir, made);

	if (err)
		return err;
	ninep_begin(&x, T_LCREATE, made);
	put_name(&x, name);
	put(&x, O_RDWR | O_EXCL | O_CREAT, 4);
	put(&x, mode & 01777, 4); /* no set-ID bits: hostfs_write.c */
	put(&x, n->gid, 4);
	return finish_made(n, &x, ino);
}

static int create_directory(struct ninep *n, u32 dir, const char *name, u32 mode, u64 *ino)
{
	struct exchange x;

	ninep_begin(&x, T_MKDIR, dir);
	put_name(&x, name);
	put(&x, mode & 07777, 4);
	put(&x, n->gid, 4);
	return finish_made(n, &x, ino);
}

/* The text, which may be as long as a page, and the group behind it go as payload. */
static int create_symlink(struct ninep *n, u32 dir, const char *name, const char *target, u64 *ino)
{
	struct page *pages[2] = {frame_alloc(0, 0, FRAME_KERNEL), frame_alloc(0, 0, FRAME_KERNEL)};
	u32 len = (u32)strlen(target), bytes = len + 4;
	struct exchange x;
	int err = pages[0] && pages[1] ? 0 : -ENOMEM;

	if (!err && bytes > 2 * PAGE_SIZE)
		err = -ENAMETOOLONG;
	if (!err) {
		for (u32 i = 0; i < bytes; i++)
			((u8 *)page_address(pages[i / PAGE_SIZE]))[i % PAGE_SIZE] =
				(u8)(i < len ? (u32)target[i] : n->gid >> 8 * (i - len));
		ninep_begin(&x, T_SYMLINK, dir);
		put_name(&x, name);
		put(&x, len, 2);
		x.m.payload = NINEP_SEND;
		x.m.pages = pages;
		x.m.page_bytes = bytes;
		x.m.must_finish = true;
		err = finish_made(n, &x, ino);
	}
	for (unsigned i = 0; i < 2; i++) {
		if (pages[i])
			frame_put(pages[i]);
	}
	return err;
}

int ninep_create(struct ninep *n, u32 dir, u32 made, const char *name, const struct inode_seed *seed,
		 u64 *ino)
{
	int err;

	switch (seed->mode & S_IFMT) {
	case S_IFREG:
		return create_regular(n, dir, made, name, seed->mode, ino);
	case S_IFDIR:
		err = create_directory(n, dir, name, seed->mode, ino);
		break;
	case S_IFLNK:
		err = create_symlink(n, dir, name, seed->target, ino);
		break;
	default:
		return -EPERM;
	}
	return err ? err : ninep_walk(n, dir, made, name, strlen(name));
}

int ninep_link(struct ninep *n, u32 dir, u32 fid, const char *name)
{
	struct exchange x;

	ninep_begin(&x, T_LINK, dir);
	put(&x, fid, 4);
	put_name(&x, name);
	return ninep_finish(n, &x, 0);
}

int ninep_unlink(struct ninep *n, u32 dir, const char *name, bool is_dir)
{
	struct exchange x;

	ninep_begin(&x, T_UNLINKAT, dir);
	put_name(&x, name);
	put(&x, is_dir ? AT_REMOVEDIR : 0, 4);
	return ninep_finish(n, &x, 0);
}

int ninep_rename(struct ninep *n, u32 dir, const char *name, u32 new_dir, const char *new_name)
{
	struct exchange x;

	ninep_begin(&x, T_RENAMEAT, dir);
	put_name(&x, name);
	put(&x, new_dir, 4);
	put_name(&x, new_name);
	return ninep_finish(n, &x, 0);
}

static void put_time(struct exchange *x, struct timestamp t)
{
	put(x, (u64)t.sec, 8);
	put(x, t.nsec, 8);
}

int ninep_setattr(struct ninep *n, u32 fid, const struct inode_change *c)
{
	struct exchange x;

	ninep_begin(&x, T_SETATTR, fid);
	put(&x, c->what, 4);
	put(&x, c->mode, 4);
	put(&x, c->uid, 4);
	put(&x, c->gid, 4);
	put(&x, c->size_bytes, 8);
	put_time(&x, c->atime);
	put_time(&x, c->mtime);
	return ninep_finish(n, &x, 0);
}

s64 ninep_write(struct ninep *n, u32 fid, u64 offset, struct page *const pages[], u32 bytes, bool must_finish)
{
	struct exchange x;
	u64 count;
	int err;

	ninep_begin(&x, T_WRITE, fid);
	put(&x, offset, 8);
	put(&x, bytes, 4);
	x.m.payload = NINEP_SEND;
	x.m.pages = pages;
	x.m.page_bytes = bytes;
	x.m.must_finish = must_finish;
	err = ninep_finish(n, &x, 4);
	if (err)
		return err;
	count = get(&x, 4);
	return count > 0 && count <= bytes ? (s64)count : -EIO;
}

int ninep_fsync(struct ninep *n, u32 fid)
{
	struct exchange x;

	ninep_begin(&x, T_FSYNC, fid);
	put(&x, 0, 4);
	return ninep_finish(n, &x, 0);
}
