/* SPDX-License-Identifier: MIT */
/*
 * Files that send signals. A file with O_ASYNC has waiters on its own queues, as epoll has, whose function notes what came and
 * asks for an interrupt of this CPU: the signal itself needs locks that come before those of the queue.
 *
 *     file's queue ── waiter ──notify──> noted, on this CPU's list ──interrupt──> tell (task room) ──> signal
 *
 * The interrupt comes as soon as the waker has let go of its locks, so that a program that writes to itself has the signal
 * when its call returns.
 *
 * Lock: async_lock (RANK_ASYNC, interrupts off) around owners, what is noted, and the lists. f->offset_lock, which streams
 * have no other use for, around O_ASYNC itself.
 */
#include <asm/errno.h>
#include <asm/siginfo.h>
#include <linux/fcntl.h>
#include <linux/poll.h>
#include <arch/cpu.h>
#include <arch/smp.h>
#include <moat/heap.h>
#include <moat/owner.h>

#define MESSAGES_MAX 64u /* that wait to be told: more come to nothing */

struct file_owner {
	struct owner owner; /* [lock] */
	struct file *file;  /* [I] */
	int signo;	    /* [lock] */
	int fd;		    /* [lock] that O_ASYNC was set through */
	u32 noted;	    /* [lock] POLL* that are to be told */
	u32 messages;	    /* [lock] how often POLL_MSG is */
	bool listed;	    /* [lock] */
	u32 cpu;	    /* [lock] on whose list */
	LIST_ENTRY(file_owner) link;
	unsigned queues;		    /* [offset_lock] waiters that are on queues */
	struct waiter waiters[POLL_QUEUES]; /* [offset_lock] */
};

static struct spinlock async_lock = SPINLOCK_INIT(RANK_ASYNC);
static LIST_HEAD(, file_owner) lists[CPU_MAX]; /* [lock] */
static u32 listed;			       /* [lock for change, a for read] on all lists */

/* The owner's record, made if there is none yet; NULL: no memory. */
static struct file_owner *record(struct file *f)
{
	struct file_owner *there = __atomic_load_n(&f->owner, __ATOMIC_ACQUIRE), *made;

