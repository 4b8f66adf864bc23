/* SPDX-License-Identifier: MIT */
/*
 * Restartable sequences (<linux/rseq.h>, rseq(2)): a thread names a short piece of code that must not be interrupted, and
 * is sent to that piece's abort address when it was. Interrupted means: it lost the CPU, or a signal came; both pass
 * through user_return_work, which calls rseq_resume first.
 *
 * The structure is the program's: each field is read once, and a bad one is answered with SIGSEGV as Linux does.
 */
#include <asm/errno.h>
#include <linux/rseq.h>
#include <arch/cpu.h>
#include <arch/trap.h>
#include <arch/uaccess.h>
#include <moat/task.h>

#define RSEQ_BYTES 32u /* the original size; larger structures come with later Linux */

static int publish_cpu(u64 rseq, u32 cpu_id_start, u32 id)
{
	u32 fields[2] = {cpu_id_start, id};

	return copy_to_user((void __user *)rseq, fields, sizeof(fields)) ? -EFAULT : 0;
}

int rseq_register(struct thread *t, u64 addr, u32 len, u32 flags, u32 signature)
{
	if (flags & ~(u32)RSEQ_FLAG_UNREGISTER)
		return -EINVAL;
	if (flags & RSEQ_FLAG_UNREGISTER) {
		if (!t->rseq || t->rseq != addr || len != RSEQ_BYTES)
			return -EINVAL;
		if (t->rseq_signature != signature)
			return -EPERM;
		t->rseq = 0;
		return publish_cpu(addr, 0, (u32)RSEQ_CPU_ID_UNINITIALIZED);
	}
	if (t->rseq) {
		if (t->rseq != addr || len != RSEQ_BYTES)
			return -EINVAL;
		return t->rseq_signature == signature ? -EBUSY : -EPERM;
	}
	if (!IS_ALIGNED(addr, RSEQ_BYTES) || len != RSEQ_BYTES)
		return -EINVAL;
	if (validate_user_pointer((void __user *)addr, len, USER_WRITE))
		return -EFAULT;
	t->rseq = addr;
	t->rseq_signature = signature;
	request_user_work();
	return 0;
}

static int put_descriptor(u64 rseq, u64 descriptor)
{
	void __user *to = (void __user *)(rseq + offsetof(struct rseq, rseq_cs));

	return copy_to_user(to, &descriptor, sizeof(descriptor)) ? -EFAULT : 0;
}

/* Sends f to the abort address if it stands inside the sequence that `descriptor` names. */
static int leave_sequence(struct thread *t, struct trap_frame *f, u64 descriptor)
{
	struct rseq_cs cs;
	u32 signature;

	if (copy_from_user(&cs, (const void __user *)descriptor, sizeof(cs)))
		return -EFAULT;
	if (cs.version != 0 || cs.start_ip + cs.post_commit_offset < cs.start_ip ||
	    cs.abort_ip - cs.start_ip < cs.post_commit_offset || cs.abort_ip >= USER_TOP)
		return -EINVAL;
	if (f->rip - cs.start_ip >= cs.post_commit_offset)
		return put_descriptor(t->rseq, 0);
	if (copy_from_user(&signature, (const void __user *)(cs.abort_ip - sizeof(signature)),
			   sizeof(signature)))
		return -EFAULT;
	if (signature != t->rseq_signature)
		return -EINVAL;
	f->rip = cs.abort_ip;
	return put_descriptor(t->rseq, 0);
}

void rseq_resume(struct thread *t, struct trap_frame *f)
{
	u64 descriptor;
	int err;

	err = publish_cpu(t->rseq, cpu_id(), cpu_id());
	if (!err)
		err = copy_from_user(&descriptor,
				     (const void __user *)(t->rseq + offsetof(struct rseq, rseq_cs)),
				     sizeof(descriptor))
			      ? -EFAULT
			      : 0;
	if (!err && descriptor)
		err = leave_sequence(t, f, descriptor);
	if (err) {
		t->rseq = 0;
		process_explain(t->process, "its restartable-sequence area is not usable");
		signal_force(SIGSEGV, SI_KERNEL, 0);
	}
}
