/* SPDX-License-Identifier: MIT */
/*
 * The log: lines of text on their way to a sink. A message is formatted on the caller's stack and handed over whole, so
 * it may be written from an interrupt, an NMI or a panic that hit in the middle of another one.
 *
 * Nothing is kept: a line that no sink wants is not even formatted, which counts at boot, where under an emulator each
 * piece of code that runs once costs far more than running it again.
 */
#include <moat/log.h>
#include <moat/printf.h>
#include <moat/string.h>

#define MESSAGE_BYTES 320 /* a longer message is cut, and ends in CUT_MARK */

static const char CUT_MARK[] = "...\n";

static const struct log_sink *current_sink; /* [a] */

/* Formats one line into buf, which ends in a newline; returns its length. */
static size_t format_line(char buf[MESSAGE_BYTES], const char *fmt, va_list ap)
{
	size_t len = (size_t)kvsnprintf(buf, MESSAGE_BYTES - 1, fmt, ap);

	if (len >= MESSAGE_BYTES - 1) {
		len = MESSAGE_BYTES - sizeof(CUT_MARK);
		memcpy(buf + len, CUT_MARK, sizeof(CUT_MARK));
		return len + sizeof(CUT_MARK) - 1;
	}
	if (len == 0 || buf[len - 1] != '\n')
		buf[len++] = '\n';
	return len;
}

void log_set_sink(const struct log_sink *sink)
{
	__atomic_store_n(&current_sink, sink, __ATOMIC_RELEASE);
}

void log_printf(const char *fmt, ...)
{
	const struct log_sink *sink = __atomic_load_n(&current_sink, __ATOMIC_ACQUIRE);
	char line[MESSAGE_BYTES];
	va_list ap;

	if (likely(!sink || !sink->live))
		return;
	va_start(ap, fmt);
	size_t len = format_line(line, fmt, ap);
	va_end(ap);
	sink->write(line, len);
}

void log_force_bytes(const char *text, size_t len)
{
	const struct log_sink *sink = __atomic_load_n(&current_sink, __ATOMIC_ACQUIRE);

	if (sink)
		sink->write(text, len);
}

void log_force(const char *fmt, ...)
{
	char line[MESSAGE_BYTES];
	va_list ap;

	va_start(ap, fmt);
	size_t len = format_line(line, fmt, ap);
	va_end(ap);
	log_force_bytes(line, len);
}
