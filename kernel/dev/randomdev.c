/* SPDX-License-Identifier: MIT */
/*
 * random(4) and urandom: two names of the kernel's generator. It has its seed before any program runs, so
 * that neither ever blocks. What is written is mixed in.
 */
#include <arch/uaccess.h>
#include <asm/errno.h>
#include <linux/random.h>
#include <moat/memdev.h>
#include <moat/random.h>
#include <moat/virtio.h>

#define MEM_MAJOR    1
#define CHUNK_BYTES  256
#define ENTROPY_BITS 256 /* of the generator's key */

static ssize_t random_read(struct file *f __unused, struct uio *u, u64 *offset __unused)
{
	u8 chunk[CHUNK_BYTES];
	ssize_t done = 0;

	virtio_rng_refresh();
	while (u->left) {
		size_t want = MIN(u->left, sizeof(chunk));
		random_bytes(chunk, want);
		size_t moved = uio_copy_out(u, chunk, want);
		done += (ssize_t)moved;
		if (moved < want) {
			done = done ? done : -EFAULT;
			break;
		}
		waitq_give_way();
		if (waitq_signal_due())
			break;
	}
	wipe(chunk, sizeof(chunk));
	return done;
}

static ssize_t random_write(struct file *f __unused, struct uio *u, u64 *offset __unused)
{
	u8 chunk[CHUNK_BYTES];
	ssize_t done = 0;

	while (u->left) {
		size_t want = MIN(u->left, sizeof(chunk));
		size_t moved = uio_copy_in(u, chunk, want);
		random_mix(chunk, moved);
		done += (ssize_t)moved;
		if (moved < want)
			return done ? done : -EFAULT;
		waitq_give_way();
		if (waitq_signal_due())
			break;
	}
	return done;
}

static s64 random_seek(struct file *f __unused, s64 offset __unused, int whence __unused)
{
	return 0;
}

/* The entropy count never changes: RNDADDTOENTCNT and the pool's emptying are accepted and change nothing. */
static int random_ioctl(struct file *f __unused, unsigned cmd, u64 arg)
{
	int bits = ENTROPY_BITS;

	switch (cmd) {
	case RNDGETENTCNT:
		return copy_to_user((void __user *)arg, &bits, sizeof(bits)) ? -EFAULT : 0;
	case RNDADDTOENTCNT:
		if (copy_from_user(&bits, (const void __user *)arg, sizeof(bits)))
			return -EFAULT;
		return bits < 0 ? -EINVAL : 0;
	case RNDZAPENTCNT:
	case RNDCLEARPOOL:
	case RNDRESEEDCRNG:
		return 0;
	default:
		return -EINVAL;
	}
}

static const struct file_ops random_ops = {
	.read = random_read,
	.write = random_write,
	.seek = random_seek,
	.ioctl = random_ioctl,
};

static const struct chardev random_devices[] = {
	{.name = "random", .major = MEM_MAJOR, .minor = 8, .mode = 0666, .ops = &random_ops},
	{.name = "urandom", .major = MEM_MAJOR, .minor = 9, .mode = 0666, .ops = &random_ops},
};

void randomdev_register(void)
{
	chardev_register_all(random_devices, ARRAY_SIZE(random_devices));
}
