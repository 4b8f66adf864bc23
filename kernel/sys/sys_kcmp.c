/* SPDX-License-Identifier: MIT */
/* kcmp(2). */
#include <asm/errno.h>
#include <linux/kcmp.h>
#include <arch/uaccess.h>
#include <moat/syscall.h>
#include <moat/task.h>

static s64 compare_watched(const int tids[2], u64 fd, const void __user *at)
{
	struct kcmp_epoll_slot slot;

	if (copy_from_user(&slot, at, sizeof(slot)))
		return -EFAULT;
	return task_compare_watched(tids, (int)fd, (int)slot.efd, (int)slot.tfd, slot.toff);
}

s64 sys_kcmp(int pid1, int pid2, int type, u64 idx1, u64 idx2)
{
	const int tids[2] = {pid1, pid2};
	int err = task_compare(tids, PART_NOTHING);

	if (err)
		return err;
	switch (type) {
	case KCMP_FILE:
		return task_compare_files(tids, (const int[]){(int)idx1, (int)idx2});
	case KCMP_VM:
		return task_compare(tids, PART_MEMORY);
	case KCMP_FILES:
		return task_compare(tids, PART_FILES);
	case KCMP_FS:
		return task_compare(tids, PART_FS);
	case KCMP_SIGHAND:
		return task_compare(tids, PART_ACTIONS);
	case KCMP_IO: /* nobody has one */
	case KCMP_SYSVSEM:
		return 0;
	case KCMP_EPOLL_TFD:
		return compare_watched(tids, idx1, (const void __user *)idx2);
	default:
		return -EINVAL;
	}
}
