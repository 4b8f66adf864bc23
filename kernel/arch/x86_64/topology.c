/* SPDX-License-Identifier: MIT */
/*
 * Which memory and which CPUs are on which node. The first that applies:
 *
 *     numa=off           one node
 *     numa=fake=N        N nodes (1 to NODES_MAX) of equal memory, CPU i on node i mod N
 *     ACPI's SRAT, SLIT  when the boot protocol gave a root pointer
 *     else               one node
 *
 * and numa_cpus=LIST, numbers with commas between, puts CPU 0, 1, ... on other nodes: for tests.
 */
#include <asm/errno.h>
#include <arch/cpu.h>
#include <arch/impl/vdso_abi.h>
#include <arch/impl/percpu.h>
#include <arch/impl/x86.h>
#include <arch/mmu.h>
#include <moat/acpi.h>
#include <moat/frame.h>
#include <moat/log.h>
#include <moat/parse.h>
#include <moat/string.h>
#include "boot_info.h"
#include "smp.h"
#include "topology.h"

#define TABLES_END 0xfec00000u /* device registers from here on: no place for a table */

static int find_error; /* why there is one node, for the log */

/* Below 4 GiB the identity map shows everything, whether there is memory or not. */
static const void *identity_at(const struct acpi_memory *m, u64 phys, u64 len)
{
	(void)m;
	return phys && phys < TABLES_END && len <= TABLES_END - phys ? (const void *)phys : NULL;
}

static int from_acpi(struct numa_topology *t)
{
	const struct acpi_memory memory = {.at = identity_at};

	if (!boot_info.rsdp[0]) {
		numa_one_node(t);
		return -ENOENT;
	}
	return acpi_numa_read(&memory, (u64)boot_info.rsdp - boot_slide, t);
}

/* The next number of a list: moves *list behind it and its comma. */
static bool next_number(const char **list, u64 *out)
{
	char word[8];
	const char *comma = strchr(*list, ',');
	size_t len = comma ? (size_t)(comma - *list) : strlen(*list);

	if (len == 0 || len >= sizeof(word))
		return false;
	memcpy(word, *list, len);
	word[len] = 0;
	*list += len + (comma != NULL);
	return parse_u64(word, out) == 0;
}

static void place_cpus(const struct numa_topology *t, bool fake, u8 cpu_node[CPU_MAX])
{
	char list[64];
	const char *rest = list;
	u64 node;

	for (unsigned cpu = 0; cpu < CPU_MAX; cpu++)
		cpu_node[cpu] = (u8)(fake ? cpu % t->nodes : numa_node_of_apic(t, smp_apic_id(cpu)));
	if (!cmdline_get(boot_info.cmdline, "numa_cpus", list, sizeof(list)))
		return;
	for (unsigned cpu = 0; cpu < CPU_MAX && next_number(&rest, &node) && node < t->nodes; cpu++)
		cpu_node[cpu] = (u8)node;
}

void topology_find(void)
{
	static struct numa_topology t; /* too large for the boot stack */
	u8 cpu_node[CPU_MAX];
	char word[16];
	bool fake = false;
	u64 nodes;

	numa_one_node(&t);
	if (!cmdline_get(boot_info.cmdline, "numa", word, sizeof(word))) {
		find_error = from_acpi(&t);
	} else if (strncmp(word, "fake=", 5) == 0) {
		fake = true;
		find_error = parse_u64(word + 5, &nodes);
		if (!find_error)
			find_error = numa_divide(&t, boot_info.ram, boot_info.ram_count,
						 (unsigned)MIN(nodes, (u64)NODES_MAX + 1), HUGE_BYTES);
	}
	place_cpus(&t, fake, cpu_node);
	frames_set_topology(&t, cpu_node, CPU_MAX);
	this_cpu()->gdt[VDSO_CPU_SELECTOR >> 3] |= (u64)cpu_node[cpu_id()] << VDSO_CPU_BITS;
}

void topology_log(void)
{
	if (find_error && find_error != -ENOENT)
		log_printf("numa: one node, the tables cannot be used (error %d)\n", find_error);
	for (unsigned i = 0; numa.nodes > 1 && i < numa.range_count; i++)
		log_printf("numa: node %u has memory from %llu MiB to %llu MiB\n", numa.ranges[i].node,
			   (unsigned long long)(numa.ranges[i].phys.start >> 20),
			   (unsigned long long)(numa.ranges[i].phys.end >> 20));
	if (numa.nodes > 1)
		log_printf("numa: the first CPU is on node %u\n", numa_cpu_node[0]);
}
