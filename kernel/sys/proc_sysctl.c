/* SPDX-License-Identifier: MIT */
/*
 * /proc/sys (sysctl): the settings that exist here. What the kernel honours can be written as on Linux; what is
 * fixed shows its value and refuses to be opened for writing, as Linux does for its own fixed ones.
 */
#include <asm/errno.h>
#include <linux/capability.h>
#include <linux/limits.h>
#include <moat/aspace.h>
#include <moat/commit.h>
#include <moat/epoll.h>
#include <moat/exec.h>
#include <moat/inotify.h>
#include <moat/mode.h>
#include <moat/mqueue.h>
#include <moat/random.h>
#include <moat/socket.h>
#include <moat/string.h>
#include <moat/sysv.h>
#include <moat/task.h>
#include "sys_mem.h"
#include "system.h"

/* mode 0444 lets root pass, sysctl does not. */
static int open_fixed(struct proc_open *o, u32 flags)
{
	return (flags + 1) & 2 && !o->entry->store ? -EACCES : 0;
}

#define FIXED(file, text)                                                                         \
	{                                                                                         \
		.name = file, .mode = S_IFREG | 0444, .open = open_fixed, .show = proc_show_text, \
		.data = text                                                                      \
	}
#define NUMBER(file, value)                                                                      \
	{                                                                                        \
		.name = file, .mode = S_IFREG | 0444, .open = open_fixed, .show = proc_show_u64, \
		.data = &(const u64)                                                             \
		{                                                                                \
			value                                                                    \
		}                                                                                \
	}

/* --- fs/mqueue --- */

_Static_assert(SEM_IN_SET_MAX == 32000 && SEM_ALL_MAX == 1024000000, "what /proc/sys/kernel/sem says");
_Static_assert(SEM_OPS_MAX == 500, "what /proc/sys/kernel/sem says");
_Static_assert(SEM_SETS_MAX == 32000, "what /proc/sys/kernel/sem says");

static const struct proc_entry mqueue_table[] = {
	NUMBER("msg_default", MQ_MESSAGES_MAX),	  NUMBER("msg_max", MQ_MESSAGES_MAX),
	NUMBER("msgsize_default", MQ_LENGTH_MAX), NUMBER("msgsize_max", MQ_LENGTH_MAX),
	NUMBER("queues_max", MQ_QUEUES_MAX),	  {0},
};

/* --- vm --- */

enum overcommit {
	OVERCOMMIT_MODE,
	OVERCOMMIT_RATIO,
	OVERCOMMIT_KBYTES,
};
static const enum overcommit mode = OVERCOMMIT_MODE, ratio = OVERCOMMIT_RATIO, kbytes = OVERCOMMIT_KBYTES;

static int show_overcommit(struct proc_text *t, const struct proc_open *o, u64 *pos)
{
	const u64 values[] = {commit_policy.mode, commit_policy.ratio_percent, commit_policy.limit_kbytes};

	(void)pos;
	proc_printf(t, "%llu\n", (unsigned long long)values[*(const enum overcommit *)o->entry->data]);
	return 0;
}

/* Of ratio and kbytes the one that was set last counts. */
static int store_overcommit(const struct proc_open *o, char *text, size_t len)
{
	enum overcommit which = *(const enum overcommit *)o->entry->data;
	s64 value;
	int err = proc_parse(text, &value);

	(void)len;
	if (err)
		return -EINVAL;
	if (value < 0 || value > (which == OVERCOMMIT_MODE ? COMMIT_LIMIT : INT32_MAX))
		return -EINVAL;
	if (which == OVERCOMMIT_MODE) {
		commit_policy.mode = (u32)value;
		return 0;
	}
	commit_policy.ratio_percent = which == OVERCOMMIT_RATIO ? (u32)value : 0;
	commit_policy.limit_kbytes = which == OVERCOMMIT_KBYTES ? (u64)value : 0;
	return 0;
}

static int store_max_map_count(const struct proc_open *o, char *text, size_t len)
{
	s64 value;

	(void)o;
	(void)len;
	if (proc_parse(text, &value) || value < 0 || value > INT32_MAX)
		return -EINVAL;
	__atomic_store_n(&vma_count_max, (u64)value, __ATOMIC_RELAXED);
	return 0;
}

