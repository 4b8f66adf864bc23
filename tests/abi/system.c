/* SPDX-License-Identifier: MIT */
/* What a program asks of the system as a whole: names, identities, limits, random bytes, numbers unknown. */
#include "abi.h"
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

static void system_name(void)
{
	struct utsname u;
	int major = 0, minor = 0;

	memset(&u, 0xff, sizeof(u));
	R(uname(&u));
	printf("%s %s\n", u.sysname, u.machine);
	HOLDS(sscanf(u.release, "%d.%d", &major, &minor) == 2 && major >= 4);
	HOLDS(memchr(u.nodename, 0, sizeof(u.nodename)) != NULL);
	HOLDS(memchr(u.version, 0, sizeof(u.version)) != NULL);
	R(syscall(SYS_uname, (void *)8));
	R(syscall(SYS_uname, NULL));
}

static void memory_of_the_system(void)
{
	struct sysinfo s;

	memset(&s, 0xff, sizeof(s));
	R(sysinfo(&s));
	HOLDS(s.mem_unit > 0 && s.totalram * s.mem_unit > 4000000 && s.freeram <= s.totalram);
	HOLDS(s.procs >= 1);
	R(syscall(SYS_sysinfo, (void *)8));
}

static void identities(void)
{
	HOLDS(getpid() > 0 && syscall(SYS_gettid) == getpid());
	HOLDS(getppid() >= 0);
	HOLDS(getpgrp() == getpgid(0) && getpgid(getpid()) == getpgrp());
	HOLDS(syscall(SYS_set_tid_address, NULL) == getpid());
	HOLDS(getuid() == geteuid() && getgid() == getegid());
	R(sched_yield());
	R(kill(getpid(), 0));
	R(kill(999999, 0));
	R(kill(getpid(), 65));
	R(kill(getpid(), -1));
	R(syscall(SYS_tgkill, getpid(), getpid(), 0));
	R(syscall(SYS_tgkill, getpid(), 999999, 0));
	R(syscall(SYS_tgkill, -1, getpid(), 0));
}

static void process_name(void)
{
	char name[17] = "";

	R(prctl(PR_SET_NAME, "a-name-that-is-too-long"));
	R(prctl(PR_GET_NAME, name));
	printf("name %s\n", name);
	R(prctl(PR_SET_NAME, 8));
	R(prctl(-1, 0));
}

static void limits(void)
{
	struct rlimit r, old;
	int wrong = 0;

	for (int i = 0; i < RLIM_NLIMITS; i++) {
		wrong += getrlimit(i, &r) != 0;
		wrong += r.rlim_cur > r.rlim_max;
	}
	R(wrong);
	R(getrlimit(RLIM_NLIMITS, &r));
	R(getrlimit(-1, &r));
	R(syscall(SYS_getrlimit, RLIMIT_STACK, (void *)8));
	R(getrlimit(RLIMIT_STACK, &r));
	HOLDS(r.rlim_cur >= 1 << 20);
	R(getrlimit(RLIMIT_CORE, &old));
	r = (struct rlimit){5, 4};
	R(setrlimit(RLIMIT_CORE, &r));
	r = (struct rlimit){0, old.rlim_max};
	R(setrlimit(RLIMIT_CORE, &r));
	R(syscall(SYS_prlimit64, 0, RLIMIT_CORE, NULL, &r));
	R(r.rlim_cur);
	R(syscall(SYS_prlimit64, getpid(), RLIMIT_CORE, NULL, NULL));
	R(syscall(SYS_prlimit64, 999999, RLIMIT_CORE, NULL, &r));
	R(syscall(SYS_prlimit64, 0, 999, NULL, &r));
	R(syscall(SYS_prlimit64, 0, RLIMIT_CORE, (void *)8, NULL));
	R(syscall(SYS_prlimit64, 0, RLIMIT_CORE, NULL, (void *)8));
	r = (struct rlimit){0, 0};
	R(setrlimit(RLIMIT_CORE, &r));
	R(getrlimit(RLIMIT_CORE, &r));
	R(r.rlim_max);
}

static int bits_set(const unsigned char *p, size_t n)
{
	int bits = 0;

	for (size_t i = 0; i < n; i++)
		bits += __builtin_popcount(p[i]);
	return bits;
}

