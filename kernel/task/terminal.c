/* SPDX-License-Identifier: MIT */
/*
 * What terminals (the dev room) ask of processes: who calls, whom a group is, who gets a signal.
 *
 * process.tty is a process's controlling terminal: inherited, forgotten by setsid(2). The terminal does not go before
 * every process has forgotten it, so that whoever looks with the table locked finds it there.
 *
 * Lock: process_table_lock, below the lock of the list of terminals.
 */
#include <linux/capability.h>
#include <asm/errno.h>
#include <moat/cred.h>
#include <moat/tty.h>
#include "table.h"

static void caller(struct tty_caller *out)
{
	struct process *p = current_process();
	u64 irq = table_lock();

	*out = (struct tty_caller){
		.pid = p->pid,
		.pgid = p->pgid,
		.sid = p->sid,
		.uid = current_cred()->euid,
		.tty = p->tty,
		.leads = p->sid == p->pid && p != &kernel_process,
		.privileged = capable(CAP_SYS_ADMIN),
	};
	table_unlock(irq);
}

static bool sets_aside(int signo)
{
	if (current_thread()->blocked_signals & SIGNAL_BIT(signo))
		return true;
	return signal_get_action(current_process(), signo).handler == (u64)(uintptr_t)SIG_IGN;
}

static int session_of(int pgid)
{
	u64 irq = table_lock();
	int sid = -ESRCH;

	if (!table_find_group(pgid, &sid))
		sid = -ESRCH;
	table_unlock(irq);
	return sid;
}

struct group_signal {
	int pgid, signo;
};

static bool signal_member(struct process *p, void *arg)
{
	const struct group_signal *s = arg;

	if (p->pgid == s->pgid && p->state == PROCESS_ALIVE)
		signal_send_kernel(p, s->signo);
	return true;
}

static void signal_group(int pgid, int signo)
{
	struct group_signal s = {.pgid = pgid, .signo = signo};

	process_for_each(signal_member, &s);
}

static void set(struct tty *tty)
{
	u64 irq = table_lock();

	current_process()->tty = tty;
	table_unlock(irq);
}

struct hang_up {
	const struct tty *tty;
	int session, foreground; /* session 0: nobody is told */
};

static bool hang_up_one(struct process *p, void *arg)
{
	const struct hang_up *h = arg;

	if (p->tty == h->tty)
		p->tty = NULL;
	if (h->session && p->pid == h->session && p->state == PROCESS_ALIVE) {
		signal_send_kernel(p, SIGHUP);
		signal_send_kernel(p, SIGCONT);
		p->tty_old_foreground = h->foreground;
	}
	return true;
}

static void forget(const struct tty *tty)
{
	struct hang_up h = {.tty = tty};

	process_for_each(hang_up_one, &h);
}

static void hang_up(const struct tty *tty, int session, int foreground)
{
	struct hang_up h = {.tty = tty, .session = session, .foreground = foreground};

	process_for_each(hang_up_one, &h);
}

static int take_old_foreground(void)
{
	u64 irq = table_lock();
	int group = current_process()->tty_old_foreground;

	current_process()->tty_old_foreground = 0;
	table_unlock(irq);
	return group;
}

static int install(struct file *f, bool cloexec)
{
	struct process *p = current_process();

	return fd_install(current_thread()->files, f, 0, p->limits[RLIMIT_NOFILE].soft, cloexec);
}

static int start_thread(const char *name, void (*fn)(void *))
{
	struct thread *t = thread_create(&kernel_process, name, fn, NULL);

	if (!t)
		return -ENOMEM;
	thread_start(t);
	return 0;
}

void terminals_init(void)
{
	static const struct tty_task_ops ops = {
		.caller = caller,
		.sets_aside = sets_aside,
		.is_orphaned = group_is_orphaned,
		.session_of = session_of,
		.signal_group = signal_group,
		.set = set,
		.forget = forget,
		.hang_up = hang_up,
		.take_old_foreground = take_old_foreground,
		.install = install,
		.start_thread = start_thread,
	};

	tty_register_tasks(&ops);
}
