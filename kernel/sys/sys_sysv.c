/* SPDX-License-Identifier: MIT */
/* System V shared memory and message queues: shmget(2), shmop(2), shmctl(2), msgget(2), msgop(2), msgctl(2). */
#include <asm/errno.h>
#include <linux/msg.h>
#include <arch/uaccess.h>
#include <moat/string.h>
#include <moat/syscall.h>
#include <moat/sysv.h>
#include <moat/task.h>

/* From <linux/shm.h>, which asks for <unistd.h>. */
#define SHM_LOCK     11
#define SHM_UNLOCK   12
#define SHM_STAT     13
#define SHM_INFO     14
#define SHM_STAT_ANY 15
#define SHM_HUGETLB  04000

struct shm_info {
	int used_ids;
	u64 shm_tot, shm_rss, shm_swp, swap_attempts, swap_successes;
};

s64 sys_shmget(int key, size_t size, int flags)
{
	if (flags & SHM_HUGETLB)
		unsupported_flag("shmget", "SHM_HUGETLB");
	return shm_get(key, size, flags);
}

s64 sys_shmat(int id, u64 addr, int flags)
{
	u64 at;
	int err = shm_attach(id, addr, flags, &at);

	return err ? err : (s64)at;
}

s64 sys_shmdt(u64 addr)
{
	return shm_detach(addr);
}

static s64 shm_limits(void __user *buf)
{
	const struct shminfo64 info = {
		.shmmax = SHM_BYTES_MAX,
		.shmmin = 1,
		.shmmni = SHM_COUNT_MAX,
		.shmseg = SHM_COUNT_MAX,
		.shmall = SHM_BYTES_MAX,
	};

	return copy_to_user(buf, &info, sizeof(info)) ? -EFAULT : MAX(sysv_max_index(SYSV_SHM), 0);
}

static s64 shm_usage(void __user *buf)
{
	struct shm_info info;

	memset(&info, 0, sizeof(info));
	info.used_ids = (int)sysv_count(SYSV_SHM);
	info.shm_tot = shm_total_pages(&info.shm_rss);
	return copy_to_user(buf, &info, sizeof(info)) ? -EFAULT : MAX(sysv_max_index(SYSV_SHM), 0);
}

static s64 shm_look(int id, enum sysv_look look, void __user *buf)
{
	struct shmid64_ds ds;
	s64 result = shm_stat(id, look, &ds);

	return result >= 0 && copy_to_user(buf, &ds, sizeof(ds)) ? -EFAULT : result;
}

s64 sys_shmctl(int id, int cmd, void __user *buf)
{
	struct shmid64_ds ds;

	if (id < 0 || cmd < 0)
		return -EINVAL;
	switch (cmd) {
	case IPC_INFO:
		return shm_limits(buf);
	case SHM_INFO:
		return shm_usage(buf);
	case IPC_STAT:
		return shm_look(id, LOOK_BY_ID, buf);
	case SHM_STAT:
		return shm_look(id, LOOK_BY_INDEX, buf);
	case SHM_STAT_ANY:
		return shm_look(id, LOOK_BY_INDEX_ANY, buf);
	case IPC_SET:
		return copy_from_user(&ds, buf, sizeof(ds)) ? -EFAULT : sysv_set(SYSV_SHM, id, &ds.shm_perm);
	case IPC_RMID:
		return sysv_remove(SYSV_SHM, id);
	case SHM_LOCK:
	case SHM_UNLOCK:
		return shm_set_locked(id, cmd == SHM_LOCK);
	default:
		return -EINVAL;
	}
}

s64 sys_msgget(int key, int flags)
{
	return msg_get(key, flags);
}

/* struct msgbuf: the type, then the text. */
static void init_text(struct uio *u, u64 msgp, size_t size)
{
	uio_init_user(u, (void __user *)(msgp + sizeof(s64)), size);
}

s64 sys_msgsnd(int id, u64 msgp, size_t size, int flags)
{
	struct uio text;
	s64 type;

	if (copy_from_user(&type, (const void __user *)msgp, sizeof(type)))
		return -EFAULT;
	if (size > MSG_BYTES_MAX || id < 0 || type < 1)
		return -EINVAL;
	init_text(&text, msgp, size);
	return msg_send(id, type, &text, flags);
}

s64 sys_msgrcv(int id, u64 msgp, size_t size, s64 type, int flags)
{
	struct uio text;
	ssize_t n;

	if (id < 0 || (s64)size < 0)
		return -EINVAL;
	init_text(&text, msgp, MIN(size, (size_t)MSG_BYTES_MAX));
	n = msg_receive(id, &type, size, &text, flags);
	if (n >= 0 && copy_to_user((void __user *)msgp, &type, sizeof(type)))
		return -EFAULT;
	return n;
}

static s64 msg_limits(int cmd, void __user *buf)
{
	struct msginfo info;
	u64 messages, bytes;

	memset(&info, 0, sizeof(info));
	info.msgmni = MSG_COUNT_MAX;
	info.msgmax = MSG_BYTES_MAX;
	info.msgmnb = MSG_QUEUE_MAX;
	info.msgssz = MSGSSZ;
	info.msgseg = (unsigned short)MSGSEG;
	info.msgmap = MSGMAP;
	info.msgpool = MSGPOOL;
	info.msgtql = MSGTQL;
	if (cmd == MSG_INFO) {
		msg_totals(&messages, &bytes);
		info.msgpool = (int)sysv_count(SYSV_MSG);
		info.msgmap = (int)messages;
		info.msgtql = (int)bytes;
	}
	return copy_to_user(buf, &info, sizeof(info)) ? -EFAULT : MAX(sysv_max_index(SYSV_MSG), 0);
}

static s64 msg_look(int id, enum sysv_look look, void __user *buf)
{
	struct msqid64_ds ds;
	s64 result = msg_stat(id, look, &ds);

	return result >= 0 && copy_to_user(buf, &ds, sizeof(ds)) ? -EFAULT : result;
}

s64 sys_msgctl(int id, int cmd, void __user *buf)
{
	struct msqid64_ds ds;

	if (id < 0 || cmd < 0)
		return -EINVAL;
	switch (cmd) {
	case IPC_INFO:
	case MSG_INFO:
		return msg_limits(cmd, buf);
	case IPC_STAT:
		return msg_look(id, LOOK_BY_ID, buf);
	case MSG_STAT:
		return msg_look(id, LOOK_BY_INDEX, buf);
	case MSG_STAT_ANY:
		return msg_look(id, LOOK_BY_INDEX_ANY, buf);
	case IPC_SET:
		return copy_from_user(&ds, buf, sizeof(ds)) ? -EFAULT
							    : msg_set(id, &ds.msg_perm, ds.msg_qbytes);
	case IPC_RMID:
		return sysv_remove(SYSV_MSG, id);
	default:
		return -EINVAL;
	}
}
