/* SPDX-License-Identifier: MIT */
/*
 * The 9P transport (virtio 1.2, 5.11; its configuration is a mount tag): one queue, each buffer a request and room for its
 * reply.
 *
 * A request has a frame of its own, cut into a table of indirect descriptors (2.7.5.3), the request and the head of the
 * reply; its payload goes straight to or from the caller's pages:
 *
 *     frame    | table .......... | request | head of the reply |
 *                |  |  |  |          ^           ^
 *                |  |  |  `-> pages  |           |
 *                |  `----------------|-----------'
 *                `-------------------'
 *
 * Up to REQUESTS are under way; who finds none free waits. Who waits for bytes can be killed: the request is then left
 * to the device ("abandoned") with references to its pages, and is free again when the reply comes. Nothing the device
 * says is believed: lengths come out of virtqueue_take bounded by what it was given, the head is copied once before it is
 * looked at, its size must be what was written and its tag that of the request.
 *
 * The device is started by its first user: most programs need no file of the host.
 */
#include <arch/irq.h>
#include <arch/mmu.h>
#include <asm/errno.h>
#include <linux/virtio_9p.h>
#include <linux/virtio_config.h>
#include <moat/frame.h>
#include <moat/heap.h>
#include <moat/log.h>
#include <moat/mutex.h>
#include <moat/ninep.h>
#include <moat/panic.h>
#include <moat/string.h>
#include <moat/virtio.h>

#define QUEUE_REQUESTS 0
#define REQUESTS       VIRTQUEUE_SLOTS
#define TABLE_MAX      (NINEP_PAGES_MAX + 2)
#define REQUEST_AT     (TABLE_MAX * sizeof(struct vring_desc))
#define REPLY_AT       (REQUEST_AT + NINEP_OUT_MAX)
#define FEATURES       ((u64)1 << VIRTIO_9P_MOUNT_TAG | (u64)1 << VIRTIO_RING_F_INDIRECT_DESC)

_Static_assert(REPLY_AT + NINEP_IN_MAX <= PAGE_SIZE, "a request fits in its frame");

enum request_state {
	REQUEST_FREE,
	REQUEST_BUSY,	   /* its thread has it, or the device, and the thread waits */
	REQUEST_DONE,	   /* the reply is there */
	REQUEST_ABANDONED, /* the device has it, nobody waits */
};

struct request {
	u32 state;	    /* enum request_state; [lock for change, a for read] */
	u8 *frame;	    /* [I once made] NULL: never used */
	struct page **held; /* [who has it] pages of the payload, a reference each */
	u32 held_count;	    /* [who has it] */
	u32 written;	    /* [who has it] */
	struct waitq waiters;
};

struct ninep_device {
	struct ninep_port port;
	struct virtio_device dev;
	struct mutex start_lock;
	int started; /* [a] 1: runs; 0: not yet; < 0: it does not */
	struct spinlock lock;
	struct virtqueue queue; /* [lock] */
	struct request requests[REQUESTS];
	struct waitq free_waiters; /* for a request to become free */
};

static struct ninep_device *device_of(struct ninep_port *p)
{
	return (struct ninep_device *)((char *)p - offsetof(struct ninep_device, port));
}

/* ---- requests ---- */

/* Gives the payload's references back and makes it free. [lock] */
static void set_free(struct ninep_device *d, struct request *r)
{
	for (u32 i = 0; i < r->held_count; i++)
		frame_put(r->held[i]);
	r->held_count = 0;
	__atomic_store_n(&r->state, REQUEST_FREE, __ATOMIC_RELEASE);
	waitq_wake_one(&d->free_waiters);
}

static void release(struct ninep_device *d, struct request *r)
{
	u64 irq = spin_lock_irqsave(&d->lock);

	set_free(d, r);
	spin_unlock_irqrestore(&d->lock, irq);
}

static struct request *take_free(struct ninep_device *d)
{
	u64 irq = spin_lock_irqsave(&d->lock);
	struct request *r = NULL;

	for (unsigned i = 0; i < REQUESTS && !r; i++) {
		if (d->requests[i].state == REQUEST_FREE)
			r = &d->requests[i];
	}
	if (r)
		r->state = REQUEST_BUSY;
	spin_unlock_irqrestore(&d->lock, irq);
	return r;
}

/* Memory of a request that is used for the first time. */
static int make_room(struct request *r)
{
	struct page *page;

	if (r->frame)
		return 0;
	r->held = kcalloc(NINEP_PAGES_MAX, sizeof(struct page *));
	page = r->held ? frame_alloc(0, FRAME_ZERO, FRAME_KERNEL) : NULL;
	if (!page) {
		kfree(r->held);
		r->held = NULL;
		return -ENOMEM;
	}
	r->frame = page_address(page);
	return 0;
}

static bool device_broken(const struct ninep_device *d)
{
	return __atomic_load_n(&d->queue.broken, __ATOMIC_RELAXED);
}

