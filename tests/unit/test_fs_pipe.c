/* SPDX-License-Identifier: MIT */
/*
 * Pipes (a ring of slots against a model of it, waiting, ends that go, sizes) and anonymous files with their seals.
 *
 * Who would wait here runs what the test gave as the other thread, or is interrupted when there is none.
 */
#include <linux/falloc.h>
#include <linux/limits.h>
#include <linux/memfd.h>
#include <asm/ioctls.h>
#include "fs/inode.h"
#include "fs_fixture.h"
#include <moat/object.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8u
#endif
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 32
#endif

#define RING KIB(64)

static void (*other_thread)(void);
static unsigned blocked;
static struct file *ends[2];

static struct thread *sched_current(void)
{
	return NULL;
}

static void sched_nothing(void)
{
}

static void sched_block(void)
{
	blocked++;
	other_thread();
}

static void sched_wake(struct thread *t)
{
	(void)t;
}

static bool sched_signal_due(void)
{
	return !other_thread;
}

static const struct wait_ops sched = {.current = sched_current,
				      .prepare = sched_nothing,
				      .cancel = sched_nothing,
				      .block = sched_block,
				      .wake = sched_wake,
				      .signal_due = sched_signal_due,
				      .kill_due = sched_signal_due,
				      .give_way = sched_nothing};

static int pipe_setup(void **state)
{
	fs_setup(state);
	other_thread = NULL;
	blocked = 0;
	return pipe_create(0, ends);
}

static void close_end(unsigned i)
{
	if (ends[i])
		file_put(ends[i]);
	ends[i] = NULL;
}

static int pipe_teardown(void **state)
{
	close_end(0);
	close_end(1);
	return fs_teardown(state);
}

#define PIPE_TEST(f) cmocka_unit_test_setup_teardown(f, pipe_setup, pipe_teardown)

static ssize_t put_bytes(const void *bytes, size_t n)
{
	const struct write_rights all = {UINT64_MAX, true};
	struct uio u;

	uio_init_kernel(&u, (void *)(uintptr_t)bytes, n);
	return vfs_write(ends[1], &u, NULL, all);
}

static void nonblocking(void)
{
	ends[0]->flags |= O_NONBLOCK;
	ends[1]->flags |= O_NONBLOCK;
}

static void test_ends(void **state)
{
	char buf[8] = "";

	(void)state;
	assert_int_equal(put_text(ends[1], "hello"), 5);
	assert_int_equal(get_bytes(ends[0], buf, 0), 0);
	assert_int_equal(get_bytes(ends[0], buf, 8), 5);
	assert_string_equal(buf, "hello");
	assert_int_equal(put_text(ends[0], "x"), -EBADF);
	assert_int_equal(get_bytes(ends[1], buf, 1), -EBADF);
	assert_int_equal(put_text(ends[1], ""), 0);
	assert_int_equal(vfs_seek(ends[0], 0, SEEK_SET), -ESPIPE);
	assert_int_equal(vfs_pread(ends[0], buf, 1, 0), -ESPIPE);
	assert_int_equal(vfs_ioctl(ends[0], TCGETS, 0), -ENOTTY);
	assert_int_equal(vfs_ioctl(ends[0], FIONREAD, 0), -EFAULT);
	/* What was written is read after the writer has gone; then there is an end. */
	assert_int_equal(put_text(ends[1], "bye"), 3);
	close_end(1);
	assert_int_equal(get_bytes(ends[0], buf, 2), 2);
	assert_int_equal(get_bytes(ends[0], buf, 8), 1);
	assert_int_equal(get_bytes(ends[0], buf, 8), 0);
}

static void test_no_reader(void **state)
{
	(void)state;
	close_end(0);
	assert_int_equal(put_text(ends[1], "x"), -EPIPE);
	assert_int_equal(put_text(ends[1], ""), 0);
}

