/* SPDX-License-Identifier: MIT */
/*
 * timerfd_create(2): a timer whose expirations are read from a file.
 *
 * A periodic timer fires once and then rests: `expired` is set, and only when somebody reads or asks does it move on over the
 * periods that have gone by, so that nobody is interrupted for expirations that nobody reads. A timer on the clock of real
 * time with an absolute value follows that clock; everything else counts on the monotonic one, which here is also the
 * clock that counts through suspension: this machine is never suspended.
 *
 * Lock: timer->lock (RANK_EVENT), interrupts off: the kernel timer's function takes it. A function that comes late, for what
 * was set before, sees that the time of what is set now has not come, and goes. cancel_lock (RANK_TASKS) around the list of
 * those that are told when real time is set.
 */
#include <asm/errno.h>
#include <linux/fcntl.h>
#include <linux/poll.h>
#include <linux/time.h>
#include <linux/timerfd.h>
#include <arch/timer.h>
#include <arch/uaccess.h>
#include <moat/event.h>
#include <moat/heap.h>
#include <moat/ktimer.h>
#include <moat/procfs.h>

#define NS_PER_SEC 1000000000ull

struct timerfd {
	struct spinlock lock;
	struct ktimer timer;
	struct waitq wait;
	int clock;		  /* [I] */
	bool on_real;		  /* [lock] expires_ns is of the clock of real time */
	bool armed;		  /* [lock] the kernel timer is set, or about to fire */
	bool expired;		  /* [lock] it has fired, and nobody has looked since */
	bool cancelable;	  /* [lock] is told when real time is set; on the list */
	bool canceled;		  /* [lock] it was set */
	u32 flags;		  /* [lock] of the last timerfd_settime */
	u64 expires_ns;		  /* [lock] */
	u64 interval_ns;	  /* [lock] */
	u64 ticks;		  /* [lock for change, a for read] expirations that were not read */
	LIST_ENTRY(timerfd) link; /* [cancel_lock] */
};

static LIST_HEAD(, timerfd) cancelables = LIST_HEAD_INITIALIZER(cancelables);
static struct spinlock cancel_lock = SPINLOCK_INIT(RANK_TASKS);

static u64 now_of(const struct timerfd *t)
{
	return t->on_real ? clock_realtime_ns() : clock_monotonic_ns();
}

static void add_ticks(struct timerfd *t, u64 n)
{
	__atomic_store_n(&t->ticks, t->ticks + n, __ATOMIC_RELEASE);
}

/* Locked. */
static void arm(struct timerfd *t)
{
	t->armed = true;
	if (t->on_real)
		ktimer_set_realtime(&t->timer, t->expires_ns);
	else
		ktimer_set(&t->timer, t->expires_ns);
}

static void fire(struct ktimer *timer)
{
	struct timerfd *t = CONTAINER_OF(timer, struct timerfd, timer);
	u64 irq = spin_lock_irqsave(&t->lock);

	if (t->armed && now_of(t) >= t->expires_ns) {
		t->armed = false;
		t->expired = true;
		add_ticks(t, 1);
		waitq_wake(&t->wait, POLLIN);
	}
	spin_unlock_irqrestore(&t->lock, irq);
}

/* A periodic timer that has fired moves to the first moment that is still to come, and is set again. Locked. */
static void move_on(struct timerfd *t)
{
	u64 now = now_of(t), periods;

	if (!t->expired || !t->interval_ns)
		return;
	t->expired = false;
	if (now >= t->expires_ns) {
		periods = (now - t->expires_ns) / t->interval_ns + 1;
		t->expires_ns += periods * t->interval_ns;
		add_ticks(t, periods - 1);
	}
	arm(t);
}

/* What is left. Locked. */
static void get_locked(struct timerfd *t, struct timerfd_setting *out)
{
	u64 now;

	move_on(t);
	now = now_of(t);
	out->value_ns = t->armed && t->expires_ns > now ? t->expires_ns - now : 0;
	out->interval_ns = t->interval_ns;
}

