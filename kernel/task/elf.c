/* SPDX-License-Identifier: MIT */
/*
 * The ELF reader (System V gABI chapters 4 and 5, x86-64 psABI chapter 5; elf(5)).
 *
 * Nothing in the file is believed: each number is compared before it is added to another, the sums are made
 * by range_make, and every structure is copied out of the buffer first, so that no alignment is assumed.
 *
 * What Linux refuses with an error number is refused here with the same one. What Linux notices only after it
 * has given up the old program (and then kills the caller) is refused here while the caller still lives;
 * docs/exec.md lists these cases.
 */
#include <asm/errno.h>
#include <elf.h>
#include <linux/limits.h>

#include <moat/aspace.h>
#include <moat/string.h>

#include "elf.h"

_Static_assert(sizeof(Elf64_Ehdr) == ELF_HEADER_BYTES, "the header has the size that the gABI gives");
_Static_assert(sizeof(Elf64_Phdr) == ELF_PHDR_BYTES, "a program header has the size that the gABI gives");

#define INTERP_BYTES_MIN 2 /* one character and its NUL */

static Elf64_Phdr phdr_at(const void *phdrs, u32 index)
{
	Elf64_Phdr p;

	memcpy(&p, (const u8 *)phdrs + (size_t)index * sizeof(p), sizeof(p));
	return p;
}

int elf_read_header(const void *bytes, size_t len, struct elf_header *out)
{
	Elf64_Ehdr e = {};

	memcpy(&e, bytes, MIN(len, sizeof(e)));
	if (memcmp(e.e_ident, ELFMAG, SELFMAG) != 0 || e.e_ident[EI_CLASS] != ELFCLASS64)
		return -ENOEXEC;
	if ((e.e_type != ET_EXEC && e.e_type != ET_DYN) || e.e_machine != EM_X86_64)
		return -ENOEXEC;
	if (e.e_phentsize != sizeof(Elf64_Phdr) || e.e_phnum == 0 ||
	    e.e_phnum > ELF_PHDRS_BYTES_MAX / sizeof(Elf64_Phdr))
		return -ENOEXEC;
	*out = (struct elf_header){
		.type = e.e_type,
		.entry = e.e_entry,
		.phdr_offset = e.e_phoff,
		.phdr_count = e.e_phnum,
		.phdr_bytes = e.e_phnum * (u32)sizeof(Elf64_Phdr),
	};
	return 0;
}

int elf_find_interp(const struct elf_header *h, const void *phdrs, u64 file_size_bytes,
		    struct elf_interp *out)
{
	*out = (struct elf_interp){};
	for (u32 i = 0; i < h->phdr_count; i++) {
		Elf64_Phdr p = phdr_at(phdrs, i);
		struct range name;

		if (p.p_type != PT_INTERP)
			continue;
		if (p.p_filesz < INTERP_BYTES_MIN || p.p_filesz > PATH_MAX)
			return -ENOEXEC;
		if (p.p_offset > INT64_MAX || !range_make(p.p_offset, p.p_filesz, &name))
			return -EINVAL;
		if (name.end > file_size_bytes)
			return -EIO;
		out->offset = p.p_offset;
		out->bytes = (u32)p.p_filesz;
		return 0; /* only the first one counts */
	}
	return 0;
}

static u32 segment_prot(u32 p_flags)
{
	u32 prot = 0;

	if (p_flags & PF_R)
		prot |= ELF_READ;
	if (p_flags & PF_W)
		prot |= ELF_WRITE;
	if (p_flags & PF_X)
		prot |= ELF_EXEC;
	return prot;
}

/* One PT_LOAD into *s; errors as elf_read_segments. */
static int read_segment(const Elf64_Phdr *p, u64 file_size_bytes, struct elf_segment *s)
{
	struct range file;

	if (p->p_vaddr >= USER_TOP || p->p_filesz > p->p_memsz || p->p_memsz > USER_TOP - p->p_vaddr)
		return -EINVAL;
	if (p->p_filesz > 0) {
		if ((p->p_vaddr ^ p->p_offset) & (PAGE_SIZE - 1))
			return -EINVAL;
		if (!range_make(p->p_offset, p->p_filesz, &file))
			return -EINVAL;
		if (file.end > file_size_bytes)
			return -ENOEXEC;
	}
	*s = (struct elf_segment){
		.mem = {p->p_vaddr, p->p_vaddr + p->p_memsz},
		.file_offset = p->p_filesz > 0 ? p->p_offset : 0,
		.file_bytes = p->p_filesz,
		.prot = segment_prot(p->p_flags),
	};
	return 0;
}

/* Where `h`'s program headers are in memory when this segment shows their place in the file. */
static void note_phdrs(const struct elf_header *h, const struct elf_segment *s, struct elf_image *out)
{
	struct range file = {s->file_offset, s->file_offset + s->file_bytes};

	if (out->phdr_addr == 0 && range_contains(file, h->phdr_offset))
		out->phdr_addr = s->mem.start + (h->phdr_offset - s->file_offset);
}

static void grow_bounds(const Elf64_Phdr *p, const struct elf_segment *s, struct elf_image *out)
{
	out->pages.start = MIN(out->pages.start, ALIGN_DOWN(s->mem.start, PAGE_SIZE));
	out->pages.end = MAX(out->pages.end, ALIGN_UP(s->mem.end, PAGE_SIZE));
	out->brk = MAX(out->brk, s->mem.end);
	if (p->p_align > out->align && (p->p_align & (p->p_align - 1)) == 0)
		out->align = p->p_align;
}

int elf_read_segments(const struct elf_header *h, const void *phdrs, u64 file_size_bytes,
		      struct elf_segment *segments, struct elf_image *out)
{
	*out = (struct elf_image){
		.type = h->type,
		.entry = h->entry,
		.phdr_count = h->phdr_count,
		.pages = {UINT64_MAX, 0},
		.align = PAGE_SIZE,
	};
	for (u32 i = 0; i < h->phdr_count; i++) {
		Elf64_Phdr p = phdr_at(phdrs, i);
		struct elf_segment *s = &segments[out->segment_count];
		int err;

		if (p.p_type == PT_GNU_STACK)
			out->stack_exec = (p.p_flags & PF_X) != 0;
		if (p.p_type != PT_LOAD)
			continue;
		err = read_segment(&p, file_size_bytes, s);
		if (err)
			return err;
		if (range_empty(s->mem))
			continue;
		note_phdrs(h, s, out);
		grow_bounds(&p, s, out);
		out->segment_count++;
	}
	if (out->segment_count == 0)
		return -ENOEXEC;
	if (h->entry >= USER_TOP || (h->type == ET_EXEC && out->pages.start < USER_MIN))
		return -EINVAL;
	return 0;
}
