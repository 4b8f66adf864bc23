/* SPDX-License-Identifier: MIT */
/* The machine and its time in /proc: uptime, loadavg, version, cpuinfo, stat, cmdline, devices. */
#include <asm/errno.h>
#include <arch/cpu.h>
#include <arch/machine.h>
#include <arch/smp.h>
#include <arch/timer.h>
#include <moat/heap.h>
#include <moat/mode.h>
#include <moat/run.h>
#include <moat/task.h>
#include "system.h"

#define NS_PER_SEC  1000000000ull
#define NS_PER_TICK 10000000ull /* of clock_t, 100 a second */

typedef unsigned long long ull;

/* Time since boot, and how much of it no program of those that live has used. */
static void read_times(struct process_totals *t, u64 *up_ns, u64 *idle_ns)
{
	u64 busy;

	*up_ns = clock_monotonic_ns();
	process_totals_read(t);
	busy = t->user_ns + t->sys_ns;
	*idle_ns = *up_ns > busy ? *up_ns - busy : 0;
}

static void put_seconds(struct proc_text *t, u64 ns)
{
	proc_printf(t, "%llu.%02llu", ns / NS_PER_SEC, ns % NS_PER_SEC / NS_PER_TICK);
}

static int show_uptime(struct proc_text *t, const struct proc_open *o, u64 *pos)
{
	struct process_totals totals;
	u64 up_ns, idle_ns;

	(void)o;
	(void)pos;
	read_times(&totals, &up_ns, &idle_ns);
	put_seconds(t, up_ns);
	proc_put(t, " ", 1);
	put_seconds(t, idle_ns);
	proc_put(t, "\n", 1);
	return 0;
}

static void put_load(struct proc_text *t, u64 load)
{
	load += (1u << LOAD_SHIFT) / 200; /* half of what the last digit shows */
	proc_printf(t, "%llu.%02llu ", (ull)load >> LOAD_SHIFT,
		    ((ull)load & ((1u << LOAD_SHIFT) - 1)) * 100 >> LOAD_SHIFT);
}

static int show_loadavg(struct proc_text *t, const struct proc_open *o, u64 *pos)
{
	struct process_totals totals;
	u64 loads[3];

	(void)o;
	(void)pos;
	process_totals_read(&totals);
	load_averages(loads);
	for (int i = 0; i < 3; i++)
		put_load(t, loads[i]);
	proc_printf(t, "%llu/%llu %d\n", (ull)totals.running, (ull)totals.total, totals.last_pid);
	return 0;
}

/* One line for all of them, then one for each. */
static void put_cpu_times(struct proc_text *t)
{
	struct cpu_times times[CPU_MAX + 1] = {0}, *all = &times[CPU_MAX];
	u32 count = cpu_count();

	for (u32 cpu = 0; cpu < count; cpu++) {
		sched_cpu_times(cpu, &times[cpu]);
		all->user_ns += times[cpu].user_ns;
		all->nice_ns += times[cpu].nice_ns;
		all->sys_ns += times[cpu].sys_ns;
		all->idle_ns += times[cpu].idle_ns;
	}
	for (u32 i = 0; i <= count; i++) {
		const struct cpu_times *c = i == 0 ? all : &times[i - 1];
		char number[4] = {i == 0 ? ' ' : (char)('0' + i - 1)};

		proc_printf(t, "cpu%s %llu %llu %llu %llu 0 0 0 0 0 0\n", number,
			    (ull)c->user_ns / NS_PER_TICK, (ull)c->nice_ns / NS_PER_TICK,
			    (ull)c->sys_ns / NS_PER_TICK, (ull)c->idle_ns / NS_PER_TICK);
	}
}

