/* SPDX-License-Identifier: MIT */
/*
 * Which system calls start again after a signal (signal(7), "Interruption of system calls and library functions").
 *
 *     ALWAYS         whatever was done about the signal
 *     ALWAYS_ASKED   after a handler with SA_RESTART, and when no handler ran
 *     UNHANDLED      only when no handler ran: a stop and its end, a signal that another thread took
 *     never          all others say EINTR
 *
 * A call that waits for a time remembers when the wait ends (call_deadline), so that it does not wait for longer.
 */
#include <asm/errno.h>
#include <asm/unistd_64.h>
#include <linux/futex.h>
#include <arch/signal.h>
#include <arch/trap.h>
#include <moat/task.h>
#include "signal_queue.h"

#define NR_FUTEX_WAIT 455 /* newer than some headers */

/* What Linux's calls return inside the kernel, and tracers see. */
#define ERESTARTSYS	      512
#define ERESTARTNOINTR	      513
#define ERESTARTNOHAND	      514
#define ERESTART_RESTARTBLOCK 516

enum restart_class {
	RESTART_NEVER,
	RESTART_UNHANDLED,
	RESTART_ALWAYS,
	RESTART_ALWAYS_ASKED,
};

/* A handler ends a wait with a time, and no wait for a lock. */
static enum restart_class class_of_futex(int cmd, bool timed)
{
	switch (cmd) {
	case FUTEX_WAIT:
	case FUTEX_WAIT_BITSET:
		return timed ? RESTART_UNHANDLED : RESTART_ALWAYS_ASKED;
	case FUTEX_LOCK_PI:
	case FUTEX_LOCK_PI2:
		return RESTART_ALWAYS;
	default:
		return RESTART_ALWAYS_ASKED;
	}
}

static enum restart_class class_of(const struct trap_frame *f)
{
	if (current_thread()->seccomp.interrupted)
		return RESTART_ALWAYS_ASKED;
	switch (frame_syscall(f)) {
	case __NR_futex:
		return class_of_futex((int)frame_arg(f, 1) & FUTEX_CMD_MASK, frame_arg(f, 3) != 0);
	case __NR_read:
	case __NR_readv:
	case __NR_pread64:
	case __NR_preadv:
	case __NR_write:
	case __NR_writev:
	case __NR_pwrite64:
	case __NR_pwritev:
	case __NR_ioctl:
	case __NR_open:
	case __NR_openat:
	case __NR_creat:
	case __NR_wait4:
	case __NR_waitid:
	case __NR_flock:
	case __NR_fcntl:
	case NR_FUTEX_WAIT:
	case __NR_accept:
	case __NR_accept4:
	case __NR_connect:
	case __NR_recvfrom:
	case __NR_recvmsg:
	case __NR_sendto:
	case __NR_sendmsg:
	case __NR_mq_timedreceive:
	case __NR_mq_timedsend:
	case __NR_getrandom:
	case __NR_splice:
	case __NR_tee:
	case __NR_vmsplice:
	case __NR_sendfile:
		return RESTART_ALWAYS_ASKED;
	case __NR_poll:
	case __NR_ppoll:
	case __NR_select:
	case __NR_pselect6:
	case __NR_nanosleep:
	case __NR_clock_nanosleep:
	case __NR_pause:
	case __NR_rt_sigsuspend:
		return RESTART_UNHANDLED;
	default:
		return RESTART_NEVER;
	}
}

s64 restart_shown(const struct trap_frame *f)
{
	static const s64 shown[] = {-EINTR, -ERESTARTNOHAND, -ERESTARTNOINTR, -ERESTARTSYS};

	if (!frame_is_syscall(f) || frame_result(f) != -EINTR)
		return frame_result(f);
	switch (frame_syscall(f)) {
	case __NR_nanosleep:
	case __NR_clock_nanosleep:
	case __NR_poll:
		return -ERESTART_RESTARTBLOCK;
	case __NR_futex:
		return class_of(f) == RESTART_UNHANDLED ? -ERESTART_RESTARTBLOCK : shown[class_of(f)];
	default:
		return shown[class_of(f)];
	}
}

void restart_hide(struct trap_frame *f)
{
	s64 result = frame_result(f);

	if (frame_is_syscall(f) && (result == -ERESTARTSYS || result == -ERESTARTNOINTR ||
				    result == -ERESTARTNOHAND || result == -ERESTART_RESTARTBLOCK))
		frame_set_result(f, -EINTR);
}

void restart_call(struct trap_frame *f, bool handled, u64 flags)
{
	struct thread *t = current_thread();
	enum restart_class class;

	if (!frame_is_syscall(f) || frame_result(f) != -EINTR) {
		t->restart_deadline_ns = 0;
		return;
	}
	class = class_of(f);
	t->seccomp.interrupted = false;
	if (class == RESTART_ALWAYS || (class && !handled) ||
	    (class == RESTART_ALWAYS_ASKED && (flags & SA_RESTART)))
		frame_restart_syscall(f);
	else
		t->restart_deadline_ns = 0;
}

u64 call_deadline(u64 deadline_ns)
{
	struct thread *t = current_thread();

	if (!t->restart_deadline_ns)
		t->restart_deadline_ns = deadline_ns;
	return t->restart_deadline_ns;
}

void call_deadline_over(void)
{
	current_thread()->restart_deadline_ns = 0;
}
