/* SPDX-License-Identifier: MIT */
/*
 * The boot regression test. The kernel makes a process from a program that it carries (user/baseline), whose standard
 * output is a file of this test's own: its write operation sees the system call arrive, notes from which ring and
 * by which instruction, and compares the text. The log shows, in this order:
 *
 *     process created with PID 1
 *     system call write arrived from ring 3
 *     system call write completed, wrote N bytes
 *     program says: the text
 *
 * The process ends and is reaped, but its memory and its table of descriptors are taken apart when the program that was
 * asked for has ended (boot_test_end): the program needs that code then as well, and need not wait for its translation.
 */
#include <asm/errno.h>
#include <linux/fcntl.h>
#include <arch/timer.h>
#include <arch/trap.h>
#include <moat/aspace.h>
#include <moat/dev.h>
#include <moat/exec.h>
#include <moat/log.h>
#include <moat/string.h>
#include <moat/task.h>
#include "boot_test.h"

#define FD_LIMIT      64
#define BASELINE_TEXT "moat baseline: hello from ring 3\n" /* as in user/baseline */

struct observed {
	unsigned writes;
	unsigned ring;
	size_t bytes;
	char text[80];
};

static ssize_t observe_write(struct file *f, struct uio *u, u64 *offset)
{
	struct observed *o = f->private;

	(void)offset;
	o->writes++;
	o->ring = (unsigned)current_user_frame()->cs & 3;
	log_printf("boot: system call write arrived from ring %u (cs %#x)\n", o->ring,
		   (unsigned)current_user_frame()->cs);
	o->bytes = uio_copy_in(u, o->text, MIN(u->left, sizeof(o->text) - 1));
	o->text[o->bytes] = 0;
	log_printf("boot: system call write completed, wrote %zu bytes\n", o->bytes);
	log_printf("boot: program says: %s", o->text);
	return (ssize_t)o->bytes;
}

/* What outlives the process of the test. */
static struct aspace *kept_memory;
static struct fd_table *kept_files;

static const struct file_ops observe_ops = {.write = observe_write};

/* A table whose descriptor 1 is the test's file. */
static struct fd_table *make_files(struct observed *o)
{
	struct fd_table *t = fd_table_create();
	struct file *f = file_create(&observe_ops, NULL, NULL, O_WRONLY, o);

	if (!t || !f || fd_install(t, f, 1, FD_LIMIT, false) != 1) {
		if (f)
			file_put(f);
		if (t)
			fd_table_put(t);
		return NULL;
	}
	return t;
}

static int run(struct observed *o, int *status)
{
	static const char *const argv[] = {"baseline", NULL}, *const envp[] = {NULL};
	struct spawn_request req = {.execfn = "baseline", .argv = argv, .envp = envp};
	struct process *p;
	int err = -ENOMEM;

	req.object = baseline_object();
	req.files = make_files(o);
	req.fs = fs_context_create();
	if (req.object && req.files && req.fs)
		err = process_spawn(&req, &p);
	if (req.object)
		mobj_put(req.object);
	if (err)
		return err;
	aspace_get(kept_memory = p->aspace);
	fd_table_get(kept_files = req.files);
	if (p->pid != 1)
		log_printf("boot: the first process has PID %d\n", p->pid);
	process_start(p);
	process_await(p);
	*status = p->exit_status;
	process_reap(p);
	return 0;
}

void boot_test_run(void)
{
	struct observed o = {0};
	u64 start = clock_monotonic_ns();
	int status = -1, err = run(&o, &status);

	if (err || status != 0 || o.writes != 1 || o.ring != 3 || strcmp(o.text, BASELINE_TEXT) != 0) {
		log_force("moat-panic: boot regression test failed: error %d, exit status %#x, %u writes "
			  "from ring %u, "
			  "text \"%s\"\n",
			  err, status, o.writes, o.ring, o.text);
		dev_end_machine(MACHINE_BOOT_TEST_FAILED);
	}
	log_printf("boot: regression test passed in %llu us\n",
		   (unsigned long long)((clock_monotonic_ns() - start) / 1000));
}

void boot_test_end(void)
{
	aspace_put(kept_memory);
	fd_table_put(kept_files);
}
