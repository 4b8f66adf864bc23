/* SPDX-License-Identifier: MIT */
/* Signals of one thread: handlers, masks, siginfo, alternate stacks, what a handler may change. */
#include "abi.h"
#include <signal.h>
#include <sys/ucontext.h>
#include <time.h>

static volatile sig_atomic_t calls, last_signal, last_code, depth, deepest, on_alternate;
static void *volatile last_address;
static char alternate[65536];
static char *page;

static void note(int signal, siginfo_t *info, void *context)
{
	char here;

	(void)context;
	calls++;
	last_signal = signal;
	last_code = info->si_code;
	last_address = info->si_addr;
	on_alternate = &here >= alternate && &here < alternate + sizeof(alternate);
}

static void set_handler(int signal, void (*handler)(int, siginfo_t *, void *), int flags)
{
	struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags};

	sigemptyset(&action.sa_mask);
	R(sigaction(signal, &action, NULL));
}

static void sent_to_oneself(void)
{
	sigset_t set, pending;

	set_handler(SIGUSR1, note, 0);
	R(raise(SIGUSR1));
	R(calls);
	R(last_signal);
	R(kill(getpid(), SIGUSR1));
	R(calls);
	R(last_code);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	R(sigprocmask(SIG_BLOCK, &set, NULL));
	R(kill(getpid(), SIGUSR1));
	R(kill(getpid(), SIGUSR1));
	R(calls);
	R(sigpending(&pending));
	R(sigismember(&pending, SIGUSR1));
	R(sigismember(&pending, SIGUSR2));
	R(sigprocmask(SIG_UNBLOCK, &set, NULL));
	R(calls);
	R(signal(SIGUSR1, SIG_IGN) != SIG_ERR);
	R(kill(getpid(), SIGUSR1));
	R(calls);
	R(sigaction(SIGKILL, &(struct sigaction){0}, NULL));
	R(sigaction(65, &(struct sigaction){0}, NULL));
	R(kill(getpid(), 65));
	R(kill(getpid(), 0));
	R(sigprocmask(7, &set, NULL));
}

static void nest(int signal, siginfo_t *info, void *context)
{
	(void)info;
	(void)context;
	depth++;
	deepest = depth > deepest ? depth : deepest;
	if (calls++ < 3)
		raise(signal);
	depth--;
}

static void nesting(void)
{
	calls = 0;
	set_handler(SIGUSR1, nest, 0);
	raise(SIGUSR1);
	R(calls);
	R(deepest);
	calls = deepest = 0;
	set_handler(SIGUSR1, nest, SA_NODEFER);
	raise(SIGUSR1);
	R(calls);
	R(deepest);
	set_handler(SIGUSR2, note, (int)SA_RESETHAND);
	raise(SIGUSR2);
	struct sigaction now;
	R(sigaction(SIGUSR2, NULL, &now));
	R(now.sa_handler == SIG_DFL);
}

static void allow(int signal, siginfo_t *info, void *context)
{
	note(signal, info, context);
	mprotect(page, PAGE, PROT_READ | PROT_WRITE);
}

static void faults(void)
{
	page = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	calls = 0;
	set_handler(SIGSEGV, allow, 0);
	*(volatile char *)(page + 5) = 7;
	R(calls);
	R(last_code == SEGV_ACCERR);
	R(last_address == page + 5);
	R(page[5]);
}

static void skip(int signal, siginfo_t *info, void *context)
{
	ucontext_t *u = context;

	note(signal, info, context);
	u->uc_mcontext.gregs[REG_RIP] += 2; /* over UD2 */
	u->uc_mcontext.gregs[REG_RBX] = 0x1234567;
}

static void changed_registers(void)
{
	long rbx = 0;
	double before = 1.25, after;

	set_handler(SIGILL, skip, 0);
	__asm__ volatile("movsd %2, %%xmm7; mov $1, %%rbx; ud2; mov %%rbx, %0; movsd %%xmm7, %1"
			 : "=r"(rbx), "=m"(after)
			 : "m"(before)
			 : "rbx", "xmm7", "memory");
	R(rbx);
	R(after == before);
	R(last_code == ILL_ILLOPN);
}

static void alternate_stack(void)
{
	stack_t stack = {.ss_sp = alternate, .ss_size = sizeof(alternate)}, old;

	R(sigaltstack(NULL, &old));
	R(old.ss_flags == SS_DISABLE);
	R(sigaltstack(&stack, NULL));
	set_handler(SIGUSR1, note, SA_ONSTACK);
	raise(SIGUSR1);
	R(on_alternate);
	set_handler(SIGUSR1, note, 0);
	raise(SIGUSR1);
	R(on_alternate);
	stack.ss_size = 100;
	R(sigaltstack(&stack, NULL));
	stack.ss_flags = 77;
	R(sigaltstack(&stack, NULL));
	stack.ss_flags = SS_DISABLE;
	R(sigaltstack(&stack, &old));
	R(old.ss_size == sizeof(alternate));
}

static void suspended(void)
{
	sigset_t block, none;

	sigemptyset(&none);
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	calls = 0;
	set_handler(SIGUSR1, note, 0);
	sigprocmask(SIG_BLOCK, &block, NULL);
	raise(SIGUSR1);
	R(calls);
	R(sigsuspend(&none));
	R(calls);
	raise(SIGUSR1);
	R(calls);
	sigprocmask(SIG_UNBLOCK, &block, NULL);
	R(calls);
}

int main(void)
{
	sent_to_oneself();
	nesting();
	faults();
	changed_registers();
	alternate_stack();
	suspended();
	return 0;
}
