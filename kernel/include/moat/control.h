/* SPDX-License-Identifier: MIT */
/* room: dev */
/*
 * The control port: lines of text between the command and the kernel (docs/host-interface.md, Control lines).
 */
#ifndef MOAT_CONTROL_H
#define MOAT_CONTROL_H

#include <moat/types.h>

struct console_port;

enum control_verb {
	CONTROL_UNKNOWN,
	CONTROL_SIGNAL,
	CONTROL_WINSIZE,
};

struct control_line {
	enum control_verb verb;
	int signal;
	u16 rows, cols;
};

/* Reads one line, without its newline; CONTROL_UNKNOWN when it is malformed or out of range. Pure. */
void control_parse(const char *line, struct control_line *out);

/* The port that carries the lines. Boot. */
void control_attach(struct console_port *port);
/* Bytes from the host, in any pieces. Interrupt context, one caller at a time. */
void control_input(const char *bytes, size_t len);
/* As if the host had sent a line. Any context. */
void control_signal(int signal);
void control_winsize(u16 rows, u16 cols);
/* Sends what control_printf has collected and waits until the device has taken it. Process context. */
void control_flush(void);

#endif
