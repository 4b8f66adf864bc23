/* SPDX-License-Identifier: MIT */
/* room: sys */
/* Between the files of ptrace(2). */
#ifndef SYS_PTRACE_H
#define SYS_PTRACE_H

#include <asm/siginfo.h>
#include <arch/ptrace.h>
#include <moat/ptrace.h>

/* One request on its way. */
struct request {
	long nr;
	int tid;
	u64 addr, data;
	size_t bytes; /* of buf that mean something */
	union {
		u64 words[USER_REGS];
		siginfo_t info;
		struct ptrace_syscall_info call;
		struct ptrace_rseq_configuration rseq;
	};
	u8 *xstate; /* heap */
};

/* Requests about registers (sys_ptrace_regs.c): what sys_ptrace returns. */
s64 ptrace_user_area(struct request *r);
/* The general registers, or the first `bytes` of them. */
s64 ptrace_general_regs(struct request *r, void __user *at, bool set, size_t bytes);
/* all: the whole state, else the old part. */
s64 ptrace_float_regs(struct request *r, void __user *at, bool set, size_t bytes, bool all);
s64 ptrace_regset(struct request *r);
/* For ptrace_with: the general registers to the words of the struct request that arg is. */
int ptrace_copy_regs(struct tracee *tr, void *arg);

#endif
