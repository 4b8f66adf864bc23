/* SPDX-License-Identifier: MIT */
/* The parts of mmfuzz.c that draw numbers and that print: ranges, results, mappings, contents. */
#ifndef MMFUZZ_H
#define MMFUZZ_H

#include "mem.h"

#define PAGES	   48u
#define FILE_PAGES 8u
#define DEPTH	   2

enum {
	OP_REMAP = 1,
	OP_ADVICE = 2,	 /* advice about contents: DONTNEED, WILLNEED, POPULATE and the like */
	OP_FLAGS = 4,	 /* advice that changes flags or may fail on some mappings */
	OP_LOCK = 8,	 /* mlock and its family, MAP_LOCKED */
	OP_QUERY = 0x10, /* mincore, msync */
	OP_FILE = 0x20,	 /* truncating, punching, reading and writing the mapped files */
	OP_MEMFD = 0x40, /* a memfd as the second file */
	OP_FORK = 0x80,
	OP_MAPS = 0x100,       /* print /proc/self/maps */
	OP_SMAPS = 0x200,      /* print flags and anonymous pages from /proc/self/smaps */
	OP_GUARD = 0x400,      /* MADV_GUARD_INSTALL and _REMOVE */
	OP_COPY = 0x800,       /* read and write a file with buffers in the arena */
	OP_MAP_FLAGS = 0x1000, /* MAP_POPULATE, MAP_NORESERVE, hints instead of fixed places */
	OP_ALL = 0x1fff,
};

static unsigned long state;
static unsigned mask = OP_ALL, step_number;
static int depth;

static unsigned draw(unsigned bound)
{
	state = state * 6364136223846793005ul + 1442695040888963407ul;
	return (unsigned)(state >> 33) % bound;
}

static const char *error_name(long result)
{
	return result == -1 ? abi_error(errno) : "";
}

/* A range of the arena, often of a few pages. */
struct span {
	unsigned page, pages;
	char *at;
	size_t len;
};

static struct span draw_span(void)
{
	struct span s = {.page = draw(PAGES), .pages = 1 + draw(draw(2) ? 3 : 12)};

	if (s.page + s.pages > PAGES)
		s.pages = PAGES - s.page;
	s.at = arena + s.page * PAGE;
	s.len = s.pages * PAGE;
	return s;
}

static void begin(const char *what, struct span s)
{
	printf("%d.%u %s %u+%u", depth, step_number, what, s.page, s.pages);
	errno = 0;
}

static void end(long result)
{
	printf(": %ld %s\n", result, error_name(result));
}

static int inside(const char *p)
{
	return p >= arena && p < arena + PAGES * PAGE;
}

static void end_place(const char *p)
{
	if (p == MAP_FAILED)
		printf(": %s\n", abi_error(errno));
	else if (inside(p))
		printf(": at %ld\n", (long)(p - arena) / (long)PAGE);
	else
		printf(": elsewhere\n");
}

/* From smaps: of each mapping the anonymous kibibytes and the flags that do not depend on a kernel's configuration. */
static void show_smaps(void)
{
	static char text[1 << 18];
	size_t length = 0;
	ssize_t n;
	int fd = open("/proc/self/smaps", O_RDONLY), in = 0;

	while (fd >= 0 && (n = read(fd, text + length, sizeof(text) - 1 - length)) > 0)
		length += (size_t)n;
	text[length] = 0;
	close(fd);
	for (char *at = text, *next; *at; at = next) {
		unsigned long first, last;
		char flag[4];
		int used;

		next = strchr(at, '\n');
		*next++ = 0;
		if (sscanf(at, "%lx-%lx", &first, &last) == 2) {
			in = inside((char *)first);
			if (in)
				printf("  %lu-%lu", (first - (uintptr_t)arena) / PAGE,
				       (last - (uintptr_t)arena) / PAGE);
		}
		if (in && strncmp(at, "Anonymous:", 10) == 0)
			printf(" anonymous %d flags", atoi(at + 10));
		if (!in || strncmp(at, "VmFlags:", 8) != 0)
			continue;
		for (at += 8; sscanf(at, " %3s%n", flag, &used) == 1; at += used) {
			if (strcmp(flag, "sd") != 0)
				printf(" %s", flag);
		}
		putchar('\n');
	}
}

static void show_maps(void)
{
	if (mask & OP_MAPS)
		mem_maps(0, "", arena, PAGES);
	if (mask & OP_SMAPS)
		show_smaps();
}

/* A number for what each page of the arena holds, or the letter of the signal. */
static void show_contents(void)
{
	printf("pages");
	for (unsigned i = 0; i < PAGES; i++) {
		const char *p = arena + i * PAGE;
		unsigned long words[PAGE / 8], sum = 0;
		int byte = mem_touch(arena + i * PAGE, -1);

		if (byte >= 0) {
			memcpy(words, p, PAGE);
			for (unsigned k = 0; k < PAGE / 8; k++)
				sum = sum * 31 + words[k];
			printf(" %lx", (sum ^ sum >> 32) & 0xffff);
		} else {
			printf(" %c", byte == -SIGSEGV ? 'S' : 'B');
		}
	}
	putchar('\n');
}

#endif
