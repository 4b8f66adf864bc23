/* SPDX-License-Identifier: MIT */
/* Reading an ELF file as the loader does, and what must hold for every file that is let through. */
#ifndef ELF_INVARIANTS_H
#define ELF_INVARIANTS_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <moat/aspace.h>
#include <task/elf.h>

struct elf_read {
	struct elf_header header;
	struct elf_interp interp;
	struct elf_image image;
	struct elf_segment *segments; /* to be freed when the result is 0 */
};

/* A copy of exactly len bytes, so that the sanitizer sees a read past them. */
static inline void *exact_copy(const u8 *bytes, size_t len)
{
	void *copy = malloc(len ? len : 1);

	if (len)
		memcpy(copy, bytes, len);
	return copy;
}

/* 0 or the error that exec would report. */
static inline int elf_read_bytes(const u8 *file, size_t size, struct elf_read *out)
{
	size_t head_len = size < ELF_HEADER_BYTES ? size : ELF_HEADER_BYTES;
	void *head = exact_copy(file, head_len), *phdrs;
	int err = elf_read_header(head, head_len, &out->header);

	free(head);
	if (err)
		return err;
	if (out->header.phdr_offset > size || out->header.phdr_bytes > size - out->header.phdr_offset)
		return -ENOEXEC;
	phdrs = exact_copy(file + out->header.phdr_offset, out->header.phdr_bytes);
	out->segments = calloc(out->header.phdr_count, sizeof(struct elf_segment));
	err = elf_find_interp(&out->header, phdrs, size, &out->interp);
	if (!err)
		err = elf_read_segments(&out->header, phdrs, size, out->segments, &out->image);
	free(phdrs);
	if (err)
		free(out->segments);
	return err;
}

static inline bool segment_holds(const struct elf_segment *s, const struct elf_image *image, size_t size)
{
	u64 span = range_len(s->mem);

	if (s->mem.start >= s->mem.end || s->mem.end > USER_TOP || s->file_bytes > span)
		return false;
	if (!range_inside(s->mem, image->pages) || s->mem.end > image->brk)
		return false;
	if (s->prot & ~(u32)(ELF_READ | ELF_WRITE | ELF_EXEC))
		return false;
	if (s->file_bytes == 0)
		return true;
	return s->file_offset <= size && s->file_bytes <= size - s->file_offset &&
	       ((s->file_offset ^ s->mem.start) & (PAGE_SIZE - 1)) == 0;
}

/* What elf.h promises of a file of `size` bytes that was not refused. */
static inline bool elf_read_holds(const struct elf_read *r, size_t size)
{
	const struct elf_image *image = &r->image;

	if (image->segment_count == 0 || image->segment_count > r->header.phdr_count)
		return false;
	if (r->header.phdr_bytes > ELF_PHDRS_BYTES_MAX || image->entry >= USER_TOP || image->brk > USER_TOP)
		return false;
	if (!IS_ALIGNED(image->pages.start, PAGE_SIZE) || !IS_ALIGNED(image->pages.end, PAGE_SIZE))
		return false;
	if (image->pages.start >= image->pages.end || image->pages.end > USER_TOP)
		return false;
	if (image->align < PAGE_SIZE || (image->align & (image->align - 1)))
		return false;
	if (r->interp.bytes &&
	    (r->interp.bytes > 4096 || r->interp.offset > size || r->interp.bytes > size - r->interp.offset))
		return false;
	for (u32 i = 0; i < image->segment_count; i++) {
		if (!segment_holds(&r->segments[i], image, size))
			return false;
	}
	return true;
}

#endif
