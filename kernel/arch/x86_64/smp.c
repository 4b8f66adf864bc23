/* SPDX-License-Identifier: MIT */
/*
 * The machine's CPUs: which there are, and starting them.
 *
 *     first CPU                                       the others
 *     smp_find        their numbers
 *     smp_start       stacks, trampoline, INIT, SIPI ──> ap_trampoline, ap_start (ap_start.S)
 *     goes on booting                                 ap_main: control registers, tables, local APIC
 *                                                     sched_cpu_main, cpu_is_ready: counts from now on
 *     smp_await       before the first program
 *
 * The tables on which a CPU comes up are those of the boot code (head.S), with the kernel's upper half and, below, nothing
 * but the trampoline's page, which is not writable. When all are up nothing is mapped there any more.
 *
 * With no table of ACPI or Intel's that says otherwise, and on a processor that says it is alone in its package, there is
 * one CPU: nothing is looked for then.
 */
#include <arch/cpu.h>
#include <arch/impl/kernel_layout.h>
#include <arch/impl/percpu.h>
#include <arch/impl/x86.h>
#include <arch/mmu.h>
#include <arch/smp.h>
#include <arch/timer.h>
#include <moat/acpi.h>
#include <moat/log.h>
#include <moat/panic.h>
#include <moat/string.h>
#include "apic.h"
#include "boot_info.h"
#include "cpu_features.h"
#include "kmap.h"
#include "smp.h"

#define TABLES_END	 0xfec00000u /* device registers from here on: no place for a table */
#define AWAIT_NS	 1000000000ull
#define IST_FRAMES_ORDER 1

_Static_assert(AP_PLACES == CPU_MAX && CPU_LIST_MAX == CPU_MAX, "ap_start.S");

#pragma GCC visibility push(hidden)
extern const u8 ap_trampoline[], ap_trampoline_end[], ap_trampoline_root[], ap_trampoline_entry[];
extern u64 boot_tables[][512];
extern u32 ap_apic_ids[];
extern u64 ap_stacks[];
void ap_start(void);
__noreturn void ap_main(u32 id);
#pragma GCC visibility pop

u32 ap_apic_ids[CPU_MAX]; /* [I after smp_find] by CPU */
u64 ap_stacks
	[CPU_MAX]; /* [I after smp_start] where the stack of each begins, its highest address; 0: not started */

static u32 possible = 1; /* [I after smp_find] */
static u32 started = 1;	 /* [boot] CPUs that were told to start, the first included */
u32 cpus_running = 1;

u32 cpu_possible_count(void)
{
	return possible;
}

u32 smp_apic_id(u32 cpu)
{
	return ap_apic_ids[cpu];
}

u32 smp_others(void)
{
	return ((1u << cpu_count()) - 1) & ~(1u << cpu_id());
}

/* Below 4 GiB the identity map shows everything, whether there is memory or not. */
static const void *identity_at(const struct acpi_memory *m, u64 phys, u64 len)
{
	(void)m;
	return phys && phys < TABLES_END && len <= TABLES_END - phys ? (const void *)phys : NULL;
}

void smp_find(void)
{
	const struct acpi_memory memory = {.at = identity_at};
	struct cpu_list list = {.count = 0};
	u32 r[4];
	int err = 0;

	cpuid(1, 0, r);
	ap_apic_ids[0] = r[1] >> 24;
	if (boot_info.rsdp[0])
		err = acpi_cpus_read(&memory, (u64)boot_info.rsdp - boot_slide, &list);
	else if (r[3] & CPUID_1_EDX_HTT)
		err = mp_cpus_read(&memory, &list);
	if (err)
		log_printf("smp: no table says which CPUs there are (error %d)\n", err);
	for (u32 i = 0; i < list.count && possible < CPU_MAX; i++) {
		if (list.apic_ids[i] != ap_apic_ids[0] && list.apic_ids[i] < 255)
			ap_apic_ids[possible++] = list.apic_ids[i];
	}
}

