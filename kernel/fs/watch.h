/* SPDX-License-Identifier: MIT */
/* room: fs */
/* What hangs on an inode to be told of what happens to it: a watch of inotify.c, or of dnotify.c. */
#ifndef FS_WATCH_H
#define FS_WATCH_H

#include <bsd/sys/tree.h>
#include "notify.h"

/* All [notify_lock]. */
struct watch {
	LIST_ENTRY(watch) on_inode;
	struct inode *inode; /* NULL: it has gone, without having been removed */
	u32 mask;	     /* events; of inotify's IN_EXCL_UNLINK, IN_ONESHOT too */
	/* inotify.c */
	struct inotify *group; /* NULL: it is one of dnotify.c */
	RB_ENTRY(watch) node;  /* of the instance's, by number */
	int wd;
	/* dnotify.c */
	struct file *file;
	const void *table; /* of descriptors, that of who asked */
};

/* An event beside inotify's, without a bit of IN_ALL_EVENTS: a name got another one in the same directory. */
#define WATCH_RENAMED (1u << 12)

/* On an inode, off it. The watch is on none, or also on none. notify_lock held. */
void watch_attach(struct watch *w, struct inode *i);
void watch_detach(struct watch *w);
/* Files that the directory shows tell it what happens to them. Takes the tree lock. */
void watch_names(struct dentry *dir);

/* Something happened in the directory: the watch, one of dnotify.c, may be gone afterwards. notify_lock held. */
void dnotify_tell(struct watch *w, u32 event);

#endif
