/* SPDX-License-Identifier: MIT */
/*
 * Names of the host's folders: one at a time as walks come by, or all of a directory. See hostfs.c for what `partial` and
 * `unread` mean.
 *
 * Everything is asked from the server without a lock; what came is then put into the tree under the tree lock, unless the
 * tree has learnt, or decided, otherwise meanwhile: a name that is there stays, and a directory that is no longer partial
 * is complete as it is.
 */
#include <asm/errno.h>
#include <linux/fcntl.h>
#include <moat/heap.h>
#include <moat/string.h>
#include "hostfs.h"

#define READ_PAGES    32 /* bytes of directory entries asked for at once */
#define NAMES_MAX     (1u << 20)
#define MISSES_BEFORE 8 /* names that were not there, before all are read */

static struct host_super *super_of(const struct dentry *dir)
{
	return dir->inode->host->super;
}

/* ---- one name ---- */

/* A dentry for a name of the host, which no directory shows yet. */
static int find_below(struct dentry *dir, const char *name, size_t len, struct dentry **out)
{
	struct host_super *s = super_of(dir);
	u32 fid = ninep_new_fid(&s->ninep);
	struct inode *inode;
	int err = ninep_walk(&s->ninep, dir->inode->host->fid, fid, name, len);

	if (!err)
		err = host_inode_get(s, fid, &inode);
	if (err)
		return err;
	*out = dentry_create(inode, name, len);
	if (!*out)
		inode_put(inode);
	return *out ? 0 : -ENOMEM;
}

/* A name that was listed and is not there: it goes, or walks would ask for it for ever. Nobody has met it yet. */
static void drop_unread(struct dentry *dir, const char *name, size_t len)
{
	struct dentry *d;

	rwlock_write(&fs_tree_lock);
	d = dentry_child(dir, name, len);
	if (d && d->inode->unread)
		dentry_detach(d);
	else
		d = NULL;
	rwlock_write_done(&fs_tree_lock);
	dentry_put(d);
}

static int fetch_one(struct dentry *dir, const char *name, size_t len)
{
	struct dentry *d;
	int err = find_below(dir, name, len, &d);

	if (err == -ENOENT)
		drop_unread(dir, name, len);
	if (err)
		return err;
	rwlock_write(&fs_tree_lock);
	err = dentry_settle(dir, d);
	rwlock_write_done(&fs_tree_lock);
	dentry_put(d);
	return err;
}

/* ---- all names ---- */

/* Dentries on their way into the tree, through `next_transient`. */
struct names {
	struct dentry *first;
	u32 count; /* entries met, those that are no names too */
};

static bool is_dots(const struct ninep_dirent *e)
{
	return e->name[0] == '.' && (e->name_len == 1 || (e->name_len == 2 && e->name[1] == '.'));
}

/* A name of which only the kind is known. */
static int make_unread(struct dentry *dir, const struct ninep_dirent *e, struct dentry **out)
{
	struct inode_seed seed = {.mode = (u32)e->type << 12};
	struct inode *inode = inode_create(&super_of(dir)->super, &seed);

	if (!inode)
		return -ENOMEM;
	inode->ino = e->qid.path;
	inode->unread = true;
	*out = dentry_create(inode, e->name, e->name_len);
	if (!*out)
		inode_put(inode);
	return *out ? 0 : -ENOMEM;
}

static bool is_kind(u8 type)
{
	switch ((u32)type << 12) {
	case S_IFREG:
	case S_IFDIR:
	case S_IFLNK:
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK:
		return true;
	default:
		return false;
	}
}

static int add_name(struct dentry *dir, const struct ninep_dirent *e, struct names *names)
{
	struct dentry *d;
	int err;

	if (++names->count > NAMES_MAX)
		return -ENOMEM;
	if (is_dots(e))
		return 0;
	err = is_kind(e->type) ? make_unread(dir, e, &d) : find_below(dir, e->name, e->name_len, &d);
	if (err == -ENOENT)
		return 0; /* gone since */
	if (err)
		return err;
	d->next_transient = names->first;
	names->first = d;
	return 0;
}

/* Reads on until the server has nothing more. One that would go on where it began is not asked again. */
static int read_names(struct dentry *dir, u32 fid, struct page *const pages[], struct names *names)
{
	u64 offset = 0;

	for (;;) {
		s64 bytes = ninep_readdir(&super_of(dir)->ninep, fid, offset, pages, READ_PAGES * PAGE_SIZE);
		u64 asked = offset;
		struct ninep_dirent e;
		u32 at = 0;
		int got;

		if (bytes <= 0)
			return (int)bytes;
		while ((got = ninep_next_dirent(pages, (u32)bytes, &at, &e)) > 0) {
			int err = add_name(dir, &e, names);

			if (err)
				return err;
			offset = e.next;
		}
		if (got < 0 || offset == asked)
			return got < 0 ? got : -EIO;
	}
}

/* With an open directory of its own: one that names are looked up in cannot be read. */
static int read_directory(struct dentry *dir, struct page *const pages[], struct names *names)
{
	struct ninep *n = &super_of(dir)->ninep;
	u32 fid = ninep_new_fid(n);
	int err = ninep_clone(n, dir->inode->host->fid, fid);

	if (err)
		return err;
	err = ninep_open(n, fid, O_RDONLY | O_DIRECTORY);
	if (!err)
		err = read_names(dir, fid, pages, names);
	ninep_forget(n, fid);
	return err;
}

static int with_pages(struct dentry *dir, struct names *names)
{
	struct page **pages = kcalloc(READ_PAGES, sizeof(struct page *));
	int err = pages ? 0 : -ENOMEM;

	for (unsigned i = 0; i < READ_PAGES && !err; i++) {
		pages[i] = frame_alloc(0, 0, FRAME_KERNEL);
		err = pages[i] ? 0 : -ENOMEM;
	}
	if (!err)
		err = read_directory(dir, pages, names);
	for (unsigned i = 0; pages && i < READ_PAGES && pages[i]; i++)
		frame_put(pages[i]);
	kfree(pages);
	return err;
}

static int fetch_all(struct dentry *dir)
{
	struct names names = {0};
	int err = with_pages(dir, &names);

	return dentry_settle_all(dir, names.first, err);
}

int host_dir_fetch(struct dentry *dir, const char *name, size_t len)
{
	int err = ninep_ready(&super_of(dir)->ninep);

	if (err)
		return err;
	if (!name)
		return fetch_all(dir);
	err = fetch_one(dir, name, len);
	if (err == -ENOENT && __atomic_add_fetch(&dir->dir->misses, 1, __ATOMIC_RELAXED) == MISSES_BEFORE &&
	    fetch_all(dir) == -EINTR)
		err = -EINTR;
	return err;
}

/* All kinds but regular files, whose memory object has the node. */
void host_inode_destroy(struct inode *i)
{
	if (!i->host)
		return;
	host_links_forget(i->host);
	host_node_free(i->host);
}

const struct inode_ops host_dir_ops = {
	.fetch = host_dir_fetch,
	.destroy = host_inode_destroy,
};
