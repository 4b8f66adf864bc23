/* SPDX-License-Identifier: MIT */
/*
 * `moat run`, from its words to its exit status. The order of the steps is the order of the walk:
 *
 *     options.c   the words                            machine.c  QEMU is started
 *     pack.c      the guest's tree from --file         streams.c  bytes flow
 *     view.c      the host's folders that it sees
 *     program.c   PROGRAM is found and packed          watch.c    until the machine ends
 *     spec.c      what the kernel shall run            control.c  the guest's report is read
 *     pack.c      the archive is written               verdict.c  and judged
 *
 * Whatever happens, there is one verdict, at most one line on standard error, and a report when asked for.
 */
#include "run.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "accel.h"
#include "control.h"
#include "kernel.h"
#include "machine.h"
#include "options.h"
#include "pack.h"
#include "program.h"
#include "report.h"
#include "shell.h"
#include "spec.h"
#include "streams.h"
#include "terminal.h"
#include "usage.h"
#include "view.h"
#include "watch.h"

/* One run, as far as it has come. */
struct run {
	struct options options;
	struct pack *pack;
	struct shell shell; /* `moat shell` */
	struct view view;
	struct program program;
	struct machine machine;
	struct machine_end end;
	struct guest_report guest;
	struct streams streams;
	int input;   /* standard input of a deterministic run, a memfd, or -1 */
	int archive; /* memfd, or -1 */
	char *kernel;
	bool started; /* there is, or was, a machine */
	struct verdict verdict;
};

static int pack_files(struct run *run)
{
	const struct options *o = &run->options;
	int error = 0;

	for (size_t i = 0; i < o->file_count && !error; i++)
		error = pack_add(run->pack, o->files[i].host, o->files[i].guest, &run->verdict);
	if (!error && o->shell)
		error = shell_prepare(&run->shell, &run->options, run->pack, &run->verdict);
	if (!error)
		error = view_build(&run->view, o, run->pack, &run->verdict);
	if (!error)
		error = program_find(&run->program, o->shell ? run->shell.path : o->argv[0], &run->view,
				     run->pack, &run->verdict);
	if (!error && !view_shows(&run->view, run->view.cwd))
		error = pack_add_folder(run->pack, run->view.cwd, &run->verdict);
	return error;
}

static int pack_input(struct run *run)
{
	int error;

	if (!run->options.deterministic)
		return 0;
	error = input_collect(&run->input, &run->verdict);
	return error ? error : pack_add_stream(run->pack, run->input, SPEC_STDIN_PATH, &run->verdict);
}

static int write_archive(struct run *run)
{
	uint64_t bytes;
	size_t spec_bytes;
	char *spec;
	int error = spec_make(&run->options, &run->program, &run->view, &spec, &spec_bytes, &run->verdict);

	if (error)
		return error;
	error = pack_write(run->pack, spec, spec_bytes, &run->archive, &bytes, &run->verdict);
	free(spec);
	if (!error && bytes >= run->options.memory_bytes)
		return verdict_error(
			&run->verdict, STATUS_MOAT_FAILED,
			"the guest's files (%llu MiB) do not fit into its memory (%llu MiB); see --memory",
			(unsigned long long)(bytes >> 20),
			(unsigned long long)(run->options.memory_bytes >> 20));
	return error;
}

static int prepare(struct run *run)
{
	int error = pack_files(run);

	if (!error)
		error = kernel_find(&run->options, &run->kernel, &run->verdict);
	if (!error)
		error = pack_input(run);
	if (!error)
		error = write_archive(run);
	return error;
}

static int start(struct run *run, int *signals)
{
	struct machine_files files = {.kernel = run->kernel, .archive = run->archive, .view = &run->view};
	int error = watch_open(signals, &run->verdict);

	if (!error)
		terminal_take(&run->options);
	if (!error)
		error = machine_start(&run->machine, &run->options, &files, &run->verdict);
	if (error)
		return error;
	run->started = true;
	if (run->options.gdb_port)
		fprintf(stderr, "moat: waiting for: gdb %s -ex 'target remote 127.0.0.1:%u'\n", run->kernel,
			run->options.gdb_port);
	return streams_start(&run->streams, &run->machine, &run->options, &run->verdict);
}

/* After the machine's end: what the pumps have kept, judged. */
static void judge(struct run *run)
{
	struct pump *control = &run->streams.pumps[PUMP_CONTROL], *text = &run->streams.pumps[PUMP_TEXT];

	if (atomic_load(&control->done) && control->kept)
		control_parse(&run->guest, control->kept);
	run->end.text = atomic_load(&text->done) && text->kept ? text->kept : "";
	if (atomic_load(&run->streams.pumps[PUMP_LOG].done) && run->streams.log.panicked)
		run->end.panic = run->streams.log.panic;
	verdict_decide(&run->verdict, &run->end, &run->guest, &run->options, &run->program);
}

static void run_machine(struct run *run)
{
	int signals;

	if (start(run, &signals)) {
		terminal_give_back();
		return;
	}
	watch_machine(signals, &run->machine, &run->streams, &run->options, &run->end);
	terminal_give_back();
	streams_finish(&run->streams);
	judge(run);
}

/* The guest has a say in this line: it must not be able to send escape sequences to a terminal. */
static void print_line(const char *line)
{
	char text[sizeof(((struct verdict *)NULL)->line)];
	size_t i;

	for (i = 0; line[i]; i++)
		text[i] = (unsigned char)line[i] < ' ' || line[i] == 0x7f ? '?' : line[i];
	text[i] = '\0';
	if (i > 0)
		fprintf(stderr, "moat: %s\n", text);
}

static void finish(struct run *run, FILE *report)
{
	struct report_source source = {
		.verdict = &run->verdict,
		.guest = &run->guest,
		.wall_ns = run->started ? run->end.wall_ns : 0,
		.accel = run->started ? accel_name(run->machine.accel) : NULL,
		.deterministic = run->options.deterministic,
	};
	int error;

	print_line(run->verdict.line);
	error = report ? report_write(report, &source) : 0;
	if (error && !*run->verdict.line) {
		verdict_error(&run->verdict, STATUS_MOAT_FAILED, "--report %s: %s", run->options.report,
			      strerror(-error));
		print_line(run->verdict.line);
	}
}

/**
 * run_command - `moat run` and `moat shell`.
 * @argc, @argv: the words from `run` or `shell` on.
 *
 * Returns the exit status of the command (moat(1)).
 */
int run_command(int argc, char **argv)
{
	struct run run = {.input = -1, .archive = -1};
	FILE *report = NULL;
	struct verdict refused;
	int error = options_parse(&run.options, argc, argv, &run.verdict);

	if (!error && run.options.help) {
		fputs(run.options.shell ? usage_shell : usage_run, stdout);
		options_free(&run.options);
		return fflush(stdout) ? STATUS_MOAT_FAILED : 0;
	}
	if (run.options.report && report_open(run.options.report, &report, error ? &refused : &run.verdict))
		error = error ? error : -1;
	run.pack = pack_new();
	if (!error && run.options.dry_run) {
		error = pack_files(&run);
		if (!error)
			view_print(&run.view, &run.options, run.pack, stdout);
	} else if (!error && !prepare(&run)) {
		run_machine(&run);
	}
	finish(&run, report);
	control_free(&run.guest);
	program_free(&run.program);
	shell_free(&run.shell);
	view_free(&run.view);
	pack_free(run.pack);
	free(run.kernel);
	options_free(&run.options);
	return run.verdict.status;
}
