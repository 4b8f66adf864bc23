/* SPDX-License-Identifier: MIT */
/*
 * epoll(7): a file that watches other files. Each watched file and descriptor number is an item, found by both in a tree; an item
 * has waiters on the file's queues, whose function puts it on the list of those that may be ready:
 *
 *     file's queue ── waiter ──notify──> item ──> ready list ──look──> events for the program
 *
 * The list holds candidates only: epoll_wait takes them off one by one and asks the file itself. An item without EPOLLET goes
 * back to the end of the list after it was reported, so that the next call asks again; one with EPOLLET comes back only by a
 * wake; one with EPOLLONESHOT has lost its events and sleeps until EPOLL_CTL_MOD. An epoll file is ready while some
 * item on the list is, so epoll files can watch epoll files (epoll_graph.c).
 *
 * Locks: e->lock (RANK_FILE) around items and their events, also while files are asked and events copied out; e->ready_lock
 * (RANK_EPOLL, interrupts off) around the list, taken by wakers under the lock of a file's queue.
 */
#include <asm/errno.h>
#include <linux/fcntl.h>
#include <linux/poll.h>
#include <arch/timer.h>
#include <arch/uaccess.h>
#include <moat/frame.h>
#include <moat/heap.h>
#include <moat/procfs.h>
#include "anon.h"
#include "epoll.h"

#define EVENTS_ALWAYS  (EPOLLERR | EPOLLHUP) /* reported unasked */
#define EVENTS_PRIVATE (EPOLLWAKEUP | EPOLLONESHOT | EPOLLET | EPOLLEXCLUSIVE)
/* What may be asked for together with EPOLLEXCLUSIVE. */
#define EVENTS_WITH_EXCLUSIVE \
	(EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE)
#define WATCHES_SHARE 25 /* at most 1/25 of memory goes into items */

static u64 item_count; /* [a] */

static int item_cmp(const struct epoll_item *a, const struct epoll_item *b)
{
	if (a->file != b->file)
		return a->file < b->file ? -1 : 1;
	return (a->fd > b->fd) - (a->fd < b->fd);
}

RB_GENERATE(epoll_items, epoll_item, node, item_cmp)

u64 epoll_items_max(void)
{
	return frames_total() / WATCHES_SHARE * PAGE_SIZE / sizeof(struct epoll_item);
}

static u32 events_of(const struct epoll_item *item)
{
	return __atomic_load_n(&item->events, __ATOMIC_RELAXED);
}

static bool anything_ready(const struct epoll *e)
{
	return __atomic_load_n(&e->ready_count, __ATOMIC_ACQUIRE);
}

/* --- the ready list --- */

/* At the end, if it is not there yet. */
static void make_ready(struct epoll_item *item)
{
	struct epoll *e = item->epoll;
	u64 irq = spin_lock_irqsave(&e->ready_lock);

	if (!item->ready) {
		item->ready = true;
		TAILQ_INSERT_TAIL(&e->ready, item, ready_link);
		__atomic_store_n(&e->ready_count, e->ready_count + 1, __ATOMIC_RELEASE);
	}
	spin_unlock_irqrestore(&e->ready_lock, irq);
}

/* ready_lock held. */
static void take_locked(struct epoll_item *item)
{
	struct epoll *e = item->epoll;

	item->ready = false;
	TAILQ_REMOVE(&e->ready, item, ready_link);
	__atomic_store_n(&e->ready_count, e->ready_count - 1, __ATOMIC_RELEASE);
}

static struct epoll_item *take_first(struct epoll *e)
{
	u64 irq = spin_lock_irqsave(&e->ready_lock);
	struct epoll_item *item = TAILQ_FIRST(&e->ready);

	if (item)
		take_locked(item);
	spin_unlock_irqrestore(&e->ready_lock, irq);
	return item;
}

/* Back to where it was taken from. */
static void put_back(struct epoll_item *item)
{
	struct epoll *e = item->epoll;
	u64 irq = spin_lock_irqsave(&e->ready_lock);

	if (!item->ready) {
		item->ready = true;
		TAILQ_INSERT_HEAD(&e->ready, item, ready_link);
		__atomic_store_n(&e->ready_count, e->ready_count + 1, __ATOMIC_RELEASE);
	}
	spin_unlock_irqrestore(&e->ready_lock, irq);
}

static void take_off(struct epoll_item *item)
{
	u64 irq = spin_lock_irqsave(&item->epoll->ready_lock);

	if (item->ready)
		take_locked(item);
	spin_unlock_irqrestore(&item->epoll->ready_lock, irq);
}

