/* SPDX-License-Identifier: MIT */
/*
 * A model of the virtio console device, and what the driver needs around it, for test_dev_console.c.
 *
 * Everything below the driver is replaced: the transport by the model, locks by assertions that they are used
 * in order, and waiting by letting the model take its next steps until it wakes the waiter. A wake-up that is
 * lost shows as a waiter that no step wakes.
 */
#ifndef CONSOLE_MODEL_H
#define CONSOLE_MODEL_H

#include "unit.h"
#include <errno.h>
#include <sys/param.h>
#include <asm/poll.h>
#include "dev/virtqueue.c"
#include "dev/console_port.c"
#include "dev/virtio_console.c"
#include "dev/control.c"
#include "dev/control_line.c"

#define QUEUES	     12
#define STEPS_MAX    10000
#define STREAM_BYTES (1 << 20)

/* ---- the model of the device ---- */

struct model_queue {
	struct virtqueue *vq;
	u16 seen, used;
};

static struct {
	struct model_queue queues[QUEUES];
	void (*handler)(void *arg);
	void *handler_arg;
	u32 isr;
	bool line;	     /* the interrupt line has risen and was not served */
	unsigned interrupts; /* served */
	u64 seed;

	bool slow;	/* nothing happens while the driver notifies */
	unsigned stall; /* of 100 steps, how many take no output */
	bool stuck;	/* takes no output at all */
	bool connected[PORT_COUNT], present[PORT_COUNT], guest_open[PORT_COUNT];
	struct virtio_console_control pending[64]; /* messages for the guest */
	unsigned pending_count;

	bool jitter;	 /* steps also happen whenever the driver takes its lock */
	const u8 *input; /* for port 1 */
	size_t input_len, input_at;
	bool input_closes;
	bool parked[PORT_COUNT]; /* found no receive buffer: looks again when notified */
	const char *control_text;
	u8 *output[PORT_COUNT];
	size_t output_len[PORT_COUNT];
} model;

static bool model_has(const struct model_queue *q)
{
	return q->vq && q->seen != q->vq->ring.avail->idx;
}

static const struct vring_desc *model_pop(struct model_queue *q, u16 *id)
{
	*id = q->vq->ring.avail->ring[q->seen++ % q->vq->ring.num];
	return &q->vq->ring.desc[*id];
}

static void model_push(struct model_queue *q, u32 id, u32 len)
{
	q->vq->ring.used->ring[q->used % q->vq->ring.num] = (struct vring_used_elem){.id = id, .len = len};
	q->vq->ring.used->idx = ++q->used;
	if (!(q->vq->ring.avail->flags & VRING_AVAIL_F_NO_INTERRUPT)) {
		model.line |= !model.isr;
		model.isr |= 1;
	}
}

static void model_say(u32 port, u16 event, u16 value)
{
	assert_true(model.pending_count < ARRAY_SIZE(model.pending));
	model.pending[model.pending_count++] =
		(struct virtio_console_control){.id = port, .event = event, .value = value};
}

static void model_hear(const struct virtio_console_control *m)
{
	if (m->event == VIRTIO_CONSOLE_DEVICE_READY) {
		for (unsigned i = 1; i < PORT_COUNT; i++) {
			if (model.present[i])
				model_say(i, VIRTIO_CONSOLE_PORT_ADD, 1);
		}
		return;
	}
	assert_true(m->id < PORT_COUNT && model.present[m->id]);
	if (m->event == VIRTIO_CONSOLE_PORT_READY && model.connected[m->id])
		model_say(m->id, VIRTIO_CONSOLE_PORT_OPEN, 1);
	if (m->event == VIRTIO_CONSOLE_PORT_OPEN)
		model.guest_open[m->id] = m->value;
}

