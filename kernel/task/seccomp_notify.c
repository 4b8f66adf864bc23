/* SPDX-License-Identifier: MIT */
/*
 * Calls that somebody else decides about: SECCOMP_RET_USER_NOTIF of seccomp(2), seccomp_unotify(2). A filter may have a
 * listener, which is a file too. Who makes a call that the filter has no verdict of its own for waits in it, on a
 * record on his own stack, until whoever has the file has answered.
 *
 *     asking thread         ASKED ──RECV──> TOLD ──SEND, ADDFD with an answer──> ANSWERED     goes on
 *          waits              <──the buffer was bad──
 *
 * A signal ends the wait at any point, and the call starts again or fails, as if it had waited itself. The file keeps the
 * listener, and so does the filter: without the one nobody answers any more (ENOSYS), without the other nobody asks (POLLHUP).
 *
 * Lock: the table's. A record leaves the list under it, and while it is busy it stays.
 */
#include <asm/errno.h>
#include <linux/fcntl.h>
#include <linux/ioctl.h>
#include <linux/poll.h>
#include <arch/uaccess.h>
#include <moat/heap.h>
#include <moat/string.h>
#include "seccomp_notify.h"
#include "table.h"

/* Newer than some headers. */
#define IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#define NOTIF_SYNC_WAKE_UP    1u /* a hint */

enum asked_state { ASKED, TOLD, ANSWERED };

struct asked {
	TAILQ_ENTRY(asked) link; /* [table] */
	struct thread *thread;	 /* [I] */
	u64 id;			 /* [I] */
	const struct seccomp_data *data;
	struct seccomp_answer *answer; /* [table] */
	u32 state;		       /* [table for change, a for read] enum asked_state */
	bool busy;		       /* [table for change, a for read] it is about to get a descriptor */
	struct waitq wait;
};

struct seccomp_listener {
	struct refcount refs;
	bool wait_killable;	  /* [I] SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV */
	bool closed;		  /* [table] */
	bool unused;		  /* [a] the filter has gone */
	u64 next_id;		  /* [table] */
	TAILQ_HEAD(, asked) list; /* [table] oldest first */
	struct waitq wait;	  /* for something to be told or answered */
};

static void put(struct seccomp_listener *l)
{
	if (ref_put(&l->refs))
		kfree(l);
}

void seccomp_listener_unused(struct seccomp_listener *l)
{
	if (!l)
		return;
	__atomic_store_n(&l->unused, true, __ATOMIC_RELEASE);
	waitq_wake_all(&l->wait);
	put(l);
}

/* --- the side that asks --- */

static u32 state_of(const struct asked *a)
{
	return __atomic_load_n(&a->state, __ATOMIC_ACQUIRE);
}

/* Table locked. */
static void set_state(struct asked *a, enum asked_state state)
{
	__atomic_store_n(&a->state, state, __ATOMIC_RELEASE);
	if (state == ANSWERED)
		waitq_wake_all(&a->wait);
}

/* False: nobody listens. */
static bool enlist(struct seccomp_listener *l, struct asked *a)
{
	u64 irq = table_lock();
	bool there = !l->closed;

	if (there) {
		a->id = ++l->next_id;
		TAILQ_INSERT_TAIL(&l->list, a, link);
	}
	table_unlock(irq);
	if (there)
		waitq_wake(&l->wait, POLLIN);
	return there;
}

/* Has it been answered? Nobody looks at it any more. */
static bool withdraw(struct seccomp_listener *l, struct asked *a)
{
	u64 irq;

	for (;;) {
		WAIT_EVENT_UNKILLABLE(&a->wait, !__atomic_load_n(&a->busy, __ATOMIC_ACQUIRE));
		irq = table_lock();
		if (!a->busy)
			break;
		table_unlock(irq);
	}
	TAILQ_REMOVE(&l->list, a, link);
	table_unlock(irq);
	return a->state == ANSWERED;
}

int seccomp_listener_ask(struct seccomp_listener *l, const struct seccomp_data *data,
			 struct seccomp_answer *answer)
{
	struct asked a = {.thread = current_thread(), .data = data, .answer = answer};
	bool killable;
	int err;

