/* SPDX-License-Identifier: MIT */
/* Threads by the C library: creation, TLS, locks, conditions, cancellation, ends of threads and of their process. */
#include "abi.h"
#include <dirent.h>
#include <pthread.h>
#include <semaphore.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#define THREADS 8

static __thread int own = 7;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turn_changed = PTHREAD_COND_INITIALIZER;
static long counter;
static int turn;

/* Runs fn in a child and prints how it ended. */
static void in_child(const char *name, void (*fn)(void))
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		fn();
		_exit(99);
	}
	waitpid(pid, &status, 0);
	printf("%s: exited %d status %d signal %d\n", name, WIFEXITED(status),
	       WIFEXITED(status) ? WEXITSTATUS(status) : 0, WIFSIGNALED(status) ? WTERMSIG(status) : 0);
}

static void *add(void *arg)
{
	for (int i = 0; i < 5000; i++) {
		pthread_mutex_lock(&lock);
		counter++;
		pthread_mutex_unlock(&lock);
	}
	own += (int)(long)arg;
	return (void *)(long)own;
}

static void joining(void)
{
	pthread_t t[THREADS];
	void *result;

	for (long i = 0; i < THREADS; i++)
		R(pthread_create(&t[i], NULL, add, (void *)i));
	for (int i = 0; i < THREADS; i++) {
		R(pthread_join(t[i], &result));
		R((long)result);
	}
	R(counter);
	R(own);
}

static void *player(void *arg)
{
	int me = (int)(long)arg;

	for (int i = 0; i < 500; i++) {
		pthread_mutex_lock(&lock);
		while (turn != me)
			pthread_cond_wait(&turn_changed, &lock);
		turn = !me;
		pthread_cond_broadcast(&turn_changed);
		pthread_mutex_unlock(&lock);
	}
	return NULL;
}

static void conditions(void)
{
	struct timespec until;
	pthread_t a, b;

	R(pthread_create(&a, NULL, player, (void *)0));
	R(pthread_create(&b, NULL, player, (void *)1));
	R(pthread_join(a, NULL));
	R(pthread_join(b, NULL));
	R(turn);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += 20000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	pthread_mutex_lock(&lock);
	R(pthread_cond_timedwait(&turn_changed, &lock, &until) == ETIMEDOUT);
	R(pthread_mutex_timedlock(&lock, &until) == ETIMEDOUT);
	pthread_mutex_unlock(&lock);
}

static sem_t sem;
static pthread_barrier_t barrier;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static int serial;

static void *meets(void *arg)
{
	(void)arg;
	if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD)
		__atomic_add_fetch(&serial, 1, __ATOMIC_SEQ_CST);
	pthread_rwlock_rdlock(&rwlock);
	pthread_rwlock_unlock(&rwlock);
	pthread_rwlock_wrlock(&rwlock);
	counter++;
	pthread_rwlock_unlock(&rwlock);
	sem_post(&sem);
	return NULL;
}

static void meeting(void)
{
	pthread_t t[THREADS];

	counter = 0;
	R(sem_init(&sem, 0, 0));
	R(pthread_barrier_init(&barrier, NULL, THREADS));
	for (int i = 0; i < THREADS; i++)
		R(pthread_create(&t[i], NULL, meets, NULL));
	for (int i = 0; i < THREADS; i++)
		sem_wait(&sem);
	R(serial);
	R(counter);
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	R(sem_trywait(&sem));
}

static void cleanup(void *arg)
{
	*(int *)arg += 1;
}

static int cleaned;

static void *sleeps_for_ever(void *arg)
{
	(void)arg;
	pthread_cleanup_push(cleanup, &cleaned);
	sem_post(&sem);
	for (;;)
		pause();
	pthread_cleanup_pop(0);
	return NULL;
}

static void cancelling(void)
{
	pthread_t t;
	void *result;

	R(pthread_create(&t, NULL, sleeps_for_ever, NULL));
	sem_wait(&sem);
	R(pthread_cancel(t));
	R(pthread_join(t, &result));
	R(result == PTHREAD_CANCELED);
	R(cleaned);
}

