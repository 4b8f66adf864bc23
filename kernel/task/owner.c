/* SPDX-License-Identifier: MIT */
/*
 * Signals from files to their owners: a thread, a process or a group (fcntl(2)). Who chose the owner must have been allowed to
 * send it signals, by his user at that time; it is looked at when the signal is sent, as on Linux.
 */
#include <asm/errno.h>
#include <linux/fcntl.h>
#include <linux/poll.h>
#include <moat/owner.h>
#include "table.h"

/* Signals whose codes have meanings of their own: of SIGIO's they get only that it was that. */
#define SIGNALS_WITH_CODES                                                                    \
	(SIGNAL_BIT(SIGILL) | SIGNAL_BIT(SIGFPE) | SIGNAL_BIT(SIGSEGV) | SIGNAL_BIT(SIGBUS) | \
	 SIGNAL_BIT(SIGTRAP) | SIGNAL_BIT(SIGCHLD) | SIGNAL_BIT(SIGSYS))

/* What one signal needs while the table is walked. */
struct telling {
	const struct owner *owner;
	int signo, code, fd;
};

static long band_of(int code)
{
	switch (code) {
	case POLL_IN:
		return POLLIN | POLLRDNORM;
	case POLL_OUT:
		return POLLOUT | POLLWRNORM | POLLWRBAND;
	case POLL_MSG:
		return POLLIN | POLLRDNORM | POLLMSG;
	case POLL_PRI:
		return POLLPRI | POLLRDBAND;
	case POLL_ERR:
		return POLLERR;
	default:
		return POLLHUP | POLLERR;
	}
}

static bool permitted(const struct owner *o, const struct cred *target)
{
	return o->euid == 0 || o->euid == target->suid || o->euid == target->uid || o->uid == target->suid ||
	       o->uid == target->uid;
}

/* To p, or to its thread t only. Table locked. */
static void tell_one(const struct telling *w, struct process *p, struct thread *t)
{
	siginfo_t info;

	if (!permitted(w->owner, &p->cred))
		return;
	if (w->signo) {
		signal_make_info(&info, w->signo,
				 SIGNALS_WITH_CODES & SIGNAL_BIT(w->signo) ? SI_SIGIO : w->code);
		info.si_band = band_of(w->code);
		info.si_fd = w->fd;
		if (!(t ? signal_send_thread(t, &info) : signal_send(p, &info)))
			return;
	}
	/* Without a signal of his choice, or where that has no room in the queue. */
	signal_make_info(&info, SIGIO, SI_KERNEL);
	(void)(t ? signal_send_thread(t, &info) : signal_send(p, &info));
}

static bool tell_member(struct process *p, void *arg)
{
	const struct telling *w = arg;

	if (p->pgid == w->owner->pid)
		tell_one(w, p, NULL);
	return true;
}

/* Who it is, unless he has gone; a thread's number means no process. Table locked. */
static struct process *process_of(const struct owner *o)
{
	struct process *p = table_find(o->pid);

	return p && p->start_ns == o->life && (o->type == F_OWNER_TID || p->pid == o->pid) ? p : NULL;
}

static void tell(const struct owner *o, int signo, int code, int fd)
{
	struct telling w = {.owner = o, .signo = signo, .code = code, .fd = fd};
	u64 irq = table_lock();
	struct process *p;
	struct thread *t;

	if (o->type == F_OWNER_PGRP) {
		table_for_each(tell_member, &w);
	} else if ((p = process_of(o))) {
		t = o->type == F_OWNER_TID ? table_find_thread(o->pid) : NULL;
		if (t || o->type == F_OWNER_PID)
			tell_one(&w, p, t);
	}
	table_unlock(irq);
}

static int find(int type, int pid, struct owner *out)
{
	const struct cred *c = current_cred();
	struct process *p;
	int err, sid;
	u64 irq;

	if (type != F_OWNER_TID && type != F_OWNER_PID && type != F_OWNER_PGRP)
		return -EINVAL;
	*out = (struct owner){.type = type, .pid = pid, .uid = c->uid, .euid = c->euid};
	if (!pid)
		return 0;
	irq = table_lock();
	/* Any number that means something will do, also one that does not mean what `type` says: it owns nothing. */
	p = table_find(pid);
	err = p || table_find_group(pid, &sid) ? 0 : -ESRCH;
	if (p && type != F_OWNER_PGRP)
		out->life = p->start_ns;
	table_unlock(irq);
	return err;
}

int owner_pid(const struct owner *o)
{
	bool there;
	int sid;
	u64 irq;

	if (!o->pid)
		return 0;
	irq = table_lock();
	there = o->type == F_OWNER_PGRP ? table_find_group(o->pid, &sid) : process_of(o) != NULL;
	table_unlock(irq);
	return there ? o->pid : 0;
}

int owner_set(struct file *f, int type, int pid)
{
	struct owner o;
	int err = find(type, pid, &o);

	return err ? err : file_set_owner(f, &o);
}

int owner_set_signed(struct file *f, int who)
{
	if (who == INT32_MIN)
		return -EINVAL;
	return who < 0 ? owner_set(f, F_OWNER_PGRP, -who) : owner_set(f, F_OWNER_PID, who);
}

int owner_get_signed(struct file *f)
{
	struct owner o;
	int pid;

	file_get_owner(f, &o);
	pid = owner_pid(&o);
	return o.type == F_OWNER_PGRP ? -pid : pid;
}

void owners_tell(void)
{
	file_owners_tell(tell);
}
