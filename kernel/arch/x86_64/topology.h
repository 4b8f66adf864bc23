/* SPDX-License-Identifier: MIT */
/* The nodes of the machine: read once at boot, given to the frame allocator. */
#ifndef X86_TOPOLOGY_H
#define X86_TOPOLOGY_H

/* Needs the boot code's identity map; before frames_init. */
void topology_find(void);
void topology_log(void);

#endif
