/* SPDX-License-Identifier: MIT */
/* Who may look into another process's memory, and the reference that it takes. */
#include <asm/errno.h>
#include "ptrace_internal.h"

struct peek {
	struct aspace *as;
};

/*
 * ptrace(2), "Ptrace access mode checking": all IDs of the target are the caller's real ones, and it may no more than the
 * caller; or that one has CAP_SYS_PTRACE.
 */
bool cred_may_peek(const struct cred *c, bool not_dumpable)
{
	const struct cred *me = current_cred();

	if (capable(CAP_SYS_PTRACE))
		return true;
	return !not_dumpable && me->uid == c->uid && me->uid == c->euid && me->uid == c->suid &&
	       me->gid == c->gid && me->gid == c->egid && me->gid == c->sgid &&
	       !(c->permitted & ~me->permitted);
}

bool process_may_peek(const struct process *p)
{
	return p == current_process() || cred_may_peek(&p->cred, p->not_dumpable);
}

/* Table locked. */
static int look(struct process *p, void *arg)
{
	struct peek *k = arg;

	if (!p->aspace)
		return -ESRCH;
	if (!process_may_peek(p))
		return -EPERM;
	k->as = p->aspace;
	aspace_get(k->as);
	return 0;
}

int process_peek(int pid, struct aspace **out)
{
	struct peek k = {.as = NULL};
	int err = pid > 0 ? process_with(pid, look, &k) : -ESRCH;

	*out = k.as;
	return err;
}
