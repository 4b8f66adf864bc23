/* SPDX-License-Identifier: MIT */
/*
 * Connections: listen, connect, accept, shutdown.
 *
 *     client                       listener's queue               server
 *     connect ──new socket──────>  [packet][packet] ──accept──>   description of the new socket
 *        └──────peer──────────────────^
 *
 * connect makes the server's end, connects both and is done: it waits only for a place in the queue. A packet without
 * bytes carries the new socket in its `from`.
 */
#include "socket.h"

int socket_listen(struct socket *s, u32 backlog)
{
	int err = 0;

	if (!socket_has_connections(s))
		return -EOPNOTSUPP;
	backlog = MIN(backlog, (u32)SOCKET_BACKLOG_MAX);
	sockets_enter();
	if (!s->name || s->state == SOCKET_CONNECTED) {
		err = -EINVAL;
	} else {
		if (backlog > s->backlog)
			waitq_wake_all(&s->room);
		s->backlog = backlog;
		s->state = SOCKET_LISTENING;
		s->peer_cred = socket_own_cred();
	}
	sockets_leave();
	return err;
}

static bool takes_connections(const struct socket *s)
{
	return !s->dead && s->state == SOCKET_LISTENING && !(s->shutdown & SHUT_IN);
}

/* One try, with the new end `made` and the packet that carries it. -EAGAIN: the queue is full. Lock held. */
static int connect_locked(struct socket *s, struct socket *to, struct socket *made, struct packet *p)
{
	if (!takes_connections(to))
		return -ECONNREFUSED;
	if (socket_is_full(to))
		return -EAGAIN;
	if (s->state != SOCKET_CLOSED)
		return s->state == SOCKET_CONNECTED ? -EISCONN : -EINVAL;
	made->name = to->name;
	ref_get(&made->name->refs);
	made->options.pass_cred = to->options.pass_cred;
	made->peer_cred = socket_own_cred();
	s->peer_cred = to->peer_cred;
	socket_connected(s, made);
	socket_connected(made, s);
	queue_push(to, p);
	socket_changed(s);
	return 0;
}

/* Finds the listener and waits for a place in its queue. */
static int connect_to_name(struct socket *s, struct fs_context *c, struct sock_address *a, u64 deadline_ns,
			   struct packet *p)
{
	struct socket *to;
	int err;

	for (;;) {
		err = name_find(c, a, s->type, &to);
		if (err)
			return err;
		sockets_enter();
		err = connect_locked(s, to, p->from, p);
		sockets_leave();
		if (err == -EAGAIN && deadline_ns)
			err = IPC_WAIT(&to->room, !socket_is_full(to) || !takes_connections(to), deadline_ns);
		else if (err <= 0) {
			socket_put(to);
			return err;
		}
		socket_put(to);
		if (err)
			return err;
	}
}

int stream_connect(struct socket *s, struct fs_context *c, struct sock_address *a, u64 deadline_ns)
{
	struct socket *made;
	struct packet *p;
	int err = address_check(a);

	if (!err && s->options.pass_cred)
		err = name_automatic(s);
	if (err)
		return err;
	made = socket_alloc(s->type, &err);
	if (!made)
		return err;
	p = packet_of_connection(made);
	if (p) {
		err = connect_to_name(s, c, a, deadline_ns, p);
	} else {
		err = -ENOMEM;
		socket_end(made);
		socket_put(made);
	}
	if (err && p) {
		socket_end(made);
		packet_put(p);
	}
	return err;
}

int socket_connect(struct socket *s, struct fs_context *c, struct sock_address *a, bool nonblock)
{
	if (!socket_has_connections(s))
		return dgram_connect(s, c, a);
	return stream_connect(s, c, a, socket_deadline(s->options.send_ns, nonblock));
}

/* The next connection, with the reference to its socket; NULL and an error when there is none. */
static struct packet *take_connection(struct socket *s, int *err)
{
	struct packet *p = NULL;

	sockets_enter();
	*err = -s->error;
	s->error = 0;
	if (!*err && s->state != SOCKET_LISTENING)
		*err = -EINVAL;
	if (!*err)
		p = TAILQ_FIRST(&s->queue);
	if (p)
		queue_remove(s, p);
	else if (!*err)
		*err = s->shutdown & SHUT_IN ? -EINVAL : -EAGAIN;
	sockets_leave();
	return p;
}

static bool has_connection(const struct socket *s)
{
	return __atomic_load_n(&s->queued, __ATOMIC_ACQUIRE) ||
	       __atomic_load_n(&s->error, __ATOMIC_RELAXED) ||
	       (__atomic_load_n(&s->shutdown, __ATOMIC_ACQUIRE) & SHUT_IN);
}

int socket_accept(struct socket *s, u32 flags, bool nonblock, struct file **out)
{
	u64 deadline = socket_deadline(s->options.receive_ns, nonblock);
	struct packet *p;
	int err;

	if (!socket_has_connections(s))
		return -EOPNOTSUPP;
	while (!(p = take_connection(s, &err))) {
		/* Without waiting a listener that was shut down looks like an empty one. */
		if (!deadline && err == -EINVAL && s->state == SOCKET_LISTENING)
			err = -EAGAIN;
		if (err != -EAGAIN || !deadline)
			return err;
		err = IPC_WAIT(&s->events, has_connection(s), deadline);
		if (err)
			return err;
	}
	socket_get(p->from);
	err = socket_describe(p->from, flags, out);
	if (err) {
		socket_end(p->from);
		socket_put(p->from);
	}
	packet_put(p);
	return err;
}

int socket_shutdown(struct socket *s, int how)
{
	u8 ends = (u8)(how + 1),
	   of_peer = (u8)((ends & SHUT_IN ? SHUT_OUT : 0) | (ends & SHUT_OUT ? SHUT_IN : 0));

	if (how < 0 || how > 2)
		return -EINVAL;
	sockets_enter();
	s->shutdown |= ends;
	if (s->peer && socket_has_connections(s)) {
		s->peer->shutdown |= of_peer;
		if (s->peer->shutdown == SHUT_BOTH)
			socket_hung_up(s->peer);
		else
			socket_changed(s->peer);
	}
	socket_changed(s);
	waitq_wake_all(&s->room);
	sockets_leave();
	return 0;
}
