/* SPDX-License-Identifier: MIT */
/*
 * What a terminal shows of what is typed, and how it takes it back (termios(3): the ECHO flags).
 *
 * Echo goes to the output like everything else. When the output is full because nobody reads it, echo is lost: who
 * types must not have to wait.
 */
#include <moat/string.h>
#include "tty.h"

#define TAB_WIDTH 8u

void tty_echo_raw(struct tty *t, u8 c)
{
	if (ring_room(&t->output) >= TAB_WIDTH)
		tty_put_out(t, c);
}

void tty_echo(struct tty *t, u8 c)
{
	if (!is_control(c) || c == '\t' || !tty_flag(t, ECHOCTL)) {
		tty_echo_raw(t, c);
	} else if (ring_room(&t->output) >= 2) {
		tty_put_raw(t, '^');
		tty_put_raw(t, c ^ 0x40);
		t->column += 2;
	}
}

void tty_finish_erasing(struct tty *t)
{
	if (t->input.erasing)
		tty_echo_raw(t, '/');
	t->input.erasing = false;
}

void tty_echo_typed(struct tty *t, u8 c)
{
	tty_finish_erasing(t);
	if (t->input.head == t->input.lines)
		t->input.start_column = t->column;
	tty_echo(t, c);
}

static u8 at(const struct tty_input *in, u32 position)
{
	return in->bytes[position % TTY_INPUT_BYTES];
}

/* Columns that the tab at the line's end takes, counted from the tab before it or from where the line begins. */
static u32 tab_columns(const struct tty *t)
{
	const struct tty_input *in = &t->input;
	u32 width = 0, p = in->head;

	for (;;) {
		u8 c;

		if (p == in->lines) {
			width += in->start_column;
			break;
		}
		c = at(in, --p);
		if (c == '\t')
			break;
		if (is_control(c))
			width += tty_flag(t, ECHOCTL) ? 2 : 0;
		else
			width += !is_continuation(t, c);
	}
	return TAB_WIDTH - width % TAB_WIDTH;
}

/* Takes `columns` off the screen; a tab leaves nothing to wipe. */
static void rub_out(struct tty *t, u32 columns, bool wipe)
{
	while (columns--) {
		if (wipe) {
			tty_echo_raw(t, '\b');
			tty_echo_raw(t, ' ');
			tty_echo_raw(t, '\b');
		} else if (ring_room(&t->output) > 0) {
			tty_put_raw(t, '\b');
			t->column -= t->column > 0;
		}
	}
}

/* ECHOPRT: what is erased is printed, backwards, between \ and /. The rest of a character follows its first byte. */
static void print_erased(struct tty *t, u32 bytes)
{
	struct tty_input *in = &t->input;

	if (!in->erasing)
		tty_echo_raw(t, '\\');
	in->erasing = true;
	tty_echo(t, at(in, in->head));
	for (u32 i = 1; i < bytes; i++)
		tty_echo_raw(t, at(in, in->head + i));
}

/* The character of `bytes` bytes at the new end of the line has just been taken off it. */
static void show_erased(struct tty *t, u8 key, u32 bytes)
{
	u8 c = at(&t->input, t->input.head);

	if (tty_flag(t, ECHOPRT))
		print_erased(t, bytes);
	else if (key == t->settings.c_cc[VERASE] && !tty_flag(t, ECHOE))
		tty_echo(t, key);
	else if (c == '\t')
		rub_out(t, tab_columns(t), false);
	else if (is_control(c))
		rub_out(t, tty_flag(t, ECHOCTL) ? 2 : 0, true);
	else
		rub_out(t, 1, true);
}

/* Length of the last character, 0 when its first byte is in an earlier line. */
static u32 last_character(const struct tty *t)
{
	const struct tty_input *in = &t->input;
	u32 p = in->head;
	u8 c;

	do
		c = at(in, --p);
	while (is_continuation(t, c) && p != in->lines);
	return is_continuation(t, c) ? 0 : in->head - p;
}

/* Linux reads bytes above 127 as Latin-1 here. */
static bool is_word(u8 c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_' ||
	       (c >= 0xc0 && c != 0xd7 && c != 0xf7);
}

/* VKILL where the line is not wiped off the screen. */
static void kill_line(struct tty *t)
{
	t->input.head = t->input.lines;
	if (!tty_flag(t, ECHO))
		return;
	tty_finish_erasing(t);
	tty_echo(t, t->settings.c_cc[VKILL]);
	if (tty_flag(t, ECHOK))
		tty_echo_raw(t, '\n');
}

void tty_erase(struct tty *t, u8 key)
{
	struct tty_input *in = &t->input;
	bool one = key == t->settings.c_cc[VERASE], word = !one && key == t->settings.c_cc[VWERASE];
	bool in_word = false;

	if (in->head == in->lines)
		return;
	if (!one && !word &&
	    (!tty_flag(t, ECHO) || !tty_flag(t, ECHOK) || !tty_flag(t, ECHOKE) || !tty_flag(t, ECHOE))) {
		kill_line(t);
		return;
	}
	while (in->head != in->lines) {
		u32 bytes = last_character(t);
		bool of_word;

		if (!bytes)
			break;
		of_word = is_word(at(in, in->head - bytes));
		if (word && in_word && !of_word)
			break;
		in_word |= of_word;
		in->head -= bytes;
		if (tty_flag(t, ECHO))
			show_erased(t, key, bytes);
		if (one)
			break;
	}
	if (in->head == in->lines && tty_flag(t, ECHO))
		tty_finish_erasing(t);
}
