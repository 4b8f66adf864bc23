/* SPDX-License-Identifier: MIT */
/*
 * The entropy device (virtio 1.2, 5.4): one queue, whose buffers come back full of random bytes.
 *
 * Nobody waits for it: the generator is seeded without it, and mixes in what comes, when it comes.
 */
#include <arch/irq.h>
#include <arch/mmu.h>
#include <arch/timer.h>
#include <asm/errno.h>
#include <moat/frame.h>
#include <moat/random.h>
#include <moat/spinlock.h>
#include <moat/virtio.h>

#define REQUEST_BYTES  64
#define REFRESH_NS     60000000000ull
#define QUEUE_REQUESTS 0

static struct {
	struct virtio_device dev; /* [I] after start */
	struct spinlock lock;
	struct virtqueue requests; /* [lock] */
	u8 *buffer;		   /* [I] NULL: there is no device */
	u64 asked_ns;		   /* [lock] */
} rng = {
	.lock = SPINLOCK_INIT(RANK_VIRTIO),
};

/* One request at a time; a second one while the first is out is not made. [lock] */
static void request(void)
{
	if (rng.requests.in_flight || rng.requests.broken)
		return;
	rng.asked_ns = clock_monotonic_ns();
	if (virtqueue_add(&rng.requests, direct_map_paddr(rng.buffer), REQUEST_BYTES, DEVICE_WRITES,
			  rng.buffer) == 0)
		virtio_notify(&rng.requests);
}

static void handle_interrupt(void *arg __unused)
{
	u8 *filled;

	while (virtio_interrupt_ack(&rng.dev)) {
		u64 irq = spin_lock_irqsave(&rng.lock);
		for (u32 len; (filled = virtqueue_take(&rng.requests, &len));) {
			random_mix(filled, len);
			wipe(filled, len);
		}
		spin_unlock_irqrestore(&rng.lock, irq);
	}
}

void virtio_rng_refresh(void)
{
	if (!rng.buffer)
		return;
	u64 irq = spin_lock_irqsave(&rng.lock);
	if (clock_monotonic_ns() - rng.asked_ns >= REFRESH_NS)
		request();
	spin_unlock_irqrestore(&rng.lock, irq);
}

/* With the buffer set, so that a failure before leaves no device. */
static void begin(struct page *page)
{
	u64 irq = spin_lock_irqsave(&rng.lock);

	rng.buffer = page_address(page);
	virtqueue_allow_interrupts(&rng.requests);
	virtio_start(&rng.dev);
	request();
	spin_unlock_irqrestore(&rng.lock, irq);
}

int virtio_rng_start(const struct virtio_device *dev)
{
	if (rng.buffer)
		return -EBUSY;
	rng.dev = *dev;
	int err = virtio_negotiate(&rng.dev, 0);
	if (err)
		return err;
	struct page *page = frame_alloc(0, 0, FRAME_KERNEL);
	err = page ? virtio_queue_open(&rng.dev, QUEUE_REQUESTS, &rng.requests) : -ENOMEM;
	if (!err)
		err = irq_register(rng.dev.gsi, handle_interrupt, NULL);
	if (err)
		goto give_up;
	begin(page);
	return 0;
give_up:
	if (page)
		frame_put(page);
	virtio_fail(&rng.dev);
	return err;
}
