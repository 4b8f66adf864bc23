/* SPDX-License-Identifier: MIT */
#ifndef CLI_MACHINE_H
#define CLI_MACHINE_H

#include <stdint.h>
#include <sys/types.h>

#include "options.h"
#include "view.h"

/* Virtio-console port numbers (docs/host-interface.md, "Ports"); 0 is left unused. */
enum port {
	PORT_STDIN = 1,
	PORT_STDOUT = 2,
	PORT_STDERR = 3,
	PORT_CONTROL = 4,
	PORT_COUNT = 5,
};

/*
 * A machine and the host's ends of its channels. In an ordinary run port[n] and log are sockets. In a
 * deterministic run port[PORT_STDIN] is -1 and the other ports are memfds that QEMU writes into. All
 * descriptors are close-on-exec and belong to the machine.
 */
struct machine {
	pid_t pid;
	enum accel accel;
	uint64_t start_ns; /* CLOCK_MONOTONIC when QEMU was started */
	int port[PORT_COUNT];
	int log;  /* text of the debug console */
	int text; /* QEMU's own standard output and error */
};

/* What a machine is made from besides the options. */
struct machine_files {
	const char *kernel; /* path */
	int archive;	    /* memfd */
	const struct view *view;
};

int machine_start(struct machine *machine, const struct options *options, const struct machine_files *files,
		  struct verdict *v);
uint64_t monotonic_ns(void);

#endif
