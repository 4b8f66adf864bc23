/* SPDX-License-Identifier: MIT */
/*
 * Sending signals by number: to a process, a group, everybody (kill(2)), to one thread (tgkill(2)), and with a siginfo of
 * the program's making (rt_sigqueueinfo(2)); and by descriptor (pidfd_send_signal(2)). Checks are made in Linux's order.
 *
 * Lock: the table's, under which the target is found, keeps it in place while the signal is sent.
 */
#include <asm/errno.h>
#include <moat/pidfd.h>
#include <moat/task.h>
#include "table.h"

bool signal_permitted(const struct process *p, const struct cred *target, int signo)
{
	const struct cred *me = current_cred();

	if (capable(CAP_KILL) || me->euid == target->suid || me->euid == target->uid ||
	    me->uid == target->suid || me->uid == target->uid)
		return true;
	return signo == SIGCONT && p->sid == current_process()->sid;
}

struct kill_request {
	int pid, signo, pgid, tgid;
	const siginfo_t *info;
	unsigned sent;
	int err;
};

static bool is_meant(const struct kill_request *k, const struct process *p)
{
	return k->pid == -1 ? p != current_process() : p->pgid == k->pgid;
}

/* target: of p, or of that of its threads which is meant. */
static int check(const struct process *p, const struct cred *target, const struct kill_request *k)
{
	if (k->signo < 0 || k->signo > SIGNAL_MAX)
		return -EINVAL;
	/* Threads of one process may send one another anything. */
	return p == current_process() || signal_permitted(p, target, k->signo) ? 0 : -EPERM;
}

static int kill_one(struct process *p, struct kill_request *k)
{
	int err = check(p, &p->cred, k);

	if (err) {
		k->err = err;
		return err;
	}
	k->sent++;
	return k->signo ? signal_send(p, k->info) : 0;
}

static bool kill_if_meant(struct process *p, void *arg)
{
	if (is_meant(arg, p))
		(void)kill_one(p, arg);
	return true;
}

static int kill_found(struct process *p, void *arg)
{
	return kill_one(p, arg);
}

/* From the current process. */
static void info_from_me(siginfo_t *info, int signo, int code)
{
	signal_make_info(info, signo, code);
	info->si_pid = current_process()->pid;
	info->si_uid = current_cred()->uid;
}

int signal_kill(int pid, int signo)
{
	struct kill_request k = {.pid = pid, .signo = signo, .err = -ESRCH};
	siginfo_t info;

	info_from_me(&info, signo, SI_USER);
	k.info = &info;
	if (pid > 0)
		return process_with(pid, kill_found, &k);
	if (pid == INT32_MIN)
		return -ESRCH;
	k.pgid = pid == 0 ? current_process()->pgid : -pid;
	process_for_each(kill_if_meant, &k);
	/* Who asks for everybody means those whom he may send signals, be they none. */
	return k.sent || (pid == -1 && k.err == -EPERM) ? 0 : k.err;
}

static int kill_thread(struct thread *t, void *arg)
{
	const struct kill_request *k = arg;
	int err;

	if (k->tgid != -1 && k->tgid != t->process->pid)
		return -ESRCH;
	err = check(t->process, &t->cred, k);
	if (err || !k->signo)
		return err;
	return signal_send_thread(t, k->info);
}

/* A leader that has ended leaves its number to its process: nobody is there to get the signal, which is no error. */
static int kill_ended_leader(struct process *p, void *arg)
{
	const struct kill_request *k = arg;

	if (p->pid != k->pid || (k->tgid != -1 && k->tgid != p->pid))
		return -ESRCH;
	return check(p, &p->cred, k);
}

static int send_to_thread(struct kill_request *k)
{
	int err = thread_with(k->pid, kill_thread, k);

	return err == -ESRCH ? process_with(k->pid, kill_ended_leader, k) : err;
}

int signal_kill_thread(int tgid, int tid, int signo)
{
	struct kill_request k = {.pid = tid, .tgid = tgid, .signo = signo};
	siginfo_t info;

	if (tid <= 0 || tgid == 0 || tgid < -1)
		return -EINVAL;
	info_from_me(&info, signo, SI_TKILL);
	k.info = &info;
	return send_to_thread(&k);
}

int signal_queue_info(int tgid, int tid, const siginfo_t *info)
{
	struct kill_request k = {
		.pid = tid ? tid : tgid, .tgid = tgid, .signo = info->si_signo, .info = info};
	int me = current_thread()->tid;

	/* Nobody pretends to others that a signal came from the kernel or from kill(2). */
	if ((info->si_code >= 0 || info->si_code == SI_TKILL) && me != k.pid)
		return -EPERM;
	if (k.pid <= 0)
		return -ESRCH;
	return tid ? send_to_thread(&k) : process_with(k.pid, kill_found, &k);
}

/* Table locked. */
static int send_to_ref(const struct task_ref *r, enum pidfd_scope scope, struct kill_request *k)
{
	struct process *p = r->process;
	struct thread *t = r->thread ? r->thread : p ? p->leader : NULL;
	int err;

	if (!p)
		return -ESRCH;
	if (scope == PIDFD_TO_PROCESS)
		return kill_one(p, k);
	if (scope == PIDFD_TO_GROUP) {
		k->pgid = r->pid;
		table_for_each(kill_if_meant, k);
		return k->sent ? 0 : k->err;
	}
	/* Nobody is there to get what is sent to a leader that has ended. */
	err = check(p, t ? &t->cred : &p->cred, k);
	return err || !k->signo || !t ? err : signal_send_thread(t, k->info);
}

int signal_kill_ref(struct task_ref *r, enum pidfd_scope scope, int signo, const siginfo_t *info)
{
	struct kill_request k = {.signo = signo, .err = -ESRCH};
	siginfo_t mine;
	u64 irq;
	int err;

	if (info) {
		if (info->si_signo != signo)
			return -EINVAL;
		if ((info->si_code >= 0 || info->si_code == SI_TKILL) &&
		    (r->pid != current_thread()->tid || scope == PIDFD_TO_GROUP))
			return -EPERM;
	} else {
		info_from_me(&mine, signo, scope == PIDFD_TO_THREAD ? SI_TKILL : SI_USER);
	}
	k.info = info ? info : &mine;
	irq = table_lock();
	err = send_to_ref(r, scope, &k);
	table_unlock(irq);
	return err;
}
