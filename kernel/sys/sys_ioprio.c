/* SPDX-License-Identifier: MIT */
/*
 * ioprio_set(2), ioprio_get(2): the order in which a device is to serve threads. No device here has a queue that it would
 * apply to; priorities are kept, inherited and shown.
 */
#include <asm/errno.h>
#include <linux/capability.h>
#include <linux/ioprio.h>
#include <moat/cred.h>
#include <moat/syscall.h>
#include <moat/task.h>

#define CLASS_MASK 7 /* as newer headers have them: hints are between class and level */
#define LEVEL_MASK 7
#define NICE_STEP  5 /* nice values that have one priority in common */

struct ioprio_call {
	int which, who; /* IOPRIO_WHO_* and a thread, a group or a user */
	bool set;
	u16 value;  /* to be set; of those found, the best */
	int result; /* -ESRCH: nobody found */
};

static u16 make(int class, int level)
{
	return (u16)(class << IOPRIO_CLASS_SHIFT | level);
}

/* What counts for a thread that has asked for nothing. */
static u16 default_of(const struct thread *t)
{
	struct sched_policy p = thread_policy(t);
	int class = p.policy == SCHED_IDLE ? IOPRIO_CLASS_IDLE
		    : p.rt_priority	   ? IOPRIO_CLASS_RT
					   : IOPRIO_CLASS_BE;

	return make(class, (p.nice - NICE_MIN) / NICE_STEP);
}

static int set_one(struct thread *t, u16 value)
{
	const struct cred *me = current_cred();

	if (t->cred.uid != me->euid && t->cred.uid != me->uid && !capable(CAP_SYS_NICE))
		return -EPERM;
	t->ioprio = value;
	return 0;
}

static bool visit_thread(struct thread *t, struct ioprio_call *c)
{
	bool alone = c->which == IOPRIO_WHO_PROCESS;
	u16 value = t->ioprio || alone ? t->ioprio : default_of(t);

	if (c->set) {
		c->result = set_one(t, c->value);
		return c->result == 0;
	}
	c->value = c->result ? value : MIN(c->value, value);
	c->result = 0;
	return true;
}

static int visit_found(struct thread *t, void *arg)
{
	(void)visit_thread(t, arg);
	return 0;
}

static bool visit_process(struct process *p, void *arg)
{
	struct ioprio_call *c = arg;
	struct thread *t;

	if (c->which == IOPRIO_WHO_PGRP ? p->pgid != c->who : p->cred.uid != (u32)c->who)
		return true;
	TAILQ_FOREACH (t, &p->threads, sibling) {
		if (!visit_thread(t, c))
			return false;
	}
	return true;
}

static int for_whom(struct ioprio_call *c)
{
	c->result = -ESRCH;
	switch (c->which) {
	case IOPRIO_WHO_PROCESS:
		(void)thread_with(c->who, visit_found, c);
		/* A first thread that has ended, and PID 1: nobody keeps what is set. */
		if (c->result == -ESRCH && c->who > 0 && process_exists(c->who))
			c->result = c->set && !capable(CAP_SYS_NICE) ? -EPERM : 0;
		return c->result;
	case IOPRIO_WHO_PGRP:
		c->who = c->who ? c->who : current_process()->pgid;
		break;
	case IOPRIO_WHO_USER:
		c->who = c->who ? c->who : (int)current_cred()->uid;
		break;
	default:
		return -EINVAL;
	}
	process_for_each(visit_process, c);
	return c->result;
}

s64 sys_ioprio_set(int which, int who, int ioprio)
{
	struct ioprio_call c = {.which = which, .who = who, .set = true, .value = (u16)ioprio};

	switch (ioprio >> IOPRIO_CLASS_SHIFT & CLASS_MASK) {
	case IOPRIO_CLASS_NONE:
		if (ioprio & LEVEL_MASK)
			return -EINVAL;
		break;
	case IOPRIO_CLASS_RT:
		if (!capable(CAP_SYS_ADMIN) && !capable(CAP_SYS_NICE))
			return -EPERM;
		break;
	case IOPRIO_CLASS_BE:
	case IOPRIO_CLASS_IDLE:
		break;
	default:
		return -EINVAL;
	}
	return for_whom(&c);
}

s64 sys_ioprio_get(int which, int who)
{
	struct ioprio_call c = {.which = which, .who = who};
	int err = for_whom(&c);

	return err ? err : c.value;
}
