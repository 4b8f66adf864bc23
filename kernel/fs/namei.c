/* SPDX-License-Identifier: MIT */
/*
 * The walk: from a path to a dentry, a component at a time, under the tree lock.
 *
 * A symbolic link in the middle puts what is left of the path on a stack and goes on with the link's text:
 *
 *     /a/link/b/c          link -> x/y
 *        ^^^^              rest: "x/y", stack: "b/c"
 *
 * A link at the very end replaces the rest, so that "last component" always means the last of the whole
 * walk. Links are counted, and the count bounds the stack.
 *
 * A name that the tree does not know yet is not waited for under the lock: the walk ends, its caller unlocks, asks for the
 * name (walk_again) and walks again from the start. What was asked for and is not there is remembered for this walk only.
 */
#include <asm/errno.h>
#include <linux/capability.h>
#include <linux/limits.h>
#include <linux/openat2.h>
#include <moat/heap.h>
#include <moat/string.h>
#include "mount.h"
#include "namei.h"
#include "path.h"

_Static_assert(NAME_LEN_MAX == NAME_MAX, "the longest name");

struct walker {
	const struct fs_at *at;
	struct dentry *dir;    /* where the walk is */
	struct dentry *origin; /* where absolute paths start, and `..` stays */
	const char *rest;      /* text still to be walked */
	const char *stack[SYMLINKS_MAX];
	unsigned depth, links;
	bool follow;
};

/* Starts at the root or stays, as the text says. */
static int start_at(struct walker *k, const char *text)
{
	if (*text == '/') {
		if (k->at->resolve & RESOLVE_BENEATH)
			return -EXDEV;
		k->dir = k->origin;
	}
	k->rest = text;
	return 0;
}

/* openat2(2), RESOLVE_NO_XDEV: the walk has come from `before` to where it is now. */
static int check_mount(const struct walker *k, const struct dentry *before)
{
	if (likely(!(k->at->resolve & RESOLVE_NO_XDEV)))
		return 0;
	return dentry_mount(before) == dentry_mount(k->dir) ? 0 : -EXDEV;
}

/* May the walk look for a name in k->dir? */
static int may_search(const struct walker *k)
{
	if (!k->dir->dir)
		return -ENOTDIR;
	return inode_permission(k->dir->inode, k->at->uid, k->at->gid, MAY_EXEC);
}

/* A link that leads to a file itself: the walk goes on there. */
static int jump(struct walker *k, const struct dentry *link, struct walk *w)
{
	if (k->at->resolve & RESOLVE_NO_MAGICLINKS)
		return -ELOOP;
	if (!link->inode->jump)
		return -ENXIO;
	if (k->at->resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT))
		return -EXDEV;
	k->dir = dentry_uncover(link->inode->jump);
	w->last = LAST_DOT;
	w->found = k->dir;
	w->parent = NULL;
	return 0;
}

/* Goes on with a link's text. `final`: nothing of the path is left behind it. */
static int follow_link(struct walker *k, const struct dentry *link, bool final, struct walk *w)
{
	if (++k->links > SYMLINKS_MAX || (k->at->resolve & RESOLVE_NO_SYMLINKS))
		return -ELOOP;
	if (!link->inode->target)
		return jump(k, link, w);
	if (!final)
		k->stack[k->depth++] = k->rest;
	return start_at(k, link->inode->target);
}

/* The next component of the whole walk; false at its end. */
static bool next_part(struct walker *k, struct path_part *part)
{
	while (!path_next(&k->rest, part)) {
		if (k->depth == 0)
			return false;
		k->rest = k->stack[--k->depth];
	}
	return true;
}

/* The name as it is seen from here: through a bind mount, an alias that lives as long as the walk. */
static int look_through(struct mount *via, struct walk *w, struct dentry **d)
{
	struct dentry *alias;

	if (likely(!via))
		return 0;
	if (*d == via->origin) {
		*d = via->root;
		return 0;
	}
	alias = dentry_alias(via, *d);
	if (!alias)
		return -ENOMEM;
	alias->next_transient = w->transients;
	w->transients = alias;
	*d = alias;
	return 0;
}

