/* SPDX-License-Identifier: MIT */
/*
 * Character devices: a list of what other rooms registered, and a tmpfs instance on /dev that has a node for
 * each. A node made elsewhere by mknod(2) finds its device by number in the same list.
 *
 * Devices are registered at boot and never removed.
 */
#include <asm/errno.h>
#include <moat/heap.h>
#include <moat/string.h>
#include "devfs.h"
#include "mount.h"
#include "names.h"
#include "tmpfs.h"

struct registered {
	LIST_ENTRY(registered) link; /* [tree lock] */
	struct chardev dev;	     /* [I] */
};

static LIST_HEAD(, registered) devices = LIST_HEAD_INITIALIZER(devices); /* [tree lock] */
static struct dentry *dev_root;						 /* [I] the root of /dev */

/* What /dev has besides devices. */
static const struct {
	const char *name, *target; /* target NULL: a directory */
	u32 mode;		   /* of a directory */
} fixed[] = {
	{.name = "fd", .target = "/proc/self/fd"},	 {.name = "stdin", .target = "/proc/self/fd/0"},
	{.name = "stdout", .target = "/proc/self/fd/1"}, {.name = "stderr", .target = "/proc/self/fd/2"},
	{.name = "shm", .mode = S_ISVTX | 0777},	 {.name = "pts", .mode = 0755},
};

/* Tree lock held. */
static const struct chardev *find_locked(u32 rdev)
{
	const struct registered *r;

	LIST_FOREACH (r, &devices, link) {
		if (dev_make(r->dev.major, r->dev.minor) == rdev)
			return &r->dev;
	}
	return NULL;
}

const struct chardev *chardev_find(u32 rdev)
{
	const struct chardev *dev;

	rwlock_read(&fs_tree_lock);
	dev = find_locked(rdev);
	rwlock_read_done(&fs_tree_lock);
	return dev;
}

/* Makes one entry of /dev. Tree lock held for writing. */
static int make_entry(const char *name, const struct inode_seed *seed)
{
	struct dentry *made;

	return name_create(dev_root, name, strlen(name), seed, &made);
}

static int make_device(const struct chardev *dev)
{
	struct inode_seed seed = {.mode = S_IFCHR | dev->mode, .rdev = dev_make(dev->major, dev->minor)};

	return make_entry(dev->name, &seed);
}

int chardev_register(const struct chardev *dev)
{
	struct registered *r = kzalloc(sizeof(*r));
	int err = 0;

	if (!r)
		return -ENOMEM;
	r->dev = *dev;
	rwlock_write(&fs_tree_lock);
	if (find_locked(dev_make(dev->major, dev->minor)) ||
	    dentry_child(dev_root, dev->name, strlen(dev->name)))
		err = -EEXIST;
	else
		err = make_device(dev);
	if (!err)
		LIST_INSERT_HEAD(&devices, r, link);
	rwlock_write_done(&fs_tree_lock);
	if (err)
		kfree(r);
	return err;
}

/* Tree lock held for writing. */
static int populate(void)
{
	int err = 0;

	for (size_t i = 0; i < ARRAY_SIZE(fixed) && !err; i++) {
		struct inode_seed seed = {.mode = S_IFDIR | fixed[i].mode, .target = fixed[i].target};

		if (seed.target)
			seed.mode = S_IFLNK | 0777;
		err = make_entry(fixed[i].name, &seed);
	}
	return err;
}

int devfs_mount(struct dentry *point)
{
	struct super *super;
	struct inode *root;
	int err = tmpfs_create("devtmpfs", 0755, &super, &root);

	if (err)
		return err;
	err = mount_attach(super, root, point);
	if (err) {
		inode_put(root);
		kfree(super);
		return err;
	}
	rwlock_write(&fs_tree_lock);
	dev_root = dentry_uncover(point);
	err = populate();
	rwlock_write_done(&fs_tree_lock);
	return err;
}
