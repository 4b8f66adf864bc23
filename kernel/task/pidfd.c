/* SPDX-License-Identifier: MIT */
/*
 * Descriptors of processes (pidfd_open(2)). A number may be given to another process once its owner is reaped; a task_ref is
 * not: there is at most one for each process and thread, made when somebody first asks, and it forgets whom it named when that
 * is gone.
 *
 *     process ──> task_ref <── file <── descriptor
 *             <──          <── file …
 *
 * The first thread of a process and the process are one here, as they are on Linux: both have the process's reference.
 *
 * Lock: the table's. What a reference names is looked at under it only.
 */
#include <asm/errno.h>
#include <linux/fcntl.h>
#include <linux/poll.h>
#include <arch/uaccess.h>
#include <moat/heap.h>
#include <moat/pidfd.h>
#include <moat/procfs.h>
#include <moat/string.h>
#include "table.h"

/* pidfd_info of newer headers: the part that Linux 6.13 has, which is what programs ask with. */
struct pidfd_facts {
	u64 mask, cgroupid;
	u32 pid, tgid, ppid;
	u32 ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
	s32 exit_code;
};

#define FACTS_PID	 (1u << 0)
#define FACTS_CREDS	 (1u << 1)
#define FACTS_EXIT	 (1u << 3)
#define GET_INFO_TYPE	 0xff
#define GET_INFO_NUMBER	 11
#define IOCTL_NUMBER(c)	 ((c)&0xff)
#define IOCTL_TYPE(c)	 ((c) >> 8 & 0xff)
#define IOCTL_SIZE(c)	 ((c) >> 16 & 0x3fff)
#define FACTS_SIZE_FIRST 64u

static struct task_ref *create(int pid)
{
	struct task_ref *r = kzalloc(sizeof(*r));

	if (!r)
		return NULL;
	r->inode = inode_create_anon(0700, 0);
	if (!r->inode) {
		kfree(r);
		return NULL;
	}
	ref_init(&r->refs, 1);
	r->pid = pid;
	waitq_init(&r->wait);
	return r;
}

void task_ref_put(struct task_ref *r)
{
	if (!r || !ref_put(&r->refs))
		return;
	inode_put(r->inode);
	kfree(r);
}

void task_ref_end(struct task_ref *r)
{
	if (!r)
		return;
	if (r->process && !r->thread)
		r->exit_status = r->process->exit_status;
	r->process = NULL;
	r->thread = NULL;
	waitq_wake_all(&r->wait);
}

/* Who has the number: *t stays NULL where the process as a whole is meant. Table locked. */
static int find_owner(int pid, u32 flags, struct process **p, struct thread **t)
{
	*p = table_find(pid);
	*t = NULL;
	if (!*p)
		return -ESRCH;
	if ((*p)->pid == pid)
		return 0;
	*t = table_find_thread(pid);
	return flags & PIDFD_THREAD ? 0 : -ENOENT;
}

/* Takes the owner's reference, or gives it `fresh`, which is NULL then. Table locked. */
static struct task_ref *share(struct process *p, struct thread *t, struct task_ref **fresh)
{
	struct task_ref **slot = t ? &t->ref : &p->ref;

	if (!*slot) {
		*slot = *fresh;
		*fresh = NULL;
		(*slot)->process = p;
		(*slot)->thread = t;
	}
	ref_get(&(*slot)->refs);
	return *slot;
}

int task_ref_find(int pid, u32 flags, struct task_ref **out)
{
	struct task_ref *fresh;
	struct process *p;
	struct thread *t;
	u64 irq;
	int err;

	if (pid <= 0)
		return -EINVAL;
	fresh = create(pid);
	if (!fresh)
		return -ENOMEM;
	irq = table_lock();
	err = find_owner(pid, flags, &p, &t);
	if (!err)
		*out = share(p, t, &fresh);
	table_unlock(irq);
	task_ref_put(fresh);
	return err;
}

int task_ref_find_key(const struct proc_key *key, struct task_ref **out)
{
	int err = task_ref_find(key->pid, 0, out);
	u64 irq;

	if (err)
		return err == -ENOENT ? -ESRCH : err; /* a thread has the number now */
	irq = table_lock();
	if (!(*out)->process || (*out)->process->start_ns != key->life)
		err = -ESRCH;
	table_unlock(irq);
	if (err)
		task_ref_put(*out);
	return err;
}

/* --- the file --- */

static unsigned pidfd_poll(struct file *f, struct poll_table *t)
{
	struct task_ref *r = f->private;
	unsigned events = 0;
	u64 irq;

	poll_add(t, &r->wait);
	irq = table_lock();
	if (!r->process)
		events = POLLIN | POLLRDNORM | POLLHUP;
	else if (!r->thread && r->process->state == PROCESS_ZOMBIE)
		events = POLLIN | POLLRDNORM;
	table_unlock(irq);
	return events;
}

static bool is_there(const struct task_ref *r)
{
	u64 irq = table_lock();
	bool there = r->process != NULL;

	table_unlock(irq);
	return there;
}

static void pidfd_show(struct file *f, struct proc_text *t)
{
	const struct task_ref *r = f->private;
	int pid = is_there(r) ? r->pid : -1;

	proc_printf(t, "Pid:\t%d\nNSpid:\t%d\n", pid, pid);
}

static void pidfd_release(struct file *f)
{
	task_ref_put(f->private);
}

/* Table locked. */
static void fill_facts(const struct process *p, struct pidfd_facts *facts)
{
	const struct cred *c = &p->cred;

	facts->mask |= FACTS_PID | FACTS_CREDS;
	facts->tgid = (u32)p->pid;
	facts->ppid = p->parent ? (u32)p->parent->pid : 0;
	facts->ruid = c->uid;
	facts->euid = c->euid;
	facts->suid = c->suid;
	facts->fsuid = c->fsuid;
	facts->rgid = c->gid;
	facts->egid = c->egid;
	facts->sgid = c->sgid;
	facts->fsgid = c->fsgid;
}