/* To the directory above: `origin` and the top are above themselves. */
static int go_up(struct walker *k, struct walk *w)
{
	struct dentry *d = k->dir;
	const struct mount *m;
	int err;

	while (!dentry_same(d, k->origin) && (m = dentry_rooted(d)) && m->point)
		d = m->point;
	k->dir = d;
	if (dentry_same(d, k->origin) || dentry_rooted(d) || !dentry_real(d)->parent)
		return 0;
	k->dir = dentry_real(d)->parent;
	/* It may have been moved away from below what the bind mount shows. */
	if (d->via && !dentry_is_below(k->dir, d->via->origin))
		return -ENOENT;
	err = look_through(d->via, w, &k->dir);
	if (!err)
		k->dir = dentry_uncover(k->dir);
	return err;
}

/* Handles `.` and `..`. */
static int step_dots(struct walker *k, const struct path_part *part, struct walk *w)
{
	if (part->kind == PATH_DOTDOT) {
		int err;

		if (dentry_same(k->dir, k->origin) && (k->at->resolve & RESOLVE_BENEATH))
			return -EXDEV;
		err = go_up(k, w);
		if (err)
			return err;
	}
	w->last = part->kind == PATH_DOT ? LAST_DOT : LAST_DOTDOT;
	w->found = k->dir;
	w->parent = NULL;
	return 0;
}

/* ---- names that have to be asked for ---- */

static void forget_wait(struct walk_wait *wait)
{
	dentry_put(wait->dir);
	kfree(wait->name);
	*wait = (struct walk_wait){.state = WAIT_NOTHING};
}

/* name NULL: all of them. -EAGAIN, or -ENOMEM. The old wish is dropped by who holds no lock. */
static int want(struct walk *w, struct dentry *dir, const char *name, size_t len)
{
	char *copy = name ? kstrdup(name, len) : NULL;

	if (name && !copy)
		return -ENOMEM;
	dentry_get(dir);
	forget_wait(&w->wait);
	w->wait = (struct walk_wait){.state = WAIT_WANTED, .dir = dir, .name = copy, .len = len};
	return -EAGAIN;
}

/* Has what the directory shows under a name (NULL: nothing) the last word? */
static bool is_known(const struct walker *k, const struct dentry *child)
{
	return child ? !child->inode->unread : !k->dir->dir->partial;
}

/* The name has to be asked for, unless that was what this walk waited for: then there is none. */
static int ask_for(struct walk *w, struct dentry *dir, const char *name, size_t len, struct dentry **child)
{
	const struct walk_wait *wait = &w->wait;

	if (!*child && wait->state == WAIT_ABSENT && wait->dir == dir && wait->len == len &&
	    memcmp(wait->name, name, len) == 0)
		return 0;
	return want(w, dir, name, len);
}

int walk_want_all(struct walk *w, struct dentry *dir)
{
	return dir->dir->partial ? want(w, dir, NULL, 0) : 0;
}

static void drop_transients(struct walk *w)
{
	struct dentry *d;

	while ((d = w->transients)) {
		w->transients = d->next_transient;
		dentry_put(d);
	}
}

bool walk_again(struct walk *w, int *err)
{
	struct walk_wait *wait = &w->wait;

	if (*err != -EAGAIN || wait->state != WAIT_WANTED)
		return false;
	drop_transients(w);
	*err = wait->dir->inode->ops->fetch(wait->dir, wait->name, wait->len);
	if (*err == -ENOENT && wait->name) {
		wait->state = WAIT_ABSENT;
		return true;
	}
	forget_wait(wait);
	return *err == 0;
}

bool walk_both_again(struct walk *a, struct walk *b, int *err)
{
	if (!walk_again(a, err) && !walk_again(b, err))
		return false;
	drop_transients(a);
	drop_transients(b);
	return true;
}

void walk_done(struct walk *w)
{
	drop_transients(w);
	if (unlikely(w->wait.state != WAIT_NOTHING))
		forget_wait(&w->wait);
}

/* What a directory has under that name, NULL: nothing. */
static int find_child(struct walker *k, const struct path_part *part, struct walk *w, struct dentry **child)
{
	const struct inode_ops *ops = k->dir->inode->ops;
	struct dentry *dir = dentry_real(k->dir);
	int err;

	if (likely(!ops || !ops->lookup)) {
		*child = dentry_child(dir, part->name, part->len);
		if (likely(is_known(k, *child)))
			return 0;
		return k->at->resolve & RESOLVE_CACHED ? -EAGAIN
						       : ask_for(w, dir, part->name, part->len, child);
	}
	err = ops->lookup(dir, part->name, part->len, child);
	if (err)
		return err;
	(*child)->next_transient = w->transients;
	w->transients = *child;
	return 0;
}

