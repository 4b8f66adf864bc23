/* SPDX-License-Identifier: MIT */
/*
 * What CPUs want of one another: to look at their run queue, to forget translations, to stop.
 *
 * A flush is a rendezvous. The sender puts its request into its own slot, sets a bit for each CPU that is to serve it, and
 * waits until all bits are clear; a CPU that serves looks through all slots for its bit.
 *
 *     slots      [0] request ──> on CPU 0's stack, waiting_for 0110
 *                [1] -                             waiting_for 0000
 *
 * No deadlock: serving takes no lock, and whoever keeps a CPU busy with interrupts off is about to finish, or waits for a
 * spinlock or for its own flush to be served, and serves others in that loop (cpu_serve_requests). So locks may be held
 * around a flush. Only interrupt handlers may not flush: the slot may be in use.
 *
 * A CPU that has the tables of a pmap loaded but runs no thread of it (it idles, or runs a kernel thread) does not flush: it
 * goes over to the kernel's own tables and is not asked again.
 */
#include <arch/cpu.h>
#include <arch/impl/percpu.h>
#include <arch/impl/x86.h>
#include <arch/mmu.h>
#include <arch/smp.h>
#include <moat/panic.h>
#include "apic.h"
#include "smp.h"

static struct flush_slot {
	const struct flush_request *request; /* [I while waiting_for is not 0] */
	u32 waiting_for;		     /* [a] one bit for each CPU that has yet to serve it */
} __aligned(64) slots[CPU_MAX];

static u32 panicking; /* [a] the number of the CPU that reports, plus 1 */

void cpu_send_reschedule(u32 cpu)
{
	u64 irq = cpu_irq_save();

	apic_send_ipi(cpu, VEC_RESCHEDULE);
	cpu_irq_restore(irq);
}

static void serve_user(struct cpu *c, const struct flush_request *r)
{
	if (c->loaded_pmap != r->pmap)
		return;
	if (!c->user_pmap || r->what == FLUSH_LEAVE) {
		ASSERT(!c->user_pmap);
		pmap_activate(NULL);
	} else if (r->what == FLUSH_PMAP) {
		write_cr3(read_cr3());
	} else {
		for (u32 i = 0; i < r->count; i++)
			invlpg(r->addr[i]);
	}
}

static void serve(struct cpu *c, const struct flush_request *r)
{
	if (r->what == FLUSH_KERNEL)
		tlb_flush_all();
	else if (r->what != FLUSH_NOTHING)
		serve_user(c, r);
}

/* Interrupts are off, or the interrupt of the same request would come between the look at a bit and the serving. */
void cpu_serve_all_requests(void)
{
	u64 irq = cpu_irq_save();
	struct cpu *c = this_cpu();
	u32 bit = 1u << c->id;

	__atomic_store_n(&c->flush_wanted, 0, __ATOMIC_SEQ_CST);
	for (u32 i = 0; i < CPU_MAX; i++) {
		if (!(__atomic_load_n(&slots[i].waiting_for, __ATOMIC_ACQUIRE) & bit))
			continue;
		serve(c, slots[i].request);
		__atomic_fetch_and(&slots[i].waiting_for, ~bit, __ATOMIC_RELEASE);
	}
	cpu_irq_restore(irq);
}

void smp_flush(u32 mask, const struct flush_request *r)
{
	u64 irq = cpu_irq_save();
	struct flush_slot *slot = &slots[cpu_id()];

	ASSERT(slot->waiting_for == 0);
	slot->request = r;
	__atomic_store_n(&slot->waiting_for, mask, __ATOMIC_SEQ_CST);
	for (u32 left = mask; left; left &= left - 1) {
		u32 cpu = (u32)__builtin_ctz(left);
		/* Where it is set already, an interrupt is under way that will see this request, too. */
		if (!__atomic_exchange_n(&cpus[cpu].flush_wanted, 1, __ATOMIC_SEQ_CST))
			apic_send_ipi(cpu, VEC_FLUSH);
	}
	cpu_irq_restore(irq);
	/* The thread stays on this CPU, as kernel code does that does not sleep. */
	while (__atomic_load_n(&slot->waiting_for, __ATOMIC_ACQUIRE)) {
		cpu_relax();
		cpu_serve_requests();
	}
}

bool smp_claim_panic(void)
{
	u32 nobody = 0, me = cpu_id() + 1;

	if (__atomic_compare_exchange_n(&panicking, &nobody, me, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
		for (u32 left = smp_others(); left; left &= left - 1)
			apic_send_nmi((u32)__builtin_ctz(left));
		return true;
	}
	return false;
}

void smp_stop_if_panicking(void)
{
	u32 who = __atomic_load_n(&panicking, __ATOMIC_SEQ_CST);

	while (who && who != cpu_id() + 1)
		asm volatile("cli; hlt");
}