static void wake(struct epoll *e)
{
	waitq_wake(&e->waiters, 0);
	waitq_wake(&e->watchers, POLLIN | POLLRDNORM);
}

/* A watched file's queue is woken: queue's lock held, interrupts off. */
static bool notify(struct waiter *w, u32 woken)
{
	struct epoll_item *item = w->arg;
	struct epoll *e = item->epoll;
	u32 events = events_of(item);
	bool anybody;

	if (!(events & ~EVENTS_PRIVATE) || (woken && !(woken & events)))
		return false;
	make_ready(item);
	anybody = !waitq_is_idle(&e->waiters);
	wake(e);
	/* Of those who share an exclusive wake it is spent on one only if somebody there comes and takes it. */
	if (!(events & EPOLLEXCLUSIVE))
		return true;
	switch (woken & (EPOLLIN | EPOLLOUT)) {
	case EPOLLIN:
		return anybody && (events & EPOLLIN);
	case EPOLLOUT:
		return anybody && (events & EPOLLOUT);
	case 0:
		return anybody;
	default:
		return false;
	}
}

/* --- items --- */

struct item_table {
	struct poll_table table; /* first */
	struct epoll_item *item;
};

static void wait_on(struct poll_table *t, struct waitq *q)
{
	struct epoll_item *item = ((struct item_table *)t)->item;
	struct waiter *w = &item->waiters[item->queues];

	ASSERT(item->queues < POLL_QUEUES);
	*w = (struct waiter){
		.notify = notify, .arg = item, .flags = item->events & EPOLLEXCLUSIVE ? WAITER_EXCLUSIVE : 0};
	waitq_add(q, w);
	item->queues++;
}

/* What is so of what the item asks for. Epoll's lock held. */
static u32 look(const struct epoll_item *item, struct poll_table *t)
{
	return vfs_poll(item->file, t) & item->events;
}

static struct epoll_item *find(struct epoll *e, struct file *target, int fd)
{
	struct epoll_item key = {.file = target, .fd = fd};

	return RB_FIND(epoll_items, &e->items, &key);
}

int epoll_watched_file(struct file *f, int fd, u32 index, const struct file **out)
{
	struct epoll_item *item;
	int err = -ENOENT;

	if (!file_is_epoll(f))
		return -EINVAL;
	mutex_lock(&epoll_of(f)->lock);
	RB_FOREACH (item, epoll_items, &epoll_of(f)->items) {
		if (item->fd != fd || index--)
			continue;
		*out = item->file;
		err = 0;
		break;
	}
	mutex_unlock(&epoll_of(f)->lock);
	return err;
}

void epoll_remove(struct epoll_item *item)
{
	struct epoll *e = item->epoll;

	DEBUG_ASSERT(mutex_is_held(&e->lock));
	for (u32 i = 0; i < item->queues; i++)
		waitq_remove(&item->waiters[i]);
	take_off(item);
	RB_REMOVE(epoll_items, &e->items, item);
	kfree(item);
	__atomic_fetch_sub(&item_count, 1, __ATOMIC_RELAXED);
}

static int item_create(struct epoll *e, struct file *target, int fd, const struct epoll_event *event,
		       struct epoll_item **out)
{
	struct epoll_item *item;

	if (__atomic_add_fetch(&item_count, 1, __ATOMIC_RELAXED) > epoll_items_max()) {
		__atomic_fetch_sub(&item_count, 1, __ATOMIC_RELAXED);
		return -ENOSPC;
	}
	item = kzalloc(sizeof(*item));
	if (!item) {
		__atomic_fetch_sub(&item_count, 1, __ATOMIC_RELAXED);
		return -ENOMEM;
	}
	item->epoll = e;
	item->file = target;
	item->fd = fd;
	item->events = event->events | EVENTS_ALWAYS;
	item->data = event->data;
	*out = item;
	return 0;
}

/* Asks the file for the first time, or with other events than before. Locked. */
static void look_anew(struct epoll_item *item, struct poll_table *t)
{
	if (look(item, t)) {
		make_ready(item);
		wake(item->epoll);
	}
}