/* Looks one name up in k->dir and goes there; `final` as above. */
static int step_name(struct walker *k, const struct path_part *part, bool final, struct walk *w)
{
	struct dentry *child;
	int err;

	if (part->len > NAME_LEN_MAX)
		return -ENAMETOOLONG;
	err = find_child(k, part, w, &child);
	if (!err && child && unlikely(k->dir->via))
		err = look_through(k->dir->via, w, &child);
	if (err)
		return err;
	if (child && inode_is(child->inode, S_IFLNK) && (!final || k->follow))
		return follow_link(k, child, final, w);
	if (!child && !final)
		return -ENOENT;
	w->last = LAST_NAME;
	w->parent = k->dir;
	w->name = part->name;
	w->name_len = part->len;
	w->found = child;
	if (child) {
		k->dir = dentry_uncover(child);
		if (unlikely(k->dir != child) && !(k->at->flags & FS_UMOUNT))
			mount_used_at(k->dir);
	}
	return 0;
}

static int walk_parts(struct walker *k, struct walk *w)
{
	struct path_part part;
	int err = 0;

	w->last = LAST_ROOT;
	w->found = k->dir;
	while (!err && next_part(k, &part)) {
		const struct dentry *before = k->dir;
		bool final = part.last && k->depth == 0;

		err = may_search(k);
		if (err)
			break;
		/* A file cannot be made by a name that says "directory", whatever is there: before it is looked up. */
		if (final && part.slash && part.kind == PATH_NAME && (k->at->flags & FS_CREATE)) {
			err = -EISDIR;
			break;
		}
		if (final)
			w->slash |= part.slash;
		err = part.kind == PATH_NAME ? step_name(k, &part, final, w) : step_dots(k, &part, w);
		if (!err)
			err = check_mount(k, before);
	}
	return err;
}

static int walk(const struct fs_at *at, bool follow, struct walk *w)
{
	struct walker k;
	int err;

	/* Not the stack, which is the most of it. */
	k.at = at;
	k.follow = follow;
	k.origin = at->ctx->root;
	k.depth = k.links = 0;
	DEBUG_ASSERT(rwlock_is_held(&fs_tree_lock));
	w->parent = w->found = NULL;
	w->last = LAST_ROOT;
	w->slash = false;
	w->transients = NULL;
	k.dir = at->base ? at->base : at->ctx->cwd;
	if (!*at->path) {
		w->last = LAST_DOT;
		w->found = k.dir;
		return at->flags & FS_EMPTY_PATH ? 0 : -ENOENT;
	}
	if (at->resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT))
		k.origin = k.dir;
	err = start_at(&k, at->path);
	return err ? err : walk_parts(&k, w);
}

int walk_path(const struct fs_at *at, struct walk *w)
{
	return walk(at, at->flags & FS_FOLLOW, w);
}

int walk_name(const struct fs_at *at, struct walk *w)
{
	int err = walk(at, at->flags & FS_FOLLOW, w);

	w->via = NULL;
	w->read_only = false;
	if (err || !w->parent)
		return err;
	w->via = w->parent->via;
	w->read_only = dentry_mount_flags(w->parent) & MOUNT_RDONLY;
	w->parent = dentry_real(w->parent);
	if (w->found)
		w->found = dentry_real(w->found);
	return 0;
}

/* Does the path end in slashes? Then a link at its end is followed whatever the flags say. */
static bool ends_in_slash(const char *path)
{
	size_t len = strlen(path);

	return len > 0 && path[len - 1] == '/';
}

int walk_existing(const struct fs_at *at, struct walk *w)
{
	int err = walk(at, (at->flags & FS_FOLLOW) || ends_in_slash(at->path), w);

	if (err)
		return err;
	if (!w->found)
		return -ENOENT;
	if (unlikely(w->found->covered_by || w->found->via))
		w->found = dentry_uncover(w->found);
	return w->slash && !w->found->dir ? -ENOTDIR : 0;
}