static void model_converse(void)
{
	struct model_queue *rx = &model.queues[QUEUE_CONTROL_RX], *tx = &model.queues[QUEUE_CONTROL_TX];
	unsigned said = 0;
	u16 id;

	while (model_has(tx)) {
		const struct vring_desc *desc = model_pop(tx, &id);
		model_hear((const void *)(uintptr_t)desc->addr);
		model_push(tx, id, 0);
	}
	while (said < model.pending_count && model_has(rx)) {
		const struct vring_desc *desc = model_pop(rx, &id);
		assert_true(desc->flags & VRING_DESC_F_WRITE);
		memcpy((void *)(uintptr_t)desc->addr, &model.pending[said++], sizeof(model.pending[0]));
		model_push(rx, id, sizeof(model.pending[0]));
	}
	model.pending_count -= said;
	memmove(model.pending, model.pending + said, model.pending_count * sizeof(model.pending[0]));
}

/* One chunk for a port from `bytes`; how many were taken. */
static size_t model_give(unsigned port, const void *bytes, size_t len)
{
	struct model_queue *q = &model.queues[2 * port + 2];
	u16 id;

	if (!model.guest_open[port] || model.parked[port] || !len)
		return 0;
	model.parked[port] = !model_has(q);
	if (model.parked[port])
		return 0;
	const struct vring_desc *desc = model_pop(q, &id);
	size_t chunk = 1 + unit_random_below(&model.seed, 4096);
	size_t n = MIN(MIN(len, desc->len), chunk);
	memcpy((void *)(uintptr_t)desc->addr, bytes, n);
	model_push(q, id, (u32)n);
	return n;
}

static void model_input(void)
{
	if (!model.input)
		return;
	model.input_at +=
		model_give(PORT_STDIN, model.input + model.input_at, model.input_len - model.input_at);
	if (model.input_at == model.input_len && model.input_closes) {
		model_say(PORT_STDIN, VIRTIO_CONSOLE_PORT_OPEN, 0);
		model_converse();
		model.input_closes = false;
	}
}

static void model_output(unsigned port)
{
	struct model_queue *q = &model.queues[2 * port + 3];
	u16 id;

	while (model_has(q) && !model.stuck && unit_random_below(&model.seed, 100) >= model.stall) {
		const struct vring_desc *desc = model_pop(q, &id);
		assert_false(desc->flags & VRING_DESC_F_WRITE);
		model.output[port] = realloc(model.output[port], model.output_len[port] + desc->len);
		memcpy(model.output[port] + model.output_len[port], (void *)(uintptr_t)desc->addr, desc->len);
		model.output_len[port] += desc->len;
		model_push(q, id, 0);
	}
}

static void model_step(void)
{
	model_converse();
	model_input();
	if (model.control_text)
		model.control_text +=
			model_give(PORT_CONTROL, model.control_text, strlen(model.control_text));
	for (unsigned i = PORT_STDOUT; i < PORT_COUNT; i++)
		model_output(i);
}

static void serve_interrupts(void)
{
	while (model.line) {
		model.line = false;
		model.interrupts++;
		model.handler(model.handler_arg);
	}
}

/* ---- what is below the driver ---- */

/* Blocks that live until the next test. */
static void *owned[64];
static unsigned owned_count;

static void *own(void *block)
{
	assert_non_null(block);
	assert_true(owned_count < ARRAY_SIZE(owned));
	return owned[owned_count++] = block;
}

int virtio_negotiate(struct virtio_device *dev, u64 needed)
{
	(void)dev;
	assert_int_equal(needed, 1 << VIRTIO_CONSOLE_F_MULTIPORT);
	return 0;
}

int virtio_queue_open(struct virtio_device *dev, u32 index, struct virtqueue *vq)
{
	(void)dev;
	assert_true(index < QUEUES && !model.queues[index].vq);
	virtqueue_init(vq, own(calloc(1, VIRTQUEUE_BYTES)), VIRTQUEUE_SLOTS);
	vq->index = index;
	virtqueue_suppress_interrupts(vq);
	model.queues[index] = (struct model_queue){.vq = vq};
	return 0;
}

void virtio_start(struct virtio_device *dev)
{
	(void)dev;
}

void virtio_fail(struct virtio_device *dev)
{
	(void)dev;
	fail();
}

