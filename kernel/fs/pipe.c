/* SPDX-License-Identifier: MIT */
/*
 * Pipes (pipe(7)), and FIFOs, which are pipes that a name leads to (fifo(7)).
 *
 * A pipe is a ring of slots, each a piece of a page, between descriptions that write and descriptions that read:
 *
 *     slots     |      | [##  ] | [####] | [#   ] |      |       positions only grow; a slot's place is its
 *                       ^tail                      ^head         position modulo their number
 *
 * A write first fills up the page of the last slot, if that page is the pipe's own, and then takes one slot for each page. So
 * up to PIPE_BUF bytes go in one piece or not at all, and a pipe is full when it has no slot left, as on Linux. splice.c
 * moves slots from pipe to pipe without touching the bytes.
 *
 * A FIFO's pipe hangs at its inode while anybody has it open. Opening one end waits for somebody to open the other: the
 * numbers of opens so far tell of one who has been there and gone meanwhile.
 *
 * Locks: pipe->lock (RANK_INODE) around ring and ends; user memory is copied under it. inode->lock around inode->pipe; the two
 * are not held together. Who waits, waits without them, one woken for each slot that comes or goes.
 */
#include <asm/errno.h>
#include <asm/ioctls.h>
#include <linux/fcntl.h>
#include <linux/limits.h>
#include <linux/poll.h>
#include <arch/uaccess.h>
#include <moat/heap.h>
#include <moat/string.h>
#include "pipe.h"

#define PIPE_SLOTS     16u    /* 64 KiB */
#define PIPE_SLOTS_FEW 2u     /* for one more when all together have many */
#define PIPE_PAGES_MAX 16384u /* that many: /proc/sys/fs/pipe-user-pages-soft */
#define PIPE_BYTES_MAX MIB(1) /* /proc/sys/fs/pipe-max-size */

_Static_assert(PIPE_BUF <= PAGE_SIZE, "what is written in one piece fits into one slot");

static u64 slots_in_all; /* [a] of all pipes */

/* --- slots --- */

struct page *pipe_page_get(struct pipe *p)
{
	struct page *page = p->spare;

	p->spare = NULL;
	return page ? page : frame_alloc(0, 0, FRAME_KERNEL);
}

/* A page that nobody else has becomes the spare one. */
static void page_put(struct pipe *p, struct page *page, u32 flags)
{
	if ((flags & SLOT_MERGES) && !p->spare)
		p->spare = page;
	else
		frame_put(page);
}

void pipe_push(struct pipe *p, struct pipe_slot slot)
{
	*pipe_slot_at(p, p->head) = slot;
	__atomic_store_n(&p->head, p->head + 1, __ATOMIC_RELEASE);
}

static inline void pop(struct pipe *p)
{
	const struct pipe_slot *slot = pipe_slot_at(p, p->tail);

	page_put(p, slot->page, slot->flags);
	__atomic_store_n(&p->tail, p->tail + 1, __ATOMIC_RELEASE);
}

void pipe_pop(struct pipe *p)
{
	pop(p);
}

void pipe_wake_readers(struct pipe *p)
{
	waitq_wake(&p->readers, POLLIN | POLLRDNORM);
}

void pipe_wake_writers(struct pipe *p)
{
	waitq_wake(&p->writers, POLLOUT | POLLWRNORM);
}

/* --- waiting --- */

static bool can_read(const struct pipe *p)
{
	return pipe_used(p) || !__atomic_load_n(&p->write_ends, __ATOMIC_ACQUIRE);
}

static bool can_write(const struct pipe *p)
{
	return !pipe_is_full(p) || !__atomic_load_n(&p->read_ends, __ATOMIC_ACQUIRE);
}

/* One who was woken for what is there takes it, also when a signal has come too. */
static int await(struct pipe *p, struct waitq *q, bool (*ready)(const struct pipe *))
{
	int err = 0;

	while (!ready(p) && !err) {
		struct waiter w;

		waitq_enter_exclusive(q, &w);
		if (!ready(p))
			err = waitq_block(WAIT_INTERRUPTIBLE);
		waitq_leave(q, &w);
		if (ready(p))
			return 0;
	}
	return err;
}

