/* SPDX-License-Identifier: MIT */
/*
 * mmap(2): what its flags and its file allow.
 *
 * Errors come in Linux's order, since one request may have several. There the place is chosen before the type of the mapping
 * and the file are looked at; here they are looked at first, as that needs no lock, and only a request that fails asks
 * whether its place would have been wrong, too.
 *
 *     offset, descriptor, huge pages  ->  length, place, limit of locked memory  ->  type, file  ->  memory
 *                                         aspace_map_check                           check_*        aspace_map
 */
#include <asm/errno.h>
#include <moat/file.h>
#include <moat/fs.h>
#include "sys_mem.h"

#define MAP_DROPPABLE 0x08 /* these two are newer than some build machines' headers */
#define MAP_ABOVE4G   0x80

#define HUGE_SIZES (21 << MAP_HUGE_SHIFT | 30 << MAP_HUGE_SHIFT)

/* What MAP_SHARED_VALIDATE takes: flags that were there before it, whether or not they mean something. */
#define MAP_KNOWN                                                                                         \
	(MAP_TYPE | MAP_FIXED | MAP_ANONYMOUS | MAP_32BIT | MAP_ABOVE4G | MAP_GROWSDOWN | MAP_DENYWRITE | \
	 MAP_EXECUTABLE | MAP_LOCKED | MAP_NORESERVE | MAP_POPULATE | MAP_NONBLOCK | MAP_STACK |          \
	 MAP_HUGETLB | MAP_UNINITIALIZED | HUGE_SIZES)

static u32 how_from(int flags)
{
	u32 how = 0;

	if (flags & MAP_FIXED_NOREPLACE)
		how |= MAP_AT_FREE;
	else if (flags & MAP_FIXED)
		how |= MAP_AT;
	if (flags & MAP_32BIT)
		how |= MAP_LOW_2G;
	else if (flags & MAP_ABOVE4G)
		how |= MAP_OVER_4G;
	/* MAP_NONBLOCK with MAP_POPULATE means "do not read ahead". */
	if ((flags & MAP_POPULATE) && !(flags & MAP_NONBLOCK))
		how |= MAP_FILL;
	return how;
}

/* All but what the type of the mapping decides. */
static u32 vma_flags_from(int prot, int flags)
{
	return prot_to_vma(prot) | (flags & MAP_GROWSDOWN ? (u32)VMA_GROWSDOWN : 0) |
	       (flags & MAP_NORESERVE ? (u32)VMA_NORESERVE : 0) | (flags & MAP_LOCKED ? (u32)VMA_LOCKED : 0) |
	       (flags & MAP_STACK ? (u32)VMA_NO_HUGE : 0);
}

/* May the type be asked for, without a file? Adds what it means to the request. */
static int check_anonymous(struct map_request *req, int flags)
{
	req->object_offset = 0;
	switch (flags & MAP_TYPE) {
	case MAP_SHARED:
		req->vma_flags |= VMA_SHARED;
		return flags & MAP_GROWSDOWN ? -EINVAL : 0;
	case MAP_PRIVATE:
		return 0;
	case MAP_DROPPABLE:
		req->vma_flags |= VMA_DROPPABLE | VMA_NORESERVE | VMA_WIPE_ON_FORK | VMA_NO_DUMP;
		return flags & (MAP_LOCKED | MAP_HUGETLB | MAP_GROWSDOWN) ? -EINVAL : 0;
	default:
		return -EINVAL;
	}
}

/* The same as check_anonymous, of a file; the request then has a reference to its object. */
static int check_file(struct file *f, struct map_request *req, int flags)
{
	int type = flags & MAP_TYPE, err;

	if (!vfs_is_mappable_to(f, req->object_offset, ALIGN_UP(req->len, PAGE_SIZE)))
		return -EOVERFLOW;
	if (type != MAP_SHARED && type != MAP_SHARED_VALIDATE && type != MAP_PRIVATE)
		return -EINVAL;
	if (type == MAP_SHARED_VALIDATE && (flags & ~MAP_KNOWN)) {
		if (flags & MAP_SYNC)
			unsupported_flag("mmap", "MAP_SYNC");
		return -EOPNOTSUPP;
	}
	if (type != MAP_PRIVATE && (req->vma_flags & VMA_WRITE) && !file_writable(f))
		return -EACCES;
	if (type != MAP_PRIVATE)
		req->vma_flags |= VMA_SHARED | (file_writable(f) ? 0 : (u32)VMA_NO_WRITE);
	if (!file_readable(f))
		return -EACCES;
	if ((req->vma_flags & VMA_EXEC) && vfs_is_noexec(f))
		return -EPERM;
	req->file = f;
	req->object = vfs_object(f, &err);
	return req->object ? 0 : err;
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

/* There are no huge pages to be had; sizes that x86 does not know are a mistake, and so are files. */
static int refuse_hugetlb(const struct file *f, int flags)
{
	int log2 = flags >> MAP_HUGE_SHIFT & MAP_HUGE_MASK;

	unsupported_flag("mmap", "MAP_HUGETLB");
	return !f && (log2 == 0 || log2 == 21 || log2 == 30) ? -ENOMEM : -EINVAL;
}

/* f: borrowed, or NULL for anonymous memory. */
static s64 map_request(struct map_request *req, struct file *f, int flags)
{
	int huge = flags & MAP_HUGETLB ? refuse_hugetlb(f, flags) : 0, err, earlier;
	s64 result;

	if (huge == -EINVAL)
		return huge;
	err = f ? check_file(f, req, flags) : check_anonymous(req, flags);
	if (!err)
		err = huge;
	if (unlikely(err)) {
		earlier = aspace_map_check(current_process()->aspace, req);
		return earlier ? earlier : err;
	}
	if (!f)
		return map(req);
	result = map_object(req);
	mobj_put(req->object);
	return result;
}

s64 sys_mmap(u64 addr, size_t length, int prot, int flags, int fd, s64 offset)
{
	struct map_request req = {
		.addr = addr,
		.len = length,
		.vma_flags = vma_flags_from(prot, flags),
		.how = how_from(flags),
		.object_offset = (u64)offset,
	};
	struct file *f;
	s64 result;

	if (offset & (s64)(PAGE_SIZE - 1))
		return -EINVAL;
	tell_wx("mmap", req.vma_flags);
	tell_lock_limit();
	/* What programs ask for most cannot be wrong in more than one way. */
	if (likely((flags & (MAP_TYPE | MAP_ANONYMOUS | MAP_HUGETLB)) == (MAP_PRIVATE | MAP_ANONYMOUS))) {
		req.object_offset = 0;
		return map(&req);
	}
	if (flags & MAP_ANONYMOUS)
		return map_request(&req, NULL, flags);
	f = fd_get(current_thread()->files, fd);
	if (!f)
		return -EBADF;
	result = map_request(&req, f, flags);
	file_put(f);
	return result;
}