	if (there)
		return there;
	made = kzalloc(sizeof(*made));
	if (!made)
		return NULL;
	made->file = f;
	if (__atomic_compare_exchange_n(&f->owner, &there, made, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return made;
	kfree(made);
	return there;
}

int file_set_owner(struct file *f, const struct owner *o)
{
	struct file_owner *r = record(f);
	u64 irq;

	if (!r)
		return -ENOMEM;
	irq = spin_lock_irqsave(&async_lock);
	r->owner = *o;
	spin_unlock_irqrestore(&async_lock, irq);
	return 0;
}

void file_get_owner(struct file *f, struct owner *out)
{
	const struct file_owner *r = __atomic_load_n(&f->owner, __ATOMIC_ACQUIRE);
	u64 irq;

	*out = (struct owner){0};
	if (!r)
		return;
	irq = spin_lock_irqsave(&async_lock);
	*out = r->owner;
	spin_unlock_irqrestore(&async_lock, irq);
}

int file_set_signal(struct file *f, int signo)
{
	struct file_owner *r = record(f);

	if (!r)
		return -ENOMEM;
	__atomic_store_n(&r->signo, signo, __ATOMIC_RELAXED);
	return 0;
}

int file_get_signal(struct file *f)
{
	const struct file_owner *r = __atomic_load_n(&f->owner, __ATOMIC_ACQUIRE);

	return r ? __atomic_load_n(&r->signo, __ATOMIC_RELAXED) : 0;
}

/* --- noting --- */

static void note(struct file_owner *r, u32 events)
{
	u64 irq = spin_lock_irqsave(&async_lock);

	r->noted |= events;
	if (events & POLLMSG)
		r->messages = MIN(r->messages + 1, MESSAGES_MAX);
	if (!r->listed && r->owner.pid) {
		r->listed = true;
		r->cpu = cpu_id();
		LIST_INSERT_HEAD(&lists[r->cpu], r, link);
		__atomic_store_n(&listed, listed + 1, __ATOMIC_RELEASE);
		cpu_send_reschedule(r->cpu);
	}
	spin_unlock_irqrestore(&async_lock, irq);
}

int file_tell_as(struct file *f, int fd)
{
	struct file_owner *r = record(f);

	if (!r)
		return -ENOMEM;
	__atomic_store_n(&r->fd, fd, __ATOMIC_RELAXED);
	return 0;
}

void file_tell_message(struct file *f)
{
	note(f->owner, POLLMSG);
}

/* async_lock held. */
static void take_off(struct file_owner *r)
{
	r->listed = false;
	LIST_REMOVE(r, link);
	__atomic_store_n(&listed, listed - 1, __ATOMIC_RELEASE);
}

/*
 * A queue of the file is woken. A wake that does not say what for is news for who reads, or for who can only write; that a
 * file can be written again is news for who also reads only if it was full (POLLWRBAND).
 */
static bool notify(struct waiter *w, u32 woken)
{
	struct file_owner *r = w->arg;
	bool reads = file_readable(r->file);
	u32 events = woken & (POLLIN | POLLPRI | POLLERR);

	if (woken & POLLHUP)
		events = POLLHUP; /* that says it all */
	else if (!woken)
		events = reads ? POLLIN : POLLOUT;
	else if ((woken & POLLWRBAND) || !reads)
		events |= woken & POLLOUT;
	if (events)
		note(r, events);
	return false;
}

/* --- telling --- */

static void tell_all(const struct file_owner *r, owner_tell *tell)
{
	static const struct {
		u32 event;
		int code;
	} kinds[] = {{POLLIN, POLL_IN},
		     {POLLOUT, POLL_OUT},
		     {POLLPRI, POLL_PRI},
		     {POLLERR, POLL_ERR},
		     {POLLHUP, POLL_HUP}};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (r->noted & kinds[i].event)
			tell(&r->owner, r->signo, kinds[i].code, r->fd);
	}
	for (u32 i = 0; i < r->messages; i++)
		tell(&r->owner, r->signo, POLL_MSG, r->fd);
}

void file_owners_tell(owner_tell *tell)
{
	u32 cpu = cpu_id();

	while (unlikely(__atomic_load_n(&listed, __ATOMIC_ACQUIRE))) {
		struct file_owner copy = {0};
		u64 irq = spin_lock_irqsave(&async_lock);
		struct file_owner *r = LIST_FIRST(&lists[cpu]);

		if (r) {
			take_off(r);
			copy.owner = r->owner;
			copy.signo = r->signo;
			copy.fd = r->fd;
			copy.noted = r->noted;
			copy.messages = r->messages;
			r->noted = r->messages = 0;
		}
		spin_unlock_irqrestore(&async_lock, irq);
		if (!r)
			return;
		tell_all(&copy, tell);
	}
}

/* --- O_ASYNC --- */

struct owner_table {
	struct poll_table table; /* first */
	struct file_owner *owner;
};

static void wait_on(struct poll_table *t, struct waitq *q)
{
	struct file_owner *r = ((struct owner_table *)t)->owner;
	struct waiter *w = &r->waiters[r->queues++];

	ASSERT(r->queues <= POLL_QUEUES);
	*w = (struct waiter){.notify = notify, .arg = r};
	waitq_add(q, w);
}

static void stop(struct file_owner *r)
{
	while (r->queues)
		waitq_remove(&r->waiters[--r->queues]);
}

int file_set_async(struct file *f, int fd, bool on)
{
	struct owner_table t = {.table.add = wait_on};

	if (!f->ops->tells)
		return -ENOTTY;
	t.owner = record(f);
	if (!t.owner)
		return -ENOMEM;
	mutex_lock(&f->offset_lock);
	if (on != !!(f->flags & FASYNC)) {
		__atomic_store_n(&t.owner->fd, fd, __ATOMIC_RELAXED);
		if (on)
			(void)vfs_poll(f, &t.table);
		else
			stop(t.owner);
		file_change_flags(f, FASYNC, on ? FASYNC : 0);
	}
	mutex_unlock(&f->offset_lock);
	return 0;
}

void file_owner_end(struct file *f)
{
	struct file_owner *r = f->owner;
	u64 irq;

	if (!r)
		return;
	stop(r);
	irq = spin_lock_irqsave(&async_lock);
	if (r->listed)
		take_off(r);
	spin_unlock_irqrestore(&async_lock, irq);
	kfree(r);
}
