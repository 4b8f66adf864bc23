/* SPDX-License-Identifier: MIT */
/*
 * Reading the guest's report. The guest is not trusted: lines of any form may come, and those that are not
 * understood are passed over. Nothing is believed before the line `end`.
 */
#include "control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"

struct figure_line {
	const char *name;
	size_t offset; /* of the figure in struct guest_report */
};

static const struct figure_line figure_lines[] = {
	{"exit", offsetof(struct guest_report, exit)},
	{"signal", offsetof(struct guest_report, signal)},
	{"boot_ns", offsetof(struct guest_report, boot_ns)},
	{"user_ns", offsetof(struct guest_report, user_ns)},
	{"sys_ns", offsetof(struct guest_report, sys_ns)},
	{"peak_bytes", offsetof(struct guest_report, peak_bytes)},
	{"kernel_bytes", offsetof(struct guest_report, kernel_bytes)},
	{"minor", offsetof(struct guest_report, minor)},
	{"major", offsetof(struct guest_report, major)},
	{"cow", offsetof(struct guest_report, cow)},
	{"instructions", offsetof(struct guest_report, instructions)},
};

/* A decimal number that is all of `text`; false when it is not one. */
static bool parse_decimal(uint64_t *value, const char *text)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*value = strtoull(text, &end, 10);
	return *end == '\0' && errno == 0;
}

static bool parse_figure(struct guest_report *r, const char *key, const char *value)
{
	for (size_t i = 0; i < sizeof(figure_lines) / sizeof(figure_lines[0]); i++) {
		struct figure *figure = (struct figure *)(void *)((char *)r + figure_lines[i].offset);

		if (strcmp(key, figure_lines[i].name) != 0)
			continue;
		figure->known = parse_decimal(&figure->value, value);
		return true;
	}
	return false;
}

static void parse_exec_error(struct guest_report *r, char *value)
{
	char *text = strchr(value, ' ');

	if (text)
		*text++ = '\0';
	r->exec_errno.known = parse_decimal(&r->exec_errno.value, value);
	r->exec_text = text ? text : "";
}

static void parse_syscall(struct guest_report *r, char *value)
{
	char *space = strchr(value, ' ');
	uint64_t count;

	if (!space || !parse_decimal(&count, space + 1))
		return;
	*space = '\0';
	r->syscalls = must_grow(r->syscalls, r->syscall_count + 1, sizeof(*r->syscalls));
	r->syscalls[r->syscall_count++] = (struct syscall_count){.name = value, .count = count};
}

static void parse_unsupported(struct guest_report *r, const char *value)
{
	r->unsupported = must_grow(r->unsupported, r->unsupported_count + 1, sizeof(*r->unsupported));
	r->unsupported[r->unsupported_count++] = value;
}

static void parse_line(struct guest_report *r, char *line)
{
	char *value = strchr(line, ' ');

	if (value)
		*value++ = '\0';
	if (strcmp(line, "end") == 0)
		r->complete = true;
	else if (strcmp(line, "oom") == 0)
		r->oom = true;
	else if (!value || parse_figure(r, line, value))
		return;
	else if (strcmp(line, "explain") == 0)
		r->explain = value;
	else if (strcmp(line, "disk-error") == 0)
		r->disk_error = value;
	else if (strcmp(line, "exec-error") == 0)
		parse_exec_error(r, value);
	else if (strcmp(line, "syscall") == 0)
		parse_syscall(r, value);
	else if (strcmp(line, "unsupported") == 0)
		parse_unsupported(r, value);
}

/**
 * control_parse - read all lines that came over the control port.
 * @text: the lines, ended by a NUL byte. It is changed, and @report points into it.
 *
 * A last line without a newline has been cut off and is passed over. Give @report to control_free().
 */
void control_parse(struct guest_report *report, char *text)
{
	char *newline;

	*report = (struct guest_report){0};
	for (; !report->complete && (newline = strchr(text, '\n')); text = newline + 1) {
		*newline = '\0';
		parse_line(report, text);
	}
}

/** control_free - free the lists of a report. */
void control_free(struct guest_report *report)
{
	free(report->syscalls);
	free(report->unsupported);
}
