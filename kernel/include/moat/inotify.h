/* SPDX-License-Identifier: MIT */
/* room: fs */
/* Being told of what happens to files: inotify(7), docs/inotify.md. */
#ifndef MOAT_INOTIFY_H
#define MOAT_INOTIFY_H

#include <linux/inotify.h>
#include <moat/file.h>
#include <moat/fs.h>

/* /proc/sys/fs/inotify: what all programs together may have. [a] */
enum inotify_limit {
	INOTIFY_QUEUED_EVENTS, /* for each instance that is made from now on */
	INOTIFY_USER_INSTANCES,
	INOTIFY_USER_WATCHES,
	INOTIFY_LIMITS,
};
extern u64 inotify_limits[INOTIFY_LIMITS];

/* inotify_init1(2), flags O_NONBLOCK: -EMFILE, -ENOMEM. */
int __must_check inotify_create(u32 flags, struct file **out);
bool file_is_inotify(const struct file *f);
/* inotify_add_watch(2) of what d names, mask and rights checked: the watch's number, -EEXIST, -ENOSPC, -ENOMEM. */
int __must_check inotify_add(struct file *f, struct dentry *d, u32 mask);
/* inotify_rm_watch(2): 0 or -EINVAL. */
int __must_check inotify_remove(struct file *f, int wd);

/*
 * F_NOTIFY: signals to the owner of an open directory, of the events in mask (DN_*), 0 or DN_MULTISHOT alone: none any more;
 * they name fd. -ENOTDIR, -ENOMEM. table: who asks; with the first descriptor of f that is closed there they end.
 */
int __must_check dnotify_set(struct file *f, int fd, u32 mask, const void *table);
/* NULL: whoever asked. */
void dnotify_close(struct file *f, const void *table);

/* Something happened to inode i, by the name d (NULL: by none): IN_ATTRIB, IN_MODIFY… No spinlock held. */
void notify_event(struct inode *i, struct dentry *d, u32 event);

#endif
