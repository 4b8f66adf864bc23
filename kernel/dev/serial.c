/* SPDX-License-Identifier: MIT */
/*
 * COM1, a 16550 UART at 115200 baud: log sink and standard streams of machines without virtio.
 *
 * Output is polled: a byte goes out when the transmitter is empty. Input comes by interrupt into a ring. Bytes pass as they
 * are: the far end is a plain terminal, and the line discipline is ours (tty_console.c).
 */
#include <arch/cpu.h>
#include <arch/irq.h>
#include <asm/errno.h>
#include <asm/poll.h>
#include <linux/serial_reg.h>
#include <moat/dev.h>
#include <moat/log.h>
#include <moat/mutex.h>
#include <moat/spinlock.h>
#include <moat/stream.h>
#include <moat/string.h>
#include <moat/textsink.h>

#define COM1	    0x3f8
#define COM1_GSI    4
#define BASE_BAUD   115200
#define BAUD	    115200
#define INPUT_BYTES 1024 /* a power of two */
#define CHUNK_BYTES 256
#define POLL_MAX    100000 /* status reads for one byte before the port is taken as dead */

static struct {
	struct spinlock lock;
	u8 input[INPUT_BYTES];	 /* [lock] byte i of the input lies at i modulo the size */
	u32 head, tail;		 /* [lock] bytes ever received, and ever read */
	struct mutex read_lock;	 /* RANK_INODE */
	struct mutex write_lock; /* RANK_INODE: a chunk of one writer at a time */
	struct waitq readable;
	bool set_up; /* [boot] */
} serial = {
	.lock = SPINLOCK_INIT(RANK_VIRTIO),
};

static struct log_sink sink;
static bool attached; /* [boot] it carries the standard streams */

/* Registers as in the 16550's data sheet: 8 data bits, no parity, one stop bit, FIFOs on. Needs no memory. */
static void set_up_uart(void)
{
	if (serial.set_up)
		return;
	serial.set_up = true;
	port_out8(COM1 + UART_IER, 0);
	port_out8(COM1 + UART_LCR, UART_LCR_DLAB);
	port_out8(COM1 + UART_DLL, BASE_BAUD / BAUD);
	port_out8(COM1 + UART_DLM, 0);
	port_out8(COM1 + UART_LCR, UART_LCR_WLEN8);
	port_out8(COM1 + UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR_CLEAR_RCVR | UART_FCR_CLEAR_XMIT);
	port_out8(COM1 + UART_MCR, UART_MCR_DTR | UART_MCR_RTS | UART_MCR_OUT2);
}

static void send_byte(u8 byte)
{
	for (unsigned i = 0; i < POLL_MAX && !(port_in8(COM1 + UART_LSR) & UART_LSR_THRE); i++)
		cpu_relax();
	port_out8(COM1 + UART_TX, byte);
}

/* Any context, no lock: text of a panic must come out whoever was writing. */
static void send_text(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\n')
			send_byte('\r');
		send_byte((u8)text[i]);
	}
}

void serial_become_sink(bool live)
{
	set_up_uart();
	sink = (struct log_sink){.write = send_text, .live = live};
	log_set_sink(&sink);
}

/* ---- input ---- */

/* Puts one key into the ring; a full ring loses it, as a terminal's does. [lock] */
static void accept_key(u8 key)
{
	if (serial.head - serial.tail == INPUT_BYTES)
		return;
	serial.input[serial.head++ % INPUT_BYTES] = key;
}

/* Takes the next key from the UART; false when there is none. Interrupt handler. */
static bool receive_key(void)
{
	if (!(port_in8(COM1 + UART_LSR) & UART_LSR_DR))
		return false;
	u8 key = port_in8(COM1 + UART_RX);
	u64 irq = spin_lock_irqsave(&serial.lock);
	accept_key(key);
	spin_unlock_irqrestore(&serial.lock, irq);
	return true;
}

/* The line is edge-triggered: reading until nothing is left lets it fall. */
static void handle_interrupt(void *arg __unused)
{
	while (receive_key())
		;
	waitq_wake_all(&serial.readable);
}