int pipe_await_bytes(struct pipe *p)
{
	return await(p, &p->readers, can_read);
}

int pipe_await_room(struct pipe *p)
{
	return await(p, &p->writers, can_write);
}

/* --- reading --- */

/* Moves what is there, up to what is asked or the end of a packet. Bytes, or -EFAULT when the first slot fails. Locked. */
static ssize_t take_bytes(struct pipe *p, struct uio *u)
{
	size_t total = 0;

	while (u->left && p->head != p->tail) {
		struct pipe_slot *slot = pipe_slot_at(p, p->tail);
		u32 n = (u32)MIN(slot->len, u->left);
		bool packet = slot->flags & SLOT_PACKET;

		/* A slot that can be copied in part only stays, as on Linux. */
		if (uio_copy_out(u, (char *)page_address(slot->page) + slot->offset, n) < n)
			return total ? (ssize_t)total : -EFAULT;
		total += n;
		slot->offset += n;
		slot->len -= n;
		if (!slot->len || packet)
			pop(p);
		if (packet)
			break;
	}
	return (ssize_t)total;
}

static void touch(struct file *f, unsigned what)
{
	if (f->dentry)
		inode_touch(f->inode, what);
}

static ssize_t pipe_read(struct file *f, struct uio *u, u64 *offset __unused)
{
	struct pipe *p = f->private;
	bool waited = false;

	while (u->left) {
		bool was_full, ended;
		ssize_t n;

		mutex_lock(&p->lock);
		was_full = pipe_is_full(p);
		n = take_bytes(p, u);
		ended = !p->write_ends;
		mutex_unlock(&p->lock);
		if (was_full && !pipe_is_full(p))
			pipe_wake_writers(p);
		if (waited && pipe_used(p))
			pipe_wake_readers(
				p); /* this one was woken for what is there: the next one comes for the rest */
		if (n > 0)
			touch(f, TOUCH_ACCESS);
		if (n || ended)
			return n;
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		if (pipe_await_bytes(p))
			return -EINTR;
		waited = true;
	}
	return 0;
}

/* --- writing --- */

/* Puts the part of the bytes that does not fill a page behind those of the last slot. Bytes, or -EFAULT. Locked. */
static ssize_t merge_bytes(struct pipe *p, struct uio *u)
{
	u32 n = u->left % PAGE_SIZE, at;
	struct pipe_slot *slot;

	if (!n || p->head == p->tail)
		return 0;
	slot = pipe_slot_at(p, p->head - 1);
	at = slot->offset + slot->len;
	if (!(slot->flags & SLOT_MERGES) || at + n > PAGE_SIZE)
		return 0;
	if (uio_copy_in(u, (char *)page_address(slot->page) + at, n) < n)
		return -EFAULT;
	slot->len += n;
	return n;
}

/* One page full, or what is left, into a new slot, for which there is room. Bytes, or -EFAULT, -ENOMEM. Locked. */
static ssize_t put_page(struct pipe *p, struct uio *u, u32 flags)
{
	u32 n = (u32)MIN(u->left, PAGE_SIZE);
	struct page *page = pipe_page_get(p);
	struct pipe_slot *slot;

	if (!page)
		return -ENOMEM;
	if (uio_copy_in(u, page_address(page), n) < n) {
		page_put(p, page, SLOT_MERGES);
		return -EFAULT;
	}
	slot = pipe_slot_at(p, p->head);
	slot->page = page;
	slot->offset = 0;
	slot->len = n;
	slot->flags = flags;
	__atomic_store_n(&p->head, p->head + 1, __ATOMIC_RELEASE);
	return n;
}

