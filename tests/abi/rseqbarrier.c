/* SPDX-License-Identifier: MIT */
/*
 * membarrier(2) and a thread on another CPU: who changes something and then asks for a barrier may rely on it that the others
 * see it, and with MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ that none of them goes on in a restartable sequence that began before.
 *
 *     the other      rseq: |---- load the number n; count n, count n, count n ... ----|  abort: it was interrupted
 *     this one             n becomes n + 1; membarrier; from now on nobody counts n
 */
#include "mem.h"
#include <linux/membarrier.h>
#include <linux/rseq.h>
#include <pthread.h>
#include <sched.h>

#define SIGNATURE 0x53053053u
#define ROUNDS	  20

static struct rseq area __attribute__((aligned(32)));
static struct rseq_cs sequence __attribute__((aligned(32)));
static volatile unsigned number, counts[ROUNDS + 1], stop, gone;

/* Counts until it is interrupted; there is no other way out. */
static void stay_in_sequence(void)
{
	asm volatile("lea 1f(%%rip), %%rax\n"
		     "mov %%rax, 8+%[cs]\n"
		     "lea 2f(%%rip), %%rcx\n"
		     "sub %%rax, %%rcx\n"
		     "mov %%rcx, 16+%[cs]\n"
		     "lea 4f(%%rip), %%rax\n"
		     "mov %%rax, 24+%[cs]\n"
		     "lea %[cs], %%rax\n"
		     "lea %[counts], %%rcx\n"
		     "mov %%rax, 8+%[area]\n"
		     "1: mov %[number], %%eax\n"
		     "3: incl (%%rcx,%%rax,4)\n"
		     "jmp 3b\n"
		     "2: ud2\n"
		     ".byte 0x0f, 0xb9, 0x3d\n"
		     ".long 0x53053053\n"
		     "4:\n"
		     : [cs] "+m"(sequence), [area] "+m"(area), [counts] "+m"(counts)
		     : [number] "m"(number)
		     : "rax", "rcx", "memory");
}

static void *other(void *unused)
{
	(void)unused;
	if (syscall(SYS_rseq, &area, 32, 0, SIGNATURE) != 0)
		printf("no rseq: %s\n", abi_error(errno));
	while (!stop)
		stay_in_sequence();
	gone = 1;
	return NULL;
}

int main(void)
{
	pthread_t thread;
	int late = 0;

	R(syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ, 0, 0));
	R(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, 0, 0));
	if (pthread_create(&thread, NULL, other, NULL) != 0)
		return 1;
	for (unsigned i = 0; i < ROUNDS; i++) {
		unsigned before;

		while (!counts[i])
			sched_yield();
		number = i + 1;
		stop = i == ROUNDS - 1;
		syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, 0, 0);
		before = counts[i];
		for (volatile int j = 0; j < 100000; j++)
			;
		late += counts[i] != before;
	}
	R(late);
	/* It may have come just too late for the last one. */
	while (!gone)
		syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, 0, 0);
	pthread_join(thread, NULL);
	return 0;
}
