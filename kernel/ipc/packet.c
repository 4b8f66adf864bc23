/* SPDX-License-Identifier: MIT */
/*
 * Packets: the bytes of one message, or of a piece of a stream, on their way from one socket to another.
 *
 * A packet is charged to its sender until it is read. The charge is what Linux would count for it ("truesize"), so that
 * a buffer holds as many messages here as there; it is never less than what a packet takes. All packets together may
 * take an eighth of the machine, whatever the buffers of single sockets allow.
 */
#include <moat/heap.h>
#include <moat/string.h>
#include "socket.h"

#define PACKET_INLINE 1536 /* bytes kept in the packet itself; longer ones lie in frames */
#define CHARGE_HEAD   256u /* what Linux adds for its descriptor */
#define CHARGE_SHARED 320u /* and behind the bytes */
#define CHARGE_LEAST  512u
#define QUEUED_SHARE  8u /* of the machine */

static u64 queued_bytes; /* [sockets_lock] the sum of all charges */

/* What `head` bytes in one piece and `paged` bytes in pages cost: the piece is rounded to a power of two. */
static u32 charge_for(size_t head, size_t paged)
{
	u32 block = CHARGE_LEAST, needed = (u32)ALIGN_UP(head, 64) + CHARGE_SHARED;

	while (block < needed)
		block *= 2;
	return CHARGE_HEAD + block + (u32)ALIGN_UP(paged, PAGE_SIZE);
}

static bool may_send_now(const struct socket *s)
{
	return __atomic_load_n(&s->error, __ATOMIC_RELAXED) ||
	       (__atomic_load_n(&s->shutdown, __ATOMIC_RELAXED) & SHUT_OUT) ||
	       __atomic_load_n(&s->sent, __ATOMIC_RELAXED) <
		       __atomic_load_n(&s->send_bytes, __ATOMIC_RELAXED);
}

/* One try: 0, -EAGAIN when the buffer is full, or why not. */
static int charge(struct socket *s, u32 bytes)
{
	int err = 0;

	sockets_enter();
	if (s->error) {
		err = -s->error;
		s->error = 0;
	} else if (s->shutdown & SHUT_OUT) {
		err = -EPIPE;
	} else if (s->sent >= s->send_bytes) {
		err = -EAGAIN;
	} else if (queued_bytes + bytes > frames_total() * (PAGE_SIZE / QUEUED_SHARE)) {
		err = -ENOBUFS;
	} else {
		s->sent += bytes;
		queued_bytes += bytes;
	}
	sockets_leave();
	return err;
}

static void uncharge(struct socket *s, u32 bytes)
{
	bool was_writable;

	sockets_enter();
	was_writable = socket_is_writable(s);
	s->sent -= bytes;
	queued_bytes -= bytes;
	if (socket_is_writable(s))
		socket_has_room(s, !was_writable);
	sockets_leave();
}

static size_t page_count(const struct packet *p)
{
	return p->paged ? ALIGN_UP(p->len, PAGE_SIZE) >> PAGE_SHIFT : 0;
}

static void free_packet(struct packet *p)
{
	for (size_t i = 0; i < page_count(p); i++) {
		if (p->pages[i])
			frame_put(p->pages[i]);
	}
	kfree(p);
}

static struct packet *alloc_packet(size_t len)
{
	bool paged = len > PACKET_INLINE;
	struct packet *p =
		kzalloc(sizeof(*p) +
			(paged ? (ALIGN_UP(len, PAGE_SIZE) >> PAGE_SHIFT) * sizeof(struct page *) : len));

	if (!p)
		return NULL;
	ref_init(&p->refs, 1);
	p->len = (u32)len;
	p->paged = paged;
	for (size_t i = 0; i < page_count(p); i++) {
		p->pages[i] = frame_alloc(0, 0, FRAME_KERNEL);
		if (!p->pages[i]) {
			free_packet(p);
			return NULL;
		}
	}
	return p;
}

int packet_create(struct socket *s, size_t len, size_t head, u64 deadline_ns, struct packet **out)
{
	u32 bytes = charge_for(head, len - head);
	int err;

	while ((err = charge(s, bytes)) == -EAGAIN && deadline_ns) {
		err = IPC_WAIT(&s->events, may_send_now(s), deadline_ns);
		if (err)
			break;
	}
	if (err)
		return err;
	*out = alloc_packet(len);
	if (!*out) {
		uncharge(s, bytes);
		return -ENOBUFS;
	}
	socket_get(s);
	(*out)->from = s;
	(*out)->charge = bytes;
	return 0;
}

struct packet *packet_of_connection(struct socket *s)
{
	struct packet *p = alloc_packet(0);

	if (p)
		p->from = s;
	return p;
}

void packet_put(struct packet *p)
{
	struct sock_rights *rights;

	if (!p || !ref_put(&p->refs))
		return;
	sockets_enter();
	rights = rights_detach(p);
	sockets_leave();
	sock_rights_free(rights);
	if (p->charge)
		uncharge(p->from, p->charge);
	socket_put(p->from);
	free_packet(p);
}

void packets_put(struct packet_list *list)
{
	struct packet *p;

	while ((p = TAILQ_FIRST(list))) {
		TAILQ_REMOVE(list, p, link);
		packet_put(p);
	}
}

size_t packet_fill(struct packet *p, struct uio *u)
{
	size_t done = 0;

	if (!p->paged)
		return uio_copy_in(u, p->bytes, p->len);
	for (size_t i = 0; done < p->len; i++) {
		size_t n = MIN(PAGE_SIZE, p->len - done),
		       moved = uio_copy_in(u, page_address(p->pages[i]), n);

		done += moved;
		if (moved < n)
			break;
	}
	return done;
}

size_t packet_copy_out(const struct packet *p, size_t offset, struct uio *u, size_t n)
{
	size_t done = 0;

	if (!p->paged)
		return uio_copy_out(u, p->bytes + offset, n);
	while (done < n) {
		size_t at = offset + done, piece = MIN(PAGE_SIZE - at % PAGE_SIZE, n - done), moved;

		moved = uio_copy_out(u, (const u8 *)page_address(p->pages[at / PAGE_SIZE]) + at % PAGE_SIZE,
				     piece);
		done += moved;
		if (moved < piece)
			break;
	}
	return done;
}

void queue_push(struct socket *s, struct packet *p)
{
	TAILQ_INSERT_TAIL(&s->queue, p, link);
	__atomic_store_n(&s->queued, s->queued + 1, __ATOMIC_RELEASE);
	__atomic_store_n(&s->pushed, s->pushed + 1, __ATOMIC_RELEASE);
	socket_changed(s);
}

void queue_remove(struct socket *s, struct packet *p)
{
	bool was_full = socket_is_full(s);
	struct socket *f;

	TAILQ_REMOVE(&s->queue, p, link);
	__atomic_store_n(&s->queued, s->queued - 1, __ATOMIC_RELEASE);
	if (!was_full)
		return;
	waitq_wake_all(&s->room);
	if (!socket_has_connections(s)) {
		LIST_FOREACH (f, &s->followers, follower)
			socket_has_room(f, true);
	}
}