static void *exits_group(void *arg)
{
	(void)arg;
	exit(7);
}

static void *faults(void *arg)
{
	*(volatile int *)arg = 1;
	return NULL;
}

static void start(void *(*fn)(void *), void *arg)
{
	pthread_t t;

	pthread_create(&t, NULL, fn, arg);
}

static void thread_exits_process(void)
{
	start(exits_group, NULL);
	for (;;)
		pause();
}

static void thread_faults(void)
{
	start(faults, (void *)16);
	for (;;)
		pause();
}

static void *ends_last(void *arg)
{
	(void)arg;
	usleep(20000);
	/* The first thread has gone; its number still names the process. */
	_exit(kill(getpid(), 0) == 0 && syscall(SYS_gettid) != getpid() ? 5 : 6);
}

static void main_thread_first(void)
{
	start(ends_last, NULL);
	pthread_exit(NULL);
}

static void *just_ends(void *arg)
{
	(void)arg;
	usleep(20000);
	return NULL;
}

static void all_return(void)
{
	start(just_ends, NULL);
	start(just_ends, NULL);
	syscall(SYS_exit, 3);
}

static void killed_by_parent(void)
{
	start(sleeps_for_ever, NULL);
	sem_wait(&sem);
	kill(getpid(), SIGTERM);
	for (;;)
		pause();
}

static void *executes(void *arg)
{
	char pid[16];

	(void)arg;
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	execl("/proc/self/exe", "threads", "executed", pid, (char *)NULL);
	_exit(98);
}

static void thread_executes(void)
{
	start(sleeps_for_ever, NULL);
	start(sleeps_for_ever, NULL);
	sem_wait(&sem);
	start(executes, NULL);
	for (;;)
		pause();
}

static void *executes_later(void *arg)
{
	char pid[16];

	usleep(20000);
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	execl(arg, "threads", "executed", pid, (char *)NULL);
	_exit(98);
}

/* The first thread is gone by then; who executes becomes it. */
static void last_thread_executes(void)
{
	static char self[256];

	R(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	start(executes_later, self);
	pthread_exit(NULL);
}

static int count_tasks(void)
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *e;
	int n = 0;

	while ((e = readdir(dir)))
		n += e->d_name[0] != '.';
	closedir(dir);
	return n;
}

static pid_t other_tid;
static char seen[64];

static void *names_itself(void *arg)
{
	char name[16] = "";

	(void)arg;
	other_tid = (pid_t)syscall(SYS_gettid);
	prctl(PR_SET_NAME, "second");
	prctl(PR_GET_NAME, name);
	snprintf(seen, sizeof(seen), "%s, tid is pid: %d", name, other_tid == getpid());
	sem_post(&sem);
	while (!__atomic_load_n(&turn, __ATOMIC_SEQ_CST))
		sched_yield();
	return NULL;
}

static void print_comm(pid_t tid)
{
	char path[64], text[32] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%d/comm", tid);
	fd = open(path, O_RDONLY);
	read(fd, text, sizeof(text) - 1);
	close(fd);
	printf("comm: %s", text);
}

static void in_proc(void)
{
	pthread_t t;

	turn = 0;
	R(count_tasks());
	R(pthread_create(&t, NULL, names_itself, NULL));
	sem_wait(&sem);
	printf("in the thread: %s\n", seen);
	R(count_tasks());
	prctl(PR_SET_NAME, "first");
	print_comm(getpid());
	print_comm(other_tid);
	R(syscall(SYS_tgkill, getpid(), other_tid, 0));
	R(syscall(SYS_tgkill, 1 << 22, other_tid, 0));
	R(syscall(SYS_tkill, other_tid, 0));
	R(kill(other_tid, 0));
	R(getpgid(other_tid) == getpgid(0));
	__atomic_store_n(&turn, 1, __ATOMIC_SEQ_CST);
	pthread_join(t, NULL);
	R(count_tasks());
	R(syscall(SYS_tkill, other_tid, 0));
}

static int naps_first(void *arg)
{
	struct timespec ts = {.tv_nsec = 20000000};

	syscall(SYS_nanosleep, &ts, NULL);
	*(volatile int *)arg = 1;
	return 0;
}

