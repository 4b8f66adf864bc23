/* SPDX-License-Identifier: MIT */
/*
 * Random memory calls in an arena: maps of all kinds, unmap, protect, remap, advice, locks, queries, changes of the mapped
 * files, copies by the kernel, forks, and touches whose faults are caught. It prints every result and, from time to
 * time, the arena's lines of /proc/self/maps. The same seed must print the same here and there.
 *
 *     mmfuzz SEED STEPS [COUNT [MASK]]
 *
 * COUNT sequences are run, with the seeds SEED, SEED + 1, …; each begins with a line "== seed N" and an empty arena, so
 * that it prints the same alone as among others. MASK chooses the operations (enum in mmfuzz.h), all without it.
 *
 * What a kernel may choose freely is kept out: a mapping that ends outside of the arena is moved back or unmapped at
 * once; what MADV_FREE may keep or drop is overwritten; files have whole pages, since what lies in a last page behind
 * the end of a file may come back or not; MADV_PAGEOUT is left out, which may drop clean pages that mincore then
 * misses; and mincore is not asked in a child, which may have lost or kept entries of memory that was only read.
 */
#include "mmfuzz.h"

static int files[2];
static char out[1 << 16];

static int draw_prot(void)
{
	static const int prots[] = {PROT_NONE, PROT_READ, RW, RW, RW, PROT_WRITE, PROT_READ | PROT_EXEC};

	return prots[draw(sizeof(prots) / sizeof(prots[0]))];
}

static int draw_file(void)
{
	return mask & OP_MEMFD ? (int)draw(2) : 0;
}

static int draw_map_flags(void)
{
	int flags = draw(3) ? MAP_PRIVATE : MAP_SHARED;

	flags |= draw(4) ? MAP_FIXED : MAP_FIXED_NOREPLACE;
	if (mask & OP_LOCK && draw(16) == 0)
		flags |= MAP_LOCKED;
	if (!(mask & OP_MAP_FLAGS))
		return flags;
	if (draw(12) == 0)
		flags |= MAP_POPULATE;
	if (draw(12) == 0)
		flags |= MAP_NORESERVE;
	if (draw(8) == 0)
		flags &= ~(MAP_FIXED | MAP_FIXED_NOREPLACE);
	return flags;
}

static void step_map(struct span s)
{
	int prot = draw_prot(), flags = draw_map_flags(), which = draw(3) ? -1 : draw_file();
	unsigned offset = draw(FILE_PAGES);
	char *p;

	begin("map", s);
	if (which < 0)
		p = mmap(s.at, s.len, prot, flags | MAP_ANONYMOUS, -1, 0);
	else
		p = mmap(s.at, s.len, prot, flags, files[which], (off_t)(offset * PAGE));
	printf(" prot %d flags %#x file %d at %u", prot, (unsigned)flags, which, which < 0 ? 0 : offset);
	end_place(p);
	if (p != MAP_FAILED && !inside(p))
		munmap(p, s.len);
}

static void step_unmap(struct span s)
{
	begin("unmap", s);
	end(munmap(s.at, s.len));
}

static void step_protect(struct span s)
{
	int prot = draw_prot();

	begin("protect", s);
	printf(" %d", prot);
	end(mprotect(s.at, s.len, prot));
}

static char *remap(const char *old, size_t old_len, size_t len, int flags, const char *to)
{
	return (char *)syscall(SYS_mremap, old, old_len, len, flags, to);
}

/* What the kernel put outside of the arena comes back to a place in it. */
static void bring_back(const char *p, size_t len)
{
	unsigned to = draw(PAGES - (unsigned)(len / PAGE) + 1);
	char *q = remap(p, len, len, MREMAP_MAYMOVE | MREMAP_FIXED, arena + to * PAGE);

	printf("  back to %u", to);
	end_place(q);
	if (q == MAP_FAILED)
		munmap((void *)(uintptr_t)p, len);
}

static void step_remap(struct span s)
{
	enum { MAY = MREMAP_MAYMOVE, FIX = MREMAP_FIXED, KEEP = MREMAP_DONTUNMAP };
	static const int kinds[] = {
		0, MAY, MAY, MAY | FIX, MAY | FIX, MAY | FIX, MAY | FIX, MAY | FIX | KEEP, MAY | KEEP, FIX};
	int flags = kinds[draw(sizeof(kinds) / sizeof(kinds[0]))];
	unsigned pages = draw(2) ? s.pages : draw(8), to = draw(PAGES - pages + 1);
	unsigned old_pages = draw(12) ? s.pages : 0;
	char *p;

	begin("remap", s);
	printf(" (old %u) to %u pages flags %d at %u", old_pages, pages, flags, to);
	p = remap(s.at, old_pages * PAGE, pages * PAGE, flags, arena + to * PAGE);
	end_place(p);
	if (p != MAP_FAILED && !inside(p))
		bring_back(p, pages * PAGE);
}

