/* SPDX-License-Identifier: MIT */
/*
 * The control port: signals and window sizes come in, the report goes out.
 *
 * The task room says what a signal means (dev.h, struct control_ops). Until it has, signals wait here as a
 * bit set. Report lines are collected and sent in few pieces, because each one costs an exit from the
 * machine.
 */
#include <moat/console_port.h>
#include <moat/control.h>
#include <moat/dev.h>
#include <moat/printf.h>
#include <moat/string.h>

#define LINE_CHARS   64
#define REPORT_BYTES KIB(4)

static const struct control_ops *ops;	  /* [a] NULL until registered */
static u64 waiting_signals;		  /* [a] bit n - 1: signal n came before there were ops */
static struct console_port *control_port; /* [boot] */

/* [one caller at a time] the line that is being received; `skip`: too long, ignored up to its end */
static struct {
	char text[LINE_CHARS];
	size_t len;
	bool skip;
} incoming;

/* [the thread that ends the machine] */
static struct {
	char text[REPORT_BYTES];
	size_t len;
} report;

/* ---- host to guest ---- */

void control_signal(int signal)
{
	const struct control_ops *registered = __atomic_load_n(&ops, __ATOMIC_SEQ_CST);

	if (registered) {
		registered->signal(signal);
		return;
	}
	__atomic_fetch_or(&waiting_signals, (u64)1 << (signal - 1), __ATOMIC_SEQ_CST);
	/* control_register may have looked between our two steps. */
	if (__atomic_load_n(&ops, __ATOMIC_SEQ_CST))
		control_register(__atomic_load_n(&ops, __ATOMIC_SEQ_CST));
}

void control_winsize(u16 rows, u16 cols)
{
	terminal_set_winsize(rows, cols);
}

void control_register(const struct control_ops *registered)
{
	__atomic_store_n(&ops, registered, __ATOMIC_SEQ_CST);
	u64 waiting = __atomic_exchange_n(&waiting_signals, 0, __ATOMIC_SEQ_CST);
	for (; waiting; waiting &= waiting - 1)
		registered->signal(__builtin_ctzll(waiting) + 1);
}

static void handle_line(const char *text)
{
	struct control_line line;

	control_parse(text, &line);
	if (line.verb == CONTROL_SIGNAL)
		control_signal(line.signal);
	else if (line.verb == CONTROL_WINSIZE)
		control_winsize(line.rows, line.cols);
}

void control_input(const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] == '\n') {
			incoming.text[incoming.len] = '\0';
			if (!incoming.skip)
				handle_line(incoming.text);
			incoming.len = 0;
			incoming.skip = false;
		} else if (incoming.len < LINE_CHARS - 1) {
			incoming.text[incoming.len++] = bytes[i];
		} else {
			incoming.skip = true;
		}
	}
}

/* ---- guest to host ---- */

void control_attach(struct console_port *port)
{
	control_port = port;
}

static void send_report(void)
{
	if (control_port)
		console_port_print(control_port, report.text, report.len);
	report.len = 0;
}

void control_printf(const char *fmt, ...)
{
	char line[CONTROL_LINE_MAX];
	va_list ap;

	va_start(ap, fmt);
	size_t len = (size_t)kvsnprintf(line, sizeof(line) - 1, fmt, ap);
	va_end(ap);
	len = MIN(len, sizeof(line) - 2);
	if (len == 0 || line[len - 1] != '\n')
		line[len++] = '\n';
	if (report.len + len > REPORT_BYTES)
		send_report();
	memcpy(report.text + report.len, line, len);
	report.len += len;
}

void control_flush(void)
{
	send_report();
	if (control_port)
		console_port_stream_ops.flush(control_port);
}
