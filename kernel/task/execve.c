/* SPDX-License-Identifier: MIT */
/*
 * execve(2) of a running process. All that can fail happens first, beside the old program: strings and image are made
 * (exec.c), a shared table of descriptors is copied. Then the new program takes the old one's place, and nothing fails
 * any more; Linux, which gives the old program up earlier, has to kill the caller there.
 *
 *     prepare    file may not be open for writing, strings, image, files       errors are the caller's
 *     replace    memory, program file, descriptors, signals, names, registers  no errors
 */
#include <asm/errno.h>
#include <asm/signal.h>
#include <arch/signal.h>
#include <arch/trap.h>
#include <moat/exec.h>
#include <moat/string.h>
#include "table.h"

/* The new program's parts, complete. */
struct replacement {
	struct exec_image image;
	struct fd_table *files; /* NULL: the process keeps its own */
};

static int load(const struct exec_call *call, struct process *me, struct exec_image *image)
{
	struct exec_request x = {
		.file = call->file,
		.fs = me->fs,
		.flags = (me->personality & PERSONALITY_FIXED ? EXEC_FIXED_ADDRESSES : 0) |
			 (call->path_is_lost ? EXEC_PATH_LOST : 0),
		.uid = me->uid,
		.euid = me->euid,
		.gid = me->gid,
		.egid = me->egid,
		.limit_as_bytes = me->limits[RLIMIT_AS].soft,
		.limit_data_bytes = me->limits[RLIMIT_DATA].soft,
		.limit_stack_bytes = me->limits[RLIMIT_STACK].soft,
		.min_signal_stack_bytes = arch_signal_frame_bytes(),
	};
	int err = exec_args_from_user(call->execfn, call->argv, call->envp, x.limit_stack_bytes, &x.args);

	if (err)
		return err;
	err = exec_load(&x, image);
	exec_args_destroy(x.args);
	return err;
}

/* What runs from now on is not written; for a script that is its interpreter, and the script is free again. */
static int prepare(const struct exec_call *call, struct process *me, struct replacement *r)
{
	int err = vfs_deny_write(call->file);

	if (err)
		return err;
	err = load(call, me, &r->image);
	if (!err) {
		err = vfs_deny_write(r->image.file);
		if (!err && fd_table_is_shared(me->files)) {
			r->files = fd_table_copy(me->files);
			if (!r->files) {
				vfs_allow_write(r->image.file);
				err = -ENOMEM;
			}
		}
		if (err) {
			aspace_put(r->image.aspace);
			file_put(r->image.file);
		}
	}
	vfs_allow_write(call->file);
	return err;
}

static void replace_memory(struct process *me, const struct exec_image *image)
{
	struct aspace *old = me->aspace;
	u64 irq;

	process_get_usage(me, &me->usage);
	me->faults_before = (struct process_usage){0};
	irq = table_lock();
	me->aspace = image->aspace;
	me->facts = image->facts;
	table_unlock(irq);
	arch_set_user_pmap(&image->aspace->pmap);
	aspace_put(old);
	vfork_release(me);
}

static void replace_files(struct process *me, struct fd_table *copy)
{
	if (copy)
		process_set_files(me, copy);
	fd_table_close_on_exec(me->files);
}

static void replace_names(struct process *me, struct thread *t, const char *name)
{
	memset(me->name, 0, sizeof(me->name));
	memset(t->name, 0, sizeof(t->name));
	(void)str_copy(me->name, name, sizeof(me->name));
	(void)str_copy(t->name, name, sizeof(t->name));
}

/* What the old program had asked of the kernel for this thread means nothing to the new one. */
static void reset_thread(struct thread *t, const struct exec_image *image)
{
	t->altstack = (struct signal_stack){0};
	t->clear_tid = 0;
	t->set_child_tid = 0;
	t->rseq = 0;
	arch_thread_reset_user(&t->arch);
	trap_frame_init_user(current_user_frame(), uaddr(image->rip), uaddr(image->rsp));
	request_user_work(); /* the way back loads every register */
}

int process_exec(const struct exec_call *call)
{
	struct process *me = current_process();
	struct thread *t = current_thread();
	struct replacement r = {0};
	u64 irq;
	int err = prepare(call, me, &r);

	if (err)
		return err;
	replace_memory(me, &r.image);
	process_set_exe(me, r.image.file);
	replace_files(me, r.files);
	signal_reset_handlers(me);
	replace_names(me, t, call->comm ? call->comm : r.image.name);
	me->explain[0] = 0;
	irq = table_lock();
	me->exit_signal = SIGCHLD;
	me->has_executed = true;
	table_unlock(irq);
	reset_thread(t, &r.image);
	return 0;
}
