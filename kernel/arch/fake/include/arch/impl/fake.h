/* SPDX-License-Identifier: MIT */
/* What a test says to the fake machine, beyond the machine contract. */
#ifndef ARCH_IMPL_FAKE_H
#define ARCH_IMPL_FAKE_H

#include <arch/mmu.h>
#include <moat/aspace.h>

#define FAKE_RAM_BASE MIB(3) /* physical address of the first byte of RAM */

/* Empty RAM of so many bytes, given to the frame allocator in one span; metadata starts as rubbish. */
void fake_start(u64 ram_bytes);
/* The same without spans: the test adds them. boot_frames as for frames_init. */
void fake_start_bare(u64 ram_bytes, u64 boot_frames);
void fake_stop(void);
/* The CPU that code runs on from now on. */
void fake_set_cpu(u32 cpu);

/* What cpu_timer_set was called with last; and lets time pass. */
extern u64 fake_timer_ns;
void fake_advance(u64 ns);

/* The address space that user accesses go to (NULL: none), served by aspace_fault; and the faults served since this call. */
extern u64 fake_faults;
void fake_use_aspace(struct aspace *as);
/*
 * One access of a program to the byte at addr, as the hardware would do it: TLB, tables, fault and again.
 * Stores what it read, or writes *byte. access: FAULT_READ, FAULT_WRITE or FAULT_EXEC.
 */
enum fault_result fake_access(u64 addr, unsigned access, u8 *byte);
/* Panics when the TLB of any CPU remembers what the tables no longer say. */
void fake_tlb_check(void);

/*
 * A race: called once, without a lock, before the next pmap_enter or pmap_replace looks at its entry. What it
 * does, another thread was faster with.
 */
extern void (*fake_race)(u64 addr);

/* tlb.c, for pmap.c and uaccess.c */
struct fake_translation {
	struct pmap *pmap; /* NULL: empty slot */
	u64 addr;
	pfn_t pfn;
	unsigned prot;
	bool huge; /* of an entry of 2 MiB */
};
void fake_tlb_reset(void);
void fake_tlb_forget(struct pmap *pmap, u64 addr);
void fake_tlb_forget_pmap(struct pmap *pmap); /* NULL: of all */
/* What hardware does at the first write through an entry. */
void fake_set_dirty(struct pmap *pmap, u64 addr);
/* True when addr may be accessed so: *pfn is its frame. *present: an entry exists but does not allow it. */
bool fake_tlb_translate(struct pmap *pmap, u64 addr, unsigned prot, pfn_t *pfn, bool *present);

#endif
