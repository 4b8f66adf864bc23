/* SPDX-License-Identifier: MIT */
/*
 * Each memory call, and each kind of page fault, with its first allocation made to fail, then its second, and so on until
 * it comes through without any that failed. Runs under the debug kernel only: /proc/moat/fail_after is the switch.
 *
 * Every try is a process of its own: it prepares, arms, makes the call and looks at what came of it.
 *
 *     prepare ─> maps read ─> [ arm, call, disarm ] ─> came through ─────────────────> next case
 *                                    │             └─> failed: the right errno, the same maps, the same bytes ─> n + 1
 *                                    └─ killed by SIGKILL: a page fault without memory ─> n + 1
 *
 * What stands in brackets touches no memory of its own (armed_call), so that nothing but the call can fail. After the
 * last try of a case the machine's ledger must be what it was before the first.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ  22
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

#define PAGE	  4096l
#define HUGE	  (2l << 20)
#define PLACE	  0x100000000000l /* nothing else is near: not even page tables */
#define OTHER	  0x200000000000l
#define TRIES_MAX 600

enum { LOOK = -1, TOUCH = -2 }; /* instead of a call's number: read or write the byte at argument 0 */

/* What a case may do besides failing with ENOMEM and changing nothing. */
enum flags {
	MAY_DO_WITHOUT = 1, /* comes through although an allocation failed: there is another way */
	FAULTS = 2,	    /* a page fault is part of it: SIGKILL */
	EXECUTES = 4,	    /* becomes another program */
	MAKES_CHILD = 8,    /* the result is a child's PID; the child ends at once */
	RETURNS_BREAK = 16, /* brk(2): failed is what does not return the argument */
	HALF_DONE = 32, /* as on Linux: mappings are locked, or the destination is empty, before it fails */
};

struct attempt {
	long number, arguments[6];
	long child_ends; /* where the call returns 0, that is a child, which exits */
	/* Bytes that a failure must leave alone, as `fill` writes them. */
	unsigned char *bytes;
	long bytes_len;
};

struct test {
	const char *name;
	void (*prepare)(struct attempt *a);
	int flags;
	int error; /* allowed besides ENOMEM; 0: none */
};

long armed_call(int fd, const char *text, size_t len, const struct attempt *a);
__asm__(".text\n.globl armed_call\n.type armed_call, @function\n"
	"armed_call: push %rbx; push %r12; push %r13\n"
	"	mov %edi, %r12d; mov %rcx, %rbx\n"
	"	mov $1, %eax; syscall\n" /* write: armed */
	"	mov (%rbx), %rax; mov 8(%rbx), %rdi\n"
	"	cmp $-1, %rax; je 3f\n"
	"	cmp $-2, %rax; je 4f\n"
	"	mov 16(%rbx), %rsi; mov 24(%rbx), %rdx; mov 32(%rbx), %r10; mov 40(%rbx), %r8; mov 48(%rbx), "
	"%r9\n"
	"	syscall\n"
	"	test %rax, %rax; jnz 1f\n"
	"	cmpq $0, 56(%rbx); je 1f\n"
	"	xor %edi, %edi; mov $60, %eax; syscall\n" /* exit: the child */
	"3:	mov (%rdi), %al; xor %eax, %eax; jmp 1f\n"
	"4:	movb $1, (%rdi); xor %eax, %eax\n"
	"1:	mov %rax, %r13\n"
	"	mov %r12d, %edi; lea 2f(%rip), %rsi; mov $1, %edx; mov $1, %eax; syscall\n" /* write: disarmed */
	"	mov %r13, %rax; pop %r13; pop %r12; pop %rbx; ret\n"
	"2:	.ascii \"0\"\n");

static int control; /* /proc/moat/fail_after */
static const char *self;
static char maps_before[1 << 15], maps_after[1 << 15];

/* --- what the cases have in common --- */

static void broken(const char *what)
{
	printf("cannot prepare: %s: %s\n", what, strerror(errno));
	fflush(stdout);
	_exit(3);
}

static void call(struct attempt *a, long number, long p, long q, long r, long s, long t, long u)
{
	a->number = number;
	long arguments[] = {p, q, r, s, t, u};
	memcpy(a->arguments, arguments, sizeof(arguments));
}

static unsigned char *map_at(long at, long len, int prot, int flags, int fd)
{
	unsigned char *p = mmap((void *)at, (size_t)len, prot, flags | MAP_FIXED_NOREPLACE, fd, 0);

	if (p == MAP_FAILED)
		broken("mmap");
	return p;
}

