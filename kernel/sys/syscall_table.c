/* SPDX-License-Identifier: MIT */
/*
 * The table of system calls in the form the kernel runs: for each line of syscalls.def a thunk that turns registers
 * into the handler's argument types, and an entry that says how to show them. No pointer is cast to another
 * function type.
 */
#include <arch/trap.h>
#include <moat/syscall.h>
#include "syscall_table.h"

/* kind -> look in a trace */
#define K_FD	       KIND_FD
#define K_DIRFD	       KIND_FD
#define K_INT	       KIND_INT
#define K_FLAGS	       KIND_HEX
#define K_OPENFLAGS    KIND_HEX
#define K_SIGNAL       KIND_INT
#define K_WHENCE       KIND_INT
#define K_PROT	       KIND_HEX
#define K_MAPFLAGS     KIND_HEX
#define K_PID	       KIND_INT
#define K_CLOCK	       KIND_INT
#define K_MODE	       KIND_OCTAL
#define K_UID	       KIND_INT
#define K_GID	       KIND_INT
#define K_UINT	       KIND_UNSIGNED
#define K_SIZE	       KIND_UNSIGNED
#define K_OFFSET       KIND_UNSIGNED
#define K_LONG	       KIND_UNSIGNED
#define K_ULONG	       KIND_HEX
#define K_ADDR	       KIND_HEX
#define K_PATH	       KIND_STRING
#define K_STR	       KIND_STRING
#define K_INBUF	       KIND_POINTER
#define K_OUTBUF       KIND_POINTER
#define K_PTR	       KIND_POINTER
#define K_IOV	       KIND_POINTER
#define K_TIMESPEC_IN  KIND_POINTER
#define K_TIMESPEC_OUT KIND_POINTER

#define THUNK(name, ...)                                    \
	static s64 thunk_##name(const struct trap_frame *f) \
	{                                                   \
		(void)f;                                    \
		return sys_##name(__VA_ARGS__);             \
	}
#define SYSCALL0(nr, name)			   THUNK(name)
#define SYSCALL1(nr, name, k1, a1)		   THUNK(name, (T_##k1)f->rdi)
#define SYSCALL2(nr, name, k1, a1, k2, a2)	   THUNK(name, (T_##k1)f->rdi, (T_##k2)f->rsi)
#define SYSCALL3(nr, name, k1, a1, k2, a2, k3, a3) THUNK(name, (T_##k1)f->rdi, (T_##k2)f->rsi, (T_##k3)f->rdx)
#define SYSCALL4(nr, name, k1, a1, k2, a2, k3, a3, k4, a4) \
	THUNK(name, (T_##k1)f->rdi, (T_##k2)f->rsi, (T_##k3)f->rdx, (T_##k4)f->r10)
#define SYSCALL5(nr, name, k1, a1, k2, a2, k3, a3, k4, a4, k5, a5) \
	THUNK(name, (T_##k1)f->rdi, (T_##k2)f->rsi, (T_##k3)f->rdx, (T_##k4)f->r10, (T_##k5)f->r8)
#define SYSCALL6(nr, name, k1, a1, k2, a2, k3, a3, k4, a4, k5, a5, k6, a6)                         \
	THUNK(name, (T_##k1)f->rdi, (T_##k2)f->rsi, (T_##k3)f->rdx, (T_##k4)f->r10, (T_##k5)f->r8, \
	      (T_##k6)f->r9)
#include "syscalls.def"
#undef SYSCALL0
#undef SYSCALL1
#undef SYSCALL2
#undef SYSCALL3
#undef SYSCALL4
#undef SYSCALL5
#undef SYSCALL6

#define SYSCALL0(nr, name)		   [nr] = {thunk_##name, #name, 0, {0}, {0}},
#define SYSCALL1(nr, name, k1, a1)	   [nr] = {thunk_##name, #name, 1, {K_##k1}, {#a1}},
#define SYSCALL2(nr, name, k1, a1, k2, a2) [nr] = {thunk_##name, #name, 2, {K_##k1, K_##k2}, {#a1, #a2}},
#define SYSCALL3(nr, name, k1, a1, k2, a2, k3, a3) \
	[nr] = {thunk_##name, #name, 3, {K_##k1, K_##k2, K_##k3}, {#a1, #a2, #a3}},
#define SYSCALL4(nr, name, k1, a1, k2, a2, k3, a3, k4, a4) \
	[nr] = {thunk_##name, #name, 4, {K_##k1, K_##k2, K_##k3, K_##k4}, {#a1, #a2, #a3, #a4}},
#define SYSCALL5(nr, name, k1, a1, k2, a2, k3, a3, k4, a4, k5, a5) \
	[nr] = {thunk_##name, #name, 5, {K_##k1, K_##k2, K_##k3, K_##k4, K_##k5}, {#a1, #a2, #a3, #a4, #a5}},
#define SYSCALL6(nr, name, k1, a1, k2, a2, k3, a3, k4, a4, k5, a5, k6, a6) \
	[nr] = {thunk_##name,                                              \
		#name,                                                     \
		6,                                                         \
		{K_##k1, K_##k2, K_##k3, K_##k4, K_##k5, K_##k6},          \
		{#a1, #a2, #a3, #a4, #a5, #a6}},

const struct syscall_entry syscall_table[SYSCALLS_MAX] = {
#include "syscalls.def"
};