static void test_nonblocking(void **state)
{
	static char many[RING + 10];
	char c;

	(void)state;
	nonblocking();
	assert_int_equal(get_bytes(ends[0], &c, 1), -EAGAIN);
	assert_int_equal(put_bytes(many, sizeof(many)), RING);
	assert_int_equal(put_bytes(many, 1), -EAGAIN);
	/* Up to PIPE_BUF all or nothing; more than that in part. */
	assert_int_equal(get_bytes(ends[0], many, 100), 100);
	assert_int_equal(put_bytes(many, 1), -EAGAIN);
	assert_int_equal(get_bytes(ends[0], many, PIPE_BUF - 100), PIPE_BUF - 100);
	assert_int_equal(put_bytes(many, PIPE_BUF + 1), PIPE_BUF);
	assert_int_equal(put_bytes(many, 1), -EAGAIN);
	assert_int_equal(get_bytes(ends[0], many, sizeof(many)), RING);
	assert_int_equal(blocked, 0);
}

/* --- waiting --- */

static void other_writes(void)
{
	assert_int_equal(put_text(ends[1], "late"), 4);
}

static void other_reads(void)
{
	static char buf[PAGE_SIZE];

	assert_int_equal(get_bytes(ends[0], buf, sizeof(buf)), sizeof(buf));
}

static void other_closes_reader(void)
{
	close_end(0);
}

static void other_closes_writer(void)
{
	close_end(1);
}

static void test_waiting_reader(void **state)
{
	char buf[8] = "";

	(void)state;
	assert_int_equal(get_bytes(ends[0], buf, 8), -EINTR);
	other_thread = other_writes;
	assert_int_equal(get_bytes(ends[0], buf, 8), 4);
	assert_string_equal(buf, "late");
	other_thread = other_closes_writer;
	assert_int_equal(get_bytes(ends[0], buf, 8), 0);
	assert_int_equal(blocked, 2);
}

static void test_waiting_writer(void **state)
{
	static char many[RING + 2 * PAGE_SIZE];

	(void)state;
	/* Interrupted: what has gone counts; nothing gone: EINTR. */
	assert_int_equal(put_bytes(many, sizeof(many)), RING);
	assert_int_equal(put_bytes(many, 1), -EINTR);
	other_thread = other_reads;
	assert_int_equal(put_bytes(many, 2 * PAGE_SIZE), 2 * PAGE_SIZE);
	assert_int_equal(blocked, 2);
	other_thread = other_closes_reader;
	assert_int_equal(put_bytes(many, PIPE_BUF), -EPIPE);
}

static void test_reader_goes_meanwhile(void **state)
{
	static char many[RING + 1];
	const struct write_rights all = {UINT64_MAX, true};
	struct uio u;

	(void)state;
	other_thread = other_closes_reader;
	uio_init_kernel(&u, many, sizeof(many));
	assert_int_equal(vfs_write(ends[1], &u, NULL, all), RING);
	assert_true(u.peer_gone);
}

/* --- the ring --- */

/* The model: for each slot where its bytes start and end in its page. */
static struct {
	u32 start[64], end[64];
	unsigned used, slots;
} model;

static ssize_t model_write(u64 n)
{
	u64 left = n, part = n % PAGE_SIZE;

	if (part && model.used && model.end[model.used - 1] + part <= PAGE_SIZE) {
		model.end[model.used - 1] += (u32)part;
		left -= part;
	}
	for (; left && model.used < model.slots; model.used++) {
		model.start[model.used] = 0;
		model.end[model.used] = (u32)MIN(left, PAGE_SIZE);
		left -= model.end[model.used];
	}
	return left < n ? (ssize_t)(n - left) : -EAGAIN;
}

static ssize_t model_read(u64 n)
{
	u64 left = n;

	while (left && model.used) {
		u32 part = (u32)MIN(left, (u64)(model.end[0] - model.start[0]));

		left -= part;
		model.start[0] += part;
		if (model.start[0] == model.end[0]) {
			model.used--;
			memmove(model.start, model.start + 1, sizeof(model.start) - sizeof(u32));
			memmove(model.end, model.end + 1, sizeof(model.end) - sizeof(u32));
		}
	}
	return left < n ? (ssize_t)(n - left) : -EAGAIN;
}

