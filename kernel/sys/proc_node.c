/* SPDX-License-Identifier: MIT */
/* /sys/devices/system/node: the nodes of memory, as libnuma and numactl(8) read them (numa(7)). */
#include <arch/smp.h>
#include <moat/mode.h>
#include <moat/string.h>
#include <moat/usage.h>
#include "system.h"

#define FILES_MAX 8

typedef unsigned long long ull;

static const unsigned numbers[NODES_MAX] = {0, 1, 2, 3};
static const char names[NODES_MAX][6] = {"node0", "node1", "node2", "node3"};
static struct proc_entry node_files[NODES_MAX][FILES_MAX]; /* [I after boot] */

/* The node that an entry is about. */
static unsigned node_of(const struct proc_open *o)
{
	return *(const unsigned *)o->entry->data;
}

/* The CPUs of a node, as bits. */
static u32 cpus_of(unsigned node)
{
	u32 set = 0;

	for (u32 cpu = 0; cpu < cpu_count(); cpu++)
		set |= (u32)(numa_cpu_node[cpu] == node) << cpu;
	return set;
}

static bool has_memory(unsigned node)
{
	struct frame_stats s;

	node_frames_read(node, &s);
	return s.total != 0;
}

static int show_set(struct proc_text *t, u64 set)
{
	proc_put_set(t, set);
	proc_put(t, "\n", 1);
	return 0;
}

static int show_all(struct proc_text *t, const struct proc_open *o, u64 *pos)
{
	(void)o;
	(void)pos;
	return show_set(t, (1u << numa.nodes) - 1);
}

static int show_has_cpu(struct proc_text *t, const struct proc_open *o, u64 *pos)
{
	u64 set = 0;

	(void)o;
	(void)pos;
	for (unsigned node = 0; node < numa.nodes; node++)
		set |= (u64)(cpus_of(node) != 0) << node;
	return show_set(t, set);
}

static int show_has_memory(struct proc_text *t, const struct proc_open *o, u64 *pos)
{
	u64 set = 0;

	(void)o;
	(void)pos;
	for (unsigned node = 0; node < numa.nodes; node++)
		set |= (u64)has_memory(node) << node;
	return show_set(t, set);
}

static int show_cpulist(struct proc_text *t, const struct proc_open *o, u64 *pos)
{
	(void)pos;
	return show_set(t, cpus_of(node_of(o)));
}

static int show_cpumap(struct proc_text *t, const struct proc_open *o, u64 *pos)
{
	(void)pos;
	proc_printf(t, "%x\n", cpus_of(node_of(o)));
	return 0;
}

static int show_distance(struct proc_text *t, const struct proc_open *o, u64 *pos)
{
	(void)pos;
	for (unsigned to = 0; to < numa.nodes; to++)
		proc_printf(t, "%s%u", to ? " " : "", numa.distance[node_of(o)][to]);
	proc_put(t, "\n", 1);
	return 0;
}

static int show_numastat(struct proc_text *t, const struct proc_open *o, u64 *pos)
{
	struct node_stats s;

	(void)pos;
	node_stats_read(node_of(o), &s);
	proc_printf(t, "numa_hit %llu\nnuma_miss %llu\nnuma_foreign %llu\n", (ull)s.hit, (ull)s.miss,
		    (ull)s.foreign);
	proc_printf(t, "interleave_hit %llu\nlocal_node %llu\nother_node %llu\n", (ull)s.interleave_hit,
		    (ull)s.local, (ull)s.other);
	return 0;
}

static int show_meminfo(struct proc_text *t, const struct proc_open *o, u64 *pos)
{
	unsigned node = node_of(o);
	struct frame_stats s;

	(void)pos;
	node_frames_read(node, &s);
	const struct {
		const char *name;
		u64 pages;
	} lines[] = {
		{"MemTotal:", s.total},
		{"MemFree:", s.owned[FRAME_FREE]},
		{"MemUsed:", s.total - s.owned[FRAME_FREE]},
		{"SwapCached:", 0},
		{"Active:", s.owned[FRAME_ANON] + s.owned[FRAME_SHMEM] + s.owned[FRAME_CACHE]},
		{"Inactive:", 0},
		{"Active(anon):", s.owned[FRAME_ANON] + s.owned[FRAME_SHMEM]},
		{"Inactive(anon):", 0},
		{"Active(file):", s.owned[FRAME_CACHE]},
		{"Inactive(file):", 0},
		{"Unevictable:", 0},
		{"Mlocked:", 0},
		{"Dirty:", 0},
		{"Writeback:", 0},
		{"FilePages:", s.owned[FRAME_CACHE] + s.owned[FRAME_SHMEM]},
		{"Mapped:", 0},
		{"AnonPages:", s.owned[FRAME_ANON]},
		{"Shmem:", s.owned[FRAME_SHMEM]},
		{"PageTables:", s.owned[FRAME_TABLE]},
	};
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		size_t line = t->len;

		proc_printf(t, "Node %u %s", node, lines[i].name);
		proc_pad(t, line, 24);
		proc_printf(t, "%8llu kB\n", (ull)lines[i].pages << (PAGE_SHIFT - 10));
	}
	return 0;
}

static int show_vmstat(struct proc_text *t, const struct proc_open *o, u64 *pos)
{
	struct frame_stats s;
	struct node_stats n;

	(void)pos;
	node_frames_read(node_of(o), &s);
	node_stats_read(node_of(o), &n);
	proc_printf(t, "nr_free_pages %llu\n", (ull)s.owned[FRAME_FREE]);
	proc_printf(t, "numa_hit %llu\nnuma_miss %llu\nnuma_foreign %llu\n", (ull)n.hit, (ull)n.miss,
		    (ull)n.foreign);
	proc_printf(t, "numa_interleave %llu\nnuma_local %llu\nnuma_other %llu\n", (ull)n.interleave_hit,
		    (ull)n.local, (ull)n.other);
	proc_printf(t, "nr_anon_pages %llu\nnr_file_pages %llu\nnr_shmem %llu\n", (ull)s.owned[FRAME_ANON],
		    (ull)s.owned[FRAME_CACHE] + s.owned[FRAME_SHMEM], (ull)s.owned[FRAME_SHMEM]);
	proc_printf(t, "nr_page_table_pages %llu\n", (ull)s.owned[FRAME_TABLE]);
	return 0;
}

#define FILE(file, fn)                                             \
	{                                                          \
		.name = file, .mode = S_IFREG | 0444, .show = (fn) \
	}
static const struct proc_entry of_one_node[FILES_MAX] = {
	FILE("cpulist", show_cpulist),	 FILE("cpumap", show_cpumap),	FILE("distance", show_distance),
	FILE("numastat", show_numastat), FILE("meminfo", show_meminfo), FILE("vmstat", show_vmstat),
};

struct proc_entry sysfs_node_entries[SYSFS_NODE_ENTRIES] = {
	FILE("online", show_all),
	FILE("possible", show_all),
	FILE("has_cpu", show_has_cpu),
	FILE("has_memory", show_has_memory),
	FILE("has_normal_memory", show_has_memory),
};

void sysfs_node_init(void)
{
	for (unsigned node = 0; node < numa.nodes; node++) {
		for (unsigned i = 0; of_one_node[i].name; i++) {
			node_files[node][i] = of_one_node[i];
			node_files[node][i].data = &numbers[node];
		}
		sysfs_node_entries[SYSFS_NODE_FILES + node] = (struct proc_entry){
			.name = names[node],
			.mode = S_IFDIR | 0755,
			.table = node_files[node],
		};
	}
}
