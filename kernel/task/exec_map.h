/* SPDX-License-Identifier: MIT */
/* Mapping ELF segments into an address space that is being built. */
#ifndef TASK_EXEC_MAP_H
#define TASK_EXEC_MAP_H

#include <moat/aspace.h>
#include <moat/object.h>

#include "elf.h"

struct file;

/* A program or dynamic loader whose headers have been read. One thread; freed by elf_file_close. */
struct elf_file {
	struct file *file;   /* one reference, or NULL */
	struct mobj *object; /* one reference: the file's bytes */
	u64 size_bytes;
	struct elf_header header;
	u8 *phdrs;		      /* header.phdr_bytes of them */
	struct elf_segment *segments; /* image.segment_count of them, after elf_file_read_segments */
	struct elf_image image;
};

/*
 * Takes over the references to file and object, on failure too. Reads the headers.
 * 0, -ENOEXEC, -EIO (the bytes cannot be read), -ENOMEM.
 */
int __must_check elf_file_open(struct elf_file *f, struct file *file, struct mobj *object);
/* 0; as elf_read_segments, -ENOMEM. */
int __must_check elf_file_read_segments(struct elf_file *f);
void elf_file_close(struct elf_file *f);
/* Exactly len bytes at offset; 0, -EIO. */
int __must_check object_read_exact(struct mobj *object, void *buf, size_t len, u64 offset);

/* Maps all segments at bias; as->lock not held. 0, -ENOMEM, -EINVAL, -EIO. The address space is partly built
 * on failure. */
int __must_check elf_file_map(const struct elf_file *f, struct aspace *as, u64 bias);

#endif
