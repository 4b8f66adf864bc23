/* SPDX-License-Identifier: MIT */
/*
 * Making a process from the current one (fork(2), vfork(2), clone(2)): walk 4 of docs/architecture.md.
 *
 *     process_clone
 *       process_alloc, table_reserve         a structure and a number
 *       copy_resources                       thread and registers, memory, files, names: each copied or shared
 *       publish                              into the family; from here on nothing fails
 *       process_start                        the child's first act is child_begin
 *       vfork: wait until vfork_release      at the child's exec or exit
 *
 * What fails before `publish` is undone by `abandon`, which gives back whatever is there.
 */
#include <asm/errno.h>
#include <linux/sched.h>
#include <arch/cpu.h>
#include <arch/signal.h>
#include <arch/timer.h>
#include <arch/trap.h>
#include <arch/uaccess.h>
#include <moat/string.h>
#include "table.h"

/* The child's first act, on its own stack and in its own address space. */
static void child_begin(void *arg)
{
	struct thread *t = current_thread();

	(void)arg;
	if (t->set_child_tid)
		(void)!copy_to_user((void __user *)t->set_child_tid, &t->tid, sizeof(t->tid));
	enter_user();
}

/* The same thread once more, about to return 0 from the call. */
static int copy_thread(struct process *child, const struct clone_request *req)
{
	struct thread *me = current_thread(), *t = thread_create(child, me->name, child_begin, NULL);
	struct trap_frame *f;
	int err;

	if (!t)
		return -ENOMEM;
	child->thread = t;
	err = arch_thread_copy_user(&t->arch, &me->arch);
	if (err)
		return err;
	f = arch_thread_frame(&t->arch);
	frame_set_result(f, 0);
	if (req->stack)
		frame_set_sp(f, req->stack);
	if (req->flags & CLONE_SETTLS)
		arch_thread_set_tls(&t->arch, req->tls);
	t->blocked_signals = me->blocked_signals;
	t->policy = me->policy;
	/* Two that share memory cannot share the alternate stack, unless one waits for the other. */
	if ((req->flags & (CLONE_VM | CLONE_VFORK)) != CLONE_VM)
		t->altstack = me->altstack;
	if (!(req->flags & CLONE_VM)) {
		t->rseq = me->rseq;
		t->rseq_signature = me->rseq_signature;
	}
	t->set_child_tid = req->flags & CLONE_CHILD_SETTID ? req->child_tid : 0;
	t->clear_tid = req->flags & CLONE_CHILD_CLEARTID ? req->child_tid : 0;
	return 0;
}

static int copy_memory(struct process *child, const struct process *me, u64 flags)
{
	struct process_usage *before = &child->faults_before;

	if (!(flags & CLONE_VM))
		return aspace_fork(me->aspace, &child->aspace);
	aspace_get(me->aspace);
	child->aspace = me->aspace;
	before->minor_faults = me->aspace->faults.minor;
	before->major_faults = me->aspace->faults.major;
	before->cow_faults = me->aspace->faults.cow;
	return 0;
}

static int copy_files(struct process *child, const struct process *me, u64 flags)
{
	if (flags & CLONE_FILES)
		fd_table_get(me->files);
	child->files = flags & CLONE_FILES ? me->files : fd_table_copy(me->files);
	if (!child->files)
		return -ENOMEM;
	if (flags & CLONE_FS)
		fs_context_get(me->fs);
	child->fs = flags & CLONE_FS ? me->fs : fs_context_copy(me->fs);
	return child->fs ? 0 : -ENOMEM;
}

/* What is copied by value. */
static void copy_identity(struct process *child, const struct process *me)
{
	memcpy(child->name, me->name, sizeof(child->name));
	memcpy(child->limits, me->limits, sizeof(child->limits));
	child->facts = me->facts;
	child->oom_score_adj = me->oom_score_adj;
	child->oom_score_adj_min = me->oom_score_adj_min;
	child->uid = me->uid;
	child->euid = me->euid;
	child->suid = me->suid;
	child->gid = me->gid;
	child->egid = me->egid;
	child->sgid = me->sgid;
	child->personality = me->personality;
	child->no_new_privs = me->no_new_privs;
	if (!me->exe)
		return;
	file_get(me->exe);
	child->exe = me->exe;
	/* It is denied for the parent already: one more cannot fail. */
	if (vfs_deny_write(me->exe))
		panic("a program that runs is open for writing");
}