static int show_stat(struct proc_text *t, const struct proc_open *o, u64 *pos)
{
	struct process_totals totals;
	u64 up_ns, idle_ns;

	(void)o;
	(void)pos;
	read_times(&totals, &up_ns, &idle_ns);
	put_cpu_times(t);
	proc_printf(t, "intr 0\nctxt %llu\nbtime %llu\nprocesses %llu\n", (ull)totals.switches,
		    (clock_realtime_ns() - up_ns) / NS_PER_SEC, (ull)totals.made);
	proc_printf(t, "procs_running %llu\nprocs_blocked 0\nsoftirq 0 0 0 0 0 0 0 0 0 0 0\n",
		    (ull)totals.running);
	return 0;
}

static int show_cmdline(struct proc_text *t, const struct proc_open *o, u64 *pos)
{
	(void)o;
	(void)pos;
	proc_printf(t, "%s\n", machine_cmdline());
	return 0;
}

/* CPUs are all alike: what the one that reads says of itself, for each. */
static void put_cpu(struct proc_text *t, const struct cpu_description *c, u32 cpu)
{
	proc_printf(t, "processor\t: %u\nvendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\n", cpu, c->vendor,
		    c->family, c->model);
	proc_printf(t, "model name\t: %s\nstepping\t: %u\ncpu MHz\t\t: %llu.%03llu\n", c->name, c->stepping,
		    (ull)c->khz / 1000, (ull)c->khz % 1000);
	proc_printf(t, "physical id\t: 0\nsiblings\t: %u\ncore id\t\t: %u\ncpu cores\t: %u\n", cpu_count(),
		    cpu, cpu_count());
	proc_printf(t, "fpu\t\t: yes\nfpu_exception\t: yes\ncpuid level\t: %u\nwp\t\t: yes\nflags\t\t:%s",
		    c->level, c->flags);
	proc_printf(t, "\nbugs\t\t:\nclflush size\t: %u\ncache_alignment\t: %u\n", c->line_bytes,
		    c->line_bytes);
	proc_printf(t, "address sizes\t: %u bits physical, %u bits virtual\npower management:\n\n",
		    c->physical_bits, c->virtual_bits);
}

/* A record for each CPU. */
static int show_cpuinfo(struct proc_text *t, const struct proc_open *o, u64 *pos)
{
	struct cpu_description *c = kmalloc(sizeof(*c));

	(void)o;
	(void)pos;
	if (!c)
		return -ENOMEM;
	cpu_describe(c);
	for (u32 cpu = 0; cpu < cpu_count(); cpu++)
		put_cpu(t, c, cpu);
	kfree(c);
	return 0;
}

static int show_devices(struct proc_text *t, const struct proc_open *o, u64 *pos)
{
	(void)o;
	(void)pos;
	proc_printf(
		t,
		"Character devices:\n  1 mem\n  5 /dev/tty\n  5 /dev/console\n136 pts\n\nBlock devices:\n");
	return 0;
}

const struct proc_entry proc_machine_entries[] = {
	{.name = "uptime", .mode = S_IFREG | 0444, .show = show_uptime},
	{.name = "loadavg", .mode = S_IFREG | 0444, .show = show_loadavg},
	{.name = "stat", .mode = S_IFREG | 0444, .show = show_stat},
	{.name = "cmdline", .mode = S_IFREG | 0444, .show = show_cmdline},
	{.name = "cpuinfo", .mode = S_IFREG | 0444, .show = show_cpuinfo},
	{.name = "swaps",
	 .mode = S_IFREG | 0444,
	 .show = proc_show_text,
	 .data = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority"},
	{.name = "devices", .mode = S_IFREG | 0444, .show = show_devices},
	{.name = "version",
	 .mode = S_IFREG | 0444,
	 .show = proc_show_text,
	 .data = "Linux version " LINUX_RELEASE " (moat) " LINUX_VERSION},
	{.name = "sys", .mode = S_IFDIR | 0555, .table = proc_sysctl_table},
	{0},
};

void proc_system_init(void)
{
	static struct proc_table memory = {.entries = proc_memory_entries};
	static struct proc_table machine = {.entries = proc_machine_entries};
	static struct proc_table sysfs = {.entries = sysfs_entries};

	sysfs_node_init();
	sysfs_cpu_init();
	proc_register(&memory);
	proc_register(&machine);
	sysfs_register(&sysfs);
}