static int get_request(struct ninep_device *d, unsigned wait_flags, struct request **out)
{
	struct request *r = NULL;
	int err = WAIT_EVENT_FLAGS(&d->free_waiters, device_broken(d) || (r = take_free(d)) != NULL,
				   wait_flags);

	if (!r)
		return err ? err : -EIO;
	if (!err)
		err = make_room(r);
	if (err)
		release(d, r);
	*out = r;
	return err;
}

/* ---- the table ---- */

struct table {
	struct vring_desc *desc;
	unsigned count;
	u32 writable; /* bytes */
};

/* What lies behind the piece before it joins that one: frames that were taken together often do. */
static void add_piece(struct table *t, const void *at, u32 bytes, u16 flags)
{
	struct vring_desc *last = t->count ? &t->desc[t->count - 1] : NULL;
	u64 addr = direct_map_paddr(at).raw;

	if (flags & VRING_DESC_F_WRITE)
		t->writable += bytes;
	if (last && last->flags == (flags | VRING_DESC_F_NEXT) && last->addr + last->len == addr) {
		last->len += bytes;
		return;
	}
	t->desc[t->count++] = (struct vring_desc){
		.addr = addr,
		.len = bytes,
		.flags = flags | VRING_DESC_F_NEXT,
		.next = (u16)(t->count),
	};
}

static void add_pages(struct table *t, const struct ninep_message *m, u16 flags)
{
	u32 left = m->page_bytes, in_page = m->page_offset;

	for (unsigned i = 0; left > 0; i++) {
		u32 n = MIN(left, (u32)PAGE_SIZE - in_page);

		add_piece(t, (u8 *)page_address(m->pages[i]) + in_page, n, flags);
		left -= n;
		in_page = 0;
	}
}

/* What the device reads stands before what it writes (2.7.4.2). */
static void build_table(const struct request *r, const struct ninep_message *m, struct table *t)
{
	*t = (struct table){.desc = (struct vring_desc *)r->frame};
	add_piece(t, r->frame + REQUEST_AT, m->out_bytes, 0);
	if (m->payload == NINEP_SEND)
		add_pages(t, m, 0);
	add_piece(t, r->frame + REPLY_AT, m->in_bytes, VRING_DESC_F_WRITE);
	if (m->payload == NINEP_FETCH)
		add_pages(t, m, VRING_DESC_F_WRITE);
	t->desc[t->count - 1].flags &= (u16)~VRING_DESC_F_NEXT;
}

static void put_le(u8 *at, u32 value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		at[i] = (u8)(value >> 8 * i);
}

static u32 get_le(const u8 *at, unsigned bytes)
{
	u32 value = 0;

	for (unsigned i = 0; i < bytes; i++)
		value |= (u32)at[i] << 8 * i;
	return value;
}

static u32 tag_of(const struct ninep_device *d, const struct request *r)
{
	return (u32)(r - d->requests);
}

static void fill_request(struct ninep_device *d, struct request *r, const struct ninep_message *m)
{
	u8 *out = r->frame + REQUEST_AT;
	u32 pages = 0;

	if (m->payload != NINEP_NONE)
		pages = (m->page_offset + m->page_bytes + (u32)PAGE_SIZE - 1) >> PAGE_SHIFT;
	ASSERT(m->out_bytes <= NINEP_OUT_MAX && m->in_bytes <= NINEP_IN_MAX && pages <= NINEP_PAGES_MAX);
	memcpy(out, m->out, m->out_bytes);
	put_le(out, m->out_bytes + (m->payload == NINEP_SEND ? m->page_bytes : 0), 4);
	put_le(out + 5, tag_of(d, r), 2);
	for (u32 i = 0; i < pages; i++) {
		frame_get(m->pages[i]);
		r->held[i] = m->pages[i];
	}
	r->held_count = pages;
}

/* Gives the request to the device. The queue has a descriptor for each request. */
static int submit(struct ninep_device *d, struct request *r, const struct table *t)
{
	u64 irq = spin_lock_irqsave(&d->lock);
	int err = d->queue.broken ? -EIO : 0;

	if (!err)
		err = virtqueue_add_table(&d->queue, direct_map_paddr(t->desc),
					  t->count * (u32)sizeof(struct vring_desc), t->writable, r);
	if (!err)
		virtio_notify(&d->queue);
	spin_unlock_irqrestore(&d->lock, irq);
	return err;
}

/* ---- replies ---- */

/* The device broke the rules: nobody will get an answer any more. [lock] */
static void fail_all(struct ninep_device *d)
{
	log_printf("9p: %s: the device broke its queue\n", d->port.tag);
	for (unsigned i = 0; i < REQUESTS; i++)
		waitq_wake_all(&d->requests[i].waiters);
	waitq_wake_all(&d->free_waiters);
}

static void take_replies(struct ninep_device *d)
{
	struct request *r;

	for (u32 written; (r = virtqueue_take(&d->queue, &written));) {
		if (r->state == REQUEST_ABANDONED) {
			set_free(d, r);
			continue;
		}
		r->written = written;
		__atomic_store_n(&r->state, REQUEST_DONE, __ATOMIC_RELEASE);
		waitq_wake_all(&r->waiters);
	}
	if (d->queue.broken)
		fail_all(d);
}

