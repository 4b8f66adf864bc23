/* SPDX-License-Identifier: MIT */
/* What the boot code learned, in a form that does not depend on the boot protocol. */
#ifndef X86_BOOT_INFO_H
#define X86_BOOT_INFO_H

#include <moat/types.h>

#define BOOT_RANGES_MAX	 32
#define BOOT_CMDLINE_MAX 2048
#define BOOT_RSDP_BYTES	 36 /* of revision 2, the longest */

struct boot_info {
	u64 entry_tsc;
	struct range ram[BOOT_RANGES_MAX]; /* usable RAM, physical, whole frames, ascending */
	unsigned ram_count;
	struct range archive; /* physical; empty when there is none */
	char cmdline[BOOT_CMDLINE_MAX];
	struct range image;	  /* physical, whole frames */
	u64 image_base;		  /* virtual */
	u64 early_next;		  /* physical: boot memory [image.end, early_next) is in use */
	u64 max_phys;		  /* end of the highest RAM range */
	u64 root_table;		  /* physical address of the kernel's PML4 */
	u8 rsdp[BOOT_RSDP_BYTES]; /* copy of ACPI's root pointer; zeros when the loader gave none */
	bool has_smap;
	bool random; /* addresses were randomised */
};

/* Hidden: reached relative to the instruction pointer, never through a table that holds addresses. */
#pragma GCC visibility push(hidden)

extern struct boot_info boot_info;
extern u64 boot_slide; /* virtual minus physical address of the image */

extern char image_start[], text_end[], rodata_end[], image_end[];

/* Each fills cmdline, ram and archive; they run on the identity map. */
void boot_parse_pvh(u32 info, struct boot_info *b);
void boot_parse_multiboot2(u32 info, struct boot_info *b);
void boot_add_ram(struct boot_info *b, u64 start, u64 len);

/* Where kernel_main is and what its page tables are. */
struct boot_jump {
	u64 entry;
	u64 root;
};
struct boot_jump boot_early(u32 info, u32 magic);
__noreturn void kernel_main(void);

/* The early allocator: zeroed frames right after the image, identity-mapped until kernel_main. */
u64 boot_alloc_frames(struct boot_info *b, u64 frames);

#pragma GCC visibility pop

#endif
