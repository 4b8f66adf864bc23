/* SPDX-License-Identifier: MIT */
/* The fake machine does not switch: one thread runs. */
#ifndef ARCH_IMPL_SWITCH_H
#define ARCH_IMPL_SWITCH_H

struct arch_thread {
	int unused;
};

#endif
