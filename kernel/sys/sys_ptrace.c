/* SPDX-License-Identifier: MIT */
/*
 * ptrace(2): requests decoded, and what they move between the tracer's memory and its tracee (docs/ptrace.md). Each request
 * copies from user memory first, then works under the table's lock (ptrace_with), then copies out.
 *
 *     sys_ptrace ── those that make or end it, or move memory
 *          └────── stopped_request ── requests[]: how much goes in or out, and a function of the stopped tracee
 */
#include <asm/errno.h>
#include <linux/audit.h>
#include <arch/signal.h>
#include <arch/trap.h>
#include <arch/uaccess.h>
#include <moat/aspace.h>
#include <moat/heap.h>
#include <moat/string.h>
#include <moat/syscall.h>
#include <moat/usage.h>
#include "sys_ptrace.h"

/* Of <asm/ptrace-abi.h>, whose names differ from one header to the next. */
enum {
	REQUEST_OLDSETOPTIONS = 21,
	REQUEST_SYSEMU = 31,
	REQUEST_SYSEMU_STEP = 32,
};
#define OPTIONS_ALL 0x3000ffu /* PTRACE_O_MASK */
#define O_SUSPEND   PTRACE_O_SUSPEND_SECCOMP
#define PEEK_MAX    64 /* siginfos copied under the lock at a time */

static s64 check_options(u64 options)
{
	const struct thread *me = current_thread();

	if (options & ~(u64)OPTIONS_ALL)
		return -EINVAL;
	if (!(options & O_SUSPEND))
		return 0;
	return !capable(CAP_SYS_ADMIN) || me->seccomp.mode || ptrace_suspends_seccomp() ? -EPERM : 0;
}

static s64 attach(const struct request *r)
{
	s64 err = 0;

	if (r->nr == PTRACE_SEIZE) {
		if (r->addr || (r->data & ~(u64)OPTIONS_ALL))
			return -EIO;
		err = check_options(r->data);
	}
	return err ? err
		   : ptrace_attach(r->tid, r->nr == PTRACE_SEIZE, r->nr == PTRACE_SEIZE ? (u32)r->data : 0);
}

/* --- memory --- */

static int take_memory(struct tracee *tr, void *arg)
{
	struct aspace **as = arg;

	/* A program that its user may not look into keeps what it has, though not its registers. */
	*as = tr->process->not_dumpable && !tr->privileged ? NULL : tr->process->aspace;
	if (*as)
		aspace_get(*as);
	return *as ? 0 : -EIO;
}

/* A word, which may lie across two pages. */
static s64 move_word(struct aspace *as, u64 addr, u64 *word, enum aspace_access_how how)
{
	size_t first = MIN(sizeof(*word), PAGE_SIZE - addr % PAGE_SIZE);
	int err = -EIO;

	if (addr < USER_TOP && addr + sizeof(*word) <= USER_TOP)
		err = aspace_access_forced(as, addr, word, first, how);
	if (!err && first < sizeof(*word))
		err = aspace_access_forced(as, addr + first, (u8 *)word + first, sizeof(*word) - first, how);
	return err ? -EIO : 0;
}

static s64 peek_or_poke(const struct request *r)
{
	bool peek = r->nr == PTRACE_PEEKTEXT || r->nr == PTRACE_PEEKDATA;
	u64 word = r->data;
	struct aspace *as;
	s64 err = ptrace_with(r->tid, take_memory, &as);

	if (err)
		return err;
	err = move_word(as, r->addr, &word, peek ? ASPACE_PEEK : ASPACE_POKE);
	aspace_put(as);
	if (!err && peek && copy_to_user((void __user *)r->data, &word, sizeof(word)))
		err = -EFAULT;
	return err;
}

/* --- signals --- */

static int get_info(struct tracee *tr, void *arg)
{
	struct request *r = arg;

	if (!tr->info)
		return -EINVAL;
	r->info = *tr->info;
	return 0;
}

static int set_info(struct tracee *tr, void *arg)
{
	const struct request *r = arg;

	if (!tr->info)
		return -EINVAL;
	*tr->info = r->info;
	return 0;
}

static s64 signal_info(struct request *r)
{
	void __user *at = (void __user *)r->data;
	s64 err;

	if (r->nr == PTRACE_SETSIGINFO)
		return copy_from_user(&r->info, at, sizeof(r->info)) ? -EFAULT
								     : ptrace_with(r->tid, set_info, r);
	err = ptrace_with(r->tid, get_info, r);
	return !err && copy_to_user(at, &r->info, sizeof(r->info)) ? -EFAULT : err;
}

