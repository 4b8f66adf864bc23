/* SPDX-License-Identifier: MIT */
/*
 * Out of memory: which process ends, so that the others can go on.
 *
 * The one that holds most, moved by its oom_score_adj, as proc(5) says. While one that was chosen is still on its way out,
 * nobody else is chosen: whoever needs memory waits for it.
 */
#include <linux/oom.h>
#include <arch/timer.h>
#include <moat/log.h>
#include <moat/panic.h>
#include <moat/reclaim.h>
#include <moat/seccomp.h>
#include <moat/task.h>
#include <moat/usage.h>
#include "oom.h"

#define POLL_NS	    1000000ull
#define PATIENCE_NS 5000000000ull /* after which another one is chosen */

static u64 chosen_at_ns; /* [a] when the last victim was chosen */
static u32 giving_back;	 /* [a] victims whose memory is on its way back, though they have none any more */

void oom_release_begin(const struct process *p)
{
	if (p->out_of_memory)
		__atomic_add_fetch(&giving_back, 1, __ATOMIC_SEQ_CST);
}

void oom_release_end(const struct process *p)
{
	if (p->out_of_memory)
		__atomic_sub_fetch(&giving_back, 1, __ATOMIC_SEQ_CST);
}

static bool is_giving_back(void)
{
	return __atomic_load_n(&giving_back, __ATOMIC_SEQ_CST) > 0;
}

s64 oom_points(u64 pages, s32 score_adj, u64 total_pages)
{
	return (s64)pages + (s64)score_adj * (s64)total_pages / OOM_SCORE_ADJ_MAX;
}

struct choice {
	int pid; /* of the best so far, or 0 */
	s64 points;
	u64 total_pages;
	bool dying; /* a victim has not given back its memory yet */
};

/* Under the table lock. */
static bool consider(struct process *p, void *arg)
{
	struct choice *c = arg;
	s64 points;

	if (!p->aspace || p->oom_score_adj == OOM_SCORE_ADJ_MIN)
		return true;
	if (p->out_of_memory) {
		c->dying = true;
		return true;
	}
	points = oom_points(pmap_resident_pages(&p->aspace->pmap) + pmap_table_pages(&p->aspace->pmap),
			    p->oom_score_adj, c->total_pages);
	if (!c->pid || points > c->points) {
		c->pid = p->pid;
		c->points = points;
	}
	return true;
}

/* Under the table lock. */
static bool is_dying(struct process *p, void *arg)
{
	struct choice *c = arg;

	if (p->aspace && p->out_of_memory)
		c->dying = true;
	return !c->dying;
}

/* Until every victim has given back its memory, or patience ends. False when the current one must end itself. */
static bool await_victims(void)
{
	u64 start = clock_monotonic_ns();

	for (;;) {
		struct choice c = {0};

		if (current_process()->out_of_memory)
			return false;
		process_for_each(is_dying, &c);
		c.dying |= is_giving_back();
		if (!c.dying || clock_monotonic_ns() - start > PATIENCE_NS)
			return true;
		if (sleep_until_ns(clock_monotonic_ns() + POLL_NS))
			return false; /* it has a signal to act on, which will end this fault's wait */
	}
}

/* Under the table lock: marks the victim, so that it is chosen once only, and ends it. */
static int condemn(struct process *p, void *arg)
{
	const struct choice *c = arg;

	/* It may have ended meanwhile; then there is room. */
	if (!p->aspace || p->out_of_memory)
		return 0;
	p->out_of_memory = true;
	p->explain[0] = 0;
	process_explain(p, "out of memory: it held %lu of %lu KiB",
			(unsigned long)(pmap_resident_pages(&p->aspace->pmap) * (PAGE_SIZE / 1024)),
			(unsigned long)(c->total_pages * (PAGE_SIZE / 1024)));
	log_printf("task: PID %d (%s): %s\n", p->pid, p->name, p->explain);
	signal_send_kernel(p, SIGKILL);
	return 0;
}

static bool oom_kill(void)
{
	struct choice c = {0};
	struct memory_figures f;

	memory_figures_read(&f);
	c.total_pages = f.total;
	process_for_each(consider, &c);
	c.dying |= is_giving_back();
	if (c.dying && clock_monotonic_ns() - chosen_at_ns < PATIENCE_NS)
		return await_victims();
	if (!c.pid)
		return false;
	chosen_at_ns = clock_monotonic_ns();
	(void)process_with(c.pid, condemn, &c);
	return await_victims();
}

void oom_init(void)
{
	memory_register_oom(oom_kill);
	memory_register_low(calls_watch_memory);
}
