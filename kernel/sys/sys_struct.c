/* SPDX-License-Identifier: MIT */
/* Structures that grow with Linux: see sys_struct.h. */
#include <asm/errno.h>
#include <arch/uaccess.h>
#include <moat/string.h>
#include "sys_struct.h"

/* Are the bytes from `at` to `size` all 0? 0, -E2BIG, -EFAULT. */
static int check_rest(const void __user *from, size_t at, size_t size)
{
	u8 rest[64];

	for (; at < size; at += sizeof(rest)) {
		size_t n = MIN(size - at, sizeof(rest));

		if (copy_from_user(rest, (const char __user *)from + at, n))
			return -EFAULT;
		for (size_t i = 0; i < n; i++) {
			if (rest[i])
				return -E2BIG;
		}
	}
	return 0;
}

int sys_get_struct(const void __user *from, size_t size, size_t least, void *to, size_t known)
{
	int err;

	if (size > PAGE_SIZE)
		return -E2BIG;
	if (size < least)
		return -EINVAL;
	err = check_rest(from, known, size);
	if (err)
		return err;
	memset(to, 0, known);
	return copy_from_user(to, from, MIN(size, known)) ? -EFAULT : 0;
}
