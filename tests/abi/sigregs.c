/* SPDX-License-Identifier: MIT */
/* The registers of a signal's frame that a program seldom changes: flags, and addresses that no CPU goes to. */
#include "abi.h"
#include <signal.h>
#include <ucontext.h>

#define FLAG_TF 0x100ul
#define FLAG_NT 0x4000ul

static gregset_t before;
static unsigned long target;

static void send_away(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)sig;
	(void)info;
	memcpy(&before, &uc->uc_mcontext.gregs, sizeof(before));
	uc->uc_mcontext.gregs[REG_RIP] = (greg_t)target;
	uc->uc_mcontext.gregs[REG_R8] = 0x1234;
}

static void arrived(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)sig;
	printf("at %llx code %d address %d r8 %llx\n", (unsigned long long)uc->uc_mcontext.gregs[REG_RIP],
	       info->si_code, info->si_addr == NULL, (unsigned long long)uc->uc_mcontext.gregs[REG_R8]);
	memcpy(&uc->uc_mcontext.gregs, &before, sizeof(before));
}

static void go_to(unsigned long address)
{
	target = address;
	raise(SIGUSR1);
}

static unsigned long seen;

static void look(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	unsigned long now;

	(void)sig;
	(void)info;
	__asm__ volatile("pushfq; popq %0" : "=r"(now));
	seen |= (unsigned long)uc->uc_mcontext.gregs[REG_EFL] & (FLAG_TF | FLAG_NT);
	seen |= (now & (FLAG_TF | FLAG_NT)) << 16;
}

/* The flags after a system call that was made with `flags` set. */
static void call_with(unsigned long flags)
{
	unsigned long out;

	seen = 0;
	__asm__ volatile(
		"subq $128, %%rsp; pushfq; orq %[flags], (%%rsp); popfq; syscall; pushfq; popq %[out]\n\t"
		"pushfq; andq %[mask], (%%rsp); popfq; addq $128, %%rsp"
		: [out] "=&r"(out)
		: [flags] "r"(flags), [mask] "r"(~(FLAG_TF | FLAG_NT)), "a"(SYS_getpid)
		: "rcx", "r11", "memory", "cc");
	printf("flags %lx: after %lx, seen by the handler %lx\n", flags, out & (FLAG_TF | FLAG_NT), seen);
}

static void on(int sig, void (*handler)(int, siginfo_t *, void *))
{
	struct sigaction a = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};

	sigaction(sig, &a, NULL);
}

int main(void)
{
	on(SIGUSR1, send_away);
	on(SIGSEGV, arrived);
	go_to(0x7ffffffff000);
	go_to(1ul << 47);
	go_to(1ul << 62);
	go_to(0x7fffffffffffffff);
	on(SIGTRAP, look);
	call_with(0);
	call_with(FLAG_NT);
	call_with(FLAG_TF);
	call_with(FLAG_NT | FLAG_TF);
	return 0;
}