static void step_advice(struct span s)
{
	static const int advice[] = {MADV_DONTNEED, MADV_DONTNEED,	MADV_NORMAL,	     MADV_WILLNEED,
				     MADV_RANDOM,   MADV_POPULATE_READ, MADV_POPULATE_WRITE, MADV_SEQUENTIAL};
	int a = advice[draw(sizeof(advice) / sizeof(advice[0]))];

	begin("advise", s);
	printf(" %d", a);
	end(madvise(s.at, s.len, a));
}

static void step_flags(struct span s)
{
	static const int advice[] = {MADV_DONTFORK,	  MADV_DOFORK,	  MADV_WIPEONFORK,  MADV_KEEPONFORK,
				     MADV_DONTDUMP,	  MADV_DODUMP,	  MADV_HUGEPAGE,    MADV_NOHUGEPAGE,
				     MADV_COLD,		  MADV_MERGEABLE, MADV_UNMERGEABLE, MADV_REMOVE,
				     MADV_DONTNEED_LOCKED};
	int a = advice[draw(sizeof(advice) / sizeof(advice[0]))];

	begin("advise", s);
	printf(" %d", a);
	end(madvise(s.at, s.len, a));
}

/* Pages that MADV_FREE may have dropped get new contents at once, or none. */
static void step_free(struct span s)
{
	begin("free", s);
	end(madvise(s.at, s.len, MADV_FREE));
	for (char *p = s.at; p < s.at + s.len; p += PAGE) {
		if (mem_touch(p, 1) >= 0)
			memset(p, 0x33, PAGE);
		else
			madvise(p, PAGE, MADV_DONTNEED);
	}
}

static void step_guard(struct span s)
{
	int a = draw(2) ? MADV_GUARD_INSTALL : MADV_GUARD_REMOVE;

	begin("guard", s);
	printf(" %d", a);
	end(madvise(s.at, s.len, a));
}

static void step_lock(struct span s)
{
	int how = (int)draw(12), flags = (int)draw(8);

	if (how < 4) {
		begin("lock", s);
		end(mlock(s.at, s.len));
	} else if (how < 6) {
		begin("lock on fault", s);
		end(syscall(SYS_mlock2, s.at, s.len, MLOCK_ONFAULT));
	} else if (how < 10) {
		begin("unlock", s);
		end(munlock(s.at, s.len));
	} else if (how == 10 && draw(3) == 0) {
		begin("lock all", s);
		printf(" %d", flags);
		end(mlockall(flags));
	} else {
		begin("unlock all", s);
		end(munlockall());
	}
}

static void step_touch(struct span s)
{
	unsigned offset = draw(PAGE);
	int value = draw(2) ? (int)(1 + draw(100)) : -1, result = mem_touch(s.at + offset, value);

	begin(value < 0 ? "load" : "store", s);
	if (result >= 0)
		printf("/%u: %d\n", offset, result);
	else
		printf("/%u: %s %+ld\n", offset, mem_fault(result), (long)(mem_at - (s.at + offset)));
}

static void step_query(struct span s)
{
	unsigned char vector[PAGES];
	long result;

	if (draw(4) == 0) {
		int flags = (int)draw(8);

		begin("sync", s);
		printf(" %d", flags);
		end(msync(s.at, s.len, flags));
		return;
	}
	/* What a child has of pages that were only read depends on when tables are copied. */
	if (depth) {
		step_touch(s);
		return;
	}
	begin("core", s);
	result = syscall(SYS_mincore, s.at, s.len, vector);
	putchar(' ');
	for (unsigned i = 0; result == 0 && i < s.pages; i++)
		putchar(vector[i] & 1 ? '1' : '0');
	end(result);
}

/* A file always has whole pages. */
static void round_file(int fd)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && st.st_size % (off_t)PAGE)
		ftruncate(fd, (st.st_size | (off_t)(PAGE - 1)) + 1);
}

static void step_file(struct span s)
{
	int which = draw_file(), fd = files[which];
	off_t at = draw(FILE_PAGES * PAGE), len = 1 + draw(3 * PAGE);
	unsigned char byte = 0;
	long result;

	printf("file %d ", which);
	s.page = (unsigned)at;
	s.pages = (unsigned)len;
	switch (draw(6)) {
	case 0:
		begin("truncate", s);
		end(ftruncate(fd, at));
		break;
	case 1:
		s.page = (unsigned)(at / (off_t)PAGE);
		begin("truncate pages", s);
		end(ftruncate(fd, (off_t)(s.page * PAGE)));
		break;
	case 2:
		begin("punch", s);
		if (draw(2)) {
			at &= ~(off_t)(PAGE - 1);
			len = (off_t)((1 + draw(3)) * PAGE);
		}
		end(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, len));
		break;
	case 3:
		begin("write", s);
		end(pwrite(fd, "0123456789", 1 + draw(10), at));
		break;
	default:
		begin("read", s);
		result = pread(fd, &byte, 1, at);
		printf(" %u", byte);
		end(result);
	}
	round_file(fd);
}

