/* SPDX-License-Identifier: MIT */
/*
 * The machine side of threads: kernel stacks, the switch, FPU state, the way into ring 3.
 *
 * At the top of a user thread's kernel stack lies its struct trap_frame: TSS.RSP0 and the system-call entry both
 * start there, so the frame is always at the same place. FPU state is saved when a user thread is switched
 * away and loaded again only if another thread's state has been in the registers since.
 */
#include <asm/errno.h>
#include <arch/impl/kernel_layout.h>
#include <arch/impl/percpu.h>
#include <arch/impl/x86.h>
#include <arch/switch.h>
#include <arch/trap.h>
#include <moat/heap.h>
#include <moat/panic.h>
#include <moat/string.h>
#include "cpu_features.h"
#include "fpu.h"
#include "kmap.h"

extern char thread_trampoline[];
void arch_switch_stacks(u64 *save_sp, u64 load_sp);

static u64 stack_top(const struct arch_thread *t)
{
	return t->stack_base + KSTACK_BYTES;
}

/* What arch_switch_stacks pops, then where it returns to. */
struct first_switch {
	u64 r15, r14, r13, r12, rbx, rbp;
	u64 ret;
};

int arch_thread_init(struct arch_thread *t, void (*fn)(void *), void *arg)
{
	struct first_switch *s;

	*t = (struct arch_thread){.stack_base = kmap_stack_create()};
	if (!t->stack_base)
		return -ENOMEM;
	/* Below the room for a trap frame, which a thread that goes to ring 3 needs at the top. */
	s = (struct first_switch *)(stack_top(t) - sizeof(struct trap_frame) - 16) - 1;
	*s = (struct first_switch){.rbx = (u64)fn, .r12 = (u64)arg, .ret = (u64)thread_trampoline};
	t->saved_sp = (u64)s;
	return 0;
}

static void *fpu_alloc(void)
{
	/* The heap aligns to 64 bytes what is at least 64 bytes and a power of two. */
	size_t bytes = 1024;
	void *area;

	while (bytes < cpu_features.xsave_bytes)
		bytes *= 2;
	area = kmalloc(bytes);
	DEBUG_ASSERT(IS_ALIGNED(area, 64));
	return area;
}

int arch_thread_init_user(struct arch_thread *t)
{
	t->fpu = fpu_alloc();
	if (!t->fpu)
		return -ENOMEM;
	fpu_default(t->fpu);
	return 0;
}

void arch_thread_destroy(struct arch_thread *t)
{
	if (t->stack_base)
		kmap_stack_destroy(t->stack_base);
	kfree(t->fpu);
	kfree(t->debug);
	*t = (struct arch_thread){0};
}

static void load_segment_bases(const struct arch_thread *t)
{
	wrmsr(MSR_FS_BASE, t->fs_base);
	wrmsr(MSR_KERNEL_GS_BASE, t->gs_base);
}

/* The same after prev, whose bases have been saved. Most programs leave GS alone, and writing MSRs is slow. */
static void switch_segment_bases(const struct arch_thread *prev, const struct arch_thread *next)
{
	if (cpu_features.fsgsbase)
		asm volatile("wrfsbase %0" : : "r"(next->fs_base));
	else
		wrmsr(MSR_FS_BASE, next->fs_base);
	if (!prev->fpu || prev->gs_base != next->gs_base)
		wrmsr(MSR_KERNEL_GS_BASE, next->gs_base);
}

/* With FSGSBASE a program changes the bases without telling: read them back. */
static void save_segment_bases(struct arch_thread *t)
{
	if (cpu_features.fsgsbase) {
		asm volatile("rdfsbase %0" : "=r"(t->fs_base));
		t->gs_base = rdmsr(MSR_KERNEL_GS_BASE);
	}
}

struct trap_frame *arch_thread_frame(struct arch_thread *t)
{
	return (struct trap_frame *)stack_top(t) - 1;
}

