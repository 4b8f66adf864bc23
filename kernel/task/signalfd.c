/* SPDX-License-Identifier: MIT */
/*
 * signalfd(2): signals as something to read. A description has a mask only; whose signals they are is decided when somebody
 * reads or polls: those that are pending for this thread and its process.
 *
 * One wait queue serves all descriptions: it has to outlive any process whose signals are waited for, and signals are rare.
 * Each signal that becomes pending wakes it, and who waits looks whether it was for him.
 */
#include <asm/errno.h>
#include <linux/fcntl.h>
#include <linux/poll.h>
#include <linux/signalfd.h>
#include <moat/heap.h>
#include <moat/procfs.h>
#include <moat/signal.h>
#include <moat/signalfd.h>
#include <moat/waitq.h>

struct signalfd {
	u64 mask; /* [a] */
};

static struct waitq wait = {.lock = SPINLOCK_INIT(RANK_WAITQ),
			    .waiters = TAILQ_HEAD_INITIALIZER(wait.waiters)};

void signalfd_notify(void)
{
	waitq_wake(&wait, POLLIN);
}

static u64 mask_of(const struct file *f)
{
	const struct signalfd *s = f->private;

	return __atomic_load_n(&s->mask, __ATOMIC_RELAXED);
}

static void put_child(const siginfo_t *info, struct signalfd_siginfo *out)
{
	out->ssi_pid = (u32)info->si_pid;
	out->ssi_uid = info->si_uid;
	out->ssi_status = info->si_status;
	out->ssi_utime = (u64)info->si_utime;
	out->ssi_stime = (u64)info->si_stime;
}

static void put_fault(const siginfo_t *info, struct signalfd_siginfo *out)
{
	out->ssi_addr = (u64)info->si_addr;
	if (info->si_signo == SIGBUS)
		out->ssi_addr_lsb = (u16)info->si_addr_lsb;
}

static void put_sent(const siginfo_t *info, struct signalfd_siginfo *out)
{
	if (info->si_code == SI_TIMER) {
		out->ssi_tid = (u32)info->si_tid;
		out->ssi_overrun = (u32)info->si_overrun;
	} else {
		out->ssi_pid = (u32)info->si_pid;
		out->ssi_uid = info->si_uid;
	}
	if (info->si_code < 0 && info->si_code != SI_TKILL) {
		out->ssi_ptr = (u64)info->si_ptr;
		out->ssi_int = info->si_int;
	}
}

/* Which members of siginfo_t count depends on the signal and on where it comes from (sigaction(2)). */
static void translate(const siginfo_t *info, struct signalfd_siginfo *out)
{
	*out = (struct signalfd_siginfo){
		.ssi_signo = (u32)info->si_signo, .ssi_errno = info->si_errno, .ssi_code = info->si_code};
	if (info->si_code <= 0 || info->si_code == SI_KERNEL) {
		put_sent(info, out);
		return;
	}
	switch (info->si_signo) {
	case SIGCHLD:
		put_child(info, out);
		break;
	case SIGILL:
	case SIGFPE:
	case SIGSEGV:
	case SIGBUS:
	case SIGTRAP:
		put_fault(info, out);
		break;
	case SIGPOLL:
		out->ssi_band = (u32)info->si_band;
		out->ssi_fd = info->si_fd;
		break;
	default:
		put_sent(info, out);
		break;
	}
}

/* The next signal; waits for it unless `nonblocking`. Its number, -EAGAIN, -EINTR. */
static int take(const struct file *f, bool nonblocking, siginfo_t *info)
{
	for (;;) {
		int signo = signal_dequeue(mask_of(f), info);

		if (signo)
			return signo;
		if (nonblocking)
			return -EAGAIN;
		if (WAIT_EVENT(&wait, signal_pending() & mask_of(f)))
			return -EINTR;
	}
}

static ssize_t signalfd_read(struct file *f, struct uio *u, u64 *offset __unused)
{
	ssize_t done = 0;

	if (u->left < sizeof(struct signalfd_siginfo))
		return -EINVAL;
	while (u->left >= sizeof(struct signalfd_siginfo)) {
		struct signalfd_siginfo out;
		siginfo_t info;
		int signo = take(f, done || (f->flags & O_NONBLOCK), &info);

		if (signo < 0)
			return done ? done : signo;
		translate(&info, &out);
		if (uio_copy_out(u, &out, sizeof(out)) != sizeof(out))
			return done ? done : -EFAULT;
		done += (ssize_t)sizeof(out);
	}
	return done;
}

static unsigned signalfd_poll(struct file *f, struct poll_table *t)
{
	poll_add(t, &wait);
	return signal_pending() & mask_of(f) ? POLLIN : 0;
}

static void signalfd_show(struct file *f, struct proc_text *t)
{
	proc_printf(t, "sigmask:\t%016llx\n", (unsigned long long)mask_of(f));
}

static void signalfd_release(struct file *f)
{
	kfree(f->private);
}

static const struct file_ops signalfd_ops = {
	.read = signalfd_read,
	.seek = file_seek_null,
	.no_offset = true,
	.no_pread = true,
	.poll = signalfd_poll,
	.release = signalfd_release,
	.show = signalfd_show,
	.anon_name = "[signalfd]",
};

int signalfd_create(u64 mask, u32 flags, struct file **out)
{
	struct signalfd *s;

	if (flags & ~(u32)O_NONBLOCK)
		return -EINVAL;
	s = kzalloc(sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->mask = mask & ~SIGNALS_UNMASKABLE;
	*out = anon_file_create(&signalfd_ops, O_RDWR | flags, s);
	if (*out)
		return 0;
	kfree(s);
	return -ENOMEM;
}

int signalfd_set(struct file *f, u64 mask)
{
	struct signalfd *s = f->private;

	if (f->ops != &signalfd_ops)
		return -EINVAL;
	__atomic_store_n(&s->mask, mask & ~SIGNALS_UNMASKABLE, __ATOMIC_RELAXED);
	waitq_wake_all(&wait);
	return 0;
}
