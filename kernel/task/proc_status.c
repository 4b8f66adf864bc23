/* SPDX-License-Identifier: MIT */
/*
 * What /proc/PID tells of a process in words and numbers: status, stat, statm, limits, and the files of one line.
 * Formats are those of proc(5); what has no meaning here shows what Linux shows while it is not used.
 */
#include <linux/auxvec.h>
#include <linux/oom.h>
#include <arch/signal.h>
#include <arch/trap.h>
#include <moat/parse.h>
#include <moat/string.h>
#include <moat/usage.h>
#include "oom.h"
#include "proc_internal.h"

#define NS_PER_TICK    10000000u   /* of clock_t, 100 a second */
#define FLAG_RANDOMIZE 0x00400000u /* PF_RANDOMIZE of Linux: the addresses were chosen at random */
#define OOM_SCORE_FULL 1000

static ull kib(u64 pages)
{
	return pages << (PAGE_SHIFT - 10);
}

static const char *state_words(char state)
{
	switch (state) {
	case 'R':
		return "R (running)";
	case 'S':
		return "S (sleeping)";
	case 't':
		return "t (tracing stop)";
	case 'T':
		return "T (stopped)";
	default:
		return "Z (zombie)";
	}
}

static void put_identity(struct proc_text *t, const struct subject *s, int tid)
{
	const struct cred *c = &s->cred;

	proc_printf(t, "Name:\t");
	proc_put_escaped(t, s->name, "\n\\");
	proc_printf(t, "\nUmask:\t%04o\nState:\t%s\n", s->umask, state_words(s->state));
	proc_printf(t, "Tgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t%d\n", s->pid, tid, s->ppid,
		    s->tracer);
	proc_printf(t, "Uid:\t%u\t%u\t%u\t%u\n", c->uid, c->euid, c->suid, c->fsuid);
	proc_printf(t, "Gid:\t%u\t%u\t%u\t%u\n", c->gid, c->egid, c->sgid, c->fsgid);
	proc_printf(t, "FDSize:\t%u\nGroups:\t", s->files ? fd_table_capacity(s->files) : 0);
	for (u32 i = 0; i < (c->groups ? c->groups->count : 0); i++)
		proc_printf(t, "%s%u", i ? " " : "", c->groups->gids[i]);
	proc_printf(t, " \n");
	proc_printf(t, "NStgid:\t%d\nNSpid:\t%d\nNSpgid:\t%d\nNSsid:\t%d\nKthread:\t%d\n", s->pid, tid,
		    s->pgid, s->sid, s->pid == kernel_process.pid);
}

static void put_memory(struct proc_text *t, const struct subject *s)
{
	struct mm_facts m;

	if (!s->aspace)
		return;
	mm_facts_read(s->aspace, &s->facts, &m);
	proc_printf(t, "VmPeak:\t%8llu kB\nVmSize:\t%8llu kB\n", kib(m.peak_size), kib(m.size));
	proc_printf(t, "VmLck:\t%8llu kB\nVmPin:\t%8u kB\n", kib(m.locked), 0u);
	proc_printf(t, "VmHWM:\t%8llu kB\nVmRSS:\t%8llu kB\n", kib(m.peak_rss), kib(m.rss));
	proc_printf(t, "RssAnon:\t%8llu kB\nRssFile:\t%8llu kB\nRssShmem:\t%8llu kB\n", kib(m.anon),
		    kib(m.file), kib(m.shmem));
	proc_printf(t, "VmData:\t%8llu kB\nVmStk:\t%8llu kB\n", kib(m.data), kib(m.stack));
	proc_printf(t, "VmExe:\t%8llu kB\nVmLib:\t%8llu kB\n", kib(m.code), kib(m.library));
	proc_printf(t, "VmPTE:\t%8llu kB\nVmSwap:\t%8u kB\nHugetlbPages:\t%8u kB\n", kib(m.tables), 0u, 0u);
	proc_printf(t, "CoreDumping:\t0\nTHP_enabled:\t0\nuntag_mask:\t0xffffffffffffffff\n");
}

