/* SPDX-License-Identifier: MIT */
/* System calls about the machine: uname(2), sysinfo(2), getcpu(2), getrandom(2), reboot(2). */
#include <asm/errno.h>
#include <linux/capability.h>
#include <linux/personality.h>
#include <linux/random.h>
#include <linux/sysinfo.h>
#include <linux/utsname.h>
#include <arch/cpu.h>
#include <arch/timer.h>
#include <arch/uaccess.h>
#include <moat/cred.h>
#include <moat/usage.h>
#include <moat/random.h>
#include <moat/string.h>
#include <moat/syscall.h>
#include <moat/task.h>
#include "system.h"

static char node_name[SYSTEM_NAME_MAX] = "moat", domain_name[SYSTEM_NAME_MAX] = "(none)"; /* [names_lock] */
static struct spinlock names_lock = SPINLOCK_INIT(RANK_TASKS);

static char *name_of(enum system_name which)
{
	return which == SYSTEM_NODE ? node_name : domain_name;
}

void system_name_get(enum system_name which, char out[SYSTEM_NAME_MAX])
{
	u64 irq = spin_lock_irqsave(&names_lock);

	memcpy(out, name_of(which), SYSTEM_NAME_MAX);
	spin_unlock_irqrestore(&names_lock, irq);
}

void system_name_set(enum system_name which, const char *name, size_t len)
{
	u64 irq = spin_lock_irqsave(&names_lock);

	memset(name_of(which), 0, SYSTEM_NAME_MAX);
	memcpy(name_of(which), name, MIN(len, SYSTEM_NAME_MAX - 1ul));
	spin_unlock_irqrestore(&names_lock, irq);
}

s64 sys_uname(void __user *buf)
{
	struct new_utsname u;

	memset(&u, 0, sizeof(u));
	(void)str_copy(u.sysname, "Linux", sizeof(u.sysname));
	system_name_get(SYSTEM_NODE, u.nodename);
	(void)str_copy(u.release, current_process()->personality & UNAME26 ? LINUX_RELEASE_26 : LINUX_RELEASE,
		       sizeof(u.release));
	(void)str_copy(u.version, LINUX_VERSION, sizeof(u.version));
	(void)str_copy(u.machine, "x86_64", sizeof(u.machine));
	system_name_get(SYSTEM_DOMAIN, u.domainname);
	return copy_to_user(buf, &u, sizeof(u)) ? -EFAULT : 0;
}

s64 sys_sysinfo(void __user *info)
{
	struct sysinfo s;
	struct memory_figures m;
	u64 loads[3];

	memory_figures_read(&m);
	memset(&s, 0, sizeof(s));
	s.uptime = (long)(clock_monotonic_ns() / 1000000000u);
	load_averages(loads);
	for (int i = 0; i < 3; i++)
		s.loads[i] = loads[i] << (SI_LOAD_SHIFT - LOAD_SHIFT);
	s.totalram = m.total;
	s.freeram = m.free;
	s.sharedram = m.shmem;
	s.bufferram = 0;
	s.procs = (u16)process_count();
	s.mem_unit = PAGE_SIZE;
	return copy_to_user(info, &s, sizeof(s)) ? -EFAULT : 0;
}

s64 sys_getcpu(void __user *cpu, void __user *node, void __user *tcache)
{
	u32 id = cpu_id(), on = numa_cpu_node[id];

	(void)tcache; /* unused since Linux 2.6.24 (getcpu(2)) */
	if (cpu && copy_to_user(cpu, &id, sizeof(id)))
		return -EFAULT;
	return node && copy_to_user(node, &on, sizeof(on)) ? -EFAULT : 0;
}

/* The generator is seeded before the first program starts, so no flag ever has to wait (getrandom(2)). */
s64 sys_getrandom(void __user *buf, size_t buflen, u32 flags)
{
	u8 chunk[256];
	size_t done = 0;

	if (flags & ~(u32)(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE))
		return -EINVAL;
	if ((flags & (GRND_RANDOM | GRND_INSECURE)) == (GRND_RANDOM | GRND_INSECURE))
		return -EINVAL;
	buflen = MIN(buflen, (size_t)INT32_MAX);
	while (done < buflen && !(done && signal_due())) {
		size_t n = MIN(buflen - done, sizeof(chunk));
		random_bytes(chunk, n);
		size_t missed = copy_to_user((char __user *)buf + done, chunk, n);
		done += n - missed;
		if (missed)
			break;
		waitq_give_way();
	}
	memset(chunk, 0, sizeof(chunk));
	return done || !buflen ? (s64)done : -EFAULT;
}

/* --- sethostname(2), setdomainname(2) --- */

static s64 set_name(enum system_name which, const void __user *name, int len)
{
	char new[SYSTEM_NAME_MAX];

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (len < 0 || len >= SYSTEM_NAME_MAX)
		return -EINVAL;
	if (copy_from_user(new, name, (size_t)len))
		return -EFAULT;
	system_name_set(which, new, (size_t)len);
	return 0;
}

s64 sys_sethostname(const char __user *name, int len)
{
	return set_name(SYSTEM_NODE, name, len);
}

s64 sys_setdomainname(const char __user *name, int len)
{
	return set_name(SYSTEM_DOMAIN, name, len);
}

/* --- syslog(2) --- */

enum { /* what syslog(2) is asked for; in no header */
       SYSLOG_READ = 2,
       SYSLOG_READ_ALL = 3,
       SYSLOG_READ_CLEAR = 4,
       SYSLOG_CONSOLE_LEVEL = 8,
       SYSLOG_UNREAD = 9,
       SYSLOG_SIZE = 10,
       LEVEL_MAX = 8,
       LOG_BYTES = 1 << 17, /* what Linux's holds as a rule */
};

/* The kernel's lines go to the host and are kept nowhere: for who may read them there are none. */
s64 sys_syslog(int type, void __user *buf, int len)
{
	struct waitq never;

	if (!capable(CAP_SYSLOG))
		return -EPERM;
	if (type < 0 || type > SYSLOG_SIZE)
		return -EINVAL;
	if (type == SYSLOG_CONSOLE_LEVEL)
		return len < 1 || len > LEVEL_MAX ? -EINVAL : 0;
	if (type == SYSLOG_SIZE)
		return LOG_BYTES;
	if (type < SYSLOG_READ || type > SYSLOG_READ_CLEAR)
		return 0;
	if (!buf || len < 0)
		return -EINVAL;
	if (type != SYSLOG_READ || len == 0)
		return 0;
	waitq_init(&never);
	return WAIT_EVENT(&never, false); /* the next line never comes */
}
