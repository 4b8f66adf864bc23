/* SPDX-License-Identifier: MIT */
/*
 * The debug console of virtual machines (QEMU's isa-debugcon): each byte written to its port is text. It has
 * no state and cannot be busy, so that it works in any context.
 */
#include <arch/irq.h>
#include <moat/log.h>
#include <moat/textsink.h>

static u16 debug_port; /* [boot] */
static struct log_sink sink;

static void write_text(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		port_out8(debug_port, (u8)text[i]);
}

void debugcon_become_sink(u16 port, bool live)
{
	debug_port = port;
	sink = (struct log_sink){.write = write_text, .live = live};
	log_set_sink(&sink);
}
