/* SPDX-License-Identifier: MIT */
/* ptrace(2): requests about registers (docs/ptrace.md). */
#include <asm/errno.h>
#include <elf.h>
#include <linux/uio.h>
#include <arch/uaccess.h>
#include <moat/heap.h>
#include "sys_ptrace.h"

int ptrace_copy_regs(struct tracee *tr, void *arg)
{
	struct request *r = arg;

	ptrace_get_regs(tr, r->words);
	return 0;
}

/* The first r->bytes of them. */
static int set_regs(struct tracee *tr, void *arg)
{
	const struct request *r = arg;
	int err = 0;

	for (unsigned n = 0; !err && n < r->bytes / sizeof(u64); n++)
		err = ptrace_set_reg(tr, n, r->words[n]);
	return err;
}

static int get_xstate(struct tracee *tr, void *arg)
{
	const struct request *r = arg;

	arch_trace_get_xstate(&tr->thread->arch, r->xstate);
	return 0;
}

static int set_xstate(struct tracee *tr, void *arg)
{
	const struct request *r = arg;

	return arch_trace_set_xstate(&tr->thread->arch, r->xstate, r->bytes);
}

static bool is_debug_reg(u64 addr)
{
	return addr >= USER_DEBUG_OFFSET && addr < USER_DEBUG_OFFSET + DEBUG_REGS * sizeof(u64);
}

static int peek_user(struct tracee *tr, void *arg)
{
	struct request *r = arg;
	u64 regs[USER_REGS];

	if (r->addr < sizeof(regs)) {
		ptrace_get_regs(tr, regs);
		r->words[0] = regs[r->addr / sizeof(u64)];
	} else if (is_debug_reg(r->addr)) {
		r->words[0] = arch_debug_get(&tr->thread->arch, (unsigned)(r->addr - USER_DEBUG_OFFSET) / 8);
	} else {
		r->words[0] = 0;
	}
	return 0;
}

static int poke_user(struct tracee *tr, void *arg)
{
	struct request *r = arg;
	struct arch_thread *a = &tr->thread->arch;

	if (r->addr < sizeof(u64) * USER_REGS)
		return ptrace_set_reg(tr, (unsigned)r->addr / 8, r->data);
	if (!is_debug_reg(r->addr))
		return -EIO;
	if (!a->debug) {
		a->debug = (struct debug_regs *)r->xstate;
		r->xstate = NULL;
	}
	return arch_debug_set(a, (unsigned)(r->addr - USER_DEBUG_OFFSET) / 8, r->data);
}

s64 ptrace_user_area(struct request *r)
{
	s64 err;

	if (r->addr % sizeof(u64) || r->addr >= USER_AREA_BYTES)
		return ptrace_with(r->tid, ptrace_copy_regs, r) ? -ESRCH : -EIO;
	if (r->nr == PTRACE_PEEKUSR) {
		err = ptrace_with(r->tid, peek_user, r);
		return !err && copy_to_user((void __user *)r->data, r->words, sizeof(u64)) ? -EFAULT : err;
	}
	if (is_debug_reg(r->addr)) {
		if (!arch_debug_usable())
			return r->data ? -ENOSPC : 0;
		r->xstate = (u8 *)arch_debug_alloc();
		if (!r->xstate)
			return -ENOMEM;
	}
	err = ptrace_with(r->tid, poke_user, r);
	kfree(r->xstate);
	return err;
}

s64 ptrace_general_regs(struct request *r, void __user *at, bool set, size_t bytes)
{
	s64 err;

	r->bytes = bytes;
	if (set)
		return copy_from_user(r->words, at, bytes) ? -EFAULT : ptrace_with(r->tid, set_regs, r);
	err = ptrace_with(r->tid, ptrace_copy_regs, r);
	return !err && copy_to_user(at, r->words, bytes) ? -EFAULT : err;
}

s64 ptrace_float_regs(struct request *r, void __user *at, bool set, size_t bytes, bool all)
{
	size_t size = all ? arch_trace_xstate_bytes() : USER_FP_BYTES;
	s64 err;

	if (set && bytes != size)
		return all ? -EFAULT : -EINVAL;
	r->bytes = bytes;
	r->xstate = kzalloc(MAX(arch_trace_xstate_bytes(), (size_t)USER_FP_BYTES));
	if (!r->xstate)
		return -ENOMEM;
	if (set)
		err = copy_from_user(r->xstate, at, bytes) ? -EFAULT : ptrace_with(r->tid, set_xstate, r);
	else
		err = ptrace_with(r->tid, get_xstate, r);
	if (!set && !err && copy_to_user(at, r->xstate, bytes))
		err = -EFAULT;
	kfree(r->xstate);
	return err;
}

s64 ptrace_regset(struct request *r)
{
	struct iovec __user *user = (struct iovec __user *)r->data;
	bool set = r->nr == PTRACE_SETREGSET;
	struct iovec iov;
	size_t size = r->addr == NT_PRSTATUS	 ? sizeof(u64) * USER_REGS
		      : r->addr == NT_PRFPREG	 ? USER_FP_BYTES
		      : r->addr == NT_X86_XSTATE ? arch_trace_xstate_bytes()
						 : 0;
	s64 err;

	err = ptrace_with(r->tid, ptrace_copy_regs, r);
	if (err)
		return err;
	if (copy_from_user(&iov, user, sizeof(iov)))
		return -EFAULT;
	if (r->addr == NT_X86_XSTATE && !size)
		return -ENODEV;
	if (!size || iov.iov_len % sizeof(u64))
		return -EINVAL;
	iov.iov_len = MIN(iov.iov_len, size);
	err = r->addr == NT_PRSTATUS ? ptrace_general_regs(r, (void __user *)iov.iov_base, set, iov.iov_len)
				     : ptrace_float_regs(r, (void __user *)iov.iov_base, set, iov.iov_len,
							 r->addr == NT_X86_XSTATE);
	if (!err && copy_to_user(&user->iov_len, &iov.iov_len, sizeof(iov.iov_len)))
		err = -EFAULT;
	return err;
}
