/* SPDX-License-Identifier: MIT */
/* System calls about the machine: uname(2), sysinfo(2), getcpu(2), getrandom(2), reboot(2). */
#include <asm/errno.h>
#include <linux/random.h>
#include <linux/sysinfo.h>
#include <linux/utsname.h>
#include <arch/cpu.h>
#include <arch/timer.h>
#include <arch/uaccess.h>
#include <moat/frame.h>
#include <moat/random.h>
#include <moat/string.h>
#include <moat/syscall.h>
#include <moat/task.h>

/* The Linux version whose calls are followed: C libraries compare it with the least they need. */
#define LINUX_RELEASE "6.1.0-moat"

s64 sys_uname(void __user *buf)
{
	struct new_utsname u;

	memset(&u, 0, sizeof(u));
	(void)str_copy(u.sysname, "Linux", sizeof(u.sysname));
	(void)str_copy(u.nodename, "moat", sizeof(u.nodename));
	(void)str_copy(u.release, LINUX_RELEASE, sizeof(u.release));
	(void)str_copy(u.version, "Moat " MOAT_VERSION, sizeof(u.version));
	(void)str_copy(u.machine, "x86_64", sizeof(u.machine));
	(void)str_copy(u.domainname, "(none)", sizeof(u.domainname));
	return copy_to_user(buf, &u, sizeof(u)) ? -EFAULT : 0;
}

s64 sys_sysinfo(void __user *info)
{
	struct sysinfo s;
	struct frame_stats f;

	frame_stats_read(&f);
	memset(&s, 0, sizeof(s));
	s.uptime = (long)(clock_monotonic_ns() / 1000000000u);
	s.totalram = f.total;
	s.freeram = f.owned[FRAME_FREE];
	s.bufferram = 0;
	s.procs = (u16)process_count();
	s.mem_unit = PAGE_SIZE;
	return copy_to_user(info, &s, sizeof(s)) ? -EFAULT : 0;
}

s64 sys_getcpu(void __user *cpu, void __user *node, void __user *tcache)
{
	u32 id = cpu_id(), zero = 0;

	(void)tcache; /* unused since Linux 2.6.24 (getcpu(2)) */
	if (cpu && copy_to_user(cpu, &id, sizeof(id)))
		return -EFAULT;
	return node && copy_to_user(node, &zero, sizeof(zero)) ? -EFAULT : 0;
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
	}
	memset(chunk, 0, sizeof(chunk));
	return done || !buflen ? (s64)done : -EFAULT;
}