static void put_signals(struct proc_text *t, const struct subject *s)
{
	proc_printf(t, "Threads:\t%d\nSigQ:\t%u/%llu\n", s->threads, s->queued, (ull)s->pending_limit);
	proc_printf(t, "SigPnd:\t%016llx\nShdPnd:\t%016llx\n", (ull)s->pending, (ull)s->shared_pending);
	proc_printf(t, "SigBlk:\t%016llx\nSigIgn:\t%016llx\nSigCgt:\t%016llx\n", (ull)s->blocked,
		    (ull)s->ignored, (ull)s->caught);
}

static void put_rights(struct proc_text *t, const struct subject *s)
{
	const struct cred *c = &s->cred;

	proc_printf(t, "CapInh:\t%016llx\nCapPrm:\t%016llx\nCapEff:\t%016llx\n", (ull)c->inheritable,
		    (ull)c->permitted, (ull)c->effective);
	proc_printf(t, "CapBnd:\t%016llx\nCapAmb:\t%016llx\n", (ull)c->bounding, (ull)c->ambient);
	proc_printf(t, "NoNewPrivs:\t%d\nSeccomp:\t%u\nSeccomp_filters:\t%u\n", s->no_new_privs,
		    s->seccomp_mode, s->seccomp_filters);
	proc_printf(t, "Speculation_Store_Bypass:\tvulnerable\nSpeculationIndirectBranch:\tunknown\n");
	proc_printf(t, "Cpus_allowed:\t%x\nCpus_allowed_list:\t", s->allowed);
	proc_put_set(t, s->allowed);
	proc_put(t, "\n", 1);
	proc_printf(t, "Mems_allowed:\t%x\nMems_allowed_list:\t", (1u << numa.nodes) - 1);
	proc_put_set(t, (1u << numa.nodes) - 1);
	proc_put(t, "\n", 1);
	proc_printf(t, "voluntary_ctxt_switches:\t%llu\nnonvoluntary_ctxt_switches:\t%llu\n",
		    (ull)s->counts.voluntary, (ull)s->counts.involuntary);
}

int proc_show_status(struct proc_text *t, const struct proc_open *o, u64 *pos)
{
	struct subject *s;
	int err = subject_get(&o->key, &s);

	(void)pos;
	if (err)
		return err;
	put_identity(t, s, o->key.tid ? o->key.tid : s->pid);
	put_memory(t, s);
	put_signals(t, s);
	put_rights(t, s);
	subject_put(s);
	return 0;
}

struct call_look {
	int tid;
	bool found;
	struct trap_frame frame;
};

/* Its registers lie still while it sleeps; one that wakes up needs the table's lock to go far. */
static void look_at_call(struct process *p, void *arg)
{
	struct call_look *l = arg;
	struct thread *t;

	TAILQ_FOREACH (t, &p->threads, sibling) {
		if (t->tid != l->tid || __atomic_load_n(&t->state, __ATOMIC_ACQUIRE) != THREAD_BLOCKED)
			continue;
		l->found = true;
		l->frame = *arch_thread_frame(&t->arch);
	}
}

int proc_show_syscall(struct proc_text *t, const struct proc_open *o, u64 *pos)
{
	struct call_look l = {.tid = o->key.tid ? o->key.tid : o->key.pid};
	int err = subject_change(&o->key, look_at_call, &l);

	(void)pos;
	if (err)
		return err;
	if (!l.found) {
		proc_printf(t, "running\n");
		return 0;
	}
	if (frame_is_syscall(&l.frame)) {
		proc_printf(t, "%d", (int)frame_syscall(&l.frame));
		for (unsigned i = 0; i < 6; i++)
			proc_printf(t, " 0x%llx", (ull)frame_arg(&l.frame, i));
	} else {
		proc_printf(t, "-1");
	}
	proc_printf(t, " 0x%llx 0x%llx\n", (ull)frame_sp(&l.frame), (ull)frame_ip(&l.frame));
	return 0;
}

