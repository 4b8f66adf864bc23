/* SPDX-License-Identifier: MIT */
/*
 * /dev/pts: a name for each pseudo-terminal, made and removed by the dev room. Programs make none.
 *
 * Lock: fs_tree_lock.
 */
#include <asm/errno.h>
#include <linux/magic.h>
#include <moat/heap.h>
#include <moat/printf.h>
#include <moat/string.h>
#include "devpts.h"
#include "mount.h"
#include "names.h"

#define NUMBER_CHARS 12
#define GROUP_TTY    5
#define PTMX_RDEV    dev_make(5, 2)

/* [tree lock] the operations of the node that is being made; NULL: a program tries to make one */
static const struct file_ops *making;
static struct dentry *pts_root; /* [I] */

static int devpts_create(struct super *s, const struct inode_seed *seed, struct inode **out)
{
	if (!making && pts_root)
		return -EPERM;
	*out = inode_create(s, seed);
	if (!*out)
		return -ENOMEM;
	(*out)->file_ops = making;
	return 0;
}

static void devpts_facts(struct super *s __unused, struct fs_facts *out)
{
	out->magic = DEVPTS_SUPER_MAGIC;
}

static const struct super_ops devpts_super_ops = {.create = devpts_create, .facts = devpts_facts};
static struct super devpts_super = {.ops = &devpts_super_ops, .type = "devpts", .next_ino = 1};

/* Tree lock held for writing. */
static int add_locked(const char *name, const struct inode_seed *seed)
{
	struct dentry *made;

	if (dentry_child(pts_root, name, strlen(name)))
		return -EEXIST;
	return name_create(pts_root, name, strlen(name), seed, &made);
}

int devpts_add(u32 number, u32 rdev, u32 uid, const struct file_ops *ops)
{
	struct inode_seed seed = {.mode = S_IFCHR | 0620, .uid = uid, .gid = GROUP_TTY, .rdev = rdev};
	char name[NUMBER_CHARS];
	int err;

	ksnprintf(name, sizeof(name), "%u", number);
	rwlock_write(&fs_tree_lock);
	making = ops;
	err = add_locked(name, &seed);
	making = NULL;
	rwlock_write_done(&fs_tree_lock);
	return err;
}

void devpts_remove(u32 number)
{
	char name[NUMBER_CHARS];
	struct dentry *d;

	ksnprintf(name, sizeof(name), "%u", number);
	rwlock_write(&fs_tree_lock);
	d = dentry_child(pts_root, name, strlen(name));
	if (d)
		name_remove(d);
	rwlock_write_done(&fs_tree_lock);
	dentry_put(d);
}

int devpts_mount(struct dentry *point)
{
	struct inode_seed dir = {.mode = S_IFDIR | 0755}, ptmx = {.mode = S_IFCHR, .rdev = PTMX_RDEV};
	struct dentry *made;
	struct inode *root;
	int err;

	devpts_super.dev = mount_new_dev();
	err = devpts_create(&devpts_super, &dir, &root);
	if (err)
		return err;
	root->nlink = 2;
	err = mount_attach(&devpts_super, root, point);
	if (err) {
		inode_put(root);
		return err;
	}
	rwlock_write(&fs_tree_lock);
	err = name_create(dentry_uncover(point), "ptmx", 4, &ptmx, &made);
	pts_root = dentry_uncover(point);
	rwlock_write_done(&fs_tree_lock);
	return err;
}
