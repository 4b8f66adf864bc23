/* SPDX-License-Identifier: MIT */
/*
 * Running the program: its descriptors 0, 1, 2 are the host's streams, its parent is the kernel's own process. When
 * it has ended, what it used is told over the control port (docs/host-interface.md, Control lines).
 */
#include <asm/errno.h>
#include <arch/timer.h>
#include <linux/fcntl.h>
#include <moat/block.h>
#include <moat/dev.h>
#include <moat/exec.h>
#include <moat/fs.h>
#include <moat/log.h>
#include <moat/panic.h>
#include <moat/run.h>
#include <moat/socket.h>
#include <moat/task.h>
#include <moat/tty.h>
#include <moat/usage.h>
#include "boot_test.h"
#include "program.h"

#define FD_LIMIT     64
#define DISK_SYNC_NS 5000000000ull

typedef unsigned long long ull;

static struct process *main_process; /* [a] set while it runs; for signals from the host */

static void host_signal(int signal)
{
	struct process *p = __atomic_load_n(&main_process, __ATOMIC_ACQUIRE);

	if (p)
		signal_send_outside(p, signal);
}

static const struct control_ops control_ops = {.signal = host_signal};

static struct file *open_stream(const struct run_spec *spec, struct fs_context *fs, unsigned which)
{
	struct file *f;

	if (which == 0 && spec->stdin_path)
		return vfs_open(fs, NULL, spec->stdin_path, O_RDONLY, 0, &f) ? NULL : f;
	if (spec->tty[which] || dev_serial_console())
		return vfs_open(fs, NULL, tty_console_path(), O_RDWR, 0, &f) ? NULL : f;
	return stream_open(which);
}

static int open_streams(const struct run_spec *spec, struct fs_context *fs, struct fd_table *t)
{
	for (unsigned i = 0; i < 3; i++) {
		struct file *f = open_stream(spec, fs, i);
		if (!f)
			return -ENOMEM;
		if (fd_install(t, f, (int)i, FD_LIMIT, false) != (int)i) {
			file_put(f);
			return -ENOMEM;
		}
	}
	return 0;
}

static const char *exec_error_text(int err)
{
	switch (err) {
	case -ENOENT:
		return "no such file or directory";
	case -EACCES:
		return "permission denied";
	case -ENOEXEC:
		return "not an x86-64 Linux program";
	case -ENOMEM:
		return "out of memory";
	case -E2BIG:
		return "arguments and environment are too large";
	case -ELIBBAD:
		return "its interpreter is not usable";
	case -ENOTDIR:
		return "not a directory";
	case -ELOOP:
		return "too many levels of links or scripts";
	default:
		return "cannot be started";
	}
}

static int start(const struct run_spec *spec, struct fd_table *files, struct fs_context *fs,
		 struct process **out)
{
	struct spawn_request req = {
		.execfn = spec->exe,
		.argv = spec->argv,
		.envp = spec->envp,
		.files = files,
		.fs = fs,
		.fixed_addresses = !spec->aslr,
	};
	int err = open_streams(spec, fs, files);

	if (!err)
		err = vfs_chdir(fs, spec->cwd);
	if (!err)
		err = exec_open(fs, NULL, spec->exe, &req.file);
	if (err)
		return err;
	err = process_spawn(&req, out);
	file_put(req.file);
	return err;
}

static void report_kernel_memory(void)
{
	struct memory_figures m;

	memory_figures_read(&m);
	control_printf("kernel_bytes %llu", (ull)m.kernel * PAGE_SIZE);
}

