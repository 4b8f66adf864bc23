/* SPDX-License-Identifier: MIT */
/*
 * Memory of the machine in /proc: meminfo, vmstat, buddyinfo, zoneinfo; and in /proc/moat the ledger, counts of user
 * copies and, in the debug kernel, the switch of fault injection. All figures of memory are those of
 * memory_figures_read, which sysinfo(2) and the run's report use too.
 */
#include <asm/errno.h>
#include <arch/uaccess.h>
#include <moat/fail.h>
#include <moat/heap.h>
#include <moat/mode.h>
#include <moat/string.h>
#include <moat/task.h>
#include <moat/uio.h>
#include <moat/usage.h>
#include "system.h"

typedef unsigned long long ull;

struct line {
	const char *name;
	u64 pages;
};

static void put_kib(struct proc_text *t, const char *name, u64 pages)
{
	size_t line = t->len;

	proc_put(t, name, strlen(name));
	proc_pad(t, line, 16);
	proc_printf(t, "%8llu kB\n", (ull)pages << (PAGE_SHIFT - 10));
}

static void put_lines(struct proc_text *t, const struct line *lines, size_t count)
{
	for (size_t i = 0; i < count; i++)
		put_kib(t, lines[i].name, lines[i].pages);
}

static int show_meminfo(struct proc_text *t, const struct proc_open *o, u64 *pos)
{
	struct memory_figures m;

	(void)o;
	(void)pos;
	memory_figures_read(&m);
	const struct line lines[] = {
		{"MemTotal:", m.total},
		{"MemFree:", m.free},
		{"MemAvailable:", m.available},
		{"Buffers:", 0},
		{"Cached:", m.cache + m.shmem},
		{"SwapCached:", 0},
		{"Active:", m.anon + m.cache + m.shmem},
		{"Inactive:", 0},
		{"Active(anon):", m.anon + m.shmem},
		{"Inactive(anon):", 0},
		{"Active(file):", m.cache},
		{"Inactive(file):", 0},
		{"Unevictable:", 0},
		{"Mlocked:", 0},
		{"SwapTotal:", 0},
		{"SwapFree:", 0},
		{"Dirty:", 0},
		{"Writeback:", 0},
		{"AnonPages:", m.anon},
		{"Mapped:", 0},
		{"Shmem:", m.shmem},
		{"KReclaimable:", 0},
		{"Slab:", heap_bytes() >> PAGE_SHIFT},
		{"SReclaimable:", 0},
		{"SUnreclaim:", heap_bytes() >> PAGE_SHIFT},
		{"PageTables:", m.tables},
		{"NFS_Unstable:", 0},
		{"Bounce:", 0},
		{"WritebackTmp:", 0},
		{"CommitLimit:", m.commit_limit},
		{"Committed_AS:", m.committed},
		{"AnonHugePages:", 0},
		{"ShmemHugePages:", 0},
	};
	put_lines(t, lines, ARRAY_SIZE(lines));
	proc_printf(t, "HugePages_Total:       0\nHugePages_Free:        0\n");
	proc_printf(t, "HugePages_Rsvd:        0\nHugePages_Surp:        0\nHugepagesize:       2048 kB\n");
	return 0;
}

/* The counts of all nodes together. */
static void sum_node_stats(struct node_stats *sum)
{
	struct node_stats n;

	*sum = (struct node_stats){0};
	for (unsigned node = 0; node < numa.nodes; node++) {
		node_stats_read(node, &n);
		sum->hit += n.hit;
		sum->miss += n.miss;
		sum->foreign += n.foreign;
		sum->interleave_hit += n.interleave_hit;
		sum->local += n.local;
		sum->other += n.other;
	}
}

static int show_vmstat(struct proc_text *t, const struct proc_open *o, u64 *pos)
{
	struct memory_figures m;
	struct node_stats n;

	(void)o;
	(void)pos;
	sum_node_stats(&n);
	memory_figures_read(&m);
	const struct line lines[] = {
		{"nr_free_pages", m.free},
		{"numa_hit", n.hit},
		{"numa_miss", n.miss},
		{"numa_foreign", n.foreign},
		{"numa_interleave", n.interleave_hit},
		{"numa_local", n.local},
		{"numa_other", n.other},
		{"nr_inactive_anon", 0},
		{"nr_active_anon", m.anon + m.shmem},
		{"nr_inactive_file", 0},
		{"nr_active_file", m.cache},
		{"nr_unevictable", 0},
		{"nr_mlock", 0},
		{"nr_anon_pages", m.anon},
		{"nr_file_pages", m.cache + m.shmem},
		{"nr_dirty", 0},
		{"nr_writeback", 0},
		{"nr_shmem", m.shmem},
		{"nr_page_table_pages", m.tables},
		{"nr_anon_transparent_hugepages", 0},
		{"pswpin", 0},
		{"pswpout", 0},
	};
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		proc_printf(t, "%s %llu\n", lines[i].name, (ull)lines[i].pages);
	return 0;
}

static int show_buddyinfo(struct proc_text *t, const struct proc_open *o, u64 *pos)
{
	u64 blocks[FRAME_ORDERS];

	(void)o;
	(void)pos;
	for (unsigned node = 0; node < numa.nodes; node++) {
		frame_blocks_read(node, blocks);
		proc_printf(t, "Node %u, zone   Normal ", node);
		for (unsigned i = 0; i < FRAME_ORDERS; i++)
			proc_printf(t, "%6llu ", (ull)blocks[i]);
		proc_put(t, "\n", 1);
	}
	return 0;
}