/* The lock is held, and the graph's if `nested`. */
static int add_locked(struct epoll *e, struct file *target, int fd, const struct epoll_event *event,
		      bool nested)
{
	struct item_table t = {.table.add = wait_on};
	int err = find(e, target, fd) ? -EEXIST : item_create(e, target, fd, event, &t.item);

	if (err)
		return err;
	RB_INSERT(epoll_items, &e->items, t.item);
	ref_get(&e->refs);
	epoll_link(t.item);
	if (nested && epoll_has_too_many_paths(target)) {
		/* The caller has references to both files: nobody else takes it, and this is not the last one. */
		ASSERT(epoll_unlink(t.item));
		epoll_remove(t.item);
		epoll_put(e);
		return -EINVAL;
	}
	look_anew(t.item, &t.table);
	return 0;
}

static int add(struct epoll *e, struct file *target, int fd, const struct epoll_event *event)
{
	bool nested = file_is_epoll(target);
	int err;

	for (;;) {
		nested |= epoll_is_watched(e->file);
		err = nested ? epoll_nesting_begin(e, target) : 0;
		if (err)
			return err;
		mutex_lock(&e->lock);
		if (nested || !epoll_is_watched(e->file))
			break;
		mutex_unlock(&e->lock); /* since just now: paths get longer by what is added */
	}
	err = add_locked(e, target, fd, event, nested);
	mutex_unlock(&e->lock);
	if (nested)
		epoll_nesting_end();
	return err;
}

static int modify(struct epoll *e, struct file *target, int fd, const struct epoll_event *event)
{
	struct epoll_item *item;
	int err = 0;

	mutex_lock(&e->lock);
	item = find(e, target, fd);
	if (!item)
		err = -ENOENT;
	else if (item->events & EPOLLEXCLUSIVE)
		err = -EINVAL;
	if (!err) {
		item->data = event->data;
		__atomic_store_n(&item->events, event->events | EVENTS_ALWAYS, __ATOMIC_SEQ_CST);
		look_anew(item, NULL);
	}
	mutex_unlock(&e->lock);
	return err;
}

static int delete (struct epoll *e, struct file *target, int fd)
{
	struct epoll_item *item;

	mutex_lock(&e->lock);
	item = find(e, target, fd);
	if (item) {
		/* The caller has a reference to the target, so epoll_forget does not come. */
		ASSERT(epoll_unlink(item));
		epoll_remove(item);
	}
	mutex_unlock(&e->lock);
	if (item)
		epoll_put(e);
	return item ? 0 : -ENOENT;
}

int epoll_control(struct file *f, int op, struct file *target, int fd, const struct epoll_event *event)
{
	bool exclusive = op != EPOLL_CTL_DEL && (event->events & EPOLLEXCLUSIVE);

	if (!target->ops->poll)
		return -EPERM;
	if (f == target || !file_is_epoll(f))
		return -EINVAL;
	if (exclusive &&
	    (op == EPOLL_CTL_MOD || file_is_epoll(target) || (event->events & ~(u32)EVENTS_WITH_EXCLUSIVE)))
		return -EINVAL;
	switch (op) {
	case EPOLL_CTL_ADD:
		return add(epoll_of(f), target, fd, event);
	case EPOLL_CTL_MOD:
		return modify(epoll_of(f), target, fd, event);
	case EPOLL_CTL_DEL:
		return delete (epoll_of(f), target, fd);
	default:
		return -EINVAL;
	}
}

/* --- waiting --- */

/* One candidate: 1 when it was reported, 0 when it is not ready, -EFAULT. Locked. */
static int report(struct epoll_item *item, struct epoll_event __user *out)
{
	struct epoll_event event = {.events = look(item, NULL), .data = item->data};

	if (!event.events)
		return 0;
	if (copy_to_user(out, &event, sizeof(event))) {
		put_back(item);
		return -EFAULT;
	}
	if (item->events & EPOLLONESHOT)
		__atomic_store_n(&item->events, item->events & EVENTS_PRIVATE, __ATOMIC_RELAXED);
	else if (!(item->events & EPOLLET))
		make_ready(item);
	return 1;
}

/* Events written; 0 when no candidate was ready. */
static int report_all(struct epoll *e, struct epoll_event __user *out, int max)
{
	struct epoll_item *item;
	int done = 0, result = 0;

	mutex_lock(&e->lock);
	for (u32 left = e->ready_count; left && done < max && result >= 0; left--) {
		item = take_first(e);
		if (!item)
			break;
		result = report(item, out + done);
		done += result > 0;
	}
	if (anything_ready(e))
		waitq_wake(&e->waiters, 0);
	mutex_unlock(&e->lock);
	return done ? done : result < 0 ? result : 0;
}