/* What fits now. Adds to *total; 0, or why it went no further (-EAGAIN: full). Locked. */
static int put_bytes(struct pipe *p, struct uio *u, u32 flags, size_t *total)
{
	ssize_t n = p->read_ends ? merge_bytes(p, u) : -EPIPE;

	while (n >= 0) {
		*total += (size_t)n;
		if (!u->left)
			return 0;
		n = pipe_is_full(p) ? -EAGAIN : put_page(p, u, flags);
	}
	return (int)n;
}

static ssize_t pipe_write(struct file *f, struct uio *u, u64 *offset __unused)
{
	u32 flags = f->flags & O_DIRECT ? SLOT_PACKET : SLOT_MERGES;
	struct pipe *p = f->private;
	size_t total = 0, before;
	bool waited = false;
	int err = 0;

	while (u->left) {
		before = total;
		mutex_lock(&p->lock);
		err = put_bytes(p, u, flags, &total);
		mutex_unlock(&p->lock);
		if (total > before)
			pipe_wake_readers(p);
		if (err != -EAGAIN || (f->flags & O_NONBLOCK))
			break;
		err = pipe_await_room(p);
		if (err)
			break;
		waited = true;
	}
	if (waited && !pipe_is_full(p))
		pipe_wake_writers(p);
	if (total)
		touch(f, TOUCH_WRITE);
	u->peer_gone = total && err == -EPIPE;
	return total ? (ssize_t)total : err;
}

/* --- the file --- */

static int pipe_ioctl(struct file *f, unsigned cmd, u64 arg)
{
	struct pipe *p = f->private;
	u32 bytes = 0;

	if (cmd != FIONREAD)
		return -ENOTTY;
	mutex_lock(&p->lock);
	for (u32 at = p->tail; at != p->head; at++)
		bytes += pipe_slot_at(p, at)->len;
	mutex_unlock(&p->lock);
	return copy_to_user((void __user *)arg, &bytes, sizeof(bytes)) ? -EFAULT : 0;
}

static unsigned pipe_poll(struct file *f, struct poll_table *t)
{
	struct pipe *p = f->private;
	unsigned events = 0;

	if (file_readable(f)) {
		poll_add(t, &p->readers);
		events |= pipe_used(p) ? POLLIN | POLLRDNORM : 0;
		/* The end of those who have been there since it was opened; before the first one there is none. */
		if (!__atomic_load_n(&p->write_ends, __ATOMIC_ACQUIRE) &&
		    f->pipe_opens != __atomic_load_n(&p->write_opens, __ATOMIC_ACQUIRE))
			events |= POLLHUP;
	}
	if (file_writable(f)) {
		poll_add(t, &p->writers);
		events |= pipe_is_full(p) ? 0 : POLLOUT | POLLWRNORM;
		events |= __atomic_load_n(&p->read_ends, __ATOMIC_ACQUIRE) ? 0 : POLLERR;
	}
	return events;
}

static void wake_both(struct pipe *p)
{
	waitq_wake_all(&p->readers);
	waitq_wake_all(&p->writers);
}

static void pipe_destroy(struct pipe *p)
{
	while (p->head != p->tail)
		pipe_pop(p);
	if (p->spare)
		frame_put(p->spare);
	__atomic_fetch_sub(&slots_in_all, p->slot_count, __ATOMIC_RELAXED);
	kfree(p->slots);
	kfree(p);
}

/* The description leaves the inode's pipe; with the last one it goes. */
static void leave(struct inode *i, struct pipe *p)
{
	bool last;

	mutex_lock(&i->lock);
	last = --p->files == 0;
	if (last)
		i->pipe = NULL;
	mutex_unlock(&i->lock);
	if (last)
		pipe_destroy(p);
}

/* Counts the ends of a description up or down. Locked. */
static void count_ends(struct pipe *p, const struct file *f, u32 by)
{
	if (file_readable(f))
		__atomic_fetch_add(&p->read_ends, by, __ATOMIC_RELEASE);
	if (file_writable(f))
		__atomic_fetch_add(&p->write_ends, by, __ATOMIC_RELEASE);
}