static int get_mask(struct tracee *tr, void *arg)
{
	struct request *r = arg;
	const struct thread *t = tr->thread;

	r->words[0] = t->restore_mask ? t->saved_mask : t->blocked_signals;
	return 0;
}

static int set_mask(struct tracee *tr, void *arg)
{
	const struct request *r = arg;
	struct thread *t = tr->thread;

	t->restore_mask = false;
	__atomic_store_n(&t->blocked_signals, r->words[0] & ~SIGNALS_UNMASKABLE, __ATOMIC_SEQ_CST);
	return 0;
}

static s64 signal_mask(struct request *r)
{
	void __user *at = (void __user *)r->data;
	s64 err;

	if (r->addr != sizeof(u64))
		return ptrace_with(r->tid, get_mask, r) ? -ESRCH : -EINVAL;
	if (r->nr == PTRACE_SETSIGMASK)
		return copy_from_user(r->words, at, sizeof(u64)) ? -EFAULT : ptrace_with(r->tid, set_mask, r);
	err = ptrace_with(r->tid, get_mask, r);
	return !err && copy_to_user(at, r->words, sizeof(u64)) ? -EFAULT : err;
}

struct peek_signals {
	struct ptrace_peeksiginfo_args args;
	siginfo_t *found;
	int count;
};

static int peek_signals(struct tracee *tr, void *arg)
{
	struct peek_signals *k = arg;
	struct thread *t = tr->thread;
	struct process *p = t->process;
	const struct signal_queue *from =
		k->args.flags & PTRACE_PEEKSIGINFO_SHARED ? &p->signals.shared : &t->signals;
	const struct queued_signal *q;
	u64 place = 0;

	k->count = 0;
	spin_lock(&p->signals.hand->lock);
	TAILQ_FOREACH (q, &from->list, link) {
		if (place++ >= k->args.off && k->count < MIN(k->args.nr, PEEK_MAX))
			k->found[k->count++] = q->info;
	}
	spin_unlock(&p->signals.hand->lock);
	return 0;
}

static s64 peek_siginfo(const struct request *r)
{
	siginfo_t __user *to = (siginfo_t __user *)r->data;
	struct peek_signals k;
	s64 done = 0, err;

	if (copy_from_user(&k.args, (const void __user *)r->addr, sizeof(k.args)))
		return -EFAULT;
	if ((k.args.flags & ~PTRACE_PEEKSIGINFO_SHARED) || k.args.nr < 0)
		return -EINVAL;
	k.found = kmalloc(PEEK_MAX * sizeof(*k.found));
	if (!k.found)
		return -ENOMEM;
	do {
		err = ptrace_with(r->tid, peek_signals, &k);
		if (!err && copy_to_user(to + done, k.found, (size_t)k.count * sizeof(*to)))
			err = -EFAULT;
		if (err)
			break;
		done += k.count;
		k.args.off += (u64)k.count;
		k.args.nr -= k.count;
	} while (k.count == PEEK_MAX && k.args.nr > 0);
	kfree(k.found);
	return done ? done : err;
}

/* --- what it stopped for --- */

static int get_message(struct tracee *tr, void *arg)
{
	struct request *r = arg;

	r->words[0] = tr->message;
	return 0;
}

static u8 call_op(const struct tracee *tr)
{
	int code = tr->info ? tr->info->si_code : 0;

	if (code == (SIGTRAP | 0x80))
		return tr->message == PTRACE_EVENTMSG_SYSCALL_ENTRY  ? PTRACE_SYSCALL_INFO_ENTRY
		       : tr->message == PTRACE_EVENTMSG_SYSCALL_EXIT ? PTRACE_SYSCALL_INFO_EXIT
								     : PTRACE_SYSCALL_INFO_NONE;
	return code == (SIGTRAP | PTRACE_EVENT_SECCOMP << 8) ? PTRACE_SYSCALL_INFO_SECCOMP
							     : PTRACE_SYSCALL_INFO_NONE;
}

static void call_result(struct ptrace_syscall_info *i, s64 result)
{
	i->exit.rval = result;
	i->exit.is_error = result < 0 && result >= -4095;
}

