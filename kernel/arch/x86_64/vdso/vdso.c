/* SPDX-License-Identifier: MIT */
/*
 * The vDSO (vdso(7)): clocks and the CPU's number without entering the kernel. It runs in ring 3, in the
 * program's address space, and is the same code for all of them.
 *
 * The kernel rewrites the data page below at any moment; its sequence number is odd meanwhile and different
 * afterwards, and then the numbers are read again. What is not answered here goes to the system call, which
 * knows every clock.
 */
#include <asm/unistd_64.h>
#include <linux/time.h>

#include <arch/impl/vdso_abi.h>

#define NS_PER_SECOND 1000000000u
#define NS_PER_US     1000u

#define CLOCK_BIT(clock) (1u << (clock))
#define CLOCKS_REALTIME	 CLOCK_BIT(CLOCK_REALTIME)
/* Moat's clock is never slewed and the machine never suspended, so these three are one. */
#define CLOCKS_MONOTONIC                                                                                     \
	(CLOCK_BIT(CLOCK_MONOTONIC) | CLOCK_BIT(CLOCK_MONOTONIC_RAW) | CLOCK_BIT(CLOCK_BOOTTIME))
/* Those answered here; their resolution is one nanosecond. The coarse ones are the system call's. */
#define CLOCKS_FINE (CLOCKS_REALTIME | CLOCKS_MONOTONIC)

/* Placed by vdso.lds. Read-only here, but not constant: the compiler must not keep what it read. */
extern struct vdso_data vdso_data __attribute__((visibility("hidden")));

int __vdso_clock_gettime(int clock, struct timespec *ts);
int __vdso_clock_getres(int clock, struct timespec *res);
int __vdso_gettimeofday(struct timeval *tv, struct timezone *tz);
__kernel_old_time_t __vdso_time(__kernel_old_time_t *out);
long __vdso_getcpu(unsigned *cpu, unsigned *node, void *unused);

static inline long system_call(long number, long a, long b)
{
	long result;

	asm volatile("syscall" : "=a"(result) : "0"(number), "D"(a), "S"(b) : "rcx", "r11", "memory");
	return result;
}

/* The cycle counter, not before all that comes earlier in the program. */
static inline uint64_t read_tsc(void)
{
	uint32_t low, high;

	asm volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (uint64_t)high << 32 | low;
}

static inline uint64_t now_ns(int realtime)
{
	uint64_t ns, cycles;
	uint32_t seq;

	do {
		seq = __atomic_load_n(&vdso_data.seq, __ATOMIC_ACQUIRE);
		cycles = read_tsc();
		/* Another CPU's counter may be a little behind the one that set the base. */
		cycles = cycles > vdso_data.base_tsc ? cycles - vdso_data.base_tsc : 0;
		ns = vdso_data.base_ns;
		ns += (uint64_t)((unsigned __int128)cycles * vdso_data.mult >> VDSO_MULT_SHIFT);
		if (realtime)
			ns += vdso_data.realtime_offset_ns;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
	} while (__builtin_expect((seq & 1) || seq != __atomic_load_n(&vdso_data.seq, __ATOMIC_RELAXED), 0));
	return ns;
}

static inline int clock_is_among(int clock, unsigned clocks)
{
	return (unsigned)clock < 32 && (clocks & CLOCK_BIT(clock));
}

static inline void put_timespec(struct timespec *ts, uint64_t ns)
{
	ts->tv_sec = (long)(ns / NS_PER_SECOND);
	ts->tv_nsec = (long)(ns % NS_PER_SECOND);
}

int __vdso_clock_gettime(int clock, struct timespec *ts)
{
	if (clock_is_among(clock, CLOCKS_MONOTONIC))
		put_timespec(ts, now_ns(0));
	else if (clock_is_among(clock, CLOCKS_REALTIME))
		put_timespec(ts, now_ns(1));
	else
		return (int)system_call(__NR_clock_gettime, clock, (long)ts);
	return 0;
}

int __vdso_clock_getres(int clock, struct timespec *res)
{
	if (!clock_is_among(clock, CLOCKS_FINE))
		return (int)system_call(__NR_clock_getres, clock, (long)res);
	if (res)
		put_timespec(res, 1);
	return 0;
}

int __vdso_gettimeofday(struct timeval *tv, struct timezone *tz)
{
	if (tv) {
		uint64_t ns = now_ns(1);

		tv->tv_sec = (long)(ns / NS_PER_SECOND);
		tv->tv_usec = (long)(ns % NS_PER_SECOND / NS_PER_US);
	}
	return tz ? (int)system_call(__NR_gettimeofday, 0, (long)tz) : 0;
}

__kernel_old_time_t __vdso_time(__kernel_old_time_t *out)
{
	long seconds = (long)(now_ns(1) / NS_PER_SECOND);

	if (out)
		*out = seconds;
	return seconds;
}

/* The GDT has a segment for each CPU whose limit is the CPU's number. */
long __vdso_getcpu(unsigned *cpu, unsigned *node, void *unused)
{
	unsigned limit = 0;

	(void)unused;
	asm volatile("lsl %1, %0" : "+r"(limit) : "r"(VDSO_CPU_SELECTOR) : "cc");
	if (cpu)
		*cpu = limit & ((1u << VDSO_CPU_BITS) - 1);
	if (node)
		*node = limit >> VDSO_CPU_BITS;
	return 0;
}

#define WEAK_ALIAS(name) __attribute__((weak, alias("__vdso_" #name)))
int clock_gettime(int clock, struct timespec *ts) WEAK_ALIAS(clock_gettime);
int clock_getres(int clock, struct timespec *res) WEAK_ALIAS(clock_getres);
int gettimeofday(struct timeval *tv, struct timezone *tz) WEAK_ALIAS(gettimeofday);
__kernel_old_time_t time(__kernel_old_time_t *out) WEAK_ALIAS(time);
long getcpu(unsigned *cpu, unsigned *node, void *unused) WEAK_ALIAS(getcpu);
