/* SPDX-License-Identifier: MIT */
/*
 * Locks on files (fcntl(2), flock(2)). They are advice between programs: reads and writes do not look at
 * them.
 *
 * Record locks cover a range of bytes; their owner is a descriptor table (POSIX) or an open file description.
 * An owner has at most one kind of lock on a byte, so taking one cuts up and joins what the owner already
 * has:
 *
 *     held     [--- read ----------)
 *     taken           [write)
 *     then     [ read )[write)[read)
 *
 * flock(2) locks are a world of their own: whole files, owned by a description.
 *
 * Who waits for a POSIX lock says for whom (struct lock_wait), and follows what those wait for: does it lead back to himself,
 * nobody would ever go on (EDEADLK). What is said counts until the next release of any lock, when all look again and say it
 * anew; so a chain that is followed is one of this moment, and the last one to close a circle sees it.
 */
#include <asm/errno.h>
#include <linux/fcntl.h>
#include <moat/heap.h>
#include <moat/waitq.h>
#include "flock.h"
#include "inode.h"

struct file_lock {
	LIST_ENTRY(file_lock) link; /* [inode lock] */
	const void *owner;	    /* [I] */
	bool whole;		    /* [I] of flock(2) */
	bool write;		    /* [I] */
	int pid;		    /* [I] */
	struct range bytes;	    /* [inode lock] */
};

/* A thread that waits for a POSIX lock; on its stack. */
struct lock_wait {
	LIST_ENTRY(lock_wait) link;  /* [waits_lock] */
	const void *owner, *blocker; /* [I while linked] */
	u32 seen;		     /* [I while linked] the generation in which it is true */
};

#define CHAIN_MAX 10 /* waits that are followed, as on Linux */

static LIST_HEAD(, lock_wait) waits = LIST_HEAD_INITIALIZER(waits); /* [waits_lock] */
static struct spinlock waits_lock = SPINLOCK_INIT(RANK_EVENT);

static struct waitq waiters; /* of all files: waits are rare and short */
static u32 generation;	     /* [a] counts releases, so that a waiter knows that it has to look again */

void flock_init(void)
{
	waitq_init(&waiters);
}

static void wake_waiters(void)
{
	__atomic_fetch_add(&generation, 1, __ATOMIC_RELEASE);
	waitq_wake_all(&waiters);
}

/* What stands in the way of `want`, or NULL. Inode lock held. */
static struct file_lock *find_conflict(const struct inode *i, const struct file_lock *want)
{
	struct file_lock *l;

	LIST_FOREACH (l, &i->locks, link) {
		if (l->whole == want->whole && l->owner != want->owner && (l->write || want->write) &&
		    range_overlap(l->bytes, want->bytes))
			return l;
	}
	return NULL;
}

/* A lock in the range that want's owner has, or NULL. Inode lock held. */
static struct file_lock *find_own(const struct inode *i, const struct file_lock *want)
{
	struct file_lock *l;

	LIST_FOREACH (l, &i->locks, link) {
		if (l->whole == want->whole && l->owner == want->owner &&
		    range_overlap(l->bytes, want->bytes))
			return l;
	}
	return NULL;
}

static void move_to(struct file_lock *l, struct file_lock_list *list)
{
	LIST_REMOVE(l, link);
	LIST_INSERT_HEAD(list, l, link);
}

static void free_all(struct file_lock_list *list)
{
	struct file_lock *l;

	while ((l = LIST_FIRST(list))) {
		LIST_REMOVE(l, link);
		kfree(l);
	}
}

/*
 * Makes room for `cut` in one lock of the same owner. *spare is used when the lock is cut in two. What is
 * left over goes to `gone`. Inode lock held.
 */
static void cut_one(struct inode *i, struct file_lock *l, struct range cut, struct file_lock **spare,
		    struct file_lock_list *gone)
{
	bool head = l->bytes.start<cut.start, tail = l->bytes.end> cut.end;

	if (head && tail) {
		struct file_lock *upper = *spare;

		*spare = NULL;
		*upper = *l;
		upper->bytes.start = cut.end;
		LIST_INSERT_HEAD(&i->locks, upper, link);
	}
	if (head)
		l->bytes.end = cut.start;
	else if (tail)
		l->bytes.start = cut.end;
	else
		move_to(l, gone);
}

/*
 * Puts `want` (NULL: nothing) where `cut` says, joining it with locks of the same kind that it touches. At
 * most one lock of an owner can reach over both ends of a range, so one spare is enough. Inode lock held;
 * cannot fail.
 */
static void apply(struct inode *i, const void *owner, bool whole, struct range cut, struct file_lock *want,
		  struct file_lock **spare, struct file_lock_list *gone)
{
	struct file_lock *l, *next;

	for (l = LIST_FIRST(&i->locks); l; l = next) {
		next = LIST_NEXT(l, link);
		if (l->owner != owner || l->whole != whole)
			continue;
		if (want && l->write == want->write && l->bytes.start <= want->bytes.end &&
		    want->bytes.start <= l->bytes.end) {
			want->bytes.start = MIN(want->bytes.start, l->bytes.start);
			want->bytes.end = MAX(want->bytes.end, l->bytes.end);
			move_to(l, gone);
		} else if (range_overlap(l->bytes, cut)) {
			cut_one(i, l, cut, spare, gone);
		}
	}
	if (want)
		LIST_INSERT_HEAD(&i->locks, want, link);
}

