/* SPDX-License-Identifier: MIT */
/*
 * Unpacking the archive that came with the kernel into the root file system.
 *
 * Names count from the root whatever they start with; directories that an entry needs and the archive does
 * not have are made. An entry replaces what has its name, unless both are directories. Entries of one file
 * with several names (equal device and inode number, nlink > 1) become hard links; the contents come with any
 * one of them.
 */
#include <asm/errno.h>
#include <linux/fcntl.h>
#include <linux/limits.h>
#include <moat/heap.h>
#include <moat/string.h>
#include "cpio.h"
#include "mount.h"
#include "names.h"
#include "path.h"

static const char spec_name[] = ".moat/spec";

/* A file that has more names to come. */
struct known_inode {
	LIST_ENTRY(known_inode) link;
	u32 ino, dev_major, dev_minor;
	struct inode *inode; /* a reference */
};

enum { KNOWN_BUCKETS = 64 };
LIST_HEAD(known_list, known_inode);

struct unpacking {
	struct fs_context *ctx;
	struct known_list known[KNOWN_BUCKETS];
	char path[PATH_MAX];
	const char *last; /* in path, the name in its folder; NULL when the path does not end in a name */
	struct dentry *folder; /* where the entry before was made, a reference; or NULL */
	size_t folder_len;     /* path's bytes up to there */
};

static struct known_list *known_bucket(struct unpacking *u, const struct cpio_entry *e)
{
	return &u->known[(e->ino ^ e->dev_minor) % KNOWN_BUCKETS];
}

/* Has an earlier entry brought the same file? Borrowed. */
static struct inode *known_find(struct unpacking *u, const struct cpio_entry *e)
{
	struct known_inode *k;

	LIST_FOREACH (k, known_bucket(u, e), link) {
		if (k->ino == e->ino && k->dev_major == e->dev_major && k->dev_minor == e->dev_minor)
			return k->inode;
	}
	return NULL;
}

static int known_add(struct unpacking *u, const struct cpio_entry *e, struct inode *inode)
{
	struct known_inode *k = kmalloc(sizeof(*k));

	if (!k)
		return -ENOMEM;
	*k = (struct known_inode){.ino = e->ino, .dev_major = e->dev_major, .dev_minor = e->dev_minor};
	k->inode = inode;
	inode_get(inode);
	LIST_INSERT_HEAD(known_bucket(u, e), k, link);
	return 0;
}

static void known_free(struct unpacking *u)
{
	struct known_inode *k;

	for (int i = 0; i < KNOWN_BUCKETS; i++) {
		while ((k = LIST_FIRST(&u->known[i]))) {
			LIST_REMOVE(k, link);
			inode_put(k->inode);
			kfree(k);
		}
	}
}

/* Most entries stand in the folder of the one before them, from which the walk begins then. */
static struct fs_at path_at(struct unpacking *u)
{
	return fs_at(u->ctx, u->folder, u->folder ? u->path + u->folder_len : u->path, 0);
}

static void forget_folder(struct unpacking *u)
{
	dentry_put(u->folder);
	u->folder = NULL;
}

/* Makes each directory above the last component of u->path that is missing. */
static int make_parents(struct unpacking *u)
{
	const char *pos = u->path;
	struct path_part part;

	forget_folder(u);
	while (path_next(&pos, &part) && !part.last) {
		char *end = u->path + (part.name - u->path) + part.len;
		struct fs_at at = path_at(u);
		int err;

		*end = '\0';
		err = vfs_mkdir(&at, 0755);
		*end = '/';
		if (err && err != -EEXIST)
			return err;
	}
	return 0;
}

/* Removes what has an entry's name. 1: a directory that stays. */
static int clear_place(struct unpacking *u, bool want_dir, struct dentry **existing)
{
	struct fs_at at = path_at(u);
	int err = vfs_lookup(&at, existing);

	if (err)
		return err;
	if ((*existing)->dir && want_dir)
		return 1;
	err = (*existing)->dir ? vfs_rmdir(&at) : vfs_unlink(&at);
	dentry_put(*existing);
	return err;
}

static void set_attributes(struct inode *i, const struct cpio_entry *e)
{
	struct timestamp when = {e->mtime, 0};

	mutex_lock(&i->lock);
	i->mode = (i->mode & S_IFMT) | (inode_is(i, S_IFLNK) ? 0777 : e->mode & 07777);
	i->uid = e->uid;
	i->gid = e->gid;
	i->atime = i->mtime = when;
	mutex_unlock(&i->lock);
}

/* The contents; an entry of a hard link that carries none changes nothing. */
static int write_contents(struct inode *i, const struct cpio_entry *e)
{
	union {
		const u8 *in;
		void *out;
	} data = {.in = e->data}; /* a uio serves both directions; writing only reads it */
	struct uio u;
	ssize_t n;

	if (e->data_len == 0 || !i->object)
		return 0;
	uio_init_kernel(&u, data.out, e->data_len);
	n = mobj_write(i->object, 0, &u);
	if (n < 0)
		return (int)n;
	return (size_t)n == e->data_len ? 0 : -ENOMEM;
}

static int make_symlink(const struct fs_at *at, const struct cpio_entry *e)
{
	char *target;
	int err;

	if (e->data_len == 0 || e->data_len >= PATH_MAX || memchr(e->data, 0, e->data_len))
		return -EINVAL;
	target = kmalloc(e->data_len + 1);
	if (!target)
		return -ENOMEM;
	memcpy(target, e->data, e->data_len);
	target[e->data_len] = '\0';
	err = vfs_symlink(at, target);
	kfree(target);
	return err;
}

