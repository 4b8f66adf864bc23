/* SPDX-License-Identifier: MIT */
/* room: dev */
/*
 * One port of a virtio console: a stream of bytes in, one out, or both.
 */
#ifndef MOAT_CONSOLE_PORT_H
#define MOAT_CONSOLE_PORT_H

#include <sys/queue.h>
#include <moat/mutex.h>
#include <moat/spinlock.h>
#include <moat/stream.h>
#include <moat/virtio.h>

#define PORT_RX_BUFFERS 16
#define PORT_TX_BUFFERS 4

enum port_state {
	PORT_UNKNOWN, /* the host has not said yet */
	PORT_CONNECTED,
	PORT_HUNG_UP, /* nobody is there on the host's side */
};

enum port_direction {
	PORT_RECEIVES = 1 << 0, /* bytes come from the host */
	PORT_SENDS = 1 << 1,
};

struct port_buffer {
	STAILQ_ENTRY(port_buffer) link; /* [device lock] */
	u8 *data;			/* [I] */
	u32 len;			/* [owner] bytes received */
	u32 offset;			/* [owner] of them consumed */
};
STAILQ_HEAD(port_buffer_list, port_buffer);

struct console_port {
	struct spinlock *lock; /* [I] the device's, RANK_VIRTIO */
	u32 number;	       /* [I] */
	unsigned directions;   /* [I] enum port_direction */
	enum port_state state; /* [lock] */
	bool started;	       /* [lock] it has buffers */

	struct virtqueue rx;	/* [lock] */
	struct mutex read_lock; /* RANK_INODE: one reader consumes the first filled buffer at a time */
	struct port_buffer_list filled; /* [lock] received, oldest first */
	u32 unannounced;		/* [lock] given back to the device since it was last told */
	bool rx_watched;		/* [lock] interrupts are on; wake `readable` */
	struct waitq readable;
	struct port_buffer rx_buffer[PORT_RX_BUFFERS];

	struct virtqueue tx;	      /* [lock] */
	struct port_buffer_list idle; /* [lock] transmit buffers that nobody has */
	u32 tx_allocated;	      /* [lock] of tx_buffer[] */
	bool tx_watched;	      /* [lock] interrupts are on; wake `writable` */
	struct waitq writable;
	struct port_buffer tx_buffer[PORT_TX_BUFFERS];
};

/* Boot: before the queues are opened. */
void console_port_init(struct console_port *p, u32 number, unsigned directions, struct spinlock *lock);
/* Allocates buffers and offers the device those that it fills. 0, -ENOMEM. [device lock] */
int __must_check console_port_start(struct console_port *p);
/* The host's side came or went. [device lock] */
void console_port_set_state(struct console_port *p, enum port_state state);
/* Takes back what the device is done with and wakes who waits for it. [device lock], any context */
void console_port_reap(struct console_port *p);
/*
 * The oldest received buffer with unconsumed bytes, or NULL (then the next arrival interrupts). Only one
 * consumer at a time: the holder of read_lock, or an interrupt handler that has the port to itself. Any
 * context.
 */
struct port_buffer *console_port_front(struct console_port *p);
/* Gives the oldest buffer, which console_port_front showed, back to the device. Any context. */
void console_port_consume(struct console_port *p);
/* The whole text, uninterruptibly; what a hung-up port does not take is lost. Process context. */
void console_port_print(struct console_port *p, char *text, size_t len);

extern const struct stream_ops console_port_stream_ops; /* channel: struct console_port */

#endif
