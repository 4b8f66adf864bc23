/* SPDX-License-Identifier: MIT */
/*
 * Streams of bytes between two connected sockets (SOCK_STREAM of unix(7)).
 *
 * A write becomes packets, a read takes bytes from as many as it needs. It stops where files were sent along, and, when
 * the reader wants to know who sends, where the sender changes: those belong to the bytes that they came with.
 */
#include "socket.h"

#define HEAD_BYTES  3776u  /* of a packet that Linux keeps in one piece */
#define PIECE_BYTES 36544u /* of one packet at most */

/* What can be said before anything is sent. */
static int check_send(const struct socket *s, const struct sock_message *m)
{
	if (m->flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (m->address && m->address->len)
		return s->state == SOCKET_CONNECTED ? -EISCONN : -EOPNOTSUPP;
	if (s->state != SOCKET_CONNECTED)
		return -ENOTCONN;
	return s->shutdown & SHUT_OUT ? -EPIPE : 0;
}

static int push(struct socket *s, struct packet *p, const struct sock_message *m)
{
	struct socket *to;
	int err = -EPIPE;

	sockets_enter();
	to = s->peer;
	if (to && !to->dead && !(to->shutdown & SHUT_IN)) {
		packet_sign(p, m, s, to);
		queue_push(to, p);
		err = 0;
	}
	sockets_leave();
	return err;
}

/* Sends up to `n` bytes as one packet: 0 or -errno. */
static int send_piece(struct socket *s, struct sock_message *m, size_t n)
{
	size_t paged = n > HEAD_BYTES ? MIN(n, ALIGN_UP(n - HEAD_BYTES, PAGE_SIZE)) : 0;
	struct packet *p;
	int err = packet_create(s, n, n - paged, socket_deadline(s->options.send_ns, m->flags & MSG_DONTWAIT),
				&p);

	if (err)
		return err;
	err = rights_attach(p, m);
	if (!err && packet_fill(p, m->data) < n)
		err = -EFAULT;
	if (!err)
		err = push(s, p, m);
	if (err)
		packet_put(p);
	return err;
}

ssize_t stream_send(struct socket *s, struct sock_message *m)
{
	size_t total = m->data->left;
	int err = check_send(s, m);

	while (!err && m->data->left) {
		size_t n = MIN(m->data->left, (size_t)s->send_bytes / 2 - 64);
		size_t before = m->data->left;

		err = send_piece(s, m, MIN(n, (size_t)PIECE_BYTES));
		if (err)
			m->data->left = before; /* what was copied of it went nowhere */
	}
	m->sigpipe = err == -EPIPE && m->data->left == total && !(m->flags & MSG_NOSIGNAL);
	return m->data->left < total ? (ssize_t)(total - m->data->left) : err;
}

/* How a read goes on. */
struct reading {
	struct socket *s;
	struct sock_message *m;
	size_t done;	/* bytes taken */
	size_t skip;	/* a peek's place, counted from the start of the queue; else 0 */
	bool signed_by; /* m->cred says whose bytes these are */
};

/* The packet that the next byte is in, with a reference, and where in it; NULL: none. Lock held. */
static struct packet *next_packet(const struct reading *r, size_t *offset)
{
	struct packet *p;

	*offset = r->skip;
	TAILQ_FOREACH (p, &r->s->queue, link) {
		if (*offset < packet_left(p))
			break;
		*offset -= packet_left(p);
	}
	if (p)
		ref_get(&p->refs);
	return p;
}

static bool same_sender(const struct sock_message *m, const struct packet *p)
{
	struct sock_message other = {0};

	message_take_cred(&other, p);
	return other.cred.pid == m->cred.pid && other.cred.uid == m->cred.uid &&
	       other.cred.gid == m->cred.gid;
}

/* What comes with the first byte: who sent it, by name and by credentials. */
static void take_sender(struct reading *r, const struct packet *p)
{
	if (socket_wants_cred(r->s) && !r->signed_by) {
		message_take_cred(r->m, p);
		r->signed_by = true;
	}
	if (r->m->address && !r->done) {
		sockets_enter();
		if (p->from->name)
			name_copy(p->from->name, r->m->address);
		sockets_leave();
	}
}

/* The files of a packet go to the reader. Returns whether there were any; -ENOMEM leaves them. */
static bool take_rights(struct reading *r, struct packet *p)
{
	struct sock_rights *rights;

	if (!__atomic_load_n(&p->rights, __ATOMIC_RELAXED))
		return false;
	if (r->m->flags & MSG_PEEK) {
		rights = rights_copy(p);
	} else {
		sockets_enter();
		rights = rights_detach(p);
		sockets_leave();
	}
	sock_rights_free(r->m->rights);
	r->m->rights = rights;
	return true;
}

static void advance_peek(struct socket *s, u32 flags, size_t n)
{
	if (s->options.peek_offset < 0)
		return;
	if (flags & MSG_PEEK)
		s->options.peek_offset += (s32)n;
	else
		s->options.peek_offset = MAX(s->options.peek_offset - (s32)n, 0);
}

static void finish_packet(struct socket *s, struct packet *p)
{
	sockets_enter();
	queue_remove(s, p);
	sockets_leave();
	packet_put(p);
}

/* Takes what it can from one packet, from `offset` on: 1 to go on, 0 to stop, -EFAULT. */
static int take_piece(struct reading *r, struct packet *p, size_t offset)
{
	struct sock_message *m = r->m;
	size_t n = MIN(packet_left(p) - offset, m->data->left);
	bool last;

	if (r->signed_by && socket_wants_cred(r->s) && !same_sender(m, p))
		return 0;
	take_sender(r, p);
	if (packet_copy_out(p, p->read + offset, m->data, n) < n)
		return -EFAULT;
	r->done += n;
	advance_peek(r->s, m->flags, n);
	if (m->flags & MSG_PEEK) {
		r->skip += n;
		return !take_rights(r, p) && m->data->left;
	}
	p->read += (u32)n;
	last = take_rights(r, p);
	if (packet_left(p))
		return 0;
	finish_packet(r->s, p);
	return !last && m->data->left;
}

/* The queue holds nothing more: 1 to look again, 0 at the end, or -errno. `seen`: packets that have come so far. */
static int wait_for_bytes(struct reading *r, size_t target, u64 deadline_ns, u32 seen)
{
	struct socket *s = r->s;
	int err;

	if (r->done >= target)
		return 0;
	err = socket_take_error(s);
	if (err || (__atomic_load_n(&s->shutdown, __ATOMIC_ACQUIRE) & SHUT_IN))
		return err;
	if (!deadline_ns)
		return -EAGAIN;
	mutex_unlock(&s->read_lock);
	err = IPC_WAIT(&s->events, socket_has_news(s, seen), deadline_ns);
	mutex_lock(&s->read_lock);
	return err ? err : 1;
}

static int read_some(struct reading *r, size_t target, u64 deadline_ns)
{
	int err;

	do {
		struct packet *p;
		size_t offset;
		u32 seen;

		sockets_enter();
		p = next_packet(r, &offset);
		seen = r->s->pushed;
		sockets_leave();
		if (p)
			err = take_piece(r, p, offset);
		else if ((r->m->flags & MSG_PEEK) && r->done)
			err = 0; /* a peek that has seen something does not wait for more */
		else
			err = wait_for_bytes(r, target, deadline_ns, seen);
		packet_put(p);
	} while (err > 0);
	return err;
}

ssize_t stream_receive(struct socket *s, struct sock_message *m)
{
	struct reading r = {.s = s, .m = m};
	size_t asked = m->data->left, target;
	u64 deadline = socket_deadline(s->options.receive_ns, m->flags & MSG_DONTWAIT);
	int err;

	if (s->state != SOCKET_CONNECTED)
		return -EINVAL;
	if (m->flags & MSG_OOB)
		return -EINVAL; /* there is none: nothing urgent can be sent */
	target = m->flags & MSG_WAITALL ? asked : MIN((size_t)s->options.receive_low, asked);
	mutex_lock(&s->read_lock);
	if ((m->flags & MSG_PEEK) && s->options.peek_offset > 0)
		r.skip = (size_t)s->options.peek_offset;
	err = read_some(&r, MAX(target, 1ul), deadline);
	mutex_unlock(&s->read_lock);
	return r.done ? (ssize_t)r.done : err;
}