/* Reads and writes of all sizes, and changes of its capacity: bytes come out in order, as many as went in. */
static void test_model(void **state)
{
	static u8 buf[3 * RING];
	u64 rng = 11, written = 0, taken = 0;

	(void)state;
	nonblocking();
	model.used = 0;
	model.slots = RING / PAGE_SIZE;
	for (unsigned round = 0; round < 4000; round++) {
		u64 n = 1 + unit_random_below(&rng, round % 3 ? 300 : 2 * PAGE_SIZE);
		ssize_t got;

		switch (unit_random_below(&rng, 9)) {
		case 0:
			n = PAGE_SIZE << unit_random_below(&rng, 6);
			got = pipe_resize(ends[0], n - unit_random_below(&rng, 10), false);
			assert_int_equal(got, model.used > n / PAGE_SIZE ? -EBUSY : (s64)n);
			model.slots = model.used > n / PAGE_SIZE ? model.slots : (unsigned)(n / PAGE_SIZE);
			assert_int_equal(pipe_capacity(ends[1]), model.slots * PAGE_SIZE);
			break;
		case 1 ... 4:
			for (u64 i = 0; i < n; i++)
				buf[i] = (u8)((written + i) * 7 / 3);
			got = put_bytes(buf, n);
			assert_int_equal(got, model_write(n));
			written += got > 0 ? (u64)got : 0;
			break;
		default:
			got = get_bytes(ends[0], (char *)buf, n);
			assert_int_equal(got, model_read(n));
			for (ssize_t i = 0; i < got; i++)
				assert_int_equal(buf[i], (u8)((taken + (u64)i) * 7 / 3));
			taken += got > 0 ? (u64)got : 0;
		}
	}
}

static void test_resize_errors(void **state)
{
	char buf[8] = "";
	struct file *f;

	(void)state;
	make_file("f", "");
	f = open_file("f", O_RDWR);
	assert_int_equal(pipe_capacity(f), -EBADF);
	assert_int_equal(pipe_resize(f, PAGE_SIZE, true), -EBADF);
	file_put(f);
	assert_int_equal(pipe_capacity(ends[0]), RING);
	assert_int_equal(pipe_resize(ends[0], (1ull << 31) + 1, true), -EINVAL);
	assert_int_equal(pipe_resize(ends[0], MIB(1) + 1, false), -EPERM);
	assert_int_equal(pipe_resize(ends[0], MIB(1) + 1, true), MIB(2));
	assert_int_equal(pipe_resize(ends[0], 0, false), PAGE_SIZE);
	assert_int_equal(put_text(ends[1], "kept"), 4);
	heap_fail_after(1);
	assert_int_equal(pipe_resize(ends[0], RING, false), -ENOMEM);
	heap_fail_after(0);
	/* The ring's array is larger than what the heap has in store. */
	frame_fail_after(1);
	assert_int_equal(pipe_resize(ends[0], MIB(1), false), -ENOMEM);
	frame_fail_after(0);
	assert_int_equal(pipe_capacity(ends[0]), PAGE_SIZE);
	assert_int_equal(get_bytes(ends[0], buf, 8), 4);
	assert_string_equal(buf, "kept");
}

static void test_without_memory(void **state)
{
	static char many[3 * PAGE_SIZE];
	struct file *more[2];
	u64 heap = heap_bytes(), n;
	int err = -1;

	(void)state;
	for (n = 1; err; n++) {
		assert_true(n < 20);
		heap_fail_after(n);
		err = pipe_create(O_NONBLOCK, more);
		heap_fail_after(0);
		if (!err)
			continue;
		assert_int_equal(err, -ENOMEM);
		assert_int_equal(heap_bytes(), heap);
	}
	assert_true(n > 4);
	file_put(more[1]);
	file_put(more[0]);
	nonblocking();
	frame_fail_after(1);
	assert_int_equal(put_bytes(many, 1), -ENOMEM);
	frame_fail_after(2);
	assert_int_equal(put_bytes(many, sizeof(many)), PAGE_SIZE);
	frame_fail_after(0);
	assert_int_equal(get_bytes(ends[0], many, sizeof(many)), PAGE_SIZE);
}

