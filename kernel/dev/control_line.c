/* SPDX-License-Identifier: MIT */
/*
 * The lines that the host sends on the control port, as values. Pure.
 */
#include <moat/control.h>
#include <moat/parse.h>
#include <moat/string.h>

#define WORD_CHARS 24
#define SIGNAL_MAX 64

/* The word at *text, which moves behind it; empty at the end. */
static void next_word(const char **text, char *out, size_t size)
{
	const char *start = *text;

	while (*start == ' ')
		start++;
	const char *end = start;
	while (*end && *end != ' ')
		end++;
	size_t len = MIN((size_t)(end - start), size - 1);
	memcpy(out, start, len);
	out[len] = '\0';
	*text = end;
}

/* The next word as a number in [min, max]. */
static bool next_number(const char **text, u64 min, u64 max, u64 *out)
{
	char word[WORD_CHARS];

	next_word(text, word, sizeof(word));
	return parse_u64(word, out) == 0 && *out >= min && *out <= max;
}

static bool at_end_of_line(const char *text)
{
	while (*text == ' ')
		text++;
	return *text == '\0';
}

void control_parse(const char *line, struct control_line *out)
{
	char verb[WORD_CHARS];
	u64 first, second;

	*out = (struct control_line){.verb = CONTROL_UNKNOWN};
	next_word(&line, verb, sizeof(verb));
	if (strcmp(verb, "signal") == 0 && next_number(&line, 1, SIGNAL_MAX, &first)) {
		out->verb = CONTROL_SIGNAL;
		out->signal = (int)first;
	} else if (strcmp(verb, "winsize") == 0 && next_number(&line, 0, UINT16_MAX, &first) &&
		   next_number(&line, 0, UINT16_MAX, &second)) {
		out->verb = CONTROL_WINSIZE;
		out->rows = (u16)first;
		out->cols = (u16)second;
	}
	if (!at_end_of_line(line))
		out->verb = CONTROL_UNKNOWN;
}
