/* SPDX-License-Identifier: MIT */
/* membarrier: commands, flags, and that the private ones want a registration. */
#include "mem.h"
#include <linux/membarrier.h>

static long barrier(int command, unsigned flags)
{
	return syscall(SYS_membarrier, command, flags, 0);
}

int main(void)
{
	long known = barrier(MEMBARRIER_CMD_QUERY, 0);

	HOLDS((known & MEMBARRIER_CMD_GLOBAL) != 0);
	HOLDS((known & MEMBARRIER_CMD_GLOBAL_EXPEDITED) != 0);
	HOLDS((known & MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED) != 0);
	HOLDS((known & MEMBARRIER_CMD_PRIVATE_EXPEDITED) != 0);
	HOLDS((known & MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) != 0);
	HOLDS((known & MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE) != 0);
	R(barrier(MEMBARRIER_CMD_QUERY, 1));
	R(barrier(MEMBARRIER_CMD_GLOBAL, 0));
	R(barrier(MEMBARRIER_CMD_GLOBAL, 1));
	R(barrier(MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0));
	R(barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0));
	R(barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0));
	R(barrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0));
	R(barrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0));
	R(barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0));
	R(barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED, 1));
	R(barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0));
	R(barrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE, 0));
	R(barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0));
	R(barrier(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0));
	R(barrier(1 << 20, 0));
	R(barrier(3, 0));
	R(barrier(-1, 0));
	return 0;
}
