/* SPDX-License-Identifier: MIT */
/*
 * Mapping ELF segments. Nothing is copied but one page for each segment with zeroed memory:
 *
 *     file pages         private mapping of the file's memory object, shared with everybody who maps it
 *     the mixed page     half file, half zero: a frame of our own, entered here
 *     the rest           anonymous, with the segment's own rights
 *
 *      ├── file pages ──────────┼── mixed page ──┼── anonymous ──┤
 *      mem.start                     ↑ mem.start + file_bytes    mem.end
 *
 * Segments are mapped in the order of the file, each over what the ones before left, as Linux does.
 */
#include <asm/errno.h>

#include <moat/file.h>
#include <moat/frame.h>
#include <moat/heap.h>
#include <moat/string.h>

#include "exec_map.h"

int object_read_exact(struct mobj *object, void *buf, size_t len, u64 offset)
{
	struct uio u;
	ssize_t got;

	uio_init_kernel(&u, buf, len);
	got = mobj_read(object, offset, &u);
	if (got == (ssize_t)len)
		return 0;
	return got == -ENOMEM ? -ENOMEM : -EIO;
}

int elf_file_open(struct elf_file *f, struct file *file, struct mobj *object)
{
	u8 header[ELF_HEADER_BYTES];
	size_t len;
	int err;

	*f = (struct elf_file){.file = file, .object = object};
	f->size_bytes = __atomic_load_n(&object->size_bytes, __ATOMIC_RELAXED);
	len = MIN(f->size_bytes, sizeof(header));
	err = len > 0 ? object_read_exact(object, header, len, 0) : 0;
	if (!err)
		err = elf_read_header(header, len, &f->header);
	if (err)
		goto fail;

	/* A table past the end of the file is a bad program, not an I/O error. */
	err = -ENOEXEC;
	if (f->header.phdr_offset > f->size_bytes ||
	    f->header.phdr_bytes > f->size_bytes - f->header.phdr_offset)
		goto fail;
	err = -ENOMEM;
	f->phdrs = kmalloc(f->header.phdr_bytes);
	if (!f->phdrs)
		goto fail;
	err = object_read_exact(object, f->phdrs, f->header.phdr_bytes, f->header.phdr_offset);
	if (err)
		goto fail;
	return 0;
fail:
	elf_file_close(f);
	return err;
}

void elf_file_close(struct elf_file *f)
{
	kfree(f->segments);
	kfree(f->phdrs);
	mobj_put(f->object);
	if (f->file)
		file_put(f->file);
	*f = (struct elf_file){};
}

int elf_file_read_segments(struct elf_file *f)
{
	f->segments = kcalloc(f->header.phdr_count, sizeof(struct elf_segment));
	if (!f->segments)
		return -ENOMEM;
	return elf_read_segments(&f->header, f->phdrs, f->size_bytes, f->segments, &f->image);
}

static u32 segment_vma_flags(u32 elf_prot)
{
	u32 flags = 0;

	if (elf_prot & ELF_READ)
		flags |= VMA_READ;
	if (elf_prot & ELF_WRITE)
		flags |= VMA_WRITE;
	if (elf_prot & ELF_EXEC)
		flags |= VMA_EXEC;
	return flags;
}

static unsigned segment_pmap_prot(u32 elf_prot)
{
	unsigned prot = 0;

	if (elf_prot & ELF_READ)
		prot |= PMAP_READ;
	if (elf_prot & ELF_WRITE)
		prot |= PMAP_READ | PMAP_WRITE;
	if (elf_prot & ELF_EXEC)
		prot |= PMAP_READ | PMAP_EXEC;
	return prot;
}

static int map_file_pages(const struct elf_file *f, const struct elf_segment *s, struct aspace *as, u64 bias)
{
	u64 lead = s->mem.start & (PAGE_SIZE - 1);
	struct map_request req = {
		.addr = s->mem.start + bias - lead,
		.len = ALIGN_UP(lead + s->file_bytes, PAGE_SIZE),
		.vma_flags = segment_vma_flags(s->prot),
		.how = MAP_AT,
		.object = f->object,
		.object_offset = s->file_offset - lead,
		.file = f->file,
	};
	u64 addr;

	return aspace_map(as, &req, &addr);
}

/* The page in which the file's bytes end and zeros begin. data_end: address of the first zero. */
static int enter_mixed_page(const struct elf_file *f, const struct elf_segment *s, struct aspace *as,
			    u64 data_end)
{
	u64 keep = data_end & (PAGE_SIZE - 1);
	u64 offset = s->file_offset + s->file_bytes - keep;
	struct page *frame;
	int err;

	/* No rights, no entry: such a page can only be reached after mprotect, and shows the file as on
	 * Linux. */
	if (keep == 0 || s->prot == 0)
		return 0;
	frame = frame_alloc(0, FRAME_ZERO, FRAME_ANON);
	if (!frame)
		return -ENOMEM;
	err = object_read_exact(f->object, page_address(frame), keep, offset);
	if (err) {
		frame_put(frame);
		return err;
	}
	return aspace_enter_frame(as, data_end - keep, frame, segment_pmap_prot(s->prot));
}

static int map_anonymous(struct aspace *as, struct range pages, u32 vma_flags)
{
	struct map_request req = {
		.addr = pages.start,
		.len = range_len(pages),
		.vma_flags = vma_flags,
		.how = MAP_AT,
	};
	u64 addr;

	return range_empty(pages) ? 0 : aspace_map(as, &req, &addr);
}

static int map_segment(const struct elf_file *f, const struct elf_segment *s, struct aspace *as, u64 bias)
{
	struct range mem = {s->mem.start + bias, s->mem.end + bias};
	u64 data_end = mem.start + s->file_bytes;
	struct range zero = {ALIGN_UP(data_end, PAGE_SIZE), ALIGN_UP(mem.end, PAGE_SIZE)};
	int err;

	if (s->file_bytes == 0) {
		zero.start = ALIGN_DOWN(mem.start, PAGE_SIZE);
		return map_anonymous(as, zero, segment_vma_flags(s->prot));
	}
	err = map_file_pages(f, s, as, bias);
	if (!err && data_end < mem.end)
		err = enter_mixed_page(f, s, as, data_end);
	if (!err)
		err = map_anonymous(as, zero, segment_vma_flags(s->prot));
	return err;
}

int elf_file_map(const struct elf_file *f, struct aspace *as, u64 bias)
{
	for (u32 i = 0; i < f->image.segment_count; i++) {
		int err = map_segment(f, &f->segments[i], as, bias);

		if (err)
			return err;
	}
	return 0;
}