void timerfd_get(struct file *f, struct timerfd_setting *out)
{
	struct timerfd *t = f->private;
	u64 irq = spin_lock_irqsave(&t->lock);

	get_locked(t, out);
	spin_unlock_irqrestore(&t->lock, irq);
}

/* --- timers that end when real time is set --- */

static void set_cancelable(struct timerfd *t, bool on)
{
	u64 irq = spin_lock_irqsave(&cancel_lock);

	if (on && !t->cancelable)
		LIST_INSERT_HEAD(&cancelables, t, link);
	else if (!on && t->cancelable)
		LIST_REMOVE(t, link);
	t->cancelable = on;
	spin_unlock_irqrestore(&cancel_lock, irq);
}

void timerfd_realtime_was_set(void)
{
	u64 irq = spin_lock_irqsave(&cancel_lock);
	struct timerfd *t;

	LIST_FOREACH (t, &cancelables, link) {
		spin_lock(&t->lock);
		t->canceled = true;
		add_ticks(t, 1);
		waitq_wake(&t->wait, POLLIN);
		spin_unlock(&t->lock);
	}
	spin_unlock_irqrestore(&cancel_lock, irq);
}

/* Says once that it was. Locked. */
static bool take_canceled(struct timerfd *t)
{
	bool was = t->canceled && t->cancelable;

	t->canceled = false;
	return was;
}

/* --- settings --- */

static bool is_alarm(int clock)
{
	return clock == CLOCK_REALTIME_ALARM || clock == CLOCK_BOOTTIME_ALARM;
}

static bool is_real(int clock)
{
	return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_ALARM;
}

/* Locked. */
static int set_locked(struct timerfd *t, u32 flags, struct timerfd_setting s)
{
	u64 now;

	(void)ktimer_cancel(&t->timer);
	t->armed = t->expired = false;
	t->flags = flags;
	t->on_real = is_real(t->clock) && (flags & TFD_TIMER_ABSTIME);
	__atomic_store_n(&t->ticks, 0, __ATOMIC_RELEASE);
	t->interval_ns = s.interval_ns;
	t->expires_ns = s.value_ns;
	now = clock_monotonic_ns();
	if (!(flags & TFD_TIMER_ABSTIME))
		t->expires_ns = s.value_ns > INT64_MAX - now ? INT64_MAX : now + s.value_ns;
	if (s.value_ns)
		arm(t);
	return take_canceled(t) ? -ECANCELED : 0;
}

int timerfd_set(struct file *f, u32 flags, struct timerfd_setting setting, bool privileged,
		struct timerfd_setting *old)
{
	const u32 both = TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET;
	struct timerfd *t = f->private;
	u64 irq;
	int err;

	if (is_alarm(t->clock) && !privileged)
		return -EPERM;
	set_cancelable(t, is_real(t->clock) && (flags & both) == both);
	irq = spin_lock_irqsave(&t->lock);
	get_locked(t, old);
	err = set_locked(t, flags, setting);
	spin_unlock_irqrestore(&t->lock, irq);
	return err;
}

/* --- the file --- */

static u64 ticks_of(const struct timerfd *t)
{
	return __atomic_load_n(&t->ticks, __ATOMIC_ACQUIRE);
}

/* 1: *ticks was read; 0: nothing is there; -ECANCELED. */
static int take_ticks(struct timerfd *t, u64 *ticks)
{
	u64 irq = spin_lock_irqsave(&t->lock);
	int result = 0;

	if (take_canceled(t)) {
		t->expired = false;
		result = -ECANCELED;
	} else if (t->ticks) {
		move_on(t);
		t->expired = false;
		*ticks = t->ticks;
		result = 1;
	}
	__atomic_store_n(&t->ticks, 0, __ATOMIC_RELEASE);
	spin_unlock_irqrestore(&t->lock, irq);
	return result;
}

