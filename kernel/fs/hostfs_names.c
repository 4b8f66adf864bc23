/* SPDX-License-Identifier: MIT */
/*
 * Names in folders of the host that the program may write to: made, linked, moved and removed on the host first. All of it
 * under the tree lock, held for writing.
 *
 * The server finds a file by a name, unless it is open: that by which its number (fid) was met, and a rename takes the
 * number along. When that name goes, the number means nothing, or, as soon as the name is given again, another file. So
 * whenever a file loses a name, a number is asked for another name of it (name_fid); one that has no name left is nameless, and
 * what changes about it changes in memory only.
 *
 * FIFOs and sockets are the machine's own: what is behind them is not on the host.
 */
#include <asm/errno.h>
#include <linux/magic.h>
#include <moat/heap.h>
#include <moat/string.h>
#include "hostfs.h"
#include "tmpfs.h"

static struct ninep *session(const struct host_node *node)
{
	return &node->super->ninep;
}

/* An inode that is not on the host yet: its file number stands for nothing. */
static int prepare_inode(struct super *s, const struct inode_seed *seed, struct inode **out)
{
	struct host_super *host = (struct host_super *)s;
	struct host_node *node;
	int err;

	if (S_ISCHR(seed->mode) || S_ISBLK(seed->mode))
		return -EPERM;
	err = tmpfs_create_inode(s, seed, out);
	if (err || S_ISFIFO(seed->mode) || S_ISSOCK(seed->mode))
		return err;
	node = host_node_create(host, ninep_new_fid(&host->ninep));
	if (!node)
		goto fail;
	if (inode_is(*out, S_IFREG)) {
		struct mobj *obj = host_object_create(node, 0);

		if (!obj) {
			kfree(node);
			goto fail;
		}
		mobj_put((*out)->object);
		(*out)->object = obj;
		(*out)->file_ops = &host_write_file_ops;
	}
	(*out)->host = node;
	(*out)->ops = inode_is(*out, S_IFREG) ? &host_write_regular_ops : &host_write_ops;
	return 0;
fail:
	inode_put(*out);
	return -ENOMEM;
}

static int make_name(struct dentry *dir, struct dentry *child, const struct inode_seed *seed)
{
	struct inode *i = child->inode;
	struct host_node *node = i->host;
	u64 ino = 0;
	int err;

	if (!node)
		return 0;
	err = ninep_ready(session(node));
	if (!err)
		err = ninep_create(session(node), dir->inode->host->fid, node->fid, child->name, seed, &ino);
	if (err)
		return err;
	i->ino = node->qid_path = ino;
	if (inode_is(i, S_IFREG)) {
		node->writes = true;
		node->opened = true;
	}
	if (child->dir)
		child->dir->partial = false;
	return 0;
}

static int link_name(struct dentry *dir, struct dentry *child)
{
	struct host_node *node = child->inode->host;

	if (!node)
		return 0;
	return node->nameless ? -ENOENT
			      : ninep_link(session(node), dir->inode->host->fid, node->name_fid, child->name);
}

/* From now on the file is found by `fid`, or, when that is NINEP_NO_FID, by no name. inode->lock held. */
static void set_name_fid(struct host_node *node, u32 fid)
{
	if (node->name_fid != node->fid)
		ninep_forget(session(node), node->name_fid);
	node->name_fid = fid == NINEP_NO_FID ? node->fid : fid;
	__atomic_store_n(&node->nameless, fid == NINEP_NO_FID, __ATOMIC_RELEASE);
}

/* Another name of the file that `d` names: one that was met, or one of the same directory that was only listed; or NULL. */
static struct dentry *other_name(const struct dentry *d)
{
	struct dentry *other;

	LIST_FOREACH (other, &d->inode->names, of_inode) {
		if (other != d)
			return other;
	}
	if (d->dir || d->inode->nlink < 2)
		return NULL;
	for (other = dentry_after(d->parent, 0); other; other = dentry_after(d->parent, other->cookie)) {
		if (other->inode->unread && other->inode->ino == d->inode->ino)
			return other;
	}
	return NULL;
}

/* The host's file of `d` has lost that name: finds another. inode->lock held. */
static void lose_name(const struct dentry *d)
{
	struct host_node *node = d->inode->host;
	struct dentry *other = other_name(d);
	u32 fid = NINEP_NO_FID;

	if (other) {
		fid = ninep_new_fid(session(node));
		if (ninep_walk(session(node), other->parent->inode->host->fid, fid, other->name,
			       other->name_len))
			fid = NINEP_NO_FID;
	}
	node->elsewhere = !d->dir && d->inode->nlink > 1;
	set_name_fid(node, fid);
}

/* So that who has it open goes on reading: the server finds files by name unless they are open. */
static int open_before_loss(const struct dentry *d)
{
	return inode_is(d->inode, S_IFREG) && host_node_open(d->inode->host) == -EINTR ? -EINTR : 0;
}

void host_names_found(struct inode *i, u32 fid)
{
	struct host_node *node = i->host;
	u32 own;

	mutex_lock(&i->lock);
	if (node->nameless) {
		own = ninep_new_fid(session(node));
		if (ninep_clone(session(node), fid, own) == 0)
			set_name_fid(node, own);
	}
	mutex_unlock(&i->lock);
}

static int remove_name(struct dentry *d)
{
	struct host_node *node = d->inode->host;
	int err;

	if (!node)
		return 0;
	err = open_before_loss(d);
	if (err)
		return err;
	mutex_lock(&d->inode->lock);
	err = ninep_unlink(session(node), d->parent->inode->host->fid, d->name, d->dir != NULL);
	if (!err)
		lose_name(d);
	mutex_unlock(&d->inode->lock);
	return err;
}

static int move_name(struct dentry *d, struct dentry *dir, const char *name)
{
	struct dentry *there = dentry_child(dir, name, strlen(name));
	struct host_node *node = d->inode->host;
	int err;

	if (!node)
		return there ? remove_name(there) : 0;
	if (!there || !there->inode->host)
		return ninep_rename(session(node), d->parent->inode->host->fid, d->name,
				    dir->inode->host->fid, name);
	err = open_before_loss(there);
	if (err)
		return err;
	mutex_lock(&there->inode->lock);
	err = ninep_rename(session(node), d->parent->inode->host->fid, d->name, dir->inode->host->fid, name);
	if (!err)
		lose_name(there);
	mutex_unlock(&there->inode->lock);
	return err;
}

/* As large as what it lies on; if the server does not say, as what is seen of it in memory. */
static void facts(struct super *s, struct fs_facts *out)
{
	struct ninep *n = &((struct host_super *)s)->ninep;

	if (ninep_ready(n) || ninep_statfs(n, NINEP_ROOT_FID, out))
		host_facts(s, out);
	out->magic = V9FS_MAGIC;
}

const struct super_ops host_write_super_ops = {
	.create = prepare_inode,
	.facts = facts,
	.make = make_name,
	.link = link_name,
	.remove = remove_name,
	.move = move_name,
};
