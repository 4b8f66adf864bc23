/* SPDX-License-Identifier: MIT */
/*
 * What travels with bytes: files (SCM_RIGHTS) and who sent them (SCM_CREDENTIALS), unix(7).
 *
 * Files in packets are "in flight". There may be as many as RLIMIT_NOFILE of the sender says, and never more than
 * FLYING_MAX in the machine: the files of a packet cost memory that is charged to nobody. Sockets that are in flight are
 * counted one by one, for gc.c.
 *
 * Putting a file may end a socket, which drops its packets, which puts files: so files are put by one thread at a time,
 * from a list, and never from inside each other.
 */
#include <linux/capability.h>
#include <moat/cred.h>
#include <moat/heap.h>
#include "socket.h"

#define FLYING_MAX 16384u

struct socket_list flying_sockets = LIST_HEAD_INITIALIZER(flying_sockets); /* [sockets_lock] */
static u32 flying;		    /* [sockets_lock] files in packets */
static struct sock_rights *to_drop; /* [sockets_lock] */
static bool dropping;		    /* [sockets_lock] somebody empties the list */

static void take_off(struct file *f)
{
	struct socket *s = socket_of(f);

	flying++;
	if (s && s->in_flight++ == 0)
		LIST_INSERT_HEAD(&flying_sockets, s, flying);
}

static void land(struct file *f)
{
	struct socket *s = socket_of(f);

	flying--;
	if (s && --s->in_flight == 0)
		LIST_REMOVE(s, flying);
}

static bool too_many(u32 more)
{
	const struct process *p = current_process();

	if (flying + more > FLYING_MAX)
		return true;
	return flying > p->limits[RLIMIT_NOFILE].soft && !capable(CAP_SYS_RESOURCE) &&
	       !capable(CAP_SYS_ADMIN);
}

int rights_attach(struct packet *p, struct sock_message *m)
{
	struct sock_rights *r = m->rights;
	int err = 0;

	if (!r)
		return 0;
	if (__atomic_load_n(&flying, __ATOMIC_RELAXED) + r->count > FLYING_MAX)
		sockets_collect();
	sockets_enter();
	if (too_many(r->count)) {
		err = -ETOOMANYREFS;
	} else {
		for (u32 i = 0; i < r->count; i++)
			take_off(r->files[i]);
		p->rights = r;
		m->rights = NULL;
	}
	sockets_leave();
	return err;
}

struct sock_rights *rights_detach(struct packet *p)
{
	struct sock_rights *r = p->rights;

	p->rights = NULL;
	for (u32 i = 0; r && i < r->count; i++)
		land(r->files[i]);
	return r;
}

struct sock_rights *rights_copy(struct packet *p)
{
	struct sock_rights *copy;

	if (!__atomic_load_n(&p->rights, __ATOMIC_RELAXED))
		return NULL;
	copy = kmalloc(sizeof(*copy));
	if (!copy)
		return NULL;
	sockets_enter();
	*copy = *p->rights;
	for (u32 i = 0; i < copy->count; i++)
		file_get(copy->files[i]);
	sockets_leave();
	return copy;
}

/* The next of the list; NULL: it is empty, and nobody drops any more. */
static struct sock_rights *next_to_drop(void)
{
	struct sock_rights *r;

	sockets_enter();
	r = to_drop;
	if (r)
		to_drop = r->next;
	else
		dropping = false;
	sockets_leave();
	return r;
}

void sock_rights_free(struct sock_rights *r)
{
	bool mine;

	if (!r)
		return;
	sockets_enter();
	r->next = to_drop;
	to_drop = r;
	mine = !dropping;
	dropping = true;
	sockets_leave();
	while (mine && (r = next_to_drop())) {
		for (u32 i = 0; i < r->count; i++)
			file_put(r->files[i]);
		kfree(r);
	}
}

void packet_sign(struct packet *p, const struct sock_message *m, const struct socket *s,
		 const struct socket *to)
{
	p->has_cred = m->has_cred || s->options.pass_cred || to->options.pass_cred;
	if (p->has_cred)
		p->cred = m->has_cred ? m->cred : socket_own_cred();
}

void message_take_cred(struct sock_message *m, const struct packet *p)
{
	static const struct sock_cred nobody = {0, 65534, 65534};

	m->cred = p->has_cred ? p->cred : nobody;
	m->has_cred = true;
}

bool socket_wants_cred(const struct socket *s)
{
	return __atomic_load_n(&s->options.pass_cred, __ATOMIC_RELAXED);
}
