/* SPDX-License-Identifier: MIT */
/* room: fs */
/* From a path to a place in the tree of names (path_resolution(7)). */
#ifndef FS_NAMEI_H
#define FS_NAMEI_H

#include "dentry.h"

enum {
	SYMLINKS_MAX = 40, /* links followed in one walk */
	NAME_LEN_MAX = 255,
};

/* What the last component of a path was. */
enum walk_last {
	LAST_NAME,
	LAST_DOT,
	LAST_DOTDOT,
	LAST_ROOT, /* the path has no component: "/" */
};

/*
 * What a walk could not know without asking somebody who may take his time: it ends with -EAGAIN then, its caller lets go
 * of the tree lock and calls walk_again.
 */
struct walk_wait {
	enum {
		WAIT_NOTHING,
		WAIT_WANTED, /* the name is to be asked for */
		WAIT_ABSENT, /* it was, and there is none */
	} state;
	struct dentry *dir; /* a reference; NULL: nothing is wanted */
	char *name;	    /* from the heap; NULL: all names */
	size_t len;
};

/*
 * Where a walk ended. Everything is borrowed: valid while the tree lock is held and until walk_done, which every
 * walk needs, also one that failed: names that were made for it alone (inode_ops.lookup) live as long.
 */
struct walk {
	struct walk_wait wait; /* survives when the walk is begun again */
	struct dentry *parent; /* LAST_NAME: the directory that holds, or would hold, the name */
	struct dentry
		*found;	  /* what the path leads to, under what may cover it; NULL: there is no such name */
	const char *name; /* LAST_NAME: inside the path or the text of a symbolic link, not terminated */
	size_t name_len;
	enum walk_last last;
	bool slash;		   /* slashes behind the last component: it must be, or become, a directory */
	struct dentry *transients; /* made for this walk, a reference each */
	struct mount *via;	   /* walk_name: the bind mount that the name is seen through, or NULL */
	bool read_only;		   /* walk_name: no name may be made or changed there, as it is mounted */
};

/*
 * Walks all of at->path. Tree lock held. 0 also when the last name does not exist (w->found is NULL then),
 * but not when a directory before it does not: -ENOENT, -ENOTDIR, -EACCES, -ELOOP, -ENAMETOOLONG. A symbolic
 * link at the end is followed with FS_FOLLOW only; slashes behind it are for the caller to judge.
 */
int __must_check walk_path(const struct fs_at *at, struct walk *w);
/* The same for who makes or changes the name: `parent` and `found` are the names themselves, not aliases. */
int __must_check walk_name(const struct fs_at *at, struct walk *w);
/*
 * The same for something that must exist: slashes behind a link follow it and want a directory; mounts are
 * entered, and w->found is what is seen there. -ENOENT, -ENOTDIR besides.
 */
int __must_check walk_existing(const struct fs_at *at, struct walk *w);
/*
 * The directory must know all of its names before one is taken away: 0, or -EAGAIN as above, or -ENOMEM. Tree lock held.
 */
int __must_check walk_want_all(struct walk *w, struct dentry *dir);
/*
 * After a walk and what followed it ended with *err. True: they were -EAGAIN for something that is known now, begin again.
 * *err may have become another error. Tree lock not held; may sleep. The shape of every use, with w zeroed before:
 *
 *     do {
 *             lock; err = walk…(at, &w); … ; unlock;
 *     } while (walk_again(&w, &err));
 *     walk_done(&w);
 */
bool __must_check walk_again(struct walk *w, int *err);
/* The same for two walks, of which either may have had to wait: both begin again. */
bool __must_check walk_both_again(struct walk *a, struct walk *b, int *err);
/* Drops what the walk kept alive. Without the tree lock. */
void walk_done(struct walk *w);

/*
 * Whoever has `from` as root or working directory has `to` now: how many there were, each of whose references to `from` are the
 * caller's to put. `from` is somebody's all the while. Tree lock held for writing. pivot_root(2).
 */
unsigned fs_contexts_move(const struct dentry *from, struct dentry *to);

/* May `at` make a name in w->parent? 0, -ENOENT (removed directory), -EACCES. Tree lock held. */
int __must_check may_create(const struct fs_at *at, const struct dentry *dir);
/* May `at` remove or rename `victim` as a directory or as anything else? Adds -EPERM, -ENOTDIR, -EISDIR,
 * -EBUSY. */
int __must_check may_delete(const struct fs_at *at, const struct dentry *victim, bool as_dir);
/* Owner and permission bits of a new inode in dir: umask, set-group-ID directories. */
void seed_init(struct inode_seed *seed, const struct fs_at *at, const struct dentry *dir, u32 mode);

#endif
