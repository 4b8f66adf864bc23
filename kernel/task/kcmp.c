/* SPDX-License-Identifier: MIT */
/*
 * kcmp(2): do two threads have the same memory, files, …? Programs that save and restore others ask. Where the answer is no,
 * it gives an order, so that many can be sorted; it is that of the addresses after they were mixed with random numbers, which
 * tells nothing of where things are.
 *
 * Lock: the table's, for a look at both at once.
 */
#include <asm/errno.h>
#include <moat/epoll.h>
#include <moat/random.h>
#include "table.h"

static int compare(const void *a, const void *b)
{
	static u64 mask, factor; /* [a] drawn once */
	u64 none = 0, x = (u64)(uintptr_t)a, y = (u64)(uintptr_t)b;

	if (a == b)
		return 0;
	if (!__atomic_load_n(&factor, __ATOMIC_ACQUIRE)) {
		(void)__atomic_compare_exchange_n(&mask, &none, random_u64() | 1, false, __ATOMIC_SEQ_CST,
						  __ATOMIC_RELAXED);
		none = 0;
		(void)__atomic_compare_exchange_n(&factor, &none, random_u64() | 1, false, __ATOMIC_SEQ_CST,
						  __ATOMIC_RELAXED);
	}
	/* Both steps can be undone, so two that differ stay different. */
	x = (x ^ mask) * factor;
	y = (y ^ mask) * factor;
	return x < y ? 1 : 2;
}

/* t stays NULL for a process whose first thread has ended. Table locked. */
static int find(int tid, struct process **p, struct thread **t)
{
	*p = tid > 0 ? table_find(tid) : NULL;
	*t = tid > 0 ? table_find_thread(tid) : NULL;
	return *p ? 0 : -ESRCH;
}

/* Both, if the current process may look into them. Table locked. */
static int find_both(const int tids[2], struct process *p[2], struct thread *t[2])
{
	int err = find(tids[0], &p[0], &t[0]);

	if (!err)
		err = find(tids[1], &p[1], &t[1]);
	if (!err && !(process_may_peek(p[0]) && process_may_peek(p[1])))
		err = -EPERM;
	return err;
}

static const void *part_of(const struct process *p, const struct thread *t, enum task_part part)
{
	switch (part) {
	case PART_MEMORY:
		return p->aspace;
	case PART_FILES:
		return t ? t->files : NULL;
	case PART_FS:
		return t ? t->fs : NULL;
	case PART_ACTIONS:
		return t ? p->signals.hand : NULL;
	default:
		return NULL;
	}
}

int task_compare(const int tids[2], enum task_part part)
{
	struct process *p[2];
	struct thread *t[2];
	u64 irq = table_lock();
	int result = find_both(tids, p, t);

	if (!result)
		result = compare(part_of(p[0], t[0], part), part_of(p[1], t[1], part));
	table_unlock(irq);
	return result;
}

/* The file behind a descriptor of each, with references, or NULL. */
static int get_files(const int tids[2], const int fds[2], struct file *files[2])
{
	struct fd_table *tables[2] = {NULL, NULL};
	struct process *p[2];
	struct thread *t[2];
	u64 irq = table_lock();
	int err = find_both(tids, p, t);

	for (int i = 0; i < 2 && !err; i++) {
		tables[i] = t[i] ? t[i]->files : NULL;
		if (tables[i])
			fd_table_get(tables[i]);
	}
	table_unlock(irq);
	for (int i = 0; i < 2; i++) {
		files[i] = tables[i] ? fd_get_path(tables[i], fds[i]) : NULL;
		fd_table_put(tables[i]);
	}
	return err;
}

static void put_files(struct file *const files[2])
{
	for (int i = 0; i < 2; i++) {
		if (files[i])
			file_put(files[i]);
	}
}

int task_compare_files(const int tids[2], const int fds[2])
{
	struct file *files[2];
	int result = get_files(tids, fds, files);

	if (!result)
		result = files[0] && files[1] ? compare(files[0], files[1]) : -EBADF;
	put_files(files);
	return result;
}

int task_compare_watched(const int tids[2], int fd, int efd, int tfd, u32 index)
{
	const struct file *watched;
	struct file *files[2];
	int result = get_files(tids, (const int[]){fd, efd}, files);

	if (!result)
		result = files[0] && files[1] ? epoll_watched_file(files[1], tfd, index, &watched) : -EBADF;
	if (!result)
		result = compare(files[0], watched);
	put_files(files);
	return result;
}
