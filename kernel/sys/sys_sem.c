/* SPDX-License-Identifier: MIT */
/* System V semaphores: semget(2), semop(2), semctl(2). */
#include <asm/errno.h>
#include <linux/sem.h>
#include <arch/uaccess.h>
#include <moat/heap.h>
#include <moat/string.h>
#include <moat/sysv.h>
#include "sys_poll.h"

s64 sys_semget(int key, int count, int flags)
{
	return sem_get(key, count, flags);
}

s64 sys_semtimedop(int id, const void __user *ops, size_t count,
		   const struct __kernel_timespec __user *timeout)
{
	struct sembuf *copy;
	u64 deadline;
	s64 err = poll_deadline(timeout, &deadline);

	if (err)
		return err;
	if (count < 1 || id < 0)
		return -EINVAL;
	if (count > SEM_OPS_MAX)
		return -E2BIG;
	copy = kcalloc(count, sizeof(*copy));
	if (!copy)
		return -ENOMEM;
	if (copy_from_user(copy, ops, count * sizeof(*copy)))
		err = -EFAULT;
	else
		err = sem_operate(id, copy, (u32)count, deadline);
	kfree(copy);
	return err;
}

s64 sys_semop(int id, const void __user *ops, size_t count)
{
	return sys_semtimedop(id, ops, count, NULL);
}

static s64 limits(int cmd, void __user *buf)
{
	struct seminfo info;

	memset(&info, 0, sizeof(info));
	info.semmni = SEM_SETS_MAX;
	info.semmns = SEM_ALL_MAX;
	info.semmsl = SEM_IN_SET_MAX;
	info.semopm = SEM_OPS_MAX;
	info.semvmx = SEM_VALUE_MAX;
	info.semmnu = SEMMNU;
	info.semmap = SEMMAP;
	info.semume = SEMUME;
	info.semusz = cmd == SEM_INFO ? (int)sysv_count(SYSV_SEM) : SEMUSZ;
	info.semaem = cmd == SEM_INFO ? (int)sem_total() : SEMAEM;
	return copy_to_user(buf, &info, sizeof(info)) ? -EFAULT : MAX(sysv_max_index(SYSV_SEM), 0);
}

static s64 look(int id, enum sysv_look how, void __user *buf)
{
	struct semid64_ds ds;
	s64 result = sem_stat(id, how, &ds);

	return result >= 0 && copy_to_user(buf, &ds, sizeof(ds)) ? -EFAULT : result;
}

/* GETALL, SETALL: an array with a place for each semaphore. */
static s64 all_values(int id, int cmd, u16 __user *array)
{
	s64 count = sem_size(id, cmd == SETALL), err;
	u16 *values;

	if (count < 0)
		return count;
	values = kcalloc((size_t)count, sizeof(*values));
	if (!values)
		return -ENOMEM;
	if (cmd == SETALL) {
		err = copy_from_user(values, array, (size_t)count * sizeof(*values))
			      ? -EFAULT
			      : sem_write_all(id, values, (u32)count);
	} else {
		err = sem_read_all(id, values, (u32)count);
		if (!err && copy_to_user(array, values, (size_t)count * sizeof(*values)))
			err = -EFAULT;
	}
	kfree(values);
	return err;
}

s64 sys_semctl(int id, int index, int cmd, u64 arg)
{
	void __user *buf = (void __user *)arg;
	struct semid64_ds ds;

	if (id < 0)
		return -EINVAL;
	switch (cmd) {
	case IPC_INFO:
	case SEM_INFO:
		return limits(cmd, buf);
	case IPC_STAT:
		return look(id, LOOK_BY_ID, buf);
	case SEM_STAT:
		return look(id, LOOK_BY_INDEX, buf);
	case SEM_STAT_ANY:
		return look(id, LOOK_BY_INDEX_ANY, buf);
	case GETALL:
	case SETALL:
		return all_values(id, cmd, buf);
	case GETVAL:
	case GETPID:
	case GETNCNT:
	case GETZCNT:
		return sem_read(id, index, cmd);
	case SETVAL:
		return sem_write(id, index, (int)arg);
	case IPC_SET:
		return copy_from_user(&ds, buf, sizeof(ds)) ? -EFAULT : sysv_set(SYSV_SEM, id, &ds.sem_perm);
	case IPC_RMID:
		return sysv_remove(SYSV_SEM, id);
	default:
		return -EINVAL;
	}
}
