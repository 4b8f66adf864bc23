/* SPDX-License-Identifier: MIT */
/*
 * How threads are scheduled: sched_setscheduler(2) and its kin, sched_setattr(2), sched_setaffinity(2). All find a thread by
 * its number, check, and let the scheduler do it (moat/sched.h); checks and errors are those of sched(7).
 */
#include <asm/errno.h>
#include <linux/capability.h>
#include <linux/resource.h>
#include <linux/sched.h>
#include <linux/sched/types.h>
#include <linux/time_types.h>
#include <arch/smp.h>
#include <arch/uaccess.h>
#include <moat/string.h>
#include <moat/syscall.h>
#include <moat/task.h>
#include "sys_struct.h"

#define SCHED_EXT      7       /* <linux/sched.h> has it since Linux 6.12 */
#define FAIR_SLICE_NS  4000000 /* of a fair thread while another one waits */
#define NS_PER_SEC     1000000000ll
#define KEEP_POLICY    (-1)
#define FLAGS_KNOWN    SCHED_FLAG_ALL
#define FLAGS_REFUSED  SCHED_FLAG_UTIL_CLAMP
#define CPU_MASK_BYTES sizeof(u64)

/* What is asked for; decoded from either form of the call. */
struct policy_call {
	int policy; /* KEEP_POLICY: as it is */
	u32 rt_priority;
	int nice;
	bool has_nice, reset_on_fork, keep_reset, keep_params;
};

static bool is_rt(int policy)
{
	return policy == SCHED_FIFO || policy == SCHED_RR;
}

static bool is_fair(int policy)
{
	return policy == SCHED_NORMAL || policy == SCHED_BATCH || policy == SCHED_IDLE;
}

/* The same user, or who has the capability (sched_setscheduler(2), "Privileges and resource limits"). */
static bool may_control(const struct thread *t)
{
	u32 euid = current_cred()->euid;

	return capable(CAP_SYS_NICE) || euid == t->cred.euid || euid == t->cred.uid;
}

/* RLIMIT_NICE 1..40 stands for nice 19..-20. */
static bool limit_allows_nice(const struct process *p, int nice)
{
	return (u64)(NICE_MAX + 1 - nice) <= p->limits[RLIMIT_NICE].soft;
}

/* What who has not the capability may not do. */
static int check_rights(const struct thread *t, const struct sched_policy *old,
			const struct sched_policy *new)
{
	const struct process *p = t->process;
	u64 rt_limit = p->limits[RLIMIT_RTPRIO].soft;

	if (capable(CAP_SYS_NICE))
		return 0;
	if (is_rt(new->policy) && ((new->policy != old->policy && !rt_limit) ||
				   (new->rt_priority > old->rt_priority &&new->rt_priority > rt_limit)))
		return -EPERM;
	if (is_fair(new->policy) && new->nice < old->nice && !limit_allows_nice(p, new->nice))
		return -EPERM;
	if (old->policy == SCHED_IDLE && new->policy != SCHED_IDLE && !limit_allows_nice(p, old->nice))
		return -EPERM;
	if (!may_control(t) || (old->reset_on_fork && !new->reset_on_fork))
		return -EPERM;
	return 0;
}

/* 0: p's scheduling may be changed; 1: not; where there is a process at all. Table locked. */
static int is_closed(struct process *p, void *arg __unused)
{
	u32 euid = current_cred()->euid;

	return p == &kernel_process ||
	       (!capable(CAP_SYS_NICE) && euid != p->cred.euid && euid != p->cred.uid);
}

/*
 * thread_with, but for numbers that name a process without the thread of that number: PID 1, or one whose leader has ended.
 * It has the policy that all begin with, and a change does nothing to it: 0, or absent where it may not be changed.
 */
static int with_thread(int pid, int (*fn)(struct thread *t, void *arg), void *arg, int absent)
{
	int closed, err = thread_with(pid, fn, arg);

	if (err != -ESRCH)
		return err;
	closed = process_with(pid, is_closed, NULL);
	return closed > 0 ? absent : closed;
}

static int change_policy(struct thread *t, void *arg)
{
	const struct policy_call *c = arg;
	struct sched_policy old = thread_policy(t), new = old;
	int err;

	new.policy = c->policy == KEEP_POLICY ? old.policy : (u8)c->policy;
	if (!c->keep_params) {
		new.rt_priority = (u8)c->rt_priority;
		if (c->has_nice && is_fair(new.policy))
			new.nice = c->nice;
	}
	if (!c->keep_reset)
		new.reset_on_fork = c->reset_on_fork;
	if (is_rt(new.policy) != (new.rt_priority != 0))
		return -EINVAL;
	err = check_rights(t, &old, &new);
	if (!err)
		thread_set_policy(t, &new);
	return err;
}