static void pipe_release(struct file *f)
{
	struct pipe *p = f->private;

	if (!p)
		return; /* a FIFO that could not be opened */
	mutex_lock(&p->lock);
	count_ends(p, f, -1u);
	mutex_unlock(&p->lock);
	wake_both(p);
	leave(f->inode, p);
}

static int fifo_open(struct file *f);

static const struct file_ops pipe_ops = {
	.open = fifo_open,
	.read = pipe_read,
	.write = pipe_write,
	.ioctl = pipe_ioctl,
	.poll = pipe_poll,
	.release = pipe_release,
	.tells = true,
};
const struct file_ops *const fifo_file_ops = &pipe_ops;

struct pipe *pipe_of(const struct file *f)
{
	return f->ops == &pipe_ops ? f->private : NULL;
}

/* Who makes pipes and fills them gets no more than so much memory, a quarter of a small machine's, and little for each then. */
static u32 slots_of_new(void)
{
	u64 most = MIN(PIPE_PAGES_MAX, frames_total() / 4);

	return __atomic_load_n(&slots_in_all, __ATOMIC_RELAXED) < most ? PIPE_SLOTS : PIPE_SLOTS_FEW;
}

static struct pipe *pipe_alloc(void)
{
	struct pipe *p = kzalloc(sizeof(*p));

	if (!p)
		return NULL;
	p->slot_count = slots_of_new();
	p->slots = kcalloc(p->slot_count, sizeof(struct pipe_slot));
	if (!p->slots) {
		kfree(p);
		return NULL;
	}
	__atomic_fetch_add(&slots_in_all, p->slot_count, __ATOMIC_RELAXED);
	mutex_init(&p->lock, RANK_INODE);
	waitq_init(&p->readers);
	waitq_init(&p->writers);
	return p;
}

/* --- opening a name --- */

/* The inode's pipe, made if there is none; NULL: no memory. */
static struct pipe *join(struct inode *i)
{
	struct pipe *p;

	mutex_lock(&i->lock);
	p = i->pipe ? i->pipe : pipe_alloc();
	i->pipe = p;
	if (p)
		p->files++;
	mutex_unlock(&i->lock);
	return p;
}

/* Counts the ends, and wakes who waited for them. -ENXIO: nobody reads, and this one would not wait. */
static int enter(struct file *f, struct pipe *p, bool waits)
{
	mutex_lock(&p->lock);
	if (!waits && !file_readable(f) && !p->read_ends) {
		mutex_unlock(&p->lock);
		return -ENXIO;
	}
	count_ends(p, f, 1);
	if (file_readable(f))
		__atomic_fetch_add(&p->read_opens, 1, __ATOMIC_RELEASE);
	if (file_writable(f))
		__atomic_fetch_add(&p->write_opens, 1, __ATOMIC_RELEASE);
	if (!p->write_ends)
		f->pipe_opens = p->write_opens;
	mutex_unlock(&p->lock);
	wake_both(p);
	return 0;
}

/* For one end: until the other was opened. `opens` as it was. 0 or -EINTR. */
static int await_partner(struct waitq *q, const u32 *ends, const u32 *opens, u32 seen)
{
	return WAIT_EVENT(q, __atomic_load_n(ends, __ATOMIC_ACQUIRE) ||
				     __atomic_load_n(opens, __ATOMIC_ACQUIRE) != seen);
}

