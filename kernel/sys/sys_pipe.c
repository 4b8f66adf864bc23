/* SPDX-License-Identifier: MIT */
/* pipe(2) and pipe2(2). */
#include <linux/watch_queue.h>
#include <arch/uaccess.h>
#include "sys_fs.h"

/* Both numbers are reserved, and told to the program, before a file stands behind one. */
static s64 install(struct fd_table *files, void __user *fds, struct file *const ends[2], bool cloexec)
{
	int fd[2];

	fd[0] = fd_reserve(files, 0, sys_fd_limit(), cloexec);
	if (fd[0] < 0)
		return fd[0];
	fd[1] = fd_reserve(files, 0, sys_fd_limit(), cloexec);
	if (fd[1] >= 0 && !copy_to_user(fds, fd, sizeof(fd))) {
		fd_fill(files, fd[0], ends[0]);
		fd_fill(files, fd[1], ends[1]);
		return 0;
	}
	fd_unreserve(files, fd[0]);
	if (fd[1] < 0)
		return fd[1];
	fd_unreserve(files, fd[1]);
	return -EFAULT;
}

s64 sys_pipe2(void __user *fds, int flags)
{
	struct file *ends[2];
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
	err = install(current_thread()->files, fds, ends, flags & O_CLOEXEC);
	if (err) {
		file_put(ends[0]);
		file_put(ends[1]);
	}
	return err;
}

s64 sys_pipe(void __user *fds)
{
	return sys_pipe2(fds, 0);
}
