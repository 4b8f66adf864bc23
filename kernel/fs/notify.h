/* SPDX-License-Identifier: MIT */
/* room: fs */
/* What the file system tells those who watch (inotify.c). A file that nobody watches pays a look at one word of its inode. */
#ifndef FS_NOTIFY_H
#define FS_NOTIFY_H

#include <moat/inotify.h>
#include "dentry.h"

/* inode->watched */
enum {
	WATCHED_SELF = 1,
	WATCHED_ABOVE =
		2, /* a directory that shows it may be watched: set when that is so, cleared when seen to be false */
};

/* All of inotify: watches, queues, and parent and name of each dentry for change, so that an event finds both. RANK_EVENT. */
extern struct spinlock notify_lock;

void notify_event_slow(struct inode *i, struct dentry *d, u32 event);
void notify_name_slow(const struct dentry *dir, u32 event, u32 cookie, const char *name, size_t len);

/* Something happened to an open file. */
static inline void notify_file(const struct file *f, u32 event)
{
	if (f->inode && unlikely(f->inode->watched))
		notify_event_slow(f->inode, f->dentry, event);
}

/* A name in `dir` came or went; event with IN_ISDIR where it belongs. The tree lock is held for writing. */
static inline void notify_name(const struct dentry *dir, u32 event, u32 cookie, const char *name, size_t len)
{
	if (unlikely(dir->inode->watched & WATCHED_SELF))
		notify_name_slow(dir, event, cookie, name, len);
}

static inline u32 notify_kind(const struct dentry *d)
{
	return d->dir ? IN_ISDIR : 0;
}

/* d is shown in its directory: a new file, or another name of one (link(2)). Tree lock held for writing. */
void notify_created(struct dentry *d);
void notify_linked(struct dentry *d);
/* d was taken out of its directory by unlink(2) or rmdir(2). Tree lock held for writing. */
void notify_removed(struct dentry *d);
/* d was called `name` in `from`, and has taken the place of `replaced` (NULL: of nothing). Tree lock held for writing. */
void notify_moved(struct dentry *d, const struct dentry *from, const char *name, size_t len,
		  const struct dentry *replaced);
/* The last reference to the inode is gone, or is about to go. */
void notify_gone(struct inode *i);

#endif
