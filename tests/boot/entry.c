/* SPDX-License-Identifier: MIT */
/*
 * Attacks on the ways into the kernel and back: system calls with odd flags, stacks, return addresses and
 * pointers, and forged return frames. Most must be survived; then the program checks that its own state is
 * untouched and exits with 0.
 */
#include "attack.h"

static int do_nothing(unsigned long argument)
{
	(void)argument;
	return call3(SYS_getpid, 0, 0, 0) > 0 ? 0 : 1;
}

static int do_loop(unsigned long argument)
{
	(void)argument;
	for (;;)
		__asm__ volatile("");
	return 1;
}

static int do_system_call_loop(unsigned long argument)
{
	(void)argument;
	for (;;)
		call3(SYS_getppid, 0, 0, 0);
	return 1;
}

/* A system call with these bits set in flags; they are still set afterwards, and the kernel has worked. */
static int do_flags(unsigned long bits)
{
	unsigned long flags;
	long result;

	__asm__ volatile("pushf; or %2, (%%rsp); popf; mov $39, %%eax; syscall; pushf; pop %1;"
			 "pushf; not %2; and %2, (%%rsp); popf; not %2"
			 : "=&a"(result), "=&d"(flags), "+b"(bits)
			 :
			 : "rcx", "r11", "memory", "cc");
	return result > 0 && (flags & bits) == bits ? 0 : 1;
}

/* A copy by the kernel with these bits set: DF must not turn it round, AC not open the kernel. */
static int do_flags_copy(unsigned long bits)
{
	static char name[400];
	long result = SYS_uname;

	__asm__ volatile("pushf; or %1, (%%rsp); popf; syscall; pushf; not %1; and %1, (%%rsp); popf"
			 : "+a"(result), "+b"(bits)
			 : "D"(name)
			 : "rcx", "r11", "memory", "cc");
	return result == 0 && name[0] == 'L' && name[1] == 'i' ? 0 : 1;
}

/* A system call and a wait for the timer while rsp points somewhere wild. */
static int do_wild_stack(unsigned long stack)
{
	long result = SYS_getpid;

	__asm__ volatile("mov %%rsp, %%rbx; mov %1, %%rsp; syscall;"
			 "mov $20000000, %%ecx; 1: dec %%ecx; jnz 1b;"
			 "mov %%rbx, %%rsp"
			 : "+a"(result)
			 : "r"(stack)
			 : "rbx", "rcx", "r11", "memory", "cc");
	return result > 0 ? 0 : 1;
}

static int do_push_wild_stack(unsigned long stack)
{
	__asm__ volatile("mov %0, %%rsp; push %%rax" ::"r"(stack) : "memory");
	return 1;
}

/* `syscall` as the last two bytes of user space: the return address is the first byte beyond. */
static int do_last_bytes(unsigned long argument)
{
	char *p = fresh(0x7fffffffe000, PAGE);

	(void)argument;
	p[PAGE - 2] = 0x0f;
	p[PAGE - 1] = 0x05;
	call3(SYS_mprotect, (long)p, (long)PAGE, 5);
	__asm__ volatile("jmp *%1" ::"a"(SYS_getpid), "r"(p + PAGE - 2));
	return 1;
}

static int do_wild_gs(unsigned long base)
{
	long result = SYS_getpid;

	__asm__ volatile("wrgsbase %1; syscall; mov $20000000, %%ecx; 1: dec %%ecx; jnz 1b; xor %%edx, "
			 "%%edx; wrgsbase %%rdx"
			 : "+a"(result)
			 : "r"(base)
			 : "rcx", "rdx", "r11", "memory", "cc");
	return result > 0 ? 0 : 1;
}

/* iretq from ring 3 with one field of the frame forged; `field` 0..4 is rip, cs, rflags, rsp, ss. */
struct frame {
	uint64_t rip, cs, flags, rsp, ss;
};

static int return_through(struct frame *frame)
{
	uint64_t flags;

	__asm__ volatile("mov %%cs, %%eax; test %%eax, %%eax; mov %%rsp, %%rbx;"
			 "cmpq $0, 8(%1); jne 1f; mov %%rax, 8(%1); 1:"
			 "mov %%ss, %%eax; cmpq $0, 32(%1); jne 1f; mov %%rax, 32(%1); 1:"
			 "cmpq $0, 24(%1); jne 1f; mov %%rsp, 24(%1); 1:"
			 "lea 2f(%%rip), %%rax; cmpq $0, (%1); jne 1f; mov %%rax, (%1); 1:"
			 "mov %1, %%rsp; iretq; 2: mov %%rbx, %%rsp; pushf; pop %0"
			 : "=&d"(flags)
			 : "r"(frame)
			 : "rax", "rbx", "rcx", "memory", "cc");
	return (flags & 0x3200) == 0x200 ? 0 : 1;
}

static int do_iret(unsigned long unused)
{
	struct frame f = {0, 0, 0x202, 0, 0};

	(void)unused;
	return return_through(&f);
}

