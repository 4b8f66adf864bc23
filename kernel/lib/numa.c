/* SPDX-License-Identifier: MIT */
/* Topologies as values: building one, and asking it. Pure. */
#include <asm/errno.h>
#include <moat/numa.h>

void numa_init(struct numa_topology *t, unsigned nodes)
{
	*t = (struct numa_topology){.nodes = nodes};
	for (unsigned a = 0; a < NODES_MAX; a++)
		for (unsigned b = 0; b < NODES_MAX; b++)
			t->distance[a][b] = a == b ? DISTANCE_LOCAL : DISTANCE_DEFAULT;
}

void numa_one_node(struct numa_topology *t)
{
	numa_init(t, 1);
}

int numa_add_range(struct numa_topology *t, u64 start, u64 len, unsigned node)
{
	struct range r;
	unsigned i;

	if (node >= t->nodes || len == 0 || !range_make(start, len, &r))
		return -EINVAL;
	for (i = 0; i < t->range_count; i++) {
		if (range_overlap(t->ranges[i].phys, r))
			return -EINVAL;
	}
	if (t->range_count == NUMA_RANGES_MAX)
		return -E2BIG;
	for (i = t->range_count++; i > 0 && t->ranges[i - 1].phys.start > start; i--)
		t->ranges[i] = t->ranges[i - 1];
	t->ranges[i] = (struct numa_range){r, (u8)node};
	return 0;
}

int numa_add_cpu(struct numa_topology *t, u32 apic_id, unsigned node)
{
	if (node >= t->nodes)
		return -EINVAL;
	if (t->cpu_count == NUMA_CPUS_MAX)
		return -E2BIG;
	t->cpus[t->cpu_count++] = (struct numa_cpu){apic_id, (u8)node};
	return 0;
}

/*
 * Cuts at multiples of `align`, so that the last node gets what rounding leaves:
 *
 *     RAM      |=========|     |==================|
 *     nodes    |000000000|     |00|1111111111111111|
 */
int numa_divide(struct numa_topology *t, const struct range *ram, unsigned count, unsigned nodes, u64 align)
{
	u64 total = 0, share, left;
	unsigned node = 0;
	int err = 0;

	numa_one_node(t);
	if (nodes == 0 || nodes > NODES_MAX)
		return -EINVAL;
	for (unsigned i = 0; i < count; i++)
		total += range_len(ram[i]);
	share = left = total / nodes;
	if (nodes > 1 && share < 2 * align)
		return -EINVAL;
	numa_init(t, nodes);
	for (unsigned i = 0; i < count && !err; i++) {
		for (u64 at = ram[i].start; at < ram[i].end && !err;) {
			u64 end = node + 1 == nodes || ram[i].end - at <= left ? ram[i].end
									       : ALIGN_DOWN(at + left, align);

			if (end > at)
				err = numa_add_range(t, at, end - at, node);
			left -= MIN(left, end - at);
			if (end < ram[i].end && node + 1 < nodes) {
				node++;
				left = share;
			}
			at = end;
		}
	}
	if (err)
		numa_one_node(t);
	return err;
}

unsigned numa_node_of_phys(const struct numa_topology *t, u64 phys)
{
	for (unsigned i = 0; i < t->range_count; i++) {
		if (range_contains(t->ranges[i].phys, phys))
			return t->ranges[i].node;
	}
	return 0;
}

u64 numa_next_edge(const struct numa_topology *t, u64 phys, u64 limit)
{
	for (unsigned i = 0; i < t->range_count; i++) {
		const struct range *r = &t->ranges[i].phys;

		if (r->start > phys && r->start < limit)
			limit = r->start;
		if (r->end > phys && r->end < limit)
			limit = r->end;
	}
	return limit;
}

unsigned numa_node_of_apic(const struct numa_topology *t, u32 apic_id)
{
	for (unsigned i = 0; i < t->cpu_count; i++) {
		if (t->cpus[i].apic_id == apic_id)
			return t->cpus[i].node;
	}
	return 0;
}

void numa_nearest(const struct numa_topology *t, unsigned from, u8 order[NODES_MAX])
{
	unsigned n = 0;

	order[n++] = (u8)from;
	for (unsigned node = 0; node < t->nodes; node++) {
		unsigned i;

		if (node == from)
			continue;
		for (i = n++; i > 1 && t->distance[from][order[i - 1]] > t->distance[from][node]; i--)
			order[i] = order[i - 1];
		order[i] = (u8)node;
	}
}

unsigned numa_set_count(u64 set)
{
	unsigned n = 0;

	for (; set; set &= set - 1)
		n++;
	return n;
}

unsigned numa_set_nth(u64 set, u64 n)
{
	for (n %= numa_set_count(set); n > 0; n--)
		set &= set - 1;
	return (unsigned)__builtin_ctzll(set);
}
