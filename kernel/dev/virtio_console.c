/* SPDX-License-Identifier: MIT */
/*
 * The virtio console with several ports (virtio 1.2, 5.3): ports by number, the conversation about them,
 * interrupts.
 *
 * Port n has the queues 2n + 2 (receive) and 2n + 3 (transmit); queues 2 and 3 carry messages about ports.
 * The conversation at start (5.3.5):
 *
 *      driver: DEVICE_READY        device: PORT_ADD for each port
 *      driver: PORT_READY, PORT_OPEN for each port that it uses
 *                                  device: PORT_OPEN 1 for each port with somebody on the host's side
 *
 * Each step is an answer to a message, wherever that is handled: QEMU answers while it is notified, so all is
 * said before virtio_console_start returns; a slower device goes on from interrupts, and nobody waits for it.
 *
 * A port that had hung up before the guest asked (an empty standard input) is never opened by the device:
 * when the control port, the last one, opens, those that have not are taken as hung up.
 */
#include <arch/irq.h>
#include <arch/mmu.h>
#include <asm/errno.h>
#include <linux/virtio_console.h>
#include <moat/console_port.h>
#include <moat/control.h>
#include <moat/frame.h>
#include <moat/log.h>
#include <moat/string.h>

/* Ports by number, as docs/host-interface.md lists them; port 0 is not used. */
enum {
	PORT_STDIN = 1,
	PORT_STDOUT,
	PORT_STDERR,
	PORT_CONTROL,
	PORT_COUNT,
};

#define QUEUE_CONTROL_RX 2
#define QUEUE_CONTROL_TX 3
#define MESSAGE_BYTES	 64 /* a received message: the fixed part and perhaps a name */
#define CONVERSATION_MAX 8  /* rounds of messages handled in one go */
#define DEVICE_WIDE	 0  /* port number in messages that are about no port */

static const unsigned port_directions[PORT_COUNT] = {
	[PORT_STDIN] = PORT_RECEIVES,
	[PORT_STDOUT] = PORT_SENDS,
	[PORT_STDERR] = PORT_SENDS,
	[PORT_CONTROL] = PORT_RECEIVES | PORT_SENDS,
};

/* One frame: messages in both directions. */
struct message_page {
	u8 received[VIRTQUEUE_SLOTS][MESSAGE_BYTES];
	struct virtio_console_control sent[VIRTQUEUE_SLOTS];
};

static struct console {
	struct virtio_device dev; /* [I] after start */
	struct spinlock lock;
	struct virtqueue control_rx;   /* [lock] */
	struct virtqueue control_tx;   /* [lock] */
	struct message_page *messages; /* [lock] */
	u16 sending;		       /* [lock] a bit for each of messages->sent that the device has */
	struct console_port ports[PORT_COUNT];
} console = {
	.lock = SPINLOCK_INIT(RANK_VIRTIO),
};

/* ---- messages about ports; all under the lock ---- */

static void collect_sent_messages(struct console *c)
{
	struct virtio_console_control *m;

	for (u32 unused; (m = virtqueue_take(&c->control_tx, &unused));)
		c->sending &= (u16) ~(1u << (m - c->messages->sent));
}

/* Queues a message; the caller notifies. One too many, which a device can only provoke itself, is dropped. */
static void send_message(struct console *c, u32 port, u16 event, u16 value)
{
	collect_sent_messages(c);
	if (c->sending == UINT16_MAX)
		return;
	unsigned slot = (unsigned)__builtin_ctz(~(u32)c->sending);
	struct virtio_console_control *m = &c->messages->sent[slot];
	*m = (struct virtio_console_control){.id = port, .event = event, .value = value};
	if (virtqueue_add(&c->control_tx, direct_map_paddr(m), sizeof(*m), DEVICE_READS, m) == 0)
		c->sending |= (u16)(1u << slot);
}

static void use_port(struct console *c, struct console_port *p)
{
	int err = console_port_start(p);

	if (err) {
		log_printf("virtio-console: no memory for port %u\n", p->number);
		return;
	}
	send_message(c, p->number, VIRTIO_CONSOLE_PORT_READY, 1);
	send_message(c, p->number, VIRTIO_CONSOLE_PORT_OPEN, 1);
}

static void hang_up_silent_ports(struct console *c)
{
	for (unsigned i = PORT_STDIN; i < PORT_CONTROL; i++) {
		if (c->ports[i].state == PORT_UNKNOWN)
			console_port_set_state(&c->ports[i], PORT_HUNG_UP);
	}
}

static void handle_message(struct console *c, const struct virtio_console_control *m)
{
	if (m->id < PORT_STDIN || m->id >= PORT_COUNT)
		return;
	struct console_port *p = &c->ports[m->id];
	switch (m->event) {
	case VIRTIO_CONSOLE_PORT_ADD:
		use_port(c, p);
		break;
	case VIRTIO_CONSOLE_PORT_OPEN:
		console_port_set_state(p, m->value ? PORT_CONNECTED : PORT_HUNG_UP);
		if (m->id == PORT_CONTROL)
			hang_up_silent_ports(c);
		break;
	case VIRTIO_CONSOLE_PORT_REMOVE:
		console_port_set_state(p, PORT_HUNG_UP);
		break;
	default: /* a name, a size: nothing that we use */
		break;
	}
}