static int show_memfd_noexec(struct proc_text *t, const struct proc_open *o, u64 *pos)
{
	(void)o;
	(void)pos;
	proc_printf(t, "%u\n", __atomic_load_n(&memfd_noexec, __ATOMIC_RELAXED));
	return 0;
}

static int store_memfd_noexec(const struct proc_open *o, char *text, size_t len)
{
	s64 value;

	(void)o;
	(void)len;
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (proc_parse(text, &value) || value < 0 || value > MEMFD_NOEXEC_ALWAYS)
		return -EINVAL;
	__atomic_store_n(&memfd_noexec, (u32)value, __ATOMIC_RELAXED);
	return 0;
}

/* 1: pages of files that can be read again; 2: names, which are forgotten anyway; 4: be silent about it. */
static int store_drop_caches(const struct proc_open *o, char *text, size_t len)
{
	s64 value;

	(void)o;
	(void)len;
	if (proc_parse(text, &value) || value < 1 || value > 4)
		return -EINVAL;
	if (value & 1)
		mobj_cache_drop();
	return 0;
}

/* Nothing is made possible by compacting. */
static int store_nothing_to_do(const struct proc_open *o, char *text, size_t len)
{
	const s64 *most = o->entry->data;
	s64 value;

	(void)len;
	return proc_parse(text, &value) || value < 1 || value > *most ? -EINVAL : 0;
}

static const s64 compact_memory_most = 1;

static const struct proc_entry vm_table[] = {
	{.name = "overcommit_memory",
	 .mode = S_IFREG | 0644,
	 .show = show_overcommit,
	 .store = store_overcommit,
	 .data = &mode},
	{.name = "overcommit_ratio",
	 .mode = S_IFREG | 0644,
	 .show = show_overcommit,
	 .store = store_overcommit,
	 .data = &ratio},
	{.name = "overcommit_kbytes",
	 .mode = S_IFREG | 0644,
	 .show = show_overcommit,
	 .store = store_overcommit,
	 .data = &kbytes},
	{.name = "max_map_count",
	 .mode = S_IFREG | 0644,
	 .show = proc_show_u64,
	 .store = store_max_map_count,
	 .data = &vma_count_max},
	NUMBER("mmap_min_addr", USER_MIN),
	{.name = "drop_caches", .mode = S_IFREG | 0200, .store = store_drop_caches},
	{.name = "memfd_noexec",
	 .mode = S_IFREG | 0644,
	 .show = show_memfd_noexec,
	 .store = store_memfd_noexec},
	{.name = "compact_memory",
	 .mode = S_IFREG | 0200,
	 .store = store_nothing_to_do,
	 .data = &compact_memory_most},
	NUMBER("swappiness", 0),
	NUMBER("page-cluster", 0),
	NUMBER("panic_on_oom", 0),
	NUMBER("oom_kill_allocating_task", 0),
	NUMBER("legacy_va_layout", 0),
	NUMBER("nr_hugepages", 0),
	NUMBER("nr_overcommit_hugepages", 0),
	NUMBER("unprivileged_userfaultfd", 0),
	{0},
};

/* --- kernel --- */

static const enum system_name node = SYSTEM_NODE, domain = SYSTEM_DOMAIN;

static int show_name(struct proc_text *t, const struct proc_open *o, u64 *pos)
{
	char name[SYSTEM_NAME_MAX];

	(void)pos;
	system_name_get(*(const enum system_name *)o->entry->data, name);
	proc_printf(t, "%s\n", name);
	return 0;
}

/* The first line of what is written. */
static int store_name(const struct proc_open *o, char *text, size_t len)
{
	const char *end = memchr(text, '\n', len);

	system_name_set(*(const enum system_name *)o->entry->data, text,
			end ? (size_t)(end - text) : strlen(text));
	return 0;
}

/* A random UUID, version 4 of RFC 9562, out of 16 random bytes. */
static void put_uuid(struct proc_text *t, const u8 random[16])
{
	static const u8 dash_before[16] = {[4] = 1, [6] = 1, [8] = 1, [10] = 1};

	for (unsigned i = 0; i < 16; i++) {
		unsigned byte = random[i];

		if (i == 6)
			byte = (byte & 0x0f) | 0x40;
		if (i == 8)
			byte = (byte & 0x3f) | 0x80;
		proc_printf(t, "%s%02x", dash_before[i] ? "-" : "", byte);
	}
	proc_put(t, "\n", 1);
}

