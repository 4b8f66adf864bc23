/* SPDX-License-Identifier: MIT */
/* memfd_create(2). */
#include <linux/memfd.h>
#include <arch/uaccess.h>
#include <moat/heap.h>
#include <moat/string.h>
#include "sys_fs.h"
#include "sys_mem.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8u
#define MFD_EXEC	16u
#endif

#define PREFIX	   "memfd:"
#define PREFIX_LEN (sizeof(PREFIX) - 1)
#define NAME_LEN   255 /* prefix included */

u32 memfd_noexec; /* [a] vm.memfd_noexec: see sys_mem.h */

/* Who says nothing gets what the machine is set to. */
static int decide_exec(u32 *flags)
{
	u32 setting = __atomic_load_n(&memfd_noexec, __ATOMIC_RELAXED);

	if (!(*flags & (MFD_EXEC | MFD_NOEXEC_SEAL)))
		*flags |= setting >= MEMFD_NOEXEC_DEFAULT ? MFD_NOEXEC_SEAL : MFD_EXEC;
	return setting >= MEMFD_NOEXEC_ALWAYS && !(*flags & MFD_NOEXEC_SEAL) ? -EACCES : 0;
}

static int check_flags(u32 flags)
{
	const u32 known = MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB | MFD_NOEXEC_SEAL | MFD_EXEC;
	const u32 size = (u32)MFD_HUGE_MASK << MFD_HUGE_SHIFT;

	if (flags & ~(flags & MFD_HUGETLB ? known | size : known))
		return -EINVAL;
	if ((flags & MFD_EXEC) && (flags & MFD_NOEXEC_SEAL))
		return -EINVAL;
	return 0;
}

/* "memfd:NAME" in a buffer of NAME_LEN + 1 bytes. */
static int get_name(char *buf, const char __user *from)
{
	const size_t room = NAME_LEN - PREFIX_LEN + 1;
	ssize_t len = strncpy_from_user(buf + PREFIX_LEN, from, room);

	if (len < 0)
		return len == -ENAMETOOLONG ? -EINVAL : (int)len;
	if ((size_t)len >= room)
		return -EINVAL;
	memcpy(buf, PREFIX, PREFIX_LEN);
	return 0;
}

static s64 open_named(const char *name, u32 flags)
{
	struct fd_table *files = current_thread()->files;
	int fd = fd_reserve(files, 0, sys_fd_limit(), flags & MFD_CLOEXEC), err;
	struct file *f;

	if (fd < 0)
		return fd;
	err = vfs_memfd(sys_fs(), name, flags, &f);
	if (err) {
		fd_unreserve(files, fd);
		return err;
	}
	fd_fill(files, fd, f);
	return fd;
}

s64 sys_memfd_create(const char __user *name, u32 flags)
{
	int err = check_flags(flags);
	s64 result;
	char *buf;

	if (!err)
		err = decide_exec(&flags);
	if (err)
		return err;
	buf = kzalloc(NAME_LEN + 1);
	if (!buf)
		return -ENOMEM;
	result = get_name(buf, name);
	if (!result && (flags & MFD_HUGETLB)) {
		unsupported_flag("memfd_create", "MFD_HUGETLB");
		result = -ENOSYS;
	}
	if (!result)
		result = open_named(buf, flags);
	kfree(buf);
	return result;
}
