/* SPDX-License-Identifier: MIT */
/*
 * The run spec: what the kernel is to run and how, as records KEY=VALUE each ended by a NUL byte
 * (docs/host-interface.md, "The archive"). In a deterministic run nothing of the host may show in it: seed
 * and clock are constants, the environment is only what --env says, and no stream is a terminal.
 */
#include "spec.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "alloc.h"
#include "terminal.h"

#define SEED_BYTES	   64
#define FIXED_SEED_BYTE	   0x5a
#define FIXED_EPOCH_NS	   (1704067200ULL * 1000000000ULL) /* 2024-01-01 00:00 UTC */
#define NS_PER_S	   1000000000ULL
#define ENV_NAME_LENGTH(s) strcspn((s), "=")

static int write_seed(FILE *out, const struct options *o, struct verdict *v)
{
	unsigned char seed[SEED_BYTES];

	memset(seed, FIXED_SEED_BYTE, sizeof(seed));
	if (!o->deterministic && getrandom(seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
		return verdict_error(v, STATUS_MOAT_FAILED, "getrandom: %s", strerror(errno));
	fputs("seed=", out);
	for (size_t i = 0; i < sizeof(seed); i++)
		fprintf(out, "%02x", seed[i]);
	fputc('\0', out);
	return 0;
}

static void write_clock(FILE *out, const struct options *o)
{
	uint64_t epoch_ns = FIXED_EPOCH_NS;
	struct timespec now;

	if (!o->deterministic && clock_gettime(CLOCK_REALTIME, &now) == 0)
		epoch_ns = (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
	fprintf(out, "epoch_ns=%" PRIu64 "%c", epoch_ns, 0);
}

static void write_record(FILE *out, const char *key, const char *value)
{
	fprintf(out, "%s=%s%c", key, value, 0);
}

/* Whether one of the strings after `from` in --env sets the same variable. */
static int overridden(const struct options *o, const char *string, size_t from)
{
	size_t length = ENV_NAME_LENGTH(string);

	for (size_t i = from; i < o->env_count; i++) {
		if (ENV_NAME_LENGTH(o->env[i]) == length && memcmp(o->env[i], string, length) == 0)
			return 1;
	}
	return 0;
}

static void write_environment(FILE *out, const struct options *o)
{
	if (!o->clear_env && !o->deterministic) {
		for (char **string = environ; string && *string; string++) {
			if (!overridden(o, *string, 0))
				write_record(out, "env", *string);
		}
	}
	for (size_t i = 0; i < o->env_count; i++) {
		if (!overridden(o, o->env[i], i + 1))
			write_record(out, "env", o->env[i]);
	}
}

static void write_terminal(FILE *out, const struct options *o)
{
	unsigned int rows, columns;

	fprintf(out, "tty=%d%d%d%c", isatty(STDIN_FILENO), isatty(STDOUT_FILENO), isatty(STDERR_FILENO), 0);
	write_record(out, "line_editing", terminal_is_taken(o) ? "guest" : "host");
	if (terminal_size(&rows, &columns))
		fprintf(out, "winsize=%u %u%c", rows, columns, 0);
}

static void write_flags(FILE *out, const struct options *o)
{
	if (o->no_aslr || o->deterministic)
		write_record(out, "aslr", "0");
	if (o->strace)
		write_record(out, "strace", "1");
	write_record(out, "wx", o->wx_linux ? "linux" : "strict");
	if (o->strict)
		write_record(out, "strict", "1");
	if (o->deterministic) {
		write_record(out, "deterministic", "1");
		write_record(out, "stdin", SPEC_STDIN_PATH);
		write_record(out, "tty", "000");
	} else {
		write_terminal(out, o);
	}
}

static void write_view(FILE *out, const struct options *o, const struct view *view)
{
	for (size_t i = 0; i < view->count; i++)
		fprintf(out, "share%s=" VIEW_TAG " %o %u %u %s%c", view->shares[i].writable ? "_rw" : "",
			(unsigned int)i, (unsigned int)view->shares[i].mode, (unsigned int)geteuid(),
			(unsigned int)getegid(), view->shares[i].guest, 0);
	for (size_t i = 0; i < view->disk_count; i++)
		fprintf(out, "disk=" VIEW_TAG " %s%c", (unsigned int)i, view->disks[i].guest, 0);
	for (size_t i = 0; i < o->hide_count; i++)
		write_record(out, "hide", o->hide[i]);
}

/**
 * spec_make - write the run spec for a program that has been found.
 * @spec, @bytes: receive the records, to be freed by the caller.
 *
 * Returns 0, or a negative number with @v set.
 */
int spec_make(const struct options *options, const struct program *program, const struct view *view,
	      char **spec, size_t *bytes, struct verdict *v)
{
	FILE *out = open_memstream(spec, bytes);
	int error;

	if (!out)
		return verdict_error(v, STATUS_MOAT_FAILED, "%s", strerror(errno));
	write_record(out, "exe", program->guest);
	for (char **arg = options->argv; *arg; arg++)
		write_record(out, "arg", *arg);
	write_environment(out, options);
	write_view(out, options, view);
	write_record(out, "cwd", view->cwd);
	error = write_seed(out, options, v);
	write_clock(out, options);
	write_flags(out, options);
	if (fclose(out) && !error)
		error = verdict_error(v, STATUS_MOAT_FAILED, "%s", strerror(errno));
	if (error)
		free(*spec);
	return error;
}
