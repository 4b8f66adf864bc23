/* SPDX-License-Identifier: MIT */
/*
 * Disks (virtio 1.2, 5.2): one queue, each buffer a header, pieces of pages and a byte of status.
 *
 * A request has a frame of its own, cut into a table of indirect descriptors (2.7.5.3), header and status; the bytes go
 * straight to or from the caller's pages. Up to REQUESTS are under way; who finds none free waits. Nothing ends the wait for
 * the disk but its answer, so the pages stay the caller's. A device that breaks its queue gives EIO to all, now and later.
 *
 * Locks: `lock` guards the queue and the states of the requests; the interrupt handler takes it too.
 */
#include <arch/irq.h>
#include <arch/mmu.h>
#include <asm/errno.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <moat/block.h>
#include <moat/heap.h>
#include <moat/log.h>
#include <moat/panic.h>
#include <moat/string.h>
#include <moat/virtio.h>
#include <moat/waitq.h>

#define QUEUE_REQUESTS 0
#define REQUESTS       VIRTQUEUE_SLOTS
#define TABLE_MAX      (BLOCK_PIECES_MAX + 2)
#define HEADER_AT      (TABLE_MAX * sizeof(struct vring_desc))
#define STATUS_AT      (HEADER_AT + sizeof(struct virtio_blk_outhdr))
#define ID_AT	       (STATUS_AT + 16)
#define CAPACITY       0 /* offset in the configuration: sectors, 64 bits */
#define FEATURE(bit)   ((u64)1 << (bit))

_Static_assert(ID_AT + VIRTIO_BLK_ID_BYTES <= PAGE_SIZE, "a request fits in its frame");

enum request_state {
	REQUEST_FREE,
	REQUEST_BUSY,
	REQUEST_DONE,
};

struct blk_request {
	u32 state; /* enum request_state; [lock for change, a for read] */
	u8 *frame; /* [I once made] */
	struct waitq waiters;
};

struct blk_device {
	struct block_device disk;
	struct virtio_device dev;
	struct spinlock lock;	/* RANK_VIRTIO */
	struct virtqueue queue; /* [lock] */
	struct blk_request requests[REQUESTS];
	struct waitq free_waiters; /* for a request to become free */
};

static bool device_broken(const struct blk_device *d)
{
	return __atomic_load_n(&d->queue.broken, __ATOMIC_RELAXED);
}

static struct blk_request *take_free(struct blk_device *d)
{
	u64 irq = spin_lock_irqsave(&d->lock);
	struct blk_request *r = NULL;

	for (unsigned i = 0; i < REQUESTS && !r; i++) {
		if (d->requests[i].state == REQUEST_FREE)
			r = &d->requests[i];
	}
	if (r)
		r->state = REQUEST_BUSY;
	spin_unlock_irqrestore(&d->lock, irq);
	return r;
}

static void release(struct blk_device *d, struct blk_request *r)
{
	__atomic_store_n(&r->state, REQUEST_FREE, __ATOMIC_RELEASE);
	waitq_wake_one(&d->free_waiters);
}

/* Memory of a request that is used for the first time. */
static int make_room(struct blk_request *r)
{
	struct page *page = r->frame ? NULL : frame_alloc(0, FRAME_ZERO, FRAME_KERNEL);

	if (page)
		r->frame = page_address(page);
	return r->frame ? 0 : -ENOMEM;
}

struct table {
	struct vring_desc *desc;
	unsigned count;
	u32 writable; /* bytes */
};

static void add_piece(struct table *t, const void *at, u32 bytes, u16 flags)
{
	t->desc[t->count++] = (struct vring_desc){
		.addr = direct_map_paddr(at).raw,
		.len = bytes,
		.flags = flags | VRING_DESC_F_NEXT,
		.next = (u16)(t->count),
	};
	if (flags & VRING_DESC_F_WRITE)
		t->writable += bytes;
}

static void begin_table(const struct blk_request *r, u32 type, u64 sector, struct table *t)
{
	struct virtio_blk_outhdr *header = (struct virtio_blk_outhdr *)(r->frame + HEADER_AT);

	*t = (struct table){.desc = (struct vring_desc *)r->frame};
	*header = (struct virtio_blk_outhdr){.type = type, .sector = sector};
	r->frame[STATUS_AT] = VIRTIO_BLK_S_IOERR; /* unless the device says otherwise */
	add_piece(t, header, sizeof(*header), 0);
}

static bool is_done(const struct blk_request *r)
{
	return __atomic_load_n(&r->state, __ATOMIC_ACQUIRE) == REQUEST_DONE;
}

/* Ends the table, gives the request to the device and waits. A broken device keeps the request for ever. */
static int perform(struct blk_device *d, struct blk_request *r, struct table *t)
{
	u64 irq;
	int err;

	add_piece(t, r->frame + STATUS_AT, 1, VRING_DESC_F_WRITE);
	t->desc[t->count - 1].flags &= (u16)~VRING_DESC_F_NEXT;
	irq = spin_lock_irqsave(&d->lock);
	err = d->queue.broken ? -EIO : 0;
	if (!err)
		err = virtqueue_add_table(&d->queue, direct_map_paddr(t->desc),
					  t->count * (u32)sizeof(struct vring_desc), t->writable, r);
	if (!err)
		virtio_notify(&d->queue);
	spin_unlock_irqrestore(&d->lock, irq);
	if (err)
		return err;
	WAIT_EVENT_UNKILLABLE(&r->waiters, is_done(r) || device_broken(d));
	return is_done(r) && r->frame[STATUS_AT] == VIRTIO_BLK_S_OK ? 0 : -EIO;
}

