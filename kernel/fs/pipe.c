/* SPDX-License-Identifier: MIT */
/*
 * Pipes (pipe(7)): a ring of bytes between descriptions that write and descriptions that read.
 *
 *     page      |  0   |  1   |  2   |  3   |      positions count bytes for ever; a byte's place is its
 *                    ^tail         ^head           position modulo the capacity
 *                    next to read  next to write
 *
 * A page exists while a byte of it is between tail and head, so that an empty pipe costs one page at most. Up to PIPE_BUF
 * bytes are written in one piece or not at all.
 *
 * Lock: pipe->lock (RANK_INODE) around ring and ends; user memory is copied under it. Who waits, waits without it.
 */
#include <asm/errno.h>
#include <asm/ioctls.h>
#include <linux/fcntl.h>
#include <linux/limits.h>
#include <linux/poll.h>
#include <arch/uaccess.h>
#include <moat/heap.h>
#include <moat/string.h>
#include "inode.h"

#define PIPE_BYTES     KIB(64)
#define PIPE_BYTES_MAX MIB(1) /* /proc/sys/fs/pipe-max-size */

struct pipe {
	struct mutex lock;	       /* RANK_INODE */
	struct waitq readers, writers; /* who waits for bytes, for room */
	struct page **pages;	       /* [lock] capacity / PAGE_SIZE of them, NULL where nothing is */
	u64 capacity;		       /* [lock for change, a for read] bytes, a power of two */
	u64 head, tail;		       /* [lock for change, a for read] */
	u32 read_ends, write_ends;     /* [lock for change, a for read] descriptions */
};

static u64 bytes_in(const struct pipe *p)
{
	return __atomic_load_n(&p->head, __ATOMIC_ACQUIRE) - __atomic_load_n(&p->tail, __ATOMIC_ACQUIRE);
}

static u64 room_in(const struct pipe *p)
{
	return __atomic_load_n(&p->capacity, __ATOMIC_ACQUIRE) - bytes_in(p);
}

static struct page **page_at(const struct pipe *p, u64 position)
{
	return &p->pages[position / PAGE_SIZE % (p->capacity / PAGE_SIZE)];
}

static void drop_page(struct page **page)
{
	if (*page)
		frame_put(*page);
	*page = NULL;
}

static void free_pages(struct page **pages, u64 count)
{
	for (u64 i = 0; pages && i < count; i++)
		drop_page(&pages[i]);
	kfree(pages);
}

/* Both have been shut when a description goes: the pipe is left by its last one. */
static void pipe_destroy(struct pipe *p)
{
	free_pages(p->pages, p->capacity / PAGE_SIZE);
	kfree(p);
}

static void pipe_release(struct file *f)
{
	struct pipe *p = f->private;
	bool last;

	mutex_lock(&p->lock);
	if (file_readable(f))
		p->read_ends--;
	else
		p->write_ends--;
	last = !p->read_ends && !p->write_ends;
	/* Inside the lock: whoever is the last comes after this. */
	waitq_wake_all(&p->readers);
	waitq_wake_all(&p->writers);
	mutex_unlock(&p->lock);
	if (last)
		pipe_destroy(p);
}

/* The page at a position is read to its end. In a full ring its first bytes are written again already. */
static void leave_page(struct pipe *p, u64 position)
{
	if (p->head <= position + p->capacity)
		drop_page(page_at(p, position));
}

/* Moves what is there, up to what is asked. Bytes, or -EFAULT when the first one fails. Locked. */
static ssize_t take_bytes(struct pipe *p, struct uio *u)
{
	size_t total = 0;

	while (u->left && p->head != p->tail) {
		u64 offset = p->tail % PAGE_SIZE;
		size_t n = MIN(MIN(PAGE_SIZE - offset, p->head - p->tail), u->left), moved;

		moved = uio_copy_out(u, (char *)page_address(*page_at(p, p->tail)) + offset, n);
		total += moved;
		__atomic_store_n(&p->tail, p->tail + moved, __ATOMIC_RELEASE);
		if (p->tail % PAGE_SIZE == 0 && moved)
			leave_page(p, p->tail - PAGE_SIZE);
		if (moved < n)
			return total ? (ssize_t)total : -EFAULT;
	}
	return (ssize_t)total;
}

