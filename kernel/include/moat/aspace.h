/* SPDX-License-Identifier: MIT */
/* room: mm */
/*
 * The address space: the ordered set of a process's VMAs together with its page tables (pmap).
 *
 * A VMA is a half-open page-aligned range with one protection and one backing. VMAs never overlap; two that
 * touch and could be one are one. The page table is the record of which frame backs an anonymous address; a
 * frame's reference count says how many entries (and objects) hold it.
 *
 * Lock order: aspace.lock (readers: faults; writers: every call that changes VMAs) -> object -> pmap.
 */
#ifndef MOAT_ASPACE_H
#define MOAT_ASPACE_H

#include <bsd/sys/tree.h>
#include <arch/mmu.h>
#include <moat/mutex.h>
#include <moat/object.h>
#include <moat/refcount.h>
#include <moat/types.h>

#define USER_MIN  0x10000ul	   /* nothing is ever mapped below: 64 KiB */
#define USER_TOP  0x7ffffffff000ul /* first address that no program may use */
#define STACK_GAP MIB(1)	   /* kept free below a stack that grows: 256 pages, as Linux */

enum vma_flags {
	VMA_READ = 1 << 0,
	VMA_WRITE = 1 << 1,
	VMA_EXEC = 1 << 2,
	VMA_SHARED = 1 << 3,
	VMA_GROWSDOWN = 1 << 4,
	VMA_NORESERVE = 1 << 5,
	VMA_SPECIAL = 1 << 6,	    /* vDSO and its data: fixed frames of an object, never merged */
	VMA_NO_WRITE = 1 << 7,	    /* shared file not open for writing: mprotect may not add VMA_WRITE */
	VMA_LOCKED = 1 << 8,	    /* mlock(2): counts for RLIMIT_MEMLOCK, never reclaimed */
	VMA_LOCK_ON_FAULT = 1 << 9, /* with it: mlock2(2), MLOCK_ONFAULT: nothing is faulted in ahead */
	VMA_NO_FORK = 1 << 10,	    /* madvise(2), MADV_DONTFORK: a child does not get it */
	VMA_WIPE_ON_FORK = 1 << 11, /* MADV_WIPEONFORK: a child gets it empty */
	VMA_NO_DUMP = 1 << 12,	    /* MADV_DONTDUMP */
	VMA_HUGE = 1 << 13,	    /* MADV_HUGEPAGE */
	VMA_NO_HUGE = 1 << 14,	    /* MADV_NOHUGEPAGE */
	VMA_SEQUENTIAL = 1 << 15,   /* MADV_SEQUENTIAL */
	VMA_RANDOM = 1 << 16,	    /* MADV_RANDOM */
	VMA_ACCOUNT = 1 << 17,	    /* its pages count as committed memory (commit.c) */
	VMA_SEALED = 1 << 18,	    /* mseal(2) */
	VMA_MERGEABLE = 1 << 19,    /* MADV_MERGEABLE: a wish that nothing fulfils */
	VMA_MAY_GUARD = 1 << 20,    /* MADV_GUARD_INSTALL was here: stays, and does not hinder merging */
	VMA_POLICY = 1 << 21,	    /* its policy is not the default: see mempolicy.h */
	VMA_DROPPABLE =
		1 << 22, /* MAP_DROPPABLE: may be emptied at any time; never locked, dumped or inherited */
	VMA_IO =
		1
		<< 23, /* with VMA_SPECIAL: bytes of the kernel's own, which nobody but the program itself looks at */
	VMA_PROT = VMA_READ | VMA_WRITE | VMA_EXEC,
	/* How it is filled and kept, not what it is: what madvise(2) and mlock(2) may change. */
	VMA_ADVICE = VMA_LOCKED | VMA_LOCK_ON_FAULT | VMA_NO_FORK | VMA_WIPE_ON_FORK | VMA_NO_DUMP |
		     VMA_HUGE | VMA_NO_HUGE | VMA_SEQUENTIAL | VMA_RANDOM | VMA_MERGEABLE,
};

struct aspace;

