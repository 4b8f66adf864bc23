/* SPDX-License-Identifier: MIT */
/* room: sys */
/* What the system calls itself: the same in uname(2) and below /proc. */
#ifndef SYS_SYSTEM_H
#define SYS_SYSTEM_H

#include <moat/numa.h>
#include <moat/procfs.h>

/* The Linux version whose calls are followed: C libraries compare it with the least they need. */
#define LINUX_RELEASE	 "6.1.0-moat"
#define LINUX_RELEASE_26 "2.6.61-moat" /* the same for programs that know no later one (UNAME26) */
#define LINUX_VERSION	 "Moat " MOAT_VERSION

#define SYSTEM_NAME_MAX 65 /* with its terminator, as in struct new_utsname */

enum system_name {
	SYSTEM_NODE,
	SYSTEM_DOMAIN,
};
void system_name_get(enum system_name which, char out[SYSTEM_NAME_MAX]);
void system_name_set(enum system_name which, const char *name, size_t len); /* cut to what fits */

/* Tables for proc_system_init. */
extern const struct proc_entry proc_memory_entries[];  /* proc_memory.c */
extern const struct proc_entry proc_machine_entries[]; /* proc_machine.c */
extern const struct proc_entry proc_sysctl_table[];    /* proc_sysctl.c: /proc/sys */
extern const struct proc_entry seccomp_sysctl_table[]; /* sys_seccomp.c: /proc/sys/kernel/seccomp */
#define SYSFS_NODE_FILES   5
#define SYSFS_NODE_ENTRIES (SYSFS_NODE_FILES + NODES_MAX + 1)
extern struct proc_entry sysfs_node_entries[];	/* proc_node.c: /sys/devices/system/node */
void sysfs_node_init(void);			/* makes the folders of the nodes; boot */
extern const struct proc_entry sysfs_entries[]; /* proc_sysfs.c: /sys */
void sysfs_cpu_init(void);			/* makes the folders of the CPUs; boot */

#endif
