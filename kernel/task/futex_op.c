/* SPDX-License-Identifier: MIT */
/*
 * FUTEX_WAKE_OP (futex(2)): one call changes a word and wakes at two. The change is made first, so that who comes to wait
 * later sees it, and who waits already is found by the wakes.
 */
#include <asm/errno.h>
#include <arch/uaccess.h>
#include "futex_internal.h"

/* Fields of the operation: 4 bits each, then two arguments of 12 bits, with a sign. */
struct op {
	u32 op, cmp;
	s32 op_arg, cmp_arg;
	bool shift;
};

static s32 sign_extend_12(u32 v)
{
	return (s32)(v << 20) >> 20;
}

static int decode(u32 word, struct op *o)
{
	o->op = word >> 28 & 7;
	o->shift = word >> 28 & FUTEX_OP_OPARG_SHIFT;
	o->cmp = word >> 24 & 15;
	o->op_arg = sign_extend_12(word >> 12 & 0xfff);
	o->cmp_arg = sign_extend_12(word & 0xfff);
	if (o->shift) {
		/* Linux takes the low bits of a shift that is too far. */
		o->op_arg = (s32)(1u << ((u32)o->op_arg & 31));
	}
	return o->op > FUTEX_OP_XOR || o->cmp > FUTEX_OP_CMP_GE ? -ENOSYS : 0;
}

static u32 apply(const struct op *o, u32 old)
{
	u32 arg = (u32)o->op_arg;

	switch (o->op) {
	case FUTEX_OP_SET:
		return arg;
	case FUTEX_OP_ADD:
		return old + arg;
	case FUTEX_OP_OR:
		return old | arg;
	case FUTEX_OP_ANDN:
		return old & ~arg;
	default:
		return old ^ arg;
	}
}

static bool compares(const struct op *o, u32 value)
{
	s32 old = (s32)value;

	switch (o->cmp) {
	case FUTEX_OP_CMP_EQ:
		return old == o->cmp_arg;
	case FUTEX_OP_CMP_NE:
		return old != o->cmp_arg;
	case FUTEX_OP_CMP_LT:
		return old < o->cmp_arg;
	case FUTEX_OP_CMP_LE:
		return old <= o->cmp_arg;
	case FUTEX_OP_CMP_GT:
		return old > o->cmp_arg;
	default:
		return old >= o->cmp_arg;
	}
}

/* Changes the word: 0 and the value before, -EFAULT. */
static int change(u32 __user *addr, const struct op *o, u32 *old)
{
	u32 seen;

	if (get_user(seen, addr))
		return -EFAULT;
	do {
		*old = seen;
		if (user_word_exchange(addr, &seen, apply(o, seen)))
			return -EFAULT;
	} while (seen != *old);
	return 0;
}

int futex_wake_op(u32 __user *first, u32 __user *second, int wake_first, int wake_second, u32 op, bool shared)
{
	struct op o;
	u32 old;
	int woken, more, err = decode(op, &o);

	if (!err)
		err = change(second, &o, &old);
	if (err)
		return err;
	woken = futex_wake(first, wake_first, FUTEX_ANY_BITS, shared);
	if (woken < 0 || !compares(&o, old))
		return woken;
	more = futex_wake(second, wake_second, FUTEX_ANY_BITS, shared);
	return more < 0 ? more : woken + more;
}
