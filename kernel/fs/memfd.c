/* SPDX-License-Identifier: MIT */
/*
 * Anonymous files: memfd_create(2), and the seals of files (fcntl(2)).
 *
 * Such a file lives in a tmpfs of its own, which is mounted nowhere. Its one name hangs in no directory, so that its path
 * reads "/memfd:NAME (deleted)". All other files of a tmpfs are sealed against being sealed.
 */
#include <asm/errno.h>
#include <linux/fcntl.h>
#include <linux/memfd.h>
#include <moat/panic.h>
#include <moat/string.h>
#include "dentry.h"
#include "memfd.h"
#include "tmpfs.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8u
#endif
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 32
#endif

#define SEALS_ALL \
	(F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE | F_SEAL_EXEC)
#define EXEC_BITS 0111u

static struct super *memfd_super; /* [I] */

int memfd_init(void)
{
	struct inode *root;

	/* Its root is never seen, and never freed. */
	return tmpfs_create("tmpfs", 0755, &memfd_super, &root);
}

/* A description of inode, whose reference it takes over on success. */
static int describe(struct inode *inode, const char *name, struct file **out)
{
	struct dentry *d = dentry_create(inode, name, strlen(name));

	if (!d)
		return -ENOMEM;
	inode_get(inode); /* the file's own */
	*out = file_create(inode->file_ops, inode, d, O_RDWR | O_LARGEFILE, NULL);
	if (*out)
		return 0;
	dentry_put(d);
	return -ENOMEM;
}

int vfs_memfd(const struct fs_context *c, const char *name, u32 flags, struct file **out)
{
	bool noexec = flags & MFD_NOEXEC_SEAL;
	struct fs_ids me = fs_ids(c);
	const struct inode_seed seed = {
		.mode = S_IFREG | (noexec ? 0666 : 0777), .uid = me.uid, .gid = me.gid};
	struct inode *inode;
	int err = super_create_inode(memfd_super, &seed, &inode);

	if (err)
		return err;
	inode->object->frame_owner = FRAME_SHMEM;
	if (flags & (MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL))
		inode->object->seals = noexec ? F_SEAL_EXEC : 0;
	err = inode_begin_write(inode);
	DEBUG_ASSERT(!err);
	err = describe(inode, name, out);
	if (err)
		inode_put(inode);
	return err;
}

int vfs_get_seals(const struct file *f, u32 *seals)
{
	if (!f->inode || !inode_is(f->inode, S_IFREG) || !f->inode->object)
		return -EINVAL;
	*seals = mobj_seals(f->inode->object);
	return 0;
}

int vfs_add_seals(struct file *f, u32 seals)
{
	struct inode *i = f->inode;
	u32 now;
	int err;

	if (!file_writable(f))
		return -EPERM;
	if (seals & ~(u32)SEALS_ALL)
		return -EINVAL;
	err = vfs_get_seals(f, &now);
	if (err)
		return err;
	mutex_lock(&i->lock);
	/* What is executable stays as it is in every other way too. */
	if ((seals & F_SEAL_EXEC) && (i->mode & EXEC_BITS))
		seals |= F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE;
	err = mobj_add_seals(i->object, seals);
	mutex_unlock(&i->lock);
	return err;
}

int memfd_check_mode(const struct inode *i, u32 mode)
{
	bool sealed = i->object && (mobj_seals(i->object) & F_SEAL_EXEC);

	return sealed && ((i->mode ^ mode) & EXEC_BITS) ? -EPERM : 0;
}
