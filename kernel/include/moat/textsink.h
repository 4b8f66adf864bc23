/* SPDX-License-Identifier: MIT */
/* room: dev */
/* Devices that show the kernel's text, and the serial console. */
#ifndef MOAT_TEXTSINK_H
#define MOAT_TEXTSINK_H

#include <moat/types.h>

/* Makes the debug console at an I/O port the log's sink; live: all of the log. Boot. */
void debugcon_become_sink(u16 port, bool live);
/* The same for COM1. Boot. */
void serial_become_sink(bool live);
/* Makes COM1 the three standard streams, all of them a terminal. After interrupts are set up. */
void serial_attach_streams(void);

#endif
