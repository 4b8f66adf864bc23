/* SPDX-License-Identifier: MIT */
/* room: fs */
/* The mount table: which file system covers which directory. */
#ifndef FS_MOUNT_H
#define FS_MOUNT_H

#include "dentry.h"

/*
 * One place where a file system, or a part of it, is seen. The first mount of a file system shows its names themselves; each
 * further one (MS_BIND) shows aliases of `origin` and what is below it.
 */
struct mount {
	LIST_ENTRY(mount) link; /* [tree lock] */
	struct refcount refs;	/* the table's, and one of each alias */
	struct super *super;	/* [I] */
	u32 id;			/* [I] as mountinfo shows it */
	u32 group;		/* [tree lock] MS_SHARED: its number in mountinfo; 0: none */
	u32 master;		/* [tree lock] MS_SLAVE: the group that it is a slave of; 0: none */
	bool unbindable;	/* [tree lock] MS_UNBINDABLE */
	bool expiring;		/* [a] MNT_EXPIRE has seen it, and nobody has been there since */
	u64 flags;		/* [a] MOUNT_FLAGS_KEPT of a bind mount; others have them in their super */
	s32 writers;		/* [a] bind mounts: descriptions open for writing through it */
	struct dentry *root;	/* [I] what is seen at `point`; a reference */
	struct dentry *origin;	/* [I] bind mounts: the name that root is an alias of, a reference; or NULL */
	struct dentry *point;	/* [tree lock] what is covered, a reference; NULL: the root, or gone */
	struct mount *copy;	/* [tree lock] of who copies a tree of mounts, and so is `of` */
	const struct mount *of;
};

enum {
	MOUNTS_MAX = 1000,
};

/*
 * Covers `point` (NULL: makes the root of everything) with the file system whose root inode is given; takes
 * over the reference to it on success. 0, -ENOTDIR, -EBUSY (there is a root already),
 * -ENOSPC (MOUNTS_MAX), -ENOMEM. Takes the tree lock.
 */
int __must_check mount_attach(struct super *s, struct inode *root, struct dentry *point);
/* The root of everything, borrowed; NULL before fs_init. */
struct dentry *mount_root(void);
/* What covers d, or NULL. Tree lock held. */
struct mount *mount_on(const struct dentry *d);
static inline void mount_get(struct mount *m)
{
	ref_get(&m->refs);
}
void mount_put(struct mount *m);
/* A bind mount that is nowhere yet, of `real` as `of` shows it: the table's reference is the caller's. Or NULL. */
struct mount *__must_check mount_bind_create(const struct mount *of, struct dentry *real);
/* It covers point, a reference that becomes the mount's (NULL: it is the root). Tree lock held for writing; cannot fail. */
void mount_cover(struct mount *m, struct dentry *point);
/* It covers nothing any more: what it covered is returned, a reference. As above. */
struct dentry *__must_check mount_uncover(struct mount *m);
/* A mount inside m, or NULL; how many there are in all. Tree lock held. */
struct mount *mount_inside(const struct mount *m);
u32 mount_count(void);
/* MOUNT_FLAGS_KEPT of a mount; a file system that is read-only makes it so. */
u64 mount_flags(const struct mount *m);
/* Somebody went there: MNT_EXPIRE begins again. Tree lock held. */
extern bool mounts_expire; /* [a] somebody has called for it */
void mount_used(const struct dentry *d);
static inline void mount_used_at(const struct dentry *d)
{
	if (unlikely(__atomic_load_n(&mounts_expire, __ATOMIC_RELAXED)))
		mount_used(d);
}
/* The mount with the lowest id >= from, or NULL. Tree lock held. */
struct mount *mount_next(u32 from);
/* Makes each directory of an absolute path that is missing. */
int __must_check vfs_make_path(struct fs_context *ctx, const char *path);
/* It is found no more. Tree lock held for writing. */
void mount_forget(struct mount *m);
/*
 * MS_SHARED: m is in a group, a new one if it was in none. MS_SLAVE: it leaves its group, whose slave it becomes if others are left
 * there; MS_PRIVATE, MS_UNBINDABLE: and of which it is no slave. Tree lock held for writing.
 */
void mount_set_propagation(struct mount *m, u64 kind);
/* A device number for a new instance of a file system that has no device. */
u32 mount_new_dev(void);

#endif
