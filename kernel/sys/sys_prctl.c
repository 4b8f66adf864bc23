/* SPDX-License-Identifier: MIT */
/*
 * prctl(2): options that are about this process alone. Some are hints that a kernel may follow or not; they are kept, and shown
 * again, without any effect. An option that only other processors have is EINVAL, as it is on Linux; one that Linux has here and
 * Moat has not is EINVAL too, and counted.
 */
#include <asm/errno.h>
#include <linux/capability.h>
#include <linux/prctl.h>
#include <arch/uaccess.h>
#include <moat/aspace.h>
#include <moat/cred.h>
#include <moat/huge.h>
#include <moat/syscall.h>
#include <moat/task.h>
#include "sys_prctl.h"

/* Newer than the build machine's headers. */
#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#define PR_GET_MDWE 66
#endif
#ifndef PR_SET_MEMORY_MERGE
#define PR_SET_MEMORY_MERGE 67
#define PR_GET_MEMORY_MERGE 68
#endif
#define PR_GET_AUXV_	   0x41555856
#define THP_EXCEPT_ADVISED 2
#define MITIGATIONS	   3 /* of processors, that prctl(2) knows */

enum { /* process.hints */
       HINT_MCE_SET = 1 << 0,
       HINT_MCE_EARLY = 1 << 1,
       HINT_IO_FLUSHER = 1 << 2,
       HINT_MERGE = 1 << 3,
};

static bool any_from(const u64 arg[4], int first)
{
	u64 bits = 0;

	for (int i = first; i < 4; i++)
		bits |= arg[i];
	return bits != 0;
}

static s64 put_int(int value, u64 to)
{
	return copy_to_user((void __user *)to, &value, sizeof(value)) ? -EFAULT : 0;
}

static s64 refuse(const char *what)
{
	unsupported_flag("prctl", what);
	return -EINVAL;
}

static void set_hint(u8 hint, bool on)
{
	struct process *p = current_process();

	p->hints = (u8)(on ? p->hints | hint : p->hints & ~hint);
}

static bool has_hint(u8 hint)
{
	return current_process()->hints & hint;
}

/* When to tell of a broken page: there is never one to tell of. A policy that is unknown marks the process all the same. */
static s64 set_mce_policy(const u64 arg[4])
{
	if (any_from(arg, 2))
		return -EINVAL;
	if (arg[0] == PR_MCE_KILL_CLEAR) {
		if (arg[1])
			return -EINVAL;
		set_hint(HINT_MCE_SET, false);
		return 0;
	}
	if (arg[0] != PR_MCE_KILL_SET)
		return -EINVAL;
	set_hint(HINT_MCE_SET, true);
	if (arg[1] > PR_MCE_KILL_DEFAULT)
		return -EINVAL;
	set_hint(HINT_MCE_EARLY, arg[1] == PR_MCE_KILL_EARLY);
	if (arg[1] == PR_MCE_KILL_DEFAULT)
		set_hint(HINT_MCE_SET, false);
	return 0;
}

static s64 get_mce_policy(const u64 arg[4])
{
	if (any_from(arg, 0))
		return -EINVAL;
	return !has_hint(HINT_MCE_SET)	  ? PR_MCE_KILL_DEFAULT
	       : has_hint(HINT_MCE_EARLY) ? PR_MCE_KILL_EARLY
					  : PR_MCE_KILL_LATE;
}

static s64 tsc(int option, u64 arg)
{
	if (option == PR_GET_TSC)
		return put_int(PR_TSC_ENABLE, arg);
	if (arg == PR_TSC_SIGSEGV)
		return refuse("PR_TSC_SIGSEGV");
	return arg == PR_TSC_ENABLE ? 0 : -EINVAL;
}

static s64 huge_pages(int option, const u64 arg[4])
{
	struct aspace *as = current_process()->aspace;

	if (option == PR_GET_THP_DISABLE)
		return any_from(arg, 0) ? -EINVAL : as->huge_disabled;
	if (any_from(arg, 2) || (arg[1] & ~(u64)THP_EXCEPT_ADVISED) || (arg[1] && !arg[0]))
		return -EINVAL;
	__atomic_store_n(&as->huge_disabled, (u8)(arg[0] ? 1 | arg[1] : 0), __ATOMIC_RELAXED);
	return 0;
}

static s64 io_flusher(int option, const u64 arg[4])
{
	if (!capable(CAP_SYS_RESOURCE))
		return -EPERM;
	if (any_from(arg, option == PR_SET_IO_FLUSHER) || arg[0] > 1)
		return -EINVAL;
	if (option == PR_SET_IO_FLUSHER)
		set_hint(HINT_IO_FLUSHER, arg[0]);
	return option == PR_SET_IO_FLUSHER ? 0 : has_hint(HINT_IO_FLUSHER);
}

/* Nobody merges pages: who asks for it gets none merged, which is what Linux may do too. */
static s64 merging(int option, const u64 arg[4])
{
	if (any_from(arg, option == PR_SET_MEMORY_MERGE))
		return -EINVAL;
	if (option == PR_SET_MEMORY_MERGE)
		set_hint(HINT_MERGE, arg[0]);
	return option == PR_SET_MEMORY_MERGE ? 0 : has_hint(HINT_MERGE);
}

