/* SPDX-License-Identifier: MIT */
/*
 * What the tests of memory share, beyond abi.h: an arena at a fixed place, touches whose faults are caught and told,
 * the arena's lines of /proc/self/maps, and names that are newer than some headers.
 *
 * The arena is a hole between two guards, far below where a kernel places mappings by itself, so nothing outside merges
 * with what is inside and nothing unasked comes into it. All addresses are printed relative to it, in pages.
 *
 *     | guard |  arena: a hole of the wished size  | guard |
 */
#ifndef MEM_H
#define MEM_H

#include "abi.h"
#include <setjmp.h>
#include <signal.h>
#include <sys/wait.h>

#define RW	(PROT_READ | PROT_WRITE)
#define ANON	(MAP_PRIVATE | MAP_ANONYMOUS)
#define SHANON	(MAP_SHARED | MAP_ANONYMOUS)
#define FIXANON (MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED)

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ  22
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#define MADV_GUARD_REMOVE  103
#endif
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#ifndef MLOCK_ONFAULT
#define MLOCK_ONFAULT 1
#endif
#ifndef MCL_ONFAULT
#define MCL_ONFAULT 4
#endif
#ifndef SEGV_PKUERR
#define SEGV_PKUERR 4
#endif

/* 64 KiB above a border of 2 MiB: an arena of less than 1.9 MiB never holds an aligned huge page. */
#define ARENA_BASE  ((char *)0x100000010000)
#define GUARD_PAGES 16

static char *arena;
static sigjmp_buf mem_back;
static volatile int mem_code, mem_touching;
static char *volatile mem_at;

