/* SPDX-License-Identifier: MIT */
/*
 * Sessions and jobs (credentials(7), ioctl_tty(2)): whose terminal it is, which group is in the foreground, what happens to
 * the others, and hanging up.
 *
 * A terminal knows its session and foreground group by number, a process its terminal by a pointer that the task room keeps.
 * Both change with tty_list_lock held.
 */
#include <arch/uaccess.h>
#include <asm/errno.h>
#include <asm/ioctls.h>
#include <asm/signal.h>
#include "tty.h"

int tty_check_job(struct tty *t, int signo)
{
	int foreground = __atomic_load_n(&t->foreground, __ATOMIC_RELAXED);
	struct tty_caller c;

	tty_tasks->caller(&c);
	if (c.tty != t || !foreground || c.pgid == foreground)
		return 0;
	if (tty_tasks->sets_aside(signo))
		return signo == SIGTTIN ? -EIO : 0;
	if (tty_tasks->is_orphaned(c.pgid))
		return -EIO;
	tty_tasks->signal_group(c.pgid, signo);
	return -EINTR;
}

void tty_set_owner(struct tty *t, int session, int foreground)
{
	__atomic_store_n(&t->session, session, __ATOMIC_RELAXED);
	__atomic_store_n(&t->foreground, foreground, __ATOMIC_RELAXED);
}

void tty_make_controlling(struct tty *t, const struct tty_caller *c)
{
	tty_set_owner(t, c->sid, c->pgid);
	tty_tasks->set(t);
}

/* TIOCSCTTY; `steal` takes it from another session. List locked. */
static int take_terminal(struct tty *t, const struct file *f, bool steal)
{
	struct tty_caller c;

	tty_tasks->caller(&c);
	if (c.leads && t->session == c.sid)
		return 0;
	if (!c.leads || c.tty)
		return -EPERM;
	if (t->session && (!steal || !c.privileged))
		return -EPERM;
	if (!file_readable(f) && !c.privileged)
		return -EPERM;
	tty_tasks->forget(t);
	tty_make_controlling(t, &c);
	return 0;
}

/* The leader gives the terminal up for its whole session. List locked. */
static void give_up(struct tty *t, bool ends)
{
	if (t->foreground) {
		tty_tasks->signal_group(t->foreground, SIGHUP);
		if (!ends)
			tty_tasks->signal_group(t->foreground, SIGCONT);
	}
	tty_set_owner(t, 0, 0);
	tty_tasks->forget(t);
}

/* TIOCNOTTY. List locked. */
static int leave_terminal(struct tty *t)
{
	struct tty_caller c;

	tty_tasks->caller(&c);
	if (c.tty != t)
		return -ENOTTY;
	if (c.leads)
		give_up(t, false);
	tty_tasks->set(NULL);
	return 0;
}

void tty_leader_ends(void)
{
	struct tty_caller c;
	int group;

	tty_tasks->caller(&c);
	if (!c.leads)
		return;
	mutex_lock(&tty_list_lock);
	tty_tasks->caller(&c);
	if (c.tty && !c.tty->driver->is_pty) {
		if (c.tty->foreground)
			tty_tasks->signal_group(c.tty->foreground, SIGHUP);
		tty_hang_up_locked(c.tty);
	} else if (c.tty) {
		give_up(c.tty, true);
	}
	group = tty_tasks->take_old_foreground();
	if (group && !c.tty) {
		tty_tasks->signal_group(group, SIGHUP);
		tty_tasks->signal_group(group, SIGCONT);
	}
	mutex_unlock(&tty_list_lock);
}

void tty_hang_up_locked(struct tty *t)
{
	__atomic_fetch_add(&t->generation, 1, __ATOMIC_RELEASE);
	mutex_lock(&t->lock);
	tty_drop_typed(t);
	tty_set_stopped(t, false);
	t->held = false;
	mutex_unlock(&t->lock);
	tty_tasks->hang_up(t, t->session, t->foreground);
	tty_set_owner(t, 0, 0);
	t->exclusive = false;
	tty_kick(t);
}

void tty_hang_up(struct tty *t)
{
	mutex_lock(&tty_list_lock);
	tty_hang_up_locked(t);
	mutex_unlock(&tty_list_lock);
}

void tty_hang_up_own(void)
{
	struct tty_caller c;

	mutex_lock(&tty_list_lock);
	tty_tasks->caller(&c);
	if (c.tty)
		tty_hang_up_locked(c.tty);
	mutex_unlock(&tty_list_lock);
}

static int put_number(u64 arg, int number)
{
	return put_user(number, (int __user *)arg) ? -EFAULT : 0;
}

static int get_foreground(const struct tty *t, u64 arg, bool near)
{
	struct tty_caller c;

	tty_tasks->caller(&c);
	if (near && c.tty != t)
		return -ENOTTY;
	return put_number(arg, __atomic_load_n(&t->foreground, __ATOMIC_RELAXED));
}

static int get_session(const struct tty *t, u64 arg, bool near)
{
	int session = __atomic_load_n(&t->session, __ATOMIC_RELAXED);
	struct tty_caller c;

	tty_tasks->caller(&c);
	if ((near && c.tty != t) || !session)
		return -ENOTTY;
	return put_number(arg, session);
}

/* List locked. */
static int change_foreground(struct tty *t, int group)
{
	struct tty_caller c;
	int session;

	tty_tasks->caller(&c);
	if (c.tty != t || t->session != c.sid)
		return -ENOTTY;
	session = tty_tasks->session_of(group);
	if (session < 0)
		return session;
	if (session != c.sid)
		return -EPERM;
	tty_set_owner(t, session, group);
	return 0;
}

static int set_foreground(struct tty *t, u64 arg)
{
	int group, err = tty_check_job(t, SIGTTOU);

	if (err)
		return err == -EIO ? -ENOTTY : err;
	if (get_user(group, (const int __user *)arg))
		return -EFAULT;
	if (group < 0)
		return -EINVAL;
	mutex_lock(&tty_list_lock);
	err = change_foreground(t, group);
	mutex_unlock(&tty_list_lock);
	return err;
}

int tty_job_ioctl(struct tty *t, const struct file *f, unsigned cmd, u64 arg, bool near)
{
	int err = -ENOTTY;

	switch (cmd) {
	case TIOCGPGRP:
		return get_foreground(t, arg, near);
	case TIOCSPGRP:
		return set_foreground(t, arg);
	case TIOCGSID:
		return get_session(t, arg, near);
	case TIOCSCTTY:
	case TIOCNOTTY:
		mutex_lock(&tty_list_lock);
		err = cmd == TIOCNOTTY ? leave_terminal(t) : take_terminal(t, f, arg == 1);
		mutex_unlock(&tty_list_lock);
		return err;
	default:
		return err;
	}
}