static ssize_t timerfd_read(struct file *f, struct uio *u, u64 *offset __unused)
{
	struct timerfd *t = f->private;
	u64 ticks;
	int got;

	if (u->left < sizeof(ticks))
		return -EINVAL;
	while (!(got = take_ticks(t, &ticks))) {
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		if (WAIT_EVENT(&t->wait, ticks_of(t)))
			return -EINTR;
	}
	if (got < 0)
		return got;
	return uio_copy_out(u, &ticks, sizeof(ticks)) == sizeof(ticks) ? (ssize_t)sizeof(ticks) : -EFAULT;
}

static unsigned timerfd_poll(struct file *f, struct poll_table *table)
{
	struct timerfd *t = f->private;

	poll_add(table, &t->wait);
	return ticks_of(t) ? POLLIN : 0;
}

/* TFD_IOC_SET_TICKS (timerfd_create(2)): as if it had expired that often. */
static int timerfd_ioctl(struct file *f, unsigned cmd, u64 arg)
{
	struct timerfd *t = f->private;
	u64 ticks, irq;

	if (cmd != TFD_IOC_SET_TICKS)
		return -ENOTTY;
	if (copy_from_user(&ticks, (const void __user *)arg, sizeof(ticks)))
		return -EFAULT;
	if (!ticks)
		return -EINVAL;
	irq = spin_lock_irqsave(&t->lock);
	if (!take_canceled(t)) {
		__atomic_store_n(&t->ticks, ticks, __ATOMIC_RELEASE);
		waitq_wake(&t->wait, POLLIN);
	} else {
		ticks = 0;
	}
	spin_unlock_irqrestore(&t->lock, irq);
	return ticks ? 0 : -ECANCELED;
}

static void timerfd_show(struct file *f, struct proc_text *text)
{
	struct timerfd *t = f->private;
	struct timerfd_setting s;

	timerfd_get(f, &s);
	proc_printf(text, "clockid: %d\nticks: %llu\nsettime flags: 0%o\n", t->clock,
		    (unsigned long long)ticks_of(t), t->flags);
	proc_printf(text, "it_value: (%llu, %llu)\nit_interval: (%llu, %llu)\n",
		    (unsigned long long)(s.value_ns / NS_PER_SEC),
		    (unsigned long long)(s.value_ns % NS_PER_SEC),
		    (unsigned long long)(s.interval_ns / NS_PER_SEC),
		    (unsigned long long)(s.interval_ns % NS_PER_SEC));
}

static void timerfd_release(struct file *f)
{
	struct timerfd *t = f->private;

	set_cancelable(t, false);
	(void)ktimer_cancel_sync(&t->timer);
	kfree(t);
}

static const struct file_ops timerfd_ops = {
	.read = timerfd_read,
	.seek = file_seek_null,
	.no_offset = true,
	.no_pread = true,
	.poll = timerfd_poll,
	.ioctl = timerfd_ioctl,
	.release = timerfd_release,
	.show = timerfd_show,
	.anon_name = "[timerfd]",
};

bool file_is_timerfd(const struct file *f)
{
	return f->ops == &timerfd_ops;
}

int timerfd_create(int clock, u32 flags, bool privileged, struct file **out)
{
	struct timerfd *t;

	if ((flags & ~(u32)O_NONBLOCK) ||
	    (!is_alarm(clock) && !is_real(clock) && clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME))
		return -EINVAL;
	if (is_alarm(clock) && !privileged)
		return -EPERM;
	t = kzalloc(sizeof(*t));
	if (!t)
		return -ENOMEM;
	spin_init(&t->lock, RANK_EVENT);
	ktimer_init(&t->timer, fire);
	waitq_init(&t->wait);
	t->clock = clock;
	*out = anon_file_create(&timerfd_ops, O_RDWR | (flags & O_NONBLOCK), t);
	if (*out)
		return 0;
	kfree(t);
	return -ENOMEM;
}
