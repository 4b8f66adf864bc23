/* SPDX-License-Identifier: MIT */
/*
 * A terminal's settings in the three forms that programs have for them: struct termios, struct termios2 with speeds
 * of its own, and System V's struct termio.
 */
#include <arch/uaccess.h>
#include <asm/errno.h>
#include <asm/ioctls.h>
#include <asm/signal.h>
#include <moat/string.h>
#include "tty_settings.h"

/* In the order of their codes: B0…B38400, then those with CBAUDEX. */
static const u32 speeds[] = {0,	  50,	75,   110,  134,  150,	200,   300,
			     600, 1200, 1800, 2400, 4800, 9600, 19200, 38400};
static const u32 more_speeds[] = {57600,   115200,  230400,  460800,  500000,  576000,	921600, 1000000,
				  1152000, 1500000, 2000000, 2500000, 3000000, 3500000, 4000000};

/* A code of CBAUD in bits per second; `other`: what BOTHER means. */
static u32 speed_of(u32 code, u32 other)
{
	u32 i = code & ~(u32)CBAUDEX;

	if (code == BOTHER)
		return other;
	if (!(code & CBAUDEX))
		return speeds[i];
	return i - 1 < ARRAY_SIZE(more_speeds) ? more_speeds[i - 1] : 0;
}

static void complete_speeds(struct termios2 *s)
{
	u32 in = s->c_cflag >> IBSHIFT & CBAUD;

	s->c_ospeed = speed_of(s->c_cflag & CBAUD, s->c_ospeed);
	s->c_ispeed = in == B0 ? s->c_ospeed : speed_of(in, s->c_ispeed);
}

static void to_old(const struct termios2 *s, struct termio *old)
{
	*old = (struct termio){
		.c_iflag = (u16)s->c_iflag,
		.c_oflag = (u16)s->c_oflag,
		.c_cflag = (u16)s->c_cflag,
		.c_lflag = (u16)s->c_lflag,
		.c_line = s->c_line,
	};
	memcpy(old->c_cc, s->c_cc, NCC);
}

static u32 low_half(u32 now, u16 low)
{
	return (now & ~0xffffu) | low;
}

static void from_old(struct termios2 *s, const struct termio *old)
{
	s->c_iflag = low_half(s->c_iflag, old->c_iflag);
	s->c_oflag = low_half(s->c_oflag, old->c_oflag);
	s->c_cflag = low_half(s->c_cflag, old->c_cflag);
	s->c_lflag = low_half(s->c_lflag, old->c_lflag);
	s->c_line = old->c_line;
	memcpy(s->c_cc, old->c_cc, NCC);
}

static struct termios2 settings_of(struct tty *t)
{
	struct termios2 s;

	mutex_lock(&t->lock);
	s = t->settings;
	mutex_unlock(&t->lock);
	return s;
}

int tty_get_settings(struct tty *t, unsigned cmd, u64 arg)
{
	struct termios2 s = settings_of(t);
	struct termio old;

	if (cmd == TCGETA) {
		to_old(&s, &old);
		return copy_to_user((void __user *)arg, &old, sizeof(old)) ? -EFAULT : 0;
	}
	return copy_to_user((void __user *)arg, &s, cmd == TCGETS2 ? sizeof(s) : sizeof(struct termios))
		       ? -EFAULT
		       : 0;
}

/* New settings out of user memory, what they do not hold being as it is. */
static int fetch(struct tty *t, unsigned cmd, u64 arg, struct termios2 *s)
{
	bool speeds_too = cmd == TCSETS2 || cmd == TCSETSW2 || cmd == TCSETSF2;
	struct termio old;

	*s = settings_of(t);
	if (cmd == TCSETA || cmd == TCSETAW || cmd == TCSETAF) {
		if (copy_from_user(&old, (const void __user *)arg, sizeof(old)))
			return -EFAULT;
		from_old(s, &old);
	} else if (copy_from_user(s, (const void __user *)arg,
				  speeds_too ? sizeof(*s) : sizeof(struct termios))) {
		return -EFAULT;
	}
	complete_speeds(s);
	if (t->driver->is_pty)
		s->c_cflag = (s->c_cflag & ~(u32)(CSIZE | PARENB)) | CS8 | CREAD;
	return 0;
}

