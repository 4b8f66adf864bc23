/* SPDX-License-Identifier: MIT */
/*
 * A process's memory in /proc/self: maps, smaps, pagemap, mem, clear_refs. Addresses are printed relative to a
 * region of the test's own; lines are looked at with static buffers, so that looking changes nothing.
 */
#include "abi.h"
#include <sys/sysmacros.h>

#define REGION_PAGES 64

static char text[1 << 20], other[1 << 20];

/* All of a file, read with a buffer of `step` bytes. */
static size_t slurp(const char *path, char *to, size_t room, size_t step)
{
	int fd = open(path, O_RDONLY);
	size_t len = 0;
	ssize_t n;

	while (fd >= 0 && len + step < room && (n = read(fd, to + len, step)) > 0)
		len += (size_t)n;
	to[len] = '\0';
	if (fd >= 0)
		close(fd);
	return len;
}

static char *region(void)
{
	char *p = mmap(NULL, REGION_PAGES * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		exit(1);
	return p;
}

static char *map_at(char *at, size_t pages, int prot, int flags, int fd, long offset)
{
	return mmap(at, pages * PAGE, prot, flags | MAP_FIXED, fd, offset);
}

/* The lines of maps (or smaps) inside the region, relative to it. */
static void show_region(const char *base)
{
	char *line, *save = NULL;

	slurp("/proc/self/maps", text, sizeof(text), 4096);
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		unsigned long start, end, offset, ino;
		unsigned major, minor;
		char rights[8];
		int name = 0;

		if (sscanf(line, "%lx-%lx %7s %lx %x:%x %lu %n", &start, &end, rights, &offset, &major,
			   &minor, &ino, &name) < 7)
			printf("strange: %s\n", line);
		if (end <= (unsigned long)base || start >= (unsigned long)base + REGION_PAGES * PAGE)
			continue;
		if (start < (unsigned long)base)
			start = (unsigned long)base;
		if (end > (unsigned long)base + REGION_PAGES * PAGE)
			end = (unsigned long)base + REGION_PAGES * PAGE;
		printf("  %lu-%lu %s %lx %s%s column %d\n", (start - (unsigned long)base) / PAGE,
		       (end - (unsigned long)base) / PAGE, rights, offset, ino ? "inode " : "",
		       strrchr(line + name, '/') ? strrchr(line + name, '/') : line + name,
		       line[name] ? name : -1);
	}
}

