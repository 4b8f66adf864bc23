/* SPDX-License-Identifier: MIT */
/* room: ipc */
/*
 * System V IPC (sysvipc(7)) as the system calls see it: shared memory, semaphores and message queues, in kernel memory.
 * Structures are those of the Linux headers. IDs name an object until it is removed; then they are -EINVAL, and who waits
 * for it gets -EIDRM.
 */
#ifndef MOAT_SYSV_H
#define MOAT_SYSV_H

#include <linux/ipc.h>
#include <asm/ipcbuf.h>
#include <asm/msgbuf.h>
#include <asm/sembuf.h>
#include <asm/shmbuf.h>
#include <moat/types.h>
#include <moat/uio.h>

struct process;

/* Which kind an ID is of. */
enum sysv_kind { SYSV_SHM, SYSV_SEM, SYSV_MSG, SYSV_KINDS };

#define SHM_COUNT_MAX  4096			  /* kernel.shmmni */
#define SHM_BYTES_MAX  (UINT64_MAX - (1ul << 24)) /* kernel.shmmax, and shmall in pages */
#define SEM_SETS_MAX   32000			  /* kernel.sem: SEMMNI, */
#define SEM_IN_SET_MAX 32000			  /* SEMMSL, */
#define SEM_ALL_MAX    1024000000		  /* SEMMNS, */
#define SEM_OPS_MAX    500			  /* SEMOPM */
#define SEM_VALUE_MAX  32767
#define MSG_COUNT_MAX  32000 /* kernel.msgmni */
#define MSG_BYTES_MAX  8192  /* kernel.msgmax */
#define MSG_QUEUE_MAX  16384 /* kernel.msgmnb */

/* How an object is found by a call that only looks: by its ID, or (SHM_STAT and its like) by its place in the table. */
enum sysv_look {
	LOOK_BY_ID,
	LOOK_BY_INDEX,
	LOOK_BY_INDEX_ANY, /* and without the right to read it */
};

/* IPC_SET, for the kinds that have no more to set: who owns it, and what they may. IPC_RMID. 0, -EINVAL, -EPERM. */
int __must_check sysv_set(enum sysv_kind kind, int id, const struct ipc64_perm *perm);
int __must_check sysv_remove(enum sysv_kind kind, int id);
/* The highest index in use, or -1; how many there are. */
int sysv_max_index(enum sysv_kind kind);
u32 sysv_count(enum sysv_kind kind);

/* shmget(2), shmat(2), shmdt(2), shmctl(2), with their errors; addresses and sizes in bytes. */
int __must_check shm_get(s32 key, u64 size, int flags);
int __must_check shm_attach(int id, u64 addr, int flags, u64 *at);
int __must_check shm_detach(u64 addr);
int __must_check shm_stat(int id, enum sysv_look look, struct shmid64_ds *out); /* the ID, or -errno */
int __must_check shm_set_locked(int id, bool locked);
u64 shm_total_pages(u64 *resident);

/* semget(2), semop(2), semctl(2). deadline_ns: of the monotonic clock, UINT64_MAX: none. */
struct sembuf;
int __must_check sem_get(s32 key, int count, int flags);
int __must_check sem_operate(int id, const struct sembuf *ops, u32 count, u64 deadline_ns);
int __must_check sem_stat(int id, enum sysv_look look, struct semid64_ds *out);
int __must_check sem_read(int id, int index, int what); /* GETVAL, GETPID, GETNCNT, GETZCNT */
int __must_check sem_write(int id, int index, int value);
/* All values of the set: `values` has room for its size, which sem_size tells (with the right to read or write). */
int __must_check sem_size(int id, bool for_write);
int __must_check sem_read_all(int id, u16 *values, u32 count);
int __must_check sem_write_all(int id, const u16 *values, u32 count);
u32 sem_total(void);

/* msgget(2), msgsnd(2), msgrcv(2), msgctl(2). */
int __must_check msg_get(s32 key, int flags);
int __must_check msg_send(int id, s64 type, struct uio *text, int flags);
/* Bytes, and the type in *type. `size`: of the caller's buffer. */
ssize_t msg_receive(int id, s64 *type, size_t size, struct uio *text, int flags);
int __must_check msg_stat(int id, enum sysv_look look, struct msqid64_ds *out);
int __must_check msg_set(int id, const struct ipc64_perm *perm, u64 bytes_max);
void msg_totals(u64 *messages, u64 *bytes);

/* The semaphore adjustments of a process that ends (SEM_UNDO). */
void sem_exit(struct process *p);

#endif
