/* SPDX-License-Identifier: MIT */
/*
 * Folders of the host. What lies there is read over 9P when it is first wanted, and never written: whatever the program
 * changes is kept in memory, over it (docs/host-files.md).
 *
 * There are no two trees that would have to be merged. There is the one tree of names, in which an inode may have a file of
 * the host below it (`host`), and which learns what it does not know yet:
 *
 *     directory    dir->partial: there may be names below that the tree does not have. A walk that meets none asks for it
 *                  (fetch). Before a name is taken out of such a directory all of its names are read, so that what is
 *                  gone stays gone: no whiteouts.
 *     name         inode->unread: known from reading the directory; attributes are fetched when a walk comes by.
 *     contents     pages of the memory object, filled from below as they are touched. A changed page is one that stays.
 *                  What lies below ends at `below_end`, which truncation lowers: no copy of a whole file is ever made.
 *
 * So a rename moves a name with all that is below it, a hard link is another name of the inode, a mapping sees what write
 * wrote: as in tmpfs, whose operations files here have. A new file is one of tmpfs.
 *
 * An attribute is as it was when the name was first met; contents are as they are when a page is first filled. The host is
 * expected not to change under a running program.
 *
 * The server is not trusted (ninep.c). A name that it gives to a directory already there, a loop of directories: only as
 * deep as the program walks.
 */
#include <asm/errno.h>
#include <linux/fcntl.h>
#include <moat/heap.h>
#include <moat/string.h>
#include "hostfs.h"
#include "mount.h"
#include "names.h"
#include "tmpfs.h"

#ifndef F_SEAL_SEAL
#define F_SEAL_SEAL 1
#endif

struct host_node *host_node_create(struct host_super *s, u32 fid)
{
	struct host_node *node = kzalloc(sizeof(*node));

	if (!node)
		return NULL;
	node->super = s;
	node->fid = node->name_fid = fid;
	mutex_init(&node->open_lock, RANK_OBJECT);
	return node;
}

void host_node_free(struct host_node *node)
{
	if (node->name_fid != node->fid)
		ninep_forget(&node->super->ninep, node->name_fid);
	ninep_forget(&node->super->ninep, node->fid);
	kfree(node);
}

/* ---- files with several names ---- */

/* Finds the inode of the same file (with a reference), or notes this one for those who come later (NULL). */
static struct inode *links_find_or_add(struct host_node *node, struct inode *inode)
{
	struct host_super *s = node->super;
	unsigned bucket = (unsigned)(node->qid_path % HOST_LINK_BUCKETS);
	struct inode *twin = NULL;
	struct host_node *other;

	spin_lock(&s->links_lock);
	LIST_FOREACH (other, &s->links[bucket], link) {
		if (other->qid_path == node->qid_path && ref_get_unless_zero(&other->twin->refs)) {
			twin = other->twin;
			break;
		}
	}
	if (!twin) {
		node->twin = inode;
		LIST_INSERT_HEAD(&s->links[bucket], node, link);
	}
	spin_unlock(&s->links_lock);
	return twin;
}

void host_links_forget(struct host_node *node)
{
	spin_lock(&node->super->links_lock);
	if (node->twin)
		LIST_REMOVE(node, link);
	node->twin = NULL;
	spin_unlock(&node->super->links_lock);
}

/* ---- inodes ---- */

/* A device number as the host's stat(2) has it. */
static u32 host_rdev(u32 rdev)
{
	return dev_make(rdev >> 8 & 0xfff, (rdev & 0xff) | (rdev >> 12 & 0xfff00));
}

/* What belongs to the host's user belongs to the program, which is user 0. */
static void set_owner(const struct host_super *s, const struct ninep_attr *a, struct inode *i)
{
	i->uid = a->uid == s->own_uid ? 0 : a->uid;
	i->gid = a->gid == s->own_gid ? 0 : a->gid;
}

struct mobj *host_object_create(struct host_node *node, u64 size_bytes)
{
	struct mobj *obj =
		mobj_create(node->super->writable ? &host_write_object_ops : &host_object_ops, node);

