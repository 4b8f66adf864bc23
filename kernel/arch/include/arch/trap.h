/* SPDX-License-Identifier: MIT */
/* room: arch */
/*
 * The machine contract for traps. The first part is what the machine offers; the second is what the kernel above
 * must provide: the machine calls it by these names.
 */
#ifndef ARCH_TRAP_H
#define ARCH_TRAP_H

#include <arch/impl/trap.h> /* struct trap_frame */
#include <moat/types.h>

/* --- offered --- */

/* The ring-3 registers of the current thread, as they will be restored. User threads only. */
struct trap_frame *current_user_frame(void);
/* Registers for a first entry into ring 3: all zero but these; interrupts on. */
void trap_frame_init_user(struct trap_frame *f, uaddr_t rip, uaddr_t rsp);
/* Loads the frame at the top of the current thread's kernel stack and goes to ring 3 by IRETQ. */
__noreturn void enter_user(void);
/* Makes this CPU call user_return_work before it next goes to ring 3. */
void request_user_work(void);
/* Was that asked for and not done yet? Not any more, then. Interrupts off. */
bool take_user_work(void);

/* System-call arguments, in order, as the x86-64 psABI (A.2.1) passes them; and the result. */
static inline u64 frame_arg(const struct trap_frame *f, unsigned n)
{
	const u64 args[] = {f->rdi, f->rsi, f->rdx, f->r10, f->r8, f->r9};
	return args[n];
}

/* --- provided by higher rooms --- */

/* A system call: number in f->error, arguments in f. What the caller puts into f->rax. Interrupts on. (sys) */
s64 syscall_dispatch(struct trap_frame *f);
/*
 * A page fault at addr, in ring 3 or inside a user copy, `access` as enum fault_access. True when it was served. When
 * it was in ring 3 and could not be, the thread has been given its signal and true is returned too. (task)
 */
bool trap_page_fault(struct trap_frame *f, u64 addr, unsigned access, bool from_user);
/* Ring 3 did something the CPU refused: the thread gets `signal` with si_code `code` and si_addr `addr`. (task) */
void trap_user_exception(struct trap_frame *f, int signal, int code, u64 addr, const char *what);
/* Called with interrupts on before a return to ring 3 after request_user_work; may not return. (task) */
void user_return_work(struct trap_frame *f);
/* The timer fired; interrupts off. `user`: it interrupted ring 3. (task) */
void timer_tick(bool user);
/* Which thread has its kernel stack's guard pages at addr: its name, or NULL. (task) */
const char *kstack_guard_owner(u64 addr);

#endif
