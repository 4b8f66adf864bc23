/* SPDX-License-Identifier: MIT */
/*
 * Sockets that can be reached no more. A socket sent to itself, or two that were sent to each other, keep themselves
 * alive when all descriptors are closed:
 *
 *     A ──queue──> packet ──file──> B ──queue──> packet ──file──> A
 *
 *  1. Candidates are the sockets all of whose references come from packets.
 *  2. From the count of each is taken what lies in the queues of candidates; what remains comes from outside.
 *  3. Who has such a reference is reached, and so is what lies in its queue, and so on.
 *  4. The packets of those that were not reached are dropped, and with them the sockets.
 *
 * All under sockets_lock, without which no file leaves or enters a packet. A candidate cannot get another reference
 * meanwhile: nobody has it but packets.
 */
#include "socket.h"
#include "sysv.h"

TAILQ_HEAD(work_list, socket);

/* Calls fn for each candidate among the files in the queue, and in the queues of connections that wait in it. */
static void for_each_held(struct socket *s, void (*fn)(struct socket *held, void *arg), void *arg)
{
	struct packet *p;

	TAILQ_FOREACH (p, &s->queue, link) {
		const struct sock_rights *r = p->rights;

		/* Such a connection's own queue holds no further ones. */
		if (s->state == SOCKET_LISTENING && p->from->state != SOCKET_LISTENING)
			for_each_held(p->from, fn, arg);
		for (u32 i = 0; r && i < r->count; i++) {
			struct socket *held = socket_of(r->files[i]);

			if (held && held->candidate)
				fn(held, arg);
		}
	}
}

static void count_inside(struct socket *held, void *arg)
{
	(void)arg;
	held->outside--;
}

static void reach(struct socket *held, void *arg)
{
	struct work_list *work = arg;

	if (held->reached)
		return;
	held->reached = true;
	TAILQ_INSERT_TAIL(work, held, work);
}

static void find_candidates(void)
{
	struct socket *s;

	LIST_FOREACH (s, &flying_sockets, flying) {
		s->candidate = ref_read(&s->file->refs) == s->in_flight;
		s->outside = s->in_flight;
		s->reached = false;
	}
	LIST_FOREACH (s, &flying_sockets, flying) {
		if (s->candidate)
			for_each_held(s, count_inside, NULL);
	}
}

static void find_reached(void)
{
	struct work_list work = TAILQ_HEAD_INITIALIZER(work);
	struct socket *s;

	LIST_FOREACH (s, &flying_sockets, flying) {
		if (s->candidate && s->outside)
			reach(s, &work);
	}
	while ((s = TAILQ_FIRST(&work))) {
		TAILQ_REMOVE(&work, s, work);
		for_each_held(s, reach, &work);
	}
}

/* Moves the packets that hold files out of the queue, those of waiting connections too. */
static void take_packets(struct socket *s, struct packet_list *dropped)
{
	struct packet *p, *next;

	for (p = TAILQ_FIRST(&s->queue); p; p = next) {
		next = TAILQ_NEXT(p, link);
		if (s->state == SOCKET_LISTENING && p->from->state != SOCKET_LISTENING)
			take_packets(p->from, dropped);
		if (!p->rights)
			continue;
		queue_remove(s, p);
		TAILQ_INSERT_TAIL(dropped, p, link);
	}
}

void sockets_collect(void)
{
	struct packet_list dropped = TAILQ_HEAD_INITIALIZER(dropped);
	struct socket *s;

	if (LIST_EMPTY(&flying_sockets))
		return;
	sockets_enter();
	find_candidates();
	find_reached();
	LIST_FOREACH (s, &flying_sockets, flying) {
		if (s->candidate && !s->reached)
			take_packets(s, &dropped);
	}
	sockets_leave();
	packets_put(&dropped);
}

void ipc_end(void)
{
	sockets_collect();
	/* Nobody has a description any more: what is left would be a leak. */
	DEBUG_ASSERT(sockets_alive() == 0);
	sysv_end();
}
