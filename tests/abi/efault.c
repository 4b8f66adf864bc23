/* SPDX-License-Identifier: MIT */
/*
 * Bad user pointers, in every place where a call takes one. All calls are made by number: a library would
 * look at the memory itself.
 */
#include "abi.h"
#include <sys/uio.h>
#include <sys/utsname.h>
#include <time.h>

static const unsigned long bad[] = {
	0,
	1,
	0xfff,
	0x1000,
	0xffff,
	0x7ffffffff000,
	0x7fffffffffff,
	0x800000000000,
	0xfffffffffffff,
	0xffff7fffffffffff,
	0xffff800000000000,
	0xffff888000000000,
	0xffffc90000000000,
	0xffffffff80000000,
	0xffffffff81000000,
	0xffffffffff600000,
	-PAGE,
	-8ul,
	-1ul,
};
#define BADS (sizeof(bad) / sizeof(bad[0]))

static int file, empty;

/* One call with each bad address in the place of its pointer; `others` holds what goes before and after. */
static void each(const char *name, long nr, int place, long a, long b, long c, long d)
{
	printf("%s:", name);
	for (size_t i = 0; i < BADS; i++) {
		long args[4] = {a, b, c, d};
		long result;

		args[place] = (long)bad[i];
		errno = 0;
		result = syscall(nr, args[0], args[1], args[2], args[3]);
		if (result == -1)
			printf(" %s", abi_error(errno));
		else
			printf(" %ld", result);
	}
	printf("\n");
}
#define EACH(nr, place, a, b, c, d) each(#nr, nr, place, (long)(a), (long)(b), (long)(c), (long)(d))

static void transfers(void)
{
	int zero = open("/dev/zero", O_RDWR), folder = open(".", O_RDONLY);

	EACH(SYS_read, 1, file, 0, 16, 0);
	lseek(file, 0, SEEK_SET);
	EACH(SYS_read, 1, zero, 0, 16, 0);
	EACH(SYS_read, 1, empty, 0, 16, 0);
	EACH(SYS_write, 1, file, 0, 16, 0);
	EACH(SYS_pread64, 1, file, 0, 16, 0);
	EACH(SYS_pwrite64, 1, file, 0, 16, 0);
	EACH(SYS_readv, 1, file, 0, 1, 0);
	EACH(SYS_writev, 1, file, 0, 1, 0);
	EACH(SYS_preadv, 1, file, 0, 1, 0);
	EACH(SYS_getdents64, 1, folder, 0, 100, 0);
	EACH(SYS_getcwd, 0, 0, 4096, 0, 0);
	EACH(SYS_getrandom, 0, 0, 16, 0, 0);
	close(zero);
	close(folder);
}

static void structures(void)
{
	struct timespec none = {0, 0};

	EACH(SYS_uname, 0, 0, 0, 0, 0);
	EACH(SYS_sysinfo, 0, 0, 0, 0, 0);
	EACH(SYS_fstat, 1, file, 0, 0, 0);
	EACH(SYS_stat, 1, "file", 0, 0, 0);
	EACH(SYS_newfstatat, 2, AT_FDCWD, "file", 0, 0);
	EACH(SYS_clock_gettime, 1, CLOCK_MONOTONIC, 0, 0, 0);
	EACH(SYS_getrlimit, 1, 7, 0, 0, 0);
	EACH(SYS_setrlimit, 1, 4, 0, 0, 0);
	EACH(SYS_nanosleep, 0, 0, 0, 0, 0);
	EACH(SYS_nanosleep, 1, &none, 0, 0, 0);
	EACH(SYS_getrusage, 1, 0, 0, 0, 0);
}

static void paths(void)
{
	EACH(SYS_open, 0, 0, O_RDONLY, 0, 0);
	EACH(SYS_openat, 1, AT_FDCWD, 0, O_RDONLY, 0);
	EACH(SYS_mkdir, 0, 0, 0755, 0, 0);
	EACH(SYS_unlink, 0, 0, 0, 0, 0);
	EACH(SYS_rename, 0, 0, "new", 0, 0);
	EACH(SYS_rename, 1, "file", 0, 0, 0);
	EACH(SYS_chdir, 0, 0, 0, 0, 0);
	EACH(SYS_access, 0, 0, 0, 0, 0);
	EACH(SYS_symlink, 0, 0, "link", 0, 0);
	EACH(SYS_readlink, 0, 0, bad, 16, 0);
	EACH(SYS_chmod, 0, 0, 0644, 0, 0);
	EACH(SYS_truncate, 0, 0, 0, 0, 0);
}

/* A range that starts well and wraps, leaves the user half, or is longer than everything. */
static void lengths(void)
{
	char *p = abi_page_before_hole();

	R(syscall(SYS_read, file, p, -1l));
	R(syscall(SYS_read, file, p, LONG_MAX));
	R(syscall(SYS_write, file, p, -1l));
	R(syscall(SYS_write, file, p, LONG_MAX));
	R(syscall(SYS_read, file, p, -(long)p));
	R(syscall(SYS_read, file, p, -(long)p + 1));
	R(syscall(SYS_write, file, -8l, 16l));
	R(syscall(SYS_read, file, -8l, 16l));
	R(syscall(SYS_read, file, 0x7fffffffeff0, 0x20l));
	R(syscall(SYS_write, file, 0x7fffffffeff0, 0x20l));
	R(syscall(SYS_getcwd, p, -1l) > 0);
	R(syscall(SYS_getrandom, p, 0l, 0));
	R(syscall(SYS_read, file, NULL, 0l));
	R(syscall(SYS_write, file, NULL, 0l));
	R(syscall(SYS_read, file, -1l, 0l));
	R(syscall(SYS_write, file, -1l, 0l));
	R(syscall(SYS_write, 1, 0xffffffff81000000, 100l));
}

/* Memory with the wrong rights. */
static void rights(void)
{
	char *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	static const char constant[16] = "constant";

	strcpy(p, "file");
	mprotect(p, PAGE, PROT_READ);
	R(syscall(SYS_pread64, file, p, 4l, 0l));
	R(syscall(SYS_open, p, O_RDONLY));
	R(syscall(SYS_uname, p));
	R(syscall(SYS_uname, p + PAGE - 100));
	R(syscall(SYS_uname, p + PAGE));
	mprotect(p, PAGE, PROT_NONE);
	R(syscall(SYS_pread64, file, p, 4l, 0l));
	R(syscall(SYS_pwrite64, file, p, 4l, 0l));
	R(syscall(SYS_open, p, O_RDONLY));
	R(syscall(SYS_pread64, file, constant, 4l, 0l));
	R(syscall(SYS_pread64, file, (void *)(uintptr_t)rights, 4l, 0l));
	R(strcmp(constant, "constant"));
	/* Never touched before: the kernel's copy is what brings it in. */
	R(munmap(p, 2 * PAGE));
	p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	R(syscall(SYS_pread64, file, p + PAGE - 5, 10l, 0l));
	R(memcmp(p + PAGE - 5, "0123456789", 10));
	R(syscall(SYS_uname, p + PAGE - 100));
}

int main(void)
{
	abi_scratch();
	abi_write_file("file", "0123456789abcdef0123456789abcdef");
	abi_write_file("empty", "");
	file = open("file", O_RDWR);
	empty = open("empty", O_RDONLY);
	transfers();
	structures();
	paths();
	lengths();
	rights();
	abi_show_file("file");
	return 0;
}