/* A caller whose memory ends in the middle: what does not go whole into its slot, or out of it, does not go at all. */
static void test_bad_buffer(void **state)
{
	const struct write_rights all = {UINT64_MAX, true};
	struct aspace *as = aspace_create();
	char buf[8] = "";
	struct uio u;

	(void)state;
	assert_non_null(as);
	fake_use_aspace(as);
	map_at(as, 0x10000000, P, RW);
	poke(0x10000000 + P - 1, 'e');
	uio_init_user(&u, (void __user *)(0x10000000 + P - 1), 2);
	assert_int_equal(vfs_write(ends[1], &u, NULL, all), -EFAULT);
	assert_int_equal(get_bytes(ends[0], buf, 1), -EINTR);
	uio_init_user(&u, (void __user *)(0x10000000 + P), 2);
	assert_int_equal(vfs_write(ends[1], &u, NULL, all), -EFAULT);
	assert_int_equal(put_text(ends[1], "abc"), 3);
	assert_int_equal(vfs_read(ends[0], &u, NULL), -EFAULT);
	assert_int_equal(vfs_ioctl(ends[0], FIONREAD, 0x10000000), 0);
	assert_int_equal(peek(0x10000000), 3);
	uio_init_user(&u, (void __user *)(0x10000000 + P - 1), 2);
	assert_int_equal(vfs_read(ends[0], &u, NULL), -EFAULT);
	assert_int_equal(get_bytes(ends[0], buf, 8), 3);
	assert_string_equal(buf, "abc");
	fake_use_aspace(NULL);
	aspace_put(as);
}

/* --- anonymous files --- */

static struct file *memfd(const char *name, u32 flags)
{
	struct file *f = NULL;

	assert_int_equal(vfs_memfd(ctx, name, flags, &f), 0);
	return f;
}

static u32 seals_of(struct file *f)
{
	u32 seals = ~0u;

	assert_int_equal(vfs_get_seals(f, &seals), 0);
	return seals;
}

static void test_memfd(void **state)
{
	struct file *f = memfd("memfd:thing", 0);
	char path[64];
	u32 seals;

	(void)state;
	assert_int_equal(put_text(f, "text"), 4);
	assert_true(file_describe(f, path, sizeof(path)) > 0);
	assert_string_equal(path, "/memfd:thing (deleted)");
	/* Not made for sealing: sealed against it. */
	assert_int_equal(seals_of(f), F_SEAL_SEAL);
	assert_int_equal(vfs_add_seals(f, F_SEAL_GROW), -EPERM);
	file_put(f);
	make_file("f", "x");
	f = open_file("f", O_RDONLY);
	assert_int_equal(vfs_add_seals(f, F_SEAL_GROW), -EPERM);
	file_put(f);
	assert_int_equal(vfs_get_seals(ends[0], &seals), -EINVAL);
	assert_int_equal(vfs_add_seals(ends[1], F_SEAL_GROW), -EINVAL);
}

