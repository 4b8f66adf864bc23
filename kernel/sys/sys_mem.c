/* SPDX-License-Identifier: MIT */
/* System calls about memory: flags are decoded here, the address-space room does the work (mmap(2), mprotect(2) …). */
#include <asm/errno.h>
#include <linux/fcntl.h>
#include <linux/mman.h>
#include <moat/aspace.h>
#include <moat/file.h>
#include <moat/fs.h>
#include <moat/syscall.h>
#include <moat/task.h>
#include <moat/wx.h>
#include "sys_mem.h"

#define MAP_DROPPABLE 0x08 /* newer than the build machine's headers */

/* Flags that mean something here or are defined to mean nothing (MAP_DENYWRITE, MAP_EXECUTABLE, MAP_STACK …). */
#define MAP_KNOWN                                                                                            \
	(MAP_TYPE | MAP_FIXED | MAP_ANONYMOUS | MAP_32BIT | MAP_GROWSDOWN | MAP_DENYWRITE | MAP_EXECUTABLE | \
	 MAP_LOCKED | MAP_NORESERVE | MAP_POPULATE | MAP_NONBLOCK | MAP_STACK | MAP_FIXED_NOREPLACE |        \
	 MAP_UNINITIALIZED)

static u32 prot_to_vma(int prot)
{
	_Static_assert(PROT_READ == VMA_READ && PROT_WRITE == VMA_WRITE && PROT_EXEC == VMA_EXEC,
		       "the same bits");
	return (u32)prot & VMA_PROT;
}

/* What the run's policy refuses is told in the report; the address space refuses it. */
static void tell_wx(const char *call, u32 vma_flags)
{
	if (wx_forbids(vma_flags))
		unsupported_flag(call, "PROT_WRITE with PROT_EXEC (--wx)");
}

static u32 how_from(int flags)
{
	u32 how = 0;

	if (flags & MAP_FIXED_NOREPLACE)
		how |= MAP_AT_FREE;
	else if (flags & MAP_FIXED)
		how |= MAP_AT;
	if (flags & MAP_32BIT)
		how |= MAP_LOW_2G;
	/* MAP_NONBLOCK with MAP_POPULATE means "do not read ahead". */
	if ((flags & MAP_POPULATE) && !(flags & MAP_NONBLOCK))
		how |= MAP_FILL;
	return how;
}

/* The access that a mapping of f needs (mmap(2), EACCES); shared writable needs the file open for writing. */
static int check_file(const struct file *f, int prot, bool shared)
{
	u32 mode = f->flags & O_ACCMODE;

	if (mode == O_WRONLY)
		return -EACCES;
	if (shared && (prot & PROT_WRITE) && mode != O_RDWR)
		return -EACCES;
	return 0;
}

/* There are no huge pages to be had; sizes that x86 does not know are a mistake. */
static int refuse_hugetlb(int flags)
{
	int log2 = flags >> MAP_HUGE_SHIFT & MAP_HUGE_MASK;

	unsupported_flag("mmap", "MAP_HUGETLB");
	return (flags & MAP_ANONYMOUS) && (log2 == 0 || log2 == 21 || log2 == 30) ? -ENOMEM : -EINVAL;
}

static int check_flags(int flags)
{
	bool anonymous = flags & MAP_ANONYMOUS;
	int err = 0;

	switch (flags & MAP_TYPE) {
	case MAP_SHARED:
	case MAP_PRIVATE:
		break;
	case MAP_DROPPABLE:
		if (!anonymous || (flags & (MAP_LOCKED | MAP_HUGETLB | MAP_GROWSDOWN)))
			err = -EINVAL;
		break;
	case MAP_SHARED_VALIDATE:
		if (anonymous)
			return -EINVAL;
		if (flags & ~MAP_KNOWN) {
			unsupported_flag("mmap", "MAP_SYNC");
			return -EOPNOTSUPP;
		}
		break;
	default:
		err = -EINVAL;
	}
	return !err && (flags & MAP_HUGETLB) ? refuse_hugetlb(flags) : err;
}

static s64 map(struct map_request *req)
{
	u64 addr;
	int err = aspace_map(current_process()->aspace, req, &addr);

	return err ? err : (s64)addr;
}

/* The same of an object, which may be sealed against writing. */
static s64 map_object(struct map_request *req)
{
	s64 result = mobj_map_begin(req->object, &req->vma_flags);

	if (result)
		return result;
	result = map(req);
	mobj_map_end(req->object, req->vma_flags);
	return result;
}

static s64 map_file(struct map_request *req, int fd, int prot)
{
	struct file *f = fd_get(current_thread()->files, fd);
	s64 result;
	int err;

	if (!f)
		return -EBADF;
	err = check_file(f, prot, req->vma_flags & VMA_SHARED);
	if (!err && (prot & PROT_EXEC) && vfs_is_noexec(f))
		err = -EPERM;
	if (err) {
		file_put(f);
		return err;
	}
	if ((req->vma_flags & VMA_SHARED) && (f->flags & O_ACCMODE) != O_RDWR)
		req->vma_flags |= VMA_NO_WRITE;
	req->object = vfs_object(f, &err);
	req->file = f;
	result = req->object ? map_object(req) : err;
	if (req->object)
		mobj_put(req->object);
	file_put(f);
	return result;
}

s64 sys_mmap(u64 addr, size_t length, int prot, int flags, int fd, s64 offset)
{
	struct map_request req = {
		.addr = addr,
		.len = length,
		.vma_flags = prot_to_vma(prot),
		.how = how_from(flags),
		.object_offset = (u64)offset,
	};
	int err;

	if (offset & (s64)(PAGE_SIZE - 1))
		return -EINVAL;
	err = check_flags(flags);
	if (err)
		return err;
	if (length == 0)
		return -EINVAL;
	tell_wx("mmap", req.vma_flags);
	if ((flags & MAP_TYPE) == MAP_DROPPABLE)
		req.vma_flags |= VMA_DROPPABLE | VMA_NORESERVE | VMA_WIPE_ON_FORK | VMA_NO_DUMP;
	else if ((flags & MAP_TYPE) != MAP_PRIVATE)
		req.vma_flags |= VMA_SHARED;
	if (flags & MAP_GROWSDOWN)
		req.vma_flags |= VMA_GROWSDOWN;
	if (flags & MAP_NORESERVE)
		req.vma_flags |= VMA_NORESERVE;
	tell_lock_limit();
	if (flags & MAP_LOCKED) {
		if (current_process()->aspace->limit_lock_bytes == 0)
			return -EPERM;
		req.vma_flags |= VMA_LOCKED;
	}
	if (flags & MAP_ANONYMOUS) {
		req.object_offset = 0;
		return map(&req);
	}
	return map_file(&req, fd, prot);
}

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

/* Memory protection keys, as on a CPU that has none: only "no key" is one. */
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
