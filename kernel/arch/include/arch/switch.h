/* SPDX-License-Identifier: MIT */
/* room: arch */
/* The machine contract for threads: their machine state, kernel stacks, and the switch between them. */
#ifndef ARCH_SWITCH_H
#define ARCH_SWITCH_H

#include <arch/cpu.h>
#include <arch/impl/switch.h> /* struct arch_thread */
#include <arch/mmu.h>
#include <moat/types.h>

struct thread;
struct trap_frame;

/* Gives t a kernel stack on which fn(arg) will run, interrupts on, at its first switch. 0 or -ENOMEM. */
int __must_check arch_thread_init(struct arch_thread *t, void (*fn)(void *), void *arg);
/* Gives t ring-3 state (FPU area, FS and GS base 0). 0 or -ENOMEM. */
int __must_check arch_thread_init_user(struct arch_thread *t);
/* Puts the ring-3 state back to what a new program starts with (exec). t is the current thread. */
void arch_thread_reset_user(struct arch_thread *t);
/*
 * fork: gives `child`, which has its kernel stack, a copy of the current thread's ring-3 state: FPU, FS and GS base, and
 * the registers of its trap frame. `parent` is the current thread's. 0 or -ENOMEM.
 */
int __must_check arch_thread_copy_user(struct arch_thread *child, struct arch_thread *parent);
/* The ring-3 registers of a thread that does not run yet. */
struct trap_frame *arch_thread_frame(struct arch_thread *t);
/* The thread-local storage of a thread that does not run yet (CLONE_SETTLS). */
void arch_thread_set_tls(struct arch_thread *t, u64 base);
/* Frees what t owns. t is not running anywhere. */
void arch_thread_destroy(struct arch_thread *t);
/*
 * Switches this CPU from the current thread to next with next's address space (pmap NULL: kernel thread, tables stay as they are).
 * Interrupts off, run-queue lock held; returns when it is switched to again.
 */
void arch_switch(struct arch_thread *prev_state, struct thread *next, struct arch_thread *next_state,
		 struct pmap *next_pmap);
/* Makes this CPU use pmap for the current thread from now on (exec, exit); NULL: none. */
void arch_set_user_pmap(struct pmap *pmap);
/*
 * The current thread has no address space any more. The tables stay loaded until the next switch or until pmap_destroy
 * takes them away: for an address space that others still have.
 */
void arch_leave_user_pmap(void);
/* Makes the code that booted this CPU a thread, on the boot stack. Once for each CPU. */
void arch_adopt_boot_thread(struct thread *t, struct arch_thread *state);
/* Frames of kernel stacks that no thread has and that are kept for the next ones. */
u64 arch_spare_stack_frames(void);
/* True when addr lies in the guard pages below t's kernel stack. */
bool arch_thread_guard(const struct arch_thread *t, u64 addr);
/* Waits for an interrupt; interrupts off at the call and on return. */
void cpu_idle(void);

/* FS and GS base of the current thread (arch_prctl(2)). */
void arch_set_fs_base(struct arch_thread *t, u64 base);
void arch_set_gs_base(struct arch_thread *t, u64 base);
u64 arch_fs_base(const struct arch_thread *t);
u64 arch_gs_base(const struct arch_thread *t);

/* Provided by the task room: finishes a switch on a thread's first run. */
void thread_begin(void *arg);

#endif
