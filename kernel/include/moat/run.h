/* SPDX-License-Identifier: MIT */
/* room: sys */
/* How this run treats system calls, and what it counted: for the boot room, which starts it and reports. */
#ifndef MOAT_RUN_H
#define MOAT_RUN_H

#include <moat/types.h>

struct run_policy {
	bool trace;  /* every system call to the log sink */
	bool strict; /* an unsupported call or flag ends the program */
};

extern struct run_policy run_policy;

/* Calls made so far, by number; and each refused thing once. */
u64 syscall_count(u64 nr);
const char *syscall_name(u64 nr); /* NULL: no such call here */
void syscall_counts_reset(void);
/* The i-th refused call or flag, or NULL after the last. */
const char *unsupported_item(unsigned i);
unsigned syscall_numbers(void); /* numbers are below this */

/* Registers what /proc and /sys tell of the whole machine. Boot, after fs_init. */
void proc_system_init(void);

#endif
