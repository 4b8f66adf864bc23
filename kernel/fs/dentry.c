/* SPDX-License-Identifier: MIT */
/*
 * The tree of names. A dentry is one name of one inode; a directory has exactly one dentry.
 *
 * Who holds whom: a child holds its parent, and a directory holds each child that it shows ("attached"). So a
 * dentry that was unlinked lives on while it is open or somebody's working directory, still knows where
 * it was, and is freed by its last reference without any lock: nobody else can find it.
 *
 * A bind mount shows names that are somewhere else too: whoever comes through it has aliases of them (dentry.h), which live only
 * as long as somebody is there.
 *
 * All of the tree is under one readers-writer lock. A walk holds it once for a whole path and so needs no
 * reference for the directories it passes; renames, which move subtrees, need no order among directories.
 */
#include <asm/errno.h>
#include <moat/hash.h>
#include <moat/heap.h>
#include <moat/string.h>
#include "notify.h"
#include "mount.h"

struct rwlock fs_tree_lock;

static int order_compare(const struct dentry *a, const struct dentry *b)
{
	return a->cookie < b->cookie ? -1 : a->cookie > b->cookie;
}

RB_GENERATE_STATIC(dentry_order, dentry, node, order_compare)

void dentry_init(void)
{
	rwlock_init(&fs_tree_lock, RANK_DENTRY);
}

static u32 hash_name(const char *name, size_t len)
{
	return (u32)hash_bytes(0, name, len);
}

static struct dir *dir_create(void)
{
	struct dir *dir = kzalloc(sizeof(*dir));

	if (!dir)
		return NULL;
	dir->buckets = &dir->first;
	dir->bucket_count = 1;
	dir->next_cookie = COOKIE_FIRST;
	LIST_INIT(&dir->first);
	RB_INIT(&dir->order);
	return dir;
}

static void dir_destroy(struct dir *dir)
{
	if (dir->buckets != &dir->first)
		kfree(dir->buckets);
	kfree(dir);
}

static struct dentry_list *bucket_of(const struct dir *dir, u32 hash)
{
	return &dir->buckets[hash & (dir->bucket_count - 1)];
}

/* Keeps about four names a bucket. Without memory the directory stays as it is, only slower. */
static void dir_grow(struct dir *dir)
{
	u32 count = dir->bucket_count * 8;
	struct dentry_list *buckets, *old = dir->buckets;
	struct dentry *d;

	if (dir->count < 4 * (u64)dir->bucket_count || count > 1u << 17)
		return;
	buckets = kcalloc(count, sizeof(*buckets));
	if (!buckets)
		return;
	dir->buckets = buckets;
	dir->bucket_count = count;
	RB_FOREACH (d, dentry_order, &dir->order) {
		LIST_REMOVE(d, link);
		LIST_INSERT_HEAD(bucket_of(dir, d->hash), d, link);
	}
	if (old != &dir->first)
		kfree(old);
}

struct dentry *dentry_create(struct inode *inode, const char *name, size_t len)
{
	struct dentry *d = kzalloc(sizeof(*d));

	if (!d)
		return NULL;
	ref_init(&d->refs, 1);
	if (name) {
		d->name = kstrdup(name, len);
		if (!d->name)
			goto fail;
		d->name_len = (u32)len;
		d->hash = hash_name(name, len);
	}
	if (inode_is_dir(inode)) {
		d->dir = dir_create();
		if (!d->dir)
			goto fail;
		d->dir->partial = inode->unread || (inode->ops && inode->ops->fetch);
	}
	d->inode = inode;
	return d;
fail:
	kfree(d->name);
	kfree(d);
	return NULL;
}

void dentry_get(struct dentry *d)
{
	ref_get(&d->refs);
}

/* A loop, not a recursion: the last name in a removed chain of directories frees them all. */
void dentry_put(struct dentry *d)
{
	while (d && ref_put(&d->refs)) {
		struct dentry *parent = d->via ? d->real : d->parent;

		if (unlikely(d->via)) {
			__atomic_fetch_sub(&parent->aliases, 1, __ATOMIC_RELEASE);
			mount_put(d->via);
		} else if (d->dir) {
			dir_destroy(d->dir);
		}
		inode_put(d->inode);
		kfree(d->name);
		kfree(d);
		d = parent;
	}
}

struct dentry *dentry_alias(struct mount *via, struct dentry *real)
{
	struct dentry *d = kzalloc(sizeof(*d));

	DEBUG_ASSERT(!real->via);
	if (!d)
		return NULL;
	ref_init(&d->refs, 1);
	dentry_get(real);
	__atomic_fetch_add(&real->aliases, 1, __ATOMIC_RELEASE);
	mount_get(via);
	inode_get(real->inode);
	d->via = via;
	d->real = real;
	d->inode = real->inode;
	d->dir = real->dir;
	return d;
}

struct inode *dentry_inode(const struct dentry *d)
{
	return d->inode;
}

struct dentry *dentry_child(const struct dentry *dir, const char *name, size_t len)
{
	u32 hash = hash_name(name, len);
	struct dentry *d;

	LIST_FOREACH (d, bucket_of(dir->dir, hash), link) {
		if (d->hash == hash && d->name_len == len && memcmp(d->name, name, len) == 0)
			return d;
	}
	return NULL;
}

