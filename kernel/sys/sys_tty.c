/* SPDX-License-Identifier: MIT */
/* vhangup(2). */
#include <linux/capability.h>
#include <asm/errno.h>
#include <moat/cred.h>
#include <moat/syscall.h>
#include <moat/task.h>
#include <moat/tty.h>

s64 sys_vhangup(void)
{
	if (!capable(CAP_SYS_TTY_CONFIG))
		return -EPERM;
	tty_hang_up_own();
	return 0;
}
