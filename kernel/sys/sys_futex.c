/* SPDX-License-Identifier: MIT */
/*
 * futex(2) for a process of one thread: nobody else can be waiting and nobody else can wake. A wait therefore ends by
 * its time-out, by a signal, or never; a wake finds no one. Checks and errors are Linux's.
 */
#include <asm/errno.h>
#include <linux/futex.h>
#include <linux/time_types.h>
#include <arch/timer.h>
#include <arch/uaccess.h>
#include <moat/syscall.h>
#include <moat/task.h>

#define NS_PER_SEC 1000000000ull

/* When the wait ends on the monotonic clock, in ns; UINT64_MAX: never. FUTEX_WAIT is relative, FUTEX_WAIT_BITSET absolute. */
static int get_deadline(const struct __kernel_timespec __user *timeout, int op, u64 *deadline)
{
	struct __kernel_timespec ts;
	u64 ns, now = clock_monotonic_ns();

	*deadline = UINT64_MAX;
	if (!timeout)
		return 0;
	if (copy_from_user(&ts, timeout, sizeof(ts)))
		return -EFAULT;
	if (ts.tv_sec < 0 || ts.tv_nsec < 0 || ts.tv_nsec >= (s64)NS_PER_SEC)
		return -EINVAL;
	if ((u64)ts.tv_sec > INT64_MAX / NS_PER_SEC - 1)
		return 0;
	ns = (u64)ts.tv_sec * NS_PER_SEC + (u64)ts.tv_nsec;
	if ((op & FUTEX_CMD_MASK) == FUTEX_WAIT)
		*deadline = now + ns;
	else if (op & FUTEX_CLOCK_REALTIME)
		*deadline = now + (ns > clock_realtime_ns() ? ns - clock_realtime_ns() : 0);
	else
		*deadline = ns;
	return 0;
}

static s64 wait(const u32 __user *word, u32 expected, u64 deadline)
{
	u32 value;
	int err;

	if (get_user(value, word))
		return -EFAULT;
	if (value != expected)
		return -EAGAIN;
	err = sleep_until_ns(deadline);
	return err ? err : -ETIMEDOUT;
}

s64 sys_futex(void __user *uaddr, int op, u32 val, void __user *timeout, void __user *uaddr2, u32 val3)
{
	u64 deadline;
	int err;

	(void)uaddr2;
	if (!IS_ALIGNED((__force u64)uaddr, sizeof(u32)))
		return -EINVAL;
	if (validate_user_pointer(uaddr, sizeof(u32), USER_READ))
		return -EFAULT;
	switch (op & FUTEX_CMD_MASK) {
	case FUTEX_WAIT:
	case FUTEX_WAIT_BITSET:
		if ((op & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET && !val3)
			return -EINVAL;
		err = get_deadline(timeout, op, &deadline);
		return err ? err : wait(uaddr, val, deadline);
	case FUTEX_WAKE_BITSET:
		return val3 ? 0 : -EINVAL;
	case FUTEX_WAKE:
		return 0;
	default:
		unsupported_flag("futex", "operation");
		return -ENOSYS;
	}
}
