/* SPDX-License-Identifier: MIT */
/* room: fs */
/* The tree of names. */
#ifndef FS_DENTRY_H
#define FS_DENTRY_H

#include <sys/queue.h>
#include <bsd/sys/tree.h>
#include "inode.h"

struct mount;
LIST_HEAD(dentry_list, dentry);
RB_HEAD(dentry_order, dentry);

/* The names in a directory: a hash table that grows with them, and the order in which they were made. */
struct dir {
	struct dentry_list *buckets; /* [tree] &first, or an array of bucket_count */
	u32 bucket_count;	     /* [tree] a power of two */
	u32 count;		     /* [tree] names */
	u32 misses;		     /* [a] names asked for in vain while it was partial */
	bool partial;		     /* [tree] there may be names that are not known yet: inode_ops.fetch */
	u64 next_cookie;	     /* [tree] */
	struct dentry_list first;    /* [tree] the only bucket of a small directory */
	struct dentry_order order;   /* [tree] by cookie */
};

struct dentry {
	struct refcount refs;
	struct inode *inode;	  /* [I] a reference; [tree] while it is unread */
	struct dentry *parent;	  /* [tree] a reference; NULL: root of a file system */
	char *name;		  /* [tree] terminated; NULL for a root */
	u32 name_len;		  /* [tree] */
	u32 hash;		  /* [tree] of name */
	u64 cookie;		  /* [tree] d_off in its directory */
	struct dir *dir;	  /* [I] directories only */
	struct mount *covered_by; /* [tree] the file system mounted here, or NULL */
	struct mount *mount;	  /* [I once mounted] this is the root of a mounted file system */
	struct mount *via;   /* [I] an alias (below): the bind mount through which it is seen, a reference */
	struct dentry *real; /* [I] an alias: the name itself, a reference */
	u32 aliases;	     /* [a] references to this name that aliases and bind mounts hold */
	u32 covers;	     /* [tree] mounts on aliases of this name */
	bool attached;	     /* [tree] its directory shows it (and holds a reference), or it is a root */
	union {
		LIST_ENTRY(dentry) link;       /* [tree] */
		struct dentry *next_transient; /* [I] of the walk that made it, see namei.h */
	};
	RB_ENTRY(dentry) node;	     /* [tree] */
	LIST_ENTRY(dentry) of_inode; /* [tree] in inode->names while it is attached */
};

/* Cookies of the entries that every directory has. */
enum {
	COOKIE_DOT = 1,
	COOKIE_DOTDOT = 2,
	COOKIE_FIRST = 3,
};

/*
 * An alias is a name seen through a bind mount: the pair of both, in the shape of a dentry, so that it may stand wherever one
 * does that only says where something is (a file, a working directory, where a walk is). It has inode and `dir` of the name
 * itself and no other field; what changes names works on dentry_real. Two aliases of one name are the same place
 * (dentry_same), the root of a bind mount is always mount->root.
 */
static inline struct dentry *dentry_real(struct dentry *d)
{
	return d->via ? d->real : d;
}
/* One reference, or NULL (no memory). Tree lock held. */
struct dentry *__must_check dentry_alias(struct mount *via, struct dentry *real);
static inline bool dentry_same(const struct dentry *a, const struct dentry *b)
{
	return a == b || (a->via && a->via == b->via && a->real == b->real);
}

/* Where a name is: for the way up, which needs no memory. */
struct place {
	const struct dentry *d; /* no alias */
	const struct mount *via;
};
static inline struct place place_of(const struct dentry *d)
{
	return d->via ? (struct place){d->real, d->via} : (struct place){d, NULL};
}
static inline bool place_is(const struct place *p, const struct dentry *d)
{
	return d && p->via == d->via && p->d == (d->via ? d->real : d);
}
/*
 * A step up: from the root of what is mounted to the directory that it covers (*name is NULL), or from a name to its directory
 * (*name is what it was). False at the top. Tree lock held.
 */
bool place_up(struct place *p, const struct dentry **name);
/* The mount that d is the root of, or NULL; and that it lies in, or NULL: in none any more. Tree lock held. */
struct mount *dentry_rooted(const struct dentry *d);
struct mount *dentry_mount(const struct dentry *d);

/* The one lock of the tree of names: readers walk, writers change names and mounts. RANK_DENTRY. */
extern struct rwlock fs_tree_lock;
void dentry_init(void);

/*
 * A dentry with one reference that no directory shows yet. Takes over the caller's reference to the inode on
 * success. name NULL: a root. Or NULL (no memory).
 */
struct dentry *__must_check dentry_create(struct inode *inode, const char *name, size_t len);
/* The child of that name, borrowed, or NULL. Tree lock held. */
struct dentry *dentry_child(const struct dentry *dir, const char *name, size_t len);
/* Shows `child` in `parent`, which takes a reference to it. Tree lock held for writing; cannot fail. */
void dentry_attach(struct dentry *parent, struct dentry *child);
/* Hides it; the directory's reference passes to the caller. Tree lock held for writing. */
void dentry_detach(struct dentry *child);
/* Gives an attached dentry a new place and name. Takes over `name` (heap); the old name is returned. As
 * above. */
char *__must_check dentry_move(struct dentry *child, struct dentry *parent, char *name, size_t len);
/* The first child whose cookie is greater, or NULL. Tree lock held. */
struct dentry *dentry_after(const struct dentry *dir, u64 cookie);
/* Is `d` the directory `above` or below it, mounts included? Tree lock held. */
bool dentry_is_below(const struct dentry *d, const struct dentry *above);
/* The directory above, mounts considered; the top is above itself. Tree lock held. */
const struct inode *dentry_inode_above(const struct dentry *d);
/* The root of the file system that d, no alias, lies in. Tree lock held. */
struct dentry *dentry_top(struct dentry *d);
/* An unread name gets its inode, with the reference; the other one is returned with its own. Tree lock held for writing. */
struct inode *__must_check dentry_read(struct dentry *d, struct inode *inode);
/*
 * Shows what was found of a partial directory, unless the tree has learnt, or decided, otherwise meanwhile: a name that is
 * there stays, but an unread one gets the inode. The caller's reference to d stays the caller's. 0, -ENOENT (the directory is
 * gone), -EIO (it was another kind of thing). Tree lock held for writing.
 */
int dentry_settle(struct dentry *dir, struct dentry *d);
/*
 * The same for all names, which are linked by next_transient, the last one first; they are put. The directory is not partial
 * afterwards. With `err` they are only put; it is returned. Takes the tree lock.
 */
int dentry_settle_all(struct dentry *dir, struct dentry *list, int err);
/* What is seen at d: the root of what covers it, or d. Tree lock held. */
struct dentry *dentry_uncover(struct dentry *d);

#endif