	if (!obj)
		return NULL;
	node->below_end = size_bytes;
	obj->size_bytes = size_bytes;
	obj->seals = F_SEAL_SEAL;
	return obj;
}

/* The part that its kind asks for; `node` belongs to the inode afterwards, whatever happens. */
static int set_contents(struct inode *i, struct host_node *node, u64 size_bytes)
{
	bool writable = node->super->writable;

	i->host = node;
	i->ops = writable ? &host_write_ops : &host_dir_ops;
	switch (i->mode & S_IFMT) {
	case S_IFREG:
		i->object = host_object_create(node, size_bytes);
		if (!i->object) {
			i->host = NULL;
			host_node_free(node);
			return -ENOMEM;
		}
		i->ops = writable ? &host_write_regular_ops : &host_regular_ops;
		i->file_ops = writable ? &host_write_file_ops : &host_file_ops;
		return 0;
	case S_IFLNK:
		return ninep_readlink(&node->super->ninep, node->fid, &i->target);
	case S_IFDIR:
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK:
		return 0;
	default:
		return -EIO;
	}
}

static int make_inode(struct host_node *node, const struct ninep_attr *a, struct inode **out)
{
	struct inode_seed seed = {.mode = a->mode & (S_IFMT | 07777), .rdev = host_rdev(a->rdev)};
	struct inode *i = inode_create(&node->super->super, &seed);
	int err;

	if (!i) {
		host_node_free(node);
		return -ENOMEM;
	}
	node->qid_path = a->qid.path;
	node->blocks = a->blocks;
	i->ino = a->qid.path;
	i->nlink = (u32)MIN(a->nlink, UINT32_MAX);
	i->dir_bytes = S_ISDIR(a->mode) ? a->size_bytes : 0;
	i->atime = a->atime;
	i->mtime = a->mtime;
	i->ctime = i->btime = a->ctime;
	set_owner(node->super, a, i);
	err = set_contents(i, node, a->size_bytes);
	if (err)
		inode_put(i);
	else
		*out = i;
	return err;
}

int host_inode_get(struct host_super *s, u32 fid, struct inode **out)
{
	struct host_node *node = host_node_create(s, fid);
	struct ninep_attr a;
	struct inode *twin;
	int err;

	if (!node) {
		ninep_forget(&s->ninep, fid);
		return -ENOMEM;
	}
	err = ninep_getattr(&s->ninep, fid, &a);
	if (err) {
		host_node_free(node);
		return err;
	}
	err = make_inode(node, &a, out);
	if (err || a.nlink < 2 || S_ISDIR(a.mode))
		return err;
	twin = links_find_or_add(node, *out);
	if (twin) {
		if (s->writable)
			host_names_found(twin, fid);
		inode_put(*out);
		*out = twin;
	}
	return 0;
}

/* ---- shares ---- */

void host_facts(struct super *s, struct fs_facts *out)
{
	tmpfs_facts(s, out);
	out->magic = 0x794c7630; /* OVERLAYFS_SUPER_MAGIC: the nearest that programs know */
}

static const struct super_ops host_super_ops = {
	.create = tmpfs_create_inode,
	.facts = host_facts,
	.keeps_xattrs = true,
};

/* New files get numbers that no file of the host has. */
#define FIRST_NEW_INO (1ull << 62)

static struct host_super *super_create(const struct share *share, struct ninep_port *port)
{
	struct host_super *s = kzalloc(sizeof(*s));

	if (!s)
		return NULL;
	s->super = (struct super){
		.ops = share->writable ? &host_write_super_ops : &host_super_ops,
		.type = share->writable ? "9p" : "overlay",
		.dev = mount_new_dev(),
		.next_ino = FIRST_NEW_INO,
	};
	ninep_init(&s->ninep, port, share->own_uid, share->own_gid);
	s->writable = share->writable;
	s->own_uid = share->own_uid;
	s->own_gid = share->own_gid;
	spin_init(&s->links_lock, RANK_MAPS);
	for (unsigned i = 0; i < HOST_LINK_BUCKETS; i++)
		LIST_INIT(&s->links[i]);
	return s;
}

