/* SPDX-License-Identifier: MIT */
/* room: sys */
/* Structures that grow with Linux, and that a program passes together with their size. */
#ifndef SYS_STRUCT_H
#define SYS_STRUCT_H

#include <moat/syscall.h>

/*
 * Copies a structure of `size` bytes, of which `known` mean something here; what a shorter one lacks is 0. -EINVAL: less than
 * `least`; -E2BIG: more than a page, or what is not known is not 0; -EFAULT.
 */
int __must_check sys_get_struct(const void __user *from, size_t size, size_t least, void *to, size_t known);

#endif
