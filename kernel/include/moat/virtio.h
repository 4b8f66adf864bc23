/* SPDX-License-Identifier: MIT */
/* room: dev */
/*
 * Virtio 1.2: devices on the memory-mapped transport (4.2) with split virtqueues (2.7).
 *
 * A queue carries buffers of one descriptor each. What the driver must be able to rely on (which buffers are
 * out, how large they are) is kept in memory of its own; from the ring, which the device may write, only used
 * entries are read, once each, and checked. A device that breaks the rules breaks its queue, not the kernel.
 */
#ifndef MOAT_VIRTIO_H
#define MOAT_VIRTIO_H

#include <linux/virtio_ring.h>
#include <moat/types.h>

#define VIRTQUEUE_SLOTS 16  /* descriptors of a queue: a power of two */
#define VIRTQUEUE_BYTES 512 /* room for such a ring */

enum virtqueue_direction {
	DEVICE_READS,
	DEVICE_WRITES,
};

struct virtqueue_slot {
	void *token;  /* whose buffer; NULL while the slot is free */
	u32 capacity; /* bytes that the device may write */
	u16 next_free;
};

/* [caller's lock] everything. */
struct virtqueue {
	struct vring ring;
	volatile u32 *notify_register;
	u32 index;     /* of the queue in its device */
	u16 avail_idx; /* entries ever made available, modulo 2^16 */
	u16 used_idx;  /* used entries ever taken, modulo 2^16 */
	u16 first_free;
	u16 in_flight; /* buffers that the device has */
	bool broken;   /* the device broke the protocol: nothing more is taken from it */
	struct virtqueue_slot slots[VIRTQUEUE_SLOTS];
};

/* An empty queue of `slots` descriptors (a power of two, at most VIRTQUEUE_SLOTS) in zeroed memory. */
void virtqueue_init(struct virtqueue *vq, void *memory, unsigned slots);
/*
 * Gives the device `bytes` at `buffer`; `token` (not NULL) comes back from virtqueue_take. 0, or -ENOSPC when
 * all descriptors are out.
 */
int __must_check virtqueue_add(struct virtqueue *vq, paddr_t buffer, u32 bytes,
			       enum virtqueue_direction direction, void *token);
/*
 * The same for a buffer in pieces: `table` holds `bytes` of descriptors, which stay as they are until the buffer comes
 * back; `writable` of the bytes that they cover are for the device to write. VIRTIO_RING_F_INDIRECT_DESC was agreed on.
 */
int __must_check virtqueue_add_table(struct virtqueue *vq, paddr_t table, u32 bytes, u32 writable,
				     void *token);
/* After adding: does the device want to be told? */
bool virtqueue_wants_notify(const struct virtqueue *vq);
/*
 * The token of the next buffer that the device is done with, and in *written how many bytes it put there
 * (never more than its size); NULL when there is none or the queue is broken.
 */
void *virtqueue_take(struct virtqueue *vq, u32 *written);
/* A hint to the device that no interrupt is needed when it uses a buffer (2.7.7). */
void virtqueue_suppress_interrupts(struct virtqueue *vq);
/* Asks for interrupts again. What was used before raised none: the caller takes once more afterwards. */
void virtqueue_allow_interrupts(struct virtqueue *vq);

/* Where the kernel command line says that a device may be. */
struct virtio_window {
	struct range regs; /* physical bytes */
	u32 gsi;
};

/* Reads SIZE@ADDRESS:GSI, SIZE with an optional K, M or G. 0, -EINVAL, -ERANGE. Pure. */
int __must_check virtio_window_parse(const char *text, struct virtio_window *out);

struct virtio_device {
	volatile u8 *regs; /* [I] */
	u32 config_bytes;  /* [I] */
	u32 type;	   /* [I] VIRTIO_ID_… */
	u32 gsi;	   /* [I] */
	u64 optional;	   /* [boot] features that are taken if they are offered */
	u64 features;	   /* [I] that were agreed on */
	u8 *rings;	   /* [boot] a frame that the queues' rings are cut from */
	u32 rings_used;	   /* [boot] bytes */
};

/* Looks into a window. 0; -ENODEV when there is no modern device; -ENOMEM. Boot only, as all up to
 * virtio_start. */
int __must_check virtio_open(struct virtio_device *dev, const struct virtio_window *window);
/* Resets the device; agrees on features: all of `needed`, VIRTIO_F_VERSION_1, and dev->optional. 0, -EOPNOTSUPP, -ENOMEM. */
int __must_check virtio_negotiate(struct virtio_device *dev, u64 needed);
/* Sets up queue `index`, empty and with interrupts suppressed. 0, -ENOENT (no such queue), -ENOMEM. */
int __must_check virtio_queue_open(struct virtio_device *dev, u32 index, struct virtqueue *vq);
/* The device may run from now on. */
void virtio_start(struct virtio_device *dev);
/* Gives the device up. */
void virtio_fail(struct virtio_device *dev);
/* Tells the device about added buffers unless it said that it does not care. [queue's lock] */
void virtio_notify(struct virtqueue *vq);
/* What the device interrupts for (VIRTIO_MMIO_INT_…), acknowledged; 0: nothing more. Interrupt handler. */
u32 virtio_interrupt_ack(struct virtio_device *dev);
/* 32 bits of the device's configuration space at `offset` (a multiple of 4); 0 past its end. */
u32 virtio_config_read32(const struct virtio_device *dev, u32 offset);

/* Drivers: each takes over an opened device. 0 or -errno (the device was given up). Boot. */
int __must_check virtio_console_start(const struct virtio_device *dev);
int __must_check virtio_rng_start(const struct virtio_device *dev);
int __must_check virtio_9p_start(const struct virtio_device *dev);
int __must_check virtio_blk_start(const struct virtio_device *dev);
/* Asks the device for fresh entropy, at most once a minute. Process context. */
void virtio_rng_refresh(void);

#endif