/* PIDFD_GET_INFO: as much of the facts as the caller has room for. */
static int get_info(const struct task_ref *r, u32 room, u64 to)
{
	struct pidfd_facts facts = {0};
	int err = 0;
	u64 mask, irq;

	if (!to)
		return -EINVAL;
	if (copy_from_user(&mask, (void __user *)to, sizeof(mask)))
		return -EFAULT;
	irq = table_lock();
	if (r->process) {
		facts.pid = (u32)r->pid;
		fill_facts(r->process, &facts);
	} else if (mask & FACTS_EXIT) {
		facts.mask = FACTS_EXIT;
		facts.exit_code = r->exit_status;
	} else {
		err = -ESRCH;
	}
	table_unlock(irq);
	if (err)
		return err;
	if (copy_to_user((void __user *)to, &facts, sizeof(facts)))
		return -EFAULT;
	return clear_user((char __user *)to + sizeof(facts), room - sizeof(facts)) ? -EFAULT : 0;
}

static int pidfd_ioctl(struct file *f, unsigned cmd, u64 arg)
{
	if (IOCTL_TYPE(cmd) != GET_INFO_TYPE || IOCTL_NUMBER(cmd) != GET_INFO_NUMBER ||
	    IOCTL_SIZE(cmd) < FACTS_SIZE_FIRST)
		return -ENOTTY;
	return get_info(f->private, IOCTL_SIZE(cmd), arg);
}

/* pread(2) fails as read(2) does, lseek(2) as for a stream. */
static s64 pidfd_seek(struct file *f, s64 offset, int whence)
{
	(void)f;
	(void)offset;
	(void)whence;
	return -ESPIPE;
}

static const struct file_ops pidfd_ops = {
	.seek = pidfd_seek,
	.no_offset = true,
	.poll = pidfd_poll,
	.ioctl = pidfd_ioctl,
	.release = pidfd_release,
	.show = pidfd_show,
	.anon_name = "[pidfd]",
};

/* Takes over a reference on success. */
static int create_file(struct task_ref *r, u32 flags, struct file **out)
{
	*out = file_create(&pidfd_ops, r->inode, NULL, O_RDWR | flags, r);
	if (!*out)
		return -ENOMEM;
	inode_get(r->inode);
	return 0;
}

int pidfd_create(struct task_ref *r, u32 flags, struct file **out)
{
	int err;

	ref_get(&r->refs);
	err = create_file(r, flags, out);
	if (err)
		task_ref_put(r);
	return err;
}

struct task_ref *pidfd_ref(const struct file *f)
{
	return f->ops == &pidfd_ops ? f->private : NULL;
}

int pidfd_create_new(struct process *p, struct thread *t, bool is_thread, struct file **out)
{
	struct task_ref *r = create(is_thread ? 0 : p->pid);

	if (!r)
		return -ENOMEM;
	r->process = p;
	r->thread = is_thread ? t : NULL;
	*(is_thread ? &t->ref : &p->ref) = r; /* the owner's reference, given back with it */
	return pidfd_create(r, is_thread ? PIDFD_THREAD : 0, out);
}

/* --- what others have open --- */

/* May the current process look into it? Table locked. */
static int check_peek(const struct task_ref *r)
{
	if (!r->process)
		return -ESRCH;
	return process_may_peek(r->process) ? 0 : -EPERM;
}

int pidfd_may_peek(struct task_ref *r)
{
	u64 irq = table_lock();
	int err = check_peek(r);

	table_unlock(irq);
	return err;
}

int pidfd_get_aspace(struct task_ref *r, struct aspace **out)
{
	u64 irq = table_lock();
	struct process *p = r->process;
	int err = !p ? -ESRCH : !process_may_peek(p) ? -EACCES : !p->aspace ? -ESRCH : 0;

	if (!err) {
		*out = p->aspace;
		aspace_get(*out);
	}
	table_unlock(irq);
	return err;
}

/* 0: it is about to give its memory back; -ESRCH: it has; -EINVAL: it lives on. */
static int check_dying(const struct task_ref *r)
{
	u64 irq = table_lock();
	const struct process *p = r->process;
	int err = 0;

	if (!p || !p->aspace)
		err = -ESRCH;
	else if (!__atomic_load_n(&p->signals.ending, __ATOMIC_ACQUIRE) &&
		 !(__atomic_load_n(&p->signals.shared.pending, __ATOMIC_ACQUIRE) & SIGNAL_BIT(SIGKILL)))
		err = -EINVAL;
	table_unlock(irq);
	return err;
}

int pidfd_await_memory(struct task_ref *r)
{
	int err = check_dying(r);

	/* It gives back its memory before it wakes who waits for its end. */
	return err ? err : WAIT_EVENT_FLAGS(&r->wait, check_dying(r), WAIT_KILLABLE);
}

int pidfd_get_file(struct task_ref *r, int fd, struct file **out)
{
	const struct thread *t;
	struct fd_table *files = NULL;
	u64 irq = table_lock();
	int err = check_peek(r);

	if (!err) {
		t = r->thread ? r->thread : r->process->leader;
		files = t ? t->files : NULL;
		if (files)
			fd_table_get(files);
	}
	table_unlock(irq);
	if (err)
		return err;
	if (!files)
		return -ESRCH; /* it is ending */
	*out = fd_get_path(files, fd);
	fd_table_put(files);
	return *out ? 0 : -EBADF;
}
