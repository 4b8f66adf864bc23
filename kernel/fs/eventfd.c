/* SPDX-License-Identifier: MIT */
/*
 * eventfd(2): a counter in a file. A write adds to it, a read takes all of it (or one, with EFD_SEMAPHORE). It never reaches
 * UINT64_MAX: a write that would make it so waits.
 *
 * The counter is one atomic word; whoever changes it wakes who waits for that change.
 */
#include <asm/errno.h>
#include <linux/fcntl.h>
#include <linux/poll.h>
#include <moat/event.h>
#include <moat/heap.h>
#include <moat/procfs.h>

#define EFD_SEMAPHORE 1 /* of a header that only newer systems have */

struct eventfd {
	u64 count;     /* [a] */
	bool one_each; /* [I] EFD_SEMAPHORE */
	u32 id;	       /* [I] for /proc */
	struct waitq wait;
};

static u32 next_id; /* [a] */

static u64 count_of(const struct eventfd *e)
{
	return __atomic_load_n(&e->count, __ATOMIC_ACQUIRE);
}

/* What a read gets, 0: nothing. */
static u64 take(struct eventfd *e)
{
	u64 count = count_of(e), taken;

	do {
		taken = count && e->one_each ? 1 : count;
	} while (taken && !__atomic_compare_exchange_n(&e->count, &count, count - taken, false,
						       __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
	return taken;
}

static bool fits(const struct eventfd *e, u64 more)
{
	return UINT64_MAX - count_of(e) > more;
}

static bool add(struct eventfd *e, u64 more)
{
	u64 count = count_of(e);

	do {
		if (UINT64_MAX - count <= more)
			return false;
	} while (!__atomic_compare_exchange_n(&e->count, &count, count + more, false, __ATOMIC_SEQ_CST,
					      __ATOMIC_RELAXED));
	return true;
}

static ssize_t eventfd_read(struct file *f, struct uio *u, u64 *offset __unused)
{
	struct eventfd *e = f->private;
	u64 value;

	if (u->left < sizeof(value))
		return -EINVAL;
	while (!(value = take(e))) {
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		if (WAIT_EVENT(&e->wait, count_of(e)))
			return -EINTR;
	}
	waitq_wake(&e->wait, POLLOUT);
	return uio_copy_out(u, &value, sizeof(value)) == sizeof(value) ? (ssize_t)sizeof(value) : -EFAULT;
}

/* One value from the buffer: 0 or -errno. */
static int put_one(struct file *f, struct uio *u)
{
	struct eventfd *e = f->private;
	u64 value;

	if (uio_copy_in(u, &value, sizeof(value)) != sizeof(value))
		return -EFAULT;
	if (value == UINT64_MAX)
		return -EINVAL;
	while (!add(e, value)) {
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		if (WAIT_EVENT(&e->wait, fits(e, value)))
			return -EINTR;
	}
	waitq_wake(&e->wait, POLLIN);
	return 0;
}

/* Linux takes the buffers of writev one by one, and each must hold exactly one value. */
static ssize_t eventfd_write(struct file *f, struct uio *u, u64 *offset __unused)
{
	ssize_t done = 0;
	int err = 0;

	for (unsigned i = 0; i < u->count && !err; i++) {
		err = u->segs[i].len == sizeof(u64) ? put_one(f, u) : -EINVAL;
		if (!err)
			done += (ssize_t)sizeof(u64);
	}
	return done ? done : err;
}

static unsigned eventfd_poll(struct file *f, struct poll_table *t)
{
	struct eventfd *e = f->private;
	u64 count;

	poll_add(t, &e->wait);
	count = count_of(e);
	return (count ? POLLIN : 0) | (count < UINT64_MAX - 1 ? POLLOUT : 0);
}

static void eventfd_show(struct file *f, struct proc_text *t)
{
	const struct eventfd *e = f->private;

	proc_printf(t, "eventfd-count: %16llx\neventfd-id: %u\neventfd-semaphore: %d\n",
		    (unsigned long long)count_of(e), e->id, e->one_each);
}

static void eventfd_release(struct file *f)
{
	kfree(f->private);
}

static const struct file_ops eventfd_ops = {
	.read = eventfd_read,
	.write = eventfd_write,
	.seek = file_seek_null,
	.no_offset = true,
	.no_pread = true,
	.poll = eventfd_poll,
	.release = eventfd_release,
	.show = eventfd_show,
	.anon_name = "[eventfd]",
};

int eventfd_create(u32 count, u32 flags, struct file **out)
{
	struct eventfd *e;

	if (flags & ~(u32)(EFD_SEMAPHORE | O_NONBLOCK))
		return -EINVAL;
	e = kzalloc(sizeof(*e));
	if (!e)
		return -ENOMEM;
	e->count = count;
	e->one_each = flags & EFD_SEMAPHORE;
	e->id = __atomic_fetch_add(&next_id, 1, __ATOMIC_RELAXED);
	waitq_init(&e->wait);
	*out = anon_file_create(&eventfd_ops, O_RDWR | (flags & O_NONBLOCK), e);
	if (*out)
		return 0;
	kfree(e);
	return -ENOMEM;
}