static void report(const struct run_spec *spec, const struct process *p)
{
	struct process_usage all, *u = &all;

	process_ended_usage(&all);
	if (p->exit_status & 0x7f)
		control_printf("signal %d", p->exit_status & 0x7f);
	else
		control_printf("exit %d", p->exit_status >> 8 & 0xff);
	if (p->out_of_memory)
		control_printf("oom");
	if (p->explain[0])
		control_printf("explain %s", p->explain);
	control_printf("boot_ns %llu", (ull)p->first_insn_ns);
	control_printf("user_ns %llu", (ull)u->user_ns);
	control_printf("sys_ns %llu", (ull)u->sys_ns);
	control_printf("peak_bytes %llu", (ull)u->peak_bytes);
	control_printf("minor %llu", (ull)u->minor_faults);
	control_printf("major %llu", (ull)u->major_faults);
	control_printf("cow %llu", (ull)u->cow_faults);
	for (u64 nr = 0; nr < syscall_numbers(); nr++) {
		if (syscall_count(nr))
			control_printf("syscall %s %llu", syscall_name(nr), (ull)syscall_count(nr));
	}
	for (unsigned i = 0; unsupported_item(i); i++)
		control_printf("unsupported %s", unsupported_item(i));
	report_kernel_memory();
	if (spec->deterministic)
		control_printf("instructions %llu", (ull)(p->exit_cycles - p->first_insn_cycles));
	control_printf("end");
}

/* Everything that programs had must be back: no anonymous frame, no page table of a process (M8). */
static void check_ledger(void)
{
	struct frame_stats f;

	frame_stats_read(&f);
	log_printf("memory: frames free %llu, kernel %llu, tables %llu, cache %llu, shared %llu, anonymous "
		   "%llu, of %llu\n",
		   (ull)f.owned[FRAME_FREE], (ull)f.owned[FRAME_KERNEL], (ull)f.owned[FRAME_TABLE],
		   (ull)f.owned[FRAME_CACHE], (ull)f.owned[FRAME_SHMEM], (ull)f.owned[FRAME_ANON],
		   (ull)f.total);
	if (f.owned[FRAME_ANON] || f.owned[FRAME_TABLE])
		panic("frames leaked: %llu anonymous, %llu page tables", (ull)f.owned[FRAME_ANON],
		      (ull)f.owned[FRAME_TABLE]);
}

static void set_terminals(const struct run_spec *spec)
{
	static const bool all[3] = {true, true, true};

	if (dev_serial_console())
		dev_set_terminals(all, 24, 80, false);
	else
		dev_set_terminals(spec->tty, spec->rows, spec->cols, spec->host_edits);
}

/* What changes goes to the disks when somebody asks, and otherwise so often. */
static void sync_disks(void *arg)
{
	(void)arg;
	for (;;) {
		if (sleep_until_ns(clock_monotonic_ns() + DISK_SYNC_NS) == 0)
			(void)disk_sync_all();
	}
}

static void start_disk_thread(void)
{
	struct thread *t = disk_any() ? thread_create(&kernel_process, "disk", sync_disks, NULL) : NULL;

	if (t)
		thread_start(t);
}

void program_run(const struct run_spec *spec)
{
	struct fd_table *files = fd_table_create();
	struct fs_context *fs = fs_context_create();
	struct process *p;
	int err = -ENOMEM;

	set_terminals(spec);
	syscall_counts_reset();
	if (!spec->exe) {
		log_printf("boot: nothing to run\n");
		return;
	}
	if (files && fs)
		err = start(spec, files, fs, &p);
	if (err) {
		control_printf("exec-error %d %s", -err, exec_error_text(err));
		control_printf("end");
		return;
	}
	p->tty = tty_console_start(p->sid, p->pgid);
	__atomic_store_n(&main_process, p, __ATOMIC_RELEASE);
	control_register(&control_ops);
	start_disk_thread();
	process_start(p);
	process_await(p);
	__atomic_store_n(&main_process, NULL, __ATOMIC_RELEASE);
	log_printf("task: PID %d (%s) ended, status %#x\n", p->pid, p->name, (unsigned)p->exit_status);
	process_end_others(p);
	if (disk_unmount_all())
		control_printf("disk-error - what was changed could not be written back");
	report(spec, p);
	process_reap(p);
	boot_test_end();
	ipc_end();
	check_ledger();
}
