/* SPDX-License-Identifier: MIT */
/*
 * The life of sockets, and what they are as files: read, write, poll, ioctl.
 *
 *     alloc ──describe──> open ──last close──> end (dead) ──last reference──> freed
 *
 * A connection that waits in a listener's queue has no description yet; it is described when it is accepted, or ended
 * with the listener.
 */
#include <asm/ioctls.h>
#include <linux/poll.h>
#include <linux/sockios.h>
#include <arch/timer.h>
#include <arch/uaccess.h>
#include <moat/heap.h>
#include <moat/mode.h>
#include <moat/owner.h>
#include <moat/string.h>
#include "socket.h"

#define EVENTS_OF_END (POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM | POLLERR | POLLHUP | POLLRDHUP)

#define SOCKETS_MAX 32768u

struct spinlock sockets_lock = SPINLOCK_INIT(RANK_SOCKET);
struct socket_list sockets = LIST_HEAD_INITIALIZER(sockets); /* [sockets_lock] */
static u32 socket_count;				     /* [sockets_lock] */

struct sock_cred socket_own_cred(void)
{
	return (struct sock_cred){current_process()->pid, current_cred()->euid, current_cred()->egid};
}

struct socket *socket_alloc(int type, int *err)
{
	struct socket *s = kzalloc(sizeof(*s));
	bool fits;

	*err = -ENOMEM;
	if (!s)
		return NULL;
	ref_init(&s->refs, 1);
	s->type = type;
	s->backlog = SOCKET_DGRAM_BACKLOG;
	s->send_bytes = s->receive_bytes = SOCKET_BUFFER_BYTES;
	s->options.peek_offset = -1;
	s->options.receive_low = 1;
	s->peer_cred = (struct sock_cred){0, UINT32_MAX, UINT32_MAX};
	TAILQ_INIT(&s->queue);
	LIST_INIT(&s->followers);
	mutex_init(&s->read_lock, RANK_INODE);
	waitq_init(&s->events);
	waitq_init(&s->room);
	sockets_enter();
	/* A small machine has room for fewer: one for each two frames. */
	fits = socket_count < MIN((u64)SOCKETS_MAX, frames_total() / 2);
	if (fits) {
		static u64 last_number; /* [sockets_lock] */

		socket_count++;
		s->number = ++last_number;
		LIST_INSERT_HEAD(&sockets, s, all);
	}
	sockets_leave();
	if (fits)
		return s;
	kfree(s);
	*err = -ENFILE;
	return NULL;
}

u32 sockets_alive(void)
{
	return __atomic_load_n(&socket_count, __ATOMIC_RELAXED);
}

void socket_put(struct socket *s)
{
	if (!s || !ref_put(&s->refs))
		return;
	DEBUG_ASSERT(s->dead && TAILQ_EMPTY(&s->queue) && !s->sent && LIST_EMPTY(&s->followers));
	sockets_enter();
	socket_count--;
	LIST_REMOVE(s, all);
	sockets_leave();
	name_put(s->name);
	kfree(s);
}

void socket_changed(struct socket *s)
{
	waitq_wake_all(&s->events);
}

void socket_hung_up(struct socket *s)
{
	if (!waitq_is_idle(&s->events))
		waitq_wake_slow(&s->events, EVENTS_OF_END, UINT32_MAX);
}

void socket_has_room(struct socket *s, bool first)
{
	if (!waitq_is_idle(&s->events))
		waitq_wake_slow(&s->events, POLLOUT | POLLWRNORM | (first ? POLLWRBAND : 0), UINT32_MAX);
}

struct socket *socket_set_peer(struct socket *s, struct socket *peer)
{
	struct socket *old = s->peer;

	DEBUG_ASSERT(spin_is_held(&sockets_lock));
	if (old)
		LIST_REMOVE(s, follower);
	s->peer = peer;
	if (peer) {
		socket_get(peer);
		LIST_INSERT_HEAD(&peer->followers, s, follower);
	}
	return old;
}

void socket_connected(struct socket *s, struct socket *peer)
{
	struct socket *old = socket_set_peer(s, peer);

	DEBUG_ASSERT(!old);
	(void)old;
	__atomic_store_n(&s->state, SOCKET_CONNECTED, __ATOMIC_RELEASE);
}

