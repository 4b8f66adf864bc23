/* SPDX-License-Identifier: MIT */
/*
 * Starting a program from inside the kernel: the boot regression test and the program that the run is about.
 *
 * process_spawn loads the program into a fresh address space and makes the process around it; the new thread's first
 * act is to go to ring 3 (walk 1 of docs/architecture.md).
 */
#include <asm/errno.h>
#include <arch/cpu.h>
#include <arch/signal.h>
#include <arch/timer.h>
#include <arch/trap.h>
#include <moat/exec.h>
#include <moat/heap.h>
#include <moat/log.h>
#include <moat/string.h>
#include <moat/task.h>

struct first_entry {
	u64 rip, rsp;
};

/* The first thing that a new process's thread does. */
static void go_to_user(void *arg)
{
	struct first_entry *e = arg;
	struct first_entry to = *e;
	struct process *p = current_process();

	kfree(e);
	arch_thread_reset_user(&current_thread()->arch);
	trap_frame_init_user(current_user_frame(), uaddr(to.rip), uaddr(to.rsp));
	p->first_insn_ns = clock_monotonic_ns();
	p->first_insn_cycles = cpu_cycles();
	enter_user();
}

static int load(const struct spawn_request *req, struct exec_image *image)
{
	struct exec_request x = {
		.file = req->file,
		.object = req->object,
		.fs = req->fs,
		.flags = req->fixed_addresses ? EXEC_FIXED_ADDRESSES : 0,
		.limit_as_bytes = RLIM_INFINITY,
		.limit_data_bytes = RLIM_INFINITY,
		.limit_stack_bytes = MIB(8),
		.min_signal_stack_bytes = arch_signal_frame_bytes(),
	};
	int err = exec_args_from_kernel(req->execfn, req->argv, req->envp, MIB(8), &x.args);

	if (err)
		return err;
	err = exec_load(&x, image);
	exec_args_destroy(x.args);
	return err;
}

int process_spawn(const struct spawn_request *req, struct process **out)
{
	struct first_entry *entry = kmalloc(sizeof(*entry));
	struct exec_image image;
	struct process *p;
	int err = -ENOMEM;

	if (!entry)
		return -ENOMEM;
	err = load(req, &image);
	if (err)
		goto no_image;
	*entry = (struct first_entry){image.rip, image.rsp};
	err = -ENOMEM;
	p = process_create(&kernel_process, image.name, req->files, req->fs, go_to_user, entry);
	if (!p)
		goto no_process;
	p->aspace = image.aspace;
	if (image.file && vfs_deny_write(image.file)) {
		file_put(image.file);
		image.file = NULL;
	}
	process_set_exe(p, image.file);
	p->facts = image.facts;
	p->personality = req->fixed_addresses ? PERSONALITY_FIXED : 0;
	log_printf("task: process created with PID %d (%s)\n", p->pid, p->name);
	*out = p;
	return 0;

no_process:
	aspace_put(image.aspace);
	if (image.file)
		file_put(image.file);
no_image:
	kfree(entry);
	return err;
}