static void handle_interrupt(void *arg)
{
	struct ninep_device *d = arg;

	while (virtio_interrupt_ack(&d->dev)) {
		u64 irq = spin_lock_irqsave(&d->lock);

		take_replies(d);
		spin_unlock_irqrestore(&d->lock, irq);
	}
}

static bool is_done(const struct request *r)
{
	return __atomic_load_n(&r->state, __ATOMIC_ACQUIRE) == REQUEST_DONE;
}

/* 0 when the reply is there; else the request was left to the device. */
static int await_reply(struct ninep_device *d, struct request *r, unsigned wait_flags)
{
	int err = WAIT_EVENT_FLAGS(&r->waiters, is_done(r) || device_broken(d), wait_flags);
	u64 irq = spin_lock_irqsave(&d->lock);

	if (r->state == REQUEST_DONE) {
		err = 0;
	} else {
		r->state = REQUEST_ABANDONED;
		err = err ? err : -EIO;
	}
	spin_unlock_irqrestore(&d->lock, irq);
	return err;
}

/* Copies the head of the reply out, and judges its size and tag. */
static int take_reply(struct ninep_device *d, struct request *r, struct ninep_message *m)
{
	memcpy(m->in, r->frame + REPLY_AT, MIN(m->in_bytes, r->written));
	m->got = r->written;
	if (m->got < NINEP_HEADER || get_le(m->in, 4) < NINEP_HEADER || get_le(m->in, 4) > m->got ||
	    get_le(m->in + 5, 2) != tag_of(d, r))
		return -EIO;
	m->got = get_le(m->in, 4);
	return 0;
}

static int device_call(struct ninep_port *p, struct ninep_message *m)
{
	struct ninep_device *d = device_of(p);
	unsigned wait_flags = m->must_finish ? 0 : WAIT_KILLABLE;
	/* What may have changed a name or a fid there must be known: only bytes may come or go unseen. */
	unsigned reply_flags = m->payload == NINEP_NONE ? 0 : wait_flags;
	struct request *r;
	struct table t;
	int err = get_request(d, wait_flags, &r);

	if (err)
		return err;
	fill_request(d, r, m);
	build_table(r, m, &t);
	err = submit(d, r, &t);
	if (err) {
		release(d, r);
		return err;
	}
	err = await_reply(d, r, reply_flags);
	if (err)
		return err;
	err = take_reply(d, r, m);
	release(d, r);
	return err;
}

static void device_post(struct ninep_port *p, u8 *out, u32 out_bytes)
{
	struct ninep_device *d = device_of(p);
	struct ninep_message m = {.out = out, .out_bytes = out_bytes, .in_bytes = NINEP_IN_MAX};
	struct request *r = device_broken(d) ? NULL : take_free(d);
	struct table t;

	if (!r)
		return;
	if (make_room(r)) {
		release(d, r);
		return;
	}
	fill_request(d, r, &m);
	build_table(r, &m, &t);
	/* Nobody else looks at a busy request before the device has it. */
	__atomic_store_n(&r->state, REQUEST_ABANDONED, __ATOMIC_RELEASE);
	if (submit(d, r, &t))
		release(d, r);
}

/* ---- starting ---- */

static int start(struct ninep_device *d)
{
	int err = virtio_negotiate(&d->dev, FEATURES);

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
	return 0;
}

static int device_open(struct ninep_port *p)
{
	struct ninep_device *d = device_of(p);
	int err;

	mutex_lock(&d->start_lock);
	if (!d->started) {
		err = start(d);
		d->started = err ? err : 1;
	}
	err = d->started < 0 ? d->started : 0;
	mutex_unlock(&d->start_lock);
	return err;
}

static const struct ninep_port_ops device_ops = {
	.open = device_open,
	.call = device_call,
	.post = device_post,
};

/* The tag: a length of 16 bits, then the bytes; read in words, so it ends at what the device has. */
static int read_tag(const struct virtio_device *dev, char tag[NINEP_TAG_MAX])
{
	u32 word = virtio_config_read32(dev, 0), len = word & 0xffff;

	if (len == 0 || len >= NINEP_TAG_MAX)
		return -EINVAL;
	for (u32 i = 0; i < len; i++) {
		u32 at = i + 2;

		if (at % 4 == 0)
			word = virtio_config_read32(dev, at);
		tag[i] = (char)(word >> at % 4 * 8);
	}
	tag[len] = '\0';
	return 0;
}

int virtio_9p_start(const struct virtio_device *dev)
{
	struct ninep_device *d = kzalloc(sizeof(*d));

	if (!d)
		return -ENOMEM;
	d->dev = *dev;
	if (read_tag(dev, d->port.tag)) {
		kfree(d);
		return -EINVAL;
	}
	d->port.ops = &device_ops;
	mutex_init(&d->start_lock, RANK_OBJECT);
	spin_init(&d->lock, RANK_VIRTIO);
	waitq_init(&d->free_waiters);
	for (unsigned i = 0; i < REQUESTS; i++)
		waitq_init(&d->requests[i].waiters);
	ninep_port_register(&d->port);
	return 0;
}
