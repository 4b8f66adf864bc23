/* SPDX-License-Identifier: MIT */
/* room: arch */
/*
 * The machine contract for signal handlers: the frame that Linux puts on the user's stack, so that C libraries and
 * unwinders can read it and rt_sigreturn(2) can undo it.
 */
#ifndef ARCH_SIGNAL_H
#define ARCH_SIGNAL_H

#include <asm/siginfo.h>
#include <arch/impl/trap.h>
#include <arch/switch.h>
#include <moat/types.h>

struct signal_delivery {
	const siginfo_t *info;
	u64 handler, restorer;
	u64 sp;		      /* the frame goes below: the program's stack or the alternate one, top */
	bool use_red_zone;    /* sp is the interrupted stack: leave the psABI's 128 bytes alone */
	u64 old_mask;	      /* put back by rt_sigreturn */
	u64 alt_sp, alt_size; /* uc_stack */
	u32 alt_flags;
};

/* Writes the frame and points f at the handler; -EFAULT when the stack cannot take it (nothing is changed). */
int __must_check arch_signal_frame_push(struct trap_frame *f, const struct signal_delivery *d);
/*
 * Undoes it for the frame that f's stack pointer is at: registers and FPU state, with every bit that a program must
 * not choose put right; the mask and uc_stack go out. -EFAULT for a frame that cannot be read or used.
 */
int __must_check arch_signal_frame_pop(struct trap_frame *f, struct arch_thread *t, u64 *mask, u64 *alt_sp,
				       u64 *alt_size, u32 *alt_flags);
/* May ring 3 go on at f's address, as far as the processor goes? */
bool frame_can_return(const struct trap_frame *f);
/* Bytes that a frame takes at the most: AT_MINSIGSTKSZ. */
u64 arch_signal_frame_bytes(void);

/* The interrupted code was in a system call (either way in); which one. */
static inline bool frame_is_syscall(const struct trap_frame *f)
{
	return f->vector == VEC_SYSCALL || f->vector == VEC_INT80;
}
static inline u64 frame_syscall(const struct trap_frame *f)
{
	return (u32)f->error;
}
/* What the frame holds is not a call's result any more: nothing starts again, whatever the result looks like. */
void frame_forget_syscall(struct trap_frame *f);
/* Makes the program issue the same system call again. */
void frame_restart_syscall(struct trap_frame *f);
/* The call was not made: the registers are as they were at its beginning, but for the instruction pointer. */
static inline void frame_undo_syscall(struct trap_frame *f)
{
	f->rax = f->error;
}
static inline void frame_set_result(struct trap_frame *f, s64 result)
{
	f->rax = (u64)result;
}
static inline s64 frame_result(const struct trap_frame *f)
{
	return (s64)f->rax;
}
static inline void frame_set_sp(struct trap_frame *f, u64 sp)
{
	f->rsp = sp;
}
/* Where the program goes on. */
static inline u64 frame_ip(const struct trap_frame *f)
{
	return f->rip;
}
static inline u64 frame_sp(const struct trap_frame *f)
{
	return f->rsp;
}

#endif
