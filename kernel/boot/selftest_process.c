/* SPDX-License-Identifier: MIT */
/*
 * Processes for the boot tests. Besides programs that are loaded as ever (process_spawn) there are processes
 * whose thread runs a function of the test itself with a user address space active, and one program that
 * consists of a few bytes which that thread writes before it goes to ring 3.
 */
#include <arch/smp.h>
#include <asm/errno.h>
#include <linux/fcntl.h>
#include <arch/timer.h>
#include <arch/trap.h>
#include <arch/uaccess.h>
#include <moat/heap.h>
#include <moat/string.h>
#include "selftest_lib.h"

#define FD_LIMIT  64
#define LOOP_ADDR 0x400000ul
#define NS_PER_MS 1000000ull

typedef unsigned long long ull;

void expect_equal(s64 got, s64 want, const char *what, const char *file, int line)
{
	if (got != want)
		panic("selftest: %s is %lld (%#llx), expected %lld (%s:%d)", what, (long long)got, (ull)got,
		      (long long)want, file, line);
}

struct aspace *selftest_aspace(void)
{
	struct aspace *as = aspace_create();

	EXPECT(as);
	return as;
}

struct process *selftest_process(const char *name, struct aspace *as, void (*fn)(void *), void *arg)
{
	struct process *p = process_create(&kernel_process, name, NULL, NULL, fn, arg);

	EXPECT(p);
	p->aspace = as;
	return p;
}

struct call {
	void (*fn)(void *);
	void *arg;
};

static void run_call(void *arg)
{
	struct call *c = arg;

	c->fn(c->arg);
	process_exit(0);
}

void selftest_in_user_space(const char *name, void (*fn)(void *), void *arg)
{
	struct call c = {fn, arg};
	struct process *p = selftest_process(name, selftest_aspace(), run_call, &c);

	process_start(p);
	EXPECT_EQ(selftest_reap(p), 0);
}

void selftest_map(u64 addr, u64 pages, u32 vma_flags)
{
	struct map_request req = {
		.addr = addr, .len = pages * PAGE_SIZE, .vma_flags = vma_flags, .how = MAP_AT};
	u64 at;

	EXPECT_EQ(aspace_map(current_process()->aspace, &req, &at), 0);
	EXPECT_EQ(at, addr);
}

/*
 * The looper. RDI comes with the seed; a general register and a vector register must keep it across every
 * interruption.
 */
static const u8 loop_code[] = {
	0x66, 0x48, 0x0f, 0x6e, 0xc7, /*	movq %rdi, %xmm0 */
	0x48, 0x89, 0xfb,	      /*	movq %rdi, %rbx */
	0x66, 0x48, 0x0f, 0x7e, 0xc0, /* 1:	movq %xmm0, %rax */
	0x48, 0x39, 0xd8,	      /*	cmpq %rbx, %rax */
	0x75, 0x02,		      /*	jne 2f */
	0xeb, 0xf4,		      /*	jmp 1b */
	0x0f, 0x0b,		      /* 2:	ud2 */
};

static void enter_loop(void *seed)
{
	struct trap_frame *f = current_user_frame();

	selftest_map(LOOP_ADDR, 1, VMA_READ | VMA_WRITE);
	EXPECT_EQ(copy_to_user((void __user *)LOOP_ADDR, loop_code, sizeof(loop_code)), 0);
	EXPECT_EQ(aspace_protect(current_process()->aspace, LOOP_ADDR, PAGE_SIZE, VMA_READ | VMA_EXEC), 0);
	arch_thread_reset_user(&current_thread()->arch);
	trap_frame_init_user(f, uaddr(LOOP_ADDR), uaddr(0));
	f->rdi = (u64)seed;
	enter_user();
}

struct process *selftest_looper(const char *name, struct aspace *as, u64 seed)
{
	return selftest_process(name, as, enter_loop, (void *)seed);
}

