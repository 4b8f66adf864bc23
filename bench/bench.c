/* SPDX-License-Identifier: MIT */
/*
 * Costs of single kernel operations, seen from ring 3.
 *
 * The same static binary runs under Moat and as /init of the Linux peer, so that only the kernels differ.
 * A row times a fixed number of operations, several times over, and reports the cheapest run: what is left
 * is the operation, not the timer interrupt that hit one run. Two clocks are read: CLOCK_MONOTONIC, and the
 * time stamp counter, which under QEMU's `-icount shift=0` counts executed instructions.
 *
 * Output, one line for each row, fields separated by a tab: name, ns for each operation, ticks for each
 * operation. A row that the kernel does not support prints the name and the error.
 *
 * As /init of Linux the program makes the few device nodes that it needs and ends the machine by reboot().
 */
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>
#include "bench.h"

#define REPEAT 5

const char *own_path;

static uint64_t ticks_at_entry;
static uint64_t ns_at_entry;

static uint64_t ticks_now(void)
{
	uint32_t lo, hi;

	__asm__ volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi)::"memory");
	return (uint64_t)hi << 32 | lo;
}

static uint64_t ns_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void start(struct sample *s)
{
	s->ns = ns_now();
	s->ticks = ticks_now();
}

void stop(struct sample *s)
{
	s->ticks = ticks_now() - s->ticks;
	s->ns = ns_now() - s->ns;
}

static int run_empty_loop(struct sample *s, unsigned int count)
{
	start(s);
	for (unsigned int i = 0; i < count; i++)
		__asm__ volatile("" ::: "memory");
	stop(s);
	return 0;
}

static int run_syscall(struct sample *s, unsigned int count)
{
	start(s);
	for (unsigned int i = 0; i < count; i++)
		call3(SYS_getppid, 0, 0, 0);
	stop(s);
	return 0;
}

static int run_enosys(struct sample *s, unsigned int count)
{
	start(s);
	for (unsigned int i = 0; i < count; i++)
		call3(100000, 0, 0, 0);
	stop(s);
	return 0;
}

static int transfer_bytes(struct sample *s, unsigned int count, const char *path, int flags, long nr)
{
	char byte = 0;
	int fd = open(path, flags);

	if (fd < 0)
		return errno;
	start(s);
	for (unsigned int i = 0; i < count; i++)
		call3(nr, fd, (long)&byte, 1);
	stop(s);
	close(fd);
	return 0;
}

static int run_read_zero(struct sample *s, unsigned int count)
{
	return transfer_bytes(s, count, "/dev/zero", O_RDONLY, SYS_read);
}

static int run_write_null(struct sample *s, unsigned int count)
{
	return transfer_bytes(s, count, "/dev/null", O_WRONLY, SYS_write);
}

static int run_clock_gettime(struct sample *s, unsigned int count)
{
	struct timespec t;

	start(s);
	for (unsigned int i = 0; i < count; i++)
		clock_gettime(CLOCK_MONOTONIC, &t);
	stop(s);
	return 0;
}

char *fresh_pages(size_t count)
{
	char *p = mmap(NULL, count * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	madvise(p, count * PAGE, MADV_NOHUGEPAGE);
	return p;
}

void touch_pages(volatile char *p, size_t count)
{
	for (size_t i = 0; i < count; i++)
		p[i * PAGE] = 1;
}

static int run_write_fault(struct sample *s, unsigned int count)
{
	volatile char *p = fresh_pages(count);

	if (!p)
		return errno;
	start(s);
	for (unsigned int i = 0; i < count; i++)
		p[i * PAGE] = 1;
	stop(s);
	munmap((void *)p, count * PAGE);
	return 0;
}

static int run_read_fault(struct sample *s, unsigned int count)
{
	volatile char *p = fresh_pages(count);

	if (!p)
		return errno;
	start(s);
	for (unsigned int i = 0; i < count; i++)
		(void)p[i * PAGE];
	stop(s);
	munmap((void *)p, count * PAGE);
	return 0;
}

static int run_map_unmap(struct sample *s, unsigned int count)
{
	int err = 0;

	start(s);
	for (unsigned int i = 0; i < count && !err; i++) {
		void *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED || munmap(p, PAGE))
			err = errno;
	}
	stop(s);
	return err;
}

