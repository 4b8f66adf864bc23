/* SPDX-License-Identifier: MIT */
/* room: task */
/*
 * The scheduler's part of a thread, and what others may ask of the scheduler about one. docs/scheduler.md is the theory.
 */
#ifndef MOAT_SCHED_H
#define MOAT_SCHED_H

#include <bsd/sys/tree.h>
#include <sys/queue.h>
#include <linux/sched.h>
#include <arch/cpu.h>
#include <moat/types.h>

struct thread;

#define NICE_MIN    (-20)
#define NICE_MAX    19
#define RT_PRIO_MAX 99 /* the highest priority of SCHED_FIFO and SCHED_RR; 1 is the lowest */
#define RR_SLICE_NS 100000000ull

/* What sched_setattr(2) sets. */
struct sched_policy {
	u8 policy;	/* SCHED_NORMAL (that is SCHED_OTHER), _BATCH, _IDLE, _FIFO, _RR */
	u8 rt_priority; /* 1..RT_PRIO_MAX, 0 for the fair policies */
	s32 nice;	/* kept, but without a meaning, for the others */
	bool reset_on_fork;
};

/* [queue]: the lock of the run queue of `cpu`, see sched_lock_thread. */
struct sched_entity {
	union {
		RB_ENTRY(thread) node;	  /* [queue] fair: in the order of vruntime */
		TAILQ_ENTRY(thread) link; /* [queue] real time: among its equals */
	};
	u64 vruntime;		    /* [queue] */
	u32 weight;		    /* [queue] of nice, or of SCHED_IDLE */
	u32 allowed;		    /* [queue] CPUs where it may run */
	struct sched_policy policy; /* [queue] */
	u32 cpu;		    /* [queue for change, a for read] whose queue it belongs to */
	bool work;		    /* [a] something is to be done before it goes to ring 3 */
	u64 turn_ns;		    /* [queue] when it got the CPU */
	u64 slice_left_ns;	    /* [queue] SCHED_RR: before its equals get theirs */
	u64 burst_ns;		    /* [own thread] how long it ran of late before it blocked */
	u64 waited_ns, ready_ns;    /* [queue] how long it was ready before it ran; since when it is */
	u64 voluntary, involuntary; /* [queue] switches: it blocked; others had a turn */
	u64 turns;		    /* [queue] */
};

/* A copy of what a thread's policy is. Any context. */
struct sched_policy thread_policy(const struct thread *t);
/* Changes it, with effect at once. Rights and ranges were checked by the caller. t does not end meanwhile. */
void thread_set_policy(struct thread *t, const struct sched_policy *policy);
/* The CPUs where it may run, as bits; not 0, and of those that there are. */
u32 thread_affinity(const struct thread *t);
void thread_set_affinity(struct thread *t, u32 allowed);

/* What a CPU did, by samples but for the last one. */
struct cpu_times {
	u64 user_ns, nice_ns, sys_ns, idle_ns;
};
void sched_cpu_times(u32 cpu, struct cpu_times *out);

#endif
