/* SPDX-License-Identifier: MIT */
/* What the dispatcher and the tracer know of each call; made from syscalls.def. */
#ifndef SYS_SYSCALL_TABLE_H
#define SYS_SYSCALL_TABLE_H

#include <arch/trap.h>
#include <moat/types.h>

#define SYSCALLS_MAX 512 /* numbers below this have a place in the table */

/* How an argument looks in a trace. */
enum syscall_kind {
	KIND_INT,
	KIND_FD,
	KIND_HEX,
	KIND_UNSIGNED,
	KIND_OCTAL,
	KIND_STRING,
	KIND_POINTER,
};

struct syscall_entry {
	s64 (*call)(const struct trap_frame *f);
	const char *name;
	u8 args;
	u8 kinds[6]; /* enum syscall_kind */
	const char *arg_names[6];
};

extern const struct syscall_entry syscall_table[SYSCALLS_MAX];

/* Debug kernel: panics when call `nr` has left the caller's address space in a state that cannot be (syscall_check.c). */
void syscall_check_memory(u64 nr);

/* One line for the trace: "name(args) = result" (before: "name(args) ..."), in buf. */
void syscall_trace_format(const struct syscall_entry *e, u64 nr, const struct trap_frame *f, char *buf,
			  size_t size);

#endif
