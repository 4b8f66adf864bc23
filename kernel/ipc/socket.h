/* SPDX-License-Identifier: MIT */
/* room: ipc */
/*
 * Sockets of AF_UNIX, inside.
 *
 *     description ──> socket ──peer──> socket <── description
 *                       │                │ queue: packets that the other one sent
 *                      name              packet ──from──> who sent it
 *
 * A socket lives as long as a description, a peer, a packet that it sent or a walk over names refers to it; when its
 * description goes it is dead, and what is left is memory. State, peers, names, queues and what is in flight are
 * under one spinlock, sockets_lock: it is held for a few steps only, never around a copy or an allocation.
 *
 * Lock order: read_lock, then sockets_lock, then wait queues.
 */
#ifndef IPC_SOCKET_H
#define IPC_SOCKET_H

#include <asm/errno.h>
#include <asm/socket.h>
#include <linux/fcntl.h>
#include <sys/queue.h>
#include <moat/mutex.h>
#include <moat/socket.h>
#include <moat/task.h>
#include "wait.h"

enum socket_state {
	SOCKET_CLOSED,
	SOCKET_LISTENING,
	SOCKET_CONNECTED,
};

enum {
	SHUT_IN = 1,  /* nothing is received any more */
	SHUT_OUT = 2, /* nothing is sent */
	SHUT_BOTH = 3,
};

/* An address that a socket is bound to. Those that were accepted share their listener's. */
struct name {
	struct refcount refs;
	LIST_ENTRY(name) link;	/* [lock] bucket */
	struct socket *owner;	/* [lock] who is found by it; NULL: it is dead */
	struct inode *inode;	/* [I] a path name's, with a reference; NULL: abstract */
	int type;		/* [I] of the owner: abstract names are apart for each */
	u32 hash;		/* [I] */
	struct sock_address at; /* [I] */
};

struct packet;
TAILQ_HEAD(packet_list, packet);

/* A message, or a piece of a stream, or a connection that was not accepted yet (then `from` is that socket). */
struct packet {
	TAILQ_ENTRY(packet) link; /* [lock] */
	struct refcount refs;
	struct socket *from; /* [I] a reference */
	u32 len;	     /* [I] bytes */
	u32 read;	     /* [read_lock of the queue's socket] of them taken already */
	u32 charge;	     /* [I] bytes of the sender's buffer */
	bool paged;	     /* [I] */
	bool has_cred;	     /* [I] */
	struct sock_cred cred;
	struct sock_rights *rights; /* [lock] */
	union {
		u8 bytes[0];
		struct page *pages[0];
	};
};

struct sock_options {
	bool debug, reuse_address, dont_route, broadcast, keep_alive, oob_inline, no_check, linger;
	bool pass_cred;
	u32 linger_sec;
	s32 priority, peek_offset, receive_low;
	u64 receive_ns, send_ns; /* time-outs; 0: none */
};

struct socket {
	struct refcount refs;
	int type;		  /* [I] */
	bool dead;		  /* [lock] no description leads here any more */
	bool accepted;		  /* [lock] false: waits in a listener's queue */
	u8 state;		  /* [lock for change, a for read] enum socket_state */
	u8 shutdown;		  /* [lock for change, a for read] */
	int error;		  /* [lock for change, a for read] pending, positive */
	struct file *file;	  /* [lock] its description, no reference; NULL when dead or not accepted */
	struct socket *peer;	  /* [lock] a reference */
	struct name *name;	  /* [lock] a reference */
	struct packet_list queue; /* [lock] */
	u32 queued;		  /* [lock for change, a for read] its length */
	u32 pushed;		  /* [lock for change, a for read] counts the packets that ever came */
	u32 backlog;		  /* [a] more than so many are too many */
	u32 sent; /* [lock for change, a for read] bytes charged for what nobody has read yet */
	u32 send_bytes, receive_bytes; /* [a] SO_SNDBUF, SO_RCVBUF */
	LIST_HEAD(, socket) followers; /* [lock] whose peer this is */
	LIST_ENTRY(socket) follower;   /* [lock] */
	LIST_ENTRY(socket) all;	       /* [lock] */
	u64 number;		       /* [I] of all, in the order of their making */
	u64 ino;		       /* [lock] of its description; 0: none yet */
	struct sock_cred peer_cred;    /* [lock] SO_PEERCRED */
	struct sock_options options;   /* [a] each */
	struct mutex read_lock;	       /* RANK_INODE: readers of the queue, one after the other */
	struct waitq events;	       /* anything that poll(2) would tell, and readers and senders */
	struct waitq room;	       /* a place in the queue, for those who are not connected to it */
	/* What is in flight, see scm.c and gc.c; [lock] */
	u32 in_flight; /* references to `file` from packets */
	u32 outside;
	bool candidate, reached;
	LIST_ENTRY(socket) flying;
	TAILQ_ENTRY(socket) work;
};

extern struct spinlock sockets_lock;
LIST_HEAD(socket_list, socket);
extern struct socket_list sockets; /* [lock] the newest first */
u32 sockets_alive(void);

static inline void sockets_enter(void)
{
	spin_lock(&sockets_lock);
}

static inline void sockets_leave(void)
{
	spin_unlock(&sockets_lock);
}

/* --- socket.c --- */

