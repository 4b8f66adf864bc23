/* SPDX-License-Identifier: MIT */
/*
 * Messages: SOCK_DGRAM, and SOCK_SEQPACKET once it is connected (unix(7)). Nothing is lost, and the order stays: who
 * sends to a queue that is full waits.
 *
 * A datagram socket that is connected hears its peer only; its queue is emptied when it gets another one.
 */
#include "socket.h"

#define HEAD_BYTES  16064u		/* of a message that Linux keeps in one piece */
#define PAGED_BYTES (17u << PAGE_SHIFT) /* in pages at most */

/* Who sends to `to` without being connected to it must not be kept from it by its own peer. */
static bool may_send(const struct socket *s, const struct socket *to)
{
	return !to->peer || to->peer == s;
}

/* The peer is another one now: what the old one sent is dropped, and it learns of it. Lock held. */
static void leave_peer(struct socket *s, struct socket *old, struct packet_list *dropped)
{
	if (!TAILQ_EMPTY(&s->queue)) {
		TAILQ_CONCAT(dropped, &s->queue, link);
		s->queued = 0;
		waitq_wake_all(&s->room);
	}
	if (!old->dead && old->peer == s) {
		old->error = ECONNRESET;
		socket_changed(old);
	}
}

/* Makes `to` (NULL: nobody) the peer. */
static int change_peer(struct socket *s, struct socket *to)
{
	struct packet_list dropped = TAILQ_HEAD_INITIALIZER(dropped);
	struct socket *old = NULL;
	int err = 0;

	sockets_enter();
	if (to && to->dead)
		err = -EAGAIN; /* look for the name again */
	else if (to && !may_send(s, to))
		err = -EPERM;
	if (!err) {
		old = socket_set_peer(s, to);
		s->state = to ? SOCKET_CONNECTED : SOCKET_CLOSED;
		if (old && old != to)
			leave_peer(s, old, &dropped);
		socket_changed(s);
	}
	sockets_leave();
	packets_put(&dropped);
	socket_put(old);
	return err;
}

int dgram_connect(struct socket *s, struct fs_context *c, struct sock_address *a)
{
	struct socket *to;
	int err;

	if (a->len < sizeof(a->un.sun_family))
		return -EINVAL;
	if (a->un.sun_family == AF_UNSPEC)
		return change_peer(s, NULL);
	err = address_check(a);
	if (!err && s->options.pass_cred)
		err = name_automatic(s);
	if (err)
		return err;
	do {
		err = name_find(c, a, s->type, &to);
		if (err)
			return err;
		err = change_peer(s, to);
		socket_put(to);
	} while (err == -EAGAIN);
	return err;
}

/* Where a message goes, with a reference. */
static int find_target(struct socket *s, struct sock_message *m, struct socket **to)
{
	if (m->address && m->address->len)
		return name_find(current_thread()->fs, m->address, s->type, to);
	sockets_enter();
	*to = s->peer;
	if (*to)
		socket_get(*to);
	sockets_leave();
	return *to ? 0 : -ENOTCONN;
}

/* The peer is gone: the socket is without one from now on. */
static void drop_dead_peer(struct socket *s, struct socket *to)
{
	struct packet_list dropped = TAILQ_HEAD_INITIALIZER(dropped);
	struct socket *old = NULL;

	sockets_enter();
	if (s->peer == to && !socket_has_connections(s)) {
		old = socket_set_peer(s, NULL);
		s->state = SOCKET_CLOSED;
		leave_peer(s, to, &dropped);
	}
	sockets_leave();
	packets_put(&dropped);
	socket_put(old);
}

/* One try: 0, -EAGAIN (full), -ESTALE (nobody is there any more) or why not. Lock held. */
static int push_locked(struct socket *s, struct socket *to, struct packet *p, const struct sock_message *m)
{
	if (!may_send(s, to))
		return -EPERM;
	if (to->dead)
		return socket_has_connections(s) ? -EPIPE : -ESTALE;
	if (to->shutdown & SHUT_IN)
		return -EPIPE;
	if (to != s && to->peer != s && socket_is_full(to))
		return -EAGAIN;
	packet_sign(p, m, s, to);
	queue_push(to, p);
	return 0;
}

static bool can_push(const struct socket *to)
{
	return !socket_is_full(to) || __atomic_load_n(&to->dead, __ATOMIC_ACQUIRE) ||
	       (__atomic_load_n(&to->shutdown, __ATOMIC_ACQUIRE) & SHUT_IN);
}

/* Brings p to where it belongs. 0 or -errno; p stays the caller's then. */
static int deliver(struct socket *s, struct packet *p, struct sock_message *m)
{
	u64 deadline = socket_deadline(s->options.send_ns, m->flags & MSG_DONTWAIT);
	struct socket *to;
	int err = find_target(s, m, &to);

	if (err)
		return err;
	for (;;) {
		sockets_enter();
		err = push_locked(s, to, p, m);
		sockets_leave();
		if (err == -EAGAIN && deadline) {
			err = IPC_WAIT(&to->room, can_push(to), deadline);
			if (!err)
				continue;
		}
		break;
	}
	if (err == -ESTALE) {
		drop_dead_peer(s, to);
		/* A name may have a new owner by now; a dead one has no name any more. */
		err = m->address && m->address->len ? 1 : -ECONNREFUSED;
	}
	socket_put(to);
	return err;
}