/* One zone for each node, without watermarks: there is nothing that would act on them. */
static void put_zone(struct proc_text *t, unsigned node)
{
	struct frame_stats s;
	struct node_stats n;

	node_frames_read(node, &s);
	node_stats_read(node, &n);
	proc_printf(t, "Node %u, zone   Normal\n  per-node stats\n", node);
	proc_printf(t, "      nr_anon_pages %llu\n      nr_file_pages %llu\n      nr_shmem     %llu\n",
		    (ull)s.owned[FRAME_ANON], (ull)s.owned[FRAME_CACHE] + s.owned[FRAME_SHMEM],
		    (ull)s.owned[FRAME_SHMEM]);
	proc_printf(t, "      nr_page_table_pages %llu\n", (ull)s.owned[FRAME_TABLE]);
	proc_printf(t, "  pages free     %llu\n        boost    0\n        min      0\n",
		    (ull)s.owned[FRAME_FREE]);
	proc_printf(t, "        low      0\n        high     0\n");
	proc_printf(t, "        spanned  %llu\n        present  %llu\n        managed  %llu\n", (ull)s.total,
		    (ull)s.total, (ull)s.total);
	proc_printf(t, "      numa_hit     %llu\n      numa_miss    %llu\n      numa_foreign %llu\n",
		    (ull)n.hit, (ull)n.miss, (ull)n.foreign);
	proc_printf(t, "      numa_interleave %llu\n      numa_local   %llu\n      numa_other   %llu\n",
		    (ull)n.interleave_hit, (ull)n.local, (ull)n.other);
}

static int show_zoneinfo(struct proc_text *t, const struct proc_open *o, u64 *pos)
{
	(void)o;
	(void)pos;
	for (unsigned node = 0; node < numa.nodes; node++)
		put_zone(t, node);
	return 0;
}

/* Frames by owner; the sum of the first six after `total` is `total`. Then each process's anonymous pages. */
static int show_ledger(struct proc_text *t, const struct proc_open *o, u64 *pos)
{
	struct process_summary p;
	struct memory_figures m;

	(void)o;
	if (*pos == 0) {
		memory_figures_read(&m);
		proc_printf(t, "total %llu\nfree %llu\nkernel %llu\npage_tables %llu\n", (ull)m.total,
			    (ull)m.free, (ull)m.kernel, (ull)m.tables);
		proc_printf(t, "page_cache %llu\nshared %llu\nanonymous %llu\n", (ull)m.cache, (ull)m.shmem,
			    (ull)m.anon);
		if (CONFIG_DEBUG)
			proc_printf(t, "heap_objects %llu\n", (ull)heap_objects());
	}
	if (!process_summary_next((u32)*pos, &p))
		return 0;
	proc_printf(t, "process %d %s anonymous %llu\n", p.pid, p.name, (ull)p.anon_pages);
	*pos = (u64)p.pid + 1;
	return 1;
}

static int show_uaccess(struct proc_text *t, const struct proc_open *o, u64 *pos)
{
	struct process_summary p;
	struct uaccess_stats s;

	(void)o;
	if (*pos == 0) {
		uaccess_stats_read(&s);
		proc_printf(t, "copies %llu\nbytes %llu\nstrings %llu\n", (ull)s.copies, (ull)s.bytes,
			    (ull)s.strings);
		proc_printf(t, "bad_pointers %llu\nfaults_refused %llu\n", (ull)s.bad_pointers,
			    (ull)s.faults_refused);
	}
	if (!process_summary_next((u32)*pos, &p))
		return 0;
	proc_printf(t, "process %d %s refused_faults %llu\n", p.pid, p.name, (ull)p.refused_faults);
	*pos = (u64)p.pid + 1;
	return 1;
}

/* --- fail_after: fault injection for the process that writes here (<moat/fail.h>) --- */

static int show_fail_after(struct proc_text *t, const struct proc_open *o, u64 *pos)
{
	u64 left = alloc_fail_left();

	(void)o;
	(void)pos;
	if (left)
		proc_printf(t, "armed %llu\n", (ull)left);
	else
		proc_printf(t, "%s\n", alloc_fail_fired() ? "fired" : "off");
	return 0;
}

/* Not a store operation: that one would allocate, which is what is counted. */
static ssize_t write_fail_after(struct proc_open *o, struct uio *u, u64 *offset)
{
	char text[24] = "";
	size_t len = u->left;
	s64 nth;

	(void)o;
	if (len >= sizeof(text))
		return -EINVAL;
	if (uio_copy_in(u, text, len) != len)
		return -EFAULT;
	if (proc_parse(text, &nth) || nth < 0)
		return -EINVAL;
	*offset += len;
	alloc_fail_arm((u64)nth);
	return (ssize_t)len;
}

static const struct proc_entry moat_table[] = {
	{.name = "ledger", .mode = S_IFREG | 0444, .show = show_ledger},
	{.name = "uaccess", .mode = S_IFREG | 0444, .show = show_uaccess},
	/* Without a name the table ends here: the release kernel has no such file. */
	{.name = CONFIG_DEBUG ? "fail_after" : NULL,
	 .mode = S_IFREG | 0600,
	 .show = show_fail_after,
	 .write = write_fail_after},
	{0},
};

const struct proc_entry proc_memory_entries[] = {
	{.name = "meminfo", .mode = S_IFREG | 0444, .show = show_meminfo},
	{.name = "vmstat", .mode = S_IFREG | 0444, .show = show_vmstat},
	{.name = "buddyinfo", .mode = S_IFREG | 0444, .show = show_buddyinfo},
	{.name = "zoneinfo", .mode = S_IFREG | 0444, .show = show_zoneinfo},
	{.name = "moat", .mode = S_IFDIR | 0555, .table = moat_table},
	{0},
};