static int fifo_open(struct file *f)
{
	/* The end of a pipe(2), reached by /proc: nobody waits there. */
	bool waits = f->inode->super && !(f->flags & O_NONBLOCK);
	u32 seen_reads, seen_writes;
	struct pipe *p;
	int err;

	if (!file_readable(f) && !file_writable(f))
		return -EINVAL;
	p = join(f->inode);
	if (!p)
		return -ENOMEM;
	seen_reads = __atomic_load_n(&p->read_opens, __ATOMIC_ACQUIRE);
	seen_writes = __atomic_load_n(&p->write_opens, __ATOMIC_ACQUIRE);
	err = enter(f, p, waits || !f->inode->super);
	if (err) {
		leave(f->inode, p);
		return err;
	}
	f->private = p;
	if (!waits || (file_readable(f) && file_writable(f)))
		return 0;
	/* When a wait is broken off, the release of the description undoes the rest. */
	if (file_readable(f))
		err = await_partner(&p->readers, &p->write_ends, &p->write_opens, seen_writes);
	else
		err = await_partner(&p->writers, &p->read_ends, &p->read_opens, seen_reads);
	f->pipe_opens = 0;
	return err;
}

/* --- pipe(2) --- */

/* One end, with a reference to the inode; it is counted once it exists. */
static struct file *make_end(struct pipe *p, struct inode *inode, u32 flags)
{
	struct file *f = file_create(&pipe_ops, inode, NULL, flags, p);

	if (!f)
		return NULL;
	inode_get(inode);
	p->files++;
	count_ends(p, f, 1);
	p->read_opens += file_readable(f);
	p->write_opens += file_writable(f);
	return f;
}

int pipe_create(u32 flags, struct file *ends[2])
{
	struct inode *inode = inode_create_own(S_IFIFO | 0600);
	struct pipe *p = pipe_alloc();
	int err = 0;

	ends[0] = inode && p ? make_end(p, inode, O_RDONLY | (flags & O_NONBLOCK)) : NULL;
	ends[1] = ends[0] ? make_end(p, inode, O_WRONLY | flags) : NULL;
	if (ends[0])
		inode->pipe = p;
	if (!ends[1]) {
		err = -ENOMEM;
		/* The first end takes the pipe with it. */
		if (ends[0])
			file_put(ends[0]);
		else if (p)
			pipe_destroy(p);
	}
	inode_put(inode);
	return err;
}

/* --- capacity --- */

s64 pipe_capacity(const struct file *f)
{
	const struct pipe *p = pipe_of(f);

	return p ? (s64)__atomic_load_n(&p->slot_count, __ATOMIC_RELAXED) * (s64)PAGE_SIZE : -EBADF;
}

/* 0, -EBUSY. *slots is the new ring, and then the old one. Locked. */
static int exchange_slots(struct pipe *p, struct pipe_slot **slots, u32 count)
{
	u32 used = pipe_used(p);
	struct pipe_slot *old = p->slots;

	if (used > count)
		return -EBUSY;
	for (u32 i = 0; i < used; i++)
		(*slots)[i] = *pipe_slot_at(p, p->tail + i);
	p->slots = *slots;
	*slots = old;
	__atomic_fetch_add(&slots_in_all, (u64)count - p->slot_count, __ATOMIC_RELAXED);
	__atomic_store_n(&p->slot_count, count, __ATOMIC_RELEASE);
	/* Readers without the lock may see the two apart: they only ask whether there is something. */
	__atomic_store_n(&p->tail, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&p->head, used, __ATOMIC_RELEASE);
	return 0;
}

s64 pipe_resize(struct file *f, u64 bytes, bool privileged)
{
	struct pipe *p = pipe_of(f);
	struct pipe_slot *slots;
	u64 capacity = PAGE_SIZE;
	int err;

	if (!p)
		return -EBADF;
	if (bytes > 1ull << 31)
		return -EINVAL;
	while (capacity < bytes)
		capacity *= 2;
	if (capacity > PIPE_BYTES_MAX && capacity > (u64)pipe_capacity(f) && !privileged)
		return -EPERM;
	slots = kcalloc(capacity / PAGE_SIZE, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	mutex_lock(&p->lock);
	err = exchange_slots(p, &slots, (u32)(capacity / PAGE_SIZE));
	mutex_unlock(&p->lock);
	kfree(slots);
	pipe_wake_writers(p);
	return err ? err : (s64)capacity;
}
