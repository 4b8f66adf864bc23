/* SPDX-License-Identifier: MIT */
/*
 * inotify(7), docs/inotify.md: watches, and the queues of events that they fill.
 *
 *     inode ──watches──> watch ──group──> inotify (an open file) ──events──> read(2)
 *
 * A watch belongs to one instance and hangs on one inode without holding it: an inode that goes takes its watches along
 * (notify_gone). Everything here is under notify_lock; events are made and dropped under it, copied to programs without.
 */
#include <asm/errno.h>
#include <asm/ioctls.h>
#include <linux/fcntl.h>
#include <linux/poll.h>
#include <arch/uaccess.h>
#include <moat/frame.h>
#include <moat/heap.h>
#include <moat/procfs.h>
#include <moat/string.h>
#include <moat/waitq.h>
#include "watch.h"

#define MEMORY_SHARE 8	/* of the machine that all queues together may take */
#define BATCH	     64 /* watches or events that are dropped in one hold of the lock */

struct event {
	TAILQ_ENTRY(event) link;
	int wd;
	u32 mask, cookie, len; /* of the name, without its end; 0: none */
	char name[];
};
TAILQ_HEAD(event_list, event);
RB_HEAD(watch_order, watch);

/* All [notify_lock]. */
struct inotify {
	struct waitq wait;
	struct event_list events;
	struct watch_order watches; /* the newest first */
	u32 count, count_max;	    /* events in the queue */
	u64 bytes;		    /* that reading them all gives */
	int last_wd;
	struct event *overflow; /* IN_Q_OVERFLOW, made beforehand */
	bool overflowed;	/* it is in the queue */
};

static int order_compare(const struct watch *a, const struct watch *b)
{
	return a->wd > b->wd ? -1 : a->wd < b->wd;
}

RB_GENERATE_STATIC(watch_order, watch, node, order_compare)

struct spinlock notify_lock = SPINLOCK_INIT(RANK_NOTIFY);
u64 inotify_limits[INOTIFY_LIMITS] = {16384, 128, 65536};
static u64 instances, watches; /* [notify_lock] */
static u64 queued_bytes;       /* [notify_lock] what all queues take of the heap */

/* --- the queue; notify_lock held --- */

static u32 padded(const struct event *e)
{
	return e->len ? (u32)ALIGN_UP(e->len + 1, sizeof(struct inotify_event)) : 0;
}

static u64 bytes_of(const struct event *e)
{
	return sizeof(struct inotify_event) + padded(e);
}

static u64 heap_bytes_of(size_t name_len)
{
	return sizeof(struct event) + name_len;
}

static bool is_room_for(size_t name_len)
{
	return queued_bytes + heap_bytes_of(name_len) <= frames_total() * (PAGE_SIZE / MEMORY_SHARE);
}

static void append(struct inotify *g, struct event *e)
{
	TAILQ_INSERT_TAIL(&g->events, e, link);
	g->count++;
	g->bytes += bytes_of(e);
	waitq_wake(&g->wait, POLLIN);
}

static struct event *take_first(struct inotify *g)
{
	struct event *e = TAILQ_FIRST(&g->events);

	TAILQ_REMOVE(&g->events, e, link);
	g->count--;
	g->bytes -= bytes_of(e);
	if (e == g->overflow)
		g->overflowed = false;
	else
		queued_bytes -= heap_bytes_of(e->len);
	return e;
}

/* e has been copied, or is dropped. No lock needed. */
static void free_event(const struct inotify *g, struct event *e)
{
	if (e != g->overflow)
		kfree(e);
}

static void overflow(struct inotify *g)
{
	if (!g->overflowed)
		append(g, g->overflow);
	g->overflowed = true;
}

/* The same as the one before it says nothing new. */
static bool repeats(const struct event *last, const struct event *e, const char *name)
{
	return last && last->wd == e->wd && last->mask == e->mask && !(e->mask & IN_IGNORED) &&
	       last->len == e->len && memcmp(last->name, name, e->len) == 0;
}

static void queue(struct inotify *g, int wd, u32 mask, u32 cookie, const char *name, size_t len)
{
	const struct event like = {.wd = wd, .mask = mask, .cookie = cookie, .len = (u32)len};
	struct event *e;

	if (g->count >= g->count_max) {
		overflow(g);
		return;
	}
	if (repeats(TAILQ_LAST(&g->events, event_list), &like, name))
		return;
	e = is_room_for(len) ? kmalloc(heap_bytes_of(len)) : NULL;
	if (!e) {
		overflow(g);
		return;
	}
	*e = like;
	memcpy(e->name, name, len);
	queued_bytes += heap_bytes_of(len);
	append(g, e);
}

