/* SPDX-License-Identifier: MIT */
/*
 * What the tests of the mm room share: a fake machine for each test, a check that nothing leaked at its end,
 * and short names for the calls of an address space.
 */
#ifndef MM_FIXTURE_H
#define MM_FIXTURE_H

#include "unit.h"
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/wait.h>
#include <arch/impl/fake.h>
#include <moat/aspace.h>
#include <moat/heap.h>

#define TEST_RAM MIB(32)
#define AT	 0x10000000ul /* where tests map things */
#define P	 PAGE_SIZE
#define RW	 (VMA_READ | VMA_WRITE)

/* Frames that are not free, those of zeros and of guards not counted. */
static inline u64 frames_used(void)
{
	struct frame_stats s;

	frame_stats_read(&s);
	return s.total - s.owned[FRAME_FREE] - (zero_frame ? 1 : 0) - (guard_frame ? 1 : 0);
}

static inline int machine_setup(void **state)
{
	(void)state;
	fake_start(TEST_RAM);
	return 0;
}

/* Every frame must have come back. */
static inline int machine_teardown(void **state)
{
	(void)state;
	frame_fail_after(0);
	heap_fail_after(0);
	assert_int_equal(heap_bytes(), 0);
	assert_int_equal(frames_used(), 0);
	fake_stop();
	return 0;
}

static inline int aspace_setup(void **state)
{
	struct aspace *as;

	machine_setup(state);
	as = aspace_create();
	assert_non_null(as);
	fake_use_aspace(as);
	*state = as;
	return 0;
}

static inline int aspace_teardown(void **state)
{
	frame_fail_after(0);
	heap_fail_after(0);
	aspace_check(*state);
	fake_tlb_check();
	aspace_put(*state);
	return machine_teardown(state);
}

#define MM_TEST(f)     cmocka_unit_test_setup_teardown(f, machine_setup, machine_teardown)
#define ASPACE_TEST(f) cmocka_unit_test_setup_teardown(f, aspace_setup, aspace_teardown)

static inline int map(struct aspace *as, u64 addr, u64 len, u32 flags, u32 how, u64 *out)
{
	const struct map_request req = {.addr = addr, .len = len, .vma_flags = flags, .how = how};
	int err = aspace_map(as, &req, out);

	aspace_check(as);
	return err;
}

/* Private anonymous memory exactly at addr. */
static inline void map_at(struct aspace *as, u64 addr, u64 len, u32 flags)
{
	u64 got;

	assert_int_equal(map(as, addr, len, flags, MAP_AT, &got), 0);
	assert_int_equal(got, addr);
}

static inline u64 map_object(struct aspace *as, u64 addr, u64 len, u32 flags, struct mobj *obj, u64 offset)
{
	const struct map_request req = {.addr = addr,
					.len = len,
					.vma_flags = flags,
					.how = MAP_AT,
					.object = obj,
					.object_offset = offset};
	u64 got;

	assert_int_equal(aspace_map(as, &req, &got), 0);
	aspace_check(as);
	return got;
}

static inline void poke(u64 addr, u8 byte)
{
	assert_int_equal(fake_access(addr, FAULT_WRITE, &byte), FAULT_DONE);
}

static inline u8 peek(u64 addr)
{
	u8 byte = 0x5a;

	assert_int_equal(fake_access(addr, FAULT_READ, &byte), FAULT_DONE);
	return byte;
}

static inline enum fault_result try_access(u64 addr, unsigned access)
{
	u8 byte = 0;

	return fake_access(addr, access, &byte);
}

/*
 * The VMAs of [AT, AT + pages) as one character for each page: '.' nothing, 'r' 'w' 'x' the strongest right,
 * '-' none;
 * '|' where two VMAs touch.
 */
static inline const char *draw(struct aspace *as, unsigned pages)
{
	static char text[256];
	struct vma *last = NULL;
	char *out = text;

	rwlock_read(&as->lock);
	for (u64 at = AT; at < AT + pages * P; at += P) {
		struct vma *v = aspace_find(as, at);

		if (v && v->range.start > at)
			v = NULL;
		if (v && last && v != last)
			*out++ = '|';
		last = v;
		*out++ = !v			? '.'
			 : v->flags & VMA_EXEC	? 'x'
			 : v->flags & VMA_WRITE ? 'w'
			 : v->flags & VMA_READ	? 'r'
						: '-';
	}
	rwlock_read_done(&as->lock);
	*out = '\0';
	return text;
}

/* Runs fn in a process of its own, which must end in a panic. */
static inline void assert_panics(void (*fn)(void *arg), void *arg)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		if (!freopen("/dev/null", "w", stderr))
			_exit(2);
		fn(arg);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

#endif
