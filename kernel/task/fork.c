/* SPDX-License-Identifier: MIT */
/*
 * Making a process from the current one (fork(2), vfork(2), clone(2)): walk 4 of docs/architecture.md.
 *
 *     process_clone
 *       new_process                          a structure and a number, signal actions
 *       copy_thread … copy_identity          thread and registers, files, names, memory: each copied or shared
 *       publish                              into the family; from here on nothing fails
 *       thread_start                         the child's first act is child_begin
 *       vfork: wait until vfork_release      at the child's exec or exit
 *
 * A thread (CLONE_THREAD) is the same without a new process: copy_thread, copy_files, publish_thread. What fails before
 * it is published is undone by `abandon`, which gives back whatever is there.
 */
#include <asm/errno.h>
#include <linux/sched.h>
#include <arch/cpu.h>
#include <arch/signal.h>
#include <arch/timer.h>
#include <arch/trap.h>
#include <arch/uaccess.h>
#include <moat/heap.h>
#include <moat/panic.h>
#include <moat/pidfd.h>
#include <moat/string.h>
#include "ptrace_internal.h"

/* The child's first act, on its own stack and in its own address space. */
static void child_begin(void *arg)
{
	struct thread *t = current_thread();

	(void)arg;
	if (t->set_child_tid)
		(void)!copy_to_user((void __user *)t->set_child_tid, &t->tid, sizeof(t->tid));
	enter_user();
}

/* The same thread once more, for `p`, about to return 0 from the call. On failure the caller frees *out, if it is there. */
static int copy_thread(struct process *p, const struct clone_request *req, struct thread **out)
{
	struct thread *me = current_thread(), *t = thread_create(p, me->name, child_begin, NULL);
	struct trap_frame *f;
	int err;

	*out = t;
	if (!t)
		return -ENOMEM;
	err = arch_thread_copy_user(&t->arch, &me->arch);
	if (err)
		return err;
	f = arch_thread_frame(&t->arch);
	frame_set_result(f, 0);
	if (req->stack)
		frame_set_sp(f, req->stack);
	if (req->flags & CLONE_SETTLS)
		arch_thread_set_tls(&t->arch, req->tls);
	cred_copy(&t->cred, &me->cred);
	t->blocked_signals = me->blocked_signals;
	t->policy = me->policy;
	t->timer_slack_ns = me->timer_slack_ns;
	t->ioprio = me->ioprio;
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
	before->major_faults = me->aspace->faults.major;
	before->cow_faults = me->aspace->faults.cow;
	return 0;
}

static int copy_files(struct thread *t, u64 flags)
{
	const struct thread *me = current_thread();

	if (flags & CLONE_FILES)
		fd_table_get(me->files);
	t->files = flags & CLONE_FILES ? me->files : fd_table_copy(me->files);
	if (!t->files)
		return -ENOMEM;
	if (flags & CLONE_FS)
		fs_context_get(me->fs);
	t->fs = flags & CLONE_FS ? me->fs : fs_context_copy(me->fs);
	return t->fs ? 0 : -ENOMEM;
}

/* Undoes copy_thread and copy_files for a thread that nobody has seen. */
static void abandon_thread(struct thread *t)
{
	if (!t)
		return;
	fd_table_put(t->files);
	fs_context_put(t->fs);
	thread_free(t);
}

/* What is copied by value. */
static void copy_identity(struct process *child, const struct process *me)
{
	memcpy(child->name, me->name, sizeof(child->name));
	memcpy(child->limits, me->limits, sizeof(child->limits));
	child->facts = me->facts;
	child->oom_score_adj = me->oom_score_adj;
	child->oom_score_adj_min = me->oom_score_adj_min;
	cred_copy(&child->cred, current_cred());
	child->personality = me->personality;
	child->not_dumpable = me->not_dumpable;
	child->hints = me->hints;
	if (!me->exe)
		return;
	file_get(me->exe);
	child->exe = me->exe;
	/* It is denied for the parent already: one more cannot fail. */
	if (vfs_deny_write(me->exe))
		panic("a program that runs is open for writing");
}