static int run_map_touch_unmap(struct sample *s, unsigned int count)
{
	int err = 0;

	start(s);
	for (unsigned int i = 0; i < count && !err; i++) {
		volatile char *p =
			mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED)
			return errno;
		*p = 1;
		if (munmap((void *)p, PAGE))
			err = errno;
	}
	stop(s);
	return err;
}

/* Unmapping a region that is resident: the cost for each page that is given back. */
static int run_unmap_resident(struct sample *s, unsigned int count)
{
	volatile char *p = fresh_pages(count);
	int err;

	if (!p)
		return errno;
	for (unsigned int i = 0; i < count; i++)
		p[i * PAGE] = 1;
	start(s);
	err = munmap((void *)p, count * PAGE) ? errno : 0;
	stop(s);
	return err;
}

/* The middle page of three goes read-only and back, so that each call splits or merges mappings. */
static int run_mprotect(struct sample *s, unsigned int count)
{
	char *p = fresh_pages(3);
	int err = 0;

	if (!p)
		return errno;
	for (unsigned int i = 0; i < 3; i++)
		p[i * PAGE] = 1;
	start(s);
	for (unsigned int i = 0; i < count && !err; i++) {
		if (mprotect(p + PAGE, PAGE, i % 2 ? PROT_READ | PROT_WRITE : PROT_READ))
			err = errno;
	}
	stop(s);
	munmap(p, 3 * PAGE);
	return err;
}

/* Bytes cross the user boundary for real here, which /dev/null and /dev/zero do not ask for. */
static int copy_file(struct sample *s, unsigned int count, long nr, size_t length)
{
	static char buffer[PAGE] __attribute__((aligned(4096)));
	int fd = open("bench.tmp", O_RDWR | O_CREAT | O_TRUNC, 0600);
	int err = 0;

	if (fd < 0)
		return errno;
	memset(buffer, 'm', sizeof(buffer));
	if (pwrite(fd, buffer, sizeof(buffer), 0) != (ssize_t)sizeof(buffer))
		err = errno;
	start(s);
	for (unsigned int i = 0; i < count && !err; i++) {
		long done;
		register long offset __asm__("r10") = 0;

		__asm__ volatile("syscall"
				 : "=a"(done)
				 : "0"(nr), "D"((long)fd), "S"(buffer), "d"(length), "r"(offset)
				 : "rcx", "r11", "memory");
		if (done != (long)length)
			err = EIO;
	}
	stop(s);
	close(fd);
	unlink("bench.tmp");
	return err;
}

static int run_copy_in(struct sample *s, unsigned int count)
{
	return copy_file(s, count, SYS_pwrite64, PAGE);
}

static int run_copy_out(struct sample *s, unsigned int count)
{
	return copy_file(s, count, SYS_pread64, PAGE);
}

static int run_copy_in_64(struct sample *s, unsigned int count)
{
	return copy_file(s, count, SYS_pwrite64, 64);
}

static int run_open_close(struct sample *s, unsigned int count)
{
	int err = 0;

	start(s);
	for (unsigned int i = 0; i < count && !err; i++) {
		long fd = call3(SYS_open, (long)"/dev/null", O_RDONLY, 0);

		if (fd < 0)
			err = (int)-fd;
		else
			call3(SYS_close, fd, 0, 0);
	}
	stop(s);
	return err;
}

static int run_stat(struct sample *s, unsigned int count)
{
	struct stat st;
	int err = 0;

	start(s);
	for (unsigned int i = 0; i < count && !err; i++)
		err = (int)-call3(SYS_stat, (long)"/dev/null", (long)&st, 0);
	stop(s);
	return err;
}

/* From the start of the machine to main(): on this row alone, one operation and no repetition. */
static int run_boot(struct sample *s, unsigned int count)
{
	(void)count;
	s->ns = ns_at_entry;
	s->ticks = ticks_at_entry;
	return 0;
}