static inline void mem_caught(int signal, siginfo_t *info, void *context)
{
	(void)context;
	/* A fault that no touch asked for is the end, once the instruction is tried again. */
	if (!mem_touching) {
		sigaction(signal, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
		return;
	}
	mem_touching = 0;
	mem_code = info->si_code;
	mem_at = info->si_addr;
	siglongjmp(mem_back, signal);
}

/* From here on faults end in touch() instead of the program's end. */
static inline void mem_catch(void)
{
	struct sigaction action = {.sa_sigaction = mem_caught, .sa_flags = SA_SIGINFO | SA_NODEFER};

	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
}

/* Make the arena of so many pages; returns its start, which is also `arena`. */
static inline char *mem_arena(size_t pages)
{
	int fd = (int)syscall(SYS_memfd_create, "guard", 0);
	size_t guard = GUARD_PAGES * PAGE;

	arena = ARENA_BASE;
	if (fd < 0)
		fd = open("guard", O_RDWR | O_CREAT, 0600);
	if (mmap(arena - guard, guard, PROT_NONE, MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED ||
	    mmap(arena + pages * PAGE, guard, PROT_NONE, MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED) {
		printf("no arena: %s\n", abi_error(errno));
		exit(1);
	}
	close(fd);
	return arena;
}

/* Read (value < 0) or write the byte at p. Returns the byte, or minus the signal; mem_code and mem_at tell more. */
static inline int mem_touch(volatile char *p, int value)
{
	volatile int byte = value; /* kept over the jump */
	int signal = sigsetjmp(mem_back, 0);

	if (signal)
		return -signal;
	mem_touching = 1;
	if (byte < 0)
		byte = (unsigned char)*p;
	else
		*p = (char)byte;
	mem_touching = 0;
	return byte;
}

/* The name of what mem_touch() returned and of mem_code, for instance "SEGV_ACCERR". */
static inline const char *mem_fault(int result)
{
	if (result == -SIGSEGV) {
		return mem_code == SEGV_MAPERR	 ? "SEGV_MAPERR"
		       : mem_code == SEGV_ACCERR ? "SEGV_ACCERR"
		       : mem_code == SEGV_PKUERR ? "SEGV_PKUERR"
		       : mem_code == SI_KERNEL	 ? "SI_KERNEL"
						 : "SEGV?";
	}
	return mem_code == BUS_ADRERR ? "BUS_ADRERR" : "BUS?";
}

static inline void mem_report(int line, const char *what, const char *p, int result)
{
	if (result >= 0)
		printf("%d: %s: %d\n", line, what, result);
	else
		printf("%d: %s: %s at %+ld\n", line, what, mem_fault(result), (long)(mem_at - p));
}

/* Read or write one byte, and print what it is or which fault it brings and how far from the byte. */
#define LOOK(p)                                                        \
	do {                                                           \
		char *mem_p = (char *)(p);                             \
		mem_report(__LINE__, #p, mem_p, mem_touch(mem_p, -1)); \
	} while (0)
#define PUT(p, value)                                                                  \
	do {                                                                           \
		char *mem_p = (char *)(p);                                             \
		mem_report(__LINE__, #p " = " #value, mem_p, mem_touch(mem_p, value)); \
	} while (0)

/* The first byte of each page: its value, or S for SIGSEGV, B for SIGBUS. */
static inline void mem_show(int line, char *p, size_t pages)
{
	printf("%d: bytes", line);
	for (size_t i = 0; i < pages; i++) {
		int byte = mem_touch(p + i * PAGE, -1);

		if (byte >= 0)
			printf(" %d", byte);
		else
			printf(" %c", byte == -SIGSEGV ? 'S' : 'B');
	}
	putchar('\n');
}
#define SHOW(p, pages) mem_show(__LINE__, p, pages)

/* Fill the first byte of each page with value, value + 1, … */
static inline void mem_fill(char *p, size_t pages, int value)
{
	for (size_t i = 0; i < pages; i++)
		p[i * PAGE] = (char)(value + (int)i);
}

/* Which pages are present according to mincore(). */
static inline void mem_core(int line, char *p, size_t pages)
{
	unsigned char vector[512];
	int result = (int)syscall(SYS_mincore, p, pages * PAGE, vector);

	printf("%d: mincore ", line);
	if (result != 0)
		printf("%s", abi_error(errno));
	for (size_t i = 0; result == 0 && i < pages; i++)
		putchar(vector[i] & 1 ? '1' : '0');
	putchar('\n');
}
#define CORE(p, pages) mem_core(__LINE__, p, pages)

/*
 * Where a call put a mapping: the number of pages from the start of the arena, "elsewhere", or the error. Returns the
 * address.
 */
static inline char *mem_place(int line, const char *call, char *p, size_t arena_pages)
{
	int error = errno;

	if (p == MAP_FAILED)
		printf("%d: %s = %s\n", line, call, abi_error(error));
	else if (p >= arena && p < arena + arena_pages * PAGE)
		printf("%d: %s = page %ld\n", line, call, (long)(p - arena) / (long)PAGE);
	else
		printf("%d: %s = elsewhere\n", line, call);
	return p;
}

/* One line of maps, if it lies in [start, end): "first-end rights offset name", pages relative to start. */
static inline void mem_maps_line(char *line, const char *start, const char *end)
{
	unsigned long first, last, offset;
	char rights[8], name[256] = "", *slash;

	if (sscanf(line, "%lx-%lx %7s %lx %*s %*s %255[^\n]", &first, &last, rights, &offset, name) < 4)
		return;
	if (first < (uintptr_t)start || last > (uintptr_t)end)
		return;
	slash = strrchr(name, '/');
	printf("  %lu-%lu %s %lu %s\n", (first - (uintptr_t)start) / PAGE, (last - (uintptr_t)start) / PAGE,
	       rights, offset / PAGE, slash ? slash + 1 : name);
}

/* The lines of /proc/self/maps for [p, p + pages), addresses and offsets in pages, of a name only its last part. */
static inline void mem_maps(int line, const char *what, char *p, size_t pages)
{
	static char text[1 << 17];
	size_t length = 0;
	ssize_t n;
	int fd = open("/proc/self/maps", O_RDONLY);

	while (fd >= 0 && (n = read(fd, text + length, sizeof(text) - 1 - length)) > 0)
		length += (size_t)n;
	text[length] = 0;
	close(fd);
	if (line)
		printf("%d: %s\n", line, what);
	for (char *at = text, *next; *at; at = next) {
		next = strchr(at, '\n');
		if (next)
			*next++ = 0;
		else
			next = at + strlen(at);
		mem_maps_line(at, p, p + pages * PAGE);
	}
}
#define MAPS(p, pages) mem_maps(__LINE__, "maps", p, pages)

/* Run statements in a child, and print what it ended with. The child's output stands before the parent's. */
#define IN_CHILD(...)                                                                                  \
	do {                                                                                           \
		int mem_status = 0;                                                                    \
		fflush(stdout);                                                                        \
		pid_t mem_pid = fork();                                                                \
		if (mem_pid == 0) {                                                                    \
			__VA_ARGS__;                                                                   \
			fflush(stdout);                                                                \
			_exit(0);                                                                      \
		}                                                                                      \
		waitpid(mem_pid, &mem_status, 0);                                                      \
		if (mem_pid < 0 || mem_status)                                                         \
			printf("%d: child %s, status %#x\n", __LINE__, mem_pid < 0 ? "none" : "ended", \
			       mem_status);                                                            \
	} while (0)

/* A call whose result is told as a place in an arena of ARENA_PAGES pages, which the program defines. */
#define W(call)                                                          \
	({                                                               \
		errno = 0;                                               \
		mem_place(__LINE__, #call, (char *)(call), ARENA_PAGES); \
	})

#endif