static void step_copy(struct span s)
{
	int which = draw_file(), fd = files[which];
	off_t at = draw(FILE_PAGES * PAGE);
	char *buffer = s.at + draw(PAGE);
	size_t len = 1 + draw(3 * PAGE);

	if (buffer + len > arena + PAGES * PAGE)
		len = 1;
	begin("copy", s);
	/* A write from memory that cannot be read at all may still make the file longer: not asked. */
	if (draw(2) || mem_touch(buffer, -1) < 0) {
		printf("+%zu %zu read from %d at %ld", (size_t)(buffer - s.at), len, which, (long)at);
		end(pread(fd, buffer, len, at));
	} else {
		printf("+%zu %zu written to %d at %ld", (size_t)(buffer - s.at), len, which, (long)at);
		end(pwrite(fd, buffer, len, at));
		round_file(fd);
	}
}

static void run(unsigned steps);

static void step_fork(void)
{
	unsigned steps = 2 + draw(10), status_wanted = draw(100);
	int status = 0;
	pid_t child;

	if (depth == DEPTH)
		return;
	printf("%d.%u fork\n", depth, step_number);
	fflush(stdout);
	child = fork();
	if (child == 0) {
		depth++;
		state = state * 2862933555777941757ul + 3037000493ul;
		show_maps();
		run(steps);
		show_maps();
		show_contents();
		fflush(stdout);
		_exit((int)status_wanted);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		printf("no child: %s\n", abi_error(errno));
	printf("child's status %#x\n", (unsigned)status);
}

static void step(void)
{
	/* What each number of a draw does, and the bit that must be in the mask. */
	static const struct {
		unsigned bit;
		void (*run)(struct span s);
	} kinds[] = {
		{0, step_map},
		{0, step_map},
		{0, step_map},
		{0, step_unmap},
		{0, step_protect},
		{0, step_protect},
		{0, step_touch},
		{0, step_touch},
		{0, step_touch},
		{0, step_touch},
		{OP_REMAP, step_remap},
		{OP_REMAP, step_remap},
		{OP_ADVICE, step_advice},
		{OP_ADVICE, step_advice},
		{OP_FLAGS, step_flags},
		{OP_FLAGS, step_flags},
		{OP_FLAGS, step_free},
		{OP_GUARD, step_guard},
		{OP_LOCK, step_lock},
		{OP_QUERY, step_query},
		{OP_FILE, step_file},
		{OP_FILE, step_file},
		{OP_COPY, step_copy},
	};
	struct span s = draw_span();
	unsigned kind = draw(sizeof(kinds) / sizeof(kinds[0]));

	if (mask & OP_FORK && draw(24) == 0)
		step_fork();
	else if (kinds[kind].bit == 0 || mask & kinds[kind].bit)
		kinds[kind].run(s);
	else
		step_touch(s);
}

static void run(unsigned steps)
{
	for (unsigned n = 0; n < steps; n++) {
		step_number = n;
		step();
		if (draw(6) == 0)
			show_maps();
	}
}

/* Most of the arena is mapped at first, so that later calls meet something. */
static void fill(void)
{
	for (unsigned n = 0; n < 5; n++) {
		struct span s = {.page = draw(PAGES - 20), .pages = 8 + draw(13)};

		s.at = arena + s.page * PAGE;
		s.len = s.pages * PAGE;
		step_map(s);
	}
}

/* The same start for each sequence, whatever was before. */
static void reset(void)
{
	static char text[3 * PAGE];

	munlockall();
	munmap(arena, PAGES * PAGE);
	for (int i = 0; i < 2; i++) {
		memset(text, 'F' + i, sizeof(text));
		ftruncate(files[i], 0);
		pwrite(files[i], text, sizeof(text), 0);
	}
}

int main(int argc, char **argv)
{
	unsigned long seed = argc > 1 ? strtoul(argv[1], NULL, 0) : 1;
	unsigned steps = argc > 2 ? (unsigned)atoi(argv[2]) : 100;
	unsigned count = argc > 3 ? (unsigned)atoi(argv[3]) : 1;

	if (argc > 4)
		mask = (unsigned)strtoul(argv[4], NULL, 0);
	setvbuf(stdout, out, _IOFBF, sizeof(out));
	abi_scratch();
	mem_catch();
	mem_arena(PAGES);
	files[0] = open("file", O_RDWR | O_CREAT, 0600);
	files[1] = mask & OP_MEMFD ? (int)syscall(SYS_memfd_create, "mem", 0) : -1;
	/* What the kernel places by itself comes below this, and so beside nothing that it could merge with. */
	mmap(NULL, PAGE, PROT_NONE, SHANON, -1, 0);
	for (unsigned i = 0; i < count; i++) {
		state = (seed + i) * 0x9e3779b97f4a7c15ul;
		printf("== seed %lu\n", seed + i);
		step_number = 0;
		reset();
		fill();
		run(steps);
		show_maps();
		show_contents();
	}
	fflush(stdout);
	return 0;
}