static int show_uuid(struct proc_text *t, const struct proc_open *o, u64 *pos)
{
	u8 random[16];

	(void)o;
	(void)pos;
	random_bytes(random, sizeof(random));
	put_uuid(t, random);
	return 0;
}

/* The same as long as the machine runs; chosen when somebody asks first. */
static int show_boot_id(struct proc_text *t, const struct proc_open *o, u64 *pos)
{
	static struct spinlock lock = SPINLOCK_INIT(RANK_TASKS);
	static u8 id[16]; /* [lock] */
	static bool chosen;
	u8 fresh[16];
	u64 irq;

	(void)o;
	(void)pos;
	random_bytes(fresh, sizeof(fresh));
	irq = spin_lock_irqsave(&lock);
	if (!chosen)
		memcpy(id, fresh, sizeof(id));
	chosen = true;
	memcpy(fresh, id, sizeof(id));
	spin_unlock_irqrestore(&lock, irq);
	put_uuid(t, fresh);
	return 0;
}

static const struct proc_entry random_table[] = {
	{.name = "boot_id", .mode = S_IFREG | 0444, .open = open_fixed, .show = show_boot_id},
	{.name = "uuid", .mode = S_IFREG | 0444, .open = open_fixed, .show = show_uuid},
	NUMBER("entropy_avail", 256),
	NUMBER("poolsize", 256),
	{0},
};

static int show_randomize(struct proc_text *t, const struct proc_open *o, u64 *pos)
{
	(void)o;
	(void)pos;
	proc_printf(t, "%u\n", randomize_va_space);
	return 0;
}

static int store_randomize(const struct proc_open *o, char *text, size_t len)
{
	s64 value;

	(void)o;
	(void)len;
	if (proc_parse(text, &value) || value < INT32_MIN || value > INT32_MAX)
		return -EINVAL;
	/* Linux stores any number and asks only whether it is 0, and whether it is above 1. */
	__atomic_store_n(&randomize_va_space, (u32)value, __ATOMIC_RELAXED);
	return 0;
}

static int show_pid_max(struct proc_text *t, const struct proc_open *o, u64 *pos)
{
	(void)o;
	(void)pos;
	proc_printf(t, "%d\n", process_pid_max());
	return 0;
}

static int store_pid_max(const struct proc_open *o, char *text, size_t len)
{
	s64 value;

	(void)o;
	(void)len;
	return proc_parse(text, &value) ? -EINVAL : process_set_pid_max(value);
}

static const struct proc_entry kernel_table[] = {
	FIXED("ostype", "Linux"),
	FIXED("osrelease", LINUX_RELEASE),
	FIXED("version", LINUX_VERSION),
	{.name = "hostname", .mode = S_IFREG | 0644, .show = show_name, .store = store_name, .data = &node},
	{.name = "domainname",
	 .mode = S_IFREG | 0644,
	 .show = show_name,
	 .store = store_name,
	 .data = &domain},
	{.name = "pid_max", .mode = S_IFREG | 0644, .show = show_pid_max, .store = store_pid_max},
	NUMBER("threads-max", 4096),
	{.name = "randomize_va_space",
	 .mode = S_IFREG | 0644,
	 .show = show_randomize,
	 .store = store_randomize},
	NUMBER("overflowuid", 65534),
	NUMBER("overflowgid", 65534),
	NUMBER("cap_last_cap", CAP_LAST_CAP),
	NUMBER("ngroups_max", NGROUPS_MAX),
	FIXED("core_pattern", "core"),
	NUMBER("shmmax", SHM_BYTES_MAX),
	NUMBER("shmall", SHM_BYTES_MAX),
	NUMBER("shmmni", SHM_COUNT_MAX),
	NUMBER("shm_rmid_forced", 0),
	FIXED("sem", "32000\t1024000000\t500\t32000"),
	NUMBER("msgmax", MSG_BYTES_MAX),
	NUMBER("msgmnb", MSG_QUEUE_MAX),
	NUMBER("msgmni", MSG_COUNT_MAX),
	{.name = "random", .mode = S_IFDIR | 0555, .table = random_table},
	{.name = "seccomp", .mode = S_IFDIR | 0555, .table = seccomp_sysctl_table},
	{0},
};

