/* SPDX-License-Identifier: MIT */
/* room: lib */
/*
 * Which memory and which CPUs belong together, as values. A machine has 1 to NODES_MAX nodes; memory that no range names
 * belongs to node 0, and so does a CPU that is not listed.
 */
#ifndef MOAT_NUMA_H
#define MOAT_NUMA_H

#include <moat/types.h>

#define NODES_MAX	4
#define NUMA_RANGES_MAX 32
#define NUMA_CPUS_MAX	64

#define DISTANCE_LOCAL	 10 /* ACPI's scale, which programs see too (numa(7)) */
#define DISTANCE_DEFAULT 20

struct numa_range {
	struct range phys; /* bytes */
	u8 node;
};

struct numa_cpu {
	u32 apic_id;
	u8 node;
};

struct numa_topology {
	unsigned nodes;
	unsigned range_count;
	struct numa_range ranges[NUMA_RANGES_MAX]; /* ascending, none overlaps another */
	unsigned cpu_count;
	struct numa_cpu cpus[NUMA_CPUS_MAX];
	u8 distance[NODES_MAX][NODES_MAX];
};

/* One node that has everything. */
void numa_one_node(struct numa_topology *t);
/* Nodes up to `nodes` with the usual distances, no ranges, no CPUs. 1 <= nodes <= NODES_MAX. */
void numa_init(struct numa_topology *t, unsigned nodes);
/* Adds a range. 0; -EINVAL (empty, wraps around, overlaps another node's range, no such node), -E2BIG. */
int __must_check numa_add_range(struct numa_topology *t, u64 start, u64 len, unsigned node);
/* -EINVAL (no such node), -E2BIG. */
int __must_check numa_add_cpu(struct numa_topology *t, u32 apic_id, unsigned node);
/*
 * Divides RAM, ascending ranges of bytes, among `nodes` nodes in equal parts that begin at multiples of `align`
 * (a power of two): as Linux's numa=fake=N. -EINVAL: no such number, or too little memory for a part each; -E2BIG.
 */
int __must_check numa_divide(struct numa_topology *t, const struct range *ram, unsigned count, unsigned nodes,
			     u64 align);
unsigned numa_node_of_phys(const struct numa_topology *t, u64 phys);
/* The first address above phys, below limit, where another range begins or one ends; or limit. */
u64 numa_next_edge(const struct numa_topology *t, u64 phys, u64 limit);
unsigned numa_node_of_apic(const struct numa_topology *t, u32 apic_id);
/* The nodes that there are in order of distance from `from`, itself first, of equal ones the lower first. */
void numa_nearest(const struct numa_topology *t, unsigned from, u8 order[NODES_MAX]);

/* How many are in a set; and the n-th of them, counted round and round (the set is not empty). */
unsigned numa_set_count(u64 set);
unsigned numa_set_nth(u64 set, u64 n);

#endif
