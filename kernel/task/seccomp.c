/* SPDX-License-Identifier: MIT */
/*
 * Who has which filters (docs/seccomp.md). A thread points to its newest filter, which points to the one that was
 * there before it, and so on; a fork, a clone and TSYNC make two threads point into the same chain.
 *
 *     thread A ──> 3 ──> 2 ──> 1 <── 4 <── thread B        each arrow is a reference
 *
 * A filter never changes. A thread's chain changes under the table's lock, and only grows: what it had is still behind what
 * it has, so the thread itself reads it without a lock, even while another one synchronises it.
 */
#include <asm/errno.h>
#include <linux/audit.h>
#include <arch/signal.h>
#include <arch/trap.h>
#include <moat/bpf.h>
#include <moat/heap.h>
#include <moat/string.h>
#include "seccomp_notify.h"
#include "table.h"

#define FLAG_WAIT_KILLABLE_RECV (1u << 5) /* newer than some headers */
#define CHAIN_MAX		32768u	  /* instructions in a chain */
#define FILTER_OVERHEAD		4	  /* what each filter but the newest counts besides */

struct seccomp_filter {
	struct refcount refs;
	bool log;			   /* [I once attached] SECCOMP_FILTER_FLAG_LOG */
	struct seccomp_listener *listener; /* [I once attached] or NULL */
	u32 depth;			   /* [I] filters from here on */
	u32 len;			   /* [I] instructions */
	u32 total; /* [I] instructions from here on, with FILTER_OVERHEAD for each filter behind this one */
	u64 mark;  /* [table] of the last search that went through it */
	struct seccomp_filter *prev; /* [I] a reference, or NULL */
	struct sock_filter prog[];   /* [I] */
};

u32 calls_watched;

void calls_watch(u32 why)
{
	__atomic_or_fetch(&calls_watched, why, __ATOMIC_RELAXED);
}

void calls_unwatch(u32 why)
{
	__atomic_and_fetch(&calls_watched, ~why, __ATOMIC_RELAXED);
}

void calls_watch_memory(void)
{
	calls_watch(WATCH_MEMORY);
}

void seccomp_put(struct seccomp_filter *f)
{
	struct seccomp_filter *prev;

	for (; f && ref_put(&f->refs); f = prev) {
		prev = f->prev;
		seccomp_listener_unused(f->listener);
		kfree(f);
	}
}

void seccomp_inherit(struct thread *t)
{
	const struct seccomp_state *mine = &current_thread()->seccomp;

	t->seccomp = *mine;
	t->seccomp.interrupted = false;
	if (mine->filters)
		ref_get(&mine->filters->refs);
}

void seccomp_leave(struct thread *t)
{
	struct seccomp_filter *f;
	u64 irq;

	if (!t->seccomp.filters)
		return;
	irq = table_lock();
	f = t->seccomp.filters;
	t->seccomp.filters = NULL;
	table_unlock(irq);
	seccomp_put(f);
}

u32 seccomp_count(const struct seccomp_state *s)
{
	return s->filters ? s->filters->depth : 0;
}

int seccomp_nth(const struct seccomp_state *s, u64 nth, struct sock_filter *prog, u32 *len, bool *log)
{
	const struct seccomp_filter *f = s->filters;

	if (s->mode != SECCOMP_MODE_FILTER)
		return -EINVAL;
	while (f && f->depth != nth + 1)
		f = f->prev;
	if (!f)
		return -ENOENT;
	*len = f->len;
	*log = f->log;
	if (prog)
		memcpy(prog, f->prog, f->len * sizeof(prog[0]));
	return 0;
}

static void set_mode(struct thread *t, u8 mode)
{
	__atomic_store_n(&t->seccomp.mode, mode, __ATOMIC_RELEASE);
}

int seccomp_set_strict(void)
{
	struct thread *t = current_thread();
	u64 irq = table_lock();
	int err = t->seccomp.mode == SECCOMP_MODE_FILTER ? -EINVAL : 0;

	if (!err)
		set_mode(t, SECCOMP_MODE_STRICT);
	table_unlock(irq);
	calls_watch(WATCH_SECCOMP);
	return err;
}

/* --- adding --- */

/*
 * A thread of the current process that cannot get what `t` has, since it has something else, or 0. Table locked. Steps: the
 * length of the chain plus the number of threads.
 */
static int first_that_cannot_follow(const struct thread *t)
{
	static u64 search; /* [table] */
	const struct thread *other;

	search++;
	for (struct seccomp_filter *f = t->seccomp.filters; f; f = f->prev)
		f->mark = search;
	TAILQ_FOREACH (other, &t->process->threads, sibling) {
		const struct seccomp_state *s = &other->seccomp;

		if (s->mode == SECCOMP_MODE_STRICT || (s->filters && s->filters->mark != search))
			return other->tid;
	}
	return 0;
}

