/* SPDX-License-Identifier: MIT */
/* room: arch */
/*
 * The machine contract for tracing (ptrace(2)): the ring-3 state of a thread that stands still, in the layout of <sys/user.h>
 * and of core files. A thread that stands still is parked; all but the first two functions are for others, who see to it
 * that it stays so meanwhile.
 */
#ifndef ARCH_PTRACE_H
#define ARCH_PTRACE_H

#include <arch/impl/trap.h>
#include <arch/switch.h>
#include <moat/types.h>

#define USER_REGS	  27u  /* words of struct user_regs_struct */
#define USER_FP_BYTES	  512u /* of struct user_fpregs_struct */
#define USER_DEBUG_OFFSET 848u /* of u_debugreg in struct user */
#define USER_AREA_BYTES	  928u /* of struct user as Linux has it: two words more than in <sys/user.h> */
#define DEBUG_REGS	  8u

/* The current thread's floating-point registers and segment bases go to memory, and come back as they are there by then. */
void arch_trace_park(struct arch_thread *t);
void arch_trace_unpark(struct arch_thread *t);

/* All registers; `result` is shown as what the call returned, if the thread is in one. */
void arch_trace_get_regs(struct arch_thread *t, s64 result, u64 regs[USER_REGS]);
/* One of them, by its place: -EIO for a value that no program may have. */
int __must_check arch_trace_set_reg(struct arch_thread *t, unsigned n, u64 value);
/* Bytes of the extended state as XSAVE writes it; 0: the processor has none. */
size_t arch_trace_xstate_bytes(void);
/* The extended state, at least USER_FP_BYTES. */
void arch_trace_get_xstate(const struct arch_thread *t, u8 *to);
/* The whole of it, or (bytes == USER_FP_BYTES) the old part: -EINVAL when it is not well formed. */
int __must_check arch_trace_set_xstate(struct arch_thread *t, const u8 *from, size_t bytes);

/* Steps: a trap after one instruction of the program. */
bool frame_steps(const struct trap_frame *f);
void frame_set_step(struct trap_frame *f, bool step);
/* The frame is in call `nr`, which has returned 0. */
void frame_set_syscall(struct trap_frame *f, u64 nr);

/*
 * Debug registers: breakpoints of the processor, only under an emulator (docs/ptrace.md). A thread that has any calls
 * arch_debug_load before each return to ring 3.
 */
struct debug_regs;
bool arch_debug_usable(void);
struct debug_regs *__must_check arch_debug_alloc(void); /* or NULL */
/* t->debug is there: 0, -EINVAL, -EIO (no such register). */
int __must_check arch_debug_set(struct arch_thread *t, unsigned n, u64 value);
u64 arch_debug_get(const struct arch_thread *t, unsigned n);
/* Of the current thread. */
void arch_debug_load(struct arch_thread *t);
void arch_debug_clear(struct arch_thread *t);

#endif