/* One attempt: 0, -EAGAIN (*blocker is in the way), -ENOMEM. */
static int try_lock(struct inode *i, const struct file_lock *wanted, bool unlock, const void **blocker)
{
	const struct file_lock *conflict;
	struct file_lock *want = kzalloc(sizeof(*want)), *spare = kzalloc(sizeof(*spare));
	struct file_lock_list gone = LIST_HEAD_INITIALIZER(gone);
	int err = 0;

	if (!want || !spare) {
		kfree(want);
		kfree(spare);
		return -ENOMEM;
	}
	*want = *wanted;
	mutex_lock(&i->lock);
	conflict = unlock ? NULL : find_conflict(i, wanted);
	if (conflict) {
		err = -EAGAIN;
		*blocker = conflict->owner;
		/* flock(2): changing a lock gives up the old one first. */
		if (wanted->whole)
			apply(i, wanted->owner, true, wanted->bytes, NULL, &spare, &gone);
	} else {
		apply(i, wanted->owner, wanted->whole, wanted->bytes, unlock ? NULL : want, &spare, &gone);
		if (!unlock)
			want = NULL;
	}
	mutex_unlock(&i->lock);
	kfree(want);
	kfree(spare);
	/* A lock that went or became weaker may be what others wait for. */
	if (!LIST_EMPTY(&gone) || (!err && !wanted->write))
		wake_waiters();
	free_all(&gone);
	return err;
}

/* Whom does `owner` wait for now? NULL: nobody. Locked. */
static const void *blocker_of(const void *owner, u32 now)
{
	const struct lock_wait *w;

	LIST_FOREACH (w, &waits, link) {
		if (w->owner == owner && w->seen == now)
			return w->blocker;
	}
	return NULL;
}

/* 0 with *w linked, or -EDEADLK. */
static int begin_wait(struct lock_wait *w)
{
	const void *at = w->blocker;
	int err = 0;
	u64 irq = spin_lock_irqsave(&waits_lock);

	for (unsigned n = 0; n < CHAIN_MAX && at && !err; n++) {
		at = blocker_of(at, w->seen);
		if (at == w->owner)
			err = -EDEADLK;
	}
	if (!err)
		LIST_INSERT_HEAD(&waits, w, link);
	spin_unlock_irqrestore(&waits_lock, irq);
	return err;
}

static void end_wait(struct lock_wait *w)
{
	u64 irq = spin_lock_irqsave(&waits_lock);

	LIST_REMOVE(w, link);
	spin_unlock_irqrestore(&waits_lock, irq);
}

static int lock_file(struct inode *i, const struct file_lock *want, int type, bool wait)
{
	bool posix = !want->whole && want->pid != LOCK_OF_DESCRIPTION;

	for (;;) {
		struct lock_wait w = {.owner = want->owner,
				      .seen = __atomic_load_n(&generation, __ATOMIC_ACQUIRE)};
		int err = try_lock(i, want, type == F_UNLCK, &w.blocker);

		if (err != -EAGAIN || !wait)
			return err;
		err = posix ? begin_wait(&w) : 0;
		if (err)
			return err;
		err = WAIT_EVENT(&waiters, __atomic_load_n(&generation, __ATOMIC_ACQUIRE) != w.seen);
		if (posix)
			end_wait(&w);
		if (err)
			return err;
	}
}

static struct file_lock describe(const struct file_lock_request *r)
{
	return (struct file_lock){
		.owner = r->owner, .write = r->type == F_WRLCK, .pid = r->pid, .bytes = r->bytes};
}

int file_lock_range(struct file *f, const struct file_lock_request *r, bool wait)
{
	struct file_lock want = describe(r);

	if (!f->inode)
		return -EINVAL;
	return lock_file(f->inode, &want, r->type, wait);
}

void file_lock_query(struct file *f, struct file_lock_request *r)
{
	struct file_lock want = describe(r), *l = NULL;

	if (!f->inode) {
		r->type = F_UNLCK;
		return;
	}
	mutex_lock(&f->inode->lock);
	l = r->type == F_UNLCK ? find_own(f->inode, &want) : find_conflict(f->inode, &want);
	r->type = F_UNLCK;
	if (l) {
		r->type = l->write ? F_WRLCK : F_RDLCK;
		r->bytes = l->bytes;
		r->pid = l->pid;
	}
	mutex_unlock(&f->inode->lock);
}

int file_lock_whole(struct file *f, int type, bool wait)
{
	struct file_lock want = {
		.owner = f,
		.whole = true,
		.write = type == F_WRLCK,
		.bytes = {0, UINT64_MAX},
	};

	if (!f->inode)
		return -EINVAL;
	return lock_file(f->inode, &want, type, wait);
}

void file_locks_release(struct inode *i, const void *owner)
{
	struct file_lock_list gone = LIST_HEAD_INITIALIZER(gone);
	struct file_lock *l, *next;

	/* Most files have no locks; a lock of this owner cannot appear now, because the owner is going away.
	 */
	if (LIST_EMPTY(&i->locks))
		return;
	mutex_lock(&i->lock);
	for (l = LIST_FIRST(&i->locks); l; l = next) {
		next = LIST_NEXT(l, link);
		if (l->owner == owner)
			move_to(l, &gone);
	}
	mutex_unlock(&i->lock);
	if (!LIST_EMPTY(&gone))
		wake_waiters();
	free_all(&gone);
}
