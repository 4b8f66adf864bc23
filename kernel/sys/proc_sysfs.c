/* SPDX-License-Identifier: MIT */
/* The few files of /sys that C libraries and allocators read: huge pages, CPUs, memory nodes. */
#include <asm/errno.h>
#include <arch/smp.h>
#include <moat/huge.h>
#include <moat/mode.h>
#include <moat/string.h>
#include "system.h"

#define TEXT(file, text)                                                                   \
	{                                                                                  \
		.name = file, .mode = S_IFREG | 0444, .show = proc_show_text, .data = text \
	}
#define DIR(file, entries)                                             \
	{                                                              \
		.name = file, .mode = S_IFDIR | 0755, .table = entries \
	}

/* When memory gets pages of 2 MiB; the word in brackets is what holds. */
static const struct {
	enum huge_policy policy;
	char word[8];
} policies[] = {{HUGE_ALWAYS, "always"}, {HUGE_MADVISE, "madvise"}, {HUGE_NEVER, "never"}};

static int show_policy(struct proc_text *t, const struct proc_open *o, u64 *pos)
{
	(void)o;
	(void)pos;
	for (size_t i = 0; i < ARRAY_SIZE(policies); i++)
		proc_printf(t, huge_policy == policies[i].policy ? "%s[%s]" : "%s%s", i ? " " : "",
			    policies[i].word);
	proc_put(t, "\n", 1);
	return 0;
}

static int store_policy(const struct proc_open *o, char *text, size_t len)
{
	(void)o;
	if (len && text[len - 1] == '\n')
		text[len - 1] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(policies); i++) {
		if (strcmp(text, policies[i].word) == 0) {
			huge_policy_set(policies[i].policy);
			return 0;
		}
	}
	return -EINVAL;
}

static const struct proc_entry huge_pages[] = {
	{.name = "enabled", .mode = S_IFREG | 0644, .show = show_policy, .store = store_policy},
	TEXT("defrag", "always defer defer+madvise madvise [never]"),
	TEXT("hpage_pmd_size", "2097152"),
	TEXT("shmem_enabled", "always within_size advise [never] deny force"),
	{0},
};
static const struct proc_entry mm[] = {DIR("transparent_hugepage", huge_pages), {0}};
static const struct proc_entry kernel[] = {DIR("mm", mm), {0}};

static int show_cpus(struct proc_text *t, const struct proc_open *o, u64 *pos)
{
	(void)o;
	(void)pos;
	proc_put_set(t, (1u << cpu_count()) - 1);
	proc_put(t, "\n", 1);
	return 0;
}

#define CPU_FILES 3
#define CPUS(file)                                                      \
	{                                                               \
		.name = file, .mode = S_IFREG | 0444, .show = show_cpus \
	}
static const char cpu_names[CPU_MAX][5] = {"cpu0", "cpu1", "cpu2", "cpu3", "cpu4", "cpu5", "cpu6", "cpu7"};
static const struct proc_entry of_one_cpu[] = {{0}};
/* [I after boot] The folders of the CPUs follow. */
static struct proc_entry cpu[CPU_FILES + CPU_MAX + 1] = {CPUS("online"), CPUS("possible"), CPUS("present")};

void sysfs_cpu_init(void)
{
	for (u32 i = 0; i < cpu_possible_count(); i++)
		cpu[CPU_FILES + i] = (struct proc_entry)DIR(cpu_names[i], of_one_cpu);
}

static const struct proc_entry system_dir[] = {DIR("cpu", cpu), DIR("node", sysfs_node_entries), {0}};
static const struct proc_entry devices[] = {DIR("system", system_dir), {0}};

/* Where programs look for devices: there are none. */
static const struct proc_entry nothing[] = {{0}};
static const struct proc_entry by_number[] = {DIR("block", nothing), DIR("char", nothing), {0}};

const struct proc_entry sysfs_entries[] = {
	DIR("block", nothing),
	DIR("bus", nothing),
	DIR("class", nothing),
	DIR("dev", by_number),
	DIR("devices", devices),
	DIR("kernel", kernel),
	{0},
};