int proc_show_statm(struct proc_text *t, const struct proc_open *o, u64 *pos)
{
	struct mm_facts m = {0};
	struct subject *s;
	int err = subject_get(&o->key, &s);

	(void)pos;
	if (err)
		return err;
	if (s->aspace)
		mm_facts_read(s->aspace, &s->facts, &m);
	proc_printf(t, "%llu %llu %llu %llu 0 %llu 0\n", (ull)m.size, (ull)m.rss, (ull)m.file + m.shmem,
		    (ull)m.code, (ull)m.data + m.stack);
	subject_put(s);
	return 0;
}

/* Field 18: how it stands among all others, as top(1) shows it: 20 and nice, or below 0 for real time. */
static int stat_priority(const struct sched_policy *p)
{
	return p->rt_priority ? -1 - p->rt_priority : 20 + p->nice;
}

/* Fields 1 to 22: who it is and what it has used. */
static void put_stat_head(struct proc_text *t, const struct subject *s, const struct mm_facts *m, int tid)
{
	proc_printf(t, "%d (%s) %c %d %d %d %d %d %u ", tid, s->name, s->state, s->ppid, s->pgid, s->sid,
		    s->tty, s->foreground, s->personality & PERSONALITY_FIXED ? 0 : FLAG_RANDOMIZE);
	proc_printf(t, "%llu %llu %llu %llu ", (ull)m->minor,
		    (ull)s->children_usage.minor_faults + s->children_usage.cow_faults, (ull)m->major,
		    (ull)s->children_usage.major_faults);
	proc_printf(t, "%llu %llu %llu %llu ", (ull)s->user_ns / NS_PER_TICK, (ull)s->sys_ns / NS_PER_TICK,
		    (ull)s->children_usage.user_ns / NS_PER_TICK,
		    (ull)s->children_usage.sys_ns / NS_PER_TICK);
	proc_printf(t, "%d %d %d 0 %llu ", stat_priority(&s->policy_now), s->policy_now.nice, s->threads,
		    (ull)s->start_ns / NS_PER_TICK);
}

/* Fields 23 to 37: memory and signals. Addresses are for those who may look into the process. */
static void put_stat_memory(struct proc_text *t, const struct subject *s, const struct mm_facts *m, bool may)
{
	const struct exec_facts *f = &s->facts;

	proc_printf(t, "%llu %llu %llu ", (ull)m->size << PAGE_SHIFT, (ull)m->rss,
		    (ull)s->limits[RLIMIT_RSS].soft);
	if (may)
		proc_printf(t, "%llu %llu %llu 0 0 ", (ull)f->code.start, (ull)f->code.end, (ull)f->stack);
	else
		proc_printf(t, "%d %d 0 0 0 ", 1, 1);
	proc_printf(t, "%llu %llu %llu %llu %d 0 0 ", (ull)(s->pending | s->shared_pending) & INT32_MAX,
		    (ull)s->blocked & INT32_MAX, (ull)s->ignored & INT32_MAX, (ull)s->caught & INT32_MAX,
		    may && s->state == 'S');
}

/* Fields 38 to 52. */
static void put_stat_tail(struct proc_text *t, const struct subject *s, const struct mm_facts *m, bool may)
{
	const struct exec_facts *f = &s->facts;

	proc_printf(t, "%d %u %u %u 0 0 0 ", s->is_thread ? -1 : s->exit_signal, s->cpu,
		    s->policy_now.rt_priority, s->policy_now.policy);
	if (may && s->aspace)
		proc_printf(t, "%llu %llu %llu %llu %llu %llu %llu ", (ull)f->data.start, (ull)f->data.end,
			    (ull)m->heap.start, (ull)f->args.start, (ull)f->args.end, (ull)f->env.start,
			    (ull)f->env.end);
	else
		proc_printf(t, "0 0 0 0 0 0 0 ");
	proc_printf(t, "%d\n", may ? s->exit_status : 0);
}

