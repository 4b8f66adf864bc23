/* SPDX-License-Identifier: MIT */
/*
 * The line discipline: what becomes of each byte that is typed (termios(3)).
 *
 *     flow control (IXON) ─> signals (ISIG) ─> CR and NL (ICRNL…) ─> line editing (ICANON) ─> echo ─> input
 *
 * Input holds 4,095 bytes and the end of a line. While no line is complete what is typed beyond that is shown and replaces
 * the last byte, so that the line can still be edited and ended; in every other case it waits in the backlog, and when that is
 * full, with who types.
 */
#include <asm/signal.h>
#include <moat/string.h>
#include "tty.h"

#define END_OF_FILE 0 /* what stands in the input where VEOF was typed: with its bit set, it is not read */
#define MARK	    0xff

static bool has(const struct tty *t, u32 input_flag)
{
	return t->settings.c_iflag & input_flag;
}

/* Is c that special character? 0 switches one off. */
static bool is_key(const struct tty *t, u8 c, unsigned which)
{
	return c && c == t->settings.c_cc[which];
}

static void put(struct tty *t, u8 c)
{
	struct tty_input *in = &t->input;

	in->bytes[in->head % TTY_INPUT_BYTES] = c;
	in->head++;
}

static void mark_end(struct tty_input *in, u32 position, bool end)
{
	u32 i = position % TTY_INPUT_BYTES;

	if (end)
		in->ends[i / 64] |= 1ull << i % 64;
	else
		in->ends[i / 64] &= ~(1ull << i % 64);
}

static void put_line_end(struct tty *t, u8 c)
{
	mark_end(&t->input, t->input.head, true);
	put(t, c);
	t->input.lines = t->input.head;
}

void tty_flush_input(struct tty *t)
{
	struct tty_input *in = &t->input;

	memset(in->ends, 0, sizeof(in->ends));
	in->head = in->tail = in->lines = 0;
	in->erasing = in->literal_next = in->pushed = false;
	if (t->packet)
		t->packet_status |= TIOCPKT_FLUSHREAD;
}

void tty_drop_typed(struct tty *t)
{
	tty_flush_input(t);
	__atomic_store_n(&t->backlog.tail, t->backlog.head, __ATOMIC_RELEASE);
}

/* What a master could have read already stays: on Linux it is on the other side by then. */
void tty_flush_output(struct tty *t)
{
	struct tty_ring *r = &t->output;
	u32 kept = t->driver->is_pty ? MIN(ring_used(r), TTY_INPUT_BYTES) : 0;

	__atomic_store_n(&r->head, r->tail + kept, __ATOMIC_RELEASE);
	if (t->packet)
		t->packet_status |= TIOCPKT_FLUSHWRITE;
}

void tty_input_mode_changed(struct tty *t, u32 old)
{
	struct tty_input *in = &t->input;

	if (!((old ^ t->settings.c_lflag) & (ICANON | EXTPROC)))
		return;
	memset(in->ends, 0, sizeof(in->ends));
	in->erasing = in->literal_next = false;
	in->pushed = tty_flag(t, ICANON) && in->head != in->tail;
	in->lines = in->pushed ? in->head : in->tail;
	if (in->pushed)
		mark_end(in, in->head - 1, true);
}

static void signal_key(struct tty *t, u8 c, int signo)
{
	int foreground = __atomic_load_n(&t->foreground, __ATOMIC_RELAXED);

	if (foreground)
		tty_tasks->signal_group(foreground, signo);
	if (!tty_flag(t, NOFLSH)) {
		/* Linux shows the echo of what was typed in one go at its end, and it is not shown now. */
		__atomic_store_n(&t->output.head, t->echo_start, __ATOMIC_RELEASE);
		tty_flush_output(t);
		tty_flush_input(t);
		t->echo_start = t->output.head;
	}
	if (has(t, IXON))
		tty_set_stopped(t, false);
	if (tty_flag(t, ECHO))
		tty_echo(t, c);
}

/* Keys that are not input at all. */
static bool control_key(struct tty *t, u8 c)
{
	if (has(t, IXON) && is_key(t, c, VSTART)) {
		if (!t->held)
			tty_set_stopped(t, false);
		return true;
	}
	if (has(t, IXON) && is_key(t, c, VSTOP)) {
		tty_set_stopped(t, true);
		return true;
	}
	if (!tty_flag(t, ISIG))
		return false;
	if (is_key(t, c, VINTR))
		signal_key(t, c, SIGINT);
	else if (is_key(t, c, VQUIT))
		signal_key(t, c, SIGQUIT);
	else if (is_key(t, c, VSUSP))
		signal_key(t, c, SIGTSTP);
	else
		return false;
	return true;
}

