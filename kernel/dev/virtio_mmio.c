/* SPDX-License-Identifier: MIT */
/*
 * The memory-mapped transport of virtio (1.2, 4.2), version 2 only: registers of 32 bits in a small window.
 *
 * Each register access leaves the guest, so start-up reads and writes what the specification asks for and no
 * more. The rings of a device's queues share one frame.
 */
#include <arch/irq.h>
#include <arch/mmu.h>
#include <asm/errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <moat/frame.h>
#include <moat/virtio.h>

#define MMIO_MAGIC    0x74726976 /* "virt" */
#define MMIO_VERSION  2
#define RESET_READS   1000 /* how often status is read until the device has reset itself */
#define VERSION_1_BIT ((u64)1 << VIRTIO_F_VERSION_1)

static volatile u32 *reg(const struct virtio_device *dev, u32 offset)
{
	return (volatile u32 *)(dev->regs + offset);
}

static u32 read_reg(const struct virtio_device *dev, u32 offset)
{
	return *reg(dev, offset);
}

/* Ordered behind earlier writes to memory: a volatile store on x86, and the fence keeps the compiler in
 * order. */
static void write_reg(const struct virtio_device *dev, u32 offset, u32 value)
{
	__atomic_thread_fence(__ATOMIC_RELEASE);
	*reg(dev, offset) = value;
}

static void write_reg64(const struct virtio_device *dev, u32 low_offset, u64 value)
{
	write_reg(dev, low_offset, (u32)value);
	write_reg(dev, low_offset + 4, (u32)(value >> 32));
}

static void add_status(const struct virtio_device *dev, u32 bits)
{
	write_reg(dev, VIRTIO_MMIO_STATUS, read_reg(dev, VIRTIO_MMIO_STATUS) | bits);
}

int virtio_open(struct virtio_device *dev, const struct virtio_window *window)
{
	u64 bytes = range_len(window->regs);

	if (bytes < VIRTIO_MMIO_CONFIG || bytes > KIB(64) || !IS_ALIGNED(window->regs.start, 4))
		return -ENODEV;
	volatile void *regs = mmio_map(paddr(window->regs.start), bytes);
	if (!regs)
		return -ENOMEM;
	*dev = (struct virtio_device){
		.regs = regs,
		.config_bytes = (u32)bytes - VIRTIO_MMIO_CONFIG,
		.gsi = window->gsi,
	};
	if (read_reg(dev, VIRTIO_MMIO_MAGIC_VALUE) != MMIO_MAGIC ||
	    read_reg(dev, VIRTIO_MMIO_VERSION) != MMIO_VERSION)
		return -ENODEV;
	dev->type = read_reg(dev, VIRTIO_MMIO_DEVICE_ID);
	return dev->type ? 0 : -ENODEV; /* 0: a slot with nothing in it (4.2.2.2) */
}

static u64 device_features(const struct virtio_device *dev)
{
	write_reg(dev, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
	u64 high = read_reg(dev, VIRTIO_MMIO_DEVICE_FEATURES);
	write_reg(dev, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
	return high << 32 | read_reg(dev, VIRTIO_MMIO_DEVICE_FEATURES);
}

static void accept_features(const struct virtio_device *dev, u64 features)
{
	write_reg(dev, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	write_reg(dev, VIRTIO_MMIO_DRIVER_FEATURES, (u32)(features >> 32));
	write_reg(dev, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
	write_reg(dev, VIRTIO_MMIO_DRIVER_FEATURES, (u32)features);
}

/* Asks for a reset and reads status until it is done; false when it never is. */
static bool reset(const struct virtio_device *dev)
{
	write_reg(dev, VIRTIO_MMIO_STATUS, 0);
	for (unsigned i = 0; i < RESET_READS; i++) {
		if (read_reg(dev, VIRTIO_MMIO_STATUS) == 0)
			return true;
	}
	return false;
}

/* The order of steps is that of 3.1.1. */
int virtio_negotiate(struct virtio_device *dev, u64 needed)
{
	needed |= VERSION_1_BIT;
	if (!reset(dev))
		return -EOPNOTSUPP;
	write_reg(dev, VIRTIO_MMIO_STATUS, VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER);
	dev->features = device_features(dev) & (needed | dev->optional);
	if ((dev->features & needed) != needed)
		goto refuse;
	accept_features(dev, dev->features);
	add_status(dev, VIRTIO_CONFIG_S_FEATURES_OK);
	if (!(read_reg(dev, VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_FEATURES_OK))
		goto refuse;
	struct page *page = frame_alloc(0, FRAME_ZERO, FRAME_KERNEL);
	if (!page) {
		virtio_fail(dev);
		return -ENOMEM;
	}
	dev->rings = page_address(page);
	dev->rings_used = 0;
	return 0;
refuse:
	virtio_fail(dev);
	return -EOPNOTSUPP;
}

/* The physical address of a part of a ring. */
static u64 ring_address(const void *part)
{
	return direct_map_paddr(part).raw;
}

int virtio_queue_open(struct virtio_device *dev, u32 index, struct virtqueue *vq)
{
	if (dev->rings_used + VIRTQUEUE_BYTES > PAGE_SIZE)
		return -ENOMEM;
	write_reg(dev, VIRTIO_MMIO_QUEUE_SEL, index);
	if (read_reg(dev, VIRTIO_MMIO_QUEUE_NUM_MAX) < VIRTQUEUE_SLOTS)
		return -ENOENT;
	virtqueue_init(vq, dev->rings + dev->rings_used, VIRTQUEUE_SLOTS);
	dev->rings_used += VIRTQUEUE_BYTES;
	vq->index = index;
	vq->notify_register = reg(dev, VIRTIO_MMIO_QUEUE_NOTIFY);
	virtqueue_suppress_interrupts(vq);
	write_reg(dev, VIRTIO_MMIO_QUEUE_NUM, VIRTQUEUE_SLOTS);
	write_reg64(dev, VIRTIO_MMIO_QUEUE_DESC_LOW, ring_address(vq->ring.desc));
	write_reg64(dev, VIRTIO_MMIO_QUEUE_AVAIL_LOW, ring_address(vq->ring.avail));
	write_reg64(dev, VIRTIO_MMIO_QUEUE_USED_LOW, ring_address(vq->ring.used));
	write_reg(dev, VIRTIO_MMIO_QUEUE_READY, 1);
	return 0;
}

void virtio_start(struct virtio_device *dev)
{
	add_status(dev, VIRTIO_CONFIG_S_DRIVER_OK);
}

void virtio_fail(struct virtio_device *dev)
{
	add_status(dev, VIRTIO_CONFIG_S_FAILED);
}

void virtio_notify(struct virtqueue *vq)
{
	if (virtqueue_wants_notify(vq))
		*vq->notify_register = vq->index;
}

u32 virtio_interrupt_ack(struct virtio_device *dev)
{
	u32 status = read_reg(dev, VIRTIO_MMIO_INTERRUPT_STATUS);

	if (status)
		write_reg(dev, VIRTIO_MMIO_INTERRUPT_ACK, status);
	return status;
}

u32 virtio_config_read32(const struct virtio_device *dev, u32 offset)
{
	if (offset + sizeof(u32) > dev->config_bytes)
		return 0;
	return read_reg(dev, VIRTIO_MMIO_CONFIG + offset);
}