	waitq_init(&a.wait);
	if (!enlist(l, &a))
		return -ENOSYS;
	do {
		killable = l->wait_killable && state_of(&a) != ASKED;
		err = WAIT_EVENT_FLAGS(&a.wait, state_of(&a) == ANSWERED,
				       killable ? WAIT_KILLABLE : WAIT_INTERRUPTIBLE);
	} while (err && !killable && l->wait_killable && state_of(&a) != ASKED);
	return withdraw(l, &a) ? 0 : -EINTR;
}

/* --- the file --- */

/* The first that nobody has been told of. Table locked. */
static struct asked *first_new(const struct seccomp_listener *l)
{
	struct asked *a;

	TAILQ_FOREACH (a, &l->list, link) {
		if (a->state == ASKED)
			break;
	}
	return a;
}

/* The one that was told of with this number, or an error. Table locked. */
static int find(const struct seccomp_listener *l, u64 id, struct asked **out)
{
	struct asked *a;

	TAILQ_FOREACH (a, &l->list, link) {
		if (a->id == id)
			break;
	}
	*out = a;
	return !a ? -ENOENT : a->state != TOLD ? -EINPROGRESS : 0;
}

static bool is_worth_a_look(const struct seccomp_listener *l)
{
	u64 irq = table_lock();
	bool new = first_new(l) != NULL;

	table_unlock(irq);
	return new || __atomic_load_n(&l->unused, __ATOMIC_ACQUIRE);
}

static int receive(struct seccomp_listener *l, void __user *to)
{
	static const struct seccomp_notif zeros;
	struct seccomp_notif n;
	struct asked *a;
	u64 irq;
	int err;

	if (copy_from_user(&n, to, sizeof(n)))
		return -EFAULT;
	if (memcmp(&n, &zeros, sizeof(n)) != 0)
		return -EINVAL;
	err = WAIT_EVENT(&l->wait, is_worth_a_look(l));
	if (err)
		return err;
	irq = table_lock();
	a = first_new(l);
	if (a) {
		n = (struct seccomp_notif){.id = a->id, .pid = (u32)a->thread->tid, .data = *a->data};
		set_state(a, TOLD);
	}
	table_unlock(irq);
	if (!a)
		return -ENOENT;
	waitq_wake(&l->wait, POLLOUT);
	if (!copy_to_user(to, &n, sizeof(n)))
		return 0;
	irq = table_lock();
	if (!find(l, n.id, &a))
		set_state(a, ASKED);
	table_unlock(irq);
	waitq_wake(&l->wait, POLLIN);
	return -EFAULT;
}

static int answer(struct seccomp_listener *l, const void __user *from)
{
	struct seccomp_notif_resp r;
	struct asked *a;
	u64 irq;
	int err;

	if (copy_from_user(&r, from, sizeof(r)))
		return -EFAULT;
	if ((r.flags & ~SECCOMP_USER_NOTIF_FLAG_CONTINUE) || (r.flags && (r.error || r.val)))
		return -EINVAL;
	irq = table_lock();
	err = find(l, r.id, &a);
	if (!err) {
		*a->answer = (struct seccomp_answer){.result = r.error ? r.error : r.val, .go_on = r.flags};
		set_state(a, ANSWERED);
	}
	table_unlock(irq);
	return err;
}

static int is_valid(const struct seccomp_listener *l, const void __user *from)
{
	struct asked *a;
	u64 id, irq;
	int err;

	if (copy_from_user(&id, from, sizeof(id)))
		return -EFAULT;
	irq = table_lock();
	err = find(l, id, &a);
	table_unlock(irq);
	return err ? -ENOENT : 0;
}

/* The descriptor, or an error; takes over the file. The asking thread stays where it is. */
static int give(struct asked *a, struct fd_table *files, struct file *file,
		const struct seccomp_notif_addfd *r)
{
	u64 irq, limit = a->thread->process->limits[RLIMIT_NOFILE].soft;
	bool cloexec = r->newfd_flags & O_CLOEXEC;
	int fd = r->flags & SECCOMP_ADDFD_FLAG_SETFD ? fd_replace(files, file, (int)r->newfd, limit, cloexec)
						     : fd_install(files, file, 0, limit, cloexec);

	if (fd < 0)
		file_put(file);
	irq = table_lock();
	a->busy = false;
	if (fd >= 0 && (r->flags & SECCOMP_ADDFD_FLAG_SEND)) {
		*a->answer = (struct seccomp_answer){.result = fd};
		set_state(a, ANSWERED);
	}
	waitq_wake_all(&a->wait);
	table_unlock(irq);
	return fd;
}