static s64 set_policy(int pid, struct policy_call *c)
{
	if (c->policy == SCHED_DEADLINE) {
		unsupported_flag("sched_setattr", "SCHED_DEADLINE");
		return -EINVAL;
	}
	if (c->policy != KEEP_POLICY && !is_rt(c->policy) && !is_fair(c->policy))
		return -EINVAL;
	if (c->rt_priority > RT_PRIO_MAX)
		return -EINVAL;
	return pid < 0 ? -EINVAL : with_thread(pid, change_policy, c, -EPERM);
}

/* A priority is all that struct sched_param holds. */
static int get_param(const void __user *param, u32 *priority)
{
	if (!param)
		return -EINVAL;
	return copy_from_user(priority, param, sizeof(*priority)) ? -EFAULT : 0;
}

s64 sys_sched_setscheduler(int pid, int policy, const void __user *param)
{
	struct policy_call c = {.policy = policy & ~SCHED_RESET_ON_FORK,
				.reset_on_fork = (policy & SCHED_RESET_ON_FORK) != 0};
	int err;

	if (policy < 0 || pid < 0)
		return -EINVAL;
	err = get_param(param, &c.rt_priority);
	return err ? err : set_policy(pid, &c);
}

s64 sys_sched_setparam(int pid, const void __user *param)
{
	struct policy_call c = {.policy = KEEP_POLICY, .keep_reset = true};
	int err = pid < 0 ? -EINVAL : get_param(param, &c.rt_priority);

	return err ? err : set_policy(pid, &c);
}

static int read_policy(struct thread *t, void *arg)
{
	*(struct sched_policy *)arg = thread_policy(t);
	return 0;
}

s64 sys_sched_getscheduler(int pid)
{
	struct sched_policy p = {0};
	int err = pid < 0 ? -EINVAL : with_thread(pid, read_policy, &p, 0);

	return err ? err : p.policy | (p.reset_on_fork ? SCHED_RESET_ON_FORK : 0);
}

s64 sys_sched_getparam(int pid, void __user *param)
{
	struct sched_policy p = {0};
	int priority, err;

	if (!param || pid < 0)
		return -EINVAL;
	err = with_thread(pid, read_policy, &p, 0);
	priority = p.rt_priority;
	if (err)
		return err;
	return copy_to_user(param, &priority, sizeof(priority)) ? -EFAULT : 0;
}

/* The caller's structure may be of another version than ours; if it cannot be taken, it is told the size of ours. */
static int get_attr(struct sched_attr *a, void __user *from)
{
	const u32 ours = sizeof(*a);
	u32 size;
	int err;

	if (copy_from_user(&size, from, sizeof(size)))
		return -EFAULT;
	size = size ? size : SCHED_ATTR_SIZE_VER0;
	err = sys_get_struct(from, size, SCHED_ATTR_SIZE_VER0, a, ours);
	if (err == -EINVAL || err == -E2BIG)
		err = copy_to_user(from, &ours, sizeof(ours)) ? -EFAULT : -E2BIG;
	a->size = size;
	return err;
}

s64 sys_sched_setattr(int pid, void __user *attr, u32 flags)
{
	struct policy_call c;
	struct sched_attr a;
	int err;

	if (!attr || pid < 0 || flags)
		return -EINVAL;
	err = get_attr(&a, attr);
	if (err)
		return err;
	if ((int)a.sched_policy < 0 || (a.sched_flags & ~(u64)FLAGS_KNOWN))
		return -EINVAL;
	if (a.sched_flags & FLAGS_REFUSED) {
		unsupported_flag("sched_setattr", "SCHED_FLAG_UTIL_CLAMP");
		return -EOPNOTSUPP;
	}
	c = (struct policy_call){
		.policy = a.sched_flags & SCHED_FLAG_KEEP_POLICY ? KEEP_POLICY : (int)a.sched_policy,
		.rt_priority = a.sched_priority,
		.nice = MAX(MIN(a.sched_nice, NICE_MAX), NICE_MIN),
		.has_nice = true,
		.reset_on_fork = a.sched_flags & SCHED_FLAG_RESET_ON_FORK,
		.keep_reset = a.sched_flags & SCHED_FLAG_KEEP_POLICY,
		.keep_params = a.sched_flags & SCHED_FLAG_KEEP_PARAMS,
	};
	return set_policy(pid, &c);
}

s64 sys_sched_getattr(int pid, void __user *attr, u32 size, u32 flags)
{
	struct sched_attr a = {.size = MIN(size, (u32)sizeof(a))};
	struct sched_policy p = {0};
	int err;

	if (!attr || pid < 0 || size > PAGE_SIZE || size < SCHED_ATTR_SIZE_VER0 || flags)
		return -EINVAL;
	err = with_thread(pid, read_policy, &p, 0);
	if (err)
		return err;
	a.sched_policy = p.policy;
	a.sched_flags = p.reset_on_fork ? SCHED_FLAG_RESET_ON_FORK : 0;
	a.sched_priority = p.rt_priority;
	if (is_fair(p.policy)) {
		a.sched_nice = p.nice;
		a.sched_runtime = FAIR_SLICE_NS;
	}
	return copy_to_user(attr, &a, a.size) ? -EFAULT : 0;
}

