/* SPDX-License-Identifier: MIT */
/* Clocks, through the vDSO and through the system call, and sleeping. */
#include "abi.h"
#include <elf.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>

static int64_t to_ns(struct timespec t)
{
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int64_t library_ns(clockid_t clock)
{
	struct timespec t = {-1, -1};

	clock_gettime(clock, &t);
	return to_ns(t);
}

static int64_t kernel_ns(clockid_t clock)
{
	struct timespec t = {-1, -1};

	syscall(SYS_clock_gettime, clock, &t);
	return to_ns(t);
}

static void one_clock(const char *name, clockid_t clock)
{
	struct timespec res;
	int64_t last = library_ns(clock), previous;
	int backwards = 0, invalid = 0;

	printf("%s\n", name);
	R(clock_gettime(clock, &res));
	R(clock_getres(clock, &res));
	HOLDS(to_ns(res) > 0 && to_ns(res) <= 10000000);
	R(clock_getres(clock, NULL));
	for (int i = 0; i < 2000; i++) {
		previous = last;
		last = i % 2 ? kernel_ns(clock) : library_ns(clock);
		backwards += last < previous;
		clock_gettime(clock, &res);
		invalid += res.tv_nsec < 0 || res.tv_nsec >= 1000000000;
	}
	R(backwards);
	R(invalid);
}

static void bad_clocks(void)
{
	struct timespec t;

	R(clock_gettime(10, &t));
	R(clock_gettime(99, &t));
	R(clock_getres(99, &t));
	R(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, (void *)8));
	R(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, NULL));
	R(syscall(SYS_clock_getres, CLOCK_MONOTONIC, (void *)8));
}

static void relations(void)
{
	struct timeval tv;
	struct timezone tz;
	time_t t;
	int64_t a, b;

	a = library_ns(CLOCK_REALTIME);
	HOLDS(a > 1600000000ll * 1000000000);
	R(gettimeofday(&tv, NULL));
	b = (int64_t)tv.tv_sec * 1000000000 + tv.tv_usec * 1000;
	HOLDS(b - a >= -1000 && b - a < 1000000000);
	R(gettimeofday(&tv, &tz));
	R(syscall(SYS_gettimeofday, &tv, NULL));
	R(syscall(SYS_gettimeofday, (void *)8, NULL));
	t = time(NULL);
	HOLDS(t >= a / 1000000000 - 1 && t - a / 1000000000 < 2);
	t = syscall(SYS_time, NULL);
	HOLDS(t >= a / 1000000000 - 1 && t - a / 1000000000 < 2);
	R(syscall(SYS_time, (void *)8));
	a = library_ns(CLOCK_MONOTONIC);
	b = library_ns(CLOCK_BOOTTIME);
	HOLDS(b >= a);
	b = library_ns(CLOCK_MONOTONIC_COARSE);
	HOLDS(b - a > -50000000 && b - a < 1000000000);
	b = library_ns(CLOCK_REALTIME_COARSE) - library_ns(CLOCK_REALTIME);
	HOLDS(b > -50000000 && b <= 0);
}

static void sleeping(void)
{
	struct timespec t = {0, 20000000}, rest = {0, 0}, bad = {0, 1000000000}, negative = {-1, 0};
	int64_t start = library_ns(CLOCK_MONOTONIC), cpu = library_ns(CLOCK_PROCESS_CPUTIME_ID), took;

	R(nanosleep(&t, &rest));
	took = library_ns(CLOCK_MONOTONIC) - start;
	HOLDS(took >= 20000000 && took < 5000000000);
	HOLDS(library_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu < 20000000);
	R(nanosleep(&bad, NULL));
	R(nanosleep(&negative, NULL));
	R(syscall(SYS_nanosleep, (void *)8, NULL));
	R(syscall(SYS_nanosleep, NULL, NULL));
	t = (struct timespec){0, 0};
	R(nanosleep(&t, NULL));
	t = (struct timespec){0, 1};
	R(nanosleep(&t, NULL));
	clock_gettime(CLOCK_MONOTONIC, &t);
	R(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL));
	t.tv_nsec += 10000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_nsec -= 1000000000;
		t.tv_sec++;
	}
	R(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL));
	HOLDS(library_ns(CLOCK_MONOTONIC) >= to_ns(t));
	t = (struct timespec){0, 1000000};
	R(clock_nanosleep(CLOCK_REALTIME, 0, &t, NULL));
	R(abi_error(clock_nanosleep(99, 0, &t, NULL)) != NULL);
	R(syscall(SYS_clock_nanosleep, 99, 0, &t, NULL));
	R(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &bad, NULL));
}

static void processor_time(void)
{
	struct rusage u;
	struct tms tms;
	int64_t start = library_ns(CLOCK_PROCESS_CPUTIME_ID), now;
	volatile unsigned int work = 0;

	do {
		for (int i = 0; i < 100000; i++)
			work++;
		now = library_ns(CLOCK_PROCESS_CPUTIME_ID);
	} while (now - start < 30000000);
	R(getrusage(RUSAGE_SELF, &u));
	HOLDS(u.ru_utime.tv_sec * 1000000ll + u.ru_utime.tv_usec + u.ru_stime.tv_usec > 10000);
	HOLDS(u.ru_maxrss > 0);
	R(getrusage(99, &u));
	HOLDS(times(&tms) != -1);
	HOLDS(tms.tms_utime + tms.tms_stime >= 1);
	R(tms.tms_cutime);
}

static void vdso(void)
{
	const unsigned char *image = (const unsigned char *)getauxval(AT_SYSINFO_EHDR);

	HOLDS(image != NULL);
	HOLDS(image && memcmp(image, ELFMAG, SELFMAG) == 0);
	HOLDS(image && ((const Elf64_Ehdr *)image)->e_type == ET_DYN);
	HOLDS((uintptr_t)image % PAGE == 0);
}

int main(void)
{
	one_clock("realtime", CLOCK_REALTIME);
	one_clock("monotonic", CLOCK_MONOTONIC);
	one_clock("process", CLOCK_PROCESS_CPUTIME_ID);
	one_clock("thread", CLOCK_THREAD_CPUTIME_ID);
	one_clock("raw", CLOCK_MONOTONIC_RAW);
	one_clock("boottime", CLOCK_BOOTTIME);
	one_clock("tai", CLOCK_TAI);
	printf("coarse clocks\n");
	R(kernel_ns(CLOCK_REALTIME_COARSE) > 0);
	R(kernel_ns(CLOCK_MONOTONIC_COARSE) > 0);
	bad_clocks();
	relations();
	sleeping();
	processor_time();
	vdso();
	return 0;
}
