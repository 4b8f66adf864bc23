/* SPDX-License-Identifier: MIT */
/*
 * splice(2), tee(2) and vmsplice(2). Between pipes no byte is touched: a slot moves, or a second one shows the same page, and
 * then no more bytes are put behind its own (SLOT_MERGES is gone). Between a pipe and anything else bytes are copied once, as
 * read and write of that thing do it.
 *
 * As on Linux, a call waits until it can move anything, and then moves what it can without waiting again.
 *
 * Locks: those of pipe.c; of two pipes the one at the lower address first. A pipe's lock is held while its bytes are written to
 * a file, so that nobody else reads them; no file's lock is ever held while a pipe's is taken.
 */
#include <asm/errno.h>
#include <linux/fcntl.h>
#include <moat/splice.h>
#include <moat/string.h>
#include "pipe.h"

bool file_is_pipe(const struct file *f)
{
	return pipe_of(f);
}

/* Until there are bytes or nobody who would write any. Not locked. */
static int await_input(struct pipe *p, unsigned how)
{
	while (!pipe_used(p) && __atomic_load_n(&p->write_ends, __ATOMIC_ACQUIRE)) {
		if (how & SPLICE_NONBLOCK)
			return -EAGAIN;
		if (pipe_await_bytes(p))
			return -EINTR;
	}
	return 0;
}

/* Until there is room. Not locked. */
static int await_output(struct pipe *p, unsigned how)
{
	while (__atomic_load_n(&p->read_ends, __ATOMIC_ACQUIRE)) {
		if (!pipe_is_full(p))
			return 0;
		if (how & SPLICE_NONBLOCK)
			return -EAGAIN;
		if (pipe_await_room(p))
			return -EINTR;
	}
	return -EPIPE;
}

static void lock_two(struct pipe *a, struct pipe *b)
{
	mutex_lock(a < b ? &a->lock : &b->lock);
	mutex_lock(a < b ? &b->lock : &a->lock);
}

static void unlock_two(struct pipe *a, struct pipe *b)
{
	mutex_unlock(&a->lock);
	mutex_unlock(&b->lock);
}

/* n bytes at the tail are done with. Locked. */
static void consume(struct pipe *p, u32 n)
{
	struct pipe_slot *slot = pipe_slot_at(p, p->tail);

	slot->offset += n;
	slot->len -= n;
	if (!slot->len)
		pipe_pop(p);
}

/* A second slot for the first n bytes of one, whose page is shared from now on. */
static struct pipe_slot show_again(struct pipe_slot *slot, u32 n)
{
	frame_get(slot->page);
	slot->flags &= ~(u32)SLOT_MERGES;
	return (struct pipe_slot){slot->page, slot->offset, n, slot->flags};
}

/* Both locked. Bytes moved. */
static size_t move_slots(struct pipe *in, struct pipe *out, size_t len)
{
	size_t done = 0;

	while (done < len && in->head != in->tail && !pipe_is_full(out)) {
		struct pipe_slot *slot = pipe_slot_at(in, in->tail);
		u32 n = (u32)MIN(slot->len, len - done);

		if (n == slot->len) {
			pipe_push(out, *slot);
			__atomic_store_n(&in->tail, in->tail + 1, __ATOMIC_RELEASE);
		} else {
			pipe_push(out, show_again(slot, n));
			consume(in, n);
		}
		done += n;
	}
	return done;
}

static size_t copy_slots(struct pipe *in, struct pipe *out, size_t len)
{
	size_t done = 0;

	for (u32 at = in->tail; done < len && at != in->head && !pipe_is_full(out); at++) {
		struct pipe_slot *slot = pipe_slot_at(in, at);
		u32 n = (u32)MIN(slot->len, len - done);

		pipe_push(out, show_again(slot, n));
		done += n;
	}
	return done;
}

/* One step: bytes; 0 with *ended false: somebody was faster. */
static ssize_t step(struct pipe *in, struct pipe *out, size_t len, unsigned how, bool *ended)
{
	ssize_t n = -EPIPE;

	lock_two(in, out);
	if (out->read_ends)
		n = (ssize_t)(how & SPLICE_COPY ? copy_slots(in, out, len) : move_slots(in, out, len));
	*ended = in->head == in->tail && !in->write_ends;
	unlock_two(in, out);
	if (n > 0) {
		pipe_wake_readers(out);
		if (!(how & SPLICE_COPY))
			pipe_wake_writers(in);
	}
	return n;
}

ssize_t splice_pipes(struct file *in, struct file *out, size_t len, unsigned how)
{
	struct pipe *from = pipe_of(in), *to = pipe_of(out);
	bool ended = false;
	ssize_t n = 0;

	if (from == to)
		return -EINVAL;
	while (!n && !ended) {
		n = await_input(from, how);
		if (!n)
			n = await_output(to, how);
		if (!n)
			n = step(from, to, len, how, &ended);
	}
	return n;
}

/* Files whose operations Linux gives a way into pipes. */
static bool can_splice(const struct file *f)
{
	return inode_is(f->inode, S_IFREG) || inode_is(f->inode, S_IFCHR) || inode_is(f->inode, S_IFSOCK);
}

/* Puts a slot as soon as there is room: 0, or -EPIPE, -EINTR and the caller keeps the page. */
static int push_waiting(struct pipe *p, struct pipe_slot slot)
{
	for (;;) {
		bool done = false;
		int err = await_output(p, 0);

		if (err)
			return err;
		mutex_lock(&p->lock);
		if (!p->read_ends)
			err = -EPIPE;
		else if (!pipe_is_full(p))
			done = true;
		if (done)
			pipe_push(p, slot);
		mutex_unlock(&p->lock);
		if (done)
			pipe_wake_readers(p);
		if (done || err)
			return err;
	}
}

