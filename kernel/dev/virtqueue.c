/* SPDX-License-Identifier: MIT */
/*
 * Split virtqueues (virtio 1.2, 2.7), the driver's side.
 *
 *       descriptors: buffer addresses     written by the driver
 *       avail ring:  driver -> device     the driver moves avail->idx
 *       used ring:   device -> driver     the device moves used->idx
 *
 * Both indices count entries modulo 2^16; their distance to what was taken before is what is new. Free
 * descriptors form a list through slots[].next_free, not through the descriptors' own `next`, which the
 * device could change.
 *
 * Pure: memory and arithmetic. The caller locks, and rings the device's bell (virtio_mmio.c).
 */
#include <asm/errno.h>
#include <moat/panic.h>
#include <moat/virtio.h>

_Static_assert(VIRTQUEUE_SLOTS * sizeof(struct vring_desc) + (3 + VIRTQUEUE_SLOTS) * sizeof(u16) + 2 +
			       3 * sizeof(u16) + VIRTQUEUE_SLOTS * sizeof(struct vring_used_elem) <=
		       VIRTQUEUE_BYTES,
	       "a ring fits in VIRTQUEUE_BYTES");

void virtqueue_init(struct virtqueue *vq, void *memory, unsigned slots)
{
	ASSERT(slots > 0 && slots <= VIRTQUEUE_SLOTS && (slots & (slots - 1)) == 0);
	*vq = (struct virtqueue){0};
	vring_init(&vq->ring, slots, memory, VRING_USED_ALIGN_SIZE);
	for (unsigned i = 0; i < slots; i++)
		vq->slots[i].next_free = (u16)(i + 1);
}

/* Makes one descriptor available. `writable`: bytes that the device may write. */
static int add(struct virtqueue *vq, struct vring_desc desc, u32 writable, void *token)
{
	u16 id = vq->first_free;

	if (id >= vq->ring.num)
		return -ENOSPC;
	struct virtqueue_slot *slot = &vq->slots[id];
	vq->first_free = slot->next_free;
	slot->token = token;
	slot->capacity = writable;

	vq->ring.desc[id] = desc;
	vq->ring.avail->ring[vq->avail_idx % vq->ring.num] = id;
	vq->avail_idx++;
	vq->in_flight++;
	/* The device must see the entry before the index that covers it (2.7.13.3). */
	__atomic_store_n(&vq->ring.avail->idx, vq->avail_idx, __ATOMIC_RELEASE);
	return 0;
}

int virtqueue_add(struct virtqueue *vq, paddr_t buffer, u32 bytes, enum virtqueue_direction direction,
		  void *token)
{
	bool writes = direction == DEVICE_WRITES;
	struct vring_desc desc = {
		.addr = buffer.raw,
		.len = bytes,
		.flags = writes ? VRING_DESC_F_WRITE : 0,
	};

	return add(vq, desc, writes ? bytes : 0, token);
}

int virtqueue_add_table(struct virtqueue *vq, paddr_t table, u32 bytes, u32 writable, void *token)
{
	struct vring_desc desc = {.addr = table.raw, .len = bytes, .flags = VRING_DESC_F_INDIRECT};

	return add(vq, desc, writable, token);
}

bool virtqueue_wants_notify(const struct virtqueue *vq)
{
	/*
	 * The device clears its flag and then looks at avail->idx once more; we moved avail->idx and look at
	 * the flag. With a full barrier on both sides one of the two sees the other (2.7.13.4.1).
	 */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return !(__atomic_load_n(&vq->ring.used->flags, __ATOMIC_RELAXED) & VRING_USED_F_NO_NOTIFY);
}

void *virtqueue_take(struct virtqueue *vq, u32 *written)
{
	/* Pairs with the device's release of the entries and of what it wrote to the buffers. */
	u16 fresh = (u16)(__atomic_load_n(&vq->ring.used->idx, __ATOMIC_ACQUIRE) - vq->used_idx);

	if (fresh == 0 || vq->broken)
		return NULL;
	const struct vring_used_elem *used = &vq->ring.used->ring[vq->used_idx % vq->ring.num];
	u32 id = __atomic_load_n(&used->id, __ATOMIC_RELAXED);
	u32 len = __atomic_load_n(&used->len, __ATOMIC_RELAXED);
	if (fresh > vq->in_flight || id >= vq->ring.num || !vq->slots[id].token) {
		vq->broken = true;
		return NULL;
	}
	struct virtqueue_slot *slot = &vq->slots[id];
	void *token = slot->token;
	slot->token = NULL;
	slot->next_free = vq->first_free;
	vq->first_free = (u16)id;
	vq->used_idx++;
	vq->in_flight--;
	*written = MIN(len, slot->capacity);
	return token;
}

void virtqueue_suppress_interrupts(struct virtqueue *vq)
{
	__atomic_store_n(&vq->ring.avail->flags, VRING_AVAIL_F_NO_INTERRUPT, __ATOMIC_RELAXED);
}

void virtqueue_allow_interrupts(struct virtqueue *vq)
{
	__atomic_store_n(&vq->ring.avail->flags, 0, __ATOMIC_RELAXED);
	/* The flag must be visible before the caller's last look at used->idx. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}
