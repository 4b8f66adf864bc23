/* SPDX-License-Identifier: MIT */
/* room: lib */
/* What the firmware's tables tell: which CPUs there are (MADT, or the MP table), where memory and CPUs are (SRAT, SLIT). */
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

/* CPUs that may be started, the one that runs among them, in the order of the table. More than fit are left out. */
#define CPU_LIST_MAX 8
struct cpu_list {
	u32 count;
	u32 apic_ids[CPU_LIST_MAX];
};

/* By ACPI's MADT: 0, -ENOENT, -EINVAL; with an error the list is empty. As careful as acpi_numa_read. */
int __must_check acpi_cpus_read(const struct acpi_memory *m, u64 rsdp, struct cpu_list *out);
/* By the MP table, in the last KiB below 640 KiB; the same. */
int __must_check mp_cpus_read(const struct acpi_memory *m, struct cpu_list *out);

#endif