static ssize_t pipe_read(struct file *f, struct uio *u, u64 *offset)
{
	struct pipe *p = f->private;
	ssize_t n;

	(void)offset;
	if (!u->left)
		return 0;
	for (;;) {
		bool ended;

		mutex_lock(&p->lock);
		n = take_bytes(p, u);
		ended = !p->write_ends;
		mutex_unlock(&p->lock);
		if (n) {
			if (n > 0)
				waitq_wake(&p->writers, POLLOUT | POLLWRNORM);
			return n;
		}
		if (ended)
			return 0;
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		if (WAIT_EVENT(&p->readers,
			       bytes_in(p) || !__atomic_load_n(&p->write_ends, __ATOMIC_ACQUIRE)))
			return -EINTR;
	}
}

/* Moves what fits. Bytes, -EFAULT or -ENOMEM when the first one fails. Locked. */
static ssize_t put_bytes(struct pipe *p, struct uio *u)
{
	size_t total = 0;

	while (u->left && room_in(p)) {
		struct page **page = page_at(p, p->head);
		u64 offset = p->head % PAGE_SIZE;
		size_t n = MIN(MIN(PAGE_SIZE - offset, room_in(p)), u->left), moved;

		if (!*page)
			*page = frame_alloc(0, 0, FRAME_KERNEL);
		if (!*page)
			return total ? (ssize_t)total : -ENOMEM;
		moved = uio_copy_in(u, (char *)page_address(*page) + offset, n);
		total += moved;
		__atomic_store_n(&p->head, p->head + moved, __ATOMIC_RELEASE);
		if (moved < n)
			return total ? (ssize_t)total : -EFAULT;
	}
	return (ssize_t)total;
}

/* One step of a write: bytes moved, 0 when there is no room yet, or -errno. `whole`: all that is left, or nothing. */
static ssize_t write_step(struct pipe *p, struct uio *u, bool whole)
{
	ssize_t n = 0;

	mutex_lock(&p->lock);
	if (!p->read_ends)
		n = -EPIPE;
	else if (!whole || room_in(p) >= u->left)
		n = put_bytes(p, u);
	mutex_unlock(&p->lock);
	if (n > 0)
		waitq_wake(&p->readers, POLLIN | POLLRDNORM);
	return n;
}

static ssize_t pipe_write(struct file *f, struct uio *u, u64 *offset)
{
	struct pipe *p = f->private;
	bool whole = u->left <= PIPE_BUF;
	ssize_t n = 0;
	size_t total = 0;

	(void)offset;
	while (u->left) {
		size_t needed = whole ? u->left : 1;

		n = write_step(p, u, whole);
		if (n < 0)
			break;
		total += (size_t)n;
		if (!u->left)
			break;
		n = -EAGAIN;
		if (f->flags & O_NONBLOCK)
			break;
		n = WAIT_EVENT(&p->writers,
			       room_in(p) >= needed || !__atomic_load_n(&p->read_ends, __ATOMIC_ACQUIRE));
		if (n)
			break;
	}
	u->peer_gone = total && n == -EPIPE;
	return total ? (ssize_t)total : n;
}

static int pipe_ioctl(struct file *f, unsigned cmd, u64 arg)
{
	const struct pipe *p = f->private;
	int bytes = (int)bytes_in(p);

	if (cmd != FIONREAD)
		return -ENOTTY;
	return copy_to_user((void __user *)arg, &bytes, sizeof(bytes)) ? -EFAULT : 0;
}

static unsigned pipe_poll(struct file *f, struct poll_table *t)
{
	struct pipe *p = f->private;

	if (file_readable(f)) {
		poll_add(t, &p->readers);
		return (bytes_in(p) ? POLLIN | POLLRDNORM : 0) |
		       (__atomic_load_n(&p->write_ends, __ATOMIC_ACQUIRE) ? 0 : POLLHUP);
	}
	poll_add(t, &p->writers);
	return (room_in(p) >= PIPE_BUF ? POLLOUT | POLLWRNORM : 0) |
	       (__atomic_load_n(&p->read_ends, __ATOMIC_ACQUIRE) ? 0 : POLLERR);
}

