/* SPDX-License-Identifier: MIT */
/* room: task */
/* What the files of /proc/PID share. */
#ifndef TASK_PROC_INTERNAL_H
#define TASK_PROC_INTERNAL_H

#include <asm/errno.h>
#include <moat/mode.h>
#include <moat/procfs.h>
#include <moat/task.h>

typedef unsigned long long ull;

/*
 * What a process was at one moment. Copied with the table of processes locked; the references are the caller's
 * until subject_put.
 */
struct subject {
	int pid, tid, ppid, pgid, sid, threads, tty, foreground, tracer;
	char state; /* as /proc/PID/stat shows it */
	char name[TASK_NAME_MAX];
	u32 umask;
	u32 personality;
	bool no_new_privs, dumpable;
	u8 seccomp_mode;
	u32 seccomp_filters;
	struct cred cred;
	s32 oom_score_adj;
	u64 start_ns;
	int exit_status;
	u64 user_ns, sys_ns;
	struct process_usage counts; /* switches, reads and writes of the thread, or of all threads */
	struct process_usage children_usage;
	struct sched_policy policy_now;
	u64 run_ns, waited_ns, turns; /* of the thread */
	u64 timer_slack_ns;
	u32 cpu, allowed;
	int exit_signal;
	bool is_thread; /* not its process's first */
	u32 queued;
	struct mempolicy policy;
	u64 shared_pending, pending, blocked, ignored, caught;
	u64 pending_limit;
	struct rlimit_pair limits[RLIM_NLIMITS];
	struct exec_facts facts;
	struct process_usage usage; /* of a zombie */
	/* A reference each, or NULL. */
	struct aspace *aspace;
	struct fd_table *files;
	struct fs_context *fs;
	struct file *exe;
};

/* The process that a key names, or its thread, freshly looked up; 0, -ESRCH (gone), -ENOMEM. */
int __must_check subject_get(const struct proc_key *key, struct subject **out);
void subject_put(struct subject *s);
/* May the current process look into that one (ptrace(2), "access mode checking")? 0 or -EACCES. */
int __must_check subject_check(const struct subject *s);
/* Both, for the entry's `open`: -ESRCH, -EACCES. o->token becomes the address space's identity. */
int proc_open_checked(struct proc_open *o, u32 flags);
/*
 * The address space that was there when o was opened, with a reference, in *as, or NULL when the process has another
 * or none by now. 0, or -ESRCH: the process is gone.
 */
int __must_check proc_opened_aspace(const struct proc_open *o, struct aspace **as);
/* Runs fn on the live process under the table's lock (a spinlock): 0 or -ESRCH. */
int __must_check subject_change(const struct proc_key *key, void (*fn)(struct process *p, void *arg),
				void *arg);

/* Memory of a process in pages, for status, statm and stat (proc_mm.c). */
struct mm_facts {
	u64 size, peak_size, peak_rss, rss, anon, file, shmem;
	u64 data, stack, code, library, tables, locked;
	struct range heap;	   /* bytes */
	u64 minor, major, refused; /* faults */
};
/* How many address spaces show the page of an entry that pmap_for_each found. */
u64 proc_page_users(const struct pmap_leaf *leaf);
void mm_facts_read(struct aspace *as, const struct exec_facts *facts, struct mm_facts *out);

/* Entries by file. */
int proc_show_maps(struct proc_text *t, const struct proc_open *o, u64 *pos);
int proc_show_numa_maps(struct proc_text *t, const struct proc_open *o, u64 *pos); /* proc_numa.c */
int proc_show_smaps(struct proc_text *t, const struct proc_open *o, u64 *pos);
int proc_show_smaps_rollup(struct proc_text *t, const struct proc_open *o, u64 *pos);
ssize_t proc_read_pagemap(struct proc_open *o, struct uio *u, u64 *offset);
int proc_store_clear_refs(const struct proc_open *o, char *text, size_t len);
ssize_t proc_read_mem(struct proc_open *o, struct uio *u, u64 *offset);
ssize_t proc_write_mem(struct proc_open *o, struct uio *u, u64 *offset);
ssize_t proc_read_environ(struct proc_open *o, struct uio *u, u64 *offset);
ssize_t proc_read_cmdline(struct proc_open *o, struct uio *u, u64 *offset);
ssize_t proc_read_auxv(struct proc_open *o, struct uio *u, u64 *offset);
int proc_show_status(struct proc_text *t, const struct proc_open *o, u64 *pos);
int proc_show_stat(struct proc_text *t, const struct proc_open *o, u64 *pos);
int proc_show_syscall(struct proc_text *t, const struct proc_open *o, u64 *pos);
int proc_show_statm(struct proc_text *t, const struct proc_open *o, u64 *pos);
int proc_show_limits(struct proc_text *t, const struct proc_open *o, u64 *pos);
int proc_show_small(struct proc_text *t, const struct proc_open *o, u64 *pos);
int proc_store_comm(const struct proc_open *o, char *text, size_t len);
/* proc_sched.c */
int proc_store_timer_slack(const struct proc_open *o, char *text, size_t len);
int proc_show_children(struct proc_text *t, const struct proc_open *o, u64 *pos);
extern const struct proc_entry proc_ns_table[];
int proc_store_oom_score_adj(const struct proc_open *o, char *text, size_t len);
int proc_store_oom_adj(const struct proc_open *o, char *text, size_t len);

/* What proc_show_small shows; entry.data points to one. */
enum small_file {
	SMALL_COMM,
	SMALL_PERSONALITY,
	SMALL_CGROUP,
	SMALL_WCHAN,
	SMALL_OOM_SCORE,
	SMALL_OOM_SCORE_ADJ,
	SMALL_OOM_ADJ,
	SMALL_SCHEDSTAT,
	SMALL_TIMER_SLACK,
	SMALL_IO,
};

/* proc_fd.c */
extern const struct proc_numbers proc_fd_numbers, proc_fdinfo_numbers;
ssize_t proc_readlink_exe(const struct proc_key *key, char *buf, size_t size);
ssize_t proc_readlink_cwd(const struct proc_key *key, char *buf, size_t size);
ssize_t proc_readlink_root(const struct proc_key *key, char *buf, size_t size);
int proc_jump_exe(const struct proc_key *key, struct dentry **jump);
int proc_jump_cwd(const struct proc_key *key, struct dentry **jump);
int proc_jump_root(const struct proc_key *key, struct dentry **jump);

#endif