/* --- watches; notify_lock held --- */

void watch_attach(struct watch *w, struct inode *i)
{
	w->inode = i;
	LIST_INSERT_HEAD(&i->watches, w, on_inode);
	__atomic_or_fetch(&i->watched, WATCHED_SELF, __ATOMIC_RELAXED);
}

/* The inode's word is cleared last: who sees it clear may free the inode. */
void watch_detach(struct watch *w)
{
	struct inode *i = w->inode;

	w->inode = NULL;
	if (!i)
		return;
	LIST_REMOVE(w, on_inode);
	if (LIST_EMPTY(&i->watches))
		__atomic_and_fetch(&i->watched, ~(u32)WATCHED_SELF, __ATOMIC_RELEASE);
}

static void drop(struct watch *w)
{
	watch_detach(w);
	RB_REMOVE(watch_order, &w->group->watches, w);
	watches--;
	kfree(w);
}

static void drop_and_tell(struct watch *w)
{
	queue(w->group, w->wd, IN_IGNORED, 0, "", 0);
	drop(w);
}

/* What happened goes to all who watch i. unlinked: it was done to a file by a name that is gone. */
static void tell(struct inode *i, u32 event, u32 cookie, const char *name, size_t len, bool unlinked)
{
	struct watch *w, *next;

	/* Of itself a directory tells no more than a file. */
	if (event & (IN_DELETE_SELF | IN_MOVE_SELF))
		event &= ~(u32)IN_ISDIR;
	for (w = LIST_FIRST(&i->watches); w; w = next) {
		next = LIST_NEXT(w, on_inode);
		if (!w->group) {
			dnotify_tell(w, event);
			continue;
		}
		if (!(w->mask & event & IN_ALL_EVENTS) || (unlinked && (w->mask & IN_EXCL_UNLINK)))
			continue;
		queue(w->group, w->wd, event, cookie, name, len);
		if (w->mask & IN_ONESHOT)
			drop_and_tell(w);
	}
}

/* --- what happens to files --- */

void notify_event_slow(struct inode *i, struct dentry *d, u32 event)
{
	const struct dentry *dir;
	bool unlinked;

	if (d)
		d = dentry_real(d);
	unlinked = d && !d->attached;

	if (inode_is_dir(i))
		event |= IN_ISDIR;
	spin_lock(&notify_lock);
	dir = d ? d->parent : NULL;
	if (dir && (dir->inode->watched & WATCHED_SELF))
		tell(dir->inode, event, 0, d->name, d->name_len, unlinked);
	else if (d && (i->nlink <= 1 || inode_is_dir(i)))
		__atomic_and_fetch(&i->watched, ~(u32)WATCHED_ABOVE, __ATOMIC_RELAXED);
	tell(i, event, 0, "", 0, unlinked);
	spin_unlock(&notify_lock);
}

void notify_event(struct inode *i, struct dentry *d, u32 event)
{
	if (unlikely(i->watched))
		notify_event_slow(i, d, event);
}

void notify_name_slow(const struct dentry *dir, u32 event, u32 cookie, const char *name, size_t len)
{
	spin_lock(&notify_lock);
	tell(dir->inode, event, cookie, name, len, false);
	spin_unlock(&notify_lock);
}

/* Told to who watches the inode itself, not to its directory. */
static void notify_self(struct inode *i, u32 event)
{
	if (likely(!(i->watched & WATCHED_SELF)))
		return;
	spin_lock(&notify_lock);
	tell(i, event | (inode_is_dir(i) ? IN_ISDIR : 0), 0, "", 0, false);
	spin_unlock(&notify_lock);
}

void notify_created(struct dentry *d)
{
	notify_name(d->parent, IN_CREATE | notify_kind(d), 0, d->name, d->name_len);
}

void notify_linked(struct dentry *d)
{
	notify_self(d->inode, IN_ATTRIB);
	notify_created(d);
}

/* Linux's order: the file's own end comes before its directory is told, unless somebody still has it open. */
void notify_removed(struct dentry *d)
{
	if (!d->dir)
		notify_self(d->inode, IN_ATTRIB);
	if (d->inode->nlink == 0 && ref_read(&d->refs) == 1 && ref_read(&d->inode->refs) == 1)
		notify_gone(d->inode);
	notify_name(d->parent, IN_DELETE | notify_kind(d), 0, d->name, d->name_len);
}

