/* SPDX-License-Identifier: MIT */
/* process_vm_readv(2), process_vm_writev(2), and membarrier(2). */
#include <linux/membarrier.h>
#include <linux/uio.h>
#include <arch/cpu.h>
#include <arch/smp.h>
#include <arch/uaccess.h>
#include <moat/heap.h>
#include "sys_fs.h"

/* An array of pieces from user space, in *out (heap; NULL when there are none). */
static int get_pieces(const struct iovec __user *iov, size_t count, struct uio_seg **out)
{
	*out = NULL;
	if (count > UIO_MAXIOV)
		return -EINVAL;
	if (count == 0)
		return 0;
	*out = kcalloc(count, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	if (copy_from_user(*out, iov, count * sizeof(**out)))
		return -EFAULT;
	for (size_t i = 0; i < count; i++) {
		if ((*out)[i].len > INT64_MAX)
			return -EINVAL;
	}
	return 0;
}

static s64 move_all(int pid, struct uio *local, const struct uio_seg *remote, size_t count, unsigned flags)
{
	struct aspace *as;
	s64 done = 0, n = 0;
	size_t total = 0;
	int err;

	for (size_t i = 0; i < count; i++)
		total |= remote[i].len;
	if (total == 0)
		return 0;
	err = process_peek(pid, &as);
	if (err)
		return err;
	for (size_t i = 0; i < count && local->left > 0; i++) {
		size_t want = MIN(remote[i].len, local->left);

		n = aspace_access(as, remote[i].base, want, local, flags);
		if (n > 0)
			done += n;
		if (n < 0 || (size_t)n < want)
			break;
	}
	aspace_put(as);
	return done ? done : n;
}

static s64 process_vm(int pid, const struct iovec __user *lvec, size_t lcount,
		      const struct iovec __user *rvec, size_t rcount, unsigned flags)
{
	struct uio_seg *local, *remote = NULL;
	struct uio u;
	s64 result = get_pieces(lvec, lcount, &local);

	if (!result)
		result = sys_check_segs(local, (unsigned)lcount);
	if (!result) {
		uio_init_user_segs(&u, local, (unsigned)lcount);
		if (u.left > 0) {
			result = get_pieces(rvec, rcount, &remote);
			if (!result)
				result = move_all(pid, &u, remote, rcount, flags);
		}
	}
	kfree(remote);
	kfree(local);
	return result;
}

s64 sys_process_vm_readv(int pid, const struct iovec __user *lvec, size_t liovcnt,
			 const struct iovec __user *rvec, size_t riovcnt, u64 flags)
{
	return flags ? -EINVAL : process_vm(pid, lvec, liovcnt, rvec, riovcnt, 0);
}

s64 sys_process_vm_writev(int pid, const struct iovec __user *lvec, size_t liovcnt,
			  const struct iovec __user *rvec, size_t riovcnt, u64 flags)
{
	return flags ? -EINVAL : process_vm(pid, lvec, liovcnt, rvec, riovcnt, ACCESS_WRITE);
}

/* Newer than some headers. */
#define GET_REGISTRATIONS (1 << 9)

#define REGISTRATIONS                                                                           \
	(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED | MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED | \
	 MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE |                                  \
	 MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ)
#define PRIVATE                                                                          \
	(MEMBARRIER_CMD_PRIVATE_EXPEDITED | MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE | \
	 MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ)
#define GLOBAL (MEMBARRIER_CMD_GLOBAL | MEMBARRIER_CMD_GLOBAL_EXPEDITED)

/*
 * The process's bits: each command that it registered for, and its registration; any private registration shows as the
 * plain one too, though it allows only its own command. As Linux's.
 */
static s64 register_barrier(struct aspace *as, u32 registration)
{
	u32 bits = registration | registration >> 1;

	if (registration != MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED)
		bits |= MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED;
	__atomic_fetch_or(&as->barriers, bits, __ATOMIC_SEQ_CST);
	return 0;
}

/*
 * All commands are done as the expedited ones are, at once, by an interrupt to the CPUs concerned. Threads that do not run pass
 * a barrier before they do. For restartable sequences each CPU is also made to look whether it stands in one; it does so
 * before it runs another instruction of the program.
 */
static void barrier(struct aspace *as, u32 cmd)
{
	if (cmd == MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ) {
		for (u32 cpu = 0; cpu < cpu_count(); cpu++)
			if (cpu != cpu_id())
				cpu_send_reschedule(cpu);
	}
	pmap_barrier(cmd & GLOBAL ? NULL : &as->pmap);
}

s64 sys_membarrier(int cmd, u32 flags, int cpu_id)
{
	struct aspace *as = current_process()->aspace;
	const u32 registered = __atomic_load_n(&as->barriers, __ATOMIC_SEQ_CST);

	(void)cpu_id; /* MEMBARRIER_CMD_FLAG_CPU asks for less than all CPUs */
	if (flags & ~(u32)(cmd == MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ ? MEMBARRIER_CMD_FLAG_CPU : 0))
		return -EINVAL;
	if (cmd == MEMBARRIER_CMD_QUERY)
		return GLOBAL | PRIVATE | REGISTRATIONS | GET_REGISTRATIONS;
	if (cmd == GET_REGISTRATIONS)
		return registered & REGISTRATIONS;
	if (cmd < 0 || (cmd & (cmd - 1)) || !(cmd & (GLOBAL | PRIVATE | REGISTRATIONS)))
		return -EINVAL;
	if (cmd & REGISTRATIONS)
		return register_barrier(as, (u32)cmd);
	if ((cmd & PRIVATE) && !(registered & (u32)cmd))
		return -EPERM;
	barrier(as, (u32)cmd);
	return 0;
}