/* Until there is a candidate: 0, -EINTR, -ETIMEDOUT. */
static int await_ready(struct epoll *e, const struct wait_timeout *limit)
{
	struct waiter w;
	int err = 0;

	waitq_enter_exclusive(&e->waiters, &w);
	if (!anything_ready(e))
		err = waitq_block_until(WAIT_INTERRUPTIBLE, limit);
	waitq_leave(&e->waiters, &w);
	return err;
}

static int wait_until(struct epoll *e, struct epoll_event __user *out, int max, u64 deadline_ns)
{
	struct wait_timeout limit;
	int n = 0, err = 0;

	wait_timeout_begin(&limit, deadline_ns);
	while (!n && !err) {
		err = await_ready(e, &limit);
		/* Also after a signal: it may have come together with an event that was meant for this thread. */
		if (anything_ready(e))
			n = report_all(e, out, max);
	}
	wait_timeout_end(&limit);
	return n ? n : err == -ETIMEDOUT ? 0 : err;
}

int epoll_wait(struct file *f, struct epoll_event __user *out, int max, u64 deadline_ns)
{
	struct epoll *e = epoll_of(f);
	int n = anything_ready(e) ? report_all(e, out, max) : 0;

	return n || deadline_ns <= clock_monotonic_ns() ? n : wait_until(e, out, max, deadline_ns);
}

/* --- the file --- */

/* Candidates that are none are dropped on the way, as in epoll_wait. */
static unsigned epoll_poll(struct file *f, struct poll_table *t)
{
	struct epoll *e = epoll_of(f);
	struct epoll_item *item;
	bool ready = false;

	poll_add(t, &e->watchers);
	if (!anything_ready(e))
		return 0;
	mutex_lock(&e->lock);
	while (!ready && (item = take_first(e))) {
		ready = look(item, NULL);
		if (ready)
			put_back(item);
	}
	mutex_unlock(&e->lock);
	return ready ? POLLIN | POLLRDNORM : 0;
}

void epoll_put(struct epoll *e)
{
	if (ref_put(&e->refs))
		kfree(e);
}

static void epoll_release(struct file *f)
{
	struct epoll *e = epoll_of(f);
	struct epoll_item *item, *next;

	mutex_lock(&e->lock);
	for (item = RB_MIN(epoll_items, &e->items); item; item = next) {
		next = RB_NEXT(epoll_items, &e->items, item);
		if (!epoll_unlink(item))
			continue; /* epoll_forget has a reference of its own in it */
		epoll_remove(item);
		ASSERT(!ref_put(&e->refs));
	}
	mutex_unlock(&e->lock);
	epoll_put(e);
}

static void epoll_show(struct file *f, struct proc_text *t)
{
	struct epoll *e = epoll_of(f);
	struct epoll_item *item;

	mutex_lock(&e->lock);
	RB_FOREACH (item, epoll_items, &e->items) {
		struct file_attr attr;

		inode_attr(item->file->inode, &attr);
		proc_printf(t, "tfd: %8d events: %8x data: %16llx  pos:%lli ino:%llx sdev:%x\n", item->fd,
			    item->events, (unsigned long long)item->data, (long long)item->file->offset,
			    (unsigned long long)attr.ino, attr.dev);
	}
	mutex_unlock(&e->lock);
}

static int epoll_ioctl(struct file *f __unused, unsigned cmd __unused, u64 arg __unused)
{
	return -EINVAL;
}

static const struct file_ops epoll_ops = {
	.seek = file_seek_null,
	.no_offset = true,
	.poll = epoll_poll,
	.ioctl = epoll_ioctl,
	.release = epoll_release,
	.show = epoll_show,
	.anon_name = "[eventpoll]",
};

bool file_is_epoll(const struct file *f)
{
	return f->ops == &epoll_ops;
}

struct file *epoll_create(void)
{
	struct epoll *e = kzalloc(sizeof(*e));
	struct file *f;

	if (!e)
		return NULL;
	ref_init(&e->refs, 1);
	mutex_init(&e->lock, RANK_FILE);
	RB_INIT(&e->items);
	TAILQ_INIT(&e->ready);
	spin_init(&e->ready_lock, RANK_EPOLL);
	waitq_init_ranked(&e->waiters, RANK_EPOLL);
	waitq_init_ranked(&e->watchers, RANK_EPOLL);
	f = e->file = anon_file_create(&epoll_ops, O_RDWR, e);
	if (!f)
		kfree(e);
	return f;
}
