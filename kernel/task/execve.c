/* SPDX-License-Identifier: MIT */
/*
 * execve(2) of a running process. All that can fail happens first, beside the old program: strings and image are made
 * (exec.c), a shared table of descriptors is copied. Then the new program takes the old one's place, and nothing fails
 * any more; Linux, which gives the old program up earlier, has to kill the caller there.
 *
 *     prepare    file may not be open for writing, strings, image, files, actions    errors are the caller's
 *                last of all the other threads end
 *     replace    memory, program file, descriptors, signals, names, registers        no errors
 */
#include <asm/errno.h>
#include <asm/signal.h>
#include <arch/signal.h>
#include <arch/trap.h>
#include <moat/exec.h>
#include <moat/futex.h>
#include <moat/ptrace.h>
#include <moat/string.h>
#include "table.h"

/* The new program's parts, complete. */
struct replacement {
	struct exec_image image;
	struct fd_table *files; /* NULL: the process keeps its own */
	struct sighand *hand;	/* the same */
};

static int load(const struct exec_call *call, struct process *me, struct exec_image *image)
{
	struct exec_request x = {
		.file = call->file,
		.fs = current_thread()->fs,
		.flags = (me->personality & PERSONALITY_FIXED ? EXEC_FIXED_ADDRESSES : 0) |
			 (call->path_is_lost ? EXEC_PATH_LOST : 0) |
			 (current_thread()->no_new_privs || !ptrace_allows_setid() ? 0 : EXEC_SETID),
		.uid = current_cred()->uid,
		.euid = current_cred()->euid,
		.gid = current_cred()->gid,
		.egid = current_cred()->egid,
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

static void drop(struct replacement *r)
{
	aspace_put(r->image.aspace);
	file_put(r->image.file);
	fd_table_put(r->files);
	sighand_put(r->hand);
}

/* What others share, and the new program has for itself. */
static int copy_shared(struct process *me, struct replacement *r)
{
	struct fd_table *files = current_thread()->files;

	if (fd_table_is_shared(files)) {
		r->files = fd_table_copy(files);
		if (!r->files)
			return -ENOMEM;
	}
	if (ref_read(&me->signals.hand->refs) > 1) {
		r->hand = sighand_copy(me->signals.hand);
		if (!r->hand)
			return -ENOMEM;
	}
	return 0;
}

/*
 * Nothing but the end of all other threads can fail any more.
 *
 * What runs from now on is not written; for a script that is its interpreter, and the script is free again.
 */
static int prepare(const struct exec_call *call, struct process *me, struct replacement *r)
{
	int err = vfs_deny_write(call->file);

	if (err)
		return err;
	err = load(call, me, &r->image);
	if (!err) {
		err = copy_shared(me, r);
		if (!err)
			err = vfs_deny_write(r->image.file);
		if (!err) {
			err = thread_await_alone();
			if (err)
				vfs_allow_write(r->image.file);
		}
		if (err)
			drop(r);
	}
	vfs_allow_write(call->file);
	return err;
}

static void replace_memory(struct process *me, const struct exec_image *image)
{
	struct aspace *old = me->aspace;
	u64 irq;

	futex_leave(current_thread());
	thread_clear_tid(current_thread());
	process_settle_memory(me);
	image->aspace->huge_disabled = old->huge_disabled;
	if (!(old->exec_gain & EXEC_GAIN_NOT_INHERITED))
		image->aspace->exec_gain = old->exec_gain;
	irq = table_lock();
	me->aspace = image->aspace;
	me->facts = image->facts;
	table_unlock(irq);
	arch_set_user_pmap(&image->aspace->pmap);
	aspace_put(old);
	process_timers_exec(me);
	vfork_release(current_thread());
}

static void replace_files(struct fd_table *copy)
{
	if (copy)
		thread_set_files(copy);
	fd_table_close_on_exec(current_thread()->files);
}

/* Others that looked at the old actions did so under the table's lock. */
static void replace_hand(struct process *me, struct sighand *copy)
{
	struct sighand *old = me->signals.hand;
	u64 irq;

	if (copy) {
		irq = table_lock();
		spin_lock(&old->lock);
		me->signals.hand = copy;
		spin_unlock(&old->lock);
		table_unlock(irq);
		sighand_put(old);
	}
	sighand_reset(me->signals.hand);
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

/* A program that its user may not read, or that runs as another one, is not looked into (prctl(2), PR_SET_DUMPABLE). */
static bool is_open_to_user(const struct exec_image *image)
{
	const struct cred *me = current_cred();

	return me->uid == me->euid && me->gid == me->egid &&
	       (!image->file || !inode_permission(image->file->inode, me->fsuid, me->fsgid, MAY_READ));
}

/* Nothing fails any more. */
static void replace(const struct exec_call *call, struct process *me, struct replacement *r)
{
	struct thread *t = current_thread();
	u64 irq;

	replace_memory(me, &r->image);
	process_set_exe(me, r->image.file);
	replace_files(r->files);
	replace_hand(me, r->hand);
	replace_names(me, t, call->comm ? call->comm : r->image.name);
	cred_exec(r->image.euid, r->image.egid);
	if (r->image.secure)
		me->parent_death_signal = 0;
	me->not_dumpable = !is_open_to_user(&r->image);
	me->explain[0] = 0;
	irq = table_lock();
	me->exit_signal = SIGCHLD;
	me->has_executed = true;
	table_unlock(irq);
	reset_thread(t, &r->image);
}

int process_exec(const struct exec_call *call)
{
	struct process *me = current_process();
	struct replacement r = {0};
	int err, old_tid = current_thread()->tid;

	ptrace_exec_begin();
	err = prepare(call, me, &r);
	if (!err)
		replace(call, me, &r);
	ptrace_exec_end();
	if (!err)
		ptrace_exec(old_tid);
	return err;
}