static unsigned char *empty_at(long at, long len)
{
	return map_at(at, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

static unsigned char byte_at(long i)
{
	return (unsigned char)(i / PAGE * 7 + i % 251 + 1);
}

/* Bytes that must be there after a failure, too. */
static unsigned char *fill(struct attempt *a, unsigned char *p, long len)
{
	for (long i = 0; i < len; i++)
		p[i] = byte_at(i);
	a->bytes = p;
	a->bytes_len = len;
	return p;
}

static unsigned char *filled_at(struct attempt *a, long at, long len)
{
	return fill(a, empty_at(at, len), len);
}

/* One block of 2 MiB, if there is one. */
static unsigned char *huge_at(struct attempt *a, long at)
{
	unsigned char *p = empty_at(at, HUGE);

	if (madvise(p, (size_t)HUGE, MADV_HUGEPAGE))
		broken("madvise");
	return fill(a, p, HUGE);
}

static int memory_file(long len)
{
	int fd = (int)syscall(SYS_memfd_create, "file", 0);

	if (fd < 0 || ftruncate(fd, len))
		broken("memfd_create");
	return fd;
}

static int filled_file(long len)
{
	int fd = memory_file(len);
	unsigned char page[PAGE];

	memset(page, 'x', sizeof(page));
	for (long at = 0; at < len; at += PAGE) {
		if (pwrite(fd, page, sizeof(page), at) != PAGE)
			broken("pwrite");
	}
	return fd;
}

/* --- mmap --- */

static void mmap_new(struct attempt *a)
{
	call(a, SYS_mmap, PLACE, 4 * PAGE, PROT_READ | PROT_WRITE,
	     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
}

static void mmap_over_middle(struct attempt *a)
{
	filled_at(a, PLACE, 8 * PAGE);
	call(a, SYS_mmap, PLACE + 2 * PAGE, 2 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
	     0);
}

static void mmap_over_several(struct attempt *a)
{
	filled_at(a, PLACE, 8 * PAGE);
	if (mprotect((void *)(PLACE + 3 * PAGE), PAGE, PROT_READ) || munmap((void *)(PLACE + 5 * PAGE), PAGE))
		broken("mprotect, munmap");
	a->bytes_len = 3 * PAGE;
	call(a, SYS_mmap, PLACE + PAGE, 6 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

static void mmap_over_huge(struct attempt *a)
{
	huge_at(a, PLACE);
	call(a, SYS_mmap, PLACE + 5 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

static void mmap_shared(struct attempt *a)
{
	call(a, SYS_mmap, PLACE, 4 * PAGE, PROT_READ | PROT_WRITE,
	     MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
}

static void mmap_file(struct attempt *a)
{
	call(a, SYS_mmap, PLACE, 4 * PAGE, PROT_READ, MAP_SHARED | MAP_FIXED_NOREPLACE, filled_file(4 * PAGE),
	     0);
}

static void mmap_populate(struct attempt *a)
{
	call(a, SYS_mmap, PLACE, 4 * PAGE, PROT_READ | PROT_WRITE,
	     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | MAP_POPULATE, -1, 0);
}

static void mmap_locked(struct attempt *a)
{
	call(a, SYS_mmap, PLACE, 4 * PAGE, PROT_READ | PROT_WRITE,
	     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | MAP_LOCKED, -1, 0);
}

static void mmap_growsdown(struct attempt *a)
{
	call(a, SYS_mmap, PLACE, 4 * PAGE, PROT_READ | PROT_WRITE,
	     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | MAP_GROWSDOWN, -1, 0);
}

/* --- munmap --- */

static void munmap_whole(struct attempt *a)
{
	filled_at(a, PLACE, 8 * PAGE);
	call(a, SYS_munmap, PLACE, 8 * PAGE, 0, 0, 0, 0);
}

static void munmap_middle(struct attempt *a)
{
	filled_at(a, PLACE, 8 * PAGE);
	call(a, SYS_munmap, PLACE + 2 * PAGE, 2 * PAGE, 0, 0, 0, 0);
}

static void munmap_several(struct attempt *a)
{
	filled_at(a, PLACE, 8 * PAGE);
	if (mprotect((void *)(PLACE + 3 * PAGE), PAGE, PROT_READ))
		broken("mprotect");
	call(a, SYS_munmap, PLACE + PAGE, 6 * PAGE, 0, 0, 0, 0);
}

static void munmap_of_huge(struct attempt *a)
{
	huge_at(a, PLACE);
	call(a, SYS_munmap, PLACE + 5 * PAGE, PAGE, 0, 0, 0, 0);
}

static void munmap_of_file(struct attempt *a)
{
	map_at(PLACE, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, memory_file(8 * PAGE));
	fill(a, (void *)PLACE, 8 * PAGE);
	call(a, SYS_munmap, PLACE + 2 * PAGE, PAGE, 0, 0, 0, 0);
}

/* --- mprotect --- */

static void mprotect_middle(struct attempt *a)
{
	filled_at(a, PLACE, 8 * PAGE);
	call(a, SYS_mprotect, PLACE + 2 * PAGE, 2 * PAGE, PROT_READ, 0, 0, 0);
}

static void mprotect_several(struct attempt *a)
{
	filled_at(a, PLACE, 8 * PAGE);
	if (mprotect((void *)(PLACE + 3 * PAGE), PAGE, PROT_READ | PROT_EXEC))
		broken("mprotect");
	call(a, SYS_mprotect, PLACE + PAGE, 6 * PAGE, PROT_READ, 0, 0, 0);
}

static void mprotect_of_huge(struct attempt *a)
{
	huge_at(a, PLACE);
	call(a, SYS_mprotect, PLACE + 5 * PAGE, PAGE, PROT_READ, 0, 0, 0);
}

static void mprotect_private_file(struct attempt *a)
{
	map_at(PLACE, 8 * PAGE, PROT_READ, MAP_PRIVATE, filled_file(8 * PAGE));
	call(a, SYS_mprotect, PLACE + 2 * PAGE, PAGE, PROT_READ | PROT_WRITE, 0, 0, 0);
}

/* --- mremap --- */

static void mremap_grow(struct attempt *a)
{
	filled_at(a, PLACE, 4 * PAGE);
	call(a, SYS_mremap, PLACE, 4 * PAGE, 8 * PAGE, 0, 0, 0);
}

static void mremap_shrink(struct attempt *a)
{
	filled_at(a, PLACE, 8 * PAGE);
	call(a, SYS_mremap, PLACE, 8 * PAGE, 4 * PAGE, 0, 0, 0);
}

static void mremap_shrink_middle(struct attempt *a)
{
	filled_at(a, PLACE, 8 * PAGE);
	call(a, SYS_mremap, PLACE + PAGE, 4 * PAGE, 2 * PAGE, 0, 0, 0);
}

static void mremap_grow_by_moving(struct attempt *a)
{
	filled_at(a, PLACE, 4 * PAGE);
	empty_at(PLACE + 4 * PAGE, PAGE);
	if (mprotect((void *)(PLACE + 4 * PAGE), PAGE, PROT_NONE))
		broken("mprotect");
	call(a, SYS_mremap, PLACE, 4 * PAGE, 8 * PAGE, MREMAP_MAYMOVE, 0, 0);
}

static void mremap_to(struct attempt *a)
{
	filled_at(a, PLACE, 4 * PAGE);
	call(a, SYS_mremap, PLACE, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, OTHER, 0);
}

static void mremap_middle_over_middle(struct attempt *a)
{
	filled_at(a, PLACE, 8 * PAGE);
	empty_at(OTHER, 8 * PAGE);
	call(a, SYS_mremap, PLACE + 2 * PAGE, 2 * PAGE, 3 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
	     OTHER + 2 * PAGE, 0);
}

static void mremap_keep(struct attempt *a)
{
	filled_at(a, PLACE, 4 * PAGE);
	call(a, SYS_mremap, PLACE, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP,
	     OTHER, 0);
}

static void mremap_again(struct attempt *a)
{
	map_at(PLACE, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, memory_file(4 * PAGE));
	fill(a, (void *)PLACE, 4 * PAGE);
	call(a, SYS_mremap, PLACE, 0, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, OTHER, 0);
}

static void mremap_several(struct attempt *a)
{
	filled_at(a, PLACE, 8 * PAGE);
	if (mprotect((void *)(PLACE + 3 * PAGE), PAGE, PROT_READ))
		broken("mprotect");
	a->bytes = NULL;
	call(a, SYS_mremap, PLACE + PAGE, 6 * PAGE, 6 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, OTHER, 0);
}

static void mremap_huge(struct attempt *a)
{
	huge_at(a, PLACE);
	call(a, SYS_mremap, PLACE, HUGE, HUGE, MREMAP_MAYMOVE | MREMAP_FIXED, OTHER, 0);
}

static void mremap_of_huge(struct attempt *a)
{
	huge_at(a, PLACE);
	call(a, SYS_mremap, PLACE + PAGE, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, OTHER + 7 * PAGE,
	     0);
}

/* --- madvise --- */

static void advise(struct attempt *a, int advice)
{
	call(a, SYS_madvise, PLACE + 2 * PAGE, 2 * PAGE, advice, 0, 0, 0);
}

static void madvise_dontneed(struct attempt *a)
{
	filled_at(a, PLACE, 8 * PAGE);
	advise(a, MADV_DONTNEED);
}

static void madvise_dontneed_of_huge(struct attempt *a)
{
	huge_at(a, PLACE);
	advise(a, MADV_DONTNEED);
}

static void madvise_free(struct attempt *a)
{
	filled_at(a, PLACE, 8 * PAGE);
	advise(a, MADV_FREE);
}

static void madvise_dontfork(struct attempt *a)
{
	filled_at(a, PLACE, 8 * PAGE);
	advise(a, MADV_DONTFORK);
}

static void madvise_wipeonfork(struct attempt *a)
{
	filled_at(a, PLACE, 8 * PAGE);
	advise(a, MADV_WIPEONFORK);
}

static void madvise_dontdump(struct attempt *a)
{
	filled_at(a, PLACE, 8 * PAGE);
	advise(a, MADV_DONTDUMP);
}

static void madvise_random(struct attempt *a)
{
	filled_at(a, PLACE, 8 * PAGE);
	advise(a, MADV_RANDOM);
}

static void madvise_hugepage(struct attempt *a)
{
	filled_at(a, PLACE, 8 * PAGE);
	advise(a, MADV_HUGEPAGE);
}

static void madvise_nohugepage(struct attempt *a)
{
	filled_at(a, PLACE, 8 * PAGE);
	advise(a, MADV_NOHUGEPAGE);
}

static void madvise_guard(struct attempt *a)
{
	empty_at(PLACE, 8 * PAGE);
	advise(a, MADV_GUARD_INSTALL);
}

static void madvise_guard_of_huge(struct attempt *a)
{
	huge_at(a, PLACE);
	advise(a, MADV_GUARD_INSTALL);
}

static void mseal_middle(struct attempt *a)
{
	filled_at(a, PLACE, 8 * PAGE);
	call(a, 462 /* mseal(2) */, PLACE + 2 * PAGE, 2 * PAGE, 0, 0, 0, 0);
}

static void madvise_collapse(struct attempt *a)
{
	filled_at(a, PLACE, HUGE);
	call(a, SYS_madvise, PLACE, HUGE, MADV_COLLAPSE, 0, 0, 0);
}

static void madvise_populate_read(struct attempt *a)
{
	empty_at(PLACE, 8 * PAGE);
	advise(a, MADV_POPULATE_READ);
}

static void madvise_populate_write(struct attempt *a)
{
	empty_at(PLACE, 8 * PAGE);
	advise(a, MADV_POPULATE_WRITE);
}

static void madvise_remove(struct attempt *a)
{
	map_at(PLACE, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, memory_file(8 * PAGE));
	fill(a, (void *)PLACE, 8 * PAGE);
	advise(a, MADV_REMOVE);
}

/* --- brk, mlock --- */

static void brk_by(struct attempt *a, long by)
{
	call(a, SYS_brk, syscall(SYS_brk, 0) + by, 0, 0, 0, 0, 0);
}

static void brk_grow(struct attempt *a)
{
	brk_by(a, 16 * PAGE);
}

static void brk_shrink(struct attempt *a)
{
	brk_by(a, 16 * PAGE);
	syscall(SYS_brk, a->arguments[0]);
	brk_by(a, -8 * PAGE);
}

static void mlock_middle(struct attempt *a)
{
	filled_at(a, PLACE, 8 * PAGE);
	call(a, SYS_mlock, PLACE + 2 * PAGE, 2 * PAGE, 0, 0, 0, 0);
}

static void mlock_empty(struct attempt *a)
{
	empty_at(PLACE, 4 * PAGE);
	call(a, SYS_mlock, PLACE, 4 * PAGE, 0, 0, 0, 0);
}

static void mlock_on_fault(struct attempt *a)
{
	empty_at(PLACE, 8 * PAGE);
	call(a, SYS_mlock2, PLACE + 2 * PAGE, 2 * PAGE, 1, 0, 0, 0);
}

static void munlock_middle(struct attempt *a)
{
	filled_at(a, PLACE, 8 * PAGE);
	if (mlock((void *)PLACE, (size_t)(8 * PAGE)))
		broken("mlock");
	call(a, SYS_munlock, PLACE + 2 * PAGE, 2 * PAGE, 0, 0, 0, 0);
}

static void mlockall_future(struct attempt *a)
{
	filled_at(a, PLACE, 8 * PAGE);
	call(a, SYS_mlockall, MCL_FUTURE, 0, 0, 0, 0, 0);
}

static void munlockall_all(struct attempt *a)
{
	filled_at(a, PLACE, 8 * PAGE);
	if (mlock((void *)(PLACE + PAGE), (size_t)(2 * PAGE)))
		broken("mlock");
	call(a, SYS_munlockall, 0, 0, 0, 0, 0, 0);
}

/* --- files of memory --- */

static void memfd_new(struct attempt *a)
{
	call(a, SYS_memfd_create, (long)"name", 0, 0, 0, 0, 0);
}

static void memfd_write(struct attempt *a)
{
	static unsigned char bytes[3 * PAGE];

	fill(a, bytes, sizeof(bytes));
	a->bytes = NULL;
	call(a, SYS_pwrite64, memory_file(8 * PAGE), (long)bytes, PAGE, PAGE, 0, 0);
}

static void memfd_allocate(struct attempt *a)
{
	call(a, SYS_fallocate, memory_file(8 * PAGE), 0, 0, 4 * PAGE, 0, 0);
}

static void memfd_punch(struct attempt *a)
{
	call(a, SYS_fallocate, filled_file(8 * PAGE), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, PAGE,
	     4 * PAGE, 0, 0);
}

static void memfd_shrink(struct attempt *a)
{
	int fd = memory_file(8 * PAGE);

	map_at(PLACE, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd);
	fill(a, (void *)PLACE, 8 * PAGE);
	call(a, SYS_ftruncate, fd, 3 * PAGE + 7, 0, 0, 0, 0);
}

/* --- processes --- */

static void make_child(struct attempt *a, long flags)
{
	huge_at(a, PLACE);
	filled_at(a, OTHER, 8 * PAGE);
	map_at(OTHER + HUGE, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, filled_file(4 * PAGE));
	a->child_ends = 1;
	call(a, SYS_clone, flags | SIGCHLD, 0, 0, 0, 0, 0);
}

static void fork_child(struct attempt *a)
{
	make_child(a, 0);
	call(a, SYS_fork, 0, 0, 0, 0, 0, 0);
}

static void vfork_child(struct attempt *a)
{
	make_child(a, 0);
	call(a, SYS_vfork, 0, 0, 0, 0, 0, 0);
}

static void clone_memory(struct attempt *a)
{
	make_child(a, CLONE_VM);
}

static void clone_files(struct attempt *a)
{
	make_child(a, CLONE_FILES | CLONE_FS);
}

static void execute(struct attempt *a)
{
	static char text[16];
	static char *argv[] = {"failures", "executed", text, NULL}, *envp[] = {"A=1", NULL};

	filled_at(a, PLACE, 8 * PAGE);
	snprintf(text, sizeof(text), "%d", control);
	call(a, SYS_execve, (long)self, (long)argv, (long)envp, 0, 0, 0);
}

/* --- page faults --- */

static void fault_read(struct attempt *a)
{
	empty_at(PLACE, PAGE);
	call(a, LOOK, PLACE, 0, 0, 0, 0, 0);
}

static void fault_write(struct attempt *a)
{
	empty_at(PLACE, PAGE);
	call(a, TOUCH, PLACE, 0, 0, 0, 0, 0);
}

static void fault_write_after_read(struct attempt *a)
{
	volatile unsigned char *p = empty_at(PLACE, PAGE);

	(void)*p;
	call(a, TOUCH, PLACE, 0, 0, 0, 0, 0);
}

static void fault_huge(struct attempt *a)
{
	if (madvise(empty_at(PLACE, HUGE), (size_t)HUGE, MADV_HUGEPAGE))
		broken("madvise");
	call(a, TOUCH, PLACE + 5 * PAGE, 0, 0, 0, 0, 0);
}

static void fault_shared(struct attempt *a)
{
	map_at(PLACE, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1);
	call(a, TOUCH, PLACE, 0, 0, 0, 0, 0);
}

static void fault_hole(struct attempt *a)
{
	map_at(PLACE, 8 * PAGE, PROT_READ, MAP_SHARED, memory_file(8 * PAGE));
	call(a, LOOK, PLACE + 3 * PAGE, 0, 0, 0, 0, 0);
}

static void fault_file_read(struct attempt *a)
{
	map_at(PLACE, 8 * PAGE, PROT_READ, MAP_PRIVATE, filled_file(8 * PAGE));
	call(a, LOOK, PLACE + 3 * PAGE, 0, 0, 0, 0, 0);
}

static void fault_file_copy(struct attempt *a)
{
	map_at(PLACE, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, filled_file(8 * PAGE));
	call(a, TOUCH, PLACE + 3 * PAGE, 0, 0, 0, 0, 0);
}

static void fault_file_copy_after_read(struct attempt *a)
{
	volatile unsigned char *p =
		map_at(PLACE, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, filled_file(8 * PAGE));

	(void)p[3 * PAGE];
	call(a, TOUCH, PLACE + 3 * PAGE, 0, 0, 0, 0, 0);
}

static void fault_file_shared(struct attempt *a)
{
	map_at(PLACE, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, filled_file(8 * PAGE));
	call(a, TOUCH, PLACE + 3 * PAGE, 0, 0, 0, 0, 0);
}

/* The parent and its child share the pages; this is the child. */
static void become_child(void)
{
	int status;
	pid_t child = fork();

	if (child == 0)
		return;
	if (child < 0 || waitpid(child, &status, 0) != child)
		broken("fork");
	fflush(stdout);
	if (WIFSIGNALED(status))
		kill(getpid(), WTERMSIG(status));
	_exit(WEXITSTATUS(status));
}

static void fault_after_fork(struct attempt *a)
{
	filled_at(a, PLACE, 8 * PAGE);
	a->bytes = NULL;
	become_child();
	call(a, TOUCH, PLACE + 3 * PAGE, 0, 0, 0, 0, 0);
}

static void fault_huge_after_fork(struct attempt *a)
{
	huge_at(a, PLACE);
	a->bytes = NULL;
	become_child();
	call(a, TOUCH, PLACE + 3 * PAGE, 0, 0, 0, 0, 0);
}

static void fault_stack(struct attempt *a)
{
	call(a, TOUCH, (long)__builtin_frame_address(0) - 64 * PAGE, 0, 0, 0, 0, 0);
}

static void fault_of_kernel(struct attempt *a)
{
	empty_at(PLACE, PAGE);
	call(a, SYS_getrandom, PLACE, 16, 0, 0, 0, 0);
}

static const struct test tests[] = {
	{"mmap", mmap_new, 0, 0},
	{"mmap over the middle", mmap_over_middle, 0, 0},
	{"mmap over several", mmap_over_several, 0, 0},
	{"mmap over a part of a huge page", mmap_over_huge, 0, 0},
	{"mmap, shared", mmap_shared, 0, 0},
	{"mmap of a file", mmap_file, 0, 0},
	{"mmap, populated", mmap_populate, MAY_DO_WITHOUT, 0},
	{"mmap, locked", mmap_locked, MAY_DO_WITHOUT, 0},
	{"mmap, growing down", mmap_growsdown, 0, 0},
	{"munmap", munmap_whole, 0, 0},
	{"munmap of the middle", munmap_middle, 0, 0},
	{"munmap of several", munmap_several, 0, 0},
	{"munmap of a part of a huge page", munmap_of_huge, 0, 0},
	{"munmap of the middle of a file", munmap_of_file, 0, 0},
	{"mprotect of the middle", mprotect_middle, 0, 0},
	{"mprotect of several", mprotect_several, 0, 0},
	{"mprotect of a part of a huge page", mprotect_of_huge, 0, 0},
	{"mprotect of a private file", mprotect_private_file, 0, 0},
	{"mremap, in place", mremap_grow, 0, 0},
	{"mremap, smaller", mremap_shrink, 0, 0},
	{"mremap, the middle smaller", mremap_shrink_middle, 0, 0},
	{"mremap, larger elsewhere", mremap_grow_by_moving, 0, 0},
	{"mremap to a place", mremap_to, 0, 0},
	{"mremap, the middle over a middle", mremap_middle_over_middle, HALF_DONE, 0},
	{"mremap, the old stays", mremap_keep, 0, 0},
	{"mremap, mapped again", mremap_again, 0, 0},
	{"mremap of several", mremap_several, HALF_DONE, 0},
	{"mremap of a huge page", mremap_huge, 0, 0},
	{"mremap of a part of a huge page", mremap_of_huge, 0, 0},
	{"MADV_DONTNEED", madvise_dontneed, 0, 0},
	{"MADV_DONTNEED in a huge page", madvise_dontneed_of_huge, 0, 0},
	{"MADV_FREE", madvise_free, 0, 0},
	{"MADV_DONTFORK", madvise_dontfork, 0, EAGAIN},
	{"MADV_WIPEONFORK", madvise_wipeonfork, 0, EAGAIN},
	{"MADV_DONTDUMP", madvise_dontdump, 0, EAGAIN},
	{"MADV_RANDOM", madvise_random, 0, EAGAIN},
	{"MADV_HUGEPAGE", madvise_hugepage, 0, EAGAIN},
	{"MADV_NOHUGEPAGE", madvise_nohugepage, 0, EAGAIN},
	{"MADV_GUARD_INSTALL", madvise_guard, 0, 0},
	{"MADV_GUARD_INSTALL in a huge page", madvise_guard_of_huge, 0, 0},
	{"mseal", mseal_middle, 0, 0},
	{"MADV_COLLAPSE", madvise_collapse, 0, EAGAIN},
	{"MADV_POPULATE_READ", madvise_populate_read, 0, 0},
	{"MADV_POPULATE_WRITE", madvise_populate_write, 0, 0},
	{"MADV_REMOVE", madvise_remove, 0, 0},
	{"brk", brk_grow, RETURNS_BREAK, 0},
	{"brk, smaller", brk_shrink, RETURNS_BREAK, 0},
	{"mlock of the middle", mlock_middle, 0, 0},
	{"mlock of untouched pages", mlock_empty, HALF_DONE, EAGAIN},
	{"mlock2 on fault", mlock_on_fault, 0, 0},
	{"munlock of the middle", munlock_middle, 0, 0},
	{"mlockall", mlockall_future, 0, 0},
	{"munlockall", munlockall_all, 0, 0},
	{"memfd_create", memfd_new, 0, 0},
	{"write to a memfd", memfd_write, 0, ENOSPC},
	{"fallocate", memfd_allocate, 0, ENOSPC},
	{"a hole punched", memfd_punch, 0, 0},
	{"ftruncate", memfd_shrink, 0, 0},
	{"fork", fork_child, MAKES_CHILD, 0},
	{"vfork", vfork_child, MAKES_CHILD, 0},
	{"clone, CLONE_VM", clone_memory, MAKES_CHILD, 0},
	{"clone, CLONE_FILES", clone_files, MAKES_CHILD, 0},
	{"execve", execute, EXECUTES | FAULTS, 0},
	{"fault: read", fault_read, FAULTS, 0},
	{"fault: write", fault_write, FAULTS, 0},
	{"fault: write after read", fault_write_after_read, FAULTS, 0},
	{"fault: huge page", fault_huge, FAULTS | MAY_DO_WITHOUT, 0},
	{"fault: shared", fault_shared, FAULTS, 0},
	{"fault: hole of a file", fault_hole, FAULTS, 0},
	{"fault: file", fault_file_read, FAULTS | MAY_DO_WITHOUT, 0},
	{"fault: copy of a file", fault_file_copy, FAULTS, 0},
	{"fault: copy of a file after read", fault_file_copy_after_read, FAULTS, 0},
	{"fault: shared file", fault_file_shared, FAULTS | MAY_DO_WITHOUT, 0},
	{"fault: after fork", fault_after_fork, FAULTS, 0},
	{"fault: huge page after fork", fault_huge_after_fork, FAULTS, 0},
	{"fault: stack", fault_stack, FAULTS, 0},
	{"fault: of the kernel", fault_of_kernel, FAULTS, EFAULT},
};

/* --- one try --- */

enum outcome {
	CAME_THROUGH, /* and no allocation failed */
	FAILED,	      /* as it must */
	DID_WITHOUT,  /* came through, although one failed */
	WRONG,	      /* as was said */
};

static void read_file(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY);
	size_t len = 0;
	ssize_t n;

	while (fd >= 0 && (n = read(fd, text + len, size - 1 - len)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	close(fd);
}

static int says(const char *word)
{
	char text[64] = "";

	return pread(control, text, sizeof(text) - 1, 0) > 0 && strncmp(text, word, strlen(word)) == 0;
}

static int bytes_are_there(const struct attempt *a)
{
	for (long i = 0; a->bytes && i < a->bytes_len; i++) {
		if (a->bytes[i] != byte_at(i))
			return 0;
	}
	return 1;
}

static int has_failed(const struct test *t, const struct attempt *a, long result)
{
	if (t->flags & RETURNS_BREAK)
		return result != a->arguments[0];
	return result < 0 && result >= -4095;
}

static int look_at_failure(const struct test *t, const struct attempt *a, long result)
{
	if (!(t->flags & RETURNS_BREAK) && result != -ENOMEM && result != -t->error) {
		printf("%s: %s\n", t->name, strerror((int)-result));
		return WRONG;
	}
	read_file("/proc/self/maps", maps_after, sizeof(maps_after));
	if (!(t->flags & HALF_DONE) && strcmp(maps_before, maps_after) != 0) {
		printf("%s: mappings have changed, before:\n%sand after:\n%s", t->name, maps_before,
		       maps_after);
		return WRONG;
	}
	if (!bytes_are_there(a)) {
		printf("%s: contents have changed\n", t->name);
		return WRONG;
	}
	return FAILED;
}

/* Of all processes this one is to end when a fault finds no memory. */
static void volunteer(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY);

	if (write(fd, "1000", 4) != 4)
		broken("oom_score_adj");
	close(fd);
}

static int try_once(const struct test *t, long n)
{
	static struct attempt a, nothing = {.number = SYS_getpid};
	static char text[24];
	int fired, failed, status;
	long result;

	t->prepare(&a);
	if (t->flags & FAULTS)
		volunteer();
	snprintf(text, sizeof(text), "%ld", n);
	read_file("/proc/self/maps", maps_before, sizeof(maps_before));
	armed_call(control, "0", 1, &nothing); /* its pages are there now */
	result = armed_call(control, text, strlen(text), &a);
	fired = !says("off");
	failed = has_failed(t, &a, result);
	if (!failed && (t->flags & MAKES_CHILD) && (wait(&status) != result || status != 0)) {
		printf("%s: the child has not ended well\n", t->name);
		return WRONG;
	}
	if (!failed)
		return fired ? DID_WITHOUT : CAME_THROUGH;
	if (!fired) {
		printf("%s: %s, and nothing had failed\n", t->name, strerror((int)-result));
		return WRONG;
	}
	return look_at_failure(t, &a, result);
}

/* In a process of its own. */
static int try_in_child(const struct test *t, long n)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		int outcome = try_once(t, n);
		fflush(stdout);
		_exit(outcome);
	}
	if (child < 0 || waitpid(child, &status, 0) != child) {
		printf("%s: no process for try %ld\n", t->name, n);
		return WRONG;
	}
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && (t->flags & FAULTS))
		return FAILED;
	if (WIFSIGNALED(status)) {
		printf("%s: signal %d\n", t->name, WTERMSIG(status));
		return WRONG;
	}
	return WEXITSTATUS(status);
}

/* Frames by owner, without what lasts for a process only; and promised memory. */
static void read_ledger(char *text, size_t size)
{
	char memory[4096], *line, *end;

	read_file("/proc/moat/ledger", text, size);
	line = strstr(text, "process ");
	if (line)
		*line = '\0';
	/* Frames of the heap come and go with the places of its objects, whose number tells more. */
	for (const char *name = "free \0kernel "; *name; name += strlen(name) + 1) {
		char *number = strstr(text, name);
		if (number)
			memset(number + strlen(name), '-', strcspn(number + strlen(name), "\n"));
	}
	read_file("/proc/meminfo", memory, sizeof(memory));
	line = strstr(memory, "Committed_AS");
	end = line ? strchr(line, '\n') : NULL;
	if (!end)
		return;
	*end = '\0';
	strncat(text, line, size - strlen(text) - 1);
}

static int run(const struct test *t, int counts)
{
	static char before[4096] = "-", after[4096] = "-";
	int outcome = FAILED, failures = 0;
	long n;

	if (try_in_child(t, 1000000) != CAME_THROUGH) {
		printf("%s: fails anyway\n", t->name);
		return 0;
	}
	read_ledger(before, sizeof(before));
	for (n = 1; n <= TRIES_MAX && outcome != CAME_THROUGH; n++) {
		outcome = try_in_child(t, n);
		failures += outcome == FAILED;
		if (outcome > DID_WITHOUT || (outcome == DID_WITHOUT && !(t->flags & MAY_DO_WITHOUT))) {
			printf("%s: allocation %ld: %s\n", t->name, n,
			       outcome == DID_WITHOUT ? "not missed" : "wrong");
			return 0;
		}
	}
	read_ledger(after, sizeof(after));
	if (!counts)
		return 1;
	if (n > TRIES_MAX || strcmp(before, after) != 0) {
		printf("%s: %ld tries, before:\n%s\nand after:\n%s\n", t->name, n - 1, before, after);
		return 0;
	}
	printf("%s: %d of %ld\n", t->name, failures, n - 2);
	return 1;
}

int main(int argc, char **argv)
{
	int wrong = 0;
	char *const *only = argv + 1;

	setvbuf(stdout, NULL, _IOFBF, 0);
	memset(maps_before, 1, sizeof(maps_before)); /* no page of it is new later */
	memset(maps_after, 1, sizeof(maps_after));
	if (argc == 3 && strcmp(argv[1], "executed") == 0) {
		control = atoi(argv[2]);
		return says("armed") ? CAME_THROUGH : WRONG;
	}
	self = argv[0];
	control = open("/proc/moat/fail_after", O_RDWR);
	if (control < 0 || !says("off")) {
		printf("/proc/moat/fail_after: %s\n", strerror(errno));
		return 1;
	}
	run(&tests[0], 0); /* what this process and the kernel make at the first use is made now */
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		if (!*only || strcmp(*only, tests[i].name) == 0)
			wrong += !run(&tests[i], 1);
		fflush(stdout);
	}
	return wrong != 0;
}
