/* SPDX-License-Identifier: MIT */
/*
 * Memory policies and nodes: set_mempolicy, get_mempolicy, mbind, move_pages, migrate_pages, getcpu, /sys and numa_maps. As
 * on a machine with one node, which is what every machine that runs this has in common: node 0.
 */
#include "abi.h"
#include "mem.h"
#include <linux/mempolicy.h>

#define BIT(n) (1ul << (n))

static unsigned long mask;
static int mode;

static long set(int m, unsigned long *nodes, unsigned long bits)
{
	return syscall(SYS_set_mempolicy, m, nodes, bits);
}

static long get(int *m, unsigned long *nodes, unsigned long bits, void *addr, unsigned long flags)
{
	return syscall(SYS_get_mempolicy, m, nodes, bits, addr, flags);
}

static long bind_to(void *addr, size_t len, int m, unsigned long *nodes, unsigned long bits, unsigned flags)
{
	return syscall(SYS_mbind, addr, len, m, nodes, bits, flags);
}

/* The policy that holds now. The bitmap's end is far enough for any kernel. */
static void show(void *addr, unsigned long flags)
{
	unsigned long nodes[32] = {0};
	long r = get(&mode, nodes, 1025, addr, flags);

	printf("    policy %d, nodes %lx, result %ld\n", r ? 0 : mode, nodes[0], r);
}

static void threads_policy(void)
{
	unsigned long one = BIT(0), none = 0, far[3] = {BIT(0), 0, 0};

	show(NULL, 0);
	R(set(MPOL_BIND, &one, 2));
	show(NULL, 0);
	R(set(MPOL_PREFERRED, &one, 2));
	show(NULL, 0);
	R(set(MPOL_PREFERRED, &none, 2));
	show(NULL, 0);
	R(set(MPOL_PREFERRED, NULL, 0));
	show(NULL, 0);
	R(set(MPOL_INTERLEAVE, far, 130));
	show(NULL, 0);
	R(get(&mode, NULL, 0, NULL, MPOL_F_NODE));
	printf("    next %d\n", mode);
	R(set(MPOL_LOCAL, NULL, 0));
	show(NULL, 0);
	R(set(MPOL_BIND | MPOL_F_STATIC_NODES, &one, 2));
	show(NULL, 0);
	R(set(MPOL_BIND | MPOL_F_RELATIVE_NODES, &one, 2));
	show(NULL, 0);
	R(get(&mode, NULL, 0, NULL, MPOL_F_NODE));
	R(set(MPOL_DEFAULT, NULL, 0));
	show(NULL, 0);
}

static void threads_errors(void)
{
	unsigned long one = BIT(0), none = 0;

	R(set(-1, &one, 2));
	R(set(100, &one, 2));
	R(set(MPOL_BIND, NULL, 0));
	R(set(MPOL_BIND, &none, 2));
	R(set(MPOL_BIND, &one, 1));
	R(set(MPOL_BIND, &one, 0));
	R(set(MPOL_BIND, (unsigned long *)8, 2));
	R(set(MPOL_BIND, &one, 1000000));
	R(set(MPOL_DEFAULT, &one, 2));
	R(set(MPOL_DEFAULT, &none, 2));
	R(set(MPOL_LOCAL, &one, 2));
	R(set(MPOL_INTERLEAVE, &none, 64));
	R(set(MPOL_PREFERRED | MPOL_F_STATIC_NODES, &none, 2));
	R(set(MPOL_LOCAL | MPOL_F_RELATIVE_NODES, NULL, 0));
	R(set(MPOL_BIND | MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES, &one, 2));
	R(set(MPOL_INTERLEAVE | MPOL_F_NUMA_BALANCING, &one, 2));
	R(get(&mode, &mask, 0, NULL, 0));
	R(get(&mode, NULL, 0, (void *)PAGE, 0));
	R(get(&mode, NULL, 0, NULL, 8));
	R(get(&mode, NULL, 0, NULL, MPOL_F_NODE));
	R(get(&mode, NULL, 0, NULL, MPOL_F_ADDR));
	R(get((int *)8, NULL, 0, NULL, 0));
	R(get(&mode, NULL, 0, NULL, MPOL_F_MEMS_ALLOWED | MPOL_F_NODE));
	R(get(NULL, NULL, 0, NULL, 0));
}

