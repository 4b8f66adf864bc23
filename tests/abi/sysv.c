/* SPDX-License-Identifier: MIT */
/* System V shared memory, semaphores and message queues, by their numbers, errors and effects on other processes. */
#include "abi.h"
#include <signal.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <time.h>

#ifndef SHM_STAT_ANY
#define SHM_STAT_ANY 15
#endif
#ifndef SHM_EXEC
#define SHM_EXEC 0100000
#endif
#ifndef MSG_EXCEPT
#define MSG_EXCEPT 020000
#endif

static int KEY; /* two runs at once must not meet */

/* In a machine of its own a program may leave things behind. */
static int in_moat(void)
{
	return getpid() < 100;
}

static void show_shm(int id)
{
	struct shmid_ds d;

	errno = 0;
	if (shmctl(id, IPC_STAT, &d)) {
		printf("shm: %s\n", abi_error(errno));
		return;
	}
	printf("shm: key %d, mode %o, owner %u %u %u %u, size %zu, attached %lu, times %d %d %d, by %d %d\n",
	       d.shm_perm.__key == KEY, d.shm_perm.mode, d.shm_perm.uid, d.shm_perm.gid, d.shm_perm.cuid,
	       d.shm_perm.cgid, (size_t)d.shm_segsz, (unsigned long)d.shm_nattch, d.shm_atime != 0,
	       d.shm_dtime != 0, d.shm_ctime != 0, d.shm_cpid == getpid(), d.shm_lpid != 0);
}

/* A child, with nothing in the buffer that both would print. */
static pid_t start(void)
{
	fflush(stdout);
	return fork();
}

static int end(void)
{
	int status;

	fflush(stdout);
	wait(&status);
	return status;
}

