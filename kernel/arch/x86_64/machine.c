/* SPDX-License-Identifier: MIT */
/*
 * The machine's part of the boot order (arch/machine.h): from the boot code's jump to the first line of boot_main, and
 * what boot_main asks for after that.
 */
#include <arch/cpu.h>
#include <arch/impl/kernel_layout.h>
#include <arch/impl/percpu.h>
#include <arch/impl/x86.h>
#include <arch/machine.h>
#include <arch/mmu.h>
#include <moat/frame.h>
#include <moat/kasan.h>
#include <moat/log.h>
#include <moat/panic.h>
#include "apic.h"
#include "boot_info.h"
#include "clock.h"
#include "cpu_features.h"
#include "smp.h"
#include "topology.h"

#define LOW_RESERVED 0x10000u /* kept for the code that starts other CPUs */

extern u64 __stack_chk_guard;
u64 __stack_chk_guard = 0x00ff0a0d00ff0a0dull;

static u64 boot_frames; /* image, tables, metadata: kept for ever */

/* Runs on the boot stack at the image's final address; never returns, so the canary may change under it. */
__attribute__((no_stack_protector)) void kernel_main(void)
{
	u64 random;

	cpu_features_detect();
	cpu_features_enable();
	cpu_tables_init(0);
	if (boot_info.random && cpu_random(&random))
		__stack_chk_guard ^= random << 8;
	boot_main();
}

__noreturn void __stack_chk_fail(void);
void __stack_chk_fail(void)
{
	panic("kernel stack smashed in the caller");
}

const char *machine_cmdline(void)
{
	return boot_info.cmdline;
}

const void *machine_archive(size_t *len)
{
	*len = range_len(boot_info.archive);
	return *len ? direct_map(paddr(boot_info.archive.start)) : NULL;
}

/* The whole frames that hold the archive; empty when there is none. */
static struct range archive_frames(void)
{
	struct range a = boot_info.archive;

	return range_empty(a) ? (struct range){0, 0}
			      : (struct range){ALIGN_DOWN(a.start, PAGE_SIZE), ALIGN_UP(a.end, PAGE_SIZE)};
}

/* Gives the allocator each part of r that neither the boot code nor the archive holds. */
static void add_free_parts(struct range r)
{
	struct range used[3] = {
		{0, LOW_RESERVED},
		{boot_info.image.start, boot_info.early_next},
		archive_frames(),
	};

	while (!range_empty(r)) {
		struct range part = r;
		u64 next = r.end;
		for (unsigned i = 0; i < ARRAY_SIZE(used); i++) {
			if (range_empty(used[i]) || !range_overlap(used[i], part))
				continue;
			if (used[i].start <= part.start) {
				part = (struct range){0, 0};
				next = used[i].end;
				break;
			}
			part.end = used[i].start;
			next = part.end;
		}
		if (!range_empty(part))
			frames_add_span(part);
		r.start = next;
	}
}

/* The debug kernel's shadow of RAM (kasan.c); checking begins. */
static void start_checks(void)
{
	struct boot_info *b = &boot_info;
	u64 shadow = boot_alloc_frames(b, ALIGN_UP(kasan_shadow_bytes(b->max_phys), PAGE_SIZE) >> PAGE_SHIFT);
	struct kasan_places places = {
		.shadow = direct_map(paddr(shadow)),
		.phys_bytes = b->max_phys,
		.image = {b->image_base, b->image_base + range_len(b->image)},
		.image_phys = b->image.start,
	};

	/* Too little memory is said below, in words. */
	if (b->early_next <= b->max_phys)
		kasan_init(&places);
}

void machine_memory_init(void)
{
	u64 max_pfn = boot_info.max_phys >> PAGE_SHIFT;
	u64 metadata = boot_alloc_frames(&boot_info,
					 ALIGN_UP(max_pfn * sizeof(struct page), PAGE_SIZE) >> PAGE_SHIFT);
	u64 ram = 0;

	smp_find(); /* through the identity map, as the next */
	topology_find();
	/* The identity map was the boot code's: nothing of the kernel is there any more. */
	*(u64 *)direct_map(paddr(boot_info.root_table)) = 0;
	write_cr3(boot_info.root_table);
	if (KASAN)
		start_checks();

	/* The archive counts as kept until it is released; where it lies between the others it is counted once. */
	boot_frames = (boot_info.early_next - boot_info.image.start) >> PAGE_SHIFT;
	if (!range_overlap((struct range){boot_info.image.start, boot_info.early_next}, archive_frames()))
		boot_frames += range_len(archive_frames()) >> PAGE_SHIFT;
	for (unsigned i = 0; i < boot_info.ram_count; i++)
		ram += range_len(boot_info.ram[i]);
	if (boot_info.early_next > boot_info.max_phys)
		panic("%llu KiB of memory are too little to start", (unsigned long long)(ram >> 10));
	topology_log();
	frames_init(direct_map(paddr(metadata)), max_pfn, boot_frames);
	for (unsigned i = 0; i < boot_info.ram_count; i++)
		add_free_parts(boot_info.ram[i]);
	log_printf("memory: %llu KiB of RAM in %u ranges, boot keeps %llu KiB\n",
		   (unsigned long long)(ram >> 10), boot_info.ram_count,
		   (unsigned long long)(boot_frames * PAGE_SIZE >> 10));
}

void machine_release_archive(void)
{
	if (!range_empty(archive_frames()))
		frames_release_boot(archive_frames());
	boot_info.archive = (struct range){0, 0};
}

void machine_interrupts_init(void)
{
	clock_init();
	irq_enable();
	smp_start();
}

void machine_await_cpus(void)
{
	smp_await();
}

void machine_early_init(void)
{
	apic_init();
	clock_start_calibration();
}

void machine_log_facts(void)
{
	cpu_features_log();
}

u64 machine_hwcap(void)
{
	return cpu_features.hwcap;
}

#define HWCAP2_FSGSBASE (1u << 1) /* <asm/hwcap2.h> */

u64 machine_hwcap2(void)
{
	return cpu_features.fsgsbase ? HWCAP2_FSGSBASE : 0;
}