/* The order is part of the measurement: both kernels see the same history. New rows go to the end. */
static const struct row rows[] = {
	{"boot to first program", 1, run_boot, 0},
	{"empty loop", 5000, run_empty_loop, 0},
	{"null system call", 5000, run_syscall, 0},
	{"unknown system call", 5000, run_enosys, 0},
	{"read 1 byte /dev/zero", 5000, run_read_zero, 0},
	{"write 1 byte /dev/null", 5000, run_write_null, 0},
	{"clock_gettime (vDSO)", 5000, run_clock_gettime, 0},
	{"anonymous write fault", 1024, run_write_fault, 0},
	{"anonymous read fault", 1024, run_read_fault, 0},
	{"mmap+munmap 1 page", 2000, run_map_unmap, 0},
	{"mmap+touch+munmap 1 page", 2000, run_map_touch_unmap, 0},
	{"munmap, each resident page", 1024, run_unmap_resident, 0},
	{"mprotect 1 page of 3", 2000, run_mprotect, 0},
	{"copy 4096 bytes to kernel", 2000, run_copy_in, 0},
	{"copy 4096 bytes to user", 2000, run_copy_out, 0},
	{"copy 64 bytes to kernel", 2000, run_copy_in_64, 0},
	{"open+close /dev/null", 2000, run_open_close, 0},
	{"stat /dev/null", 2000, run_stat, 0},
};

static void measure(const struct row *row)
{
	struct sample best = {.ns = UINT64_MAX, .ticks = UINT64_MAX};

	for (int i = 0; i < REPEAT; i++) {
		struct sample s = {.arg = row->arg};
		int err = row->run(&s, row->count);

		if (err) {
			printf("%s\terror\t%s\n", row->name, err == ENOSYS ? "not there" : strerror(err));
			fflush(stdout);
			return;
		}
		if (s.ns < best.ns)
			best.ns = s.ns;
		if (s.ticks < best.ticks)
			best.ticks = s.ticks;
	}
	printf("%s\t%.1f\t%.1f\n", row->name, (double)best.ns / row->count, (double)best.ticks / row->count);
	fflush(stdout);
}

static void measure_all(const struct rows *group, const char *pattern)
{
	for (size_t i = 0; i < group->count; i++) {
		if (!pattern || fnmatch(pattern, group->row[i].name, 0) == 0)
			measure(&group->row[i]);
	}
}

/* What an initramfs with nothing but this program lacks. The root file system is the caller's own. */
static void make_nodes(void)
{
	mkdir("/dev", 0755);
	mknod("/dev/null", S_IFCHR | 0666, makedev(1, 3));
	mknod("/dev/zero", S_IFCHR | 0666, makedev(1, 5));
	mkdir("/proc", 0755);
	mount("proc", "/proc", "proc", 0, NULL);
}

/*
 * With the argument `exit` the program is what the exec rows run: it ends at once. `rows:PATTERN` chooses rows;
 * Linux hands unknown words of its own command line to /init, which are passed over.
 */
int main(int argc, char **argv)
{
	const struct rows first = {rows, sizeof(rows) / sizeof(rows[0])};
	const struct rows *groups[] = {&first,	   &memory_rows, &process_rows,
				       &talk_rows, &scale_rows,	 &names_rows};
	const char *pattern = NULL;
	int is_init;

	ticks_at_entry = ticks_now();
	ns_at_entry = ns_now();
	if (argc > 1 && strcmp(argv[1], "exit") == 0)
		_exit(0);
	if (argc > 1 && strcmp(argv[1], "smp") == 0)
		return run_smp();
	for (int i = 1; i < argc; i++) {
		if (strncmp(argv[i], "rows:", 5) == 0)
			pattern = argv[i] + 5;
	}
	own_path = argv[0];
	is_init = argc > 0 && getpid() == 1 && strcmp(argv[0], "/init") == 0;
	if (is_init)
		make_nodes();
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		measure_all(groups[i], pattern);
	printf("done\t0\t0\n");
	fflush(stdout);
	if (is_init)
		reboot(RB_AUTOBOOT);
	return 0;
}