static const struct file_ops pipe_ops = {
	.read = pipe_read,
	.write = pipe_write,
	.ioctl = pipe_ioctl,
	.poll = pipe_poll,
	.release = pipe_release,
};

static struct pipe *pipe_alloc(void)
{
	struct pipe *p = kzalloc(sizeof(*p));

	if (!p)
		return NULL;
	p->capacity = PIPE_BYTES;
	p->pages = kcalloc(PIPE_BYTES / PAGE_SIZE, sizeof(struct page *));
	if (!p->pages) {
		kfree(p);
		return NULL;
	}
	mutex_init(&p->lock, RANK_INODE);
	waitq_init(&p->readers);
	waitq_init(&p->writers);
	return p;
}

/* One end, with a reference to the inode; it is counted once it exists. */
static struct file *make_end(struct pipe *p, struct inode *inode, u32 flags)
{
	struct file *f = file_create(&pipe_ops, inode, NULL, flags, p);

	if (!f)
		return NULL;
	inode_get(inode);
	if (file_readable(f))
		p->read_ends++;
	else
		p->write_ends++;
	return f;
}

int pipe_create(u32 flags, struct file *ends[2])
{
	struct inode *inode = inode_create_anon(S_IFIFO | 0600, 0);
	struct pipe *p = pipe_alloc();
	int err = 0;

	ends[0] = inode && p ? make_end(p, inode, O_RDONLY | flags) : NULL;
	ends[1] = ends[0] ? make_end(p, inode, O_WRONLY | flags) : NULL;
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

s64 pipe_capacity(const struct file *f)
{
	const struct pipe *p = f->private;

	return f->ops == &pipe_ops ? (s64)__atomic_load_n(&p->capacity, __ATOMIC_RELAXED) : -EBADF;
}

/* A ring of `capacity` bytes that starts with a copy of what is in p; NULL: no memory. Locked. */
static struct page **copy_ring(const struct pipe *p, u64 capacity)
{
	struct page **pages = kcalloc(capacity / PAGE_SIZE, sizeof(struct page *));

	for (u64 from = p->tail, to = 0; pages && from < p->head;) {
		u64 n = MIN(MIN(PAGE_SIZE - from % PAGE_SIZE, PAGE_SIZE - to % PAGE_SIZE), p->head - from);
		struct page **page = &pages[to / PAGE_SIZE];

		if (!*page)
			*page = frame_alloc(0, 0, FRAME_KERNEL);
		if (!*page) {
			free_pages(pages, capacity / PAGE_SIZE);
			return NULL;
		}
		memcpy((char *)page_address(*page) + to % PAGE_SIZE,
		       (char *)page_address(*page_at(p, from)) + from % PAGE_SIZE, n);
		from += n;
		to += n;
	}
	return pages;
}

/* 0, -EBUSY, -ENOMEM. Locked. */
static int set_capacity(struct pipe *p, u64 capacity)
{
	struct page **pages;

	if (bytes_in(p) > capacity)
		return -EBUSY;
	pages = copy_ring(p, capacity);
	if (!pages)
		return -ENOMEM;
	free_pages(p->pages, p->capacity / PAGE_SIZE);
	p->pages = pages;
	p->head -= p->tail;
	p->tail = 0;
	__atomic_store_n(&p->capacity, capacity, __ATOMIC_RELEASE);
	waitq_wake_all(&p->writers);
	return 0;
}

s64 pipe_resize(struct file *f, u64 bytes, bool privileged)
{
	struct pipe *p = f->private;
	u64 capacity = PAGE_SIZE;
	int err;

	if (f->ops != &pipe_ops)
		return -EBADF;
	if (bytes > 1ull << 31)
		return -EINVAL;
	while (capacity < bytes)
		capacity *= 2;
	if (capacity > PIPE_BYTES_MAX && !privileged)
		return -EPERM;
	mutex_lock(&p->lock);
	err = set_capacity(p, capacity);
	mutex_unlock(&p->lock);
	return err ? err : (s64)capacity;
}