void dentry_attach(struct dentry *parent, struct dentry *child)
{
	struct dir *dir = parent->dir;

	DEBUG_ASSERT(rwlock_is_write_held(&fs_tree_lock));
	DEBUG_ASSERT(!child->attached && !child->parent);
	dentry_get(child);
	dentry_get(parent);
	child->parent = parent;
	child->attached = true;
	child->cookie = dir->next_cookie++;
	RB_INSERT(dentry_order, &dir->order, child);
	LIST_INSERT_HEAD(bucket_of(dir, child->hash), child, link);
	LIST_INSERT_HEAD(&child->inode->names, child, of_inode);
	dir->count++;
	parent->inode->entries++;
	if (unlikely(parent->inode->watched & WATCHED_SELF))
		__atomic_or_fetch(&child->inode->watched, WATCHED_ABOVE, __ATOMIC_RELAXED);
	dir_grow(dir);
}

/* Takes it out of its directory's tables; reference counts and the parent pointer stay. */
static void unlist(struct dentry *child)
{
	struct dir *dir = child->parent->dir;

	LIST_REMOVE(child, link);
	LIST_REMOVE(child, of_inode);
	RB_REMOVE(dentry_order, &dir->order, child);
	dir->count--;
	child->parent->inode->entries--;
	child->attached = false;
}

void dentry_detach(struct dentry *child)
{
	DEBUG_ASSERT(rwlock_is_write_held(&fs_tree_lock));
	DEBUG_ASSERT(child->attached);
	unlist(child);
}

char *dentry_move(struct dentry *child, struct dentry *parent, char *name, size_t len)
{
	struct dentry *old_parent = child->parent;
	char *old_name = child->name;

	DEBUG_ASSERT(rwlock_is_write_held(&fs_tree_lock));
	DEBUG_ASSERT(child->attached);
	unlist(child);
	spin_lock(&notify_lock);
	child->parent = NULL;
	child->name = name;
	child->name_len = (u32)len;
	spin_unlock(&notify_lock);
	child->hash = hash_name(name, len);
	dentry_attach(parent, child);
	/* Neither of these is the last one: the directory holds the child, and is itself in use by the
	 * caller. */
	dentry_put(child);
	dentry_put(old_parent);
	return old_name;
}

struct dentry *dentry_after(const struct dentry *dir, u64 cookie)
{
	struct dentry key = {.cookie = cookie + 1};

	return RB_NFIND(dentry_order, &dir->dir->order, &key);
}

struct dentry *dentry_top(struct dentry *d)
{
	while (d->parent)
		d = d->parent;
	return d;
}

struct inode *dentry_read(struct dentry *d, struct inode *inode)
{
	struct inode *unread = d->inode;

	__atomic_or_fetch(&inode->watched, unread->watched & WATCHED_ABOVE, __ATOMIC_RELAXED);
	d->inode = inode;
	if (d->attached && d->parent) {
		LIST_REMOVE(d, of_inode);
		LIST_INSERT_HEAD(&inode->names, d, of_inode);
	}
	return unread;
}

/* An unread name gets its inode; d gets the other. Tree lock held for writing. */
static int fill_in(struct dentry *there, struct dentry *d)
{
	if (!there->dir != !d->dir)
		return -EIO; /* it was another kind of thing a moment ago */
	d->inode = dentry_read(there, d->inode);
	return 0;
}

int dentry_settle(struct dentry *dir, struct dentry *d)
{
	struct dentry *there = dentry_child(dir, d->name, d->name_len);

	if (!dir->attached)
		return -ENOENT;
	if (there)
		return there->inode->unread && !d->inode->unread ? fill_in(there, d) : 0;
	if (dir->dir->partial)
		dentry_attach(dir, d);
	return 0;
}

/* So that names come in the order in which they were found. */
static struct dentry *reverse(struct dentry *list)
{
	struct dentry *d, *next, *out = NULL;

	for (d = list; d; d = next) {
		next = d->next_transient;
		d->next_transient = out;
		out = d;
	}
	return out;
}

int dentry_settle_all(struct dentry *dir, struct dentry *list, int err)
{
	struct dentry *d;

	list = reverse(list);
	rwlock_write(&fs_tree_lock);
	if (!err && !dir->attached)
		err = -ENOENT;
	/* `next_transient` and the place in a directory are one field: it is read before the name is shown. */
	for (struct dentry *next; (d = list); list = next) {
		next = d->next_transient;
		if (!err && dir->dir->partial)
			(void)dentry_settle(dir, d);
		dentry_put(d);
	}
	if (!err)
		dir->dir->partial = false;
	rwlock_write_done(&fs_tree_lock);
	return err;
}

struct mount *dentry_rooted(const struct dentry *d)
{
	if (d->via)
		return d->real == d->via->origin ? d->via : NULL;
	return d->parent ? NULL : d->mount;
}

struct mount *dentry_mount(const struct dentry *d)
{
	if (d->via)
		return d->via;
	while (d->parent)
		d = d->parent;
	return d->mount;
}

struct dentry *dentry_uncover(struct dentry *d)
{
	const struct mount *m;

	while ((m = mount_on(d)))
		d = m->root;
	return d;
}

bool place_up(struct place *p, const struct dentry **name)
{
	const struct mount *m = p->via;

	*name = NULL;
	if (m ? p->d != m->origin : p->d->parent != NULL) {
		if (!p->d->parent)
			return false; /* it was moved away from below a bind mount */
		*name = p->d;
		p->d = p->d->parent;
		return true;
	}
	if (!m)
		m = p->d->mount;
	if (!m || !m->point)
		return false;
	*p = place_of(m->point);
	return true;
}

bool dentry_is_below(const struct dentry *d, const struct dentry *above)
{
	struct place p = place_of(d);
	const struct dentry *name;

	while (!place_is(&p, above)) {
		if (!place_up(&p, &name))
			return false;
	}
	return true;
}

const struct inode *dentry_inode_above(const struct dentry *d)
{
	struct place p = place_of(d);
	const struct dentry *name;

	while (place_up(&p, &name)) {
		if (name)
			return p.d->inode;
	}
	return p.d->inode;
}