int arch_thread_copy_user(struct arch_thread *child, struct arch_thread *parent)
{
	child->fpu = fpu_alloc();
	if (!child->fpu)
		return -ENOMEM;
	fpu_copy_current(child->fpu);
	child->fs_base = rdmsr(MSR_FS_BASE);
	child->gs_base = rdmsr(MSR_KERNEL_GS_BASE);
	*arch_thread_frame(child) = *arch_thread_frame(parent);
	return 0;
}

void arch_thread_set_tls(struct arch_thread *t, u64 base)
{
	t->fs_base = base;
}

void arch_switch(struct arch_thread *prev_state, struct thread *next, struct arch_thread *next_state,
		 struct pmap *next_pmap)
{
	struct cpu *c = this_cpu();

	if (prev_state->fpu) {
		fpu_save(prev_state->fpu);
		save_segment_bases(prev_state);
		c->fpu_owner = prev_state;
		prev_state->fpu_cpu = c->id + 1;
	}
	c->user_pmap = next_pmap;
	if (next_pmap)
		pmap_activate(next_pmap);
	if (next_state->fpu) {
		/* Both must agree: another thread may have been made where the owner was. */
		if (c->fpu_owner != next_state || next_state->fpu_cpu != c->id + 1)
			fpu_load(next_state->fpu);
		switch_segment_bases(prev_state, next_state);
	}
	c->current = next;
	c->kernel_stack_top = stack_top(next_state);
	c->tss.rsp[0] = c->kernel_stack_top;
	arch_switch_stacks(&prev_state->saved_sp, next_state->saved_sp);
}

void arch_set_user_pmap(struct pmap *pmap)
{
	this_cpu()->user_pmap = pmap;
	pmap_activate(pmap);
}

void arch_leave_user_pmap(void)
{
	this_cpu()->user_pmap = NULL;
}

void arch_adopt_boot_thread(struct thread *t, struct arch_thread *state)
{
	struct cpu *c = this_cpu();

	*state = (struct arch_thread){.stack_base = c->start_stack};
	c->current = t;
	c->kernel_stack_top = stack_top(state);
	c->tss.rsp[0] = c->kernel_stack_top;
}

bool arch_thread_guard(const struct arch_thread *t, u64 addr)
{
	return t->stack_base && addr < t->stack_base && addr >= t->stack_base - (KSTACK_SLOT - KSTACK_BYTES);
}

void cpu_idle(void)
{
	asm volatile("sti; hlt; cli" : : : "memory");
}

void arch_thread_reset_user(struct arch_thread *t)
{
	fpu_reset(t->fpu);
	t->fs_base = t->gs_base = 0;
	load_segment_bases(t);
}

void arch_set_fs_base(struct arch_thread *t, u64 base)
{
	t->fs_base = base;
	wrmsr(MSR_FS_BASE, base);
}

void arch_set_gs_base(struct arch_thread *t, u64 base)
{
	t->gs_base = base;
	wrmsr(MSR_KERNEL_GS_BASE, base);
}

u64 arch_fs_base(const struct arch_thread *t)
{
	(void)t;
	return rdmsr(MSR_FS_BASE);
}

u64 arch_gs_base(const struct arch_thread *t)
{
	(void)t;
	return rdmsr(MSR_KERNEL_GS_BASE);
}

struct trap_frame *current_user_frame(void)
{
	return (struct trap_frame *)this_cpu()->kernel_stack_top - 1;
}

void trap_frame_init_user(struct trap_frame *f, uaddr_t rip, uaddr_t rsp)
{
	*f = (struct trap_frame){
		.rip = rip.raw,
		.cs = SEL_USER_CODE,
		.rflags = RFLAGS_IF | 2,
		.rsp = rsp.raw,
		.ss = SEL_USER_DATA,
	};
}

void enter_user(void)
{
	asm volatile("movq %0, %%rsp; jmp user_return" : : "r"(current_user_frame()) : "memory");
	__builtin_unreachable();
}

void request_user_work(void)
{
	this_cpu()->work = 1;
}

bool take_user_work(void)
{
	struct cpu *c = this_cpu();
	bool asked = c->work;

	c->work = 0;
	return asked;
}