static void maps_of_mappings(void)
{
	char *p = region();
	int fd = open("plain file", O_RDWR | O_CREAT, 0644),
	    strange = open("a\nb\\c d", O_RDWR | O_CREAT, 0644);

	R(ftruncate(fd, 8 * PAGE));
	R(ftruncate(strange, 8 * PAGE));
	map_at(p + PAGE, 2, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	map_at(p + 3 * PAGE, 2, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	map_at(p + 5 * PAGE, 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	map_at(p + 8 * PAGE, 2, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 2 * PAGE);
	map_at(p + 10 * PAGE, 2, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 4 * PAGE);
	map_at(p + 12 * PAGE, 2, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	map_at(p + 14 * PAGE, 2, PROT_READ, MAP_SHARED, strange, PAGE);
	map_at(p + 20 * PAGE, 2, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	show_region(p);
	R(unlink("plain file"));
	R(rename("a\nb\\c d", "renamed"));
	R(mprotect(p + 4 * PAGE, PAGE, PROT_NONE));
	R(munmap(p + 9 * PAGE, 2 * PAGE));
	show_region(p);
	R(munmap(p, REGION_PAGES * PAGE));
	close(fd);
	close(strange);
}

/* Device and inode of a line are those of stat(2). */
static void maps_and_stat(void)
{
	char *p = region(), *line;
	int fd = open("for stat", O_RDWR | O_CREAT, 0644);
	unsigned long ino = 0;
	unsigned major_no = 0, minor_no = 0;
	struct stat st;

	R(ftruncate(fd, PAGE));
	R(fstat(fd, &st));
	map_at(p, 1, PROT_READ, MAP_PRIVATE, fd, 0);
	slurp("/proc/self/maps", text, sizeof(text), 4096);
	line = strstr(text, "for stat");
	while (line && line > text && line[-1] != '\n')
		line--;
	HOLDS(line && sscanf(line, "%*x-%*x %*s %*x %x:%x %lu", &major_no, &minor_no, &ino) == 3);
	HOLDS(ino == st.st_ino && major_no == major(st.st_dev) && minor_no == minor(st.st_dev));
	R(munmap(p, REGION_PAGES * PAGE));
	R(unlink("for stat"));
	close(fd);
}

/* How many lines end in this name, and whether the name stands in column 73. */
static void count_name(const char *name)
{
	int lines = 0, aligned = 0;

	for (char *at = text; (at = strstr(at, name)); at += strlen(name)) {
		char *start = at;

		while (start > text && start[-1] != '\n')
			start--;
		lines += at[strlen(name)] == '\n';
		aligned += at - start == 73;
	}
	printf("%s: %d, aligned %d\n", name, lines, aligned);
}

static void special_names(void)
{
	char local = 0;
	unsigned long start = 0, end = 0;
	char *line;
	unsigned long brk_now = (unsigned long)syscall(SYS_brk, 0);

	HOLDS((unsigned long)syscall(SYS_brk, brk_now + 3 * PAGE) == brk_now + 3 * PAGE);
	HOLDS(mmap(NULL, PAGE, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
	slurp("/proc/self/maps", text, sizeof(text), sizeof(text) / 2);
	count_name("[heap]");
	count_name("[stack]");
	count_name("[vdso]");
	count_name("[vvar]");
	count_name("/dev/zero (deleted)");
	line = strstr(text, "[stack]");
	while (line && line > text && line[-1] != '\n')
		line--;
	HOLDS(line && sscanf(line, "%lx-%lx", &start, &end) == 2 && start <= (unsigned long)&local &&
	      end > (unsigned long)&local);
}

/* The same text whatever the buffer. */
static void partial_reads(const char *path)
{
	static const size_t steps[] = {1, 3, 64, 1000, 4096, 100000};
	size_t len;

	/* Touched before, so that reading changes nothing. */
	memset(text, 1, sizeof(text));
	memset(other, 1, sizeof(other));
	len = slurp(path, text, sizeof(text), 4096);
	printf("%s\n", path);
	HOLDS(len > 0);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		HOLDS(slurp(path, other, sizeof(other), steps[i]) == len);
		HOLDS(memcmp(text, other, len) == 0);
	}
}

static void seeking(void)
{
	int fd = open("/proc/self/maps", O_RDONLY);
	size_t len = slurp("/proc/self/maps", text, sizeof(text), 512);
	char piece[64];

	HOLDS(read(fd, piece, 40) == 40 && memcmp(piece, text, 40) == 0);
	HOLDS(lseek(fd, 0, SEEK_CUR) == 40);
	HOLDS(lseek(fd, 100, SEEK_SET) == 100);
	HOLDS(read(fd, piece, 40) == 40 && memcmp(piece, text + 100, 40) == 0);
	HOLDS(lseek(fd, 7, SEEK_SET) == 7);
	HOLDS(read(fd, piece, 40) == 40 && memcmp(piece, text + 7, 40) == 0);
	HOLDS(pread(fd, piece, 40, 50) == 40 && memcmp(piece, text + 50, 40) == 0);
	HOLDS(pread(fd, piece, 40, 0) == 40 && memcmp(piece, text, 40) == 0);
	HOLDS(lseek(fd, 0, SEEK_CUR) == 47);
	R(pread(fd, piece, 40, (off_t)len));
	R(pread(fd, piece, 40, (off_t)len + 100000));
	R(lseek(fd, 0, SEEK_END));
	R(lseek(fd, -1, SEEK_SET));
	R(lseek(fd, 0, SEEK_SET));
	R(read(fd, NULL, 0));
	R(read(fd, (void *)8, 10));
	R(write(fd, "x", 1));
	close(fd);
}

/* One field of the smaps entry that starts at p, in kB. */
static long smaps_field(const void *p, const char *field)
{
	char start[32], *entry, *at, *next;

	slurp("/proc/self/smaps", text, sizeof(text), 65536);
	snprintf(start, sizeof(start), "%lx-", (unsigned long)p);
	entry = strstr(text, start);
	if (!entry)
		return -1;
	next = strstr(entry, "VmFlags:");
	at = strstr(entry, field);
	return at && at < next ? strtol(at + strlen(field), NULL, 10) : -2;
}

static void show_smaps(const void *p)
{
	static const char *const fields[] = {
		"Size:",	  "KernelPageSize:", "MMUPageSize:",	 "\nRss:",	   "\nPss:",
		"Pss_Dirty:",	  "Shared_Clean:",   "Shared_Dirty:",	 "Private_Clean:", "Private_Dirty:",
		"Referenced:",	  "Anonymous:",	     "LazyFree:",	 "AnonHugePages:", "ShmemPmdMapped:",
		"FilePmdMapped:", "Shared_Hugetlb:", "Private_Hugetlb:", "Swap:",	   "SwapPss:",
		"Locked:",
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		const char *name = fields[i][0] == '\n' ? fields[i] + 1 : fields[i];

		printf("  %s %ld\n", name, smaps_field(p, fields[i]));
	}
}

static void show_vm_flags(const char *path, const void *p)
{
	char start[32], *entry, *flags;

	slurp(path, text, sizeof(text), 65536);
	snprintf(start, sizeof(start), "%lx-", (unsigned long)p);
	entry = strstr(text, start);
	flags = entry ? strstr(entry, "VmFlags:") : NULL;
	if (!flags)
		return;
	*strchr(flags, '\n') = '\0';
	printf("  %s|\n", flags);
}

static void smaps(void)
{
	char *p = region();
	char *anon = map_at(p + PAGE, 8, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *shared = map_at(p + 16 * PAGE, 8, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char *exec = map_at(p + 32 * PAGE, 2, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *none = p;

	R(madvise(anon, 8 * PAGE, MADV_NOHUGEPAGE) <= 0);
	anon[0] = anon[PAGE] = anon[2 * PAGE] = 1;
	HOLDS(anon[5 * PAGE] == 0);
	show_smaps(anon);
	shared[0] = shared[3 * PAGE] = 1;
	show_smaps(shared);
	show_smaps(none);
	show_vm_flags("/proc/self/smaps", shared);
	show_vm_flags("/proc/self/smaps", exec);
	show_vm_flags("/proc/self/smaps", none);
	R(madvise(anon, 2 * PAGE, MADV_DONTNEED));
	printf("Rss %ld\n", smaps_field(anon, "\nRss:"));
	R(munmap(p, REGION_PAGES * PAGE));
}

static void show_pagemap(int fd, const char *p, unsigned pages)
{
	uint64_t entries[16];

	R(pread(fd, entries, pages * 8, (off_t)((unsigned long)p / PAGE * 8)));
	for (unsigned i = 0; i < pages; i++)
		printf("  page %u: present %d swapped %d file %d exclusive %d\n", i, (int)(entries[i] >> 63),
		       (int)(entries[i] >> 62 & 1), (int)(entries[i] >> 61 & 1), (int)(entries[i] >> 56 & 1));
}

static void pagemap(void)
{
	char *p = region();
	char *anon = map_at(p + PAGE, 8, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *shared = map_at(p + 10 * PAGE, 4, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int fd = R(open("/proc/self/pagemap", O_RDONLY)) >= 0 ? 3 : -1;
	char bytes[64];

	R(madvise(anon, 8 * PAGE, MADV_NOHUGEPAGE) <= 0);
	anon[0] = anon[2 * PAGE] = 1;
	HOLDS(anon[4 * PAGE] == 0);
	shared[PAGE] = 1;
	show_pagemap(fd, p, 10);
	show_pagemap(fd, shared, 4);
	R(pread(fd, bytes, 8, 4));
	R(pread(fd, bytes, 7, 8));
	R(pread(fd, bytes, 0, 8));
	R(pread(fd, bytes, 8, (off_t)(0x7ffffffff000 / PAGE * 8)));
	R(pread(fd, (void *)8, 8, 8));
	R(write(fd, bytes, 8));
	close(fd);
	R(munmap(p, REGION_PAGES * PAGE));
}

static void mem(void)
{
	static volatile int variable = 1234;
	char *p = region(), buffer[3 * PAGE];
	char *rw = map_at(p + PAGE, 2, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *ro = map_at(p + 4 * PAGE, 2, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *none = p + 8 * PAGE;
	char *shared_ro = map_at(p + 12 * PAGE, 1, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int fd = open("/proc/self/mem", O_RDWR), value = 0, plain = open("contents", O_RDWR | O_CREAT, 0644);
	char *file = map_at(p + 16 * PAGE, 1, PROT_READ, MAP_PRIVATE, plain, 0);

	R(write(plain, "the file's own", 14));
	HOLDS(pread(fd, &value, sizeof(value), (off_t)(unsigned long)&variable) == 4 && value == 1234);
	value = 99;
	HOLDS(pwrite(fd, &value, sizeof(value), (off_t)(unsigned long)&variable) == 4 && variable == 99);
	R(pwrite(fd, "hello", 5, (off_t)(unsigned long)rw + PAGE - 2));
	HOLDS(memcmp(rw + PAGE - 2, "hello", 5) == 0);
	R(pread(fd, buffer, 3 * PAGE, (off_t)(unsigned long)rw));
	HOLDS(memcmp(buffer + PAGE - 2, "hello", 5) == 0);
	R(pread(fd, buffer, 3 * PAGE, (off_t)(unsigned long)rw + 100));
	/* What the mapping forbids, a debugger may do. */
	R(pwrite(fd, "forced", 6, (off_t)(unsigned long)ro));
	HOLDS(memcmp(ro, "forced", 6) == 0);
	R(pread(fd, buffer, 16, (off_t)(unsigned long)none));
	HOLDS(buffer[0] == 0);
	R(pwrite(fd, "dark", 4, (off_t)(unsigned long)none));
	R(pread(fd, buffer, 4, (off_t)(unsigned long)none));
	HOLDS(memcmp(buffer, "dark", 4) == 0);
	R(mprotect(none, PAGE, PROT_READ));
	HOLDS(memcmp(none, "dark", 4) == 0);
	R(pwrite(fd, "x", 1, (off_t)(unsigned long)shared_ro));
	R(pread(fd, buffer, 1, (off_t)(unsigned long)shared_ro));
	R(pwrite(fd, "MY", 2, (off_t)(unsigned long)file + 4));
	printf("mapped: %.14s\n", file);
	R(pread(plain, buffer, 14, 0));
	printf("file: %.14s\n", buffer);
	/* Nothing there. */
	R(pread(fd, buffer, 1, 0));
	R(pwrite(fd, buffer, 1, 0));
	R(pread(fd, buffer, 0, 0));
	R(pread(fd, buffer, 1, 0x7ffffffff000));
	R(pread(fd, buffer, 1, 0x7ffffffffffff000));
	R(pread(fd, buffer, 10, (off_t)(unsigned long)p + REGION_PAGES * PAGE * 0x10000));
	R(pread(fd, (void *)8, 10, (off_t)(unsigned long)rw));
	R(pwrite(fd, (void *)8, 10, (off_t)(unsigned long)rw));
	R(lseek(fd, 0x1000, SEEK_SET));
	R(lseek(fd, 0x1000, SEEK_CUR));
	R(lseek(fd, 0, SEEK_END));
	R(munmap(p, REGION_PAGES * PAGE));
	R(unlink("contents"));
	close(fd);
	close(plain);
}

/* Writing to its own code, as debuggers set breakpoints. */
static int __attribute__((noinline, aligned(64))) answer(void)
{
	return 0x1234;
}

static void breakpoint(void)
{
	int fd = open("/proc/self/mem", O_RDWR);
	int (*volatile call)(void) = answer;
	unsigned char code[32];
	int value = 0x4321, at;

	HOLDS(call() == 0x1234);
	HOLDS(pread(fd, code, sizeof(code), (off_t)(unsigned long)answer) == sizeof(code));
	for (at = 0; at < 28 && memcmp(code + at, "\x34\x12\0\0", 4) != 0; at++)
		;
	HOLDS(at < 28);
	HOLDS(pwrite(fd, &value, 4, (off_t)(unsigned long)answer + at) == 4);
	HOLDS(call() == 0x4321);
	close(fd);
}

static void clear_refs(void)
{
	int fd = R(open("/proc/self/clear_refs", O_WRONLY)) >= 0 ? 3 : -1;

	char *p = region(),
	     *anon = map_at(p + PAGE, 4, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	memset(anon, 1, 4 * PAGE);
	printf("Referenced %ld\n", smaps_field(anon, "Referenced:"));
	R(write(fd, "1", 1));
	printf("Referenced %ld\n", smaps_field(anon, "Referenced:"));
	/* Whether a touch shows at once depends on what the TLB still holds. */
	R(write(fd, "3", 1));
	R(write(fd, "2\n", 2));
	printf("Private_Dirty %ld\n", smaps_field(anon, "Private_Dirty:"));
	R(munmap(p, REGION_PAGES * PAGE));
	R(write(fd, "5", 1));
	R(write(fd, "0", 1));
	R(write(fd, "6", 1));
	R(write(fd, "-1", 2));
	R(write(fd, "x", 1));
	R(write(fd, "", 0));
	close(fd);
}

/* A debugger's way into memory ends at guards and at the end of a file, as the program's own does. */
static void where_force_ends(void)
{
	char *file, *hidden, *guarded, byte = 7;
	int mem = open("/proc/self/mem", O_RDWR), fd = open("short", O_RDWR | O_CREAT, 0644);

	R(ftruncate(fd, PAGE));
	file = mmap(NULL, 4 * PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
	hidden = mmap(NULL, 4 * PAGE, PROT_NONE, MAP_PRIVATE, fd, 0);
	guarded = mmap(NULL, 4 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	R(pwrite(mem, &byte, 1, (long)file + 10));
	R(pwrite(mem, &byte, 1, (long)file + 2 * PAGE));
	R(pread(mem, &byte, 1, (long)hidden + 10));
	R(pread(mem, &byte, 1, (long)hidden + 2 * PAGE));
	R(madvise(guarded, PAGE, 102));
	R(pwrite(mem, &byte, 1, (long)guarded));
	R(mprotect(guarded, PAGE, PROT_NONE));
	R(pread(mem, &byte, 1, (long)guarded));
	R(pwrite(mem, &byte, 1, (long)guarded));
	close(fd);
	close(mem);
}

int main(void)
{
	setvbuf(stdout, NULL, _IOFBF, 1 << 16);
	abi_scratch();
	maps_of_mappings();
	maps_and_stat();
	special_names();
	partial_reads("/proc/self/maps");
	partial_reads("/proc/self/smaps");
	partial_reads("/proc/self/smaps_rollup");
	seeking();
	smaps();
	pagemap();
	mem();
	breakpoint();
	where_force_ends();
	clear_refs();
	return 0;
}
