/* SPDX-License-Identifier: MIT */
/*
 * /proc/sysvipc: a line for each object, as ipcs(1) reads them. The position is the place in the table after the last one
 * shown.
 */
#include <moat/mode.h>
#include <moat/procfs.h>
#include "sysv.h"

/* The first object at or after *pos that a `stat` function tells of; false: there is none. *pos becomes the place after it. */
#define NEXT(pos, max, stat, ds)                                            \
	({                                                                  \
		int id_ = -1;                                               \
		while (*(pos) < (max) && id_ < 0)                           \
			id_ = stat((int)(*(pos))++, LOOK_BY_INDEX_ANY, ds); \
		id_;                                                        \
	})

static u64 places(enum sysv_kind kind)
{
	int max = sysv_max_index(kind);

	return max < 0 ? 0 : (u64)max + 1;
}

static int show_msg(struct proc_text *t, const struct proc_open *o, u64 *pos)
{
	struct msqid64_ds d;
	int id;

	(void)o;
	if (!*pos)
		proc_printf(t, "       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  "
			       "cuid  cgid      "
			       "stime      rtime      ctime\n");
	id = NEXT(pos, places(SYSV_MSG), msg_stat, &d);
	if (id < 0)
		return 0;
	proc_printf(t, "%10d %10d  %4o  %10lu %10lu %5u %5u %5u %5u %5u %5u %10llu %10llu %10llu\n",
		    d.msg_perm.key, id, d.msg_perm.mode, d.msg_cbytes, d.msg_qnum, d.msg_lspid, d.msg_lrpid,
		    d.msg_perm.uid, d.msg_perm.gid, d.msg_perm.cuid, d.msg_perm.cgid,
		    (unsigned long long)d.msg_stime, (unsigned long long)d.msg_rtime,
		    (unsigned long long)d.msg_ctime);
	return 1;
}

static int show_sem(struct proc_text *t, const struct proc_open *o, u64 *pos)
{
	struct semid64_ds d;
	int id;

	(void)o;
	if (!*pos)
		proc_printf(t, "       key      semid perms      nsems   uid   gid  cuid  cgid      otime    "
			       "  ctime\n");
	id = NEXT(pos, places(SYSV_SEM), sem_stat, &d);
	if (id < 0)
		return 0;
	proc_printf(t, "%10d %10d  %4o %10lu %5u %5u %5u %5u %10llu %10llu\n", d.sem_perm.key, id,
		    d.sem_perm.mode, d.sem_nsems, d.sem_perm.uid, d.sem_perm.gid, d.sem_perm.cuid,
		    d.sem_perm.cgid, (unsigned long long)d.sem_otime, (unsigned long long)d.sem_ctime);
	return 1;
}

static int show_shm(struct proc_text *t, const struct proc_open *o, u64 *pos)
{
	struct shmid64_ds d;
	int id;

	(void)o;
	if (!*pos)
		proc_printf(t, "       key      shmid perms                  size  cpid  lpid nattch   uid   "
			       "gid  cuid  "
			       "cgid      atime      dtime      ctime                   rss                  "
			       "swap\n");
	id = NEXT(pos, places(SYSV_SHM), shm_stat, &d);
	if (id < 0)
		return 0;
	proc_printf(t,
		    "%10d %10d  %4o %21lu %5u %5u  %5lu %5u %5u %5u %5u %10llu %10llu %10llu %21lu %21lu\n",
		    d.shm_perm.key, id, d.shm_perm.mode, d.shm_segsz, d.shm_cpid, d.shm_lpid, d.shm_nattch,
		    d.shm_perm.uid, d.shm_perm.gid, d.shm_perm.cuid, d.shm_perm.cgid,
		    (unsigned long long)d.shm_atime, (unsigned long long)d.shm_dtime,
		    (unsigned long long)d.shm_ctime, shm_resident_bytes(id), 0ul);
	return 1;
}

const struct proc_entry sysv_proc_table[] = {
	{.name = "msg", .mode = S_IFREG | 0444, .show = show_msg},
	{.name = "sem", .mode = S_IFREG | 0444, .show = show_sem},
	{.name = "shm", .mode = S_IFREG | 0444, .show = show_shm},
	{0},
};
