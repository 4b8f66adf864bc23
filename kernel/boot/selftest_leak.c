/* SPDX-License-Identifier: MIT */
/*
 * Programs leave nothing behind: the boot-regression program comes and goes many times; then its start, and
 * that of a program from a file, is made to fail at each allocation on the way, of a frame and from the heap.
 * Each failure is -ENOMEM, and every owner has as many frames as before.
 */
#include <asm/errno.h>
#include <moat/exec.h>
#include <moat/heap.h>
#include <moat/log.h>
#include "selftest_lib.h"

#define PROGRAMS	200
#define ALLOCATIONS_MAX 2000 /* a start that takes more is a bug of the test */
#define FILE_PROGRAM	"/bin/busybox"

/* What is started: the program that the kernel carries, or one from a file. */
struct subject {
	struct mobj *object;
	const char *path; /* NULL: object */
};

static void fill_request(struct spawn_request *req, const struct subject *s, struct capture *out)
{
	static const char *const argv[] = {"true", NULL}, *const envp[] = {"HOME=/", NULL};

	*req = (struct spawn_request){.execfn = "true", .argv = argv, .envp = envp, .object = s->object};
	req->files = selftest_files(out);
	req->fs = fs_context_create();
	EXPECT(req->fs);
	if (s->path) {
		req->object = NULL;
		EXPECT_EQ(exec_open(req->fs, NULL, s->path, &req->file), 0);
	}
}

/* Starts it with failures armed by `arm(n)`; on success runs it to its end. What process_spawn said. */
static int try(const struct subject *s, void (*arm)(u64 n), u64 n)
{
	struct spawn_request req;
	struct capture out;
	struct process *p;
	int err;

	fill_request(&req, s, &out);
	arm(n);
	err = process_spawn(&req, &p);
	arm(0);
	if (req.file)
		file_put(req.file);
	if (err) {
		fd_table_put(req.files);
		fs_context_put(req.fs);
		return err;
	}
	process_start(p);
	EXPECT_EQ(selftest_reap(p), 0);
	return 0;
}

static void fail_each(const struct subject *s, void (*arm)(u64 n), const char *what)
{
	struct ledger before;
	u64 n = 1;
	int err;

	ledger_take(&before);
	for (; (err = try(s, arm, n)) != 0; n++) {
		if (err != -ENOMEM)
			panic("selftest: %s allocation %llu of a start failed, the error is %d", what,
			      (unsigned long long)n, err);
		ledger_expect(&before, what);
		EXPECT(n < ALLOCATIONS_MAX);
	}
	/* A start without any allocation would prove nothing. */
	EXPECT(n > 1);
	ledger_expect(&before, what);
	log_printf("selftest: %s: each of %llu %s allocations failed once\n", s->path ? s->path : "baseline",
		   (unsigned long long)(n - 1), what);
}

static void check(const struct subject *s)
{
	fail_each(s, frame_fail_after, "frame");
	fail_each(s, heap_fail_after, "heap");
}

void test_spawn_leak(void)
{
	struct subject carried = {.object = baseline_object()}, from_file = {.path = FILE_PROGRAM};
	struct ledger before;

	EXPECT(carried.object);
	EXPECT_EQ(try(&carried, frame_fail_after, 0), 0);
	EXPECT_EQ(try(&from_file, frame_fail_after, 0), 0);
	ledger_take(&before);
	for (unsigned i = 0; i < PROGRAMS; i++)
		EXPECT_EQ(try(&carried, frame_fail_after, 0), 0);
	ledger_expect(&before, "many programs");
	check(&carried);
	check(&from_file);
	ledger_expect(&before, "all failures");
	mobj_put(carried.object);
}
