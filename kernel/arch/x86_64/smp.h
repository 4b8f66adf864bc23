/* SPDX-License-Identifier: MIT */
/* Starting other CPUs, and the interrupts that they send one another. */
#ifndef X86_SMP_H
#define X86_SMP_H

#define AP_TRAMPOLINE 0x8000 /* physical; in the part of low memory that machine.c keeps */
#define AP_PLACES     8	     /* CPU_MAX, for ap_start.S */

#ifndef __ASSEMBLER__
#include <moat/types.h>

struct pmap;

/* Finds the machine's CPUs. Boot, on the identity map. */
void smp_find(void);
/* The number of the local APIC of a CPU that smp_find found. */
u32 smp_apic_id(u32 cpu);
/* Starts the other CPUs and does not wait for them. Boot; needs the scheduler, the clock and the local APIC. */
void smp_start(void);
/* Waits until all that were started count, a second at most. Boot. */
void smp_await(void);

/* What one CPU wants the others to forget. */
struct flush_request {
	enum {
		FLUSH_PAGES,   /* the pages addr[0 .. count) of pmap, where it is loaded */
		FLUSH_PMAP,    /* all of pmap, where it is loaded */
		FLUSH_LEAVE,   /* do not use the tables of pmap any more: no thread does */
		FLUSH_NOTHING, /* only pass a memory barrier */
		FLUSH_KERNEL   /* everything, the kernel's own mappings too */
	} what;
	struct pmap *pmap;
	u32 count;
	const u64 *addr;
};
/*
 * Has the CPUs in `mask` (never this one) do that, and waits until they have. Any lock may be held and interrupts may be
 * off: who waits for a lock or for a flush serves others meanwhile (cpu_serve_requests). Not from an interrupt handler.
 */
void smp_flush(u32 mask, const struct flush_request *r);
/* Flushes the kernel's mappings everywhere (tlb.c). As smp_flush. */
void tlb_flush_kernel(void);
/* All CPUs that run, but for this one. */
u32 smp_others(void);

/* In a panic: all others stop where they are, for ever. True: this CPU may report; false: one is at it already. */
bool smp_claim_panic(void);
/* Stops this CPU for ever if another one reports a panic. */
void smp_stop_if_panicking(void);
#endif
#endif