/* The other end of a connection learns that this one is gone; what it sent and nobody read makes that an error. */
static void tell_peer(struct socket *s, struct socket *peer, bool unread)
{
	if (socket_has_connections(s) && peer->peer == s) {
		peer->shutdown = SHUT_BOTH;
		if (unread && !peer->dead)
			peer->error = ECONNRESET;
		socket_hung_up(peer);
	}
}

/* Ends the connections that nobody will accept any more. */
static void end_waiting(struct packet_list *list)
{
	struct packet *p;

	TAILQ_FOREACH (p, list, link) {
		if (!p->from->dead)
			socket_end(p->from);
	}
}

void socket_end(struct socket *s)
{
	struct packet_list left = TAILQ_HEAD_INITIALIZER(left);
	struct socket *peer, *f;
	bool listened;

	sockets_enter();
	s->dead = true;
	s->file = NULL;
	s->shutdown = SHUT_BOTH;
	listened = s->state == SOCKET_LISTENING;
	s->state = SOCKET_CLOSED;
	if (s->name)
		name_forget(s->name, s);
	peer = socket_set_peer(s, NULL);
	if (peer)
		tell_peer(s, peer, !TAILQ_EMPTY(&s->queue) || !s->accepted);
	TAILQ_CONCAT(&left, &s->queue, link);
	s->queued = 0;
	/* Who sends here without a connection learns it by trying. */
	LIST_FOREACH (f, &s->followers, follower) {
		if (f != peer || !socket_has_connections(s))
			socket_changed(f);
	}
	waitq_wake_all(&s->room);
	socket_changed(s);
	sockets_leave();
	if (listened)
		end_waiting(&left);
	packets_put(&left);
	socket_put(peer);
}

static void socket_release(struct file *f)
{
	struct socket *s = f->private;

	socket_end(s);
	socket_put(s);
	sockets_collect();
}

u64 socket_deadline(u64 span_ns, bool nonblock)
{
	u64 end;

	if (nonblock)
		return 0;
	if (!span_ns || __builtin_add_overflow(clock_monotonic_ns(), span_ns, &end))
		return WAIT_FOREVER;
	return end;
}

ssize_t socket_send(struct socket *s, struct sock_message *m)
{
	ssize_t n = socket_is_stream(s) ? stream_send(s, m) : dgram_send(s, m);

	sock_rights_free(m->rights);
	m->rights = NULL;
	return n;
}

ssize_t socket_receive(struct socket *s, struct sock_message *m)
{
	return socket_is_stream(s) ? stream_receive(s, m) : dgram_receive(s, m);
}

static ssize_t socket_read(struct file *f, struct uio *u, u64 *offset)
{
	struct sock_message m = {.data = u, .flags = f->flags & O_NONBLOCK ? MSG_DONTWAIT : 0};
	ssize_t n;

	(void)offset;
	if (!u->left)
		return 0;
	n = socket_receive(f->private, &m);
	sock_rights_free(m.rights);
	return n;
}

static ssize_t socket_write(struct file *f, struct uio *u, u64 *offset)
{
	struct sock_message m = {.data = u, .flags = f->flags & O_NONBLOCK ? MSG_DONTWAIT : 0};
	ssize_t n;

	(void)offset;
	n = socket_send(f->private, &m);
	u->no_signal = !m.sigpipe;
	return n;
}

/* A datagram socket that is connected has room when its peer has, unless the two are connected to each other. */
static bool can_send(struct socket *s)
{
	bool full;

	if (!socket_is_writable(s))
		return false;
	if (socket_is_stream(s))
		return true;
	sockets_enter();
	full = s->peer && s->peer->peer != s && socket_is_full(s->peer);
	sockets_leave();
	return !full;
}