/* Undoes what there is of a child that nobody has seen. */
static void abandon(struct process *child, struct thread *t)
{
	if (child->aspace)
		aspace_put(child->aspace);
	abandon_thread(t);
	process_discard(child);
}

/* The descriptor that the caller gets (CLONE_PIDFD); file NULL: none. */
struct new_pidfd {
	struct file *file;
	int fd;
};

/* Its number is told before anybody has seen the child, as Linux does: what fails here leaves nothing behind. */
static int make_pidfd(const struct clone_request *req, struct process *p, struct thread *t,
		      struct new_pidfd *n)
{
	struct fd_table *files = current_thread()->files;
	int err, fd;

	if (!(req->flags & CLONE_PIDFD))
		return 0;
	fd = fd_reserve(files, 0, current_process()->limits[RLIMIT_NOFILE].soft, true);
	if (fd < 0)
		return fd;
	err = pidfd_create_new(p, t, req->flags & CLONE_THREAD, &n->file);
	if (!err && put_user(fd, req->pidfd)) {
		file_put(n->file);
		err = -EFAULT;
	}
	n->fd = fd;
	if (err) {
		n->file = NULL;
		fd_unreserve(files, fd);
	}
	return err;
}

static void drop_pidfd(const struct new_pidfd *n)
{
	if (!n->file)
		return;
	fd_unreserve(current_thread()->files, n->fd);
	file_put(n->file);
}

/* Why the current process may not have one more thread or child now. Table locked. */
static int may_have_another(const struct process *me)
{
	u32 uid = current_cred()->uid;

	/* A child born to one that is being killed would escape. */
	if (signal_kill_due())
		return -EINTR;
	return uid != 0 && !capable(CAP_SYS_RESOURCE) && !capable(CAP_SYS_ADMIN) &&
			       table_count_user(uid) >= me->limits[RLIMIT_NPROC].soft
		       ? -EAGAIN
		       : 0;
}

/* Under the lock under which the new thread is published, so that none escapes what TSYNC gives to all. Table locked. */
static void restrict_thread(struct thread *t)
{
	t->no_new_privs = current_thread()->no_new_privs;
	seccomp_inherit(t);
}

/* 0; -EAGAIN: this user has too many; -EINTR: the caller is being killed. */
static int publish(struct process *child, struct thread *t, const struct clone_request *req,
		   struct tracee *tr)
{
	struct process *me = current_process();
	u64 irq = table_lock();
	int err = may_have_another(me);

	if (!err) {
		bool sibling = req->flags & CLONE_PARENT;

		restrict_thread(t);

		table_publish(child, sibling ? me->parent : me);
		table_add_thread(t);
		child->made_by = current_thread()->tid;
		child->pgid = me->pgid;
		child->sid = me->sid;
		child->exit_signal = sibling ? me->exit_signal : req->exit_signal;
		ptrace_child(t, tr);
	}
	table_unlock(irq);
	return err;
}

static void await_release(struct thread *child, struct vfork_wait *v)
{
	u64 irq;

	(void)WAIT_EVENT_FLAGS(&v->queue, __atomic_load_n(&v->done, __ATOMIC_ACQUIRE), WAIT_KILLABLE);
	/* Whoever says that it is done does so inside the lock: after it, nobody looks at *v any more. */
	irq = table_lock();
	if (!v->done)
		child->vfork = NULL;
	table_unlock(irq);
}

void vfork_release(struct thread *t)
{
	u64 irq;

	if (!t->vfork)
		return;
	irq = table_lock();
	if (t->vfork) {
		__atomic_store_n(&t->vfork->done, true, __ATOMIC_RELEASE);
		waitq_wake_all(&t->vfork->queue);
		t->vfork = NULL;
	}
	table_unlock(irq);
}