static void of_ranges(void)
{
	unsigned long one = BIT(0), none = 0;
	char *p = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	R(bind_to(p + PAGE, 2 * PAGE, MPOL_BIND, &one, 2, 0));
	show(p, MPOL_F_ADDR);
	show(p + PAGE, MPOL_F_ADDR);
	show(p + 3 * PAGE, MPOL_F_ADDR);
	p[PAGE] = 1;
	R(get(&mode, NULL, 0, p + PAGE, MPOL_F_NODE | MPOL_F_ADDR));
	printf("    node %d\n", mode);
	R(get(&mode, NULL, 0, p + 5 * PAGE, MPOL_F_NODE | MPOL_F_ADDR));
	printf("    node %d\n", mode);
	R(bind_to(p, 8 * PAGE, MPOL_INTERLEAVE, &one, 2, MPOL_MF_MOVE | MPOL_MF_STRICT));
	show(p + 7 * PAGE, MPOL_F_ADDR);
	R(bind_to(p, PAGE, MPOL_PREFERRED, &one, 2, MPOL_MF_STRICT));
	R(bind_to(p, 8 * PAGE, MPOL_DEFAULT, NULL, 0, 0));
	show(p, MPOL_F_ADDR);
	R(bind_to(p + 1, PAGE, MPOL_BIND, &one, 2, 0));
	R(bind_to(p, 0, MPOL_BIND, &one, 2, 0));
	R(bind_to(p, -PAGE, MPOL_BIND, &one, 2, 0));
	R(bind_to(p, PAGE, MPOL_BIND, &none, 2, 0));
	R(bind_to(p, PAGE, MPOL_DEFAULT, &one, 2, 0));
	R(bind_to(p, PAGE, 77, &one, 2, 0));
	R(bind_to(p, PAGE, MPOL_BIND, &one, 2, 128));
	R(bind_to(p, PAGE, MPOL_BIND, (unsigned long *)8, 2, 0));
	R(munmap(p + 3 * PAGE, PAGE));
	R(bind_to(p, 8 * PAGE, MPOL_BIND, &one, 2, 0));
	show(p, MPOL_F_ADDR);
	R(bind_to(p + 3 * PAGE, PAGE, MPOL_BIND, &one, 2, 0));
	R(get(&mode, NULL, 0, p + 3 * PAGE, MPOL_F_ADDR));
	R(munmap(p, 8 * PAGE));
}

static void pages(void)
{
	char *p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *at[4] = {p, p + PAGE + 5, p + 2 * PAGE, (void *)16};
	int status[4] = {7, 7, 7, 7}, nodes[4] = {0, 0, 0, 0}, far[1] = {63};
	unsigned long one = BIT(0), two = BIT(1), none = 0;

	p[0] = p[PAGE] = 1;
	R(syscall(SYS_move_pages, 0, 4ul, at, NULL, status, 0));
	printf("    %d %d %d %d\n", status[0], status[1], status[2], status[3]);
	R(syscall(SYS_move_pages, getpid(), 2ul, at, nodes, status, MPOL_MF_MOVE));
	printf("    %d %d\n", status[0], status[1]);
	R(syscall(SYS_move_pages, 0, 1ul, at, far, status, MPOL_MF_MOVE));
	R(syscall(SYS_move_pages, 0, 1ul, at, NULL, status, 1));
	R(syscall(SYS_move_pages, 0, 1ul, (void *)8, NULL, status, 0));
	R(syscall(SYS_move_pages, 0, 1ul, at, NULL, (void *)8, 0));
	R(syscall(SYS_move_pages, 0x3fffffff, 1ul, at, NULL, status, 0));
	R(syscall(SYS_move_pages, 0, 0ul, NULL, NULL, NULL, 0));
	R(syscall(SYS_migrate_pages, 0, 2ul, &one, &one));
	R(syscall(SYS_migrate_pages, 0, 2ul, &one, &none));
	R(syscall(SYS_migrate_pages, 0, 2ul, (void *)8, &one));
	R(syscall(SYS_migrate_pages, 0, 2ul, &two, &one));
	R(syscall(SYS_migrate_pages, 0x3fffffff, 2ul, &one, &one));
	R(munmap(p, 4 * PAGE));
}

/* A child has the policy of its parent. */
static void inherited(void)
{
	unsigned long one = BIT(0);

	R(set(MPOL_INTERLEAVE, &one, 2));
	fflush(stdout);
	if (fork() == 0) {
		show(NULL, 0);
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	R(set(MPOL_DEFAULT, NULL, 0));
}

int main(void)
{
	unsigned cpu = 99, node = 99;

	R(syscall(SYS_getcpu, NULL, &node, NULL));
	printf("    node %u\n", node);
	R(syscall(SYS_getcpu, &cpu, (void *)8, NULL));
	threads_policy();
	threads_errors();
	of_ranges();
	pages();
	inherited();
	return 0;
}
