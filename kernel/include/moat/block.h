/* SPDX-License-Identifier: MIT */
/* room: fs */
/* Disks: what a device offers to the file system above it (dev/virtio_blk.c). Transfers sleep until they are done. */
#ifndef MOAT_BLOCK_H
#define MOAT_BLOCK_H

#include <sys/queue.h>
#include <moat/frame.h>
#include <moat/types.h>

#define BLOCK_SECTOR	 512
#define BLOCK_NAME_MAX	 21
#define BLOCK_PIECES_MAX 128

/* A part of a page; sectors follow each other in it. */
struct block_piece {
	struct page *page;
	u32 offset, bytes; /* multiples of BLOCK_SECTOR */
};

enum block_request {
	BLOCK_READ,
	BLOCK_WRITE,
	BLOCK_FLUSH, /* what was written before is on the disk for good; no pieces */
};

struct block_device;

struct block_ops {
	/* 0, -EIO, -ENOMEM. Any number at once; not ended by signals. No spinlock held. */
	int (*transfer)(struct block_device *d, enum block_request what, u64 sector,
			const struct block_piece *pieces, unsigned n);
};

struct block_device {
	const struct block_ops *ops;   /* [I] */
	char name[BLOCK_NAME_MAX];     /* [I] the serial number that the host gave it */
	u64 sectors;		       /* [I] */
	bool readonly;		       /* [I] */
	LIST_ENTRY(block_device) link; /* [boot] */
};

/* Makes it known. Boot. */
void block_register(struct block_device *d);
/* The disk of that name, or NULL. */
struct block_device *block_find(const char *name);

/* One disk, as the run spec describes it (docs/host-interface.md). */
struct disk {
	const char *name; /* of its device */
	const char *path; /* where it is seen, absolute */
};
/*
 * Mounts it; missing directories on the way are made. 0 or -errno, with *why, a text without the disk's name, when it is the
 * disk's fault. Boot.
 */
int __must_check disk_mount(const struct disk *disk, const char **why);
/* Writes back all that has changed on all disks; the first error. */
int disk_sync_all(void);
/* At the end, when nobody uses a file any more: the same, and marks them as clean. */
int disk_unmount_all(void);
/* Is there a disk to be written to? */
bool disk_any(void);

#endif