/* Which nodes pages come from; see mempolicy.h. Zeros: the default. */
struct mempolicy {
	u8 mode;    /* MPOL_… of <linux/mempolicy.h> */
	u8 nodes;   /* the set that holds on this machine */
	u16 flags;  /* MPOL_F_STATIC_NODES … */
	u32 turn;   /* of a thread that interleaves: pages so far */
	u64 wanted; /* the set as it was given */
};

struct vma {
	RB_ENTRY(vma) node;	   /* [aspace lock] */
	SLIST_ENTRY(vma) detached; /* owner of the list, once out of the tree */
	struct aspace *aspace;	   /* [I] */
	struct range range;	   /* [aspace lock] */
	u32 flags;		   /* [aspace lock] enum vma_flags */
	struct mobj *object;	   /* [I] one reference; NULL: private anonymous */
	/*
	 * [aspace lock] The byte in the object that range.start shows. Private anonymous memory has one too, as in Linux:
	 * the address where it was first mapped. It stays when a page that was touched is moved, and neighbours merge only
	 * where it goes on, so that /proc/PID/maps shows the same ranges.
	 */
	u64 object_offset;
	TAILQ_ENTRY(vma) sharer; /* [object's maps lock] in the object's list while in the tree */
	u64 zap_generation; /* [object's maps lock] the last zap that was here, or ZAP_FRESH: see object_zap.c */
	/*
	 * Which family of private pages this VMA has, 0 while it has none ([a]: faults set it once), and whether it came
	 * with pages from a parent ([aspace lock]). Nothing needs it but merging: see vma_can_merge.
	 */
	u64 anon_family;
	bool anon_from_fork;
	/*
	 * [a] Set once, before the first page is entered: while it is not, the page table has nothing in the VMA's range, and
	 * need not be looked at.
	 */
	bool entered;
	struct mempolicy policy; /* [aspace lock] */
	const char *name;	 /* [I] static text such as "[vdso]", or NULL */
	struct file *file;	 /* [I] for /proc/PID/maps; NULL, or a reference taken through vma_file_ops */
	/* [aspace lock] While in the tree: the free run below it, and the longest under its node; see vma_tree.c. */
	u64 run, longest;
};

/* How many VMAs an address space may have: Linux's vm.max_map_count. [a] */
extern u64 vma_count_max;

RB_HEAD(vma_tree, vma);

/* The latest calls that changed an address space; see history.c. */
enum map_op {
	MAP_OP_MAP,
	MAP_OP_UNMAP,
	MAP_OP_PROTECT,
	MAP_OP_BRK,
	MAP_OP_REMAP,
	MAP_OP_STACK,
};
struct map_event {
	struct range range;
	u64 when_cycles; /* cpu_cycles(): cheaper to read than a clock */
	int tid;
	enum map_op op;
};
#define HISTORY_EVENTS 16u
struct map_history {
	u32 count; /* so far; the last HISTORY_EVENTS are kept */
	struct map_event events[HISTORY_EVENTS];
};

