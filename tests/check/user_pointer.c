/* SPDX-License-Identifier: MIT */
/*
 * What the build must refuse: a pointer that a program gave, dereferenced by the kernel. `make check`
 * compiles this file and fails if the compiler or sparse accepts it; with ALLOWED defined it must be
 * accepted.
 */
#include <moat/types.h>

int user_pointer_peek(const int __user *p);

int user_pointer_peek(const int __user *p)
{
#if defined(ALLOWED)
	return p != NULL;
#else
	return *p;
#endif
}
