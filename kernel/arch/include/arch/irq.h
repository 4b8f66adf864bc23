/* SPDX-License-Identifier: MIT */
/* room: arch */
/* The machine contract for device interrupts and device registers. */
#ifndef ARCH_IRQ_H
#define ARCH_IRQ_H

#include <moat/types.h>

/*
 * Calls fn(arg) with interrupts disabled each time global interrupt line `gsi` fires; edge-triggered, active
 * high, delivered to the first CPU. 0, or -EINVAL/-EBUSY. Boot only.
 */
int __must_check irq_register(u32 gsi, void (*fn)(void *arg), void *arg);
/* Device registers at a physical address, mapped uncached for ever; NULL when the region is full. Boot only. */
volatile void *mmio_map(paddr_t pa, size_t bytes);

u8 port_in8(u16 port);
void port_out8(u16 port, u8 value);
void port_out32(u16 port, u32 value);

#endif
