/* SPDX-License-Identifier: MIT */
/* Owners of open files, who get their signals: the part of fcntl(2) and ioctl(2) about them. */
#include <arch/uaccess.h>
#include <moat/owner.h>
#include "sys_fs.h"

static s64 set_owner_ex(struct file *f, const void __user *arg)
{
	struct f_owner_ex o;

	if (copy_from_user(&o, arg, sizeof(o)))
		return -EFAULT;
	return owner_set(f, o.type, o.pid);
}

static s64 put_owner_ex(struct file *f, void __user *arg)
{
	struct f_owner_ex out;
	struct owner o;

	file_get_owner(f, &o);
	out.type = o.type;
	out.pid = owner_pid(&o);
	return copy_to_user(arg, &out, sizeof(out)) ? -EFAULT : 0;
}

s64 sys_owner_control(struct file *f, u32 cmd, u64 arg)
{
	switch (cmd) {
	case F_SETOWN:
		return owner_set_signed(f, (int)arg);
	case F_GETOWN:
		return owner_get_signed(f);
	case F_SETOWN_EX:
		return set_owner_ex(f, (const void __user *)arg);
	case F_GETOWN_EX:
		return put_owner_ex(f, (void __user *)arg);
	case F_SETSIG:
		return arg > SIGNAL_MAX ? -EINVAL : file_set_signal(f, (int)arg);
	case F_GETSIG:
		return file_get_signal(f);
	default:
		return -EINVAL;
	}
}