/* One page of the file into one slot. Bytes, 0 at the file's end. */
static ssize_t read_page(struct file *in, u64 *offset, struct pipe *p, size_t max)
{
	struct page *page = frame_alloc(0, 0, FRAME_KERNEL);
	struct uio u;
	ssize_t n;

	if (!page)
		return -ENOMEM;
	uio_init_kernel(&u, page_address(page), max);
	n = vfs_read(in, &u, offset);
	if (n > 0) {
		int err = push_waiting(p, (struct pipe_slot){.page = page, .len = (u32)n, .flags = 0});

		if (!err)
			return n;
		n = err;
	}
	frame_put(page);
	return n;
}

ssize_t splice_from_file(struct file *in, u64 *offset, struct file *out, size_t len, unsigned how)
{
	struct pipe *p = pipe_of(out);
	size_t done = 0;
	ssize_t n = await_output(p, how);
	u32 room;

	if (!n && (!in->ops->read || !can_splice(in)))
		n = -EINVAL;
	if (n)
		return n;
	room = MAX(__atomic_load_n(&p->slot_count, __ATOMIC_RELAXED) - pipe_used(p), 1u);
	while (room-- && done < len) {
		u64 at = offset ? *offset : in->offset;
		size_t want = MIN(len - done, PAGE_SIZE - at % PAGE_SIZE);

		n = read_page(in, offset, p, want);
		if (n <= 0)
			break;
		done += (size_t)n;
		if ((size_t)n < want)
			break;
	}
	return done ? (ssize_t)done : n;
}

/* What is there now, to the file. Locked. */
static ssize_t write_slots(struct pipe *p, struct file *out, u64 *offset, size_t len,
			   struct write_rights rights)
{
	size_t done = 0;
	ssize_t n = 0;

	while (done < len && p->head != p->tail) {
		struct pipe_slot *slot = pipe_slot_at(p, p->tail);
		size_t want = MIN(slot->len, len - done);
		struct uio u;

		uio_init_kernel(&u, (char *)page_address(slot->page) + slot->offset, want);
		n = vfs_write(out, &u, offset, rights);
		if (n <= 0)
			break;
		consume(p, (u32)n);
		done += (size_t)n;
		if ((size_t)n < want)
			break;
	}
	return done ? (ssize_t)done : n;
}

ssize_t splice_to_file(struct file *in, struct file *out, u64 *offset, size_t len, struct write_rights rights,
		       unsigned how)
{
	struct pipe *p = pipe_of(in);
	bool ended = false;
	ssize_t n = 0;

	if (!out->ops->write || !can_splice(out))
		return -EINVAL;
	while (!n && !ended) {
		n = await_input(p, how);
		if (n)
			break;
		mutex_lock(&p->lock);
		n = write_slots(p, out, offset, len, rights);
		ended = p->head == p->tail && !p->write_ends;
		mutex_unlock(&p->lock);
	}
	if (n > 0)
		pipe_wake_writers(p);
	return n;
}

/* What is left of the page of user memory that the cursor stands in. */
static size_t piece_of(const struct uio *u)
{
	const struct uio_seg *seg = &u->segs[u->at];
	unsigned i = u->at;
	size_t offset = u->seg_offset;

	while (offset == seg->len) { /* there is more: some segment has bytes */
		seg = &u->segs[++i];
		offset = 0;
	}
	return MIN(seg->len - offset, PAGE_SIZE - (seg->base + offset) % PAGE_SIZE);
}

/* Locked; there is room. Bytes, -EFAULT, -ENOMEM. */
static ssize_t put_piece(struct pipe *p, struct uio *u)
{
	size_t n = piece_of(u);
	struct page *page = pipe_page_get(p);

	if (!page)
		return -ENOMEM;
	if (uio_copy_in(u, page_address(page), n) < n) {
		frame_put(page);
		return -EFAULT;
	}
	pipe_push(p, (struct pipe_slot){.page = page, .len = (u32)n, .flags = 0});
	return (ssize_t)n;
}

ssize_t splice_from_user(struct uio *u, struct file *out, unsigned how)
{
	struct pipe *p = pipe_of(out);
	size_t done = 0;
	ssize_t n;

	do {
		n = await_output(p, how);
		if (n)
			return n;
		mutex_lock(&p->lock);
		if (!p->read_ends)
			n = -EPIPE;
		while (n >= 0 && u->left && !pipe_is_full(p)) {
			n = put_piece(p, u);
			done += n > 0 ? (size_t)n : 0;
		}
		mutex_unlock(&p->lock);
	} while (!n && !done);
	if (done)
		pipe_wake_readers(p);
	return done ? (ssize_t)done : n;
}

/* What is there now. Locked. */
static ssize_t copy_to_buffers(struct pipe *p, struct uio *u)
{
	size_t done = 0;

	while (u->left && p->head != p->tail) {
		struct pipe_slot *slot = pipe_slot_at(p, p->tail);
		u32 n = (u32)MIN(slot->len, u->left);

		if (uio_copy_out(u, (char *)page_address(slot->page) + slot->offset, n) < n)
			return done ? (ssize_t)done : -EFAULT;
		consume(p, n);
		done += n;
	}
	return (ssize_t)done;
}

ssize_t splice_to_user(struct file *in, struct uio *u, unsigned how)
{
	struct pipe *p = pipe_of(in);
	bool ended = false;
	ssize_t n = 0;

	while (!n && !ended) {
		n = await_input(p, how);
		if (n)
			break;
		mutex_lock(&p->lock);
		n = copy_to_buffers(p, u);
		ended = p->head == p->tail && !p->write_ends;
		mutex_unlock(&p->lock);
	}
	if (n > 0)
		pipe_wake_writers(p);
	return n;
}
