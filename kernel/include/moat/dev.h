/* SPDX-License-Identifier: MIT */
/* room: dev */
/*
 * The devices as higher rooms see them: standard streams, the control port, the end of the machine.
 */
#ifndef MOAT_DEV_H
#define MOAT_DEV_H

#include <moat/file.h>
#include <moat/types.h>

/* Gives the log its sink and notes how the machine is ended, as the command line says. The first thing at
 * boot. */
void dev_early_log(const char *cmdline);
/*
 * Finds and starts all devices, and registers the nodes of /dev. After the heap, interrupts and the fs room.
 * `deterministic`: nothing that depends on the host's randomness is consulted. Never fails: what is missing
 * is logged and its streams are at their end.
 */
void dev_init(const char *cmdline, bool deterministic);

/*
 * What the host's streams are (keys `tty`, `winsize` and `line_editing` of the run spec): is_tty[n] for stream n.
 * Those that are terminals are one, /dev/hvc0 (tty.h). host_edits: the host's terminal is not raw. Once.
 */
void dev_set_terminals(const bool is_tty[3], u16 rows, u16 cols, bool host_edits);
/* True on a serial line, where all streams are terminals. */
bool dev_serial_console(void);
/*
 * A file for standard stream `which` (0, 1, 2), with a reference for the caller, or NULL (no memory): one end of a pipe.
 */
struct file *__must_check stream_open(unsigned which);
/* Waits until the device has taken everything that was written to the streams. Process context. */
void dev_flush_output(void);

/* What the task room does for the control port. Called in interrupt context: must not sleep. */
struct control_ops {
	void (*signal)(int signal);
};
/* Signals that came before are delivered now. */
void control_register(const struct control_ops *registered);
/* One line of the report, with or without its newline, cut at CONTROL_LINE_MAX. Process context, one thread.
 */
#define CONTROL_LINE_MAX 400
void control_printf(const char *fmt, ...) __printf(1, 2);

/* The values that the host sees; docs/host-interface.md, The machine. */
enum machine_end {
	MACHINE_DONE = 0,
	MACHINE_PANIC = 1,
	MACHINE_BOOT_TEST_FAILED = 2,
};
/*
 * Ends the machine. MACHINE_DONE first waits for streams and report to be taken (process context); the others
 * may be called from any context and wait for nothing.
 */
__noreturn void dev_end_machine(enum machine_end how);

#endif
