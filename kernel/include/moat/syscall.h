/* SPDX-License-Identifier: MIT */
/* room: sys */
/*
 * The one table of system calls. Each call is one line of sys/syscalls*.def:
 *
 *     SYSCALL3(0, read, FD, fd, OUTBUF, buf, SIZE, count)
 *
 * From it come the prototypes below, the typed entry thunks and the trace decoder (sys/syscall_table.c) and
 * docs/syscalls.md (tools/syscall-doc). An argument's kind says its C type here and its look in a trace.
 */
#ifndef MOAT_SYSCALL_H
#define MOAT_SYSCALL_H

#include <moat/types.h>

struct __kernel_timespec;
struct __kernel_old_timeval;
struct iovec;

/* kind -> C type */
#define T_FD	       int
#define T_DIRFD	       int
#define T_INT	       int
#define T_FLAGS	       int
#define T_OPENFLAGS    int
#define T_SIGNAL       int
#define T_WHENCE       int
#define T_PROT	       int
#define T_MAPFLAGS     int
#define T_PID	       int
#define T_CLOCK	       int
#define T_MODE	       u32
#define T_UID	       u32
#define T_GID	       u32
#define T_UINT	       u32
#define T_SIZE	       size_t
#define T_OFFSET       s64
#define T_LONG	       s64
#define T_ULONG	       u64
#define T_ADDR	       u64
#define T_PATH	       const char __user *
#define T_STR	       const char __user *
#define T_INBUF	       const void __user *
#define T_OUTBUF       void __user *
#define T_PTR	       void __user *
#define T_IOV	       const struct iovec __user *
#define T_TIMESPEC_IN  const struct __kernel_timespec __user *
#define T_TIMESPEC_OUT struct __kernel_timespec __user *

#define SYSCALL0(nr, name)			   s64 sys_##name(void);
#define SYSCALL1(nr, name, k1, a1)		   s64 sys_##name(T_##k1 a1);
#define SYSCALL2(nr, name, k1, a1, k2, a2)	   s64 sys_##name(T_##k1 a1, T_##k2 a2);
#define SYSCALL3(nr, name, k1, a1, k2, a2, k3, a3) s64 sys_##name(T_##k1 a1, T_##k2 a2, T_##k3 a3);
#define SYSCALL4(nr, name, k1, a1, k2, a2, k3, a3, k4, a4) \
	s64 sys_##name(T_##k1 a1, T_##k2 a2, T_##k3 a3, T_##k4 a4);
#define SYSCALL5(nr, name, k1, a1, k2, a2, k3, a3, k4, a4, k5, a5) \
	s64 sys_##name(T_##k1 a1, T_##k2 a2, T_##k3 a3, T_##k4 a4, T_##k5 a5);
#define SYSCALL6(nr, name, k1, a1, k2, a2, k3, a3, k4, a4, k5, a5, k6, a6) \
	s64 sys_##name(T_##k1 a1, T_##k2 a2, T_##k3 a3, T_##k4 a4, T_##k5 a5, T_##k6 a6);
#include "../../sys/syscalls.def"
#undef SYSCALL0
#undef SYSCALL1
#undef SYSCALL2
#undef SYSCALL3
#undef SYSCALL4
#undef SYSCALL5
#undef SYSCALL6

/*
 * A flag, operation or call that Linux has and this kernel refuses: counted once for each text "call: what" and shown
 * in the report; in a strict run the program is ended. The caller then returns Linux's own error for it.
 */
void unsupported_flag(const char *call, const char *what);

#endif