void notify_moved(struct dentry *d, const struct dentry *from, const char *name, size_t len,
		  const struct dentry *replaced)
{
	static u32 last_cookie; /* [a] */
	u32 cookie = __atomic_add_fetch(&last_cookie, 1, __ATOMIC_RELAXED), kind = notify_kind(d);

	if (from == d->parent)
		notify_name(from, WATCH_RENAMED, 0, name, len);
	notify_name(from, IN_MOVED_FROM | kind, cookie, name, len);
	notify_name(d->parent, IN_MOVED_TO | kind, cookie, d->name, d->name_len);
	if (replaced)
		notify_self(replaced->inode, IN_ATTRIB);
	notify_self(d->inode, IN_MOVE_SELF);
}

/* An inode that was never removed, but is made anew whenever somebody looks, leaves watches that see nothing (/proc). */
void notify_gone(struct inode *i)
{
	struct watch *w;

	if (likely(!(i->watched & WATCHED_SELF)))
		return;
	spin_lock(&notify_lock);
	if (i->nlink == 0)
		tell(i, IN_DELETE_SELF, 0, "", 0, false);
	while ((w = LIST_FIRST(&i->watches))) {
		if (i->nlink == 0 && w->group)
			drop_and_tell(w);
		else
			watch_detach(w);
	}
	spin_unlock(&notify_lock);
}

/* --- adding and removing watches --- */

/* What a directory shows tells it from now on. A name that comes later sees that it is watched (dentry_attach). */
void watch_names(struct dentry *dir)
{
	struct dentry *d;
	u64 cookie = 0;

	rwlock_read(&fs_tree_lock);
	while ((d = dentry_after(dir, cookie))) {
		__atomic_or_fetch(&d->inode->watched, WATCHED_ABOVE, __ATOMIC_RELAXED);
		cookie = d->cookie;
	}
	rwlock_read_done(&fs_tree_lock);
}

static struct watch *find_on(const struct inode *i, const struct inotify *g)
{
	struct watch *w;

	LIST_FOREACH (w, &i->watches, on_inode) {
		if (w->group == g)
			return w;
	}
	return NULL;
}

/* Puts a watch on i, or changes the one that is there; *spare is used up if it is needed. Locked. */
static int add_locked(struct inotify *g, struct inode *i, u32 mask, struct watch **spare)
{
	u32 kept = mask & (IN_ALL_EVENTS | IN_EXCL_UNLINK | IN_ONESHOT);
	struct watch *w = find_on(i, g);

	if (w) {
		if (mask & IN_MASK_CREATE)
			return -EEXIST;
		w->mask = mask & IN_MASK_ADD ? w->mask | kept : kept;
		return w->wd;
	}
	if (watches >= inotify_limits[INOTIFY_USER_WATCHES] || g->last_wd == INT32_MAX)
		return -ENOSPC;
	w = *spare;
	*spare = NULL;
	*w = (struct watch){.group = g, .wd = ++g->last_wd, .mask = kept};
	watch_attach(w, i);
	RB_INSERT(watch_order, &g->watches, w);
	watches++;
	return w->wd;
}

int inotify_add(struct file *f, struct dentry *d, u32 mask)
{
	struct watch *spare = kmalloc(sizeof(*spare));
	int wd;

	if (!spare)
		return -ENOMEM;
	spin_lock(&notify_lock);
	wd = add_locked(f->private, d->inode, mask, &spare);
	spin_unlock(&notify_lock);
	if (!spare && d->dir)
		watch_names(d);
	kfree(spare);
	return wd;
}

int inotify_remove(struct file *f, int wd)
{
	struct inotify *g = f->private;
	struct watch key = {.wd = wd}, *w;

	spin_lock(&notify_lock);
	w = RB_FIND(watch_order, &g->watches, &key);
	if (w)
		drop_and_tell(w);
	spin_unlock(&notify_lock);
	return w ? 0 : -EINVAL;
}

/* --- the file --- */

static bool has_events(const struct inotify *g)
{
	return __atomic_load_n(&g->count, __ATOMIC_RELAXED);
}

/* The next event, if there is room for it: 0 with *out NULL (none), -EINVAL (no room). */
static int next_event(struct inotify *g, size_t room, struct event **out)
{
	int err = 0;

	*out = NULL;
	spin_lock(&notify_lock);
	if (g->count) {
		if (bytes_of(TAILQ_FIRST(&g->events)) > room)
			err = -EINVAL;
		else
			*out = take_first(g);
	}
	spin_unlock(&notify_lock);
	return err;
}

static int copy_event(struct uio *u, const struct event *e)
{
	static const char zeros[sizeof(struct inotify_event)];
	const struct inotify_event out = {
		.wd = e->wd, .mask = e->mask, .cookie = e->cookie, .len = padded(e)};
	size_t pad = out.len - e->len;

	if (uio_copy_out(u, &out, sizeof(out)) != sizeof(out) || uio_copy_out(u, e->name, e->len) != e->len ||
	    uio_copy_out(u, zeros, pad) != pad)
		return -EFAULT;
	return 0;
}

