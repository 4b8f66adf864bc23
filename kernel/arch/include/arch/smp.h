/* SPDX-License-Identifier: MIT */
/* room: arch */
/*
 * The machine contract for several CPUs. CPUs are numbered from 0, the one that booted. The others are started while the
 * boot goes on and come up in the order of their numbers, so the CPUs that run threads are always 0 .. cpu_count() - 1:
 * the count only grows, and is what it will be soon after machine_interrupts_init. A run queue of a CPU is set up before
 * the CPU counts (sched_cpu_main).
 *
 * Each CPU has a timer of its own. It ticks (timer_tick) unless cpu_timer_set has been used on that CPU.
 */
#ifndef ARCH_SMP_H
#define ARCH_SMP_H

#include <arch/cpu.h>
#include <moat/types.h>

/* --- offered --- */

/* How many CPUs run threads is cpu_count(). [a] */
/* How many CPUs the machine has, up to CPU_MAX, running or not. [I after machine_memory_init] */
u32 cpu_possible_count(void);
/*
 * Interrupts another CPU, or this one, whatever it does: it calls sched_ipi(), and if it slept in cpu_idle, that returns.
 * What was written before the call is seen by sched_ipi. Any context, locks may be held; returns at once.
 */
void cpu_send_reschedule(u32 cpu);
/*
 * Makes this CPU call sched_timer() once when the monotonic clock shows deadline_ns, or at once when that is past: in
 * place of what was set before and in place of its tick. UINT64_MAX: never. It may come early by the error of the
 * clock, so look at the clock and set it again. Interrupts off.
 */
void cpu_timer_set(u64 deadline_ns);

/* --- provided by the task room --- */

/* An interrupt sent by cpu_send_reschedule. Interrupts off. */
void sched_ipi(void);
/* The timer set by cpu_timer_set fired; interrupts off. `user`: it interrupted ring 3. */
void sched_timer(bool user);
/*
 * The first function of a CPU other than the first: makes the code that runs its idle thread, says cpu_is_ready(), and
 * idles. Interrupts off, on a stack of KSTACK_BYTES. Never returns.
 */
__noreturn void sched_cpu_main(void);

/* --- offered, to sched_cpu_main --- */

/* This CPU's run queue is ready: it counts from now on. Waits until the CPUs before it do. */
void cpu_is_ready(void);

#endif
