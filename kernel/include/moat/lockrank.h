/* SPDX-License-Identifier: MIT */
/* room: sync */
/*
 * The one order of all locks: a thread that holds a lock takes only locks of a higher rank. docs/locking.md
 * explains the order; the debug kernel checks it at each acquisition.
 */
#ifndef MOAT_LOCKRANK_H
#define MOAT_LOCKRANK_H

enum lock_rank {
	RANK_NONE = 0, /* unchecked: early boot only */
	/* sleeping locks, outermost first */
	RANK_PROCESS,
	RANK_FILE,   /* file offset */
	RANK_DENTRY, /* the tree of names, mounts, roots and working directories */
	RANK_INODE,
	RANK_ZAP,	/* taking pages of one object out of all address spaces */
	RANK_ASPACE,	/* address space */
	RANK_WRITEBACK, /* changed pages of a file on a disk */
	RANK_OBJECT,	/* memory object */
	RANK_DISK,	/* a file system on a disk */
	/* spinlocks */
	RANK_FDTABLE,
	RANK_SOCKET, /* state, peers, names and queues of all sockets */
	RANK_MAPS,   /* list of the VMAs that show an object */
	RANK_PMAP,   /* page tables of one address space: their upper levels */
	RANK_TABLE,  /* entries of one last-level table */
	RANK_FUTEX,  /* who waits for a word of user memory; two of them by address */
	RANK_NOTIFY, /* inotify: watches, queues of events, names of dentries */
	/* with interrupts off, since handlers take them, or what comes after */
	RANK_VIRTIO, /* a virtio device */
	RANK_TASKS,  /* process table, thread list */
	RANK_SIGNAL,
	RANK_EVENT, /* a timer that is a file */
	RANK_WAITQ,
	RANK_EPOLL, /* an epoll file: they nest, from what is watched to who watches */
	RANK_ASYNC, /* what files have to tell their owners */
	RANK_RUNQ,
	RANK_TIMER, /* kernel timers of a CPU */
	RANK_HEAP,
	RANK_BLOCKS, /* splitting of blocks of frames */
	RANK_FRAMES,
	RANK_RANDOM,
	RANK_LOG,
	RANK_COUNT
};

#endif