int proc_show_stat(struct proc_text *t, const struct proc_open *o, u64 *pos)
{
	struct mm_facts m = {0};
	struct subject *s;
	int err = subject_get(&o->key, &s);
	bool may;

	(void)pos;
	if (err)
		return err;
	may = subject_check(s) == 0;
	m.major = s->usage.major_faults;
	if (s->aspace)
		mm_facts_read(s->aspace, &s->facts, &m);
	m.minor = s->counts.minor_faults;
	put_stat_head(t, s, &m, o->key.tid ? o->key.tid : s->pid);
	put_stat_memory(t, s, &m, may);
	put_stat_tail(t, s, &m, may);
	subject_put(s);
	return 0;
}

static void put_limit(struct proc_text *t, u64 value)
{
	if (value == RLIM_INFINITY)
		proc_printf(t, "%-20s ", "unlimited");
	else
		proc_printf(t, "%-20llu ", (ull)value);
}

int proc_show_limits(struct proc_text *t, const struct proc_open *o, u64 *pos)
{
	static const struct {
		const char *name, *unit;
	} names[RLIM_NLIMITS] = {
		[RLIMIT_CPU] = {"Max cpu time", "seconds"},
		[RLIMIT_FSIZE] = {"Max file size", "bytes"},
		[RLIMIT_DATA] = {"Max data size", "bytes"},
		[RLIMIT_STACK] = {"Max stack size", "bytes"},
		[RLIMIT_CORE] = {"Max core file size", "bytes"},
		[RLIMIT_RSS] = {"Max resident set", "bytes"},
		[RLIMIT_NPROC] = {"Max processes", "processes"},
		[RLIMIT_NOFILE] = {"Max open files", "files"},
		[RLIMIT_MEMLOCK] = {"Max locked memory", "bytes"},
		[RLIMIT_AS] = {"Max address space", "bytes"},
		[RLIMIT_LOCKS] = {"Max file locks", "locks"},
		[RLIMIT_SIGPENDING] = {"Max pending signals", "signals"},
		[RLIMIT_MSGQUEUE] = {"Max msgqueue size", "bytes"},
		[RLIMIT_NICE] = {"Max nice priority", NULL},
		[RLIMIT_RTPRIO] = {"Max realtime priority", NULL},
		[RLIMIT_RTTIME] = {"Max realtime timeout", "us"},
	};
	struct subject *s;
	int err = subject_get(&o->key, &s);

	(void)pos;
	if (err)
		return err;
	proc_printf(t, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
	for (unsigned i = 0; i < RLIM_NLIMITS; i++) {
		proc_printf(t, "%-25s ", names[i].name);
		put_limit(t, s->limits[i].soft);
		put_limit(t, s->limits[i].hard);
		if (names[i].unit)
			proc_printf(t, "%-10s\n", names[i].unit);
		else
			proc_printf(t, "\n");
	}
	subject_put(s);
	return 0;
}

/*
 * How near the process is to being ended when memory runs out: Linux's measure, its share of memory in thousandths
 * moved by what oom_score_adj says, from 0 to 2000 and brought to two thirds.
 */
static int oom_score(const struct subject *s)
{
	struct memory_figures f;
	struct mm_facts m;
	s64 points;

	if (!s->aspace || s->oom_score_adj == OOM_SCORE_ADJ_MIN)
		return 0;
	memory_figures_read(&f);
	mm_facts_read(s->aspace, &s->facts, &m);
	points = oom_points(m.rss + m.tables, s->oom_score_adj, f.total);
	points = (OOM_SCORE_FULL + points * OOM_SCORE_FULL / (s64)f.total) * 2 / 3;
	return (int)MAX(points, 0l);
}

/* The older scale of -17 to 15. */
static int oom_adj_of(int score_adj)
{
	return score_adj == OOM_SCORE_ADJ_MAX ? OOM_ADJUST_MAX : score_adj * -OOM_DISABLE / OOM_SCORE_ADJ_MAX;
}

/* What a device has moved is nothing: files are in memory. */
static void put_io(struct proc_text *t, const struct process_usage *u)
{
	proc_printf(t, "rchar: %llu\nwchar: %llu\nsyscr: %llu\nsyscw: %llu\n", (ull)u->bytes_read,
		    (ull)u->bytes_written, (ull)u->reads, (ull)u->writes);
	proc_printf(t, "read_bytes: 0\nwrite_bytes: 0\ncancelled_write_bytes: 0\n");
}

int proc_show_small(struct proc_text *t, const struct proc_open *o, u64 *pos)
{
	struct subject *s;
	int err = subject_get(&o->key, &s);

	(void)pos;
	if (err)
		return err;
	switch (*(const enum small_file *)o->entry->data) {
	case SMALL_COMM:
		proc_printf(t, "%s\n", s->name);
		break;
	case SMALL_PERSONALITY:
		proc_printf(t, "%08x\n", s->personality);
		break;
	case SMALL_CGROUP:
		proc_printf(t, "0::/\n");
		break;
	case SMALL_WCHAN:
		proc_printf(t, "0");
		break;
	case SMALL_OOM_SCORE:
		proc_printf(t, "%d\n", oom_score(s));
		break;
	case SMALL_OOM_SCORE_ADJ:
		proc_printf(t, "%d\n", s->oom_score_adj);
		break;
	case SMALL_OOM_ADJ:
		proc_printf(t, "%d\n", oom_adj_of(s->oom_score_adj));
		break;
	case SMALL_SCHEDSTAT:
		proc_printf(t, "%llu %llu %llu\n", (ull)s->run_ns, (ull)s->waited_ns, (ull)s->turns);
		break;
	case SMALL_TIMER_SLACK:
		proc_printf(t, "%llu\n", (ull)s->timer_slack_ns);
		break;
	case SMALL_IO:
		put_io(t, &s->counts);
		break;
	}
	subject_put(s);
	return 0;
}

struct new_name {
	int tid;
	const char *text;
};

static void set_name(struct process *p, void *arg)
{
	const struct new_name *n = arg;
	struct thread *t;

	/* It is the calling process itself. */
	TAILQ_FOREACH (t, &p->threads, sibling) {
		if (t->tid == n->tid)
			(void)str_copy(t->name, n->text, sizeof(t->name));
	}
	if (n->tid == p->pid)
		(void)str_copy(p->name, n->text, sizeof(p->name));
}

/* A process may rename itself and its threads only. The newline that echo adds becomes part of the name, as on Linux. */
int proc_store_comm(const struct proc_open *o, char *text, size_t len)
{
	struct new_name n = {.tid = o->key.tid ? o->key.tid : o->key.pid, .text = text};

	(void)len;
	if (o->key.pid != current_process()->pid)
		return -EINVAL;
	return subject_change(&o->key, set_name, &n);
}

struct oom_change {
	s32 value;
	int err;
};

/* To be less likely to be ended than root said last is root's to decide. */
static void set_oom_score_adj(struct process *p, void *arg)
{
	struct oom_change *c = arg;
	bool root = capable(CAP_SYS_RESOURCE);

	if (c->value < p->oom_score_adj_min && !root) {
		c->err = -EACCES;
		return;
	}
	p->oom_score_adj = c->value;
	if (root)
		p->oom_score_adj_min = c->value;
}

static int change_oom_score_adj(const struct proc_open *o, s64 to)
{
	struct oom_change c = {.value = (s32)to};
	int err = subject_change(&o->key, set_oom_score_adj, &c);

	return err ? err : c.err;
}

int proc_store_oom_score_adj(const struct proc_open *o, char *text, size_t len)
{
	s64 value;
	int err = proc_parse(text, &value);

	(void)len;
	if (err)
		return err;
	if (value < OOM_SCORE_ADJ_MIN || value > OOM_SCORE_ADJ_MAX)
		return -EINVAL;
	return change_oom_score_adj(o, value);
}

int proc_store_oom_adj(const struct proc_open *o, char *text, size_t len)
{
	s64 value;
	int err = proc_parse(text, &value);

	(void)len;
	if (err)
		return err;
	if ((value < OOM_ADJUST_MIN || value > OOM_ADJUST_MAX) && value != OOM_DISABLE)
		return -EINVAL;
	value = value == OOM_ADJUST_MAX ? OOM_SCORE_ADJ_MAX : value * OOM_SCORE_ADJ_MAX / -OOM_DISABLE;
	return change_oom_score_adj(o, value);
}