/* What it says, and how much of the structure that is. */
static int get_call(struct tracee *tr, void *arg)
{
	struct request *r = arg;
	struct ptrace_syscall_info *i = &r->call;
	const struct trap_frame *f = arch_thread_frame(&tr->thread->arch);
	u64 regs[USER_REGS];

	memset(i, 0, sizeof(*i));
	ptrace_get_regs(tr, regs);
	i->op = call_op(tr);
	i->arch = ARCH_AUDIT;
	i->instruction_pointer = frame_ip(f);
	i->stack_pointer = frame_sp(f);
	switch (i->op) {
	case PTRACE_SYSCALL_INFO_EXIT:
		call_result(i, frame_is_syscall(f) ? (s64)regs[10] : frame_result(f));
		r->bytes = offsetof(struct ptrace_syscall_info, exit.is_error) + 1;
		return 0;
	case PTRACE_SYSCALL_INFO_ENTRY:
	case PTRACE_SYSCALL_INFO_SECCOMP:
		i->entry.nr = regs[15];
		for (unsigned n = 0; n < ARRAY_SIZE(i->entry.args); n++)
			i->entry.args[n] = frame_arg(f, n);
		r->bytes = offsetof(struct ptrace_syscall_info, seccomp.ret_data);
		if (i->op == PTRACE_SYSCALL_INFO_SECCOMP) {
			i->seccomp.ret_data = (u32)tr->message;
			r->bytes += sizeof(u32);
		}
		return 0;
	default:
		r->bytes = offsetof(struct ptrace_syscall_info, entry);
		return 0;
	}
}

static int get_rseq(struct tracee *tr, void *arg)
{
	struct request *r = arg;
	const struct thread *t = tr->thread;

	r->rseq = (struct ptrace_rseq_configuration){
		.rseq_abi_pointer = t->rseq,
		.rseq_abi_size = t->rseq ? 32 : 0,
		.signature = t->rseq_signature,
	};
	r->bytes = sizeof(r->rseq);
	return 0;
}

/* A structure as long as the caller wants it; its own length. */
static s64 get_struct(struct request *r, int (*fn)(struct tracee *tr, void *arg), const void *from)
{
	s64 err = ptrace_with(r->tid, fn, r);

	if (err)
		return err;
	return copy_to_user((void __user *)r->data, from, MIN(r->bytes, (size_t)r->addr)) ? -EFAULT
											  : (s64)r->bytes;
}

/* --- filters --- */

struct filter_look {
	u64 nth;
	struct sock_filter *prog; /* heap, or NULL: not wanted */
	u32 len;
	bool log;
};

static int get_filter(struct tracee *tr, void *arg)
{
	struct filter_look *l = arg;

	return seccomp_nth(&tr->thread->seccomp, l->nth, l->prog, &l->len, &l->log);
}

static s64 seccomp_request(const struct request *r)
{
	struct seccomp_metadata meta = {0};
	struct filter_look l = {.nth = r->addr};
	s64 err;

	if (!capable(CAP_SYS_ADMIN) || current_thread()->seccomp.mode)
		return -EACCES;
	if (r->nr == PTRACE_SECCOMP_GET_METADATA) {
		if (r->addr < sizeof(meta.filter_off))
			return -EINVAL;
		if (copy_from_user(&meta.filter_off, (const void __user *)r->data, sizeof(meta.filter_off)))
			return -EFAULT;
		l.nth = meta.filter_off;
		err = ptrace_with(r->tid, get_filter, &l);
		if (err)
			return err;
		meta.flags = l.log ? SECCOMP_FILTER_FLAG_LOG : 0;
		err = (s64)MIN((size_t)r->addr, sizeof(meta));
		return copy_to_user((void __user *)r->data, &meta, (size_t)err) ? -EFAULT : err;
	}
	if (r->data) {
		l.prog = kmalloc(BPF_MAXINSNS * sizeof(*l.prog));
		if (!l.prog)
			return -ENOMEM;
	}
	err = ptrace_with(r->tid, get_filter, &l);
	if (!err && l.prog && copy_to_user((void __user *)r->data, l.prog, l.len * sizeof(*l.prog)))
		err = -EFAULT;
	kfree(l.prog);
	return err ? err : l.len;
}

/* --- going on --- */