static void shared_memory(void)
{
	struct shmid_ds d;
	int id, other, status;
	char *a, *b, *place;

	R(shmget(KEY, 100, 0));
	R(shmget(KEY, 0, IPC_CREAT | 0600));
	R(shmget(KEY, -1, IPC_CREAT | 0600));
	id = shmget(KEY, 10000, IPC_CREAT | IPC_EXCL | 0640);
	R(id >= 0);
	R(shmget(KEY, 10000, IPC_CREAT | IPC_EXCL | 0640));
	R(shmget(KEY, 10001, 0));
	R(shmget(KEY, 0, 0) == id);
	R(shmget(KEY, 5000, IPC_CREAT) == id);
	show_shm(id);
	R(shmctl(-1, IPC_STAT, &d));
	R(shmctl(id + 1000, IPC_STAT, &d));
	R(shmctl(id, 99, &d));
	R(shmctl(id, -1, &d));
	R(syscall(SYS_shmctl, id, IPC_STAT, (void *)8));
	P(shmat(-1, NULL, 0));
	P(shmat(id + 1000, NULL, 0));
	P(shmat(id, (void *)0x123456789, 0));
	P(shmat(id, NULL, SHM_REMAP));
	a = P(shmat(id, NULL, 0));
	show_shm(id);
	R(a[0] == 0 && a[9999] == 0 && a[12287] == 0);
	strcpy(a + 5000, "shared");
	b = P(shmat(id, NULL, SHM_RDONLY));
	R(strcmp(b + 5000, "shared"));
	R(mprotect(b, 4096, PROT_READ | PROT_WRITE));
	show_shm(id);
	/* At a place. */
	place = mmap(NULL, 10 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	P(shmat(id, place, 0));
	R(shmat(id, place, SHM_REMAP) == place);
	R(strcmp(place + 5000, "shared"));
	R(shmdt(place + 1));
	R(shmdt(place + PAGE));
	R(shmdt(place) == 0);
	R(msync(place, PAGE, 0));
	R(shmat(id, place + 100, SHM_RND) == place);
	R(shmat(id, place + 100, 0) == (void *)-1);
	R(munmap(place + PAGE, PAGE));
	show_shm(id);
	R(shmdt(place));
	show_shm(id);
	R(shmdt(place));
	/* In a child, which ends with it. */
	fflush(stdout);
	if (start() == 0) {
		show_shm(id);
		strcpy(a + 100, "from child");
		fflush(stdout);
		_exit(0);
	}
	wait(&status);
	R(strcmp(a + 100, "from child"));
	show_shm(id);
	R(shmdt(b));
	R(shmdt(b));
	/* Owner and mode. */
	R(shmctl(id, IPC_STAT, &d));
	d.shm_perm.mode = 0604;
	d.shm_perm.uid = 5;
	R(shmctl(id, IPC_SET, &d));
	show_shm(id);
	R(shmctl(id, SHM_LOCK, NULL));
	show_shm(id);
	R(shmctl(id, SHM_UNLOCK, NULL));
	if (start() == 0) {
		if (setgid(1) || setuid(1))
			_exit(9);
		R(shmget(KEY, 1, 0400) == id);
		R(shmget(KEY, 1, 0600));
		R(shmget(KEY, 1, 0) == id);
		P(shmat(id, NULL, 0));
		P(shmat(id, NULL, SHM_RDONLY));
		R(shmctl(id, IPC_SET, &d));
		R(shmctl(id, IPC_RMID, NULL));
		R(shmctl(id, SHM_LOCK, NULL));
		show_shm(id);
		fflush(stdout);
		_exit(0);
	}
	R(end());
	/* Removed while it is attached. */
	R(shmctl(id, IPC_RMID, NULL));
	show_shm(id);
	R(shmget(KEY, 10000, 0));
	R(strcmp(a + 100, "from child"));
	b = P(shmat(id, NULL, 0));
	R(strcmp(b + 100, "from child"));
	R(shmctl(id, IPC_RMID, NULL));
	R(shmdt(b));
	show_shm(id);
	R(shmdt(a));
	show_shm(id);
	P(shmat(id, NULL, 0));
	/* Private ones are apart, and come back when the last one goes by exit. */
	id = shmget(IPC_PRIVATE, 1 << 20, 0600);
	other = shmget(IPC_PRIVATE, 1, 0600);
	R(id >= 0 && other >= 0 && id != other);
	R(shmctl(other, IPC_RMID, NULL));
	show_shm(other);
	if (start() == 0) {
		a = shmat(id, NULL, SHM_EXEC);
		memset(a, 7, 1 << 20);
		shmctl(id, IPC_RMID, NULL);
		_exit(0);
	}
	R(end());
	show_shm(id);
	/* Left behind. */
	id = shmget(IPC_PRIVATE, 100000, 0600);
	a = shmat(id, NULL, 0);
	memset(a, 1, 100000);
	if (!in_moat())
		shmctl(id, IPC_RMID, NULL);
	fflush(stdout);
	R(execl("/proc/self/exe", "sysv", "attached", NULL));
}

union arg {
	int val;
	struct semid_ds *buf;
	unsigned short *array;
};

static int op(int id, int index, int change, int flags)
{
	struct sembuf s = {(unsigned short)index, (short)change, (short)flags};

	return semop(id, &s, 1);
}

static void show_sem(int id, int count)
{
	for (int i = 0; i < count; i++)
		printf("[%d: %d, by %d, %d %d]", i, semctl(id, i, GETVAL),
		       semctl(id, i, GETPID) == 0	   ? 0
		       : semctl(id, i, GETPID) == getpid() ? 1
							   : 2,
		       semctl(id, i, GETNCNT), semctl(id, i, GETZCNT));
	printf("\n");
}

static void handler(int signal)
{
	(void)signal;
}

static void semaphores(void)
{
	struct sembuf both[3] = {{0, -1, 0}, {1, -1, IPC_NOWAIT}, {0, 3, 0}};
	unsigned short values[3] = {1, 2, 3};
	struct timespec soon = {0, 20000000}, bad = {0, -1};
	struct semid_ds d;
	union arg a;
	int id, status;

	R(semget(KEY, 3, 0));
	R(semget(KEY, -1, IPC_CREAT));
	R(semget(KEY, 0, IPC_CREAT | 0600));
	R(semget(KEY, 32001, IPC_CREAT | 0600));
	id = semget(KEY, 3, IPC_CREAT | IPC_EXCL | 0600);
	R(id >= 0);
	R(semget(KEY, 3, IPC_CREAT | IPC_EXCL));
	R(semget(KEY, 4, 0));
	R(semget(KEY, 0, 0) == id);
	show_sem(id, 3);
	R(op(id, 0, 5, 0));
	R(op(id, 0, -3, 0));
	R(op(id, 0, -3, IPC_NOWAIT));
	R(op(id, 0, 0, IPC_NOWAIT));
	R(op(id, 1, 0, 0));
	R(op(id, 3, 1, 0));
	R(op(id, 0, 32767, 0));
	R(op(-1, 0, 1, 0));
	R(op(id + 999, 0, 1, 0));
	R(semop(id, both, 0));
	R(semop(id, both, 501));
	R(semop(id, (void *)8, 1));
	show_sem(id, 3);
	R(semop(id, both, 3));
	show_sem(id, 3);
	R(op(id, 1, 1, 0));
	R(semop(id, both, 3));
	show_sem(id, 3);
	R(semtimedop(id, &(struct sembuf){1, -1, 0}, 1, &soon));
	R(semtimedop(id, &(struct sembuf){1, -1, 0}, 1, &bad));
	a.val = 7;
	R(semctl(id, 1, SETVAL, a));
	a.val = 32768;
	R(semctl(id, 1, SETVAL, a));
	a.val = -1;
	R(semctl(id, 1, SETVAL, a));
	a.val = 1;
	R(semctl(id, 3, SETVAL, a));
	R(semctl(id, -1, GETVAL));
	R(semctl(id, 3, GETVAL));
	a.array = values;
	R(semctl(id, 99, SETALL, a));
	show_sem(id, 3);
	values[1] = 40000;
	R(semctl(id, 0, SETALL, a));
	R(semctl(id, 0, GETALL, a));
	printf("%u %u %u\n", values[0], values[1], values[2]);
	a.buf = &d;
	R(semctl(id, 0, IPC_STAT, a));
	printf("mode %o, %lu, times %d %d\n", d.sem_perm.mode, (long)d.sem_nsems, d.sem_otime != 0,
	       d.sem_ctime != 0);
	d.sem_perm.mode = 0642;
	R(semctl(id, 0, IPC_SET, a));
	R(semctl(id, 0, 99, a));
	/* Undone when a process ends, but not across a value that was set. */
	fflush(stdout);
	if (start() == 0) {
		op(id, 0, -1, SEM_UNDO);
		op(id, 1, 5, SEM_UNDO);
		op(id, 2, -3, SEM_UNDO);
		a.val = 10;
		semctl(id, 2, SETVAL, a);
		show_sem(id, 3);
		fflush(stdout);
		_exit(0);
	}
	R(end());
	show_sem(id, 3);
	if (start() == 0) {
		if (setgid(1) || setuid(1))
			_exit(9);
		R(op(id, 0, 1, 0));
		R(op(id, 0, 0, IPC_NOWAIT));
		a.val = 1;
		R(semctl(id, 0, SETVAL, a));
		R(semctl(id, 0, GETVAL));
		R(semctl(id, 0, IPC_RMID));
		fflush(stdout);
		_exit(0);
	}
	R(end());
	/* Somebody waits: for a value, for zero, in vain. */
	a.array = values;
	values[0] = values[1] = values[2] = 1;
	R(semctl(id, 0, SETALL, a));
	fflush(stdout);
	if (start() == 0)
		_exit(op(id, 0, -3, 0) ? errno : 0);
	usleep(50000);
	show_sem(id, 1);
	R(op(id, 0, 1, 0));
	usleep(20000);
	show_sem(id, 1);
	R(op(id, 0, 2, 0));
	R(end());
	show_sem(id, 1);
	if (start() == 0)
		_exit(op(id, 0, 0, 0) ? errno : 0);
	usleep(50000);
	show_sem(id, 1);
	R(op(id, 0, -1, 0));
	R(end());
	signal(SIGUSR1, handler);
	fflush(stdout);
	status = start();
	if (status == 0)
		_exit(op(id, 0, -1, 0) == -1 && errno == EINTR ? 0 : 1);
	usleep(50000);
	R(kill(status, SIGUSR1));
	R(end());
	show_sem(id, 1);
	if (start() == 0)
		_exit(op(id, 0, -1, 0) == -1 && errno == EIDRM ? 0 : 1);
	usleep(50000);
	R(semctl(id, 0, IPC_RMID));
	R(end());
	R(op(id, 0, 1, 0));
	R(semctl(id, 0, IPC_RMID));
	/* Many who take turns. */
	id = semget(IPC_PRIVATE, 2, 0600);
	op(id, 0, 1, 0);
	fflush(stdout);
	for (int i = 0; i < 4; i++) {
		if (start() == 0) {
			for (int k = 0; k < 50; k++) {
				if (op(id, 0, -1, SEM_UNDO) || op(id, 1, 1, 0) || op(id, 0, 1, SEM_UNDO))
					_exit(1);
			}
			_exit(0);
		}
	}
	for (int i = 0; i < 4; i++)
		R(end());
	show_sem(id, 2);
	if (!in_moat())
		semctl(id, 0, IPC_RMID);
}

struct text {
	long type;
	char text[10000];
};

static void send(int id, long type, const char *text, int flags)
{
	struct text t = {.type = type};
	int n;

	strcpy(t.text, text);
	errno = 0;
	n = msgsnd(id, &t, strlen(text), flags);
	printf("send %ld %s: %d %s\n", type, text, n, n ? abi_error(errno) : "");
}

static void receive(int id, size_t size, long type, int flags)
{
	struct text t = {0};
	long n;

	errno = 0;
	n = msgrcv(id, &t, size, type, flags);
	if (n < 0)
		printf("receive %ld: %s\n", type, abi_error(errno));
	else
		printf("receive %ld: %ld, type %ld, %s\n", type, n, t.type, t.text);
}

static void show_msg(int id)
{
	struct msqid_ds d;

	errno = 0;
	if (msgctl(id, IPC_STAT, &d)) {
		printf("msg: %s\n", abi_error(errno));
		return;
	}
	printf("msg: mode %o, %lu messages, %lu bytes of %lu, times %d %d %d, by %d %d\n", d.msg_perm.mode,
	       (long)d.msg_qnum, (long)d.__msg_cbytes, (long)d.msg_qbytes, d.msg_stime != 0, d.msg_rtime != 0,
	       d.msg_ctime != 0, d.msg_lspid != 0, d.msg_lrpid != 0);
}

static void messages(void)
{
	static struct text big;
	struct msqid_ds d;
	int id, n = 0;

	R(msgget(KEY, 0));
	id = msgget(KEY, IPC_CREAT | 0600);
	R(id >= 0);
	R(msgget(KEY, IPC_CREAT | IPC_EXCL));
	R(msgget(KEY, 0) == id);
	show_msg(id);
	receive(id, 10, 0, IPC_NOWAIT);
	send(id, 0, "zero", 0);
	send(id, -1, "minus", 0);
	send(id, 3, "three", 0);
	send(id, 1, "one", 0);
	send(id, 2, "two", 0);
	send(id, 1, "uno", 0);
	send(id, 5, "", 0);
	show_msg(id);
	receive(id, 4, 3, 0);
	receive(id, 4, 3, MSG_NOERROR);
	receive(id, 10, -2, 0);
	receive(id, 10, 1, MSG_EXCEPT);
	receive(id, 10, 7, IPC_NOWAIT);
	receive(id, 10, -1, 0);
	receive(id, 10, -1, IPC_NOWAIT);
	receive(id, 0, 0, 0);
	show_msg(id);
	big.type = 1;
	R(msgsnd(id, &big, 8193, 0));
	R(msgsnd(id, &big, -1, 0));
	R(msgsnd(id, (void *)8, 1, 0));
	R(msgsnd(-1, &big, 1, 0));
	R(msgsnd(id + 999, &big, 1, 0));
	R(msgrcv(id, &big, -1, 0, 0));
	R(msgrcv(-1, &big, 1, 0, 0));
	R(msgrcv(id + 999, &big, 1, 0, 0));
	while (msgsnd(id, &big, 1000, IPC_NOWAIT) == 0)
		n++;
	R(n);
	R(errno == EAGAIN);
	show_msg(id);
	R(msgctl(id, IPC_STAT, &d));
	d.msg_qbytes = 1000;
	d.msg_perm.mode = 0604;
	R(msgctl(id, IPC_SET, &d));
	show_msg(id);
	for (int i = 0; i < 15; i++)
		msgrcv(id, &big, 10000, 0, 0);
	R(msgsnd(id, &big, 1, IPC_NOWAIT));
	R(msgrcv(id, &big, 10000, 0, 0));
	R(msgsnd(id, &big, 1001, IPC_NOWAIT));
	R(msgsnd(id, &big, 1000, IPC_NOWAIT));
	R(msgctl(id, 99, &d));
	fflush(stdout);
	if (start() == 0) {
		if (setgid(1) || setuid(1))
			_exit(9);
		send(id, 1, "x", IPC_NOWAIT);
		receive(id, 1, 1, MSG_NOERROR);
		R(msgctl(id, IPC_SET, &d));
		R(msgctl(id, IPC_RMID, NULL));
		fflush(stdout);
		_exit(0);
	}
	R(end());
	/* Waiting for a message, for room, in vain. */
	if (start() == 0) {
		for (int i = 0; i < 20; i++) {
			if (msgsnd(id, &big, 400, 0))
				_exit(1);
		}
		_exit(0);
	}
	for (n = 0; n < 20 && msgrcv(id, &big, 400, 0, 0) == 400; n++)
		;
	R(n);
	R(end());
	fflush(stdout);
	if (start() == 0)
		_exit(msgrcv(id, &big, 400, 9, 0) == -1 && errno == EIDRM ? 0 : 1);
	usleep(50000);
	R(msgctl(id, IPC_RMID, NULL));
	R(end());
	R(msgctl(id, IPC_RMID, NULL));
	send(id, 1, "x", 0);
	/* Left behind with a message in it. */
	id = msgget(IPC_PRIVATE, 0600);
	send(id, 1, "left", 0);
	if (!in_moat())
		msgctl(id, IPC_RMID, NULL);
}

int main(int argc, char **argv)
{
	(void)argv;
	if (argc > 1) {
		printf("executed\n");
		return 0;
	}
	KEY = 0x51000000 + getpid();
	messages();
	semaphores();
	shared_memory();
	return 0;
}
