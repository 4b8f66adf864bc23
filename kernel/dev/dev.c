/* SPDX-License-Identifier: MIT */
/*
 * The order in which devices come up, and how the machine goes down.
 */
#include <arch/cpu.h>
#include <arch/irq.h>
#include <arch/machine.h>
#include <arch/switch.h>
#include <asm/errno.h>
#include <linux/virtio_ids.h>
#include <moat/control.h>
#include <moat/dev.h>
#include <moat/log.h>
#include <moat/memdev.h>
#include <moat/parse.h>
#include <moat/stream.h>
#include <moat/string.h>
#include <moat/textsink.h>
#include <moat/virtio.h>
#include "tty.h"

#define WORD_CHARS 64

/* I/O port of isa-debug-exit; 0: there is none. [boot] */
static u16 exit_port;

/* The I/O port that a word names, or 0. */
static u16 cmdline_port(const char *cmdline, const char *key)
{
	char word[WORD_CHARS];
	u64 port;

	if (!cmdline_get(cmdline, key, word, sizeof(word)) || parse_u64(word, &port) || port > UINT16_MAX)
		return 0;
	return (u16)port;
}

static bool cmdline_says(const char *cmdline, const char *key, const char *value)
{
	char word[WORD_CHARS];

	return cmdline_get(cmdline, key, word, sizeof(word)) && strcmp(word, value) == 0;
}

static void end_in_panic(void)
{
	dev_end_machine(MACHINE_PANIC);
}

void dev_early_log(const char *cmdline)
{
	bool live = cmdline_says(cmdline, "log", "1");
	u16 debug_port = cmdline_port(cmdline, "debugcon");

	if (debug_port)
		debugcon_become_sink(debug_port, live);
	else if (cmdline_says(cmdline, "console", "serial"))
		serial_become_sink(live);
	exit_port = cmdline_port(cmdline, "exit");
	machine_set_panic_end(end_in_panic);
}

void chardev_register_all(const struct chardev *devices, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		int err = chardev_register(&devices[i]);
		if (err)
			log_printf("dev: no /dev/%s (error %d)\n", devices[i].name, -err);
	}
}

/* ---- finding virtio devices ---- */

struct virtio_driver {
	u32 type;
	int (*start)(const struct virtio_device *dev);
	bool host_random; /* not for deterministic runs */
};

static const struct virtio_driver drivers[] = {
	{.type = VIRTIO_ID_CONSOLE, .start = virtio_console_start},
	{.type = VIRTIO_ID_9P, .start = virtio_9p_start},
	{.type = VIRTIO_ID_BLOCK, .start = virtio_blk_start},
	{.type = VIRTIO_ID_RNG, .start = virtio_rng_start, .host_random = true},
};

static void start_driver(const struct virtio_device *dev, bool deterministic)
{
	for (unsigned i = 0; i < ARRAY_SIZE(drivers); i++) {
		const struct virtio_driver *d = &drivers[i];
		if (d->type != dev->type || (deterministic && d->host_random))
			continue;
		int err = d->start(dev);
		if (err)
			log_printf("virtio: device type %u did not start (error %d)\n", dev->type, -err);
	}
}

static void probe_window(const char *word, bool deterministic)
{
	struct virtio_window window;
	struct virtio_device dev;
	int err = virtio_window_parse(word, &window);

	if (!err)
		err = virtio_open(&dev, &window);
	if (!err)
		start_driver(&dev, deterministic);
	else
		log_printf("virtio: nothing usable at %s (error %d)\n", word, -err);
}

static void probe_virtio(const char *cmdline, bool deterministic)
{
	char word[WORD_CHARS];

	while (cmdline_next(&cmdline, "virtio_mmio.device", word, sizeof(word)))
		probe_window(word, deterministic);
}

void dev_init(const char *cmdline, bool deterministic)
{
	memdev_register();
	randomdev_register();
	tty_file_register();
	probe_virtio(cmdline, deterministic);
	if (cmdline_says(cmdline, "console", "serial"))
		serial_attach_streams();
}

/* ---- the end ---- */

/* A machine without an exit device stays up, silent, until somebody switches it off. */
void dev_end_machine(enum machine_end how)
{
	if (how == MACHINE_DONE) {
		dev_flush_output();
		control_flush();
	}
	(void)cpu_irq_save();
	if (exit_port)
		port_out32(exit_port, how);
	for (;;)
		cpu_idle();
}