static int add_fd(struct seccomp_listener *l, const void __user *from)
{
	struct seccomp_notif_addfd r;
	struct fd_table *files = NULL;
	struct file *file;
	struct asked *a;
	u64 irq;
	int err;

	if (copy_from_user(&r, from, sizeof(r)))
		return -EFAULT;
	if ((r.newfd_flags & ~(u32)O_CLOEXEC) ||
	    (r.flags & ~(u32)(SECCOMP_ADDFD_FLAG_SETFD | SECCOMP_ADDFD_FLAG_SEND)) ||
	    (r.newfd && !(r.flags & SECCOMP_ADDFD_FLAG_SETFD)))
		return -EINVAL;
	file = fd_get(current_thread()->files, (int)r.srcfd);
	if (!file)
		return -EBADF;
	irq = table_lock();
	err = find(l, r.id, &a);
	if (!err && a->busy)
		err = -EBUSY;
	if (!err) {
		/* With one more reference its owner, too, reads it with its lock when he goes on. */
		a->busy = true;
		files = a->thread->files;
		fd_table_get(files);
	}
	table_unlock(irq);
	if (err) {
		file_put(file);
		return err;
	}
	err = give(a, files, file, &r);
	fd_table_put(files);
	return err;
}

static int set_flags(u64 flags)
{
	return flags & ~(u64)NOTIF_SYNC_WAKE_UP ? -EINVAL : 0;
}

static int listener_ioctl(struct file *f, unsigned cmd, u64 arg)
{
	struct seccomp_listener *l = f->private;
	void __user *p = (void __user *)arg;

	switch (cmd) {
	case SECCOMP_IOCTL_NOTIF_RECV:
		return receive(l, p);
	case SECCOMP_IOCTL_NOTIF_SEND:
		return answer(l, p);
	case SECCOMP_IOCTL_NOTIF_ID_VALID:
	case SECCOMP_IOR(2, __u64): /* what it was by mistake at first */
		return is_valid(l, p);
	case SECCOMP_IOCTL_NOTIF_ADDFD:
		return add_fd(l, p);
	case IOCTL_NOTIF_SET_FLAGS:
		return set_flags(arg);
	default:
		return -EINVAL;
	}
}

static unsigned listener_poll(struct file *f, struct poll_table *t)
{
	struct seccomp_listener *l = f->private;
	const struct asked *a;
	unsigned events = 0;
	u64 irq;

	poll_add(t, &l->wait);
	irq = table_lock();
	TAILQ_FOREACH (a, &l->list, link)
		events |= a->state == ASKED  ? POLLIN | POLLRDNORM
			  : a->state == TOLD ? POLLOUT | POLLWRNORM
					     : 0u;
	table_unlock(irq);
	return events | (__atomic_load_n(&l->unused, __ATOMIC_ACQUIRE) ? POLLHUP : 0u);
}

/* Who waits gets the answer that there is nobody to ask. */
static void listener_release(struct file *f)
{
	struct seccomp_listener *l = f->private;
	struct asked *a;
	u64 irq = table_lock();

	l->closed = true;
	TAILQ_FOREACH (a, &l->list, link) {
		if (a->state == ANSWERED)
			continue;
		*a->answer = (struct seccomp_answer){.result = -ENOSYS};
		set_state(a, ANSWERED);
	}
	table_unlock(irq);
	put(l);
}

static const struct file_ops listener_ops = {
	.no_offset = true,
	.poll = listener_poll,
	.ioctl = listener_ioctl,
	.release = listener_release,
	.anon_name = "seccomp notify",
};

int seccomp_listener_create(bool wait_killable, struct seccomp_listener **out, struct file **file)
{
	struct seccomp_listener *l = kzalloc(sizeof(*l));

	*file = l ? anon_file_create(&listener_ops, O_RDWR, l) : NULL;
	if (!*file) {
		kfree(l);
		return -ENOMEM;
	}
	ref_init(&l->refs, 2);
	l->wait_killable = wait_killable;
	TAILQ_INIT(&l->list);
	waitq_init(&l->wait);
	*out = l;
	return 0;
}