static void random_bytes(void)
{
	static unsigned char a[8192], b[8192];
	char *edge = abi_page_before_hole();

	R(getrandom(a, 16, 0));
	R(getrandom(b, 16, 0));
	HOLDS(memcmp(a, b, 16) != 0);
	R(getrandom(a, sizeof(a), 0));
	HOLDS(bits_set(a, sizeof(a)) > 32000 && bits_set(a, sizeof(a)) < 33500);
	R(getrandom(b, sizeof(b), GRND_NONBLOCK));
	HOLDS(memcmp(a, b, sizeof(a)) != 0);
	R(getrandom(a, 100, GRND_RANDOM));
	R(getrandom(a, 100, 4));
	R(getrandom(a, 0, 0));
	R(getrandom(a, 1, 8));
	R(getrandom(a, 1, GRND_RANDOM | 4));
	R(getrandom((void *)8, 16, 0));
	R(syscall(SYS_getrandom, (void *)-4096l, 16, 0));
	R(getrandom(edge + PAGE - 16, 16, 0));
	R(getrandom(edge + PAGE, 1, 0));
}

/* Linux looks at the low 32 bits of the number alone. */
static long raw(long number)
{
	long result;

	__asm__ volatile("syscall" : "=a"(result) : "0"(number) : "rcx", "r11", "memory");
	return result;
}

static void unknown_calls(void)
{
	R(syscall(1000));
	R(syscall(100000));
	R(syscall(0x7fffffff));
	R(syscall(-2));
	R(syscall(-1));
	R(syscall(350));
	R(syscall(400));
	R(raw(0x100000000 + SYS_getpid) == getpid());
	R(raw((long)0xffffffff00000000 + SYS_getpid) == getpid());
}

/*
 * All registers but rax, rcx and r11 live through a system call, which leaves rip in rcx and rflags in r11.
 * Takes what to load and where to store; stores the twelve, then rcx, r11, and what they must be.
 */
void registers_through_call(const unsigned long *in, unsigned long *out);
__asm__("registers_through_call:\n\t"
	"push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15; push %rsi\n\t"
	"mov %rdi, %rax\n\t"
	"mov 0(%rax), %rbx; mov 8(%rax), %rdx; mov 16(%rax), %rsi; mov 24(%rax), %rdi\n\t"
	"mov 32(%rax), %rbp; mov 40(%rax), %r8; mov 48(%rax), %r9; mov 56(%rax), %r10\n\t"
	"mov 64(%rax), %r12; mov 72(%rax), %r13; mov 80(%rax), %r14; mov 88(%rax), %r15\n\t"
	"mov $39, %eax\n\t"
	"syscall\n"
	"1:\tmov (%rsp), %rax\n\t"
	"mov %rbx, 0(%rax); mov %rdx, 8(%rax); mov %rsi, 16(%rax); mov %rdi, 24(%rax)\n\t"
	"mov %rbp, 32(%rax); mov %r8, 40(%rax); mov %r9, 48(%rax); mov %r10, 56(%rax)\n\t"
	"mov %r12, 64(%rax); mov %r13, 72(%rax); mov %r14, 80(%rax); mov %r15, 88(%rax)\n\t"
	"mov %rcx, 96(%rax); mov %r11, 104(%rax)\n\t"
	"lea 1b(%rip), %rdx; mov %rdx, 112(%rax)\n\t"
	"pushf; pop %rdx; mov %rdx, 120(%rax)\n\t"
	"pop %rsi; pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n\t"
	"ret\n");

static void registers(void)
{
	unsigned long in[12], out[16];

	for (unsigned long i = 0; i < 12; i++)
		in[i] = 0x1111111111111111ul * (i + 1);
	registers_through_call(in, out);
	R(memcmp(in, out, sizeof(in)));
	HOLDS(out[12] == out[14]);
	HOLDS(out[13] == out[15]);
	HOLDS(out[15] & 0x200);
}

int main(void)
{
	system_name();
	memory_of_the_system();
	identities();
	process_name();
	limits();
	random_bytes();
	unknown_calls();
	registers();
	return 0;
}
