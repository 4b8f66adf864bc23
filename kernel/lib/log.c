/* SPDX-License-Identifier: MIT */
/*
 * The log ring and the way to its sink.
 *
 * A message is formatted on the caller's stack, then its bytes are reserved in the ring by one atomic
 * addition, then copied: writers never wait for one another, so a message may be written from an interrupt,
 * an NMI or a panic that hit in the middle of another one. The price: a reader that comes while a writer
 * copies may see old bytes in that message's place. The ring is read when something went wrong, not to decide
 * anything.
 *
 * `head` counts all bytes ever reserved; byte i of the log lies at i modulo the size.
 */
#include <moat/log.h>
#include <moat/printf.h>
#include <moat/string.h>

#define RING_BYTES    KIB(16)
#define MESSAGE_BYTES 320 /* a longer message is cut, and ends in CUT_MARK */

static const char CUT_MARK[] = "...\n";

static char ring[RING_BYTES];		    /* [a] bytewise */
static u64 head;			    /* [a] */
static const struct log_sink *current_sink; /* [a] */

static void ring_write(const char *text, size_t len)
{
	u64 at = __atomic_fetch_add(&head, len, __ATOMIC_RELAXED);

	for (size_t i = 0; i < len; i++)
		__atomic_store_n(&ring[(at + i) % RING_BYTES], text[i], __ATOMIC_RELAXED);
}

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

	va_start(ap, fmt);
	size_t len = format_line(line, fmt, ap);
	va_end(ap);
	ring_write(line, len);
	if (sink && sink->live)
		sink->write(line, len);
}

void log_force_bytes(const char *text, size_t len)
{
	const struct log_sink *sink = __atomic_load_n(&current_sink, __ATOMIC_ACQUIRE);

	ring_write(text, len);
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

size_t log_read(char *buf, size_t size)
{
	u64 end = __atomic_load_n(&head, __ATOMIC_ACQUIRE);
	size_t len = (size_t)MIN(MIN(end, RING_BYTES), size);

	for (size_t i = 0; i < len; i++)
		buf[i] = __atomic_load_n(&ring[(end - len + i) % RING_BYTES], __ATOMIC_RELAXED);
	return len;
}
