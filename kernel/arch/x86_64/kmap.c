/* SPDX-License-Identifier: MIT */
/*
 * Kernel mappings made after boot live below one top-level entry (KMAP_BASE), which every address space shares since
 * before any was made. A new kernel stack is therefore visible in all of them by construction.
 *
 *     KMAP_STACKS   slots of 32 KiB: [ 16 KiB guard, never mapped | 16 KiB stack ]
 *     KMAP_MMIO     device registers, uncached, never unmapped
 *
 * Stacks that are given back stay mapped, for the next threads: mapping one costs more than making a process else, and taking
 * one away needs every CPU. When there are too many, half of them go at once, with one flush.
 *
 * Lock: kmap_lock (RANK_PMAP) for the tables and the slot bitmap.
 */
#include <arch/switch.h>
#include <arch/impl/kernel_layout.h>
#include <arch/impl/x86.h>
#include <arch/irq.h>
#include <arch/mmu.h>
#include <moat/frame.h>
#include <moat/panic.h>
#include "boot_info.h"
#include "kmap.h"
#include "smp.h"

#define STACKS_MAX   65536u
#define SPARE_STACKS 32	  /* kept at most; fewer where memory is small: */
#define SPARE_LEAST  4	  /* as many as a pipeline of processes that come and go needs */
#define SPARE_SHARE  1024 /* frames of the machine for each stack that is kept */
#define STACK_PAGES  (KSTACK_BYTES / PAGE_SIZE)

static struct spinlock kmap_lock = SPINLOCK_INIT(RANK_PMAP);
static u64 stack_bitmap[STACKS_MAX / 64]; /* [kmap_lock] */
static u64 stack_hint;			  /* [kmap_lock] word to look at first */
static u64 spare[SPARE_STACKS];		  /* [kmap_lock] stacks that nobody has, still mapped */
static unsigned spare_count;		  /* [kmap_lock] */
static u64 mmio_next = KMAP_MMIO;	  /* boot only */

/* The 4 KiB entry for a kernel address; tables are made as needed and kept. NULL: out of memory. Lock held. */
static u64 *kernel_entry(u64 va)
{
	u64 *table = direct_map(paddr(boot_info.root_table));

	for (unsigned level = 3; level > 0; level--) {
		u64 *e = &table[va >> (12 + 9 * level) & 511];
		if (!(*e & PTE_P)) {
			struct page *p = frame_alloc(0, FRAME_ZERO, FRAME_KERNEL);
			if (!p)
				return NULL;
			ASSERT(level != 3); /* the top level is fixed at boot */
			*e = pfn_to_paddr(page_to_pfn(p)).raw | PTE_P | PTE_W;
		}
		table = direct_map(paddr(*e & PTE_ADDR));
	}
	return &table[va >> 12 & 511];
}

static u64 take_slot(void)
{
	for (u64 i = 0; i < ARRAY_SIZE(stack_bitmap); i++) {
		u64 w = (stack_hint + i) % ARRAY_SIZE(stack_bitmap);
		if (~stack_bitmap[w]) {
			unsigned bit = (unsigned)__builtin_ctzll(~stack_bitmap[w]);
			stack_bitmap[w] |= 1ull << bit;
			stack_hint = w;
			return w * 64 + bit;
		}
	}
	return STACKS_MAX;
}

static void give_slot(u64 slot)
{
	stack_bitmap[slot / 64] &= ~(1ull << (slot % 64));
}

/* Enters the stack's frames; on failure nothing stays entered. Lock held. */
static bool enter_stack(u64 base, struct page *frames)
{
	u64 *e[STACK_PAGES];

	for (u64 i = 0; i < STACK_PAGES; i++) {
		e[i] = kernel_entry(base + i * PAGE_SIZE);
		if (!e[i])
			return false;
	}
	for (u64 i = 0; i < STACK_PAGES; i++)
		*e[i] = (pfn_to_paddr(page_to_pfn(frames)).raw + i * PAGE_SIZE) | PTE_P | PTE_W | PTE_NX |
			PTE_G | PTE_A | PTE_D;
	return true;
}

