/* SPDX-License-Identifier: MIT */
/*
 * The boot order, readable from top to bottom: boot_main on the boot stack until there are threads, then init_main in
 * a thread of its own, which runs what was asked for and ends the machine (walk 1 of docs/architecture.md).
 */
#include <asm/errno.h>
#include <arch/cpu.h>
#include <arch/machine.h>
#include <arch/timer.h>
#include <moat/block.h>
#include <moat/control.h>
#include <moat/dev.h>
#include <moat/exec.h>
#include <moat/fs.h>
#include <moat/futex.h>
#include <moat/log.h>
#include <moat/ninep.h>
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

/* What is to be run, and what it may see: before anything else of the archive. */
static void read_spec(struct run_spec *spec)
{
	struct spec_slot slot = {.err = -ENOENT};
	size_t len;
	const void *archive = machine_archive(&len);

	if (archive)
		initramfs_find_spec(archive, len, take_spec, &slot);
	if (slot.err == -ENOENT)
		log_printf("boot: no run spec in the archive\n");
	else if (slot.err)
		panic("the run spec cannot be read (error %d)", slot.err);
	*spec = slot.spec;
}

/* Unpacks the archive into the tree, over the host's folders, and gives its memory back. */
static void unpack_archive(void)
{
	size_t len;
	const void *archive = machine_archive(&len);
	int err = archive ? initramfs_unpack(archive, len, NULL, NULL) : 0;

	machine_release_archive();
	if (err)
		log_printf("boot: the archive is damaged or too large for memory (error %d)\n", err);
}

static void mount_shares(const struct run_spec *spec)
{
	char tag[NINEP_TAG_MAX];
	struct share share;

	for (size_t i = 0; spec->shares && spec->shares[i]; i++) {
		int err = run_spec_share(spec->shares[i], tag, sizeof(tag), &share);

		if (!err)
			err = share_mount(&share);
		if (err)
			panic("a folder of the host cannot be shown: %s (error %d)", spec->shares[i], err);
	}
}

/* False: a disk cannot be mounted, and the command was told. */
static bool mount_disks(const struct run_spec *spec)
{
	char name[BLOCK_NAME_MAX];
	struct disk disk;
	const char *why = "the run spec is damaged";

	for (size_t i = 0; spec->disks && spec->disks[i]; i++) {
		int err = run_spec_disk(spec->disks[i], name, sizeof(name), &disk);

		if (!err)
			err = disk_mount(&disk, &why);
		if (err) {
			control_printf("disk-error %s %s", disk.path, why);
			control_printf("end");
			return false;
		}
	}
	return true;
}

/* A name that is not there is hidden well. */
static void hide_paths(const struct run_spec *spec)
{
	for (size_t i = 0; spec->hides && spec->hides[i]; i++) {
		int err = share_hide(spec->hides[i]);

		if (err && err != -ENOENT && err != -ENOTDIR)
			panic("%s cannot be hidden (error %d)", spec->hides[i], err);
	}
}

/* What the command sent, and the CPU's own where the run need not repeat. */
static void seed_random(const struct run_spec *spec)
{
	u64 own[9] = {cpu_cycles()};

	random_mix(spec->seed, sizeof(spec->seed));
	if (spec->deterministic)
		return;
	for (size_t i = 1; i < ARRAY_SIZE(own) && cpu_random(&own[i]); i++)
		;
	random_mix(own, sizeof(own));
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
	read_spec(&spec);
	seed_random(&spec);
	machine_interrupts_init();
	clock_set_realtime_ns(spec.epoch_ns + clock_monotonic_ns());
	run_policy = (struct run_policy){.trace = false, .strict = false};
	dev_init(machine_cmdline(), spec.deterministic);
	mount_shares(&spec);
	unpack_archive();
	if (!mount_disks(&spec))
		dev_end_machine(MACHINE_DONE);
	hide_paths(&spec);
	if (CONFIG_DEBUG)
		machine_check_mappings();
	boot_test_run();
	process_become_init();
	ipc_init();
	oom_init();
	futex_init();
	cred_init();
	selftest_run(machine_cmdline());
	machine_await_cpus();
	run_policy = (struct run_policy){.trace = spec.trace, .strict = spec.strict};
	if (spec.trace)
		calls_watch(WATCH_TRACE);
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