static bool has_input(void)
{
	return __atomic_load_n(&serial.head, __ATOMIC_RELAXED) !=
	       __atomic_load_n(&serial.tail, __ATOMIC_RELAXED);
}

/* What a read gets, up to `max` bytes. */
static size_t peek_input(u8 *out, size_t max)
{
	u64 irq = spin_lock_irqsave(&serial.lock);
	size_t len = 0;

	for (u32 at = serial.tail; at != serial.head && len < max; at++)
		out[len++] = serial.input[at % INPUT_BYTES];
	spin_unlock_irqrestore(&serial.lock, irq);
	return len;
}

static void consume_input(size_t len)
{
	u64 irq = spin_lock_irqsave(&serial.lock);

	serial.tail += (u32)len;
	spin_unlock_irqrestore(&serial.lock, irq);
}

/* Bytes moved; -EFAULT; 0: nothing is there. */
static ssize_t read_available(struct uio *u)
{
	u8 chunk[CHUNK_BYTES];

	mutex_lock(&serial.read_lock);
	size_t len = peek_input(chunk, MIN(u->left, sizeof(chunk)));
	size_t moved = uio_copy_out(u, chunk, len);
	consume_input(moved);
	mutex_unlock(&serial.read_lock);
	return moved || !len ? (ssize_t)moved : -EFAULT;
}

static ssize_t serial_read(void *channel __unused, struct uio *u, unsigned how)
{
	if (!u->left)
		return 0;
	for (;;) {
		ssize_t done = read_available(u);
		if (done)
			return done;
		if (how & STREAM_NONBLOCK)
			return -EAGAIN;
		int err = WAIT_EVENT_FLAGS(&serial.readable, has_input(),
					   how & STREAM_UNINTERRUPTIBLE ? 0 : WAIT_INTERRUPTIBLE);
		if (err)
			return err;
	}
}

static size_t serial_unread(void *channel __unused)
{
	return __atomic_load_n(&serial.head, __ATOMIC_RELAXED) -
	       __atomic_load_n(&serial.tail, __ATOMIC_RELAXED);
}

static unsigned serial_poll_in(void *channel __unused, struct poll_table *t)
{
	poll_add(t, &serial.readable);
	return has_input() ? POLLIN | POLLRDNORM : 0;
}

/* ---- output ---- */

static ssize_t serial_write(void *channel __unused, struct uio *u, unsigned how __unused)
{
	char chunk[CHUNK_BYTES];
	ssize_t done = 0;

	mutex_lock(&serial.write_lock);
	while (u->left) {
		size_t want = MIN(u->left, sizeof(chunk));
		size_t moved = uio_copy_in(u, chunk, want);
		for (size_t i = 0; i < moved; i++)
			send_byte((u8)chunk[i]);
		done += (ssize_t)moved;
		if (moved < want) {
			done = done ? done : -EFAULT;
			break;
		}
	}
	mutex_unlock(&serial.write_lock);
	return done;
}

static unsigned serial_poll_out(void *channel __unused, struct poll_table *t __unused)
{
	return POLLOUT | POLLWRNORM;
}

/* Until the last byte has left the shift register. */
static void serial_flush(void *channel __unused)
{
	for (unsigned i = 0; i < POLL_MAX && !(port_in8(COM1 + UART_LSR) & UART_LSR_TEMT); i++)
		cpu_relax();
}

static const struct stream_ops serial_stream_ops = {
	.read = serial_read,
	.write = serial_write,
	.poll_in = serial_poll_in,
	.poll_out = serial_poll_out,
	.unread = serial_unread,
	.flush = serial_flush,
};

bool dev_serial_console(void)
{
	return attached;
}

void serial_attach_streams(void)
{
	set_up_uart();
	mutex_init(&serial.read_lock, RANK_INODE);
	mutex_init(&serial.write_lock, RANK_INODE);
	waitq_init(&serial.readable);
	for (unsigned i = 0; i < 3; i++)
		stream_attach(i, &serial_stream_ops, NULL);
	attached = true;
	if (irq_register(COM1_GSI, handle_interrupt, NULL))
		log_printf("serial: no interrupt, input does not work\n");
	port_out8(COM1 + UART_IER, UART_IER_RDI);
}