int vfs_lookup(const struct fs_at *at, struct dentry **out)
{
	struct walk w;
	int err;

	w.wait = (struct walk_wait){.state = WAIT_NOTHING};
	do {
		rwlock_read(&fs_tree_lock);
		err = walk_existing(at, &w);
		if (!err) {
			*out = w.found;
			dentry_get(*out);
		}
		rwlock_read_done(&fs_tree_lock);
	} while (walk_again(&w, &err));
	walk_done(&w);
	return err;
}

static const struct fs_cred_ops *cred_ops; /* [I after boot] */

void fs_register_cred_ops(const struct fs_cred_ops *ops)
{
	cred_ops = ops;
}

struct fs_ids fs_ids(const struct fs_context *c)
{
	if (cred_ops)
		return cred_ops->ids();
	return c ? (struct fs_ids){c->fsuid, c->fsgid} : (struct fs_ids){0, 0};
}

bool fs_capable(unsigned cap, u32 uid)
{
	return cred_ops ? cred_ops->capable(cap, uid) : uid == 0;
}

bool fs_in_group(u32 gid, u32 own)
{
	return gid == own || (cred_ops && cred_ops->in_group(gid));
}

/* Which three permission bits apply to this user. */
static unsigned rights_of(const struct inode *i, u32 uid, u32 gid)
{
	if (uid == i->uid)
		return i->mode >> 6 & 7;
	if (fs_in_group(i->gid, gid))
		return i->mode >> 3 & 7;
	return i->mode & 7;
}

int inode_permission(const struct inode *i, u32 uid, u32 gid, unsigned may)
{
	bool executable;

	if ((may & MAY_WRITE) && i->super && (!i->super->ops->create || inode_is_read_only(i)) &&
	    (inode_is(i, S_IFREG) || inode_is(i, S_IFDIR) || inode_is(i, S_IFLNK)))
		return -EROFS;
	if (!(may & ~rights_of(i, uid, gid)))
		return 0;
	executable = inode_is_dir(i) || (i->mode & 0111);
	if ((!(may & MAY_EXEC) || executable) && fs_capable(CAP_DAC_OVERRIDE, uid))
		return 0;
	if ((inode_is_dir(i) ? !(may & MAY_WRITE) : may == MAY_READ) && fs_capable(CAP_DAC_READ_SEARCH, uid))
		return 0;
	return -EACCES;
}

int may_create(const struct fs_at *at, const struct dentry *dir)
{
	if (!dir->attached)
		return -ENOENT;
	return inode_permission(dir->inode, at->uid, at->gid, MAY_WRITE | MAY_EXEC);
}

/* unlink(2): in a sticky directory only the owner of the file or of the directory removes a name. */
static bool sticky_forbids(const struct fs_at *at, const struct inode *dir, const struct inode *victim)
{
	return (dir->mode & S_ISVTX) && at->uid != victim->uid && at->uid != dir->uid &&
	       !fs_capable(CAP_FOWNER, at->uid);
}

int may_delete(const struct fs_at *at, const struct dentry *victim, bool as_dir)
{
	const struct dentry *dir = victim->parent;
	int err = inode_permission(dir->inode, at->uid, at->gid, MAY_WRITE | MAY_EXEC);

	if (err)
		return err;
	if (sticky_forbids(at, dir->inode, victim->inode))
		return -EPERM;
	if (dir->inode->ops && dir->inode->ops->lookup)
		return -EPERM; /* nobody gave it this name */
	if (as_dir && !victim->dir)
		return -ENOTDIR;
	if (!as_dir && victim->dir)
		return -EISDIR;
	return victim->covered_by || victim->covers ? -EBUSY : 0;
}

void seed_init(struct inode_seed *seed, const struct fs_at *at, const struct dentry *dir, u32 mode)
{
	*seed = (struct inode_seed){.mode = mode, .uid = at->uid, .gid = at->gid};
	if (!S_ISLNK(mode))
		seed->mode &= ~at->ctx->umask;
	if (dir->inode->mode & S_ISGID) {
		seed->gid = dir->inode->gid;
		if (S_ISDIR(mode))
			seed->mode |= S_ISGID;
		else if ((mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) && at->uid != 0 &&
			 at->gid != seed->gid)
			seed->mode &= ~(u32)S_ISGID;
	}
}