/* PR_SET_MDWE, with the numbers of prctl(2). */
enum exec_gain {
	EXEC_GAIN_REFUSED =
		1 << 0, /* nothing is mapped writable and executable, nothing becomes executable */
	EXEC_GAIN_NOT_INHERITED = 1 << 1, /* with it: not so in a child, nor after an exec */
};
struct aspace {
	struct refcount refs; /* users: with the last one everything is unmapped */
	u64 id; /* [I once made] never that of another one, unlike the address of this structure */
	struct refcount pins; /* who holds on to the structure alone; all users together count as one */
	struct rwlock lock;   /* RANK_ASPACE */
	struct vma_tree vmas; /* [lock] */
	struct vma *found;    /* [a] of the tree, or NULL: where aspace_find looks first */
	struct vma *spare;    /* [a] the VMA freed last, for the next one that is made; see vma_life.c */
	u64 vma_count;	      /* [lock] */
	struct pmap pmap;
	LIST_ENTRY(aspace) lazy; /* [reclaim.c] among those with lazily free pages, */
	bool lazy_listed;	 /* [reclaim.c] if it is */
	struct range heap;     /* [lock] brk area: start is fixed at exec, end is the current break (bytes) */
	bool unjoined;	       /* [lock] a call left neighbours that could be one, as Linux does */
	u64 mmap_top;	       /* [I after exec] top-down search for free space starts here */
	u64 mapped_pages;      /* [lock] sum over VMAs */
	u64 mapped_peak;       /* [lock] the most there were before the last time that some went */
	u64 data_pages;	       /* [lock] of them private, writable, no stack: what RLIMIT_DATA limits */
	u64 stack_pages;       /* [lock] in VMAs that grow down */
	u64 exec_pages;	       /* [lock] executable, not writable, not a stack */
	u64 locked_pages;      /* [lock] in VMAs with VMA_LOCKED: what RLIMIT_MEMLOCK limits */
	u64 account_pages;     /* [lock] in VMAs with VMA_ACCOUNT */
	u32 default_flags;     /* [lock] given to each new VMA: VMA_LOCKED … after mlockall(MCL_FUTURE) */
	u64 stack_start;       /* [I after exec] the first stack pointer: its VMA is shown as [stack] */
	u32 barriers;	       /* [a] what membarrier(2) was registered for; see sys_membarrier */
	u64 limit_as_bytes;    /* [a] RLIMIT_AS */
	u64 limit_data_bytes;  /* [a] RLIMIT_DATA */
	u64 limit_stack_bytes; /* [a] RLIMIT_STACK */
	u8 huge_disabled; /* [a] PR_SET_THP_DISABLE: 1, and 2 if what was advised may be huge all the same */
	u8 exec_gain;	  /* [a] enum exec_gain */
	u64 limit_lock_bytes; /* [a] RLIMIT_MEMLOCK, or UINT64_MAX for who has CAP_IPC_LOCK */
	struct {
		u64 major, cow, refused; /* [a] */
	} faults;
	struct map_history history; /* [lock] */
};

/* How the fs room counts references to the file behind a VMA; registered at boot. */
struct vma_file_ops {
	void (*get)(struct file *f);
	void (*put)(struct file *f);
};
void vma_register_file_ops(const struct vma_file_ops *ops);
/* What tells the number of the current thread; registered at boot by the task room. */
void history_register_tid(int (*fn)(void));

/* What tells the address space that the current thread's user copies go to, NULL: none; the same. */
void aspace_register_current(struct aspace *(*fn)(void));

struct aspace *__must_check aspace_create(void); /* empty, one reference; or NULL */
void aspace_get(struct aspace *as);
void aspace_put(struct aspace *as); /* the last one unmaps everything; must not be active on any CPU */

/*
 * Keeps the structure and its lock, but not what is mapped: who holds a pin looks at the VMAs under as->lock, and finds
 * none after the last user has gone. Unlike aspace_put, aspace_unpin frees nothing else and takes no lock.
 */
void aspace_pin(struct aspace *as);
void aspace_unpin(struct aspace *as);

/* One request to map; the kernel's own form of mmap(2) after sys_mmap has checked and decoded. */
struct map_request {
	u64 addr;	     /* hint, or the exact place with MAP_AT; bytes */
	u64 len;	     /* bytes, > 0; rounded up to pages */
	u32 vma_flags;	     /* enum vma_flags */
	u32 how;	     /* enum map_how */
	struct mobj *object; /* NULL: anonymous (private: none; shared: map creates one) */
	u64 object_offset;   /* page-aligned */
	struct file *file;
	const char *name;
};

enum map_how {
	MAP_AT = 1 << 0,      /* exactly at addr, replacing what is there (MAP_FIXED) */
	MAP_AT_FREE = 1 << 1, /* exactly at addr, -EEXIST if anything is there (MAP_FIXED_NOREPLACE) */
	MAP_LOW_2G = 1 << 2,  /* MAP_32BIT */
	MAP_FILL = 1 << 3,    /* MAP_POPULATE: fault everything in, errors ignored */
	MAP_OVER_4G = 1 << 4, /* MAP_ABOVE4G: without a hint, above the first 4 GiB */
};

/*
 * Each takes and releases as->lock itself. Addresses and lengths in bytes.
 * aspace_map: -ENOMEM (no space, limit, memory), -EINVAL, -EPERM (below USER_MIN, or locked with a limit of 0), -EEXIST,
 * -EAGAIN (limit of locked memory). aspace_map_check: those of its errors that have to do with length and place.
 */
