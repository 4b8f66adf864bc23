/* SPDX-License-Identifier: MIT */
/*
 * From all that is known at the end to one verdict: an exit status of the command, and one line for a person
 * when it is not simply the program's own.
 *
 * A complete report of the guest goes before everything, a kill of ours included: the program had ended
 * before it. Without one, what we did to the machine explains its end, then what the kernel said (a panic),
 * then how QEMU ended.
 */
#include "verdict.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "control.h"
#include "options.h"
#include "program.h"

/* Exit statuses of QEMU, (value written to isa-debug-exit << 1) | 1 (docs/host-interface.md). */
enum qemu_status {
	QEMU_RESET = 0, /* with -no-reboot, a triple fault */
	QEMU_ORDERLY = 1,
	QEMU_PANIC = 3,
	QEMU_BOOT_TEST = 5,
};

static const char *const names[] = {
	[VERDICT_EXITED] = "exited", [VERDICT_SIGNALED] = "signaled", [VERDICT_TIMEOUT] = "timeout",
	[VERDICT_OOM] = "oom",	     [VERDICT_PANIC] = "panic",	      [VERDICT_ERROR] = "error",
};

/** verdict_name - the name of a kind of verdict in the report. */
const char *verdict_name(enum verdict_kind kind)
{
	return names[kind];
}

static __attribute__((format(printf, 4, 5))) void set(struct verdict *v, enum verdict_kind kind, int status,
						      const char *format, ...)
{
	va_list list;

	*v = (struct verdict){.kind = kind, .status = status};
	va_start(list, format);
	vsnprintf(v->line, sizeof(v->line), format, list);
	va_end(list);
}

/**
 * verdict_error - the verdict that nothing could be run.
 * @status: of the command, 125, 126 or 127.
 * @format: the line, as for printf(3), without "moat: " and newline.
 *
 * Returns a negative number, so that a function may end with `return verdict_error(...)`.
 */
int verdict_error(struct verdict *v, int status, const char *format, ...)
{
	va_list list;

	*v = (struct verdict){.kind = VERDICT_ERROR, .status = status};
	va_start(list, format);
	vsnprintf(v->line, sizeof(v->line), format, list);
	va_end(list);
	return -ECANCELED;
}

/* A compiler at run time that was refused its memory often ends in a trap or a wild jump of its own. */
static bool wanted_wx(const struct guest_report *r)
{
	for (size_t i = 0; r && i < r->unsupported_count; i++) {
		if (strstr(r->unsupported[i], "(--wx)"))
			return true;
	}
	return false;
}

/* r: NULL where the machine was ended from outside, before it could report. */
static void decide_signal(struct verdict *v, enum verdict_kind kind, int signal, const char *name,
			  const struct guest_report *r)
{
	const char *explain = r ? r->explain : NULL;
	const char *meaning = strsignal(signal);

	set(v, kind, STATUS_SIGNAL_BASE + signal, "%s: %s signal %d (%s)%s%s%s", name,
	    kind == VERDICT_OOM ? "out of memory: killed by" : "killed by", signal, meaning,
	    explain ? ": " : "", explain ? explain : "",
	    wanted_wx(r) ? "; it wanted memory that is writable and executable at once: --wx linux" : "");
	v->signal = signal;
}

static void decide_exec_error(struct verdict *v, const struct guest_report *r, const struct program *program)
{
	const char *why = *r->exec_text ? r->exec_text : strerror((int)r->exec_errno.value);

	/* Nothing is wrong with the program, whatever else is said of it. */
	if (r->exec_errno.value == ENOMEM)
		why = "out of memory";
	if (r->exec_errno.value == ENOENT && program->loader)
		set(v, VERDICT_ERROR, STATUS_NOT_EXECUTABLE,
		    "%s: is dynamically linked and its loader %s is missing in the guest", program->name,
		    program->loader);
	else
		set(v, VERDICT_ERROR, STATUS_NOT_EXECUTABLE, "%s: cannot be executed: %s", program->name,
		    why);
}