static int make_node(const struct fs_at *at, const struct cpio_entry *e)
{
	switch (e->mode & S_IFMT) {
	case S_IFDIR:
		return vfs_mkdir(at, 0700);
	case S_IFLNK:
		return make_symlink(at, e);
	default:
		return vfs_mknod(at, e->mode & (S_IFMT | 0700), dev_make(e->rdev_major, e->rdev_minor));
	}
}

/* Another name for a file that an earlier entry brought. */
static int make_hard_link(struct unpacking *u, struct inode *inode)
{
	struct fs_at at = path_at(u);
	struct walk w = {0};
	int err;

	do {
		rwlock_write(&fs_tree_lock);
		err = walk_path(&at, &w);
		if (!err && w.last != LAST_NAME)
			err = -EINVAL;
		if (!err && w.found)
			err = -EEXIST;
		if (!err && w.parent->inode->super != inode->super)
			err = -EXDEV;
		if (!err)
			err = name_link(w.parent, w.name, w.name_len, inode);
		rwlock_write_done(&fs_tree_lock);
	} while (walk_again(&w, &err));
	walk_done(&w);
	return err;
}

static int make_new(struct unpacking *u, const struct cpio_entry *e, struct inode *twin)
{
	struct fs_at at = path_at(u);

	return twin ? make_hard_link(u, twin) : make_node(&at, e);
}

/*
 * Makes what the entry says at u->path; the dentry, with a reference, in *made. Most entries have a new name in a directory
 * that is there, so it is only looked for what stands in the way when something does.
 */
static int make_entry(struct unpacking *u, const struct cpio_entry *e, struct dentry **made)
{
	bool linked = e->nlink > 1 && !S_ISDIR(e->mode);
	struct inode *twin = linked ? known_find(u, e) : NULL;
	int err = make_new(u, e, twin);
	struct fs_at at;

	if (err == -EEXIST || err == -ENOENT) {
		err = err == -EEXIST ? clear_place(u, S_ISDIR(e->mode), made) : make_parents(u);
		if (err)
			return err > 0 ? 0 : err;
		err = make_new(u, e, twin);
	}
	if (err)
		return err;
	at = path_at(u);
	err = vfs_lookup(&at, made);
	if (!err && linked && !twin) {
		err = known_add(u, e, (*made)->inode);
		if (err)
			dentry_put(*made);
	}
	return err;
}

/* The entry's name, with one slash in front: it counts from the root. */
static int set_path(struct unpacking *u, const struct cpio_entry *e)
{
	struct path_part part = {.slash = true};
	const char *pos = u->path;

	if (e->name_len + 2 > sizeof(u->path))
		return -EINVAL;
	if (u->folder &&
	    (e->name_len < u->folder_len || memcmp(u->path + 1, e->name, u->folder_len - 1) != 0 ||
	     strchr(e->name + u->folder_len - 1, '/')))
		forget_folder(u);
	u->path[0] = '/';
	memcpy(u->path + 1, e->name, e->name_len + 1);
	if (u->folder)
		pos += u->folder_len;
	while (path_next(&pos, &part)) {
		if (part.kind == PATH_DOTDOT)
			return -EINVAL;
	}
	u->last = part.kind == PATH_NAME && !part.slash ? part.name : NULL;
	return 0;
}

/* The folder of what has been made, for the entries that follow. */
static void note_folder(struct unpacking *u, struct dentry *made)
{
	if (u->folder || !u->last || !made->parent)
		return;
	dentry_get(made->parent);
	u->folder = made->parent;
	u->folder_len = (size_t)(u->last - u->path);
}

static int unpack_entry(struct unpacking *u, const struct cpio_entry *e)
{
	struct dentry *made;
	int err;

	err = set_path(u, e);
	if (err)
		return err;
	err = make_entry(u, e, &made);
	if (err)
		return err;
	err = write_contents(made->inode, e);
	set_attributes(made->inode, e);
	note_folder(u, made);
	dentry_put(made);
	return err;
}

static bool is_spec(const struct cpio_entry *e)
{
	const char *name = e->name;

	while (*name == '/' || (name[0] == '.' && name[1] == '/'))
		name++;
	return strcmp(name, spec_name) == 0;
}

static int unpack_all(struct unpacking *u, struct cpio_reader *r,
		      void (*spec)(const void *bytes, size_t len, void *arg), void *arg)
{
	struct cpio_entry e;
	int got;

	while ((got = cpio_next(r, &e)) > 0) {
		int err = 0;

		if (!is_spec(&e))
			err = unpack_entry(u, &e);
		else if (spec)
			spec(e.data, e.data_len, arg);
		if (err)
			return err;
	}
	return got;
}

void initramfs_find_spec(const void *archive, size_t len,
			 void (*spec)(const void *bytes, size_t len, void *arg), void *arg)
{
	struct cpio_reader r;
	struct cpio_entry e;

	cpio_reader_init(&r, archive, len);
	while (cpio_next(&r, &e) > 0) {
		if (!is_spec(&e))
			continue;
		spec(e.data, e.data_len, arg);
		return;
	}
}

int initramfs_unpack(const void *archive, size_t len, void (*spec)(const void *bytes, size_t len, void *arg),
		     void *arg)
{
	struct unpacking *u = kzalloc(sizeof(*u));
	struct cpio_reader r;
	int err = -ENOMEM;

	if (!u)
		return -ENOMEM;
	u->ctx = fs_context_create();
	if (u->ctx) {
		u->ctx->umask = 0;
		cpio_reader_init(&r, archive, len);
		err = unpack_all(u, &r, spec, arg);
	}
	known_free(u);
	forget_folder(u);
	fs_context_put(u->ctx);
	kfree(u);
	return err;
}
