/* SPDX-License-Identifier: MIT */
/* room: lib */
/* The part of ACPI that tells where memory and CPUs are: SRAT and SLIT (ACPI 6.5, 5.2.16 and 5.2.17). */
#ifndef MOAT_ACPI_H
#define MOAT_ACPI_H

#include <moat/numa.h>

/* How the reader gets at physical memory: len bytes at phys, which stay readable, or NULL. */
struct acpi_memory {
	const void *(*at)(const struct acpi_memory *m, u64 phys, u64 len);
	const void *base; /* for the caller's own use */
	u64 len;
};

/*
 * Follows the root pointer at physical address rsdp to the tables and reads the topology. Nothing in them is trusted:
 * lengths, checksums and sums of addresses are checked, and each byte is read once its table is known to be whole. 0;
 * -ENOENT: the machine has no SRAT; -EINVAL: a table is damaged or contradicts itself; -E2BIG: more nodes or ranges than
 * there is room for. With an error *t is one node.
 */
int __must_check acpi_numa_read(const struct acpi_memory *m, u64 rsdp, struct numa_topology *t);

#endif