/* No mitigation of a processor is switched by thread. */
static s64 speculation(int option, const u64 arg[4])
{
	if (any_from(arg, option == PR_GET_SPECULATION_CTRL ? 1 : 2))
		return -EINVAL;
	if (arg[0] >= MITIGATIONS)
		return -ENODEV;
	return option == PR_GET_SPECULATION_CTRL ? PR_SPEC_NOT_AFFECTED : -ENXIO;
}

/* A promise to make no memory executable that was not so from the start: it cannot be taken back. */
static s64 exec_gain(int option, const u64 arg[4])
{
	struct aspace *as = current_process()->aspace;
	u8 before = __atomic_load_n(&as->exec_gain, __ATOMIC_RELAXED);

	if (any_from(arg, option == PR_SET_MDWE))
		return -EINVAL;
	if (option == PR_GET_MDWE)
		return before;
	if (arg[0] > (EXEC_GAIN_REFUSED | EXEC_GAIN_NOT_INHERITED) || arg[0] == EXEC_GAIN_NOT_INHERITED)
		return -EINVAL;
	if (before && before != arg[0])
		return -EPERM;
	__atomic_store_n(&as->exec_gain, (u8)arg[0], __ATOMIC_RELAXED);
	return 0;
}

static s64 get_auxv(const u64 arg[4])
{
	const struct exec_facts *f = &current_process()->facts;
	size_t size = f->auxv_words * sizeof(u64);

	if (any_from(arg, 2))
		return -EINVAL;
	return copy_to_user((void __user *)arg[0], f->auxv, MIN(size, (size_t)arg[1])) ? -EFAULT : (s64)size;
}

static s64 timer_slack(int option, u64 arg)
{
	struct thread *t = current_thread();

	if (option == PR_GET_TIMERSLACK)
		return (s64)t->timer_slack_ns;
	t->timer_slack_ns = arg ? arg : TIMER_SLACK_NS;
	return 0;
}

static s64 dumpable(int option, u64 arg)
{
	struct process *me = current_process();

	if (option == PR_GET_DUMPABLE)
		return !me->not_dumpable;
	if (arg > 1)
		return -EINVAL;
	me->not_dumpable = !arg;
	return 0;
}

/* Options of Linux for other processors, and some that need what a kernel may be built without. */
static bool is_never_here(int option)
{
	static const u8 options[] = {5,	 6,  9,	 10, 11, 12, 19, 20, 43, 44, 45,
				     46, 50, 51, 54, 55, 56, 60, 61, 63, 64};

	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		if (option == options[i])
			return true;
	}
	return option == PR_SET_PTRACER || option == PR_SET_VMA || (option >= 69 && option <= 76);
}

s64 sys_prctl_more(int option, const u64 arg[4])
{
	switch (option) {
	case PR_GET_DUMPABLE:
	case PR_SET_DUMPABLE:
		return dumpable(option, arg[0]);
	case PR_GET_TIMING:
		return PR_TIMING_STATISTICAL;
	case PR_SET_TIMING:
		return arg[0] == PR_TIMING_STATISTICAL ? 0 : -EINVAL;
	case PR_GET_TSC:
	case PR_SET_TSC:
		return tsc(option, arg[0]);
	case PR_SET_TIMERSLACK:
	case PR_GET_TIMERSLACK:
		return timer_slack(option, arg[0]);
	case PR_TASK_PERF_EVENTS_DISABLE: /* there are none */
	case PR_TASK_PERF_EVENTS_ENABLE:
		return 0;
	case PR_MCE_KILL:
		return set_mce_policy(arg);
	case PR_MCE_KILL_GET:
		return get_mce_policy(arg);
	case PR_GET_TID_ADDRESS:
		return copy_to_user((void __user *)arg[0], &current_thread()->clear_tid, sizeof(u64))
			       ? -EFAULT
			       : 0;
	case PR_SET_THP_DISABLE:
	case PR_GET_THP_DISABLE:
		return huge_pages(option, arg);
	case PR_GET_SPECULATION_CTRL:
	case PR_SET_SPECULATION_CTRL:
		return speculation(option, arg);
	case PR_SET_IO_FLUSHER:
	case PR_GET_IO_FLUSHER:
		return io_flusher(option, arg);
	case PR_SET_MDWE:
	case PR_GET_MDWE:
		return exec_gain(option, arg);
	case PR_SET_MEMORY_MERGE:
	case PR_GET_MEMORY_MERGE:
		return merging(option, arg);
	case PR_GET_AUXV_:
		return get_auxv(arg);
	case PR_SET_MM:
		return capable(CAP_SYS_RESOURCE) ? refuse("PR_SET_MM") : -EPERM;
	case PR_SET_SYSCALL_USER_DISPATCH:
		return any_from(arg, 0) && !any_from(arg, 1) ? refuse("PR_SET_SYSCALL_USER_DISPATCH")
		       : any_from(arg, 0)		     ? -EINVAL
							     : 0;
	default:
		return is_never_here(option) ? -EINVAL : refuse("option");
	}
}
