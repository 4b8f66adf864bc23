/* SPDX-License-Identifier: MIT */
#ifndef CLI_VERDICT_H
#define CLI_VERDICT_H

#include <stdint.h>

/* The command's own exit statuses; 128+N stands for "signal N ended the program". */
enum command_status {
	STATUS_TIMEOUT = 124,
	STATUS_MOAT_FAILED = 125,
	STATUS_NOT_EXECUTABLE = 126,
	STATUS_NOT_FOUND = 127,
	STATUS_SIGNAL_BASE = 128,
};

/* How a run ended; the names in the report (docs/report.md) stand in the same order in verdict.c. */
enum verdict_kind {
	VERDICT_EXITED,
	VERDICT_SIGNALED,
	VERDICT_TIMEOUT,
	VERDICT_OOM,
	VERDICT_PANIC,
	VERDICT_ERROR,
};

struct verdict {
	enum verdict_kind kind;
	int status;	 /* exit status of the command */
	int exit_status; /* what the program gave to exit(2), when kind is VERDICT_EXITED */
	int signal;	 /* the signal that ended the program, when SIGNALED or OOM */
	char line[1024]; /* what goes to standard error after "moat: "; empty: nothing */
};

/* Why the command stopped waiting for the machine. */
enum end_cause {
	END_BY_ITSELF, /* QEMU ended without our doing */
	END_TIMEOUT,   /* killed: the time limit was reached */
	END_SIGNAL,    /* killed: a signal to the command asked for it */
};

/* All that is known when a machine has ended; verdict_decide() judges it. */
struct machine_end {
	enum end_cause cause;
	int signal;	   /* with END_SIGNAL: which */
	int wait_status;   /* of QEMU, as waitpid(2) gives it */
	uint64_t wall_ns;  /* from the start of QEMU to its end */
	int output_errno;  /* 0, or why standard output or error could not be written */
	const char *panic; /* first line of a kernel panic without its mark, or NULL */
	const char *text;  /* what QEMU itself had to say; may be empty */
};

struct guest_report;
struct options;
struct program;

int verdict_error(struct verdict *v, int status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void verdict_decide(struct verdict *v, const struct machine_end *end, const struct guest_report *report,
		    const struct options *options, const struct program *program);
const char *verdict_name(enum verdict_kind kind);

#endif