int __must_check aspace_map_check(struct aspace *as, const struct map_request *req);
int __must_check aspace_map(struct aspace *as, const struct map_request *req, u64 *addr_out);
/*
 * A place of len > 0 bytes that nothing is mapped at: at hint (0: none) if that is free, else where aspace_map would go.
 * It stays free as long as nobody else maps into `as`. 0 or -ENOMEM.
 */
int __must_check aspace_find_space(struct aspace *as, u64 hint, u64 len, u64 *addr_out);
int __must_check aspace_unmap(struct aspace *as, u64 addr, u64 len); /* munmap(2): -EINVAL, -ENOMEM */
/*
 * shmdt(2): unmaps what one mapping of a whole file at addr has become; is(file, arg) knows such files, and is asked last for
 * the one that is unmapped. -EINVAL: there is none.
 */
int __must_check aspace_unmap_whole(struct aspace *as, u64 addr, bool (*is)(const struct file *f, void *arg),
				    void *arg);
int __must_check aspace_protect(struct aspace *as, u64 addr, u64 len, u32 vma_prot); /* mprotect(2) */
/* mprotect(2) with PROT_GROWSDOWN: where the stack that r touches first starts. -ENOMEM, -EINVAL (no stack). */
int __must_check aspace_stack_start(struct aspace *as, struct range r, u64 *start);
/* brk(2): the break after the call, in bytes (the old one when it cannot be moved). */
u64 aspace_brk(struct aspace *as, u64 new_break);
/*
 * A copy of the parent's address space, copy-on-write, for fork(2): one reference. 0 or -ENOMEM. Takes parent->lock for
 * writing; flushes the parent's TLB.
 */
int __must_check aspace_fork(struct aspace *parent, struct aspace **out);
/* Puts a frame that the caller filled at addr, which is empty; takes over its reference. 0, -EEXIST, -ENOMEM. */
int __must_check aspace_enter_frame(struct aspace *as, u64 addr, struct page *frame, unsigned prot);
/*
 * madvise(MADV_COLLAPSE): whole windows of 2 MiB in the range become huge pages. 0, or what kept the last one that did
 * not: -EINVAL (not private memory, nothing there), -ENOMEM, -EINTR.
 */
int __must_check aspace_collapse(struct aspace *as, u64 addr, u64 len);
enum remap_how {
	REMAP_MAY_MOVE = 1 << 0, /* MREMAP_MAYMOVE */
	REMAP_AT = 1 << 1,	 /* to new_addr, in place of what is there (MREMAP_FIXED) */
	REMAP_KEEP = 1 << 2,	 /* the old range stays mapped, empty (MREMAP_DONTUNMAP) */
};
struct remap_request {
	u64 addr, old_len; /* bytes; old_len 0: show shared memory a second time */
	u64 new_len;	   /* bytes, rounded up to pages */
	u64 new_addr;	   /* with REMAP_AT the place, with REMAP_KEEP a hint */
	u32 how;	   /* enum remap_how */
};
/*
 * mremap(2): where the range is now. -EINVAL, -EFAULT (not mapped, or several VMAs), -EPERM (sealed), -EAGAIN (limit of
 * locked memory), -ENOMEM.
 */
int __must_check aspace_remap(struct aspace *as, const struct remap_request *req, u64 *addr_out);
/*
 * remap_file_pages(2): r, which lies in shared mappings of one object, shows it from object_offset on. how: 0 or MAP_FILL.
 * -EINVAL, and the errors of aspace_map.
 */
int __must_check aspace_remap_file(struct aspace *as, struct range r, u64 object_offset, u32 how);
/*
 * mlock2(2) and munlock(2): lock is 0 (unlock) or VMA_LOCKED, with or without VMA_LOCK_ON_FAULT. What is locked is
 * faulted in, unless on fault. -EINVAL, -ENOMEM (limit, hole, page that cannot be had), -EPERM (limit 0), -EAGAIN.
 */