static ssize_t inotify_read(struct file *f, struct uio *u, u64 *offset __unused)
{
	struct inotify *g = f->private;
	size_t room = u->left;
	struct event *e;
	int err;

	for (;;) {
		err = next_event(g, u->left, &e);
		if (err)
			break;
		if (e) {
			err = copy_event(u, e);
			free_event(g, e);
			if (err)
				return err;
			continue;
		}
		if (u->left < room)
			break;
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		if (WAIT_EVENT(&g->wait, has_events(g)))
			return -EINTR;
	}
	return u->left < room ? (ssize_t)(room - u->left) : err;
}

static unsigned inotify_poll(struct file *f, struct poll_table *t)
{
	struct inotify *g = f->private;

	poll_add(t, &g->wait);
	return has_events(g) ? POLLIN | POLLRDNORM : 0;
}

static int inotify_ioctl(struct file *f, unsigned cmd, u64 arg)
{
	const struct inotify *g = f->private;
	int bytes = (int)__atomic_load_n(&g->bytes, __ATOMIC_RELAXED);

	if (cmd != FIONREAD)
		return -ENOTTY;
	return copy_to_user((void __user *)arg, &bytes, sizeof(bytes)) ? -EFAULT : 0;
}

/* The newest watch with a lower number; false: there is none. */
static bool next_watch(struct inotify *g, int below, struct watch *out, u64 *ino, u32 *dev)
{
	struct watch key = {.wd = below - 1}, *w;

	spin_lock(&notify_lock);
	w = RB_NFIND(watch_order, &g->watches, &key);
	if (w) {
		*out = *w;
		*ino = w->inode ? w->inode->ino : 0;
		*dev = w->inode && w->inode->super ? w->inode->super->dev : 0;
	}
	spin_unlock(&notify_lock);
	return w;
}

static void inotify_show(struct file *f, struct proc_text *t)
{
	struct watch w = {.wd = INT32_MAX};
	u64 ino;
	u32 dev;

	while (next_watch(f->private, w.wd, &w, &ino, &dev))
		proc_printf(t, "inotify wd:%x ino:%llx sdev:%x mask:%x ignored_mask:0 \n", w.wd,
			    (unsigned long long)ino, dev, w.mask);
}

/* Drops some watches and events; false: there are none left. */
static bool drop_some(struct inotify *g)
{
	struct watch *w;
	bool left;

	spin_lock(&notify_lock);
	for (unsigned n = 0; n < BATCH && (w = RB_ROOT(&g->watches)); n++)
		drop(w);
	for (unsigned n = 0; n < BATCH && g->count; n++)
		free_event(g, take_first(g));
	left = RB_ROOT(&g->watches) || g->count;
	if (!left)
		instances--;
	spin_unlock(&notify_lock);
	return left;
}

static void inotify_release(struct file *f)
{
	struct inotify *g = f->private;

	while (drop_some(g))
		waitq_give_way();
	kfree(g->overflow);
	kfree(g);
}

static const struct file_ops inotify_ops = {
	.read = inotify_read,
	.seek = file_seek_null,
	.no_offset = true,
	.no_pread = true,
	.ioctl = inotify_ioctl,
	.poll = inotify_poll,
	.release = inotify_release,
	.tells = true,
	.show = inotify_show,
	.anon_name = "inotify",
};

bool file_is_inotify(const struct file *f)
{
	return f->ops == &inotify_ops;
}

static bool count_instance(void)
{
	bool fits;

	spin_lock(&notify_lock);
	fits = instances < inotify_limits[INOTIFY_USER_INSTANCES];
	instances += fits;
	spin_unlock(&notify_lock);
	return fits;
}

int inotify_create(u32 flags, struct file **out)
{
	struct inotify *g;

	if (!count_instance())
		return -EMFILE;
	g = kzalloc(sizeof(*g));
	if (g) {
		waitq_init(&g->wait);
		TAILQ_INIT(&g->events);
		RB_INIT(&g->watches);
		g->count_max = (u32)inotify_limits[INOTIFY_QUEUED_EVENTS];
		g->overflow = kzalloc(sizeof(*g->overflow));
		*out = g->overflow ? anon_file_create(&inotify_ops, O_RDONLY | flags, g) : NULL;
		if (*out) {
			g->overflow->wd = -1;
			g->overflow->mask = IN_Q_OVERFLOW;
			return 0;
		}
		kfree(g->overflow);
		kfree(g);
	}
	spin_lock(&notify_lock);
	instances--;
	spin_unlock(&notify_lock);
	return -ENOMEM;
}
