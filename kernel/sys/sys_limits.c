/* SPDX-License-Identifier: MIT */
/* Resource limits and usage: getrlimit(2), prlimit(2), getrusage(2). */
#include <asm/errno.h>
#include <linux/resource.h>
#include <arch/uaccess.h>
#include <moat/syscall.h>
#include <moat/string.h>
#include <moat/task.h>

#define NOFILE_HARD_MAX 1048576u /* /proc/sys/fs/nr_open */

/* What the address space must know of a changed limit. */
static void tell_aspace(struct aspace *as, int resource, u64 soft)
{
	if (resource == RLIMIT_AS)
		__atomic_store_n(&as->limit_as_bytes, soft, __ATOMIC_RELAXED);
	else if (resource == RLIMIT_DATA)
		__atomic_store_n(&as->limit_data_bytes, soft, __ATOMIC_RELAXED);
	else if (resource == RLIMIT_STACK)
		__atomic_store_n(&as->limit_stack_bytes, soft, __ATOMIC_RELAXED);
}

static int set_limit(struct process *p, int resource, const struct rlimit_pair *new)
{
	struct rlimit_pair *l = &p->limits[resource];

	if (new->soft > new->hard)
		return -EINVAL;
	if (new->hard > l->hard && p->euid != 0)
		return -EPERM;
	if (resource == RLIMIT_NOFILE && new->hard > NOFILE_HARD_MAX)
		return -EPERM;
	*l = *new;
	tell_aspace(p->aspace, resource, new->soft);
	return 0;
}

static s64 limit_call(int resource, const void __user *new_limit, void __user *old_limit)
{
	struct process *p = current_process();
	struct rlimit_pair new, old;
	int err;

	if (resource < 0 || resource >= RLIM_NLIMITS)
		return -EINVAL;
	if (new_limit && copy_from_user(&new, new_limit, sizeof(new)))
		return -EFAULT;
	old = p->limits[resource];
	if (new_limit) {
		err = set_limit(p, resource, &new);
		if (err)
			return err;
	}
	return old_limit && copy_to_user(old_limit, &old, sizeof(old)) ? -EFAULT : 0;
}

s64 sys_getrlimit(int resource, void __user *rlim)
{
	struct rlimit_pair limit;

	if (resource < 0 || resource >= RLIM_NLIMITS)
		return -EINVAL;
	limit = current_process()->limits[resource];
	return copy_to_user(rlim, &limit, sizeof(limit)) ? -EFAULT : 0;
}

s64 sys_setrlimit(int resource, const void __user *rlim)
{
	struct rlimit_pair new;

	if (copy_from_user(&new, rlim, sizeof(new)))
		return -EFAULT;
	if (resource < 0 || resource >= RLIM_NLIMITS)
		return -EINVAL;
	return set_limit(current_process(), resource, &new);
}

s64 sys_prlimit64(int pid, int resource, const void __user *new_limit, void __user *old_limit)
{
	if (pid != 0 && pid != current_process()->pid)
		return -ESRCH;
	return limit_call(resource, new_limit, old_limit);
}

static struct __kernel_old_timeval to_timeval(u64 ns)
{
	return (struct __kernel_old_timeval){(long)(ns / 1000000000u), (long)(ns % 1000000000u / 1000)};
}

s64 sys_getrusage(int who, void __user *usage)
{
	struct process *p = current_process();
	struct rusage u;
	u64 user = 0, sys = 0;

	if (who != RUSAGE_SELF && who != RUSAGE_CHILDREN && who != RUSAGE_THREAD)
		return -EINVAL;
	memset(&u, 0, sizeof(u));
	if (who != RUSAGE_CHILDREN) {
		process_cpu_times(p, &user, &sys);
		u.ru_maxrss = (long)(pmap_peak_pages(&p->aspace->pmap) * (PAGE_SIZE / 1024));
		u.ru_minflt = (long)(p->aspace->faults.minor + p->aspace->faults.cow);
		u.ru_majflt = (long)p->aspace->faults.major;
		u.ru_nvcsw = (long)p->thread->switches;
	}
	u.ru_utime = to_timeval(user);
	u.ru_stime = to_timeval(sys);
	return copy_to_user(usage, &u, sizeof(u)) ? -EFAULT : 0;
}
