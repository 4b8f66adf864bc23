/* SPDX-License-Identifier: MIT */
/*
 * The attack programs: one binary, whose first argument chooses the attack. tests/boot/attacks says which
 * end each must have. They are made without any library, so that nothing happens but the attack itself.
 *
 * An attack that returns has been survived: its result is the exit status, 0 for "refused, as it must be".
 */
#ifndef ATTACK_H
#define ATTACK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>

#define PAGE 4096ul

struct attack {
	const char *name;
	int (*run)(unsigned long argument);
};

extern const struct attack instruction_attacks[], memory_attacks[], entry_attacks[];

static inline long call6(long nr, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "0"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

static inline long call3(long nr, long a, long b, long c)
{
	return call6(nr, a, b, c, 0, 0, 0);
}

/* Fresh anonymous memory, readable and writable; `at` is 0 for anywhere. Ends the program when refused. */
static inline char *fresh(unsigned long at, unsigned long length)
{
	enum { RW = 3, PRIVATE_ANONYMOUS = 0x22, FIXED = 0x10 };
	long p = call6(SYS_mmap, (long)at, (long)length, RW, PRIVATE_ANONYMOUS | (at ? FIXED : 0), -1, 0);

	if (p < 0 && p > -4096)
		call3(SYS_exit_group, 99, 0, 0);
	return (char *)p;
}

#endif
