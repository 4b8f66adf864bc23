/* SPDX-License-Identifier: MIT */
/*
 * Reading from a terminal: lines in canonical mode, else what VMIN and VTIME ask for (termios(3)).
 *
 *     VMIN  VTIME   a read ends
 *      >0     0     when VMIN bytes are there
 *       0     0     at once
 *      >0    >0     when VMIN bytes are there, or VTIME tenths after the last byte; it waits for the first for ever
 *       0    >0     at the first byte, or after VTIME tenths
 */
#include <arch/timer.h>
#include <asm/errno.h>
#include <asm/signal.h>
#include <linux/fcntl.h>
#include <moat/string.h>
#include "tty.h"

#define NS_PER_TENTH 100000000ull
#define NEVER	     UINT64_MAX

static bool is_canonical(const struct tty *t)
{
	return tty_flag(t, ICANON) && !tty_flag(t, EXTPROC);
}

bool tty_has_input(const struct tty *t, bool poll)
{
	const struct tty_input *in = &t->input;
	u32 wanted = 1;

	if (is_canonical(t))
		return in->lines != in->tail;
	if (poll && !t->settings.c_cc[VTIME] && t->settings.c_cc[VMIN])
		wanted = t->settings.c_cc[VMIN];
	return in->head - in->tail >= wanted;
}

static bool ends_line(const struct tty_input *in, u32 position)
{
	u32 i = position % TTY_INPUT_BYTES;

	return in->ends[i / 64] >> i % 64 & 1;
}

static u8 at(const struct tty_input *in, u32 position)
{
	return in->bytes[position % TTY_INPUT_BYTES];
}

/* VEOF was typed there: ends a line, and is no byte of it. */
static bool is_end_of_file(const struct tty_input *in, u32 position)
{
	return ends_line(in, position) && at(in, position) == 0;
}

size_t tty_unread(const struct tty *t)
{
	const struct tty_input *in = &t->input;
	size_t n = 0;

	if (!is_canonical(t))
		return in->head - in->tail;
	for (u32 p = in->tail; p != in->lines; p++)
		n += !is_end_of_file(in, p);
	return n;
}

static void leave(struct tty_input *in, u32 position)
{
	in->ends[position % TTY_INPUT_BYTES / 64] &= ~(1ull << position % 64);
	in->tail = position + 1;
}

/*
 * Takes up to `max` bytes of the first line, its end included; *ended: the line is over. An end of file right behind a full
 * buffer goes with it. [lock]
 */
static size_t take_line(struct tty *t, u8 *out, size_t max, bool *ended)
{
	struct tty_input *in = &t->input;
	size_t n = 0;

	*ended = false;
	while (in->tail != in->lines && !*ended) {
		u32 p = in->tail;
		bool eof = is_end_of_file(in, p) && !(in->pushed && p + 1 == in->lines);

		if (n == max && !eof)
			break;
		*ended = ends_line(in, p);
		if (!eof)
			out[n++] = at(in, p);
		leave(in, p);
	}
	if (*ended)
		in->pushed = false;
	return n;
}

static size_t take_bytes(struct tty *t, u8 *out, size_t max)
{
	struct tty_input *in = &t->input;
	size_t n = MIN(max, in->head - in->tail);

	for (size_t i = 0; i < n; i++)
		out[i] = at(in, in->tail + (u32)i);
	in->tail += (u32)n;
	in->lines = in->tail;
	return n;
}

struct reading {
	struct file *f;
	struct tty *t;
	struct uio *u;
	size_t done;
	size_t wanted;	 /* bytes after which it ends */
	u64 deadline_ns; /* NEVER: none */
	u64 between_ns;	 /* from byte to byte; 0: any time */
	bool over;	 /* a line has ended */
};

/* One piece to the program: 1 when there was something, 0, -EFAULT. */
static int move_piece(struct reading *r)
{
	u8 piece[256];
	struct tty *t = r->t;
	size_t want = MIN(r->u->left, sizeof(piece)), n = 0, moved;
	bool ended = false, any;

	mutex_lock(&t->lock);
	any = tty_has_input(t, false);
	if (any && is_canonical(t)) {
		n = take_line(t, piece, want, &ended);
		r->over = ended || t->input.lines == t->input.tail;
	} else if (any) {
		n = take_bytes(t, piece, want);
	}
	tty_advance(t);
	mutex_unlock(&t->lock);
	if (!any)
		return 0;
	tty_kick(t);
	moved = uio_copy_out(r->u, piece, n);
	r->done += moved;
	if (moved < n)
		return -EFAULT;
	return 1;
}

static bool has_ended(const struct reading *r)
{
	return tty_is_hung_up(r->f->private) || __atomic_load_n(&r->t->master_closed, __ATOMIC_ACQUIRE) ||
	       (__atomic_load_n(&r->t->input_ended, __ATOMIC_ACQUIRE) && !ring_used(&r->t->backlog));
}

/* A look without the lock: whoever makes it true wakes afterwards. */
static bool may_go_on(const struct reading *r)
{
	return tty_has_input(r->t, false) || has_ended(r);
}

static int wait_more(const struct reading *r)
{
	if (r->f->flags & O_NONBLOCK)
		return -EAGAIN;
	if (r->deadline_ns == NEVER)
		return WAIT_EVENT(&r->t->wait, may_go_on(r));
	int err = WAIT_EVENT_UNTIL(&r->t->wait, may_go_on(r), r->deadline_ns);
	return err == -ETIMEDOUT ? 0 : err;
}

static void begin(struct reading *r)
{
	const u8 *cc = r->t->settings.c_cc;

	mutex_lock(&r->t->lock);
	r->deadline_ns = NEVER;
	r->wanted = 1;
	if (!is_canonical(r->t) && cc[VMIN]) {
		r->wanted = cc[VMIN];
		r->between_ns = cc[VTIME] * NS_PER_TENTH;
	} else if (!is_canonical(r->t)) {
		r->deadline_ns = clock_monotonic_ns() + cc[VTIME] * NS_PER_TENTH;
	}
	mutex_unlock(&r->t->lock);
}

/* Until what was asked for is there. 0 or the error that ended it. */
static int read_bytes(struct reading *r)
{
	int err;

	while (r->u->left && !r->over) {
		int got = move_piece(r);

		if (got < 0)
			return got;
		if (got && r->between_ns)
			r->deadline_ns = clock_monotonic_ns() + r->between_ns;
		if (got)
			continue;
		if (r->done >= r->wanted)
			return 0;
		if (has_ended(r))
			return r->t->master_closed ? -EIO : 0;
		if (clock_monotonic_ns() >= r->deadline_ns)
			return 0;
		err = wait_more(r);
		if (err)
			return err;
	}
	return 0;
}

ssize_t tty_read(struct file *f, struct uio *u, u64 *offset)
{
	const struct tty_file *tf = f->private;
	struct reading r = {.f = f, .t = tf->tty, .u = u};
	int err;

	(void)offset;
	if (tty_is_hung_up(tf))
		return 0;
	err = tty_check_job(tf->tty, SIGTTIN);
	if (err)
		return err;
	begin(&r);
	err = read_bytes(&r);
	return r.done ? (ssize_t)r.done : err;
}
