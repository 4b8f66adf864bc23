/* SPDX-License-Identifier: MIT */
/* Who may look into another process's memory, and the reference that it takes. */
#include <asm/errno.h>
#include <moat/task.h>

struct peek {
	int pid;
	const struct process *me;
	struct aspace *as;
	int err;
};

/* ptrace(2), "Ptrace access mode checking": all IDs of the target are the caller's real ones, or the caller is root. */
static bool may_peek(const struct process *me, const struct process *p)
{
	if (me == p || me->euid == 0)
		return true;
	return me->uid == p->uid && me->uid == p->euid && me->uid == p->suid && me->gid == p->gid &&
	       me->gid == p->egid && me->gid == p->sgid;
}

/* Table locked. */
static bool look(struct process *p, void *arg)
{
	struct peek *k = arg;

	if (p->pid != k->pid)
		return true;
	if (!p->aspace)
		return false;
	k->err = may_peek(k->me, p) ? 0 : -EPERM;
	if (!k->err) {
		k->as = p->aspace;
		aspace_get(k->as);
	}
	return false;
}

int process_peek(int pid, struct aspace **out)
{
	struct peek k = {.pid = pid, .me = current_process(), .err = -ESRCH};

	process_for_each(look, &k);
	*out = k.as;
	return k.err;
}
