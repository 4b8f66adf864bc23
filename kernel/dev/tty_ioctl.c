/* SPDX-License-Identifier: MIT */
/*
 * What ioctl(2) does with a terminal (ioctl_tty(2)), from the near end and, for most of it, from a pseudo-terminal's
 * master too, where it means the near end all the same.
 */
#include <arch/uaccess.h>
#include <asm/errno.h>
#include <asm/ioctls.h>
#include <asm/signal.h>
#include <linux/tty.h>
#include <moat/string.h>
#include "tty_settings.h"

static int put_int(u64 arg, int value)
{
	return put_user(value, (int __user *)arg) ? -EFAULT : 0;
}

void tty_resize(struct tty *t, const struct winsize *size)
{
	int foreground = __atomic_load_n(&t->foreground, __ATOMIC_RELAXED);
	bool changed;

	mutex_lock(&t->lock);
	changed = memcmp(&t->size, size, sizeof(*size)) != 0;
	t->size = *size;
	mutex_unlock(&t->lock);
	if (changed && foreground)
		tty_tasks->signal_group(foreground, SIGWINCH);
}

static int get_size(struct tty *t, u64 arg)
{
	struct winsize size;

	mutex_lock(&t->lock);
	size = t->size;
	mutex_unlock(&t->lock);
	return put_user(size, (struct winsize __user *)arg) ? -EFAULT : 0;
}

static int set_size(struct tty *t, u64 arg)
{
	struct winsize size;

	if (get_user(size, (const struct winsize __user *)arg))
		return -EFAULT;
	tty_resize(t, &size);
	return 0;
}

/* tcflow(3). */
static int control_flow(struct tty *t, u64 how)
{
	int err = tty_check_job(t, SIGTTOU);

	if (err)
		return err;
	if (how > TCION)
		return -EINVAL;
	mutex_lock(&t->lock);
	if (how == TCOOFF || how == TCOON) {
		t->held = how == TCOOFF;
		tty_set_stopped(t, t->held);
	} else {
		u8 key = t->settings.c_cc[how == TCIOFF ? VSTOP : VSTART];

		if (key)
			tty_put_raw(t, key);
	}
	mutex_unlock(&t->lock);
	tty_kick(t);
	return 0;
}

/* tcflush(3); from the master the two directions change places. */
static int flush(struct tty *t, u64 what, bool near)
{
	int err = tty_check_job(t, SIGTTOU);
	bool input = what == (near ? TCIFLUSH : TCOFLUSH) || what == TCIOFLUSH;
	bool output = what == (near ? TCOFLUSH : TCIFLUSH) || what == TCIOFLUSH;

	if (err)
		return err;
	if (what > TCIOFLUSH)
		return -EINVAL;
	mutex_lock(&t->lock);
	if (input)
		tty_drop_typed(t);
	if (output)
		tty_flush_output(t);
	mutex_unlock(&t->lock);
	tty_kick(t);
	return 0;
}

/* tcsendbreak(3): no far end knows what a break is. */
static int send_break(struct tty *t)
{
	int err = tty_check_job(t, SIGTTOU);

	return err ? err : tty_drain(t);
}

/* Typing into one's own terminal is how programs break out of it: for the privileged only, as Linux has it since 6.2. */
static int fake_input(struct tty *t, u64 arg)
{
	struct tty_caller c;
	u8 byte;

	tty_tasks->caller(&c);
	if (!c.privileged)
		return -EIO;
	if (get_user(byte, (const u8 __user *)arg))
		return -EFAULT;
	mutex_lock(&t->lock);
	(void)tty_type(t, &byte, 1);
	mutex_unlock(&t->lock);
	tty_kick(t);
	return 0;
}

static int set_exclusive(struct tty *t, bool exclusive)
{
	mutex_lock(&tty_list_lock);
	t->exclusive = exclusive;
	mutex_unlock(&tty_list_lock);
	return 0;
}

static int hang_up(struct tty *t)
{
	struct tty_caller c;

	tty_tasks->caller(&c);
	if (!c.privileged)
		return -EPERM;
	tty_hang_up(t);
	return 0;
}

static int set_discipline(u64 arg)
{
	int which;

	if (get_user(which, (const int __user *)arg))
		return -EFAULT;
	return which == N_TTY ? 0 : -EINVAL;
}

static int device_number(const struct tty *t, u64 arg)
{
	int number, foreground;

	tty_facts(t, &number, &foreground);
	return put_int(arg, number);
}

/* The rarer ones. */
static int other_ioctl(struct tty *t, unsigned cmd, u64 arg, bool near)
{
	switch (cmd) {
	case TCXONC:
		return control_flow(t, arg);
	case TCFLSH:
		return flush(t, arg, near);
	case TCSBRK:
	case TCSBRKP:
		return send_break(t);
	case TIOCSBRK:
	case TIOCCBRK:
		return tty_check_job(t, SIGTTOU);
	case TIOCEXCL:
	case TIOCNXCL:
		return set_exclusive(t, cmd == TIOCEXCL);
	case TIOCGEXCL:
		return put_int(arg, t->exclusive);
	case TIOCGETD:
		return put_int(arg, N_TTY);
	case TIOCSETD:
		return set_discipline(arg);
	case TIOCSTI:
		return fake_input(t, arg);
	case TIOCVHANGUP:
		return hang_up(t);
	case TIOCGLCKTRMIOS:
		return tty_get_fixed(t, arg);
	case TIOCSLCKTRMIOS:
		return tty_set_fixed(t, arg);
	case TIOCGDEV:
		return device_number(t, arg);
	case TIOCGSOFTCAR:
		return put_int(arg, (t->settings.c_cflag & CLOCAL) != 0);
	default:
		return -ENOTTY;
	}
}

int tty_common_ioctl(struct tty *t, unsigned cmd, u64 arg, bool near)
{
	switch (cmd) {
	case TCGETS:
	case TCGETS2:
	case TCGETA:
		return tty_get_settings(t, cmd, arg);
	case TCSETS:
	case TCSETSW:
	case TCSETSF:
	case TCSETS2:
	case TCSETSW2:
	case TCSETSF2:
	case TCSETA:
	case TCSETAW:
	case TCSETAF:
		return tty_set_settings(t, cmd, arg);
	case TIOCGWINSZ:
		return get_size(t, arg);
	case TIOCSWINSZ:
		return set_size(t, arg);
	default:
		return other_ioctl(t, cmd, arg, near);
	}
}

static int put_unread(struct tty *t, u64 arg)
{
	size_t bytes;

	mutex_lock(&t->lock);
	bytes = tty_unread(t);
	mutex_unlock(&t->lock);
	return put_int(arg, (int)bytes);
}

int tty_ioctl(struct file *f, unsigned cmd, u64 arg)
{
	const struct tty_file *tf = f->private;
	struct tty *t = tf->tty;

	if (tty_is_hung_up(tf))
		return cmd == TIOCSPGRP ? -ENOTTY : -EIO;
	switch (cmd) {
	case FIONREAD:
		return put_unread(t, arg);
	case TIOCOUTQ:
		return put_int(arg, t->driver->is_pty ? 0 : (int)ring_used(&t->output));
	case TIOCGPGRP:
	case TIOCSPGRP:
	case TIOCGSID:
	case TIOCSCTTY:
	case TIOCNOTTY:
		return tty_job_ioctl(t, f, cmd, arg, true);
	default:
		return tty_common_ioctl(t, cmd, arg, true);
	}
}
