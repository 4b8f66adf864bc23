/* SPDX-License-Identifier: MIT */
/* vhangup(2). */
#include <asm/errno.h>
#include <moat/syscall.h>
#include <moat/task.h>
#include <moat/tty.h>

s64 sys_vhangup(void)
{
	if (current_process()->euid != 0)
		return -EPERM;
	tty_hang_up_own();
	return 0;
}