/* VREPRINT: the line once more. */
static void reprint(struct tty *t, u8 c)
{
	const struct tty_input *in = &t->input;

	tty_finish_erasing(t);
	tty_echo(t, c);
	tty_echo_raw(t, '\n');
	for (u32 p = in->lines; p != in->head; p++)
		tty_echo(t, in->bytes[p % TTY_INPUT_BYTES]);
}

/* Keys that edit the line. */
static bool editing_key(struct tty *t, u8 c)
{
	bool extended = tty_flag(t, IEXTEN);

	if (is_key(t, c, VERASE) || is_key(t, c, VKILL) || (extended && is_key(t, c, VWERASE))) {
		tty_erase(t, c);
	} else if (extended && is_key(t, c, VLNEXT)) {
		t->input.literal_next = true;
		if (tty_flag(t, ECHO))
			tty_finish_erasing(t);
		if (tty_flag(t, ECHO) && tty_flag(t, ECHOCTL)) {
			tty_echo_raw(t, '^');
			tty_echo_raw(t, '\b');
		}
	} else if (extended && tty_flag(t, ECHO) && is_key(t, c, VREPRINT)) {
		reprint(t, c);
	} else {
		return false;
	}
	return true;
}

/* Keys that end the line. */
static bool ending_key(struct tty *t, u8 c)
{
	if (c == '\n') {
		if (tty_flag(t, ECHO | ECHONL))
			tty_echo_raw(t, c);
	} else if (is_key(t, c, VEOF)) {
		c = END_OF_FILE;
	} else if (is_key(t, c, VEOL) || (tty_flag(t, IEXTEN) && is_key(t, c, VEOL2))) {
		if (tty_flag(t, ECHO))
			tty_echo_typed(t, c);
		if (c == MARK && has(t, PARMRK))
			put(t, c);
	} else {
		return false;
	}
	put_line_end(t, c);
	return true;
}

static void accept(struct tty *t, u8 c, bool literal)
{
	if (tty_flag(t, ECHO)) {
		if (c == '\n' && !literal) {
			tty_finish_erasing(t);
			tty_echo_raw(t, c);
		} else {
			tty_echo_typed(t, c);
		}
	}
	if (c == MARK && has(t, PARMRK))
		put(t, c);
	put(t, c);
}

static void receive(struct tty *t, u8 c)
{
	bool literal = t->input.literal_next;

	t->input.literal_next = false;
	if (has(t, ISTRIP))
		c &= 0x7f;
	if (has(t, IUCLC) && tty_flag(t, IEXTEN) && c >= 'A' && c <= 'Z')
		c = (u8)(c - 'A' + 'a');
	if (!literal && control_key(t, c))
		return;
	if (t->stopped && !t->held && has(t, IXON) && has(t, IXANY))
		tty_set_stopped(t, false);
	if (!literal) {
		if (c == '\r' && has(t, IGNCR))
			return;
		if (c == '\r' && has(t, ICRNL))
			c = '\n';
		else if (c == '\n' && has(t, INLCR))
			c = '\r';
		if (tty_flag(t, ICANON) && (editing_key(t, c) || ending_key(t, c)))
			return;
	}
	accept(t, c, literal);
}

/* Can one more byte be taken? PARMRK may make two of it. */
static bool make_room(struct tty *t)
{
	struct tty_input *in = &t->input;
	u32 room = TTY_INPUT_BYTES - 1 - MIN(in->head - in->tail, TTY_INPUT_BYTES - 1);

	if (room > (has(t, PARMRK) ? 1 : 0))
		return true;
	if (!tty_flag(t, ICANON) || in->lines != in->tail)
		return false;
	if (in->head - in->tail >= TTY_INPUT_BYTES)
		in->head--;
	return true;
}

void tty_advance(struct tty *t)
{
	struct tty_ring *b = &t->backlog;

	t->echo_start = t->output.head;
	while (ring_used(b) && make_room(t)) {
		u8 c = b->bytes[b->tail % TTY_RING_BYTES];

		__atomic_store_n(&b->tail, b->tail + 1, __ATOMIC_RELEASE);
		receive(t, c);
	}
}

size_t tty_type(struct tty *t, const u8 *bytes, size_t n)
{
	struct tty_ring *b = &t->backlog;
	size_t taken;

	n = MIN(n, ring_room(b));
	for (taken = 0; taken < n; taken++)
		b->bytes[(b->head + taken) % TTY_RING_BYTES] = bytes[taken];
	__atomic_store_n(&b->head, b->head + (u32)n, __ATOMIC_RELEASE);
	tty_advance(t);
	return taken;
}