static unsigned spare_max(void)
{
	return (unsigned)MIN(MAX(frames_total() / SPARE_SHARE, (u64)SPARE_LEAST), (u64)SPARE_STACKS);
}

static u64 take_spare(void)
{
	u64 irq = spin_lock_irqsave(&kmap_lock);
	u64 base = spare_count ? spare[--spare_count] : 0;

	spin_unlock_irqrestore(&kmap_lock, irq);
	return base;
}

u64 kmap_stack_create(void)
{
	u64 slot, base = take_spare(), irq;
	struct page *frames;
	bool ok = false;

	if (base)
		return base;
	frames = frame_alloc(2, 0, FRAME_KERNEL);
	if (!frames)
		return 0;
	irq = spin_lock_irqsave(&kmap_lock);
	slot = take_slot();
	base = KMAP_STACKS + slot * KSTACK_SLOT + (KSTACK_SLOT - KSTACK_BYTES);
	if (slot < STACKS_MAX) {
		ok = enter_stack(base, frames);
		if (!ok)
			give_slot(slot);
	}
	spin_unlock_irqrestore(&kmap_lock, irq);
	if (!ok) {
		frame_put(frames);
		return 0;
	}
	return base;
}

/* Takes a stack out of the tables; its frames. Lock held. */
static struct page *remove_stack(u64 base)
{
	struct page *frames = pfn_to_page(paddr_to_pfn(paddr(*kernel_entry(base) & PTE_ADDR)));

	for (u64 i = 0; i < STACK_PAGES; i++)
		*kernel_entry(base + i * PAGE_SIZE) = 0;
	return frames;
}

void kmap_stack_destroy(u64 base)
{
	u64 gone[SPARE_STACKS / 2 + 1], irq = spin_lock_irqsave(&kmap_lock);
	struct page *frames[ARRAY_SIZE(gone)];
	unsigned count = 0, max = spare_max();

	if (spare_count < max) {
		spare[spare_count++] = base;
		spin_unlock_irqrestore(&kmap_lock, irq);
		return;
	}
	while (count < max / 2)
		gone[count++] = spare[--spare_count];
	gone[count++] = base;
	for (unsigned i = 0; i < count; i++)
		frames[i] = remove_stack(gone[i]);
	spin_unlock_irqrestore(&kmap_lock, irq);
	/* Neither the addresses nor the frames may be used again before each CPU has forgotten the stacks. */
	tlb_flush_kernel();
	irq = spin_lock_irqsave(&kmap_lock);
	for (unsigned i = 0; i < count; i++)
		give_slot((gone[i] - KMAP_STACKS) / KSTACK_SLOT);
	spin_unlock_irqrestore(&kmap_lock, irq);
	for (unsigned i = 0; i < count; i++)
		frame_put(frames[i]);
}

u64 arch_spare_stack_frames(void)
{
	u64 irq = spin_lock_irqsave(&kmap_lock), frames = spare_count * STACK_PAGES;

	spin_unlock_irqrestore(&kmap_lock, irq);
	return frames;
}

volatile void *mmio_map(paddr_t pa, size_t bytes)
{
	u64 offset = pa.raw & (PAGE_SIZE - 1), len = ALIGN_UP(offset + bytes, PAGE_SIZE), va = mmio_next;
	volatile void *result = NULL;
	u64 irq;

	if (mmio_next + len > KMAP_MMIO_END)
		return NULL;
	irq = spin_lock_irqsave(&kmap_lock);
	for (u64 i = 0; i < len; i += PAGE_SIZE) {
		u64 *e = kernel_entry(va + i);
		if (!e)
			goto out;
		*e = (pa.raw - offset + i) | PTE_P | PTE_W | PTE_NX | PTE_G | PTE_PCD | PTE_PWT | PTE_A |
		     PTE_D;
	}
	mmio_next += len;
	result = (volatile void *)(va + offset);
out:
	spin_unlock_irqrestore(&kmap_lock, irq);
	return result;
}