static struct sighand *copy_hand(const struct process *me, u64 flags)
{
	struct sighand *hand =
		flags & CLONE_SIGHAND ? sighand_get(me->signals.hand) : sighand_copy(me->signals.hand);

	if (hand && (flags & CLONE_CLEAR_SIGHAND))
		sighand_reset(hand);
	return hand;
}

/* A process with its number, actions and identity. */
static int new_process(const struct clone_request *req, struct process **out)
{
	struct sighand *hand = copy_hand(current_process(), req->flags);
	struct process *child = hand ? process_alloc(hand) : NULL;
	int err;

	if (!child) {
		sighand_put(hand);
		return -ENOMEM;
	}
	err = table_reserve(child, req->chosen_tid);
	if (err)
		process_free(child);
	*out = child;
	return err;
}

/* The new process's only thread, complete and found by everybody, but not yet started. */
static int make_child(const struct clone_request *req, struct new_pidfd *pidfd, struct tracee *tr,
		      struct thread **out)
{
	struct process *me = current_process(), *child;
	struct thread *t;
	int err = new_process(req, &child);

	if (err)
		return err;
	err = copy_thread(child, req, &t);
	if (!err)
		err = copy_files(t, req->flags);
	if (!err)
		err = copy_memory(child, me, req->flags);
	if (!err)
		err = make_pidfd(req, child, t, pidfd);
	if (!err) {
		copy_identity(child, me);
		err = publish(child, t, req, tr);
	}
	if (err) {
		drop_pidfd(pidfd);
		abandon(child, t);
	}
	*out = t;
	return err;
}

static int publish_thread(const struct clone_request *req, struct thread *t, struct tracee *tr)
{
	struct process *me = current_process();
	u64 irq = table_lock();
	int err = may_have_another(me);

	if (!err)
		err = table_number_thread(t, req->chosen_tid);
	if (!err) {
		if (t->ref)
			t->ref->pid = t->tid;
		restrict_thread(t);
		table_add_thread(t);
		ptrace_child(t, tr);
	}
	table_unlock(irq);
	return err;
}

/* One more thread of the current process, as above. */
static int make_thread(const struct clone_request *req, struct new_pidfd *pidfd, struct tracee *tr,
		       struct thread **out)
{
	int err = copy_thread(current_process(), req, out);

	if (!err)
		err = copy_files(*out, req->flags);
	if (!err)
		err = make_pidfd(req, current_process(), *out, pidfd);
	if (!err)
		err = publish_thread(req, *out, tr);
	if (err) {
		drop_pidfd(pidfd);
		abandon_thread(*out);
	}
	return err;
}

int process_clone(const struct clone_request *req)
{
	struct vfork_wait v = {.done = false};
	struct new_pidfd pidfd = {0};
	struct tracee *tr;
	struct thread *t;
	unsigned event;
	int err, tid;

	if ((req->flags & CLONE_SETTLS) && req->tls >= USER_TOP)
		return -EPERM;
	err = ptrace_prepare_child(req, &tr);
	if (err)
		return err;
	err = req->flags & CLONE_THREAD ? make_thread(req, &pidfd, tr, &t) : make_child(req, &pidfd, tr, &t);
	if (err) {
		kfree(tr);
		return err;
	}
	event = ptrace_clone_event(req);
	if (pidfd.file)
		fd_fill(current_thread()->files, pidfd.fd, pidfd.file);
	tid = t->tid; /* once it runs it may be gone */
	if (req->flags & CLONE_PARENT_SETTID)
		(void)!copy_to_user((void __user *)req->parent_tid, &tid, sizeof(tid));
	if (req->flags & CLONE_VFORK) {
		waitq_init(&v.queue);
		t->vfork = &v;
	}
	thread_start(t);
	if (unlikely(event))
		(void)ptrace_event(event, (u64)tid);
	if (req->flags & CLONE_VFORK) {
		await_release(t, &v);
		(void)ptrace_event(PTRACE_EVENT_VFORK_DONE, (u64)tid);
	}
	return tid;
}
