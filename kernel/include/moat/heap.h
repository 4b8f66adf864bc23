/* SPDX-License-Identifier: MIT */
/* room: mm */
/*
 * The kernel heap: size classes (powers of two and halves between, 16 bytes to 2 KiB) cut from frames, whole
 * blocks of frames above that. Memory is returned to the frame allocator when a frame becomes empty.
 */
#ifndef MOAT_HEAP_H
#define MOAT_HEAP_H

#include <moat/types.h>

/*
 * `bytes` of memory aligned to 16 (to its size for powers of two), or NULL. Any context. kzalloc clears it.
 */
void *__must_check kmalloc(size_t bytes);
void *__must_check kzalloc(size_t bytes);
/* The array form; NULL also when n * size overflows. */
void *__must_check kcalloc(size_t n, size_t size);
void kfree(void *p);				       /* NULL is allowed */
char *__must_check kstrdup(const char *s, size_t max); /* at most max bytes and a terminator */
/* Bytes of heap frames in use, for the ledger. */
u64 heap_bytes(void);
/* Objects in use; 0 in the release kernel. */
u64 heap_objects(void);
/* As in frame.h: the n-th kmalloc from now fails. */
void heap_fail_after(u64 n);

/* For struct radix. */
void *heap_node_alloc(size_t bytes);
void heap_node_free(void *node, size_t bytes);

#endif