static int do_iret_rip(unsigned long rip)
{
	struct frame f = {rip, 0, 0x202, 0, 0};

	return return_through(&f);
}

static int do_iret_cs(unsigned long cs)
{
	struct frame f = {0, cs, 0x202, 0, 0};

	return return_through(&f);
}

static int do_iret_flags(unsigned long flags)
{
	struct frame f = {0, 0, flags, 0, 0};

	return return_through(&f);
}

static int do_iret_ss(unsigned long ss)
{
	struct frame f = {0, 0, 0x202, 0, ss};

	return return_through(&f);
}

/* Calls that end or stop the program by themselves, or change it under its own feet. */
static int is_excluded(long nr)
{
	static const short excluded[] = {
		SYS_exit,
		SYS_exit_group,
		SYS_pause,
		SYS_rt_sigsuspend,
		SYS_kill,
		SYS_tkill,
		SYS_tgkill,
		SYS_rt_sigreturn,
		SYS_select,
		SYS_pselect6,
		SYS_poll,
		SYS_ppoll,
		SYS_fork,
		SYS_vfork,
		SYS_clone,
		SYS_clone3,
		SYS_mmap,
		SYS_munmap,
		SYS_mprotect,
		SYS_brk,
		SYS_mremap,
		SYS_alarm,
		SYS_setitimer,
		SYS_personality,
		SYS_vhangup,
		SYS_close_range,
		SYS_arch_prctl,
		SYS_execve,
		SYS_execveat,
		SYS_close,
		SYS_ptrace,
		SYS_prctl,
		SYS_seccomp,
		SYS_unshare,
		SYS_restart_syscall,
		SYS_reboot,
		SYS_setrlimit,
		SYS_setns,
		SYS_chroot,
		SYS_rt_sigtimedwait,
		SYS_read,
		SYS_readv,
		SYS_msgrcv,
		SYS_semop,
		SYS_semtimedop,
		/* What they make outlives the program. */
		SYS_msgget,
		SYS_semget,
		SYS_shmget,
		SYS_mq_open,
	};

	for (size_t i = 0; i < sizeof(excluded) / sizeof(excluded[0]); i++) {
		if (excluded[i] == nr)
			return 1;
	}
	return 0;
}

/* Every call number with every argument wild: each must return, none may hurt the kernel. */
static int do_wild_calls(unsigned long argument)
{
	static const unsigned long wild[] = {
		0,
		1,
		0xfff,
		0x7ffffffff000,
		0x800000000000,
		0xffff800000000000,
		0xffffffff80000000,
		0x7fffffffffffffff,
		0x8000000000000000,
		-PAGE,
		-1ul,
	};
	static char good[2 * PAGE];

	(void)argument;
	for (long nr = 0; nr < 500; nr++) {
		if (is_excluded(nr))
			continue;
		for (size_t i = 0; i < sizeof(wild) / sizeof(wild[0]); i++) {
			long w = (long)wild[i];

			/* A wild length on standard output is not the point; descriptors are wild too. */
			if (w == 1)
				call6(nr, 77, w, w, w, w, w);
			else
				call6(nr, w, w, w, w, w, w);
			call6(nr, 77, w, 16, w, w, w);
			/* What one call wrote there must not be a time for another one to sleep. */
			for (size_t k = 0; k < 16; k++)
				((volatile char *)good)[k] = -1;
			call6(nr, (long)good, w, w, w, w, w);
		}
	}
	return call3(SYS_getpid, 0, 0, 0) > 0 ? 0 : 1;
}

/* The largest and least numbers of system calls, and wild upper halves, which do not count: %eax has the number. */
static int do_wild_numbers(unsigned long argument)
{
	static const unsigned long numbers[] = {
		0x1000, 0x7fffffff, 0x80000000, 0xffffffff, 0x7fffffffffffffff, 0x8000000000001000,
		-1ul,	0x40000027,
	};

	(void)argument;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (call3((long)numbers[i], 0, 0, 0) >= 0)
			return 1;
	}
	return call3((long)(0x8000000100000000 | SYS_getpid), 0, 0, 0) > 0 ? 0 : 1;
}

static int do_exit(unsigned long status)
{
	return (int)status;
}

const struct attack entry_attacks[] = {
	{"nothing", do_nothing},
	{"exit", do_exit},
	{"loop", do_loop},
	{"system-call-loop", do_system_call_loop},
	{"flags", do_flags},
	{"flags-copy", do_flags_copy},
	{"wild-stack", do_wild_stack},
	{"push-wild-stack", do_push_wild_stack},
	{"last-bytes", do_last_bytes},
	{"wild-gs", do_wild_gs},
	{"iret", do_iret},
	{"iret-rip", do_iret_rip},
	{"iret-cs", do_iret_cs},
	{"iret-flags", do_iret_flags},
	{"iret-ss", do_iret_ss},
	{"wild-calls", do_wild_calls},
	{"wild-numbers", do_wild_numbers},
	{NULL, NULL},
};
