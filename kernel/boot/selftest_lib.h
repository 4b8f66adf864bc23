/* SPDX-License-Identifier: MIT */
/* What the boot tests share: expectations, processes that the kernel drives itself, snapshots of the ledger. */
#ifndef BOOT_SELFTEST_LIB_H
#define BOOT_SELFTEST_LIB_H

#include <moat/frame.h>
#include <moat/panic.h>
#include <moat/task.h>

/* A boot test that fails ends in a panic, which the command turns into status 125 and one line. */
#define EXPECT(cond)                                                                      \
	do {                                                                              \
		if (!(cond))                                                              \
			panic("selftest: not so: %s (%s:%d)", #cond, __FILE__, __LINE__); \
	} while (0)
#define EXPECT_EQ(got, want) expect_equal((s64)(got), (s64)(want), #got, __FILE__, __LINE__)
void expect_equal(s64 got, s64 want, const char *what, const char *file, int line);

/* --- the tests; each returns when it has passed --- */

void test_shared_half(void);
void test_uaccess(void);
void test_smap(void);
void test_uaccess_cost(void);
void test_attacks(void);
void test_spawn_leak(void);
void test_threads(void);
void test_smp(void);
void test_smp_panic(void);
void test_kasan_read(void);
void test_kasan_write(void);
void test_kasan_late_use(void);
void test_kasan_double_free(void);
void test_kasan_frame(void);
void test_kasan_global(void);
/* Parts of test_uaccess, each run by a thread with an empty user address space of its own. */
void test_user_copies(void *arg);
void test_user_strings(void *arg);
void test_user_queries(void *arg);

/* --- processes (selftest_process.c); all panic when memory is out --- */

struct aspace *selftest_aspace(void);
/* Whose thread runs fn(arg) in the kernel, on the user address space `as` (its reference is taken over). */
struct process *selftest_process(const char *name, struct aspace *as, void (*fn)(void *), void *arg);
/* Runs fn(arg) to its end with a fresh user address space. */
void selftest_in_user_space(const char *name, void (*fn)(void *), void *arg);
/*
 * A program that goes round for ever in ring 3 and dies by SIGILL when it finds its registers changed; not
 * started. `seed` is what the registers hold.
 */
struct process *selftest_looper(const char *name, struct aspace *as, u64 seed);
/* True when p has ended within so many milliseconds. */
bool selftest_ends_within(struct process *p, u64 ms);
/* Waits for the end of p and reaps it: its status in the encoding of wait(2). */
int selftest_reap(struct process *p);
/* Ends p, which runs, by SIGKILL, and expects that it was that signal. */
void selftest_kill(struct process *p);

/* Maps pages exactly at addr in the current process. */
void selftest_map(u64 addr, u64 pages, u32 vma_flags);

/* What a program wrote to its descriptor 1. */
struct capture {
	size_t len;
	char text[128];
};
/* A table whose descriptor 1 is the capture, which must outlive the program. */
struct fd_table *selftest_files(struct capture *to);

/* --- the ledger --- */

struct ledger {
	struct frame_stats frames;
	u64 heap_bytes;
};
void ledger_take(struct ledger *l);
/* Panics, naming `after`, unless each owner has as many frames as then. */
void ledger_expect(const struct ledger *then, const char *after);

#endif