/* Who makes a thread with CLONE_VFORK goes on when that one has ended. */
static void waiting_maker(void)
{
	static _Alignas(16) char stack[65536];
	volatile int napped = 0;

	R(clone(naps_first, stack + sizeof(stack),
		CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_VFORK,
		(void *)&napped) > 0);
	R(napped);
}

static pthread_mutex_t robust;

static void *dies_with_lock(void *arg)
{
	(void)arg;
	pthread_mutex_lock(&robust);
	return NULL;
}

static void robust_locks(int protocol)
{
	pthread_mutexattr_t a;
	pthread_t t;

	R(pthread_mutexattr_init(&a));
	R(pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST));
	if (protocol != PTHREAD_PRIO_NONE)
		R(pthread_mutexattr_setprotocol(&a, protocol));
	R(pthread_mutex_init(&robust, &a));
	R(pthread_create(&t, NULL, dies_with_lock, NULL));
	R(pthread_join(t, NULL));
	R(pthread_mutex_lock(&robust) == EOWNERDEAD);
	R(pthread_mutex_consistent(&robust));
	R(pthread_mutex_unlock(&robust));
	R(pthread_mutex_lock(&robust));
	R(pthread_mutex_unlock(&robust));
	R(pthread_create(&t, NULL, dies_with_lock, NULL));
	R(pthread_join(t, NULL));
	R(pthread_mutex_lock(&robust) == EOWNERDEAD);
	R(pthread_mutex_unlock(&robust));
	R(pthread_mutex_lock(&robust) == ENOTRECOVERABLE);
}

static pthread_mutex_t inheriting;

static void *adds_inheriting(void *arg)
{
	(void)arg;
	for (int i = 0; i < 500; i++) {
		pthread_mutex_lock(&inheriting);
		counter++;
		if (i % 50 == 0)
			usleep(100);
		pthread_mutex_unlock(&inheriting);
	}
	return NULL;
}

static void priority_inheritance(void)
{
	pthread_mutexattr_t a;
	pthread_t t[3];

	counter = 0;
	R(pthread_mutexattr_init(&a));
	R(pthread_mutexattr_setprotocol(&a, PTHREAD_PRIO_INHERIT));
	R(pthread_mutex_init(&inheriting, &a));
	for (int i = 0; i < 3; i++)
		R(pthread_create(&t[i], NULL, adds_inheriting, NULL));
	for (int i = 0; i < 3; i++)
		R(pthread_join(t[i], NULL));
	R(counter);
}

/* Threads end while others are being made. */
static void *adds_a_few(void *arg)
{
	for (int i = 0; i < 3; i++) {
		pthread_mutex_lock(&inheriting);
		counter++;
		pthread_mutex_unlock(&inheriting);
	}
	return arg;
}

static void comings_and_goings(void)
{
	pthread_t t[4];

	counter = 0;
	for (int round = 0; round < 100; round++) {
		for (int i = 0; i < 4; i++)
			pthread_create(&t[i], NULL, adds_a_few, NULL);
		for (int i = 0; i < 4; i++)
			pthread_join(t[i], NULL);
	}
	R(counter);
}

int main(int argc, char **argv)
{
	if (argc > 2 && !strcmp(argv[1], "executed")) {
		printf("executed: same process %d, one thread %d, tid is pid %d\n", atoi(argv[2]) == getpid(),
		       count_tasks(), syscall(SYS_gettid) == getpid());
		return 0;
	}
	joining();
	conditions();
	meeting();
	cancelling();
	in_proc();
	waiting_maker();
	robust_locks(PTHREAD_PRIO_NONE);
	priority_inheritance();
	comings_and_goings();
	in_child("a thread exits", thread_exits_process);
	in_child("a thread faults", thread_faults);
	in_child("the first thread ends first", main_thread_first);
	in_child("all threads end", all_return);
	in_child("killed", killed_by_parent);
	in_child("a thread executes", thread_executes);
	in_child("the last thread executes", last_thread_executes);
	return 0;
}