static int get_request(struct blk_device *d, struct blk_request **out)
{
	struct blk_request *r = NULL;

	WAIT_EVENT_UNKILLABLE(&d->free_waiters, device_broken(d) || (r = take_free(d)) != NULL);
	if (!r)
		return -EIO;
	if (make_room(r)) {
		release(d, r);
		return -ENOMEM;
	}
	*out = r;
	return 0;
}

static int blk_transfer(struct block_device *disk, enum block_request what, u64 sector,
			const struct block_piece *pieces, unsigned n)
{
	static const u32 types[] = {VIRTIO_BLK_T_IN, VIRTIO_BLK_T_OUT, VIRTIO_BLK_T_FLUSH};
	struct blk_device *d = (struct blk_device *)disk; /* its first member */
	struct blk_request *r;
	struct table t;
	int err;

	ASSERT(n <= BLOCK_PIECES_MAX);
	if (what == BLOCK_FLUSH && !(d->dev.features & FEATURE(VIRTIO_BLK_F_FLUSH)))
		return 0;
	err = get_request(d, &r);
	if (err)
		return err;
	begin_table(r, types[what], sector, &t);
	for (unsigned i = 0; i < n; i++)
		add_piece(&t, (u8 *)page_address(pieces[i].page) + pieces[i].offset, pieces[i].bytes,
			  what == BLOCK_READ ? VRING_DESC_F_WRITE : 0);
	err = perform(d, r, &t);
	release(d, r);
	return err;
}

/* ---- replies ---- */

/* The device broke the rules: nobody will get an answer any more. [lock] */
static void fail_all(struct blk_device *d)
{
	log_printf("disk: %s: the device broke its queue\n", d->disk.name);
	for (unsigned i = 0; i < REQUESTS; i++)
		waitq_wake_all(&d->requests[i].waiters);
	waitq_wake_all(&d->free_waiters);
}

static void handle_interrupt(void *arg)
{
	struct blk_device *d = arg;
	struct blk_request *r;

	while (virtio_interrupt_ack(&d->dev)) {
		u64 irq = spin_lock_irqsave(&d->lock);

		for (u32 written; (r = virtqueue_take(&d->queue, &written));) {
			__atomic_store_n(&r->state, REQUEST_DONE, __ATOMIC_RELEASE);
			waitq_wake_all(&r->waiters);
		}
		if (d->queue.broken)
			fail_all(d);
		spin_unlock_irqrestore(&d->lock, irq);
	}
}

/* ---- starting ---- */

/* The serial number is the name: the command tells its disks apart by it. */
static int read_name(struct blk_device *d)
{
	struct blk_request *r;
	struct table t;
	int err = get_request(d, &r);

	if (err)
		return err;
	begin_table(r, VIRTIO_BLK_T_GET_ID, 0, &t);
	add_piece(&t, r->frame + ID_AT, VIRTIO_BLK_ID_BYTES, VRING_DESC_F_WRITE);
	err = perform(d, r, &t);
	if (!err)
		memcpy(d->disk.name, r->frame + ID_AT, VIRTIO_BLK_ID_BYTES);
	release(d, r);
	return err;
}

static int start(struct blk_device *d)
{
	int err;

	d->dev.optional = FEATURE(VIRTIO_BLK_F_RO) | FEATURE(VIRTIO_BLK_F_FLUSH);
	err = virtio_negotiate(&d->dev, FEATURE(VIRTIO_RING_F_INDIRECT_DESC));
	if (err)
		return err;
	err = virtio_queue_open(&d->dev, QUEUE_REQUESTS, &d->queue);
	if (!err)
		err = irq_register(d->dev.gsi, handle_interrupt, d);
	if (err) {
		virtio_fail(&d->dev);
		return err;
	}
	virtqueue_allow_interrupts(&d->queue);
	virtio_start(&d->dev);
	d->disk.sectors = virtio_config_read32(&d->dev, CAPACITY) |
			  (u64)virtio_config_read32(&d->dev, CAPACITY + 4) << 32;
	d->disk.readonly = d->dev.features & FEATURE(VIRTIO_BLK_F_RO);
	return read_name(d);
}

static const struct block_ops blk_ops = {.transfer = blk_transfer};

/* A device that failed half way stays where it is: its interrupt knows it. */
int virtio_blk_start(const struct virtio_device *dev)
{
	struct blk_device *d = kzalloc(sizeof(*d));
	int err;

	if (!d)
		return -ENOMEM;
	d->dev = *dev;
	d->disk.ops = &blk_ops;
	spin_init(&d->lock, RANK_VIRTIO);
	waitq_init(&d->free_waiters);
	for (unsigned i = 0; i < REQUESTS; i++)
		waitq_init(&d->requests[i].waiters);
	err = start(d);
	if (!err)
		block_register(&d->disk);
	return err;
}
