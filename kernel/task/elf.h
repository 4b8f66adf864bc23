/* SPDX-License-Identifier: MIT */
/*
 * The ELF reader: bytes of a file in, what to map where out. Pure: no allocation, no file, no address space.
 *
 * The loader calls three functions in this order, and reads from the file between them:
 *
 *     elf_read_header(first bytes)          -> where the program headers are
 *     elf_find_interp(program headers)      -> where the name of the dynamic loader is, if there is one
 *     elf_read_segments(program headers)    -> what to map
 *
 * They are apart because Linux reports a bad PT_INTERP before it looks at a segment.
 */
#ifndef TASK_ELF_H
#define TASK_ELF_H

#include <moat/types.h>

#define ELF_HEADER_BYTES    64
#define ELF_PHDR_BYTES	    56
#define ELF_PHDRS_BYTES_MAX KIB(64) /* of program headers, as Linux */

struct elf_header {
	u16 type; /* ET_EXEC or ET_DYN */
	u64 entry;
	u64 phdr_offset; /* in the file, bytes */
	u32 phdr_count;	 /* at least 1 */
	u32 phdr_bytes;	 /* of the whole table, at most ELF_PHDRS_BYTES_MAX */
};

/* The name of the dynamic loader: bytes in the file, the last of which must be a NUL. */
struct elf_interp {
	u64 offset;
	u32 bytes; /* 0: there is none */
};

enum elf_prot {
	ELF_READ = 1 << 0,
	ELF_WRITE = 1 << 1,
	ELF_EXEC = 1 << 2,
};

/*
 * One PT_LOAD that has any memory, in the order of the file: a later one replaces an earlier one where they
 * meet.
 *
 *      mem.start            mem.start + file_bytes            mem.end
 *     ─┬────────────────────┬─────────────────────────────────┬─
 *      │ from the file      │ zero                            │
 *
 * mem lies in [0, USER_TOP); with file_bytes > 0, mem.start and file_offset agree modulo the page size and
 * file_offset + file_bytes does not pass the end of the file.
 */
struct elf_segment {
	struct range mem; /* bytes, relative to the load bias */
	u64 file_offset;
	u64 file_bytes; /* at most range_len(mem) */
	u32 prot;	/* enum elf_prot */
};

struct elf_image {
	u16 type;
	u64 entry;     /* relative to the load bias, as all addresses here */
	u64 phdr_addr; /* of the program headers in memory; 0 when no segment holds them */
	u32 phdr_count;
	u32 segment_count;  /* at least 1 */
	struct range pages; /* whole pages from the lowest to the highest segment */
	u64 brk;	    /* first byte past all segments */
	u64 align;	    /* greatest p_align, a power of two, at least one page */
	bool stack_exec;    /* PT_GNU_STACK asks for an executable stack */
};

/* `len` bytes from the start of the file; ones that are missing count as zero. 0 or -ENOEXEC. */
int __must_check elf_read_header(const void *bytes, size_t len, struct elf_header *out);

/*
 * `phdrs` is the table that h describes, h->phdr_bytes long. 0 with out->bytes = 0 when there is no
 * PT_INTERP; -ENOEXEC when its name cannot be one, -EIO when it lies past the end of the file, -EINVAL for an
 * offset that is none.
 */
int __must_check elf_find_interp(const struct elf_header *h, const void *phdrs, u64 file_size_bytes,
				 struct elf_interp *out);

/*
 * Fills segments[] (room for h->phdr_count of them) and *out. 0; -EINVAL for addresses and sizes that make no
 * sense or lie outside user space; -ENOEXEC when there is nothing to load, or the file ends before a segment
 * does.
 */
int __must_check elf_read_segments(const struct elf_header *h, const void *phdrs, u64 file_size_bytes,
				   struct elf_segment *segments, struct elf_image *out);

#endif
