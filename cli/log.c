/* SPDX-License-Identifier: MIT */
/*
 * The text of the debug console: nothing in an ordinary run, the kernel log or the trace of system calls
 * when asked for, and always the report of a panic, which begins with the mark PANIC_MARK at the start of a
 * line. The filter works on whole lines; one that is too long for its buffer is treated as several.
 */
#include "log.h"

#include <string.h>

#include "output.h"
#include "terminal.h"

#define PANIC_MARK "moat-panic: "

/* A terminal that is raw wants a return before the newline. */
static void show_line(const struct log_filter *f)
{
	bool newline = f->length > 0 && f->line[f->length - 1] == '\n';

	if (newline && terminal_is_raw()) {
		(void)output_write(f->to, f->line, f->length - 1);
		(void)output_write(f->to, "\r\n", 2);
	} else {
		(void)output_write(f->to, f->line, f->length);
	}
}

static void take_line(struct log_filter *f)
{
	size_t text = f->length, mark = strlen(PANIC_MARK);

	if (text > 0 && f->line[text - 1] == '\n')
		text--;
	if (!f->panicked && text >= mark && memcmp(f->line, PANIC_MARK, mark) == 0) {
		f->panicked = true;
		memcpy(f->panic, f->line + mark, text - mark);
		f->panic[text - mark] = '\0';
	}
	/* A reader of standard error that has gone must not end the run: its error is not looked at. */
	if (f->show == LOG_SHOW_ALL || (f->show == LOG_SHOW_TRACE && !f->panicked))
		show_line(f);
	f->length = 0;
}

/** log_take - take `bytes` more bytes of the text. */
void log_take(struct log_filter *filter, const char *data, size_t bytes)
{
	while (bytes > 0) {
		const char *newline = memchr(data, '\n', bytes);
		size_t room = sizeof(filter->line) - filter->length;
		size_t part = newline ? (size_t)(newline - data) + 1 : bytes;

		part = part < room ? part : room;
		memcpy(filter->line + filter->length, data, part);
		filter->length += part;
		data += part;
		bytes -= part;
		if (filter->length == sizeof(filter->line) || filter->line[filter->length - 1] == '\n')
			take_line(filter);
	}
}

/** log_finish - take what is left when the text has ended. */
void log_finish(struct log_filter *filter)
{
	if (filter->length > 0)
		take_line(filter);
}