static void offer_message_buffer(struct console *c, u8 *buffer)
{
	(void)!virtqueue_add(&c->control_rx, direct_map_paddr(buffer), MESSAGE_BYTES, DEVICE_WRITES, buffer);
}

/* Handles what has come, sends the answers; true when there was anything. */
static bool converse_once(struct console *c)
{
	u16 sent_before = c->control_tx.avail_idx;
	bool any = false;
	u8 *buffer;

	for (u32 len; (buffer = virtqueue_take(&c->control_rx, &len)); any = true) {
		struct virtio_console_control m; /* a copy: the device may go on writing to the buffer */
		memcpy(&m, buffer, sizeof(m));
		if (len >= sizeof(m))
			handle_message(c, &m);
		offer_message_buffer(c, buffer);
	}
	if (any)
		virtio_notify(&c->control_rx);
	if (c->control_tx.avail_idx != sent_before)
		virtio_notify(&c->control_tx);
	return any;
}

static void converse(struct console *c)
{
	for (unsigned round = 0; round < CONVERSATION_MAX && converse_once(c); round++)
		;
}

/* ---- interrupts ---- */

/* Lines from the host go to the control room; this handler is the only one who consumes the control port's
 * input. */
static void receive_control_lines(struct console_port *p)
{
	struct port_buffer *b;

	while ((b = console_port_front(p))) {
		control_input((const char *)b->data, b->len);
		console_port_consume(p);
	}
}

/*
 * Messages first, then data: the host queues its last bytes before it says that it hangs up, so when a reader
 * sees the port hung up, those bytes are already on the way to the filled list and come first.
 */
static void handle_interrupt(void *arg)
{
	struct console *c = arg;

	while (virtio_interrupt_ack(&c->dev)) {
		u64 irq = spin_lock_irqsave(&c->lock);
		converse(c);
		for (unsigned i = PORT_STDIN; i < PORT_COUNT; i++)
			console_port_reap(&c->ports[i]);
		spin_unlock_irqrestore(&c->lock, irq);
		receive_control_lines(&c->ports[PORT_CONTROL]);
	}
}

/* ---- start ---- */

static int open_port_queues(struct console *c, struct console_port *p)
{
	int err = 0;

	if (p->directions & PORT_RECEIVES)
		err = virtio_queue_open(&c->dev, 2 * p->number + 2, &p->rx);
	if (!err && (p->directions & PORT_SENDS))
		err = virtio_queue_open(&c->dev, 2 * p->number + 3, &p->tx);
	return err;
}

static int open_queues(struct console *c)
{
	int err = virtio_queue_open(&c->dev, QUEUE_CONTROL_RX, &c->control_rx);

	if (!err)
		err = virtio_queue_open(&c->dev, QUEUE_CONTROL_TX, &c->control_tx);
	for (unsigned i = PORT_STDIN; !err && i < PORT_COUNT; i++) {
		console_port_init(&c->ports[i], i, port_directions[i], &c->lock);
		err = open_port_queues(c, &c->ports[i]);
	}
	return err;
}

static int allocate_messages(struct console *c)
{
	struct page *page = frame_alloc(0, FRAME_ZERO, FRAME_KERNEL);

	_Static_assert(sizeof(struct message_page) <= PAGE_SIZE, "messages fit in a frame");
	if (!page)
		return -ENOMEM;
	c->messages = page_address(page);
	return 0;
}

static void begin_conversation(struct console *c)
{
	u64 irq = spin_lock_irqsave(&c->lock);

	for (unsigned i = 0; i < VIRTQUEUE_SLOTS; i++)
		offer_message_buffer(c, c->messages->received[i]);
	send_message(c, DEVICE_WIDE, VIRTIO_CONSOLE_DEVICE_READY, 1);
	virtio_notify(&c->control_tx);
	converse(c);
	virtqueue_allow_interrupts(&c->control_rx);
	converse(c); /* what came before interrupts were on */
	spin_unlock_irqrestore(&c->lock, irq);
}

static void attach_streams(struct console *c)
{
	stream_attach(0, &console_port_stream_ops, &c->ports[PORT_STDIN]);
	stream_attach(1, &console_port_stream_ops, &c->ports[PORT_STDOUT]);
	stream_attach(2, &console_port_stream_ops, &c->ports[PORT_STDERR]);
	control_attach(&c->ports[PORT_CONTROL]);
}

int virtio_console_start(const struct virtio_device *dev)
{
	struct console *c = &console;
	int err;

	if (c->messages)
		return -EBUSY; /* one is enough */
	c->dev = *dev;
	err = virtio_negotiate(&c->dev, (u64)1 << VIRTIO_CONSOLE_F_MULTIPORT);
	if (err)
		return err;
	err = open_queues(c);
	if (!err)
		err = allocate_messages(c);
	if (!err)
		err = irq_register(c->dev.gsi, handle_interrupt, c);
	if (err) {
		virtio_fail(&c->dev);
		return err;
	}
	virtio_start(&c->dev);
	begin_conversation(c);
	/* Arms the control port's interrupts, and takes what has come already. */
	receive_control_lines(&c->ports[PORT_CONTROL]);
	attach_streams(c);
	return 0;
}
