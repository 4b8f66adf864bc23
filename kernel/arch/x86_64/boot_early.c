/* SPDX-License-Identifier: MIT */
/*
 * From "loaded somewhere" to "running at its final address": reads the boot information, chooses where the image and
 * the direct map go, builds the kernel's page tables, relocates the image.
 *
 * Runs at physical addresses on the boot identity map, so it may use nothing that holds an absolute address
 * (tables of pointers, string tables), no stack protector and no sanitizer; the makefile builds it so.
 *
 * The tables made here are the kernel half for ever:
 *
 *   slots 256..383  direct map of RAM, from a random multiple of 1 GiB on; data, never executable;
 *                   the image's code and constants are read-only in it as well
 *   slot  480       kernel mappings made later: stacks, device registers (kmap.c)
 *   slot  511       the image, at a random page
 */
#include <elf.h>
#include <arch/impl/kernel_layout.h>
#include <arch/impl/x86.h>
#include <moat/parse.h>
#include <moat/string.h>
#pragma GCC visibility push(hidden)
#include <arch/impl/mmu.h>
#pragma GCC visibility pop
#include "boot_info.h"

struct boot_info boot_info;
u64 boot_slide;
u64 direct_map_base;

#pragma GCC visibility push(hidden)
extern const Elf64_Rela rela_start[], rela_end[];

struct smap_site {
	s32 offset; /* of the instruction, from this entry */
	u32 open;
};
extern const struct smap_site smap_sites_start[], smap_sites_end[];
#pragma GCC visibility pop

static bool has_cpuid_bit(u32 leaf, unsigned reg, unsigned bit)
{
	u32 max[4], r[4];

	cpuid(leaf & 0x80000000u, 0, max);
	if (max[0] < leaf)
		return false;
	cpuid(leaf, 0, r);
	return r[reg] >> bit & 1;
}

/* A random number below n from RDRAND, or from the cycle counter on a CPU without it. */
static u64 early_random_below(u64 n)
{
	u64 v = rdtsc() * 0x9e3779b97f4a7c15ull;
	unsigned char ok = 0;

	if (has_cpuid_bit(1, 2, 30)) {
		for (int i = 0; i < 10 && !ok; i++)
			asm volatile("rdrand %0; setc %1" : "=r"(v), "=qm"(ok));
	}
	return (v >> 11) % n;
}

u64 boot_alloc_frames(struct boot_info *b, u64 frames)
{
	u64 at = b->early_next;
	struct range r = {at, at + frames * PAGE_SIZE};

	if (range_overlap(r, b->archive)) {
		r.start = ALIGN_UP(b->archive.end, PAGE_SIZE);
		r.end = r.start + frames * PAGE_SIZE;
	}
	b->early_next = r.end;
	return r.start;
}

static u64 new_table(void)
{
	u64 pa = boot_alloc_frames(&boot_info, 1);

	memset((void *)pa, 0, PAGE_SIZE);
	return pa;
}

/* The entry for va at `level` (0 = 4 KiB leaf, 1 = 2 MiB, 2 = 1 GiB), tables above it made as needed. */
static u64 *entry_at(u64 root, u64 va, unsigned level)
{
	u64 *table = (u64 *)root;

	for (unsigned l = 3;; l--) {
		u64 *e = &table[va >> (12 + 9 * l) & 511];
		if (l == level)
			return e;
		if (!(*e & PTE_P))
			*e = new_table() | PTE_P | PTE_W;
		table = (u64 *)(*e & PTE_ADDR);
	}
}

/* A large leaf: level 1 or 2. */
static void map_leaf(u64 root, u64 va, u64 pa, unsigned level, u64 flags)
{
	*entry_at(root, va, level) = pa | flags | PTE_P | PTE_G | PTE_A | PTE_D | PTE_PS;
}

/* 4 KiB leaves from va on for the frames of r. The table is looked up where a new one begins. */
static void map_pages(u64 root, u64 va, struct range r, u64 flags)
{
	u64 *e = NULL;

	flags |= PTE_P | PTE_G | PTE_A | PTE_D;
	for (u64 pa = r.start; pa < r.end; pa += PAGE_SIZE, va += PAGE_SIZE) {
		if (!e || IS_ALIGNED(va, MIB(2)))
			e = entry_at(root, va, 0);
		*e++ = pa | flags;
	}
}

static void map_image(u64 root, struct boot_info *b)
{
	u64 start = b->image.start, move = b->image_base - start;
	u64 text = start + ((u64)text_end - (u64)image_start),
	    rodata = start + ((u64)rodata_end - (u64)image_start);

	map_pages(root, start + move, (struct range){start, text}, 0);
	map_pages(root, text + move, (struct range){text, rodata}, PTE_NX);
	map_pages(root, rodata + move, (struct range){rodata, b->image.end}, PTE_NX | PTE_W);
}