int __must_check aspace_lock(struct aspace *as, u64 addr, u64 len, u32 lock);
/* mlockall(2), munlockall(2): flags as above for what is mapped now (MCL_CURRENT) and for what will be (MCL_FUTURE). */
enum lock_all {
	LOCK_ALL_CURRENT = 1 << 0,
	LOCK_ALL_FUTURE = 1 << 1,
	LOCK_ALL_ON_FAULT = 1 << 2,
};
int __must_check aspace_lock_all(struct aspace *as, unsigned what);
/*
 * mincore(2) for `pages` pages from addr on, or fewer where the VMA ends: sets vector[i] to 0 or 1. The number of pages
 * told, or -ENOMEM where nothing is mapped.
 */
s64 aspace_resident(struct aspace *as, u64 addr, u64 pages, u8 *vector);
/* msync(2) with its flags, which were checked: -ENOMEM (hole), -EBUSY (locked), what an object's sync says. */
int __must_check aspace_sync(struct aspace *as, u64 addr, u64 len, int flags);
/* madvise(2) with Linux's number of the advice. Its errors. */
int __must_check aspace_advise(struct aspace *as, u64 addr, u64 len, int advice);
int __must_check aspace_discard(struct aspace *as, u64 addr, u64 len); /* MADV_DONTNEED */
bool advice_is_known(int advice);
/* mseal(2): -EINVAL, -ENOMEM (hole). */
int __must_check aspace_seal(struct aspace *as, u64 addr, u64 len);
/* Faults in every page of the range for reading or (VMA_WRITE) writing. 0, -ENOMEM, -EINVAL (no right), -EFAULT. */
int __must_check aspace_populate(struct aspace *as, u64 addr, u64 len, u32 access);

enum fault_access {
	FAULT_READ = 1 << 0,
	FAULT_WRITE = 1 << 1,
	FAULT_EXEC = 1 << 2,
	FAULT_PRESENT = 1 << 3, /* the entry was present: a protection fault */
	FAULT_USER = 1 << 4,	/* from ring 3 (else from inside a user copy) */
};

enum fault_result {
	FAULT_DONE,	 /* served: run the instruction again */
	FAULT_NO_VMA,	 /* SIGSEGV, SEGV_MAPERR */
	FAULT_NO_ACCESS, /* SIGSEGV, SEGV_ACCERR */
	FAULT_GUARD,	 /* a guard of MADV_GUARD_INSTALL: SIGSEGV, SEGV_MAPERR */
	FAULT_PAST_END,	 /* SIGBUS, BUS_ADRERR: beyond the end of the file */
	FAULT_IO,	 /* SIGBUS */
	FAULT_NO_MEMORY, /* out of memory */
	FAULT_NOT_HUGE,	 /* inside mm: map a single page */
	FAULT_SHARED_TABLE, /* inside mm: the table must become this address space's own, with the lock for writing */
};

/* Serves a page fault at addr (bytes, any value). access: enum fault_access. No lock held; may sleep. */
enum fault_result aspace_fault(struct aspace *as, u64 addr, unsigned access);

enum access_flags {
	ACCESS_WRITE = 1 << 0, /* from the cursor to the address space; else the other way */
	ACCESS_FORCE =
		1 << 1, /* as a debugger: read what has no right, write private memory that is read-only */
};
/*
 * Moves up to len bytes (at most u->left) between the cursor and the memory of `as` at addr, which need not be the current
 * one. Bytes moved, or -EFAULT (either side), -ENOMEM, -EIO if none. No lock held; may sleep.
 */
ssize_t aspace_access(struct aspace *as, u64 addr, size_t len, struct uio *u, unsigned flags);

/* The VMA that holds addr, or the first one above it; NULL when there is none. as->lock held. */
struct vma *aspace_find(struct aspace *as, u64 addr);
struct vma *vma_next(struct vma *v);
/*
 * Writes one line about addr into buf (for the log): the mapping nearest to it, whether it is a guard, and which call
 * changed it last. Takes as->lock for reading.
 */
void aspace_explain(struct aspace *as, u64 addr, char *buf, size_t size);
/* Every invariant of this address space (STYLE: check-everything); panics when one is broken. */
void aspace_check(struct aspace *as);

/* Pure parts, in vma.c. */
bool vma_can_merge(const struct vma *low, const struct vma *high);
/* Cuts v at `at`: v keeps [start, at), *high (allocated before) gets the rest. */
void vma_split(struct vma *v, struct vma *high, u64 at);

#endif
