/* SPDX-License-Identifier: MIT */
/*
 * poll(2), ppoll(2), and the waiting that select(2) shares with them.
 *
 * The first look puts nobody on a queue: most calls find something, or do not want to wait. Then a waiter stands on each queue
 * of each file until the end, and each round marks the thread as about to block, looks, and blocks.
 */
#include <asm/poll.h>
#include <linux/time_types.h>
#include <arch/timer.h>
#include <arch/trap.h>
#include <arch/uaccess.h>
#include <moat/heap.h>
#include "sys_poll.h"

#define NS_PER_SEC 1000000000ull
#define NS_PER_MS  1000000ull

/* Puts waiters of one item on the queues that its file shows. */
struct item_table {
	struct poll_table table; /* first */
	struct poll_item *item;
};

static void wait_on(struct poll_table *t, struct waitq *q)
{
	struct poll_item *item = ((struct item_table *)t)->item;
	struct waiter *w = &item->waiters[item->queues];

	ASSERT(item->queues < POLL_QUEUES);
	*w = (struct waiter){
		.thread = waitq_current(), .events = item->events | POLLERR | POLLHUP, .flags = WAITER_STAYS};
	waitq_add(q, w);
	item->queues++;
}

/* Looks at every file once; the number of items with something to say. */
static s64 look(struct poll_item *items, size_t count)
{
	s64 ready = 0;

	for (size_t i = 0; i < count; i++) {
		struct poll_item *item = &items[i];

		if (item->file)
			item->revents = vfs_poll(item->file, NULL) & (item->events | POLLERR | POLLHUP);
		ready += item->revents != 0;
	}
	return ready;
}

/* What was found ready is not looked at: the next look finds it. */
static void enter_all(struct poll_item *items, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct item_table t = {.table.add = wait_on, .item = &items[i]};

		if (items[i].file)
			(void)vfs_poll(items[i].file, &t.table);
	}
}

static void leave_all(struct poll_item *items, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		for (; items[i].queues; items[i].queues--)
			waitq_remove(&items[i].waiters[items[i].queues - 1]);
	}
}

/* With waiters on all queues. */
static s64 wait_entered(struct poll_item *items, size_t count, u64 deadline_ns)
{
	struct wait_timeout limit;
	s64 ready;
	int err = 0;

	wait_timeout_begin(&limit, deadline_ns);
	for (;;) {
		waitq_prepare();
		ready = look(items, count);
		if (!ready && !err)
			err = waitq_block_until(WAIT_INTERRUPTIBLE, &limit);
		else
			break;
	}
	waitq_cancel();
	wait_timeout_end(&limit);
	return ready || err == -ETIMEDOUT ? ready : err;
}

s64 poll_wait(struct poll_item *items, size_t count, u64 deadline_ns)
{
	s64 result = look(items, count);

	if (result || deadline_ns <= clock_monotonic_ns())
		return result;
	enter_all(items, count);
	result = wait_entered(items, count, deadline_ns);
	leave_all(items, count);
	return result;
}

/* A span from now; one that is too long to count is for ever. */
static u64 deadline_after(u64 sec, u64 ns)
{
	u64 span, at;

	if (__builtin_mul_overflow(sec, NS_PER_SEC, &span) || __builtin_add_overflow(span, ns, &span) ||
	    __builtin_add_overflow(span, clock_monotonic_ns(), &at))
		return POLL_FOREVER;
	return at;
}

int poll_deadline(const struct __kernel_timespec __user *timeout, u64 *deadline_ns)
{
	struct __kernel_timespec ts;

	*deadline_ns = POLL_FOREVER;
	if (!timeout)
		return 0;
	if (get_user(ts, timeout))
		return -EFAULT;
	if (ts.tv_sec < 0 || ts.tv_nsec < 0 || (u64)ts.tv_nsec >= NS_PER_SEC)
		return -EINVAL;
	*deadline_ns = deadline_after((u64)ts.tv_sec, (u64)ts.tv_nsec);
	return 0;
}

void poll_put_left(struct __kernel_timespec __user *timeout, u64 deadline_ns)
{
	u64 now = clock_monotonic_ns(), left = deadline_ns > now ? deadline_ns - now : 0;
	struct __kernel_timespec ts = {.tv_sec = (s64)(left / NS_PER_SEC),
				       .tv_nsec = (s64)(left % NS_PER_SEC)};

	if (timeout && deadline_ns != POLL_FOREVER)
		(void)!put_user(ts, timeout);
}

int poll_mask_begin(const void __user *sigmask, size_t sigsetsize)
{
	u64 mask;

	if (!sigmask)
		return 0;
	if (sigsetsize != sizeof(mask))
		return -EINVAL;
	if (copy_from_user(&mask, sigmask, sizeof(mask)))
		return -EFAULT;
	signal_mask_begin(mask);
	return 0;
}

void poll_mask_end(const void __user *sigmask, s64 result)
{
	if (sigmask)
		signal_mask_end(result == -EINTR);
}

/* Takes one request of poll(2): its file, or POLLNVAL. */
static void take_item(const struct pollfd *from, struct poll_item *to)
{
	to->events = (u16)from->events;
	if (from->fd < 0)
		return;
	to->file = sys_file(from->fd);
	if (!to->file)
		to->revents = POLLNVAL;
}

static void put_items(struct poll_item *items, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (items[i].file)
			file_put(items[i].file);
	}
}

/* fds is the kernel's copy of the array; revents are filled in. */
static s64 poll_copied(struct pollfd *fds, size_t count, u64 deadline_ns)
{
	struct poll_item *items = kcalloc(MAX(count, 1ul), sizeof(*items));
	s64 ready;

	if (!items)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		take_item(&fds[i], &items[i]);
	ready = poll_wait(items, count, deadline_ns);
	for (size_t i = 0; i < count; i++)
		fds[i].revents = (short)items[i].revents;
	put_items(items, count);
	kfree(items);
	return ready;
}

static s64 do_poll(void __user *user_fds, size_t count, u64 deadline_ns)
{
	struct pollfd *fds;
	s64 ready = -EFAULT;

	if (count > sys_fd_limit())
		return -EINVAL;
	fds = kcalloc(MAX(count, 1ul), sizeof(*fds));
	if (!fds)
		return -ENOMEM;
	if (!copy_from_user(fds, user_fds, count * sizeof(*fds)))
		ready = poll_copied(fds, count, deadline_ns);
	if (ready >= 0 && copy_to_user(user_fds, fds, count * sizeof(*fds)))
		ready = -EFAULT;
	kfree(fds);
	return ready;
}

s64 sys_poll(void __user *fds, u32 nfds, int timeout_ms)
{
	u64 deadline = POLL_FOREVER;

	if (timeout_ms >= 0)
		deadline = clock_monotonic_ns() + (u64)timeout_ms * NS_PER_MS;
	return do_poll(fds, nfds, deadline);
}

s64 sys_ppoll(void __user *fds, u32 nfds, struct __kernel_timespec __user *timeout,
	      const void __user *sigmask, size_t sigsetsize)
{
	u64 deadline;
	s64 result = poll_deadline(timeout, &deadline);

	if (!result)
		result = poll_mask_begin(sigmask, sigsetsize);
	if (result)
		return result;
	result = do_poll(fds, nfds, deadline);
	poll_mask_end(sigmask, result);
	poll_put_left(timeout, deadline);
	return result;
}
