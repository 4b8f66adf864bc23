/* SPDX-License-Identifier: MIT */
/*
 * Breakpoints and watchpoints of the processor (SDM 3B, chapter 17), which a tracer sets by PTRACE_POKEUSER. No switch of
 * threads costs anything for them: a thread that has some loads them on each way to ring 3, and they are left to be when it
 * goes. Another thread that hits one finds that it is not meant and turns them off; until then they do no harm.
 *
 * Only under an emulator: a real processor delivers a watchpoint's trap at the first instruction of the system-call entry, on
 * the program's stack, when the program arranges for it (MOV SS before SYSCALL); QEMU's translator does not.
 */
#include <asm/errno.h>
#include <asm/siginfo.h>
#include <arch/impl/percpu.h>
#include <arch/impl/x86.h>
#include <arch/ptrace.h>
#include <moat/aspace.h>
#include <moat/heap.h>
#include "cpu_features.h"
#include "debug_regs.h"

#define SLOTS	     4u
#define DR6_HITS     0xfu
#define DR6_STEP     0x4000u
#define DR6_RESERVED 0xffff0ff0u
#define DR7_FIXED    0x400u
#define DR7_ENABLED  0xffu
#define DR7_SETTABLE 0xffff03ffu /* no GD: the kernel's own accesses are not to trap */
#define TYPE_EXECUTE 0u
#define TYPE_PORT    2u
#define LENGTHS	     ((const u8[]){1, 2, 8, 4})

struct debug_regs {
	u64 addr[SLOTS];
	u64 status;  /* bits of DR6 as of the last trap */
	u64 control; /* DR7 */
	u32 cpu;     /* whose registers hold them, plus 1; 0: none */
};

static void load_all(const struct debug_regs *d)
{
	asm volatile("mov %0, %%dr7" : : "r"((u64)DR7_FIXED));
	asm volatile("mov %0, %%dr0" : : "r"(d->addr[0]));
	asm volatile("mov %0, %%dr1" : : "r"(d->addr[1]));
	asm volatile("mov %0, %%dr2" : : "r"(d->addr[2]));
	asm volatile("mov %0, %%dr3" : : "r"(d->addr[3]));
	asm volatile("mov %0, %%dr7" : : "r"((d->control & DR7_SETTABLE) | DR7_FIXED));
}

bool arch_debug_usable(void)
{
	return cpu_features.tcg;
}

struct debug_regs *arch_debug_alloc(void)
{
	return kzalloc(sizeof(struct debug_regs));
}

static unsigned type_of(u64 control, unsigned n)
{
	return control >> (16 + 4 * n) & 3;
}

/* Does the processor take slot n of this control word? */
static bool slot_is_valid(const struct debug_regs *d, u64 control, unsigned n)
{
	unsigned type = type_of(control, n), bytes = LENGTHS[control >> (18 + 4 * n) & 3];

	if (!(control >> (2 * n) & 3))
		return true;
	return type != TYPE_PORT && (type != TYPE_EXECUTE || bytes == 1) && d->addr[n] % bytes == 0;
}

int arch_debug_set(struct arch_thread *t, unsigned n, u64 value)
{
	struct debug_regs *d = t->debug;

	d->cpu = 0; /* what a processor holds of it is old */
	if (n < SLOTS) {
		if (value >= USER_TOP)
			return -EINVAL;
		d->addr[n] = value;
		return 0;
	}
	if (n == 6)
		d->status = value ^ DR6_RESERVED;
	if (n != 7)
		return n == 6 ? 0 : -EIO;
	for (unsigned i = 0; i < SLOTS; i++) {
		if (!slot_is_valid(d, value, i))
			return -EINVAL;
	}
	d->control = value;
	return 0;
}

u64 arch_debug_get(const struct arch_thread *t, unsigned n)
{
	static const struct debug_regs none;
	const struct debug_regs *d = t->debug ? t->debug : &none;

	if (n < SLOTS)
		return d->addr[n];
	return n == 6 ? d->status ^ DR6_RESERVED : n == 7 ? d->control : 0;
}

void arch_debug_load(struct arch_thread *t)
{
	u64 irq = cpu_irq_save();
	struct cpu *c = this_cpu();

	if (c->debug_owner != t->debug || t->debug->cpu != c->id + 1) {
		load_all(t->debug);
		c->debug_owner = t->debug;
		t->debug->cpu = c->id + 1;
	}
	cpu_irq_restore(irq);
}

void arch_debug_clear(struct arch_thread *t)
{
	struct debug_regs *d = t->debug;

	if (d)
		*d = (struct debug_regs){0};
}

/* The hits in DR6 that are meant for who runs; others will not come again. */
static u64 take_hits(const struct arch_thread *t, u64 *step)
{
	struct cpu *c = this_cpu();
	u64 status;

	asm volatile("mov %%dr6, %0" : "=r"(status));
	asm volatile("mov %0, %%dr6" : : "r"((u64)DR6_RESERVED));
	*step = status & DR6_STEP;
	status &= DR6_HITS;
	if (status && (!t->debug || c->debug_owner != t->debug || t->debug->cpu != c->id + 1)) {
		asm volatile("mov %0, %%dr7" : : "r"((u64)DR7_FIXED));
		c->debug_owner = NULL;
		return 0;
	}
	return status;
}

int debug_trap_user(struct trap_frame *f, struct arch_thread *t)
{
	u64 step, before, hits;

	asm volatile("mov %%dr6, %0" : "=r"(before));
	hits = take_hits(t, &step);
	if (t->debug)
		t->debug->status = hits | step;
	for (unsigned n = 0; n < SLOTS; n++) {
		if ((hits >> n & 1) && type_of(t->debug->control, n) == TYPE_EXECUTE)
			f->rflags |= RFLAGS_RF; /* the instruction is to run now */
	}
	if (step)
		return TRAP_TRACE;
	if (hits)
		return TRAP_HWBKPT;
	return before & DR6_HITS ? 0 : TRAP_BRKPT;
}

void debug_trap_kernel(struct arch_thread *t)
{
	u64 step, hits = take_hits(t, &step);

	if (hits)
		t->debug->status |= hits;
}