bool selftest_ends_within(struct process *p, u64 ms)
{
	u64 deadline = clock_monotonic_ns() + ms * NS_PER_MS;

	while (!process_has_ended(p)) {
		u64 now = clock_monotonic_ns();
		if (now >= deadline)
			return false;
		EXPECT_EQ(sleep_until_ns(MIN(deadline, now + NS_PER_MS)), 0);
	}
	return true;
}

int selftest_reap(struct process *p)
{
	int status;

	process_await(p);
	status = p->exit_status;
	process_reap(p);
	return status;
}

void selftest_kill(struct process *p)
{
	signal_send_outside(p, SIGKILL);
	EXPECT_EQ(selftest_reap(p), SIGKILL);
}

static ssize_t capture_write(struct file *f, struct uio *u, u64 *offset)
{
	struct capture *c = f->private;
	size_t n = u->left;

	(void)offset;
	c->len += uio_copy_in(u, c->text + c->len, MIN(n, sizeof(c->text) - 1 - c->len));
	c->text[c->len] = 0;
	uio_skip(u, u->left);
	return (ssize_t)n;
}

static const struct file_ops capture_ops = {.write = capture_write};

struct fd_table *selftest_files(struct capture *to)
{
	struct fd_table *t = fd_table_create();
	struct file *f = file_create(&capture_ops, NULL, NULL, O_WRONLY, to);

	EXPECT(t && f);
	EXPECT_EQ(fd_install(t, f, 1, FD_LIMIT, false), 1);
	to->len = 0;
	to->text[0] = 0;
	return t;
}

static void read_ledger(struct ledger *l)
{
	/* First: counting the heap frees what the address checker held back. */
	l->heap_bytes = heap_bytes();
	frame_stats_read(&l->frames);
	/* How many stacks are kept depends on how many threads there ever were at once. */
	l->frames.owned[FRAME_KERNEL] -= arch_spare_stack_frames();
}

static bool ledger_differs(const struct ledger *then, struct ledger *now)
{
	read_ledger(now);
	for (unsigned o = FRAME_FREE + 1; o < FRAME_OWNERS; o++) {
		if (now->frames.owned[o] != then->frames.owned[o])
			return true;
	}
	return now->heap_bytes != then->heap_bytes;
}

/* The thread of a process that has ended may still be on its way off another CPU, and its stack goes then. */
static void settle(const struct ledger *then)
{
	struct ledger now;

	for (int i = 0; cpu_count() > 1 && i < 100 && ledger_differs(then, &now); i++)
		EXPECT_EQ(sleep_until_ns(clock_monotonic_ns() + 1000000), 0);
}

/* The same before: it counts when nothing has changed for a while. */
void ledger_take(struct ledger *l)
{
	struct ledger now;

	read_ledger(l);
	for (int quiet = 0; cpu_count() > 1 && quiet < 10; quiet++) {
		EXPECT_EQ(sleep_until_ns(clock_monotonic_ns() + 1000000), 0);
		if (ledger_differs(l, &now)) {
			*l = now;
			quiet = 0;
		}
	}
}

void ledger_expect(const struct ledger *then, const char *after)
{
	static const char *const names[FRAME_OWNERS] = {"free",	 "kernel", "table",
							"cache", "shared", "anonymous"};
	struct ledger now;

	settle(then);
	read_ledger(&now);
	for (unsigned o = FRAME_FREE + 1; o < FRAME_OWNERS; o++) {
		if (now.frames.owned[o] != then->frames.owned[o])
			panic("selftest: after %s %llu %s frames are in use, before %llu (heap %llu, before "
			      "%llu bytes)",
			      after, (ull)now.frames.owned[o], names[o], (ull)then->frames.owned[o],
			      (ull)now.heap_bytes, (ull)then->heap_bytes);
	}
	if (now.heap_bytes != then->heap_bytes)
		panic("selftest: after %s the heap has %llu bytes, before %llu", after, (ull)now.heap_bytes,
		      (ull)then->heap_bytes);
}
