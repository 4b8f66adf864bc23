/* SPDX-License-Identifier: MIT */
/* futex(2) and its newer forms: operations are decoded and checked as Linux does; the work is in the task room. */
#include <asm/errno.h>
#include <linux/futex.h>
#include <linux/time.h>
#include <arch/timer.h>
#include <arch/uaccess.h>
#include <moat/futex.h>
#include <moat/heap.h>
#include <moat/syscall.h>
#include <moat/task.h>
#include "sys_time.h"

/* When the wait ends on the monotonic clock, in ns. FUTEX_WAIT's time is a span, all others' a moment. */
static int get_deadline(const struct __kernel_timespec __user *timeout, int op, u64 *deadline)
{
	int cmd = op & FUTEX_CMD_MASK;
	bool realtime = (op & FUTEX_CLOCK_REALTIME) || cmd == FUTEX_LOCK_PI;
	u64 ns;
	int err;

	*deadline = FUTEX_NO_DEADLINE;
	if (!timeout)
		return 0;
	err = user_time_get(timeout, &ns);
	if (err)
		return err;
	if (cmd == FUTEX_WAIT)
		*deadline = call_deadline(clock_monotonic_ns() + ns);
	else
		*deadline = realtime ? monotonic_of_realtime(ns) : ns;
	return 0;
}

static bool takes_time(int cmd)
{
	return cmd == FUTEX_WAIT || cmd == FUTEX_WAIT_BITSET || cmd == FUTEX_LOCK_PI ||
	       cmd == FUTEX_LOCK_PI2 || cmd == FUTEX_WAIT_REQUEUE_PI;
}

static s64 wait(u32 __user *addr, u32 expected, u32 bits, bool shared, u64 deadline)
{
	const struct futex_word w = {.addr = addr, .expected = expected, .shared = shared};
	s64 err = futex_wait(&w, bits, deadline);

	if (deadline != FUTEX_NO_DEADLINE && err != -EINTR)
		call_deadline_over();
	return err;
}

static s64 wait_requeue_pi(u32 __user *addr, u32 expected, u32 __user *lock, bool shared, u64 deadline)
{
	const struct futex_word w = {.addr = addr, .expected = expected, .shared = shared};

	return futex_wait_requeue_pi(&w, FUTEX_ANY_BITS, lock, shared, deadline);
}

enum requeue_how {
	REQUEUE_PLAIN,
	REQUEUE_PI,
};

static s64 requeue(u32 __user *from, u32 __user *to, u32 wake, u64 move, const u32 *expected, bool shared,
		   enum requeue_how how)
{
	const struct futex_requeue r = {
		.from = from,
		.to = to,
		.wake = (int)wake,
		.move = (int)move,
		.expected = expected,
		.from_shared = shared,
		.to_shared = shared,
	};

	if (r.wake < 0 || r.move < 0)
		return -EINVAL;
	return how == REQUEUE_PI ? futex_requeue_pi(&r) : futex_requeue(&r);
}

/* Linux wakes one when asked for none. */
static int wake_count(u32 val)
{
	return MAX((int)val, 1);
}

static int check_word(const void __user *addr)
{
	if (!IS_ALIGNED((__force u64)addr, sizeof(u32)))
		return -EINVAL;
	return validate_user_pointer(addr, sizeof(u32), USER_READ);
}

static bool has_second_word(int cmd)
{
	return cmd == FUTEX_REQUEUE || cmd == FUTEX_CMP_REQUEUE || cmd == FUTEX_WAKE_OP ||
	       cmd == FUTEX_WAIT_REQUEUE_PI || cmd == FUTEX_CMP_REQUEUE_PI;
}

