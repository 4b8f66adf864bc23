/* SPDX-License-Identifier: MIT */
/* The first tree: tmpfs as root, with /tmp, a device file system on /dev, and procfs on /proc and /sys. */
#include <asm/errno.h>
#include <moat/aspace.h>
#include <moat/panic.h>
#include "anon.h"
#include "devfs.h"
#include "epoll.h"
#include "devpts.h"
#include "flock.h"
#include "memfd.h"
#include "mount.h"
#include "names.h"
#include "procfs.h"
#include "tmpfs.h"

/* Tree lock held for writing. */
static struct dentry *make_dir(const char *name, size_t len, u32 mode)
{
	struct inode_seed seed = {.mode = S_IFDIR | mode};
	struct dentry *made;

	return name_create(mount_root(), name, len, &seed, &made) ? NULL : made;
}

/* The child of that name in what is mounted on `dir`, which fs_init made. */
static struct dentry *find_dir(struct dentry *dir, const char *name, size_t len)
{
	struct dentry *found;

	rwlock_read(&fs_tree_lock);
	found = dentry_child(dentry_uncover(dir), name, len);
	rwlock_read_done(&fs_tree_lock);
	return found;
}

void fs_init(void)
{
	static const struct vma_file_ops mapped_files = {.get = file_get, .put = file_put};
	struct super *super;
	struct inode *root;
	struct dentry *dev, *tmp, *proc, *sys;

	dentry_init();
	flock_init();
	anon_init();
	epoll_init();
	vma_register_file_ops(&mapped_files);
	if (tmpfs_create("tmpfs", 0755, &super, &root) || mount_attach(super, root, NULL))
		panic("no memory for the root file system");
	if (memfd_init())
		panic("no memory for anonymous files");
	rwlock_write(&fs_tree_lock);
	dev = make_dir("dev", 3, 0755);
	tmp = make_dir("tmp", 3, S_ISVTX | 0777);
	proc = make_dir("proc", 4, 0555);
	sys = make_dir("sys", 3, 0555);
	rwlock_write_done(&fs_tree_lock);
	if (!dev || !tmp || !proc || !sys || devfs_mount(dev) || devpts_mount(find_dir(dev, "pts", 3)) ||
	    procfs_mount(proc, sys))
		panic("no memory for /dev, /proc and /sys");
}
