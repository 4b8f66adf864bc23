/* SPDX-License-Identifier: MIT */
/*
 * poll(2), ppoll(2), and the waiting that select(2) shares with them.
 *
 * A wait without end sleeps on the queues of all files at once: it enters every queue, looks once more, and
 * blocks. A wait with a deadline looks again at every tick instead: what sleeps until a time has a queue of its own.
 */
#include <asm/poll.h>
#include <linux/time_types.h>
#include <arch/timer.h>
#include <arch/trap.h>
#include <arch/uaccess.h>
#include <moat/heap.h>
#include "sys_poll.h"

#define TICK_NS	   4000000ull
#define NS_PER_SEC 1000000000ull
#define NS_PER_MS  1000000ull

/* Looks at every file once; the number of items with something to say. */
static s64 look(struct poll_item *items, size_t count)
{
	s64 ready = 0;

	for (size_t i = 0; i < count; i++) {
		struct poll_item *item = &items[i];

		if (item->file)
			item->revents =
				vfs_poll(item->file, &item->queue) & (item->events | POLLERR | POLLHUP);
		ready += item->revents != 0;
	}
	return ready;
}

static void enter_all(struct poll_item *items, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		items[i].entered = items[i].queue;
		if (items[i].entered)
			waitq_enter(items[i].entered, &items[i].waiter);
	}
}

static void leave_all(struct poll_item *items, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (items[i].entered)
			waitq_leave(items[i].entered, &items[i].waiter);
	}
}

/* Sleeps until one of the queues is woken. The queues were filled in by look(). 0 or -EINTR. */
static int sleep_on_queues(struct poll_item *items, size_t count)
{
	struct waitq never; /* when no file has a queue, only a signal ends the wait */
	int err = 0;
	struct waiter w;

	waitq_init(&never);
	waitq_enter(&never, &w);
	enter_all(items, count);
	if (look(items, count) == 0)
		err = waitq_block(WAIT_INTERRUPTIBLE);
	leave_all(items, count);
	waitq_leave(&never, &w);
	return err;
}

s64 poll_wait(struct poll_item *items, size_t count, u64 deadline_ns)
{
	for (;;) {
		s64 ready = look(items, count);
		u64 now = clock_monotonic_ns();
		int err;

		if (ready || now >= deadline_ns)
			return ready;
		err = deadline_ns == POLL_FOREVER ? sleep_on_queues(items, count)
						  : sleep_until_ns(MIN(deadline_ns, now + TICK_NS));
		if (err)
			return err;
	}
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