/* All but the two that every lock consists of. */
static __noinline s64 other_operation(void __user *uaddr, int op, u32 val, void __user *timeout,
				      void __user *uaddr2, u32 val3)
{
	int cmd = op & FUTEX_CMD_MASK;
	bool shared = !(op & FUTEX_PRIVATE_FLAG);
	u64 deadline = FUTEX_NO_DEADLINE, val2 = (__force u64)timeout;
	int err;

	/* The clock can be chosen where a moment is given. */
	if ((op & FUTEX_CLOCK_REALTIME) && cmd != FUTEX_WAIT_BITSET && cmd != FUTEX_LOCK_PI2 &&
	    cmd != FUTEX_WAIT_REQUEUE_PI)
		return -ENOSYS;
	if (takes_time(cmd)) {
		err = get_deadline(timeout, op, &deadline);
		if (err)
			return err;
	}
	err = check_word(uaddr);
	if (!err && has_second_word(cmd))
		err = check_word(uaddr2);
	if (err)
		return err;
	switch (cmd) {
	case FUTEX_WAIT:
		return wait(uaddr, val, FUTEX_ANY_BITS, shared, deadline);
	case FUTEX_WAIT_BITSET:
		return val3 ? wait(uaddr, val, val3, shared, deadline) : -EINVAL;
	case FUTEX_WAKE_BITSET:
		return val3 ? futex_wake(uaddr, wake_count(val), val3, shared) : -EINVAL;
	case FUTEX_REQUEUE:
		return requeue(uaddr, uaddr2, val, val2, NULL, shared, REQUEUE_PLAIN);
	case FUTEX_CMP_REQUEUE:
		return requeue(uaddr, uaddr2, val, val2, &val3, shared, REQUEUE_PLAIN);
	case FUTEX_WAIT_REQUEUE_PI:
		return wait_requeue_pi(uaddr, val, uaddr2, shared, deadline);
	case FUTEX_CMP_REQUEUE_PI:
		return requeue(uaddr, uaddr2, val, val2, &val3, shared, REQUEUE_PI);
	case FUTEX_WAKE_OP:
		return futex_wake_op(uaddr, uaddr2, wake_count(val), wake_count((u32)val2), val3, shared);
	case FUTEX_LOCK_PI:
	case FUTEX_LOCK_PI2:
		return futex_lock_pi(uaddr, shared, false, deadline);
	case FUTEX_TRYLOCK_PI:
		return futex_lock_pi(uaddr, shared, true, deadline);
	case FUTEX_UNLOCK_PI:
		return futex_unlock_pi(uaddr, shared);
	default:
		unsupported_flag("futex", "operation");
		return -ENOSYS;
	}
}

s64 sys_futex(void __user *uaddr, int op, u32 val, void __user *timeout, void __user *uaddr2, u32 val3)
{
	bool shared = !(op & FUTEX_PRIVATE_FLAG);
	int err;

	switch (op & ~FUTEX_PRIVATE_FLAG) {
	case FUTEX_WAKE:
		err = check_word(uaddr);
		return err ? err : futex_wake(uaddr, wake_count(val), FUTEX_ANY_BITS, shared);
	case FUTEX_WAIT:
		if (timeout)
			break;
		err = check_word(uaddr);
		return err ? err : wait(uaddr, val, FUTEX_ANY_BITS, shared, FUTEX_NO_DEADLINE);
	}
	return other_operation(uaddr, op, val, timeout, uaddr2, val3);
}

/* --- futex_waitv(2) --- */

static int take_word(const struct futex_waitv *from, struct futex_word *to)
{
	const u32 known = FUTEX_32 | FUTEX_PRIVATE_FLAG;

	if ((from->flags & ~known) || from->__reserved || (from->flags & FUTEX_32) != FUTEX_32 ||
	    from->val > UINT32_MAX)
		return -EINVAL;
	*to = (struct futex_word){.addr = (u32 __user *)from->uaddr,
				  .expected = (u32)from->val,
				  .shared = !(from->flags & FUTEX_PRIVATE_FLAG)};
	return check_word(to->addr);
}