void virtio_notify(struct virtqueue *vq)
{
	if (vq->index > QUEUE_CONTROL_TX && vq->index % 2 == 0)
		model.parked[(vq->index - 2) / 2] = false;
	if (model.slow)
		return;
	if (vq->index == QUEUE_CONTROL_RX || vq->index == QUEUE_CONTROL_TX)
		model_converse();
	else if (vq->index % 2)
		model_output((vq->index - 3) / 2);
}

u32 virtio_interrupt_ack(struct virtio_device *dev)
{
	u32 status = model.isr;

	(void)dev;
	model.isr = 0;
	return status;
}

int irq_register(u32 gsi, void (*fn)(void *arg), void *arg)
{
	(void)gsi;
	model.handler = fn;
	model.handler_arg = arg;
	return 0;
}

struct page *frame_alloc(unsigned order, unsigned flags, enum frame_owner owner)
{
	(void)owner;
	void *block = own(aligned_alloc(PAGE_SIZE, PAGE_SIZE << order));
	memset(block, flags & FRAME_ZERO ? 0 : 0xa5, PAGE_SIZE << order);
	return block;
}

/* A block stands for its own struct page here: the array begins at address 0, and this undoes page_address(). */
struct page *frame_pages;

void *direct_map(paddr_t pa)
{
	return (void *)(pa.raw / PAGE_SIZE * sizeof(struct page));
}

paddr_t direct_map_paddr(const void *p)
{
	return paddr((uintptr_t)p);
}

static bool lock_held, mutex_held;

u64 spin_lock_irqsave(struct spinlock *l)
{
	static bool inside;

	(void)l;
	assert_false(lock_held);
	if (model.jitter && !inside && unit_random_below(&model.seed, 4) == 0) {
		inside = true;
		model_step();
		serve_interrupts();
		inside = false;
	}
	lock_held = true;
	return 0;
}

void spin_unlock_irqrestore(struct spinlock *l, u64 irq)
{
	(void)l;
	(void)irq;
	assert_true(lock_held);
	lock_held = false;
}

bool spin_is_held(const struct spinlock *l)
{
	(void)l;
	return lock_held;
}

void mutex_init(struct mutex *m, enum lock_rank rank)
{
	m->rank = (u8)rank;
}

void mutex_lock(struct mutex *m)
{
	(void)m;
	assert_false(lock_held || mutex_held);
	mutex_held = true;
}

void mutex_unlock(struct mutex *m)
{
	(void)m;
	assert_true(mutex_held);
	mutex_held = false;
}

/* One thread: the queue that it waits on, and whether that was woken. */
static struct waitq *waiting_on;
static bool woken, signal_is_due;
static unsigned blocks;

void waitq_init(struct waitq *q)
{
	TAILQ_INIT(&q->waiters);
}

void waitq_enter(struct waitq *q, struct waiter *w)
{
	TAILQ_INSERT_TAIL(&q->waiters, w, link);
	waiting_on = q;
	woken = false;
}

void waitq_leave(struct waitq *q, struct waiter *w)
{
	TAILQ_REMOVE(&q->waiters, w, link);
	assert_ptr_equal(q, waiting_on);
	waiting_on = NULL;
}

void waitq_wake_slow(struct waitq *q, u32 events, u32 exclusive)
{
	(void)events;
	(void)exclusive;
	woken |= q == waiting_on;
}

int waitq_block(unsigned flags)
{
	assert_false(lock_held || mutex_held);
	blocks++;
	for (unsigned i = 0; i < STEPS_MAX && !woken; i++) {
		if (signal_is_due && (flags & WAIT_INTERRUPTIBLE))
			return -EINTR;
		model_step();
		serve_interrupts();
	}
	assert_true(woken); /* else: a lost wake-up */
	return 0;
}

/* Memory that faults from this many moved bytes on. */
static size_t fault_at = SIZE_MAX;

static size_t uio_room(const struct uio *u, size_t n)
{
	assert_false(lock_held);
	n = MIN(n, u->left);
	return u->seg_offset >= fault_at ? 0 : MIN(n, fault_at - u->seg_offset);
}

