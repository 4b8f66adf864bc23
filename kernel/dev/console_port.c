/* SPDX-License-Identifier: MIT */
/*
 * The bytes of one virtio-console port.
 *
 *   device -> rx queue -> filled list -> reader          (then back to the rx queue)
 *   writer -> tx buffer -> tx queue -> device            (then back to the idle list)
 *
 * A receive buffer is always in exactly one of: the rx queue, the filled list. A transmit buffer: the idle
 * list, a writer's hands, the tx queue. Queues and lists are under the device's spinlock; bytes move between
 * buffers and user memory without it, because a user page may have to be faulted in. A writer owns a whole
 * buffer while it copies, so pieces of up to TX_BYTES of several writers never mix, and each writer's pieces
 * stay in order.
 *
 * Interrupts are the exception. The device usually takes a transmit buffer while it is told about it, and a
 * busy reader finds the next buffer filled when it looks; so interrupts are suppressed until somebody looks
 * in vain
 * ("watched"), and again after the wake-up. A run in which the device answers at once, as with
 * files on the host's side, therefore sees no interrupt at all and does not depend on the host's timing.
 */
#include <arch/mmu.h>
#include <asm/errno.h>
#include <asm/poll.h>
#include <moat/console_port.h>
#include <moat/frame.h>
#include <moat/panic.h>

#define RX_BYTES PAGE_SIZE /* QEMU moves at most so much at a time */
#define RX_ORDER 4
#define TX_ORDER 3
#define TX_BYTES (PAGE_SIZE << TX_ORDER)

_Static_assert(PORT_RX_BUFFERS *RX_BYTES == PAGE_SIZE << RX_ORDER, "one block holds the receive buffers");
_Static_assert(PORT_RX_BUFFERS <= VIRTQUEUE_SLOTS && PORT_TX_BUFFERS <= VIRTQUEUE_SLOTS,
	       "a descriptor for each buffer");

void console_port_init(struct console_port *p, u32 number, unsigned directions, struct spinlock *lock)
{
	p->lock = lock;
	p->number = number;
	p->directions = directions;
	p->state = PORT_UNKNOWN;
	mutex_init(&p->read_lock, RANK_INODE);
	waitq_init(&p->readable);
	waitq_init(&p->writable);
	STAILQ_INIT(&p->filled);
	STAILQ_INIT(&p->idle);
}

/* Cannot fail: there is a descriptor for each buffer, and a buffer is in the queue once. */
static void queue_buffer(struct virtqueue *vq, struct port_buffer *b, u64 bytes,
			 enum virtqueue_direction direction)
{
	int err = virtqueue_add(vq, direct_map_paddr(b->data), (u32)bytes, direction, b);

	ASSERT(!err);
}

/*
 * The buffers are not cleared first: a device that lies about what it wrote shows the program bytes that the
 * device's owner, who owns all memory, could have written there anyway.
 */
static int start_receiving(struct console_port *p)
{
	struct page *block = frame_alloc(RX_ORDER, 0, FRAME_KERNEL);

	if (!block)
		return -ENOMEM;
	for (unsigned i = 0; i < PORT_RX_BUFFERS; i++) {
		struct port_buffer *b = &p->rx_buffer[i];
		b->data = (u8 *)page_address(block) + i * RX_BYTES;
		queue_buffer(&p->rx, b, RX_BYTES, DEVICE_WRITES);
	}
	virtio_notify(&p->rx);
	return 0;
}

/* One more transmit buffer on the idle list. */
static int grow_transmit_buffers(struct console_port *p)
{
	struct page *block = frame_alloc(TX_ORDER, 0, FRAME_KERNEL);

	if (!block)
		return -ENOMEM;
	struct port_buffer *b = &p->tx_buffer[p->tx_allocated++];
	b->data = page_address(block);
	STAILQ_INSERT_TAIL(&p->idle, b, link);
	return 0;
}

int console_port_start(struct console_port *p)
{
	int err = 0;

	DEBUG_ASSERT(spin_is_held(p->lock));
	if (p->started)
		return 0;
	if (p->directions & PORT_SENDS)
		err = grow_transmit_buffers(p);
	if (!err && (p->directions & PORT_RECEIVES))
		err = start_receiving(p);
	p->started = !err;
	waitq_wake_all(&p->writable);
	return err;
}

void console_port_set_state(struct console_port *p, enum port_state state)
{
	DEBUG_ASSERT(spin_is_held(p->lock));
	if (p->state == state)
		return;
	p->state = state;
	waitq_wake_all(&p->readable);
	waitq_wake_all(&p->writable);
}

/* A queue whose device broke the rules carries nothing more. */
static void check_queue(struct console_port *p, const struct virtqueue *vq)
{
	if (unlikely(vq->broken))
		console_port_set_state(p, PORT_HUNG_UP);
}

static void reap_received(struct console_port *p)
{
	struct port_buffer *b;
	bool any = false;

	for (u32 len; (b = virtqueue_take(&p->rx, &len)); any = true) {
		b->len = len;
		b->offset = 0;
		STAILQ_INSERT_TAIL(&p->filled, b, link);
	}
	check_queue(p, &p->rx);
	if (any && p->rx_watched) {
		p->rx_watched = false;
		virtqueue_suppress_interrupts(&p->rx);
		waitq_wake_all(&p->readable);
	}
}