static void test_seals(void **state)
{
	struct file *f = memfd("memfd:", MFD_ALLOW_SEALING);

	(void)state;
	assert_int_equal(vfs_ftruncate(f, 100, UINT64_MAX), 0);
	assert_int_equal(seals_of(f), 0);
	assert_int_equal(vfs_add_seals(f, 0x1000), -EINVAL);
	assert_int_equal(vfs_add_seals(f, F_SEAL_SHRINK), 0);
	assert_int_equal(vfs_ftruncate(f, 99, UINT64_MAX), -EPERM);
	assert_int_equal(vfs_ftruncate(f, 101, UINT64_MAX), 0);
	assert_int_equal(vfs_add_seals(f, F_SEAL_GROW), 0);
	assert_int_equal(vfs_ftruncate(f, 102, UINT64_MAX), -EPERM);
	assert_int_equal(vfs_ftruncate(f, 101, UINT64_MAX), 0);
	assert_int_equal(vfs_seek(f, 99, SEEK_SET), 99);
	assert_int_equal(put_text(f, "ab"), 2);
	assert_int_equal(put_text(f, "c"), -EPERM);
	assert_int_equal(vfs_add_seals(f, F_SEAL_WRITE), 0);
	assert_int_equal(vfs_seek(f, 0, SEEK_SET), 0);
	assert_int_equal(put_text(f, "a"), -EPERM);
	assert_int_equal(vfs_fallocate(f, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 10, UINT64_MAX),
			 -EPERM);
	assert_int_equal(vfs_add_seals(f, F_SEAL_SEAL), 0);
	assert_int_equal(vfs_add_seals(f, F_SEAL_GROW), -EPERM);
	assert_int_equal(seals_of(f), F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
	file_put(f);
}

/* A seal against writing and mappings that could write keep each other out. */
static void test_seals_and_mappings(void **state)
{
	struct file *f = memfd("memfd:", MFD_ALLOW_SEALING);
	struct mobj *obj = f->inode->object;
	u32 flags = VMA_READ | VMA_SHARED;

	(void)state;
	assert_int_equal(mobj_map_begin(obj, &flags), 0); /* could become writable */
	assert_int_equal(vfs_add_seals(f, F_SEAL_WRITE), -EBUSY);
	assert_int_equal(vfs_add_seals(f, F_SEAL_FUTURE_WRITE), 0);
	mobj_map_end(obj, flags);
	flags = VMA_READ | VMA_SHARED;
	assert_int_equal(mobj_map_begin(obj, &flags), 0);
	assert_int_equal(flags, VMA_READ | VMA_SHARED | VMA_NO_WRITE);
	assert_int_equal(vfs_add_seals(f, F_SEAL_WRITE), 0);
	mobj_map_end(obj, flags);
	flags = RW | VMA_SHARED;
	assert_int_equal(mobj_map_begin(obj, &flags), -EPERM);
	flags = RW;
	assert_int_equal(mobj_map_begin(obj, &flags), 0); /* a private one writes to copies */
	assert_int_equal(flags, RW);
	file_put(f);
}

/* The seal of the executable bits, and what comes with it. */
static void test_seal_exec(void **state)
{
	struct file *f = memfd("memfd:", MFD_NOEXEC_SEAL);

	(void)state;
	assert_int_equal(seals_of(f), F_SEAL_EXEC);
	file_put(f);
	f = memfd("memfd:", MFD_ALLOW_SEALING);
	assert_int_equal(vfs_add_seals(f, F_SEAL_EXEC), 0);
	assert_int_equal(seals_of(f),
			 F_SEAL_EXEC | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE);
	file_put(f);
}

static void test_memfd_without_memory(void **state)
{
	u64 heap = heap_bytes();
	struct file *f;
	int err = -1;

	(void)state;
	for (u64 n = 1; err; n++) {
		assert_true(n < 20);
		heap_fail_after(n);
		err = vfs_memfd(ctx, "memfd:x", 0, &f);
		heap_fail_after(0);
		if (err) {
			assert_int_equal(err, -ENOMEM);
			assert_int_equal(heap_bytes(), heap);
		}
	}
	file_put(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PIPE_TEST(test_ends),
		PIPE_TEST(test_no_reader),
		PIPE_TEST(test_nonblocking),
		PIPE_TEST(test_waiting_reader),
		PIPE_TEST(test_waiting_writer),
		PIPE_TEST(test_reader_goes_meanwhile),
		PIPE_TEST(test_model),
		PIPE_TEST(test_resize_errors),
		PIPE_TEST(test_without_memory),
		PIPE_TEST(test_bad_buffer),
		PIPE_TEST(test_memfd),
		PIPE_TEST(test_seals),
		PIPE_TEST(test_seals_and_mappings),
		PIPE_TEST(test_seal_exec),
		PIPE_TEST(test_memfd_without_memory),
	};

	waitq_register_scheduler(&sched);
	return cmocka_run_group_tests(tests, fs_group_setup, NULL);
}