static int check_send(struct socket *s, struct sock_message *m)
{
	if (socket_has_connections(s)) {
		int err = socket_take_error(s);

		if (err)
			return err;
		if (s->state != SOCKET_CONNECTED)
			return -ENOTCONN;
		if (m->address)
			m->address->len = 0;
	}
	if (m->flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (m->address && m->address->len) {
		int err = address_check(m->address);

		if (err)
			return err;
	}
	return 0;
}

ssize_t dgram_send(struct socket *s, struct sock_message *m)
{
	size_t len = m->data->left, paged = 0;
	struct packet *p;
	int err = check_send(s, m);

	if (!err && s->options.pass_cred)
		err = name_automatic(s);
	if (err)
		return err;
	if (len > s->send_bytes - 32)
		return -EMSGSIZE;
	if (len > HEAD_BYTES)
		paged = ALIGN_UP(MIN(len - HEAD_BYTES, (size_t)PAGED_BYTES), PAGE_SIZE);
	err = packet_create(s, len, len - paged, socket_deadline(s->options.send_ns, m->flags & MSG_DONTWAIT),
			    &p);
	if (err)
		return err;
	err = rights_attach(p, m);
	if (!err && packet_fill(p, m->data) < len)
		err = -EFAULT;
	if (!err) {
		do
			err = deliver(s, p, m);
		while (err > 0);
	}
	if (err)
		packet_put(p);
	return err ? err : (ssize_t)len;
}

/* The packet that a read is about, with a reference; `skip`: where in it a peek begins; `seen`: packets so far. */
static struct packet *take_packet(struct socket *s, u32 flags, size_t *skip, u32 *seen, int *err)
{
	struct packet *p = NULL;

	sockets_enter();
	*seen = s->pushed;
	*err = -s->error;
	s->error = 0;
	if (!*err) {
		TAILQ_FOREACH (p, &s->queue, link) {
			if (!*skip || *skip < p->len)
				break;
			*skip -= p->len;
		}
		*err = p ? 0 : -EAGAIN;
	}
	if (p && (flags & MSG_PEEK))
		ref_get(&p->refs);
	else if (p)
		queue_remove(s, p);
	sockets_leave();
	return p;
}

/* The next message with read_lock held; NULL and *err (0: the end) without. */
static struct packet *await_packet(struct socket *s, u32 flags, size_t *skip, int *err)
{
	u64 deadline = socket_deadline(s->options.receive_ns, flags & MSG_DONTWAIT);

	for (;;) {
		struct packet *p;
		u32 seen;

		mutex_lock(&s->read_lock);
		*skip = flags & MSG_PEEK && s->options.peek_offset > 0 ? (size_t)s->options.peek_offset : 0;
		p = take_packet(s, flags, skip, &seen, err);
		if (p)
			return p;
		mutex_unlock(&s->read_lock);
		if (*err != -EAGAIN)
			return NULL;
		/* Without waiting only what is connected tells the end from nothing. */
		if ((s->shutdown & SHUT_IN) && (deadline || socket_has_connections(s)))
			*err = 0;
		else if (deadline)
			*err = IPC_WAIT(&s->events, socket_has_news(s, seen), deadline);
		if (*err || (s->shutdown & SHUT_IN && !s->queued && !s->error))
			return NULL;
	}
}

/* What comes with the bytes. */
static void take_rest(struct socket *s, struct sock_message *m, struct packet *p)
{
	if (socket_wants_cred(s))
		message_take_cred(m, p);
	if (m->flags & MSG_PEEK) {
		m->rights = rights_copy(p);
		return;
	}
	sockets_enter();
	m->rights = rights_detach(p);
	sockets_leave();
}

static void advance_peek(struct socket *s, u32 flags, const struct packet *p, size_t n)
{
	if (s->options.peek_offset < 0)
		return;
	if (flags & MSG_PEEK)
		s->options.peek_offset += (s32)n;
	else
		s->options.peek_offset = MAX(s->options.peek_offset - (s32)p->len, 0);
}

ssize_t dgram_receive(struct socket *s, struct sock_message *m)
{
	struct packet *p;
	size_t skip, n;
	ssize_t result;
	int err;

	if (socket_has_connections(s) && s->state != SOCKET_CONNECTED)
		return -ENOTCONN;
	if (m->flags & MSG_OOB)
		return -EOPNOTSUPP;
	p = await_packet(s, m->flags, &skip, &err);
	if (!p)
		return err;
	if (m->address) {
		sockets_enter();
		if (p->from->name)
			name_copy(p->from->name, m->address);
		sockets_leave();
	}
	n = MIN(p->len - skip, m->data->left);
	if (n < p->len - skip)
		m->out_flags |= MSG_TRUNC;
	result = m->flags & MSG_TRUNC ? (ssize_t)(p->len - skip) : (ssize_t)n;
	if (packet_copy_out(p, skip, m->data, n) < n) {
		result = -EFAULT;
	} else {
		advance_peek(s, m->flags, p, n);
		take_rest(s, m, p);
	}
	mutex_unlock(&s->read_lock);
	packet_put(p);
	return result;
}
