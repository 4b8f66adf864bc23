/* SPDX-License-Identifier: MIT */
/* Who may look into another process's memory, and the reference that it takes. */
#include <asm/errno.h>
#include <moat/task.h>

struct peek {
	const struct process *me;
	struct aspace *as;
};

/* ptrace(2), "Ptrace access mode checking": all IDs of the target are the caller's real ones, or it has CAP_SYS_PTRACE. */
static bool may_peek(const struct process *me, const struct process *p)
{
	if (me == p || process_capable(me, CAP_SYS_PTRACE))
		return true;
	return me->uid == p->uid && me->uid == p->euid && me->uid == p->suid && me->gid == p->gid &&
	       me->gid == p->egid && me->gid == p->sgid;
}

bool process_may_peek(const struct process *p)
{
	return may_peek(current_process(), p);
}

/* Table locked. */
static int look(struct process *p, void *arg)
{
	struct peek *k = arg;

	if (!p->aspace)
		return -ESRCH;
	if (!may_peek(k->me, p))
		return -EPERM;
	k->as = p->aspace;
	aspace_get(k->as);
	return 0;
}

int process_peek(int pid, struct aspace **out)
{
	struct peek k = {.me = current_process()};
	int err = pid > 0 ? process_with(pid, look, &k) : -ESRCH;

	*out = k.as;
	return err;
}