static void reap_sent(struct console_port *p)
{
	struct port_buffer *b;
	bool any = false;

	for (u32 unused; (b = virtqueue_take(&p->tx, &unused)); any = true)
		STAILQ_INSERT_HEAD(&p->idle, b, link); /* the one that is still in the caches first */
	check_queue(p, &p->tx);
	if (any && p->tx_watched) {
		p->tx_watched = false;
		virtqueue_suppress_interrupts(&p->tx);
		waitq_wake_all(&p->writable);
	}
}

void console_port_reap(struct console_port *p)
{
	DEBUG_ASSERT(spin_is_held(p->lock));
	if (!p->started)
		return;
	if (p->directions & PORT_RECEIVES)
		reap_received(p);
	if (p->directions & PORT_SENDS)
		reap_sent(p);
}

/* From now on the device interrupts; what it did just before is taken here. */
static void watch_received(struct console_port *p)
{
	if (!p->started || p->rx_watched)
		return;
	virtqueue_allow_interrupts(&p->rx);
	p->rx_watched = true;
	reap_received(p);
}

static void watch_sent(struct console_port *p)
{
	if (!p->started || p->tx_watched)
		return;
	virtqueue_allow_interrupts(&p->tx);
	p->tx_watched = true;
	reap_sent(p);
}

/* ---- receiving ---- */

static struct port_buffer *front_locked(struct console_port *p)
{
	if (STAILQ_EMPTY(&p->filled) && p->started)
		reap_received(p);
	if (STAILQ_EMPTY(&p->filled))
		watch_received(p);
	return STAILQ_FIRST(&p->filled);
}

struct port_buffer *console_port_front(struct console_port *p)
{
	u64 irq = spin_lock_irqsave(p->lock);
	struct port_buffer *b = front_locked(p);

	spin_unlock_irqrestore(p->lock, irq);
	return b;
}

/*
 * The device is told when half of the buffers have come back: until then it still has some that it knows of,
 * unless there are filled ones, whose reader will get to half.
 */
void console_port_consume(struct console_port *p)
{
	u64 irq = spin_lock_irqsave(p->lock);
	struct port_buffer *b = STAILQ_FIRST(&p->filled);

	STAILQ_REMOVE_HEAD(&p->filled, link);
	queue_buffer(&p->rx, b, RX_BYTES, DEVICE_WRITES);
	if (++p->unannounced >= PORT_RX_BUFFERS / 2) {
		p->unannounced = 0;
		virtio_notify(&p->rx);
	}
	spin_unlock_irqrestore(p->lock, irq);
}

/* Moves what has arrived, as far as the uio goes. Bytes moved, or -EFAULT if none could be. */
static ssize_t copy_received(struct console_port *p, struct uio *u)
{
	ssize_t done = 0;
	struct port_buffer *b;

	mutex_lock(&p->read_lock);
	while (u->left && (b = console_port_front(p))) {
		size_t want = MIN(u->left, b->len - b->offset);
		size_t moved = uio_copy_out(u, b->data + b->offset, want);
		b->offset += (u32)moved;
		done += (ssize_t)moved;
		if (b->offset == b->len)
			console_port_consume(p);
		if (moved < want) {
			done = done ? done : -EFAULT;
			break;
		}
	}
	mutex_unlock(&p->read_lock);
	return done;
}

/* Has input, or never will. The end comes only after the last byte: see handle_interrupt in virtio_console.c.
 */
static bool is_readable(struct console_port *p)
{
	u64 irq = spin_lock_irqsave(p->lock);
	bool ready = front_locked(p) || p->state == PORT_HUNG_UP;

	spin_unlock_irqrestore(p->lock, irq);
	return ready;
}

/* True when the port is at its end: hung up, and nothing left. */
static bool at_end(struct console_port *p)
{
	u64 irq = spin_lock_irqsave(p->lock);
	bool end = !front_locked(p) && p->state == PORT_HUNG_UP;

	spin_unlock_irqrestore(p->lock, irq);
	return end;
}

static int wait_for(struct waitq *q, bool (*ready)(struct console_port *), struct console_port *p,
		    unsigned how)
{
	if (how & STREAM_NONBLOCK)
		return -EAGAIN;
	return WAIT_EVENT_FLAGS(q, ready(p), how & STREAM_UNINTERRUPTIBLE ? 0 : WAIT_INTERRUPTIBLE);
}

static ssize_t port_read(void *channel, struct uio *u, unsigned how)
{
	struct console_port *p = channel;

	if (!u->left)
		return 0;
	for (;;) {
		ssize_t done = copy_received(p, u);
		if (done)
			return done;
		if (at_end(p))
			return 0;
		int err = wait_for(&p->readable, is_readable, p, how);
		if (err)
			return err;
	}
}

