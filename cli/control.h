/* SPDX-License-Identifier: MIT */
#ifndef CLI_CONTROL_H
#define CLI_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A number that the guest may not have told. */
struct figure {
	bool known;
	uint64_t value;
};

struct syscall_count {
	const char *name;
	uint64_t count;
};

/* The guest's report (docs/host-interface.md, "Control lines, guest to host"). */
struct guest_report {
	bool complete; /* the line `end` has been seen */
	bool oom;
	struct figure exit;
	struct figure signal;
	struct figure exec_errno;
	const char *exec_text;
	const char *disk_error; /* "PATH TEXT", or NULL */
	const char *explain;
	struct figure boot_ns, user_ns, sys_ns;
	struct figure peak_bytes, kernel_bytes;
	struct figure minor, major, cow;
	struct figure instructions;
	struct syscall_count *syscalls;
	size_t syscall_count;
	const char **unsupported;
	size_t unsupported_count;
};

void control_parse(struct guest_report *report, char *text);
void control_free(struct guest_report *report);

#endif