static int copy_resources(struct process *child, const struct process *me, const struct clone_request *req)
{
	int err = copy_thread(child, req);

	if (!err)
		err = copy_files(child, me, req->flags);
	if (!err)
		err = copy_memory(child, me, req->flags);
	if (err)
		return err;
	copy_identity(child, me);
	signal_state_fork(&child->signals, &me->signals);
	if (req->flags & CLONE_CLEAR_SIGHAND)
		signal_reset_handlers(child);
	return 0;
}

/* Undoes what there is of a child that nobody has seen. */
static void abandon(struct process *child)
{
	if (child->aspace)
		aspace_put(child->aspace);
	if (child->files)
		fd_table_put(child->files);
	if (child->fs)
		fs_context_put(child->fs);
	process_discard(child);
}

/* 0; -EAGAIN: this user has too many; -EINTR: the caller is being killed, and its child would escape. */
static int publish(struct process *child, struct process *me, const struct clone_request *req)
{
	u64 irq = table_lock();
	int err = 0;

	if (signal_kill_due())
		err = -EINTR;
	else if (me->uid != 0 && table_count_user(me->uid) >= me->limits[RLIMIT_NPROC].soft)
		err = -EAGAIN;
	if (!err) {
		bool sibling = req->flags & CLONE_PARENT;

		table_publish(child, sibling ? me->parent : me);
		child->pgid = me->pgid;
		child->sid = me->sid;
		child->exit_signal = sibling ? me->exit_signal : req->exit_signal;
	}
	table_unlock(irq);
	return err;
}

static void await_release(struct process *child, struct vfork_wait *v)
{
	u64 irq;

	(void)WAIT_EVENT_FLAGS(&v->queue, __atomic_load_n(&v->done, __ATOMIC_ACQUIRE), WAIT_KILLABLE);
	/* Whoever says that it is done does so inside the lock: after it, nobody looks at *v any more. */
	irq = table_lock();
	if (!v->done)
		child->vfork = NULL;
	table_unlock(irq);
}

void vfork_release(struct process *p)
{
	u64 irq;

	if (!p->vfork)
		return;
	irq = table_lock();
	if (p->vfork) {
		__atomic_store_n(&p->vfork->done, true, __ATOMIC_RELEASE);
		waitq_wake_all(&p->vfork->queue);
		p->vfork = NULL;
	}
	table_unlock(irq);
}

static int make_child(const struct clone_request *req, struct process **out)
{
	struct process *me = current_process(), *child;
	int err;

	if ((req->flags & CLONE_SETTLS) && req->tls >= USER_TOP)
		return -EPERM;
	child = process_alloc();
	if (!child)
		return -ENOMEM;
	err = table_reserve(child);
	if (err) {
		process_free(child);
		return err;
	}
	err = copy_resources(child, me, req);
	if (!err)
		err = publish(child, me, req);
	if (err)
		abandon(child);
	*out = child;
	return err;
}

int process_clone(const struct clone_request *req)
{
	struct vfork_wait v = {.done = false};
	struct process *child;
	int err = make_child(req, &child), pid;

	if (err)
		return err;
	pid = child->pid; /* once it runs it may be gone */
	if (req->flags & CLONE_PARENT_SETTID)
		(void)!copy_to_user((void __user *)req->parent_tid, &pid, sizeof(pid));
	if (req->flags & CLONE_VFORK) {
		waitq_init(&v.queue);
		child->vfork = &v;
	}
	process_start(child);
	if (req->flags & CLONE_VFORK)
		await_release(child, &v);
	return pid;
}
