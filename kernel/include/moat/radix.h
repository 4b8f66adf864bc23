/* SPDX-License-Identifier: MIT */
/* room: lib */
/*
 * A sparse array of pointers indexed by u64: a tree of 64-way nodes as high as its largest index needs.
 *
 * The caller locks. Nodes come from the functions given at the start, so that `lib` needs no allocator.
 */
#ifndef MOAT_RADIX_H
#define MOAT_RADIX_H

#include <moat/types.h>

#define RADIX_SHIFT 6
#define RADIX_SLOTS (1u << RADIX_SHIFT)

struct radix_node;

struct radix {
	struct radix_node *root;
	unsigned height;	      /* levels below root; 0 = empty */
	u64 count;		      /* entries that are not NULL */
	void *(*alloc)(size_t bytes); /* zeroed, or NULL */
	void (*free)(void *node, size_t bytes);
};

void radix_init(struct radix *r, void *(*alloc)(size_t), void (*free)(void *, size_t));
void *radix_get(const struct radix *r, u64 index); /* or NULL */
/* The entries of the n indexes from `first` on, NULL where there is none; n is at most RADIX_SLOTS. */
void radix_get_run(const struct radix *r, u64 first, unsigned n, void **out);
/* Stores entry (not NULL) at index, replacing; 0 or -ENOMEM with nothing changed. */
int __must_check radix_set(struct radix *r, u64 index, void *entry);
void *radix_remove(struct radix *r, u64 index); /* the entry taken out, or NULL; frees empty nodes */
/* The first entry at or after *index: sets *index and returns it; NULL when there is none. */
void *radix_next(const struct radix *r, u64 *index);

#endif