/* The root's inode: from what the command says, so that the device is not asked before somebody goes there. */
static struct inode *make_root(struct host_super *s, u32 mode)
{
	struct inode_seed seed = {.mode = S_IFDIR | (mode & 07777)};
	struct host_node *node = host_node_create(s, NINEP_ROOT_FID);
	struct inode *i = node ? inode_create(&s->super, &seed) : NULL;

	if (!i) {
		kfree(node);
		return NULL;
	}
	i->host = node;
	i->ops = s->writable ? &host_write_ops : &host_dir_ops;
	i->nlink = 2;
	i->dir_bytes = PAGE_SIZE;
	return i;
}

/*
 * The share is the root itself: what the kernel has made there (/dev, /proc, /sys, /tmp) stays, over what the host has of
 * these names. Boot, before anybody else looks at the tree.
 */
static void become_root(struct host_super *s, struct inode *from)
{
	struct dentry *root = mount_root(), *d;
	struct inode *i = root->inode;

	rwlock_write(&fs_tree_lock);
	i->host = from->host;
	from->host = NULL;
	i->ops = from->ops;
	i->mode = from->mode;
	i->dir_bytes = from->dir_bytes;
	i->ino = from->ino;
	i->atime = i->mtime = i->ctime = i->btime = from->btime;
	root->mount->super->mounts--;
	s->super.mounts++;
	i->super = root->mount->super = &s->super;
	for (d = dentry_after(root, 0); d; d = dentry_after(root, d->cookie)) {
		d->inode->super = &s->super;
		d->inode->ino = s->super.next_ino++;
		s->super.inodes++;
	}
	root->dir->partial = true;
	rwlock_write_done(&fs_tree_lock);
}

static int mount_at(struct fs_context *ctx, const struct share *share, struct ninep_port *port)
{
	struct fs_at where = fs_at(ctx, NULL, share->path, FS_FOLLOW);
	struct host_super *s;
	struct dentry *point;
	struct inode *root;
	int err = vfs_make_path(ctx, share->path);

	if (!err)
		err = vfs_lookup(&where, &point);
	if (err)
		return err;
	s = super_create(share, port);
	root = s ? make_root(s, share->mode) : NULL;
	if (root && strcmp(share->path, "/") == 0) {
		become_root(s, root);
		kfree(root);
	} else {
		err = root ? mount_attach(&s->super, root, point) : -ENOMEM;
	}
	/* A super lives for ever; one that was never mounted costs some bytes of a boot that has failed. */
	dentry_put(point);
	return err;
}

int share_mount(const struct share *share)
{
	struct ninep_port *port = ninep_port_find(share->tag);
	struct fs_context *ctx;
	int err;

	if (!port)
		return -ENODEV;
	ctx = fs_context_create();
	if (!ctx)
		return -ENOMEM;
	err = mount_at(ctx, share, port);
	fs_context_put(ctx);
	return err;
}

int share_hide(const char *path)
{
	struct fs_context *ctx = fs_context_create();
	struct dentry *gone = NULL;
	struct walk w = {0};
	int err;

	if (!ctx)
		return -ENOMEM;
	do {
		struct fs_at at = fs_at(ctx, NULL, path, 0);

		rwlock_write(&fs_tree_lock);
		err = walk_path(&at, &w);
		if (!err && (!w.found || w.last != LAST_NAME))
			err = -ENOENT;
		if (!err && (w.found->covered_by || w.found->covers))
			err = -EBUSY;
		if (!err)
			err = walk_want_all(&w, w.parent);
		if (!err) {
			gone = w.found;
			name_remove(gone);
		}
		rwlock_write_done(&fs_tree_lock);
	} while (walk_again(&w, &err));
	walk_done(&w);
	dentry_put(gone);
	fs_context_put(ctx);
	return err;
}