/* Part of the direct map in small leaves; what lies in `fixed` is read-only. */
static void map_small(u64 root, struct range r, struct range fixed)
{
	struct range part[] = {{r.start, MAX(r.start, MIN(r.end, fixed.start))},
			       {MAX(r.start, fixed.start), MIN(r.end, fixed.end)},
			       {MIN(r.end, MAX(r.start, fixed.end)), r.end}};

	for (unsigned i = 0; i < ARRAY_SIZE(part); i++)
		map_pages(root, direct_map_base + part[i].start, part[i], PTE_NX | (i == 1 ? 0 : PTE_W));
}

/* Maps one range of RAM with the largest leaves that fit; the image's read-only part stays read-only. */
static void map_ram(u64 root, struct boot_info *b, struct range r, bool gib_leaves)
{
	struct range fixed = {b->image.start, b->image.start + ((u64)rodata_end - (u64)image_start)};
	struct range leaf;

	for (u64 pa = r.start; pa < r.end; pa = leaf.end) {
		unsigned level = gib_leaves ? 2 : 1;
		for (; level > 0; level--) {
			leaf = (struct range){pa, pa + (1ull << (12 + 9 * level))};
			if (IS_ALIGNED(pa, range_len(leaf)) && leaf.end <= r.end &&
			    !range_overlap(leaf, fixed))
				break;
		}
		if (level) {
			map_leaf(root, direct_map_base + pa, pa, level, PTE_NX | PTE_W);
		} else {
			leaf = (struct range){pa, MIN(r.end, ALIGN_DOWN(pa, MIB(2)) + MIB(2))};
			map_small(root, leaf, fixed);
		}
	}
}

static void relocate(struct boot_info *b)
{
	for (const Elf64_Rela *r = rela_start; r < rela_end; r++) {
		if (ELF64_R_TYPE(r->r_info) == R_X86_64_RELATIVE) {
			u64 *where = (u64 *)(r->r_offset - KERNEL_LINK_BASE + b->image.start);
			*where = (u64)r->r_addend - KERNEL_LINK_BASE + b->image_base;
		}
	}
}

/* Turns the placeholders around user copies into STAC and CLAC where the CPU has SMAP. */
static void patch_smap(void)
{
	for (const struct smap_site *s = smap_sites_start; s < smap_sites_end; s++) {
		u8 *insn = (u8 *)((u64)s + s->offset);
		insn[0] = 0x0f;
		insn[1] = 0x01;
		insn[2] = s->open ? 0xcb : 0xca;
	}
}

static void choose_places(struct boot_info *b)
{
	char word[8];

	b->random = !cmdline_get(b->cmdline, "nokaslr", word, sizeof(word));
	b->image_base = KERNEL_LINK_BASE;
	direct_map_base = DIRECT_MAP_MIN;
	if (!b->random)
		return;
	b->image_base += early_random_below(KERNEL_IMAGE_SLOTS) * PAGE_SIZE;
	direct_map_base +=
		early_random_below((DIRECT_MAP_MAX - DIRECT_MAP_MIN - ALIGN_UP(b->max_phys, GIB(1))) >> 30)
		<< 30;
}

struct boot_jump boot_early(u32 info, u32 magic)
{
	struct boot_info *b = &boot_info;
	bool gib_leaves = has_cpuid_bit(0x80000001, 3, 26);
	u64 root;

	b->entry_tsc = rdtsc();
	if (magic == MULTIBOOT2_BOOT_MAGIC)
		boot_parse_multiboot2(info, b);
	else
		boot_parse_pvh(info, b);
	b->image = (struct range){(u64)image_start, (u64)image_end};
	b->early_next = b->image.end;
	b->max_phys = b->ram_count ? b->ram[b->ram_count - 1].end : 0;
	b->has_smap = has_cpuid_bit(7, 1, 20);
	choose_places(b);

	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_NXE);
	root = new_table();
	b->root_table = root;
	map_image(root, b);
	for (unsigned i = 0; i < b->ram_count; i++)
		map_ram(root, b, b->ram[i], gib_leaves);
	(void)entry_at(root, KMAP_BASE, 2); /* so that its top-level entry exists for ever */
	*(u64 *)root = *(u64 *)read_cr3();  /* the identity map, until kernel_main drops it */

	relocate(b);
	if (b->has_smap)
		patch_smap();
	boot_slide = b->image_base - b->image.start;
	return (struct boot_jump){(u64)kernel_main + boot_slide, root};
}