/* The guest's own word; false when it says nothing that makes sense. */
static bool decide_by_report(struct verdict *v, const struct guest_report *r, const struct program *program)
{
	if (r->disk_error) {
		set(v, VERDICT_ERROR, STATUS_MOAT_FAILED, "--disk: %s", r->disk_error);
	} else if (r->exec_errno.known && r->exec_errno.value <= 4095) {
		decide_exec_error(v, r, program);
	} else if (r->signal.known && r->signal.value >= 1 && r->signal.value <= 64) {
		decide_signal(v, r->oom ? VERDICT_OOM : VERDICT_SIGNALED, (int)r->signal.value, program->name,
			      r);
	} else if (r->exit.known && r->exit.value <= 255) {
		*v = (struct verdict){.kind = VERDICT_EXITED, .status = (int)r->exit.value};
		v->exit_status = v->status;
	} else {
		return false;
	}
	return true;
}

/* QEMU's own first line, without its name before it. */
static void decide_by_text(struct verdict *v, const char *text, const char *otherwise)
{
	static const char prefix[] = "qemu-system-x86_64: ";
	size_t skip = strncmp(text, prefix, strlen(prefix)) == 0 ? strlen(prefix) : 0;
	size_t length = strcspn(text + skip, "\r\n");

	if (length == 0)
		set(v, VERDICT_ERROR, STATUS_MOAT_FAILED, "%s", otherwise);
	else
		set(v, VERDICT_ERROR, STATUS_MOAT_FAILED, "QEMU: %.*s", (int)(length < 800 ? length : 800),
		    text + skip);
}

static void decide_by_qemu(struct verdict *v, const struct machine_end *end)
{
	int status = end->wait_status;
	char otherwise[80];

	if (WIFSIGNALED(status)) {
		snprintf(otherwise, sizeof(otherwise), "QEMU was killed by signal %d (%s)", WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
		decide_by_text(v, end->text, otherwise);
		return;
	}
	switch (WEXITSTATUS(status)) {
	case QEMU_RESET:
		set(v, VERDICT_PANIC, STATUS_MOAT_FAILED,
		    "kernel panic: the machine reset itself without a report");
		break;
	case QEMU_ORDERLY:
		decide_by_text(v, end->text, "the kernel ended without a whole report");
		break;
	case QEMU_PANIC:
		set(v, VERDICT_PANIC, STATUS_MOAT_FAILED, "kernel panic: no text");
		break;
	case QEMU_BOOT_TEST:
		set(v, VERDICT_ERROR, STATUS_MOAT_FAILED,
		    "the kernel's boot regression test failed (see --kernel-log)");
		break;
	default:
		snprintf(otherwise, sizeof(otherwise), "QEMU ended with status %d", WEXITSTATUS(status));
		decide_by_text(v, end->text, otherwise);
		break;
	}
}

static void decide_timeout(struct verdict *v, const struct options *o, const struct program *program)
{
	set(v, VERDICT_TIMEOUT, STATUS_TIMEOUT, "%s: time limit of %g s reached", program->name,
	    (double)o->timeout_ns / 1e9);
}

/**
 * verdict_decide - judge a run whose machine has been started.
 * @v: receives the verdict.
 * @report: of the guest; parsed, whether complete or not.
 */
void verdict_decide(struct verdict *v, const struct machine_end *end, const struct guest_report *report,
		    const struct options *options, const struct program *program)
{
	bool orderly = WIFEXITED(end->wait_status) && WEXITSTATUS(end->wait_status) == QEMU_ORDERLY;

	if (orderly && report->complete && decide_by_report(v, report, program)) {
		if (v->kind == VERDICT_EXITED && end->output_errno)
			set(v, VERDICT_ERROR, STATUS_MOAT_FAILED, "%s: its output could not be written: %s",
			    program->name, strerror(end->output_errno));
		return;
	}
	if (end->panic)
		set(v, VERDICT_PANIC, STATUS_MOAT_FAILED, "kernel panic: %s", end->panic);
	else if (end->cause == END_TIMEOUT)
		decide_timeout(v, options, program);
	else if (end->cause == END_SIGNAL)
		decide_signal(v, VERDICT_SIGNALED, end->signal, program->name, NULL);
	else
		decide_by_qemu(v, end);
}
