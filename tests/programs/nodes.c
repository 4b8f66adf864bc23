/* SPDX-License-Identifier: MIT */
/*
 * What a program sees of a machine with two nodes: nodes NODE, where NODE is that of the CPU which runs it. Prints "ok" when
 * pages lie where they must, else the first thing that is wrong.
 */
#define _GNU_SOURCE
#include <linux/mempolicy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE  4096ul
#define PAGES 1024ul

#define MUST(condition)                                           \
	do {                                                      \
		if (!(condition)) {                               \
			printf("%d: %s\n", __LINE__, #condition); \
			exit(1);                                  \
		}                                                 \
	} while (0)

static unsigned here, there;

static char *map(unsigned long pages)
{
	char *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	MUST(p != MAP_FAILED);
	return p;
}

static void touch(char *p, unsigned long pages)
{
	for (unsigned long i = 0; i < pages; i++)
		*(unsigned long *)(p + i * PAGE) = i ^ 0x5eed;
}

static int is_intact(const char *p, unsigned long pages)
{
	for (unsigned long i = 0; i < pages; i++) {
		if (*(const unsigned long *)(p + i * PAGE) != (i ^ 0x5eed))
			return 0;
	}
	return 1;
}

/* How many of the pages are on the node. */
static unsigned long pages_on(char *p, unsigned long pages, unsigned node)
{
	static void *at[PAGES];
	static int status[PAGES];
	unsigned long n = 0;

	for (unsigned long i = 0; i < pages; i++)
		at[i] = p + i * PAGE;
	MUST(syscall(SYS_move_pages, 0, pages, at, NULL, status, 0) == 0);
	for (unsigned long i = 0; i < pages; i++)
		n += status[i] == (int)node;
	return n;
}

/* A figure of the node's numastat. */
static long stat_of(unsigned node, const char *name)
{
	char path[80], word[32];
	long value = -1, found = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/devices/system/node/node%u/numastat", node);
	f = fopen(path, "r");
	MUST(f);
	while (fscanf(f, "%31s %ld", word, &value) == 2)
		found = strcmp(word, name) == 0 ? value : found;
	fclose(f);
	return found;
}

/* Does the line of numa_maps that begins at p hold the text? */
static int numa_maps_say(const char *p, const char *text)
{
	FILE *f = fopen("/proc/self/numa_maps", "r");
	char line[512];
	int found = 0;

	MUST(f);
	while (fgets(line, sizeof(line), f)) {
		if (strtoul(line, NULL, 16) == (unsigned long)p)
			found = strstr(line, text) != NULL;
	}
	fclose(f);
	return found;
}

static void set_policy(int mode, unsigned long nodes)
{
	MUST(syscall(SYS_set_mempolicy, mode, &nodes, 8ul) == 0);
}

static void set_range(char *p, unsigned long pages, int mode, unsigned long nodes, unsigned flags)
{
	MUST(syscall(SYS_mbind, p, pages * PAGE, mode, &nodes, 8ul, flags) == 0);
}

/* Memory that merges with nothing before it or after it. */
static char *map_alone(unsigned long pages)
{
	char *p = map(pages + 2);

	MUST(mprotect(p, PAGE, PROT_NONE) == 0 && mprotect(p + (pages + 1) * PAGE, PAGE, PROT_NONE) == 0);
	return p + PAGE;
}

/* Without a policy: the node of the CPU. */
static void first_touch(void)
{
	long local = stat_of(here, "local_node"), hit = stat_of(here, "numa_hit"),
	     far = stat_of(there, "numa_hit"), far_local = stat_of(there, "local_node");
	char text[80], *p = map_alone(PAGES);
	unsigned cpu, node;

	MUST(syscall(SYS_getcpu, &cpu, &node, NULL) == 0 && node == here);
	touch(p, PAGES);
	MUST(pages_on(p, PAGES, here) == PAGES);
	snprintf(text, sizeof(text), "default anon=%lu dirty=%lu N%u=%lu ", PAGES, PAGES, here, PAGES);
	MUST(numa_maps_say(p, text));
	/* Frames count when a CPU takes a batch of them. */
	MUST(stat_of(here, "local_node") >= local + (long)PAGES - 64);
	MUST(stat_of(here, "numa_hit") >= hit + (long)PAGES - 64);
	MUST(stat_of(there, "local_node") == far_local && stat_of(there, "numa_hit") == far);
	munmap(p, PAGES * PAGE);
}

static void policies_of_ranges(void)
{
	char *p = map(PAGES);

	set_range(p, PAGES / 2, MPOL_BIND, 1ul << there, 0);
	set_range(p + PAGES / 2 * PAGE, PAGES / 2, MPOL_INTERLEAVE, 3, 0);
	touch(p, PAGES);
	MUST(pages_on(p, PAGES / 2, there) == PAGES / 2);
	MUST(numa_maps_say(p, there ? "bind:1 " : "bind:0 "));
	MUST(pages_on(p + PAGES / 2 * PAGE, PAGES / 2, there) == PAGES / 4);
	MUST(numa_maps_say(p + PAGES / 2 * PAGE, "interleave:0-1 "));
	MUST(stat_of(there, "interleave_hit") + stat_of(here, "interleave_hit") == (long)PAGES / 2);
	/* All to one node, and what was written stays. */
	set_range(p, PAGES, MPOL_BIND, 1ul << here, MPOL_MF_MOVE | MPOL_MF_STRICT);
	MUST(pages_on(p, PAGES, here) == PAGES && is_intact(p, PAGES));
	MUST(numa_maps_say(p, here ? "bind:1 " : "bind:0 "));
	munmap(p, PAGES * PAGE);
}

static void policies_of_threads(void)
{
	char *p = map(PAGES);

	set_policy(MPOL_PREFERRED, 1ul << there);
	touch(p, PAGES / 4);
	if (fork() == 0) { /* copies follow the policy too, and it is inherited */
		p[0] = 1;
		touch(p + PAGES / 4 * PAGE, 4);
		MUST(pages_on(p, 1, there) == 1 && pages_on(p + PAGES / 4 * PAGE, 4, there) == 4);
		_exit(0);
	}
	int status;

	MUST(wait(&status) > 0 && status == 0);
	set_policy(MPOL_INTERLEAVE, 3);
	touch(p + PAGES / 4 * PAGE, PAGES / 4);
	set_policy(MPOL_DEFAULT, 0);
	touch(p + PAGES / 2 * PAGE, PAGES / 2);
	MUST(pages_on(p, PAGES / 4, there) == PAGES / 4);
	unsigned long far = pages_on(p + PAGES / 4 * PAGE, PAGES / 4, there);
	MUST(far == PAGES / 8);
	MUST(pages_on(p + PAGES / 2 * PAGE, PAGES / 2, here) == PAGES / 2);
	munmap(p, PAGES * PAGE);
}

static void moving(void)
{
	static void *at[PAGES];
	static int nodes[PAGES], status[PAGES];
	unsigned long from = 1ul << there, to = 1ul << here;
	char *p = map(PAGES);

	touch(p, PAGES);
	for (unsigned long i = 0; i < PAGES; i++) {
		at[i] = p + i * PAGE;
		nodes[i] = (int)there;
	}
	MUST(syscall(SYS_move_pages, 0, PAGES, at, nodes, status, MPOL_MF_MOVE) == 0);
	for (unsigned long i = 0; i < PAGES; i++)
		MUST(status[i] == (int)there);
	MUST(pages_on(p, PAGES, there) == PAGES && is_intact(p, PAGES));
	MUST(syscall(SYS_migrate_pages, 0, 8ul, &from, &to) == 0);
	MUST(pages_on(p, PAGES, here) == PAGES && is_intact(p, PAGES));
	munmap(p, PAGES * PAGE);
}

/* More memory than the own node has: the other one's, and it is counted. */
static void fallback(unsigned long bytes)
{
	long miss = stat_of(there, "numa_miss"), foreign = stat_of(here, "numa_foreign");
	char *p = map(bytes / PAGE);

	touch(p, bytes / PAGE);
	MUST(is_intact(p, bytes / PAGE));
	MUST(stat_of(there, "numa_miss") > miss + 100 && stat_of(there, "other_node") > 100);
	MUST(stat_of(here, "numa_foreign") > foreign + 100);
	munmap(p, bytes);
}

int main(int argc, char **argv)
{
	here = argc > 1 ? (unsigned)atoi(argv[1]) : 0;
	there = 1 - here;
	/* The other CPU is on the other node. */
	MUST(syscall(SYS_sched_setaffinity, 0, 8ul, &(unsigned long){1}) == 0);
	first_touch();
	policies_of_ranges();
	policies_of_threads();
	moving();
	fallback(40ul << 20);
	first_touch();
	puts("ok");
	return 0;
}