struct socket *__must_check socket_alloc(int type, int *err); /* one reference, no description */
static inline void socket_get(struct socket *s)
{
	ref_get(&s->refs);
}
void socket_put(struct socket *s); /* NULL is allowed; no lock held */
/* Gives s a description that takes over the caller's reference: 0 or -ENOMEM. */
int __must_check socket_describe(struct socket *s, u32 flags, struct file **out);
/* Nobody can reach s any more: tells its peer and empties its queue. */
void socket_end(struct socket *s);
struct sock_cred socket_own_cred(void);
/* Sets the peer, or none. The old one is returned, its reference the caller's. Lock held. */
struct socket *__must_check socket_set_peer(struct socket *s, struct socket *peer);
void socket_connected(struct socket *s, struct socket *peer); /* lock held; s had no peer */
/* Wakes all who wait for something of s. Any. */
void socket_changed(struct socket *s);
/* The same, as nothing will come any more. */
void socket_hung_up(struct socket *s);
/* Wakes those who wait to send; first: nothing could be sent before. Any. */
void socket_has_room(struct socket *s, bool first);
static inline bool socket_is_stream(const struct socket *s)
{
	return s->type == SOCK_STREAM;
}
static inline bool socket_has_connections(const struct socket *s)
{
	return s->type != SOCK_DGRAM;
}
static inline bool socket_is_full(const struct socket *s)
{
	return __atomic_load_n(&s->queued, __ATOMIC_ACQUIRE) > __atomic_load_n(&s->backlog, __ATOMIC_RELAXED);
}
/* Something has come since `seen` packets had, or nothing will. */
static inline bool socket_has_news(const struct socket *s, u32 seen)
{
	return __atomic_load_n(&s->pushed, __ATOMIC_ACQUIRE) != seen ||
	       __atomic_load_n(&s->error, __ATOMIC_RELAXED) ||
	       (__atomic_load_n(&s->shutdown, __ATOMIC_ACQUIRE) & SHUT_IN);
}
/* Room for a quarter of the buffer: what poll calls writable. */
static inline bool socket_is_writable(const struct socket *s)
{
	return s->state != SOCKET_LISTENING &&
	       ((u64)__atomic_load_n(&s->sent, __ATOMIC_ACQUIRE) + 1) * 4 <= s->send_bytes;
}
/* The moment when a wait that begins now ends: 0 means that there is none. */
u64 socket_deadline(u64 span_ns, bool nonblock);
unsigned socket_poll_events(struct socket *s);

/* --- packet.c --- */

/*
 * Room for `len` bytes from s, charged to it: waits until it may send more. `head`: of them, those that Linux would keep
 * in one piece, which decides the charge. -EAGAIN, -EINTR, -EPIPE, -ENOBUFS, s's pending error.
 */
int __must_check packet_create(struct socket *s, size_t len, size_t head, u64 deadline_ns,
			       struct packet **out);
/* A connection that was not accepted yet; takes over the reference to it. */
struct packet *__must_check packet_of_connection(struct socket *s);
void packet_put(struct packet *p); /* NULL is allowed; no lock held */
/* Fills p from u, or takes n bytes from `offset` on: bytes moved. May sleep. */
size_t packet_fill(struct packet *p, struct uio *u);
size_t packet_copy_out(const struct packet *p, size_t offset, struct uio *u, size_t n);
static inline u32 packet_left(const struct packet *p)
{
	return p->len - p->read;
}
/* Lock held. Takes over the reference; or gives it back. */
void queue_push(struct socket *s, struct packet *p);
void queue_remove(struct socket *s, struct packet *p);
/* Puts all packets of a list that belongs to the caller. */
void packets_put(struct packet_list *list);

/* --- unix_name.c --- */

/* 0 or -EINVAL: an address of this family with a name. */
int __must_check address_check(const struct sock_address *a);
/* The socket of that name and type, with a reference: -ECONNREFUSED, -EPROTOTYPE, -EACCES, what the walk says. */
int __must_check name_find(struct fs_context *c, struct sock_address *a, int type, struct socket **out);
/* A name of its own making, if it has none. */
int __must_check name_automatic(struct socket *s);
void name_put(struct name *n);
void name_forget(struct name *n, const struct socket *owner);	/* lock held: n is not found any more */
void name_copy(const struct name *n, struct sock_address *out); /* n may be NULL: an address without a name */

/* --- unix_dgram.c, unix_stream.c --- */

ssize_t dgram_send(struct socket *s, struct sock_message *m);
ssize_t dgram_receive(struct socket *s, struct sock_message *m);
ssize_t stream_send(struct socket *s, struct sock_message *m);
ssize_t stream_receive(struct socket *s, struct sock_message *m);
int __must_check dgram_connect(struct socket *s, struct fs_context *c, struct sock_address *a);
int __must_check stream_connect(struct socket *s, struct fs_context *c, struct sock_address *a,
				u64 deadline_ns);
/* Whether a packet from s to `to` is to say who sent it, and that. */
void packet_sign(struct packet *p, const struct sock_message *m, const struct socket *s,
		 const struct socket *to);
/* What a packet says besides its bytes goes to m. */
void message_take_cred(struct sock_message *m, const struct packet *p);

/* --- scm.c, gc.c --- */

/* m's files go into the packet; counted as in flight: 0 or -ETOOMANYREFS. Lock not held. */
int __must_check rights_attach(struct packet *p, struct sock_message *m);
/* The packet's files, no longer in flight, the caller's. Lock held. */
struct sock_rights *rights_detach(struct packet *p);
/* The same files once more. NULL: no memory. Lock held by nobody; p is not detached meanwhile (read_lock). */
struct sock_rights *__must_check rights_copy(struct packet *p);
extern struct socket_list flying_sockets; /* [lock] in_flight > 0 */
/* Drops sockets that only their own queues refer to. No lock held. */
void sockets_collect(void);

#endif