size_t uio_copy_out(struct uio *u, const void *src, size_t n)
{
	n = uio_room(u, n);
	memcpy((u8 *)u->one.base + u->seg_offset, src, n);
	u->seg_offset += n;
	u->left -= n;
	return n;
}

size_t uio_copy_in(struct uio *u, void *dst, size_t n)
{
	n = uio_room(u, n);
	memcpy(dst, (u8 *)u->one.base + u->seg_offset, n);
	u->seg_offset += n;
	u->left -= n;
	return n;
}

void stream_attach(unsigned which, const struct stream_ops *ops_given, void *channel)
{
	assert_ptr_equal(ops_given, &console_port_stream_ops);
	assert_ptr_equal(channel, &console.ports[which + 1]);
}

static u16 seen_rows, seen_cols;

void terminal_set_winsize(u16 rows, u16 cols)
{
	seen_rows = rows;
	seen_cols = cols;
}

/* ---- helpers ---- */

static u8 *pattern;

/* A fresh console and model; the caller sets up the model between this and start_console. */
static int reset_all(void **state)
{
	(void)state;
	while (owned_count)
		free(owned[--owned_count]);
	for (unsigned i = 0; i < PORT_COUNT; i++)
		free(model.output[i]);
	memset(&model, 0, sizeof(model));
	memset(&console, 0, sizeof(console));
	memset(&incoming, 0, sizeof(incoming));
	ops = NULL;
	waiting_signals = 0;
	report.len = 0;
	signal_is_due = false;
	fault_at = SIZE_MAX;
	blocks = 0;
	model.seed = 1;
	for (unsigned i = 1; i < PORT_COUNT; i++)
		model.present[i] = model.connected[i] = true;
	if (!pattern) {
		u64 seed = 7;
		pattern = malloc(STREAM_BYTES);
		for (size_t i = 0; i < STREAM_BYTES; i++)
			pattern[i] = (u8)unit_random(&seed);
	}
	return 0;
}

static void start_console(void)
{
	const struct virtio_device dev = {.type = 3};

	assert_int_equal(virtio_console_start(&dev), 0);
	serve_interrupts();
}

static void settle(void)
{
	for (unsigned i = 0; i < 20; i++) {
		model_step();
		serve_interrupts();
	}
}

static ssize_t read_some(void *buf, size_t len, unsigned how)
{
	struct uio u;

	uio_init_kernel(&u, buf, len);
	return port_read(&console.ports[PORT_STDIN], &u, how);
}

static ssize_t write_some(unsigned port, const void *buf, size_t len, unsigned how)
{
	struct uio u;

	uio_init_kernel(&u, (void *)(uintptr_t)buf, len);
	return port_write(&console.ports[port], &u, how);
}

/* Reads until the end in pieces of random size; all of the pattern must have come. */
static void read_all(size_t len)
{
	static u8 buf[70000];
	size_t at = 0;
	ssize_t n;

	while ((n = read_some(buf, 1 + unit_random_below(&model.seed, sizeof(buf)), 0)) > 0) {
		assert_true(at + (size_t)n <= len);
		assert_memory_equal(buf, pattern + at, (size_t)n);
		at += (size_t)n;
	}
	assert_int_equal(n, 0);
	assert_int_equal(at, len);
	assert_int_equal(read_some(buf, sizeof(buf), 0), 0); /* and again */
}

static void write_all(unsigned port, size_t len)
{
	for (size_t at = 0; at < len;) {
		size_t piece = 1 + unit_random_below(&model.seed, 100000);
		size_t n = MIN(len - at, piece);
		assert_int_equal(write_some(port, pattern + at, n, 0), n);
		at += n;
	}
	port_flush(&console.ports[port]);
	assert_int_equal(model.output_len[port], len);
	assert_memory_equal(model.output[port], pattern, len);
	assert_int_equal(console.ports[port].tx.ring.avail->flags, VRING_AVAIL_F_NO_INTERRUPT);
}

#endif