/* Do the keys for stopping output have their usual meaning? A master in packet mode wants to know. [lock] */
static bool usual_flow_keys(const struct tty *t)
{
	return (t->settings.c_iflag & IXON) && t->settings.c_cc[VSTOP] == 0x13 &&
	       t->settings.c_cc[VSTART] == 0x11;
}

static u32 keep(u32 new, u32 now, u32 fixed)
{
	return (new & ~fixed) | (now & fixed);
}

static void keep_fixed(const struct tty *t, struct termios2 *s)
{
	const struct termios2 *now = &t->settings, *fixed = &t->fixed;

	s->c_iflag = keep(s->c_iflag, now->c_iflag, fixed->c_iflag);
	s->c_oflag = keep(s->c_oflag, now->c_oflag, fixed->c_oflag);
	s->c_cflag = keep(s->c_cflag, now->c_cflag, fixed->c_cflag);
	s->c_lflag = keep(s->c_lflag, now->c_lflag, fixed->c_lflag);
	s->c_line = fixed->c_line ? now->c_line : s->c_line;
	for (size_t i = 0; i < NCCS; i++)
		s->c_cc[i] = fixed->c_cc[i] ? now->c_cc[i] : s->c_cc[i];
}

int tty_get_fixed(struct tty *t, u64 arg)
{
	struct termios2 s;

	mutex_lock(&t->lock);
	s = t->fixed;
	mutex_unlock(&t->lock);
	return copy_to_user((void __user *)arg, &s, sizeof(struct termios)) ? -EFAULT : 0;
}

int tty_set_fixed(struct tty *t, u64 arg)
{
	struct termios2 s = {0};
	struct tty_caller c;

	tty_tasks->caller(&c);
	if (!c.privileged)
		return -EPERM;
	if (copy_from_user(&s, (const void __user *)arg, sizeof(struct termios)))
		return -EFAULT;
	mutex_lock(&t->lock);
	t->fixed = s;
	mutex_unlock(&t->lock);
	return 0;
}

static void apply(struct tty *t, const struct termios2 *wanted)
{
	struct termios2 new = *wanted, *s = &new;
	u32 old = t->settings.c_lflag;
	bool usual = usual_flow_keys(t);

	keep_fixed(t, s);
	t->settings = new;
	tty_input_mode_changed(t, old);
	if (t->packet && usual != usual_flow_keys(t)) {
		t->packet_status &= (u8) ~(usual ? TIOCPKT_DOSTOP : TIOCPKT_NOSTOP);
		t->packet_status |= usual ? TIOCPKT_NOSTOP : TIOCPKT_DOSTOP;
	}
	if (t->packet && ((old | s->c_lflag) & EXTPROC))
		t->packet_status |= TIOCPKT_IOCTL;
	if (!(s->c_iflag & IXON) && !t->held)
		tty_set_stopped(t, false);
}

int tty_set_settings(struct tty *t, unsigned cmd, u64 arg)
{
	bool flush = cmd == TCSETSF || cmd == TCSETSF2 || cmd == TCSETAF;
	bool now = cmd == TCSETS || cmd == TCSETS2 || cmd == TCSETA;
	struct termios2 s;
	int err = tty_check_job(t, SIGTTOU);

	if (!err)
		err = fetch(t, cmd, arg, &s);
	if (!err && !now)
		err = tty_drain(t);
	if (err)
		return err;
	mutex_lock(&t->lock);
	if (flush)
		tty_drop_typed(t);
	apply(t, &s);
	tty_advance(t);
	mutex_unlock(&t->lock);
	tty_kick(t);
	return 0;
}