unsigned socket_poll_events(struct socket *s)
{
	u8 shutdown = __atomic_load_n(&s->shutdown, __ATOMIC_ACQUIRE);
	unsigned events = 0;

	if (__atomic_load_n(&s->error, __ATOMIC_RELAXED))
		events |= POLLERR;
	if (shutdown == SHUT_BOTH)
		events |= POLLHUP;
	if (shutdown & SHUT_IN)
		events |= POLLRDHUP | POLLIN | POLLRDNORM;
	if (__atomic_load_n(&s->queued, __ATOMIC_ACQUIRE))
		events |= POLLIN | POLLRDNORM;
	if (socket_has_connections(s) && s->state == SOCKET_CLOSED)
		events |= POLLHUP;
	if (can_send(s))
		events |= POLLOUT | POLLWRNORM | POLLWRBAND;
	return events;
}

static unsigned socket_poll(struct file *f, poll_to t)
{
	struct socket *s = f->private;

	poll_show(t, &s->events);
	return socket_poll_events(s);
}

/* Bytes to be read: of a datagram socket those of the next message. -EINVAL while it listens. */
static s64 unread_bytes(struct socket *s)
{
	const struct packet *p;
	s64 bytes = 0;

	sockets_enter();
	if (s->state == SOCKET_LISTENING) {
		bytes = -EINVAL;
	} else {
		TAILQ_FOREACH (p, &s->queue, link) {
			bytes += packet_left(p);
			if (!socket_has_connections(s))
				break;
		}
	}
	sockets_leave();
	return bytes;
}

static int socket_ioctl(struct file *f, unsigned cmd, u64 arg)
{
	struct socket *s = f->private;
	s64 n;
	int bytes;

	switch (cmd) {
	case FIOSETOWN:
	case SIOCSPGRP:
		return get_user(bytes, (int __user *)arg) ? -EFAULT : owner_set_signed(f, bytes);
	case FIOGETOWN:
	case SIOCGPGRP:
		bytes = owner_get_signed(f);
		return put_user(bytes, (int __user *)arg);
	case FIONREAD:
		n = unread_bytes(s);
		break;
	case SIOCOUTQ:
		n = __atomic_load_n(&s->sent, __ATOMIC_RELAXED);
		break;
	default:
		return -ENOTTY;
	}
	bytes = (int)n;
	return n < 0 ? (int)n : put_user(bytes, (int __user *)arg);
}

static const struct file_ops socket_ops = {
	.read = socket_read,
	.write = socket_write,
	.ioctl = socket_ioctl,
	.poll = socket_poll,
	.release = socket_release,
	.tells = true,
};

struct socket *socket_of(const struct file *f)
{
	return f->ops == &socket_ops ? f->private : NULL;
}

int socket_type(const struct socket *s)
{
	return s->type;
}

int socket_describe(struct socket *s, u32 flags, struct file **out)
{
	struct inode *i = inode_create_own(S_IFSOCK | 0777);
	struct file_attr attr;

	*out = i ? file_create(&socket_ops, i, NULL, O_RDWR | flags, s) : NULL;
	if (!*out) {
		inode_put(i);
		return -ENOMEM;
	}
	inode_attr(i, &attr);
	sockets_enter();
	s->ino = attr.ino;
	s->file = *out;
	s->accepted = true;
	sockets_leave();
	return 0;
}

int socket_create(int type, u32 flags, struct file **out)
{
	int err;
	struct socket *s = socket_alloc(type, &err);

	if (!s)
		return err;
	err = socket_describe(s, flags, out);
	if (err) {
		socket_end(s);
		socket_put(s);
	}
	return err;
}

int socket_pair(int type, u32 flags, struct file *out[2])
{
	struct socket *a, *b;
	int err = socket_create(type, flags, &out[0]);

	if (err)
		return err;
	err = socket_create(type, flags, &out[1]);
	if (err) {
		file_put(out[0]);
		return err;
	}
	a = out[0]->private;
	b = out[1]->private;
	sockets_enter();
	a->peer_cred = b->peer_cred = socket_own_cred();
	socket_connected(a, b);
	socket_connected(b, a);
	sockets_leave();
	return 0;
}

int socket_take_error(struct socket *s)
{
	int error;

	sockets_enter();
	error = s->error;
	s->error = 0;
	sockets_leave();
	return -error;
}

void socket_put_error(struct socket *s, int error)
{
	sockets_enter();
	s->error = error < 0 ? -error : error;
	sockets_leave();
}