/* All threads of the current process get what `t` has. What they had is behind that, so nothing is freed. Table locked. */
static void synchronise(const struct thread *t)
{
	struct thread *other;

	TAILQ_FOREACH (other, &t->process->threads, sibling) {
		if (other == t)
			continue;
		ref_get(&t->seccomp.filters->refs);
		seccomp_put(other->seccomp.filters);
		other->seccomp.filters = t->seccomp.filters;
		other->no_new_privs |= t->no_new_privs;
		set_mode(other, SECCOMP_MODE_FILTER);
	}
}

/* Only one filter of a chain asks somebody. Table locked. */
static bool has_listener(const struct seccomp_filter *f)
{
	while (f && !f->listener)
		f = f->prev;
	return f;
}

/* Puts f before what the current thread has. Table locked. */
static int attach(struct seccomp_filter *f, u32 len, u32 flags)
{
	struct thread *t = current_thread();
	struct seccomp_filter *prev = t->seccomp.filters;
	int other = flags & SECCOMP_FILTER_FLAG_TSYNC ? first_that_cannot_follow(t) : 0;

	if (t->seccomp.mode == SECCOMP_MODE_STRICT)
		return -EINVAL;
	if (f->listener && has_listener(prev))
		return -EBUSY;
	f->log = flags & SECCOMP_FILTER_FLAG_LOG;
	f->depth = prev ? prev->depth + 1 : 1;
	f->total = len + (prev ? prev->total + FILTER_OVERHEAD : 0);
	if (f->total > CHAIN_MAX)
		return -ENOMEM;
	if (other)
		return flags & SECCOMP_FILTER_FLAG_TSYNC_ESRCH ? -ESRCH : other;
	f->prev = prev;
	__atomic_store_n(&t->seccomp.filters, f, __ATOMIC_RELEASE);
	set_mode(t, SECCOMP_MODE_FILTER);
	if (flags & SECCOMP_FILTER_FLAG_TSYNC)
		synchronise(t);
	return 0;
}

static int make_filter(const struct sock_filter *prog, u32 len, struct seccomp_filter **out)
{
	u16 *scratch = kmalloc(len * sizeof(*scratch));
	struct seccomp_filter *f = kmalloc(sizeof(*f) + len * sizeof(prog[0]));
	int err = -ENOMEM;

	if (scratch && f) {
		*f = (struct seccomp_filter){.refs = {1}, .len = len};
		memcpy(f->prog, prog, len * sizeof(prog[0]));
		err = bpf_check(f->prog, len, sizeof(struct seccomp_data), scratch);
	}
	kfree(scratch);
	if (err)
		kfree(f);
	*out = f;
	return err;
}

/* The number for its file, not filled yet, or an error. */
static int create_listener(struct seccomp_filter *f, u32 flags, struct file **file)
{
	struct fd_table *files = current_thread()->files;
	int err, fd = fd_reserve(files, 0, current_process()->limits[RLIMIT_NOFILE].soft, true);

	if (fd < 0)
		return fd;
	err = seccomp_listener_create(flags & FLAG_WAIT_KILLABLE_RECV, &f->listener, file);
	if (err)
		fd_unreserve(files, fd);
	return err ? err : fd;
}

int seccomp_add_filter(const struct sock_filter *prog, u32 len, u32 flags)
{
	struct fd_table *files = current_thread()->files;
	struct file *file = NULL;
	struct seccomp_filter *f;
	int err = make_filter(prog, len, &f), fd = 0;
	u64 irq;

	if (err)
		return err;
	if (flags & SECCOMP_FILTER_FLAG_NEW_LISTENER)
		err = fd = create_listener(f, flags, &file);
	if (err >= 0) {
		irq = table_lock();
		err = attach(f, len, flags);
		table_unlock(irq);
	}
	if (err) {
		if (file) {
			fd_unreserve(files, fd);
			file_put(file);
		}
		seccomp_put(f);
		return err;
	}
	calls_watch(WATCH_SECCOMP);
	if (file)
		fd_fill(files, fd, file);
	return fd;
}

/* --- asking --- */

_Static_assert(sizeof(struct seccomp_data) % sizeof(u32) == 0, "filters read it by words");

void seccomp_ask(const struct trap_frame *f, struct seccomp_verdict *v)
{
	const struct seccomp_filter *filter =
		__atomic_load_n(&current_thread()->seccomp.filters, __ATOMIC_ACQUIRE);
	u32 words[sizeof(struct seccomp_data) / sizeof(u32)];

	*v = (struct seccomp_verdict){.says = SECCOMP_RET_ALLOW};
	v->data.nr = (int)frame_syscall(f);
	v->data.arch = ARCH_AUDIT;
	v->data.instruction_pointer = frame_ip(f);
	for (unsigned i = 0; i < ARRAY_SIZE(v->data.args); i++)
		v->data.args[i] = frame_arg(f, i);
	memcpy(words, &v->data, sizeof(v->data));
	for (; filter; filter = filter->prev) {
		u32 says = bpf_run(filter->prog, words, sizeof(words));

		/* Actions are ordered as signed numbers; of two that are equal the newer filter's counts. */
		if ((s32)(says & SECCOMP_RET_ACTION_FULL) < (s32)(v->says & SECCOMP_RET_ACTION_FULL)) {
			v->says = says;
			v->log = filter->log;
			v->listener = filter->listener;
		}
	}
}
