/* SPDX-License-Identifier: MIT */
/*
 * The boot order, readable from top to bottom: boot_main on the boot stack until there are threads, then init_main in
 * a thread of its own, which runs what was asked for and ends the machine (walk 1 of docs/architecture.md).
 */
#include <asm/errno.h>
#include <arch/cpu.h>
#include <arch/machine.h>
#include <arch/timer.h>
#include <moat/dev.h>
#include <moat/exec.h>
#include <moat/fs.h>
#include <moat/futex.h>
#include <moat/log.h>
#include <moat/panic.h>
#include <moat/random.h>
#include <moat/run.h>
#include <moat/socket.h>
#include <moat/task.h>
#include <moat/wx.h>
#include "boot_test.h"
#include "program.h"
#include "run_spec.h"
#include "selftest.h"

struct spec_slot {
	struct run_spec spec;
	int err;
};

static void take_spec(const void *bytes, size_t len, void *arg)
{
	struct spec_slot *slot = arg;

	slot->err = run_spec_parse(bytes, len, &slot->spec);
	/* The files that follow in the archive get their times from the clock; its rate is measured later. */
	if (!slot->err)
		clock_set_realtime_ns(slot->spec.epoch_ns + clock_monotonic_ns());
}

/* Unpacks the archive into the root and gives its memory back. */
static void unpack_archive(struct run_spec *spec)
{
	struct spec_slot slot = {.err = -ENOENT};
	size_t len;
	const void *archive = machine_archive(&len);
	int err = archive ? initramfs_unpack(archive, len, take_spec, &slot) : 0;

	machine_release_archive();
	if (err)
		log_printf("boot: the archive is damaged or too large for memory (error %d)\n", err);
	if (slot.err == -ENOENT)
		log_printf("boot: no run spec in the archive\n");
	else if (slot.err)
		panic("the run spec cannot be read (error %d)", slot.err);
	*spec = slot.spec;
}

/* What the command sent, and the CPU's own where the run need not repeat. */
static void seed_random(const struct run_spec *spec)
{
	u64 v;

	random_mix(spec->seed, sizeof(spec->seed));
	if (spec->deterministic)
		return;
	for (int i = 0; i < 8; i++) {
		if (cpu_random(&v))
			random_mix(&v, sizeof(v));
	}
	v = cpu_cycles();
	random_mix(&v, sizeof(v));
}

static void init_main(void *arg)
{
	struct run_spec spec;

	(void)arg;
	vdso_init();
	fs_init();
	proc_tasks_init();
	terminals_init();
	proc_system_init();
	unpack_archive(&spec);
	seed_random(&spec);
	machine_interrupts_init();
	clock_set_realtime_ns(spec.epoch_ns + clock_monotonic_ns());
	run_policy = (struct run_policy){.trace = false, .strict = false};
	dev_init(machine_cmdline(), spec.deterministic);
	if (CONFIG_DEBUG)
		machine_check_mappings();
	boot_test_run();
	process_become_init();
	ipc_init();
	oom_init();
	futex_init();
	cred_init();
	selftest_run(machine_cmdline());
	run_policy = (struct run_policy){.trace = spec.trace, .strict = spec.strict};
	wx_strict = spec.wx_strict;
	program_run(&spec);
	dev_end_machine(MACHINE_DONE);
}

void boot_main(void)
{
	struct thread *init;

	dev_early_log(machine_cmdline());
	log_printf("moat %s%s\n", MOAT_VERSION, CONFIG_DEBUG ? " (debug)" : "");
	machine_memory_init();
	machine_log_facts();
	machine_early_init();
	sched_init();
	init = thread_create(&kernel_process, "init", init_main, NULL);
	if (!init)
		panic("no memory for the first thread");
	thread_start(init);
	sched_idle();
}
