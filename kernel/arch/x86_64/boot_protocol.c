/* SPDX-License-Identifier: MIT */
/*
 * The two boot protocols: PVH (Xen's hvm_start_info, as QEMU, Firecracker and Cloud Hypervisor pass it) and multiboot2
 * (GRUB). Both are read once, copied into boot_info, and never looked at again.
 *
 * Runs on the identity map before relocation: no absolute pointer may be used here.
 */
#include <moat/string.h>
#include "boot_info.h"

struct pvh_start_info {
	u32 magic, version, flags, module_count;
	u64 modules, cmdline, rsdp, memmap;
	u32 memmap_count, reserved;
};

struct pvh_module {
	u64 start, size, cmdline, reserved;
};

struct pvh_memmap {
	u64 start, size;
	u32 type, reserved;
};

#define MEMORY_RAM 1 /* the same number in both protocols: E820 */

static void copy_cmdline(struct boot_info *b, const char *text)
{
	size_t i = 0;

	while (i + 1 < BOOT_CMDLINE_MAX && text[i]) {
		b->cmdline[i] = text[i];
		i++;
	}
	b->cmdline[i] = 0;
}

static const void *at(u64 phys)
{
	return (const void *)phys;
}

/* Adds whole frames of [start, start + len), keeping the list ascending; what does not fit in it is ignored. */
void boot_add_ram(struct boot_info *b, u64 start, u64 len)
{
	struct range r;
	unsigned i;

	if (b->ram_count == BOOT_RANGES_MAX || !range_make(start, len, &r))
		return;
	r.start = ALIGN_UP(r.start, PAGE_SIZE);
	r.end = ALIGN_DOWN(r.end, PAGE_SIZE);
	if (range_empty(r))
		return;
	for (i = b->ram_count++; i > 0 && b->ram[i - 1].start > r.start; i--)
		b->ram[i] = b->ram[i - 1];
	b->ram[i] = r;
}

/* Only what the identity map reaches can be read; that it is a root pointer is checked by who reads the copy. */
static void copy_rsdp(struct boot_info *b, u64 phys, u64 len)
{
	if (phys && phys < GIB(4) - BOOT_RSDP_BYTES)
		memcpy(b->rsdp, at(phys), MIN(len, (u64)BOOT_RSDP_BYTES));
}

void boot_parse_pvh(u32 info, struct boot_info *b)
{
	const struct pvh_start_info *si = at(info);
	const struct pvh_memmap *map = at(si->memmap);

	if (si->cmdline)
		copy_cmdline(b, at(si->cmdline));
	for (u32 i = 0; i < si->memmap_count; i++) {
		if (map[i].type == MEMORY_RAM)
			boot_add_ram(b, map[i].start, map[i].size);
	}
	copy_rsdp(b, si->rsdp, BOOT_RSDP_BYTES);
	if (si->module_count) {
		const struct pvh_module *m = at(si->modules);
		(void)range_make(m->start, m->size, &b->archive);
	}
}

struct mb2_tag {
	u32 type, size;
};

struct mb2_module {
	u32 type, size, start, end;
};

struct mb2_mmap {
	u32 type, size, entry_size, entry_version;
};

struct mb2_mmap_entry {
	u64 start, len;
	u32 type, reserved;
};

enum { MB2_END = 0, MB2_CMDLINE = 1, MB2_MODULE = 3, MB2_MMAP = 6, MB2_RSDP_1 = 14, MB2_RSDP_2 = 15 };

static void parse_mb2_mmap(const struct mb2_mmap *m, struct boot_info *b)
{
	const char *end = (const char *)m + m->size;

	for (const char *p = (const char *)(m + 1); p + sizeof(struct mb2_mmap_entry) <= end;
	     p += m->entry_size) {
		const struct mb2_mmap_entry *e = (const struct mb2_mmap_entry *)p;
		if (e->type == MEMORY_RAM)
			boot_add_ram(b, e->start, e->len);
	}
}

void boot_parse_multiboot2(u32 info, struct boot_info *b)
{
	const u32 *header = at(info);
	const char *p = (const char *)header + 8;
	const char *end = (const char *)header + header[0];

	while (p + sizeof(struct mb2_tag) <= end) {
		const struct mb2_tag *tag = (const struct mb2_tag *)p;
		if (tag->type == MB2_END)
			return;
		if (tag->type == MB2_CMDLINE) {
			copy_cmdline(b, p + sizeof(*tag));
		} else if (tag->type == MB2_MODULE) {
			const struct mb2_module *m = (const struct mb2_module *)tag;
			b->archive = (struct range){m->start, m->end};
		} else if (tag->type == MB2_MMAP) {
			parse_mb2_mmap((const struct mb2_mmap *)tag, b);
		} else if ((tag->type == MB2_RSDP_1 || tag->type == MB2_RSDP_2) && tag->size > sizeof(*tag)) {
			copy_rsdp(b, (u64)(tag + 1), tag->size - sizeof(*tag));
		}
		p += ALIGN_UP(tag->size, 8);
	}
}
