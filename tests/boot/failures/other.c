/* SPDX-License-Identifier: MIT */
/* Allocations that fail in calls that look at memory from outside, or map it in another way. */
#include <sys/shm.h>
#include <sys/uio.h>
#include "failures.h"

#define MPOL_BIND    2
#define MPOL_MF_MOVE 2

static unsigned char outside[2 * PAGE];
static struct iovec local, remote;

static void show_again(struct attempt *a)
{
	int fd = memory_file(8 * PAGE);

	map_at(PLACE, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd);
	fill(a, (void *)PLACE, 8 * PAGE);
	call(a, SYS_remap_file_pages, PLACE + 2 * PAGE, 2 * PAGE, 0, 6, 0, 0);
}

/* A second time, of a segment that goes with the process. */
static void attach(struct attempt *a)
{
	int id = shmget(IPC_PRIVATE, 4 * PAGE, 0600);

	if (id < 0 || shmat(id, (void *)OTHER, 0) != (void *)OTHER || shmctl(id, IPC_RMID, NULL) != 0)
		broken("shmat");
	fill(a, (void *)OTHER, 4 * PAGE);
	call(a, SYS_shmat, id, PLACE, 0, 0, 0, 0);
}

static void vm_call(struct attempt *a, long number, const void *at)
{
	local = (struct iovec){outside, sizeof(outside)};
	remote = (struct iovec){(void *)(uintptr_t)at, sizeof(outside)};
	call(a, number, getpid(), (long)&local, 1, (long)&remote, 1, 0);
}

static void vm_read(struct attempt *a)
{
	memset(outside, 0, sizeof(outside));
	vm_call(a, SYS_process_vm_readv, filled_at(a, PLACE, 2 * PAGE));
}

static void vm_write(struct attempt *a)
{
	memset(outside, 1, sizeof(outside));
	filled_at(a, OTHER, PAGE);
	vm_call(a, SYS_process_vm_writev, empty_at(PLACE, 2 * PAGE));
}

/* As a debugger: memory that is read-only gets a page of its own. */
static void write_forced(struct attempt *a)
{
	int fd = open("/proc/self/mem", O_RDWR);

	if (fd < 0)
		broken("/proc/self/mem");
	filled_at(a, OTHER, PAGE);
	map_at(PLACE, 4 * PAGE, PROT_READ, MAP_PRIVATE, filled_file(4 * PAGE));
	call(a, SYS_pwrite64, fd, (long)outside, PAGE, PLACE + PAGE, 0, 0);
}

static void policy(struct attempt *a)
{
	static unsigned long nodes = 1;

	filled_at(a, PLACE, 8 * PAGE);
	call(a, SYS_mbind, PLACE + 2 * PAGE, 2 * PAGE, MPOL_BIND, (long)&nodes, 8, MPOL_MF_MOVE);
}

const struct test other_cases[] = {
	{"remap_file_pages", show_again, MAY_DO_WITHOUT, 0},
	{"shmat", attach, 0, 0},
	{"process_vm_readv", vm_read, 0, EFAULT},
	{"process_vm_writev", vm_write, MAY_DO_WITHOUT, EFAULT},
	{"write to /proc/self/mem", write_forced, 0, EIO},
	{"mbind of the middle", policy, 0, 0},
	{NULL, NULL, 0, 0},
};
