/* SPDX-License-Identifier: MIT */
/* System calls about memory: flags are decoded here, the address-space room does the work (mprotect(2), mremap(2) …). mmap(2) is in sys_mmap.c. */
#include <asm/errno.h>
#include <linux/mman.h>
#include <moat/aspace.h>
#include <moat/syscall.h>
#include <moat/task.h>
#include "sys_mem.h"

s64 sys_munmap(u64 addr, size_t length)
{
	return aspace_unmap(current_process()->aspace, addr, length);
}

/* The same with PROT_GROWSDOWN or PROT_GROWSUP: from where the stack starts. */
static __noinline s64 protect_stack(struct aspace *as, u64 addr, u64 end, int grows, int prot)
{
	u64 start;
	int err = aspace_stack_start(as, (struct range){addr, end}, &start);

	if (err)
		return err;
	/* Nothing grows up on x86. */
	if (grows == PROT_GROWSUP)
		return -EINVAL;
	return aspace_protect(as, start, end - start, prot_to_vma(prot));
}

/* mprotect(2) and pkey_mprotect(2), in Linux's order of errors. */
static s64 protect(u64 addr, size_t length, int prot)
{
	struct aspace *as = current_process()->aspace;
	int grows = prot & (PROT_GROWSDOWN | PROT_GROWSUP);
	u64 end = addr + ALIGN_UP(length, PAGE_SIZE);

	if (grows == (PROT_GROWSDOWN | PROT_GROWSUP) || !IS_ALIGNED(addr, PAGE_SIZE))
		return -EINVAL;
	if (length == 0)
		return 0;
	if (end <= addr)
		return -ENOMEM;
	if ((prot & ~grows) & ~(PROT_READ | PROT_WRITE | PROT_EXEC | PROT_SEM))
		return -EINVAL;
	tell_wx("mprotect", prot_to_vma(prot));
	if (unlikely(grows))
		return protect_stack(as, addr, end, grows, prot);
	return aspace_protect(as, addr, end - addr, prot_to_vma(prot));
}

s64 sys_mprotect(u64 addr, size_t length, int prot)
{
	return protect(addr, length, prot);
}

/*
 * Memory protection keys, as on a CPU that has none: only "no key" is one, and none is to be had (ENOSPC, says pkeys(7);
 * Linux there answers EINVAL to a process's first pkey_alloc and ENOSPC to all others).
 */
s64 sys_pkey_mprotect(u64 addr, size_t length, int prot, int pkey)
{
	return pkey == -1 ? protect(addr, length, prot) : -EINVAL;
}

s64 sys_pkey_alloc(u64 flags, u64 rights)
{
	return flags || (rights & ~(u64)(PKEY_DISABLE_ACCESS | PKEY_DISABLE_WRITE)) ? -EINVAL : -ENOSPC;
}

s64 sys_pkey_free(int pkey)
{
	(void)pkey;
	return -EINVAL;
}

s64 sys_mremap(u64 old_addr, size_t old_len, size_t new_len, u64 flags, u64 new_addr)
{
	struct remap_request req = {
		.addr = old_addr,
		.old_len = old_len,
		.new_len = new_len,
		.new_addr = new_addr,
		.how = (flags & MREMAP_MAYMOVE ? REMAP_MAY_MOVE : 0u) |
		       (flags & MREMAP_FIXED ? REMAP_AT : 0u) | (flags & MREMAP_DONTUNMAP ? REMAP_KEEP : 0u),
	};
	u64 addr;
	int err;

	if (flags & ~(u64)(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP))
		return -EINVAL;
	tell_lock_limit();
	err = aspace_remap(current_process()->aspace, &req, &addr);
	return err ? err : (s64)addr;
}

/* Of the flags Linux looks at MAP_NONBLOCK only. */
s64 sys_remap_file_pages(u64 addr, size_t size, int prot, u64 pgoff, int flags)
{
	struct range r = {ALIGN_DOWN(addr, PAGE_SIZE), 0};
	u64 len = ALIGN_DOWN(size, PAGE_SIZE);

	r.end = r.start + len;
	if (prot || r.end <= r.start || pgoff + (len >> PAGE_SHIFT) < pgoff)
		return -EINVAL;
	if (pgoff > UINT64_MAX >> PAGE_SHIFT)
		return -EOVERFLOW;
	tell_lock_limit();
	return aspace_remap_file(current_process()->aspace, r, pgoff << PAGE_SHIFT,
				 flags & MAP_NONBLOCK ? 0 : (u32)MAP_FILL);
}

s64 sys_brk(u64 addr)
{
	tell_lock_limit();
	return (s64)aspace_brk(current_process()->aspace, addr);
}
