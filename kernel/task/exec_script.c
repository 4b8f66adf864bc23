/* SPDX-License-Identifier: MIT */
/*
 * Scripts: `#! interpreter [argument]` (execve(2), "Interpreter scripts").
 *
 * 255 bytes of the line count. The argument may be cut off there, as in Linux, the interpreter's path may
 * not: a program other than the one that was meant would run.
 */
#include <asm/errno.h>

#include <moat/string.h>

#include "exec_script.h"

#define MARK_BYTES 2 /* "#!" */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static u32 skip_blanks(const char *text, u32 from, u32 end)
{
	while (from < end && is_blank(text[from]))
		from++;
	return from;
}

/* The first blank or NUL at or after `from`; `end` when there is none. */
static u32 word_end(const char *text, u32 from, u32 end)
{
	while (from < end && text[from] && !is_blank(text[from]))
		from++;
	return from;
}

bool script_is_one(const void *bytes, size_t len)
{
	return len >= MARK_BYTES && memcmp(bytes, "#!", MARK_BYTES) == 0;
}

int script_parse(const void *bytes, size_t len, struct script_line *out)
{
	char *text = out->text;
	const char *newline;
	u32 end, name, name_end, argument;

	memset(out, 0, sizeof(*out));
	memcpy(text, bytes, MIN(len, sizeof(out->text)));
	newline = memchr(text, '\n', sizeof(out->text));
	if (newline) {
		end = (u32)(newline - text);
	} else {
		/* A path that fills the bytes to the last has lost its end. */
		name = skip_blanks(text, MARK_BYTES, SCRIPT_LINE_BYTES);
		if (word_end(text, name, SCRIPT_LINE_BYTES) == SCRIPT_LINE_BYTES)
			return -ENOEXEC;
		end = SCRIPT_LINE_BYTES - 1;
	}
	while (end > MARK_BYTES && is_blank(text[end - 1]))
		end--;
	name = skip_blanks(text, MARK_BYTES, end);
	if (name == end)
		return -ENOEXEC;
	name_end = word_end(text, name, end);
	argument = skip_blanks(text, name_end, end);

	out->interpreter = text + name;
	if (argument > name_end && argument < end)
		out->argument = text + argument;
	text[end] = 0;
	text[name_end] = 0;
	return 0;
}