/* --- fs --- */

static int show_max_watches(struct proc_text *t, const struct proc_open *o, u64 *pos)
{
	(void)o;
	(void)pos;
	proc_printf(t, "%llu\n", (unsigned long long)epoll_items_max());
	return 0;
}

static const struct proc_entry epoll_table[] = {
	{.name = "max_user_watches", .mode = S_IFREG | 0444, .open = open_fixed, .show = show_max_watches},
	{0},
};

static const enum inotify_limit queued_events = INOTIFY_QUEUED_EVENTS, instances = INOTIFY_USER_INSTANCES,
				watches = INOTIFY_USER_WATCHES;

static u64 *inotify_limit_of(const struct proc_open *o)
{
	return &inotify_limits[*(const enum inotify_limit *)o->entry->data];
}

static int show_inotify(struct proc_text *t, const struct proc_open *o, u64 *pos)
{
	(void)pos;
	proc_printf(t, "%llu\n", (unsigned long long)__atomic_load_n(inotify_limit_of(o), __ATOMIC_RELAXED));
	return 0;
}

static int store_inotify(const struct proc_open *o, char *text, size_t len)
{
	s64 value;

	(void)len;
	if (proc_parse(text, &value) || value < 0 || value > INT32_MAX)
		return -EINVAL;
	__atomic_store_n(inotify_limit_of(o), (u64)value, __ATOMIC_RELAXED);
	return 0;
}

#define INOTIFY(file, which)                                                                        \
	{                                                                                           \
		.name = file, .mode = S_IFREG | 0644, .show = show_inotify, .store = store_inotify, \
		.data = &(which)                                                                    \
	}

static const struct proc_entry inotify_table[] = {
	INOTIFY("max_queued_events", queued_events),
	INOTIFY("max_user_instances", instances),
	INOTIFY("max_user_watches", watches),
	{0},
};

static const struct proc_entry fs_table[] = {
	{.name = "inotify", .mode = S_IFDIR | 0555, .table = inotify_table},
	{.name = "epoll", .mode = S_IFDIR | 0555, .table = epoll_table},
	NUMBER("file-max", INT64_MAX),
	NUMBER("nr_open", 1048576),
	NUMBER("overflowuid", 65534),
	NUMBER("overflowgid", 65534),
	NUMBER("pipe-max-size", 1048576),
	NUMBER("pipe-user-pages-hard", 0),
	NUMBER("pipe-user-pages-soft", 16384),
	{.name = "mqueue", .mode = S_IFDIR | 0555, .table = mqueue_table},
	{0},
};

/* --- net --- */

static const struct proc_entry net_core_table[] = {
	NUMBER("somaxconn", SOCKET_BACKLOG_MAX),
	NUMBER("optmem_max", SOCKET_CONTROL_MAX),
	NUMBER("rmem_default", SOCKET_BUFFER_BYTES),
	NUMBER("rmem_max", SOCKET_BUFFER_BYTES),
	NUMBER("wmem_default", SOCKET_BUFFER_BYTES),
	NUMBER("wmem_max", SOCKET_BUFFER_BYTES),
	{0},
};

static const struct proc_entry net_unix_table[] = {
	NUMBER("max_dgram_qlen", SOCKET_DGRAM_BACKLOG),
	{0},
};

static const struct proc_entry net_table[] = {
	{.name = "core", .mode = S_IFDIR | 0555, .table = net_core_table},
	{.name = "unix", .mode = S_IFDIR | 0555, .table = net_unix_table},
	{0},
};

const struct proc_entry proc_sysctl_table[] = {
	{.name = "fs", .mode = S_IFDIR | 0555, .table = fs_table},
	{.name = "kernel", .mode = S_IFDIR | 0555, .table = kernel_table},
	{.name = "net", .mode = S_IFDIR | 0555, .table = net_table},
	{.name = "vm", .mode = S_IFDIR | 0555, .table = vm_table},
	{0},
};
