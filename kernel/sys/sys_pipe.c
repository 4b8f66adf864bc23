/* SPDX-License-Identifier: MIT */
/* pipe(2) and pipe2(2). */
#include <linux/watch_queue.h>
#include <arch/uaccess.h>
#include "sys_fs.h"

s64 sys_reserve_pair(void __user *fds, bool cloexec, int fd[2])
{
	struct fd_table *files = current_thread()->files;

	fd[0] = fd_reserve(files, 0, sys_fd_limit(), cloexec);
	if (fd[0] < 0)
		return fd[0];
	fd[1] = fd_reserve(files, 0, sys_fd_limit(), cloexec);
	if (fd[1] >= 0 && !copy_to_user(fds, fd, 2 * sizeof(int)))
		return 0;
	fd_unreserve(files, fd[0]);
	if (fd[1] < 0)
		return fd[1];
	fd_unreserve(files, fd[1]);
	return -EFAULT;
}

s64 sys_pipe2(void __user *fds, int flags)
{
	struct fd_table *files = current_thread()->files;
	struct file *ends[2];
	int fd[2];
	s64 err;

	if (flags & ~(O_CLOEXEC | O_NONBLOCK | O_DIRECT | O_NOTIFICATION_PIPE))
		return -EINVAL;
	if (flags & O_NOTIFICATION_PIPE) {
		unsupported_flag("pipe2", "O_NOTIFICATION_PIPE");
		return -ENOPKG;
	}
	err = pipe_create((u32)flags & (O_NONBLOCK | O_DIRECT), ends);
	if (err)
		return err;
	err = sys_reserve_pair(fds, flags & O_CLOEXEC, fd);
	for (int i = 0; i < 2; i++) {
		if (err)
			file_put(ends[i]);
		else
			fd_fill(files, fd[i], ends[i]);
	}
	return err;
}

s64 sys_pipe(void __user *fds)
{
	return sys_pipe2(fds, 0);
}
