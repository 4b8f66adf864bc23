/* SPDX-License-Identifier: MIT */
/* prctl(2): every option that is about the process itself, and those that x86-64 does not have. */
#include "abi.h"
#include <sys/prctl.h>
#include <sys/wait.h>

static void try(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)
{
	long result;

	errno = 0;
	result = syscall(SYS_prctl, option, a, b, c, d);
	printf("prctl %d (%s%lx %lx %lx %lx) = %ld %s\n", option, a > 0xfffff ? "address " : "",
	       a > 0xfffff ? 0 : a, b, c, d, result, result == -1 ? abi_error(errno) : "");
}

static void plain(void)
{
	/* Of other processors, or of kernels that are built otherwise. */
	static const int never[] = {5,	6,  9,	10, 11, 12, 17, 18, 19,	 20, 43,	44,
				    45, 46, 48, 49, 50, 51, 54, 55, 56,	 60, 61,	63,
				    64, 69, 70, 71, 72, 73, 74, 76, 999, -1, 0x59616d61};

	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		try(never[i], 0, 0, 0, 0);
}

static void dumpable(void)
{
	try(PR_GET_DUMPABLE, 0, 0, 0, 0);
	try(PR_SET_DUMPABLE, 0, 0, 0, 0);
	try(PR_GET_DUMPABLE, 0, 0, 0, 0);
	if (fork() == 0) {
		try(PR_GET_DUMPABLE, 0, 0, 0, 0);
		_exit(0);
	}
	wait(NULL);
	try(PR_SET_DUMPABLE, 2, 0, 0, 0);
	try(PR_SET_DUMPABLE, 1, 1, 0, 0);
	try(PR_GET_DUMPABLE, 1, 0, 0, 0);
}

static void clocks(void)
{
	int value = -7;

	try(PR_GET_TIMING, 0, 0, 0, 0);
	try(PR_SET_TIMING, 0, 0, 0, 0);
	try(PR_SET_TIMING, 1, 0, 0, 0);
	try(PR_GET_TSC, 0, 0, 0, 0);
	try(PR_GET_TSC, (uintptr_t)&value, 0, 0, 0);
	R(value);
	try(PR_SET_TSC, 1, 0, 0, 0);
	try(PR_SET_TSC, 0, 0, 0, 0);
	try(PR_SET_TSC, 3, 0, 0, 0);
	try(PR_GET_TIMERSLACK, 1, 1, 1, 1);
	try(PR_SET_TIMERSLACK, 777, 0, 0, 0);
	try(PR_GET_TIMERSLACK, 0, 0, 0, 0);
	try(PR_SET_TIMERSLACK, -1ul, 0, 0, 0);
	try(PR_GET_TIMERSLACK, 0, 0, 0, 0);
	try(PR_TASK_PERF_EVENTS_DISABLE, 0, 0, 0, 0);
	try(PR_TASK_PERF_EVENTS_ENABLE, 0, 0, 0, 0);
}

static void broken_memory(void)
{
	try(PR_MCE_KILL_GET, 0, 0, 0, 0);
	for (unsigned long policy = 0; policy < 4; policy++) {
		try(PR_MCE_KILL, PR_MCE_KILL_SET, policy, 0, 0);
		try(PR_MCE_KILL_GET, 0, 0, 0, 0);
	}
	try(PR_MCE_KILL, PR_MCE_KILL_CLEAR, 1, 0, 0);
	try(PR_MCE_KILL, PR_MCE_KILL_CLEAR, 0, 0, 0);
	try(PR_MCE_KILL, PR_MCE_KILL_CLEAR, 0, 1, 0);
	try(PR_MCE_KILL, 2, 0, 0, 0);
	try(PR_MCE_KILL_GET, 0, 0, 0, 0);
	try(PR_MCE_KILL_GET, 0, 1, 0, 0);
}

static void memory(void)
{
	try(PR_GET_THP_DISABLE, 0, 0, 0, 0);
	try(PR_GET_THP_DISABLE, 1, 0, 0, 0);
	try(PR_SET_THP_DISABLE, 1, 1, 0, 0);
	try(PR_SET_THP_DISABLE, 1, 0, 1, 0);
	try(PR_SET_THP_DISABLE, 1, 2, 0, 0);
	try(PR_GET_THP_DISABLE, 0, 0, 0, 0);
	try(PR_SET_THP_DISABLE, 0, 2, 0, 0);
	try(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	if (fork() == 0) {
		try(PR_GET_THP_DISABLE, 0, 0, 0, 0);
		_exit(0);
	}
	wait(NULL);
	try(PR_SET_THP_DISABLE, 0, 0, 0, 0);
	try(PR_GET_THP_DISABLE, 0, 0, 0, 0);
	try(65, 0, 0, 0, 0);
	try(65, 2, 0, 0, 0);
	try(65, 4, 0, 0, 0);
	try(65, 1, 1, 0, 0);
	try(66, 0, 0, 0, 0);
	try(66, 1, 0, 0, 0);
	try(67, 1, 0, 0, 0);
	try(68, 0, 0, 0, 0);
	try(67, 0, 0, 0, 0);
	try(67, 0, 1, 0, 0);
	try(68, 0, 0, 0, 0);
	try(68, 1, 0, 0, 0);
}

static void others(void)
{
	unsigned long auxv[64], address = 0;
	long n;

	try(PR_GET_TID_ADDRESS, 0, 0, 0, 0);
	try(PR_GET_TID_ADDRESS, (uintptr_t)&address, 0, 0, 0);
	HOLDS(address != 0);
	try(PR_GET_SPECULATION_CTRL, 3, 0, 0, 0);
	try(PR_GET_SPECULATION_CTRL, 0, 1, 0, 0);
	try(PR_SET_SPECULATION_CTRL, 3, 2, 0, 0);
	try(PR_SET_SPECULATION_CTRL, 0, 2, 1, 0);
	try(59, 0, 0, 0, 0);
	try(59, 0, 1, 0, 0);
	n = syscall(SYS_prctl, 0x41555856, auxv, sizeof(auxv), 0, 0);
	HOLDS(n > 100 && n <= (long)sizeof(auxv) && auxv[0] != 0 && auxv[n / 8 - 2] == 0);
	R(syscall(SYS_prctl, 0x41555856, auxv, 8, 0, 0) == n);
	R(syscall(SYS_prctl, 0x41555856, auxv, 8, 1, 0));
	R(syscall(SYS_prctl, 0x41555856, 8, 8, 0, 0));
	if (fork() == 0) {
		R(setresuid(1000, 1000, 1000));
		try(57, 1, 0, 0, 0);
		try(58, 0, 0, 0, 0);
		try(35, 1, 0, 0, 0);
		_exit(0);
	}
	wait(NULL);
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	plain();
	dumpable();
	clocks();
	broken_memory();
	memory();
	others();
	return 0;
}
