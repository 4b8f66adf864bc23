/* SPDX-License-Identifier: MIT */
/* room: arch */
/* The machine contract for the boot order: what the boot room calls, in this order, and what it learns. */
#ifndef ARCH_MACHINE_H
#define ARCH_MACHINE_H

#include <moat/types.h>

const char *machine_cmdline(void);
/* The archive that the loader put into memory, through the direct map; empty when there is none. */
const void *machine_archive(size_t *len);
/* Gives the archive's frames to the frame allocator. */
void machine_release_archive(void);
/* Starts the frame allocator over the machine's RAM and drops the boot identity map. */
void machine_memory_init(void);
/* Maps the interrupt controllers and starts the timer. Needs the frame allocator. */
void machine_early_init(void);
/* The clock runs and interrupts are enabled from here on. The other CPUs begin to come. */
void machine_interrupts_init(void);
/* Waits for them. */
void machine_await_cpus(void);
void machine_log_facts(void);
/* Called at the end of a panic. */
void machine_set_panic_end(void (*end)(void));
/* AT_HWCAP and AT_HWCAP2 of the auxiliary vector. */
u64 machine_hwcap(void);
u64 machine_hwcap2(void);
/* Checks every kernel mapping: none writable and executable, no frame both ways. Panics otherwise. */
void machine_check_mappings(void);

/* The first function of the boot room. */
__noreturn void boot_main(void);

#endif
