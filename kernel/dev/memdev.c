/* SPDX-License-Identifier: MIT */
/*
 * The memory devices of Linux: null(4), zero(4) and full(4).
 *
 * Seeking succeeds and leaves the offset at 0. A write to null or zero moves no byte and so never faults, as
 * on Linux.
 */
#include <asm/errno.h>
#include <moat/memdev.h>
#include <moat/object.h>
#include <moat/waitq.h>

#define MEM_MAJOR 1

/* What a mapping of /dev/zero can reach: more than any address space has. */
#define ZERO_PIECE	  KIB(256) /* cleared before others may have their turn */
#define ZERO_OBJECT_BYTES ((u64)1 << 47)

static ssize_t null_read(struct file *f __unused, struct uio *u __unused, u64 *offset __unused)
{
	return 0;
}

static ssize_t null_write(struct file *f __unused, struct uio *u, u64 *offset __unused)
{
	size_t bytes = u->left;

	u->left = 0; /* nobody looks at the pieces again */
	return (ssize_t)bytes;
}

static __noinline size_t zero_pieces(struct uio *u)
{
	size_t moved = 0, n;

	do {
		n = uio_zero_out(u, ZERO_PIECE);
		moved += n;
		waitq_give_way();
	} while (n == ZERO_PIECE && u->left && !waitq_signal_due());
	return moved;
}

static ssize_t zero_read(struct file *f __unused, struct uio *u, u64 *offset __unused)
{
	size_t bytes = u->left, moved = likely(bytes <= ZERO_PIECE) ? uio_zero_out(u, bytes) : zero_pieces(u);

	return likely(moved || !bytes) ? (ssize_t)moved : -EFAULT;
}

static ssize_t full_write(struct file *f __unused, struct uio *u __unused, u64 *offset __unused)
{
	return -ENOSPC;
}

static s64 seek_nowhere(struct file *f __unused, s64 offset __unused, int whence __unused)
{
	return 0;
}

/* Each mapping of /dev/zero has pages of its own: an object whose pages are all holes. */
static struct mobj *zero_map(struct file *f __unused, int *err)
{
	struct mobj *obj = mobj_create(NULL, NULL);

	*err = obj ? mobj_resize(obj, ZERO_OBJECT_BYTES) : -ENOMEM;
	if (!*err)
		return obj;
	if (obj)
		mobj_put(obj);
	return NULL;
}

static const struct file_ops null_ops = {
	.read = null_read,
	.write = null_write,
	.seek = seek_nowhere,
	.no_offset = true,
};

static const struct file_ops zero_ops = {
	.read = zero_read,
	.write = null_write,
	.seek = seek_nowhere,
	.no_offset = true,
	.map = zero_map,
};

static const struct file_ops full_ops = {
	.read = zero_read,
	.write = full_write,
	.seek = seek_nowhere,
	.no_offset = true,
};

static const struct chardev memory_devices[] = {
	{.name = "null", .major = MEM_MAJOR, .minor = 3, .mode = 0666, .ops = &null_ops},
	{.name = "zero", .major = MEM_MAJOR, .minor = 5, .mode = 0666, .ops = &zero_ops},
	{.name = "full", .major = MEM_MAJOR, .minor = 7, .mode = 0666, .ops = &full_ops},
};

void memdev_register(void)
{
	chardev_register_all(memory_devices, ARRAY_SIZE(memory_devices));
}