static int take_words(const void __user *from, u32 count, struct futex_word *words)
{
	struct futex_waitv w;

	for (u32 i = 0; i < count; i++) {
		const struct futex_waitv __user *at = (const struct futex_waitv __user *)from + i;
		int err = copy_from_user(&w, at, sizeof(w)) ? -EFAULT : take_word(&w, &words[i]);

		if (err)
			return err;
	}
	return 0;
}

static int moment(const struct __kernel_timespec __user *timeout, int clockid, u64 *deadline)
{
	u64 ns;
	int err;

	*deadline = FUTEX_NO_DEADLINE;
	if (!timeout)
		return 0;
	if (clockid != CLOCK_MONOTONIC && clockid != CLOCK_REALTIME)
		return -EINVAL;
	err = user_time_get(timeout, &ns);
	if (!err)
		*deadline = clockid == CLOCK_REALTIME ? monotonic_of_realtime(ns) : ns;
	return err;
}

s64 sys_futex_waitv(const void __user *waiters, u32 nr_futexes, u32 flags, void __user *timeout, int clockid)
{
	struct futex_word *words;
	u64 deadline;
	s64 result;

	if (flags || !nr_futexes || nr_futexes > FUTEX_WAITV_MAX || !waiters)
		return -EINVAL;
	result = moment(timeout, clockid, &deadline);
	if (result)
		return result;
	words = kcalloc(nr_futexes, sizeof(*words));
	if (!words)
		return -ENOMEM;
	result = take_words(waiters, nr_futexes, words);
	if (!result)
		result = futex_wait_many(words, nr_futexes, deadline);
	kfree(words);
	return result;
}

/* --- futex_wake(2), futex_wait(2), futex_requeue(2): the operations with flags and sizes of their own --- */

/* FUTEX2_…, newer than some headers. */
#define SIZE_U32  0x02u
#define SIZE_MASK 0x03u
#define ON_NODE	  0x04u
#define ALL_FLAGS (SIZE_MASK | ON_NODE | FUTEX_PRIVATE_FLAG)

static int check_flags(u32 flags)
{
	if ((flags & ~ALL_FLAGS) || (flags & SIZE_MASK) != SIZE_U32)
		return -EINVAL;
	if (flags & ON_NODE) {
		unsupported_flag("futex_wake", "FUTEX2_NUMA");
		return -EINVAL;
	}
	return 0;
}

s64 sys_futex_wake(void __user *uaddr, u64 mask, int nr, u32 flags)
{
	int err = check_flags(flags);

	if (!err && (mask > UINT32_MAX || !mask))
		err = -EINVAL;
	if (!err)
		err = check_word(uaddr);
	if (err || !nr)
		return err;
	return futex_wake(uaddr, MAX(nr, 1), (u32)mask, !(flags & FUTEX_PRIVATE_FLAG));
}

s64 sys_futex_wait(void __user *uaddr, u64 val, u64 mask, u32 flags, void __user *timeout, int clockid)
{
	u64 deadline;
	int err = check_flags(flags);

	if (!err && (val > UINT32_MAX || mask > UINT32_MAX))
		err = -EINVAL;
	if (!err)
		err = moment(timeout, clockid, &deadline);
	if (!err && !mask)
		err = -EINVAL;
	if (!err)
		err = check_word(uaddr);
	return err ? err : wait(uaddr, (u32)val, (u32)mask, !(flags & FUTEX_PRIVATE_FLAG), deadline);
}

s64 sys_futex_requeue(const void __user *waiters, u32 flags, int nr_wake, int nr_requeue)
{
	struct futex_word words[2];
	struct futex_requeue r;
	int err = flags || !waiters ? -EINVAL : take_words(waiters, 2, words);

	if (err)
		return err;
	r = (struct futex_requeue){
		.from = words[0].addr,
		.to = words[1].addr,
		.wake = nr_wake,
		.move = nr_requeue,
		.expected = &words[0].expected,
		.from_shared = words[0].shared,
		.to_shared = words[1].shared,
	};
	return nr_wake < 0 || nr_requeue < 0 ? -EINVAL : futex_requeue(&r);
}