static int go_on(struct tracee *tr, void *arg)
{
	const struct request *r = arg;

	switch (r->nr) {
	case PTRACE_SYSCALL:
		return ptrace_resume(tr, (int)r->data, RESUME_CALLS);
	case PTRACE_SINGLESTEP:
		return ptrace_resume(tr, (int)r->data, RESUME_STEP);
	case REQUEST_SYSEMU:
		return ptrace_resume(tr, (int)r->data, RESUME_NO_CALL);
	case REQUEST_SYSEMU_STEP:
		return ptrace_resume(tr, (int)r->data, RESUME_NO_CALL | RESUME_STEP);
	case PTRACE_CONT:
		return ptrace_resume(tr, (int)r->data, 0);
	case PTRACE_LISTEN:
		return ptrace_listen(tr);
	case PTRACE_DETACH:
		ptrace_detach(tr, (int)r->data);
		return 0;
	default:
		tr->options = (u32)r->data;
		return 0;
	}
}

static s64 resume(struct request *r)
{
	bool with_signal =
		r->nr != PTRACE_LISTEN && r->nr != PTRACE_SETOPTIONS && r->nr != REQUEST_OLDSETOPTIONS;
	s64 err;

	if (with_signal && r->data > SIGNAL_MAX)
		return ptrace_with(r->tid, ptrace_copy_regs, r) ? -ESRCH : -EIO;
	if (!with_signal && r->nr != PTRACE_LISTEN) {
		err = ptrace_with(r->tid, ptrace_copy_regs, r);
		if (!err)
			err = check_options(r->data);
		if (err)
			return err;
	}
	return ptrace_with(r->tid, go_on, r);
}

static s64 unknown(struct request *r)
{
	s64 err = ptrace_with(r->tid, ptrace_copy_regs, r);

	if (err)
		return err;
	unsupported_flag("ptrace", "request");
	return -EIO;
}

/* Of a tracee that stands still. */
static s64 stopped_request(struct request *r)
{
	void __user *at = (void __user *)r->data;
	s64 err;

	switch (r->nr) {
	case PTRACE_PEEKTEXT:
	case PTRACE_PEEKDATA:
	case PTRACE_POKETEXT:
	case PTRACE_POKEDATA:
		return peek_or_poke(r);
	case PTRACE_PEEKUSR:
	case PTRACE_POKEUSR:
		return ptrace_user_area(r);
	case PTRACE_GETREGS:
	case PTRACE_SETREGS:
		return ptrace_general_regs(r, at, r->nr == PTRACE_SETREGS, sizeof(r->words));
	case PTRACE_GETFPREGS:
	case PTRACE_SETFPREGS:
		return ptrace_float_regs(r, at, r->nr == PTRACE_SETFPREGS, USER_FP_BYTES, false);
	case PTRACE_GETREGSET:
	case PTRACE_SETREGSET:
		return ptrace_regset(r);
	case PTRACE_GETSIGINFO:
	case PTRACE_SETSIGINFO:
		return signal_info(r);
	case PTRACE_GETSIGMASK:
	case PTRACE_SETSIGMASK:
		return signal_mask(r);
	case PTRACE_PEEKSIGINFO:
		return peek_siginfo(r);
	case PTRACE_GETEVENTMSG:
		err = ptrace_with(r->tid, get_message, r);
		return !err && copy_to_user(at, r->words, sizeof(u64)) ? -EFAULT : err;
	case PTRACE_GET_SYSCALL_INFO:
		return get_struct(r, get_call, &r->call);
	case PTRACE_GET_RSEQ_CONFIGURATION:
		return get_struct(r, get_rseq, &r->rseq);
	case PTRACE_SECCOMP_GET_FILTER:
	case PTRACE_SECCOMP_GET_METADATA:
		return seccomp_request(r);
	case PTRACE_SYSCALL:
	case PTRACE_SINGLESTEP:
	case REQUEST_SYSEMU:
	case REQUEST_SYSEMU_STEP:
	case PTRACE_CONT:
	case PTRACE_LISTEN:
	case PTRACE_DETACH:
	case PTRACE_SETOPTIONS:
	case REQUEST_OLDSETOPTIONS:
		return resume(r);
	default:
		return unknown(r);
	}
}

s64 sys_ptrace(s64 request, int pid, u64 addr, u64 data)
{
	struct request r = {.nr = request, .tid = pid, .addr = addr, .data = data};

	switch (request) {
	case PTRACE_TRACEME:
		return ptrace_traceme();
	case PTRACE_ATTACH:
	case PTRACE_SEIZE:
		return attach(&r);
	case PTRACE_INTERRUPT:
		return ptrace_interrupt(pid);
	case PTRACE_KILL:
		return ptrace_kill(pid);
	default:
		return stopped_request(&r);
	}
}
