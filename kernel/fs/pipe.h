/* SPDX-License-Identifier: MIT */
/* room: fs */
/* What pipe.c and splice.c share: see pipe.c. */
#ifndef FS_PIPE_H
#define FS_PIPE_H

#include "inode.h"

enum pipe_slot_flags {
	SLOT_MERGES = 1 << 0, /* the page is the pipe's own: more bytes may be put behind these */
	SLOT_PACKET =
		1 << 1, /* written with O_DIRECT: a read ends here, and what it has no room for is gone */
};

/* len bytes from `offset` of a page, which is a reference. */
struct pipe_slot {
	struct page *page;
	u32 offset, len, flags;
};

struct pipe {
	struct mutex lock;	       /* RANK_INODE; of two pipes, that with the lower address first */
	struct waitq readers, writers; /* who waits for bytes, for room, or for the other side to open */
	struct pipe_slot *slots;       /* [lock] */
	u32 slot_count;		       /* [lock for change, a for read] a power of two */
	u32 head, tail; /* [lock for change, a for read] next to write, next to read; they only grow */
	u32 read_ends, write_ends;   /* [lock for change, a for read] descriptions */
	u32 read_opens, write_opens; /* [lock for change, a for read] how many there have been */
	u32 files;		     /* [inode->lock] descriptions that hold it */
	struct page *spare;	     /* [lock] a page for the next write, or NULL */
};

static inline u32 pipe_used(const struct pipe *p)
{
	return __atomic_load_n(&p->head, __ATOMIC_ACQUIRE) - __atomic_load_n(&p->tail, __ATOMIC_ACQUIRE);
}

static inline bool pipe_is_full(const struct pipe *p)
{
	return pipe_used(p) >= __atomic_load_n(&p->slot_count, __ATOMIC_ACQUIRE);
}

static inline struct pipe_slot *pipe_slot_at(const struct pipe *p, u32 position)
{
	return &p->slots[position & (p->slot_count - 1)];
}

/* The pipe behind a description, or NULL when it is none. */
struct pipe *pipe_of(const struct file *f);
/* A page for a slot, or NULL. Locked. */
struct page *__must_check pipe_page_get(struct pipe *p);
/* Puts a slot at the head; there is room. Takes the slot's reference. Locked. */
void pipe_push(struct pipe *p, struct pipe_slot slot);
/* The slot at the tail is done with. Locked. */
void pipe_pop(struct pipe *p);
/* After a change, without the lock: who waits for bytes, for room. */
void pipe_wake_readers(struct pipe *p);
void pipe_wake_writers(struct pipe *p);
/* Until there is something to read, or nobody who would write; room, or nobody who reads. Not locked. 0 or -EINTR. */
int __must_check pipe_await_bytes(struct pipe *p);
int __must_check pipe_await_room(struct pipe *p);

#endif
