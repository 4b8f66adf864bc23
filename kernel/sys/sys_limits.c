/* SPDX-License-Identifier: MIT */
/* Resource limits and usage: getrlimit(2), prlimit(2), getrusage(2). */
#include <asm/errno.h>
#include <linux/resource.h>
#include <arch/uaccess.h>
#include <moat/syscall.h>
#include <moat/string.h>
#include <moat/task.h>
#include "sys_process.h"

#define NOFILE_HARD_MAX 1048576u /* /proc/sys/fs/nr_open */

/* What the address space must know of a changed limit. */
static void tell_aspace(struct aspace *as, unsigned resource, u64 soft)
{
	if (resource == RLIMIT_AS)
		__atomic_store_n(&as->limit_as_bytes, soft, __ATOMIC_RELAXED);
	else if (resource == RLIMIT_DATA)
		__atomic_store_n(&as->limit_data_bytes, soft, __ATOMIC_RELAXED);
	else if (resource == RLIMIT_STACK)
		__atomic_store_n(&as->limit_stack_bytes, soft, __ATOMIC_RELAXED);
}

static int set_limit(struct process *p, unsigned resource, const struct rlimit_pair *new)
{
	struct rlimit_pair *l = &p->limits[resource];

	if (new->soft > new->hard)
		return -EINVAL;
	if (new->hard > l->hard && !capable(CAP_SYS_RESOURCE))
		return -EPERM;
	if (resource == RLIMIT_NOFILE && new->hard > NOFILE_HARD_MAX)
		return -EPERM;
	*l = *new;
	if (p->aspace)
		tell_aspace(p->aspace, resource, new->soft);
	return 0;
}

struct limit_call {
	unsigned resource;
	const struct rlimit_pair *new; /* NULL: only to be read */
	struct rlimit_pair old;
};

/* prlimit(2) on any process: the same user, or root. Table locked, so that p stays. */
static int change_limit(struct process *p, void *arg)
{
	const struct cred *me = current_cred(), *its = &p->cred;
	struct limit_call *c = arg;

	if (p != current_process() && !capable(CAP_SYS_RESOURCE) &&
	    (me->uid != its->uid || me->uid != its->euid || me->uid != its->suid || me->gid != its->gid ||
	     me->gid != its->egid || me->gid != its->sgid))
		return -EPERM;
	if (c->resource >= RLIM_NLIMITS)
		return -EINVAL;
	c->old = p->limits[c->resource];
	return c->new ? set_limit(p, c->resource, c->new) : 0;
}

s64 sys_prlimit64(int pid, int resource, const void __user *new_limit, void __user *old_limit)
{
	struct limit_call c = {.resource = (unsigned)resource};
	struct rlimit_pair new;
	int err;

	if (new_limit && copy_from_user(&new, new_limit, sizeof(new)))
		return -EFAULT;
	c.new = new_limit ? &new : NULL;
	err = pid < 0 ? -ESRCH : process_with(pid, change_limit, &c);
	if (err)
		return err;
	return old_limit && copy_to_user(old_limit, &c.old, sizeof(c.old)) ? -EFAULT : 0;
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
	return set_limit(current_process(), (unsigned)resource, &new);
}

static struct __kernel_old_timeval to_timeval(u64 ns)
{
	return (struct __kernel_old_timeval){(long)(ns / 1000000000u), (long)(ns % 1000000000u / 1000)};
}

void usage_to_rusage(const struct process_usage *u, struct rusage *out)
{
	memset(out, 0, sizeof(*out));
	out->ru_utime = to_timeval(u->user_ns);
	out->ru_stime = to_timeval(u->sys_ns);
	out->ru_maxrss = (long)(u->peak_bytes / 1024);
	out->ru_minflt = (long)(u->minor_faults + u->cow_faults);
	out->ru_majflt = (long)u->major_faults;
	out->ru_nvcsw = (long)u->voluntary;
	out->ru_nivcsw = (long)u->involuntary;
}

s64 sys_getrusage(int who, void __user *usage)
{
	struct process *p = current_process();
	struct process_usage used;
	struct rusage u;

	if (who != RUSAGE_SELF && who != RUSAGE_CHILDREN && who != RUSAGE_THREAD)
		return -EINVAL;
	if (who == RUSAGE_CHILDREN)
		used = p->children_usage;
	else if (who == RUSAGE_THREAD)
		thread_get_usage(&used);
	else
		process_get_usage(p, &used);
	usage_to_rusage(&used, &u);
	return copy_to_user(usage, &u, sizeof(u)) ? -EFAULT : 0;
}
