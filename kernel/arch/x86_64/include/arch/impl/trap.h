/* SPDX-License-Identifier: MIT */
/* The registers of interrupted code as the entry code leaves them on the kernel stack, lowest address first. */
#ifndef ARCH_IMPL_TRAP_H
#define ARCH_IMPL_TRAP_H

#define FRAME_RAX    80
#define FRAME_VECTOR 120
#define FRAME_RIP    136
#define FRAME_CS     144
#define FRAME_RFLAGS 152
#define FRAME_RSP    160
#define FRAME_BYTES  176

/* frame.vector of the two ways into a system call */
#define VEC_INT80   0x80
#define VEC_SYSCALL 0x100

#ifndef __ASSEMBLER__
#include <moat/types.h>

struct trap_frame {
	u64 r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8;
	u64 rax, rcx, rdx, rsi, rdi;
	u64 vector;
	u64 error; /* the CPU's error code; for system calls the call's number */
	u64 rip, cs, rflags, rsp, ss;
};
/* What seccomp(2) calls the system calls of this machine; of <linux/audit.h>. */
#define ARCH_AUDIT AUDIT_ARCH_X86_64
_Static_assert(offsetof(struct trap_frame, rax) == FRAME_RAX, "trap_entry.S");
_Static_assert(offsetof(struct trap_frame, vector) == FRAME_VECTOR, "trap_entry.S");
_Static_assert(offsetof(struct trap_frame, rip) == FRAME_RIP, "trap_entry.S");
_Static_assert(offsetof(struct trap_frame, cs) == FRAME_CS, "trap_entry.S");
_Static_assert(offsetof(struct trap_frame, rflags) == FRAME_RFLAGS, "trap_entry.S");
_Static_assert(offsetof(struct trap_frame, rsp) == FRAME_RSP, "trap_entry.S");
_Static_assert(sizeof(struct trap_frame) == FRAME_BYTES, "trap_entry.S");
#endif
#endif