/* Copies the trampoline to its page and makes the tables that it uses. */
static void make_trampoline(void)
{
	u8 *at = direct_map(paddr(AP_TRAMPOLINE));
	u64 tables = (u64)boot_tables - boot_slide, entry = (u64)ap_start;
	u32 root = (u32)tables;

	memcpy(at, ap_trampoline, (size_t)(ap_trampoline_end - ap_trampoline));
	memcpy(at + (ap_trampoline_root - ap_trampoline), &root, sizeof(root));
	memcpy(at + (ap_trampoline_entry - ap_trampoline), &entry, sizeof(entry));
	memset(boot_tables, 0, 4 * PAGE_SIZE);
	memcpy(&boot_tables[0][256], (u64 *)direct_map(paddr(boot_info.root_table)) + 256, 256 * sizeof(u64));
	for (u64 level = 0; level < 3; level++)
		boot_tables[level][0] = (tables + (level + 1) * PAGE_SIZE) | PTE_P | PTE_A;
	boot_tables[3][AP_TRAMPOLINE >> PAGE_SHIFT] = AP_TRAMPOLINE | PTE_P | PTE_A;
}

static bool is_ram(u64 phys)
{
	for (unsigned i = 0; i < boot_info.ram_count; i++) {
		if (range_contains(boot_info.ram[i], phys))
			return true;
	}
	return false;
}

/* What CPU `id` needs before its first instruction. False: memory is out. */
static bool prepare(u32 id)
{
	struct cpu *c = &cpus[id];

	for (unsigned i = 0; i < IST_STACKS; i++) {
		struct page *frames = frame_alloc(IST_FRAMES_ORDER, 0, FRAME_KERNEL);
		if (!frames)
			return false;
		cpu_set_ist(c, i + 1, page_address(frames));
	}
	c->start_stack = kmap_stack_create();
	if (!c->start_stack)
		return false;
	ap_stacks[id] = c->start_stack + KSTACK_BYTES;
	return true;
}

void smp_start(void)
{
	if (possible == 1)
		return;
	if (!is_ram(AP_TRAMPOLINE)) {
		log_printf("smp: no memory at %#x to start CPUs from\n", AP_TRAMPOLINE);
		return;
	}
	make_trampoline();
	while (started < possible && prepare(started))
		started++;
	/*
	 * Old processors wanted pauses: 10 ms after INIT, then 200 us before a second SIPI. Virtual ones and those of the last
	 * twenty years do without.
	 */
	for (u32 id = 1; id < started; id++)
		apic_send_init(ap_apic_ids[id]);
	for (int times = 0; times < 2; times++) {
		for (u32 id = 1; id < started; id++)
			apic_send_startup(ap_apic_ids[id], AP_TRAMPOLINE >> PAGE_SHIFT);
	}
}

/* Runs on the tables of the trampoline until it leaves them. GS is not there before cpu_tables_init. */
__attribute__((no_stack_protector)) void ap_main(u32 id)
{
	write_cr3(boot_info.root_table);
	cpu_features_enable();
	cpu_tables_init(id);
	apic_start_cpu();
	sched_cpu_main();
}

/* In the order of their numbers, so that those that count are always the first ones. */
void cpu_is_ready(void)
{
	u32 id = cpu_id();

	while (cpu_count() != id)
		cpu_relax();
	__atomic_store_n(&cpus_running, id + 1, __ATOMIC_SEQ_CST);
	/* Kernel mappings that went before somebody would have told this CPU. */
	tlb_flush_all();
}

void smp_await(void)
{
	u64 end = clock_monotonic_ns() + AWAIT_NS;

	if (started == 1)
		return;
	while (cpu_count() < started && clock_monotonic_ns() < end)
		cpu_relax();
	if (cpu_count() < started)
		log_printf("smp: %u of %u CPUs have come\n", cpu_count(), started);
	else
		boot_tables[0][0] = 0;
	log_printf("smp: %u CPUs\n", cpu_count());
}