s64 sys_sched_get_priority_max(int policy)
{
	if (is_rt(policy))
		return RT_PRIO_MAX;
	return is_fair(policy) || policy == SCHED_DEADLINE || policy == SCHED_EXT ? 0 : -EINVAL;
}

s64 sys_sched_get_priority_min(int policy)
{
	s64 max = sys_sched_get_priority_max(policy);

	return max > 0 ? 1 : max;
}

s64 sys_sched_rr_get_interval(int pid, struct __kernel_timespec __user *tp)
{
	struct sched_policy p = {0};
	struct __kernel_timespec ts;
	s64 ns;
	int err = pid < 0 ? -EINVAL : with_thread(pid, read_policy, &p, 0);

	if (err)
		return err;
	ns = p.policy == SCHED_RR ? (s64)RR_SLICE_NS : p.policy == SCHED_FIFO ? 0 : FAIR_SLICE_NS;
	ts = (struct __kernel_timespec){.tv_sec = ns / NS_PER_SEC, .tv_nsec = ns % NS_PER_SEC};
	return put_user(ts, tp) ? -EFAULT : 0;
}

static u32 cpus_there(void)
{
	return (1u << cpu_count()) - 1;
}

static int read_affinity(struct thread *t, void *arg)
{
	*(u64 *)arg = thread_affinity(t) & cpus_there();
	return 0;
}

s64 sys_sched_getaffinity(int pid, size_t size, void __user *mask)
{
	u64 bits = cpus_there();
	int err;

	if (size * 8 < cpu_count() || (size & (sizeof(bits) - 1)))
		return -EINVAL;
	err = with_thread(pid, read_affinity, &bits, 0);
	if (err)
		return err;
	return copy_to_user(mask, &bits, CPU_MASK_BYTES) ? -EFAULT : (s64)CPU_MASK_BYTES;
}

static int change_affinity(struct thread *t, void *arg)
{
	u32 bits = (u32)(*(const u64 *)arg & cpus_there());

	if (!may_control(t))
		return -EPERM;
	if (!bits)
		return -EINVAL;
	thread_set_affinity(t, bits);
	return 0;
}

s64 sys_sched_setaffinity(int pid, size_t size, const void __user *mask)
{
	u64 bits = 0;

	if (copy_from_user(&bits, mask, MIN(size, CPU_MASK_BYTES)))
		return -EFAULT;
	return with_thread(pid, change_affinity, &bits, -EPERM);
}

/* --- nice values (setpriority(2)) --- */

struct nice_call {
	int which, who; /* PRIO_* and a group or a user */
	bool set;
	int nice;   /* to be set; of those found, the least */
	int result; /* -ESRCH: nobody found */
};

static int set_nice(struct thread *t, int nice)
{
	u32 euid = current_cred()->euid;
	struct sched_policy p = thread_policy(t);

	if (!capable(CAP_SYS_NICE)) {
		if (euid != t->cred.uid && euid != t->cred.euid)
			return -EPERM;
		if (nice < p.nice && !limit_allows_nice(t->process, nice))
			return -EACCES;
	}
	p.nice = nice;
	thread_set_policy(t, &p);
	return 0;
}

static int nice_thread(struct thread *t, void *arg)
{
	struct nice_call *c = arg;
	int err = 0;

	if (c->set)
		err = set_nice(t, c->nice);
	else
		c->nice = MIN(c->nice, (int)thread_policy(t).nice);
	/* An error stands, whoever else was found. */
	if (err || c->result == -ESRCH)
		c->result = err;
	return 0;
}

static bool nice_process(struct process *p, void *arg)
{
	struct nice_call *c = arg;
	struct thread *t;

	if (c->which == PRIO_PGRP ? p->pgid == c->who : p->cred.uid == (u32)c->who) {
		TAILQ_FOREACH (t, &p->threads, sibling)
			(void)nice_thread(t, c);
	}
	return true;
}

static int for_whom(struct nice_call *c)
{
	if (c->which < PRIO_PROCESS || c->which > PRIO_USER)
		return -EINVAL;
	c->result = -ESRCH;
	if (c->which == PRIO_PROCESS) {
		int err = with_thread(c->who, nice_thread, c, c->set ? -EPERM : 0);

		if (err || c->result != -ESRCH)
			return err ? err : c->result;
		c->nice = 0; /* nobody's */
		return 0;
	}
	if (!c->who)
		c->who = c->which == PRIO_PGRP ? current_process()->pgid : (int)current_cred()->uid;
	process_for_each(nice_process, c);
	return c->result;
}

s64 sys_setpriority(int which, int who, int niceval)
{
	struct nice_call c = {
		.which = which, .who = who, .set = true, .nice = MAX(MIN(niceval, NICE_MAX), NICE_MIN)};

	return for_whom(&c);
}

/* The answer is never negative: 1..40 for nice 19..-20. */
s64 sys_getpriority(int which, int who)
{
	struct nice_call c = {.which = which, .who = who, .nice = NICE_MAX};
	int err = for_whom(&c);

	return err ? err : NICE_MAX + 1 - c.nice;
}
