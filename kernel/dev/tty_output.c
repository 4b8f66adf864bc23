/* SPDX-License-Identifier: MIT */
/*
 * Output of a terminal: what OPOST makes of it (termios(3)), and the ring in which it waits for the far end.
 *
 * A writer holds write_lock for its whole write, so that two writes do not mix; the terminal's lock is let go between pieces
 * and never held around a copy, so that keys are answered meanwhile.
 */
#include <asm/errno.h>
#include <asm/signal.h>
#include <linux/fcntl.h>
#include <linux/tty.h>
#include <moat/string.h>
#include "tty.h"

#define PIECE_BYTES 512u
#define GROWTH_MAX  8u /* bytes that one byte becomes at most: a tab */
#define TAB_WIDTH   8u

void tty_put_raw(struct tty *t, u8 c)
{
	struct tty_ring *r = &t->output;

	if (ring_room(r) == 0)
		return;
	r->bytes[r->head % TTY_RING_BYTES] = c;
	__atomic_store_n(&r->head, r->head + 1, __ATOMIC_RELEASE);
}

static void put_newline(struct tty *t)
{
	u32 how = t->settings.c_oflag;

	if (how & (ONLCR | ONLRET))
		t->column = 0;
	if (how & ONLCR)
		tty_put_raw(t, '\r');
	t->input.start_column = t->column;
	tty_put_raw(t, '\n');
}

static void put_return(struct tty *t)
{
	u32 how = t->settings.c_oflag;

	if ((how & ONOCR) && t->column == 0)
		return;
	if (!(how & OCRNL) || (how & ONLRET))
		t->input.start_column = t->column = 0;
	tty_put_raw(t, how & OCRNL ? '\n' : '\r');
}

static void put_tab(struct tty *t)
{
	u32 spaces = TAB_WIDTH - t->column % TAB_WIDTH;

	t->column += spaces;
	if ((t->settings.c_oflag & TABDLY) != XTABS) {
		tty_put_raw(t, '\t');
		return;
	}
	while (spaces--)
		tty_put_raw(t, ' ');
}

void tty_put_out(struct tty *t, u8 c)
{
	u32 how = t->settings.c_oflag;

	if (!(how & OPOST)) {
		tty_put_raw(t, c);
		return;
	}
	switch (c) {
	case '\n':
		put_newline(t);
		return;
	case '\r':
		put_return(t);
		return;
	case '\t':
		put_tab(t);
		return;
	case '\b':
		t->column -= t->column > 0;
		break;
	default:
		if ((how & OLCUC) && c >= 'a' && c <= 'z')
			c = (u8)(c - 'a' + 'A');
		if (!is_control(c) && !is_continuation(t, c))
			t->column++;
	}
	tty_put_raw(t, c);
}

void tty_set_stopped(struct tty *t, bool stopped)
{
	if (t->stopped == stopped)
		return;
	__atomic_store_n(&t->stopped, stopped, __ATOMIC_RELEASE);
	if (t->packet) {
		t->packet_status &= (u8) ~(stopped ? TIOCPKT_START : TIOCPKT_STOP);
		t->packet_status |= stopped ? TIOCPKT_STOP : TIOCPKT_START;
	}
}

void tty_kick(struct tty *t)
{
	if (t->driver->start && ring_used(&t->output) && !__atomic_load_n(&t->stopped, __ATOMIC_ACQUIRE))
		t->driver->start(t);
	waitq_wake_all(&t->wait);
}

static bool may_write(const struct tty *t)
{
	return ring_room(&t->output) >= GROWTH_MAX && !__atomic_load_n(&t->stopped, __ATOMIC_ACQUIRE);
}

/* 0; -EIO when nobody will ever see it. */
static int check_far_end(const struct tty_file *tf)
{
	return tty_is_hung_up(tf) || __atomic_load_n(&tf->tty->master_closed, __ATOMIC_ACQUIRE) ? -EIO : 0;
}

/* Puts out as much as there is room for, and returns that. */
static size_t put_piece(struct tty *t, const u8 *bytes, size_t n)
{
	size_t done = 0;

	mutex_lock(&t->lock);
	while (done < n && may_write(t))
		tty_put_out(t, bytes[done++]);
	mutex_unlock(&t->lock);
	return done;
}

/* A piece in kernel memory, waiting as long as it takes: *done bytes; 0, -EAGAIN, -EINTR, -EIO. */
static int write_piece(const struct file *f, const u8 *bytes, size_t n, size_t *done)
{
	const struct tty_file *tf = f->private;
	struct tty *t = tf->tty;
	int err;

	for (*done = 0;;) {
		err = check_far_end(tf);
		if (err)
			return err;
		*done += put_piece(t, bytes + *done, n - *done);
		if (*done == n)
			return 0;
		tty_kick(t);
		if (may_write(t))
			continue;
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		err = WAIT_EVENT(&t->wait, may_write(t) || check_far_end(tf));
		if (err)
			return err;
	}
}

/*
 * write_lock held. A byte that was copied but found no room is not counted: the program writes it again. What was put out is
 * sent once, at the end, or when there is no more room.
 */
static ssize_t write_all(const struct file *f, struct uio *u)
{
	u8 piece[PIECE_BYTES];
	ssize_t total = 0;
	int err = 0;

	while (u->left && !err) {
		size_t want = MIN(u->left, sizeof(piece)), copied = uio_copy_in(u, piece, want), done;

		err = write_piece(f, piece, copied, &done);
		total += (ssize_t)done;
		if (!err && copied < want)
			err = -EFAULT;
	}
	if (total)
		tty_kick(((const struct tty_file *)f->private)->tty);
	return total ? total : err;
}

ssize_t tty_write(struct file *f, struct uio *u, u64 *offset)
{
	const struct tty_file *tf = f->private;
	struct tty *t = tf->tty;
	ssize_t n = check_far_end(tf);

	(void)offset;
	if (!n && tty_flag(t, TOSTOP))
		n = tty_check_job(t, SIGTTOU);
	if (n)
		return n;
	if (!mutex_trylock(&t->write_lock)) {
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		mutex_lock(&t->write_lock);
	}
	n = write_all(f, u);
	mutex_unlock(&t->write_lock);
	return n;
}

int tty_drain(struct tty *t)
{
	int err =
		t->driver->is_pty
			? 0
			: WAIT_EVENT(&t->wait, ring_used(&t->output) == 0 ||
						       __atomic_load_n(&t->master_closed, __ATOMIC_ACQUIRE));

	return err || !t->driver->drain ? err : t->driver->drain(t);
}
