/* SPDX-License-Identifier: MIT */
/*
 * F_NOTIFY of fcntl(2): a signal to the owner of an open directory when something happens to what is in it. The events are those
 * of inotify, the way of the signal is that of O_ASYNC (owner.c).
 *
 * A description has one watch at most, which goes after its first signal (unless DN_MULTISHOT), and when a descriptor of it is
 * closed in the table of who asked for it. Lock: notify_lock.
 */
#include <asm/errno.h>
#include <linux/fcntl.h>
#include <moat/heap.h>
#include <moat/owner.h>
#include "watch.h"

/* The bits of the call; a bit that means nothing is kept and nothing happens, as on Linux. */
#define EVENTS 6u

static const u32 events_of[EVENTS] = {
	IN_ACCESS, IN_MODIFY, IN_CREATE | IN_MOVED_TO, IN_DELETE | IN_MOVED_FROM, WATCH_RENAMED, IN_ATTRIB,
};

_Static_assert(DN_ACCESS == 1 << 0 && DN_ATTRIB == 1 << (EVENTS - 1), "the order of the bits");

/* Locked. */
static void drop(struct watch *w)
{
	watch_detach(w);
	__atomic_store_n(&w->file->dnotify, NULL, __ATOMIC_RELEASE);
	kfree(w);
}

void dnotify_tell(struct watch *w, u32 event)
{
	for (unsigned i = 0; i < EVENTS; i++) {
		if (!(w->mask & 1u << i) || !(event & events_of[i]))
			continue;
		file_tell_message(w->file);
		if (!(w->mask & DN_MULTISHOT))
			drop(w);
		return;
	}
}

void dnotify_close(struct file *f, const void *table)
{
	spin_lock(&notify_lock);
	if (f->dnotify && (!table || f->dnotify->table == table))
		drop(f->dnotify);
	spin_unlock(&notify_lock);
}

/* What the watch tells of from now on, besides what it did if the same table asked for that. Locked. */
static void widen(struct watch *w, u32 mask, const void *table)
{
	w->mask = (w->table == table ? w->mask : 0) | mask;
	w->table = table;
}

int dnotify_set(struct file *f, int fd, u32 mask, const void *table)
{
	struct watch *w;
	int err;

	if (!(mask & ~(u32)DN_MULTISHOT)) {
		dnotify_close(f, table);
		return 0;
	}
	if (!f->inode || !inode_is_dir(f->inode))
		return -ENOTDIR;
	err = file_tell_as(f, fd);
	w = err ? NULL : kzalloc(sizeof(*w));
	if (!w)
		return -ENOMEM;
	spin_lock(&notify_lock);
	if (f->dnotify) {
		kfree(w);
		widen(f->dnotify, mask, table);
	} else {
		w->file = f;
		widen(w, mask, table);
		watch_attach(w, f->inode);
		__atomic_store_n(&f->dnotify, w, __ATOMIC_RELEASE);
	}
	spin_unlock(&notify_lock);
	if (f->dentry)
		watch_names(dentry_real(f->dentry));
	return 0;
}