static size_t port_unread(void *channel)
{
	struct console_port *p = channel;
	u64 irq = spin_lock_irqsave(p->lock);
	struct port_buffer *b;
	size_t bytes = 0;

	console_port_reap(p);
	STAILQ_FOREACH(b, &p->filled, link)
	bytes += b->len - b->offset;
	spin_unlock_irqrestore(p->lock, irq);
	return bytes;
}

static unsigned port_poll_in(void *channel, struct poll_table *t)
{
	struct console_port *p = channel;
	unsigned events;
	u64 irq;

	poll_add(t, &p->readable);
	irq = spin_lock_irqsave(p->lock);
	events = front_locked(p) ? POLLIN | POLLRDNORM : 0;
	if (p->state == PORT_HUNG_UP)
		events |= POLLHUP;
	spin_unlock_irqrestore(p->lock, irq);
	return events;
}

/* ---- sending ---- */

/*
 * The first idle transmit buffer, or NULL when the device has all of them and there is no memory (or no need)
 * for one more; then the next one that comes back interrupts.
 */
static struct port_buffer *idle_locked(struct console_port *p)
{
	if (!p->started)
		return NULL;
	if (STAILQ_EMPTY(&p->idle))
		reap_sent(p);
	if (STAILQ_EMPTY(&p->idle) && p->tx_allocated < PORT_TX_BUFFERS && grow_transmit_buffers(p) == 0)
		return STAILQ_FIRST(&p->idle);
	if (STAILQ_EMPTY(&p->idle))
		watch_sent(p);
	return STAILQ_FIRST(&p->idle);
}

/* An idle transmit buffer for the caller in *out: 0, -EAGAIN (none now), -EPIPE (hung up). */
static int take_idle(struct console_port *p, struct port_buffer **out)
{
	u64 irq = spin_lock_irqsave(p->lock);
	int err = 0;

	*out = idle_locked(p);
	if (p->state == PORT_HUNG_UP)
		err = -EPIPE;
	else if (!*out)
		err = -EAGAIN;
	else
		STAILQ_REMOVE_HEAD(&p->idle, link);
	spin_unlock_irqrestore(p->lock, irq);
	return err;
}

/* Gives the buffer and its first `bytes` to the device; none: back to the idle list. */
static void send_buffer(struct console_port *p, struct port_buffer *b, size_t bytes)
{
	u64 irq = spin_lock_irqsave(p->lock);

	if (bytes) {
		queue_buffer(&p->tx, b, bytes, DEVICE_READS);
		virtio_notify(&p->tx);
		reap_sent(p);
	} else {
		STAILQ_INSERT_HEAD(&p->idle, b, link);
		waitq_wake_all(&p->writable);
	}
	spin_unlock_irqrestore(p->lock, irq);
}

/* Is an idle buffer there, or no use in waiting for one? */
static bool is_writable(struct console_port *p)
{
	u64 irq = spin_lock_irqsave(p->lock);
	bool ready = idle_locked(p) || p->state == PORT_HUNG_UP;

	spin_unlock_irqrestore(p->lock, irq);
	return ready;
}

static ssize_t port_write(void *channel, struct uio *u, unsigned how)
{
	struct console_port *p = channel;
	ssize_t done = 0;
	int err = 0;

	while (u->left) {
		struct port_buffer *b;
		err = take_idle(p, &b);
		if (err == -EAGAIN) {
			err = wait_for(&p->writable, is_writable, p, how);
			if (!err)
				continue;
		}
		if (err)
			break;
		size_t want = MIN(u->left, TX_BYTES);
		size_t moved = uio_copy_in(u, b->data, want);
		send_buffer(p, b, moved);
		done += (ssize_t)moved;
		if (moved < want) {
			err = -EFAULT;
			break;
		}
	}
	return done ? done : err;
}

void console_port_print(struct console_port *p, char *text, size_t len)
{
	struct uio u;

	uio_init_kernel(&u, text, len);
	(void)port_write(p, &u, STREAM_UNINTERRUPTIBLE);
}

static unsigned port_poll_out(void *channel, struct poll_table *t)
{
	struct console_port *p = channel;
	unsigned events;
	u64 irq;

	poll_add(t, &p->writable);
	events = is_writable(p) ? POLLOUT | POLLWRNORM : 0;
	irq = spin_lock_irqsave(p->lock);
	if (p->state == PORT_HUNG_UP)
		events |= POLLERR;
	spin_unlock_irqrestore(p->lock, irq);
	return events;
}

/* The device has nothing left to take, or nobody takes it. */
static bool is_drained(struct console_port *p)
{
	u64 irq = spin_lock_irqsave(p->lock);

	if (p->tx.in_flight)
		reap_sent(p);
	if (p->tx.in_flight)
		watch_sent(p);
	bool drained = p->tx.in_flight == 0 || p->state == PORT_HUNG_UP;
	spin_unlock_irqrestore(p->lock, irq);
	return drained;
}

static void port_flush(void *channel)
{
	struct console_port *p = channel;

	WAIT_EVENT_UNKILLABLE(&p->writable, is_drained(p));
}

const struct stream_ops console_port_stream_ops = {
	.read = port_read,
	.write = port_write,
	.poll_in = port_poll_in,
	.poll_out = port_poll_out,
	.unread = port_unread,
	.flush = port_flush,
};
