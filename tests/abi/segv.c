/* SPDX-License-Identifier: MIT */
/* Every kind of fault as a handler on an alternate stack sees it: signal, si_code, si_addr, and what the trap was. */
#include "mem.h"
#include <ucontext.h>

#define ARENA_PAGES 16
#define AT(page)    (arena + (page)*PAGE)

static sigjmp_buf fault_back;
static char signal_stack[64 << 10];
static struct {
	int signal, code;
	char *address;
	long trap, error, on_stack;
	uintptr_t cr2;
} seen;

static void handler(int signal, siginfo_t *info, void *context)
{
	const ucontext_t *u = context;
	char here;

	seen.signal = signal;
	seen.code = info->si_code;
	seen.address = info->si_addr;
	seen.trap = u->uc_mcontext.gregs[REG_TRAPNO];
	seen.error = u->uc_mcontext.gregs[REG_ERR];
	seen.cr2 = (uintptr_t)u->uc_mcontext.gregs[REG_CR2];
	seen.on_stack = &here >= signal_stack && &here < signal_stack + sizeof(signal_stack);
	siglongjmp(fault_back, 1);
}

/* Addresses in the arena relative to it, others as they are: they are the same everywhere. */
static void tell(int line, const char *what)
{
	printf("%d: %s: signal %d code %d", line, what, seen.signal, seen.code);
	if (seen.address >= arena && seen.address < AT(ARENA_PAGES))
		printf(" at arena+%#lx", (unsigned long)(seen.address - arena));
	else if ((uintptr_t)seen.address >= 0x400000 && (uintptr_t)seen.address < 0x10000000)
		printf(" at the program");
	else
		printf(" at %p", (void *)seen.address);
	/* Whether a page was there already, bit 0 of a page fault's code, is the kernel's business. Machines do not
	 * agree about the code of a general protection fault. */
	printf(" trap %ld error %#lx, handler on its stack: %ld\n", seen.trap,
	       seen.trap == 14 ? seen.error & ~1l : 0, seen.on_stack);
}

#define FAULT(statement)                                                    \
	do {                                                                \
		if (!sigsetjmp(fault_back, 1)) {                            \
			statement;                                          \
			printf("%d: %s: no fault\n", __LINE__, #statement); \
		} else {                                                    \
			tell(__LINE__, #statement);                         \
		}                                                           \
	} while (0)

static int load(const char *p)
{
	return *(const volatile char *)p;
}

static void store(char *p)
{
	*(volatile char *)p = 1;
}

static void jump(const char *p)
{
	((void (*)(void))(uintptr_t)p)();
}

static long load_wide(const char *p)
{
	long value;

	asm volatile("movq (%1), %0" : "=r"(value) : "r"(p));
	return value;
}

static void memory(void)
{
	int fd = (int)syscall(SYS_memfd_create, "mem", 0);

	ftruncate(fd, PAGE);
	mmap(AT(0), PAGE, RW, FIXANON, -1, 0);
	mmap(AT(1), PAGE, PROT_READ, FIXANON, -1, 0);
	mmap(AT(2), PAGE, PROT_NONE, FIXANON, -1, 0);
	mmap(AT(3), 2 * PAGE, RW, MAP_SHARED | MAP_FIXED, fd, 0);
	FAULT(load(AT(6) + 5));
	FAULT(store(AT(6) + 5));
	FAULT(jump(AT(6) + 5));
	FAULT(load(AT(2) + 7));
	FAULT(store(AT(2) + 7));
	FAULT(jump(AT(2) + 7));
	FAULT(store(AT(1) + 7));
	FAULT(load(AT(1)));
	FAULT(store(AT(1) + 8));
	FAULT(jump(AT(0) + 9));
	FAULT(jump(AT(1) + 9));
	AT(0)[9] = 1;
	FAULT(jump(AT(0) + 9));
	FAULT(load(AT(4) + 3));
	FAULT(store(AT(4) + 3));
	FAULT(load_wide(AT(6) - 4));
	FAULT(load_wide(AT(4) - 4));
	FAULT(load(NULL));
	FAULT(store((char *)8));
	FAULT(jump(NULL));
	FAULT(load((char *)0xffff800000000000));
	FAULT(store((char *)0xffffffff81000000));
	FAULT(jump((char *)0xffffffff81000000));
	FAULT(load((char *)-1));
	FAULT(load((char *)0x800000000000));
	FAULT(store((char *)0x8000000000000000));
	FAULT(load((char *)0x7ffffffff000));
	FAULT(load((char *)0x7fffffffffff));
}

static void instructions(void)
{
	FAULT(asm volatile("ud2"));
	FAULT(asm volatile("hlt"));
	FAULT(asm volatile("cli"));
	FAULT(asm volatile("int3"));
	FAULT(asm volatile("int $0x81"));
	FAULT(asm volatile("int $14"));
	FAULT(asm volatile("in $0x60, %%al" ::: "eax"));
	FAULT(asm volatile("mov %%cr3, %%rax" ::: "rax"));
	FAULT(asm volatile("rdmsr" ::"c"(0x10) : "eax", "edx"));
	FAULT(asm volatile("xor %%ecx, %%ecx; xor %%edx, %%edx; div %%ecx" ::: "eax", "ecx", "edx"));
	FAULT(asm volatile("mov %0, %%ds" ::"r"(0x1234)));
}

/* A fault while its signal is blocked or ignored ends the process. */
static void deadly(void)
{
	signal(SIGSEGV, SIG_DFL);
	signal(SIGBUS, SIG_DFL);
	IN_CHILD({
		sigset_t set;

		sigemptyset(&set);
		sigaddset(&set, SIGSEGV);
		sigprocmask(SIG_BLOCK, &set, NULL);
		load(NULL);
	});
	IN_CHILD({
		signal(SIGSEGV, SIG_IGN);
		load(NULL);
	});
	IN_CHILD({
		signal(SIGBUS, SIG_DFL);
		load(AT(4));
	});
	/* No stack for the handler. */
	IN_CHILD({
		struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};

		sigaction(SIGSEGV, &action, NULL);
		asm volatile("mov $0x10000, %%rsp; movb $0, 0" ::: "memory");
	});
}

int main(void)
{
	static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP};
	stack_t alternate = {.ss_sp = signal_stack, .ss_size = sizeof(signal_stack)};
	struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK};

	mem_arena(ARENA_PAGES);
	sigaltstack(&alternate, NULL);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &action, NULL);
	memory();
	instructions();
	deadly();
	return 0;
}
