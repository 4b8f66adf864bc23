/* SPDX-License-Identifier: MIT */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "verdict.h"

enum accel {
	ACCEL_AUTO,
	ACCEL_KVM,
	ACCEL_TCG,
};

/* One --file, --ro or --rw: `guest` is absolute, or NULL for "the same absolute path as on the host". */
struct file_option {
	char *host;
	char *guest;
};

/* What the command line of `moat run` says; all of it is set once by options_parse(). */
struct options {
	uint64_t memory_bytes;
	uint64_t timeout_ns; /* 0: no limit */
	enum accel accel;
	unsigned int cpus;
	unsigned int nodes;
	unsigned int gdb_port; /* 0: no gdb */
	bool deterministic;
	bool strict;
	bool wx_linux; /* memory may be writable and executable at once */
	bool strace;
	bool kernel_log;
	bool no_aslr;
	bool clear_env;
	bool help;
	const char *cwd;    /* NULL: the current folder if it is seen, else / */
	const char *report; /* path, "-" for standard error, NULL for none */
	const char *kernel; /* path, NULL to look for it */
	const char *append; /* more kernel command-line words, or NULL */
	char **env;	    /* the --env strings in order */
	size_t env_count;
	struct file_option *files;
	size_t file_count;
	struct file_option *ro; /* --ro, in order */
	size_t ro_count;
	struct file_option *rw; /* --rw, in order */
	size_t rw_count;
	struct file_option *disks; /* --disk, in order */
	size_t disk_count;
	const char *root; /* --root, or NULL */
	char **hide;	  /* --hide, tidy */
	size_t hide_count;
	bool host_files; /* the system's folders and the current one are seen */
	bool dry_run;
	char **argv; /* PROGRAM and its arguments, NULL at the end */
	/* `moat shell` */
	bool shell;		   /* argv holds arguments of the shell only */
	const char *shell_program; /* --shell, or NULL: busybox */
};

int options_parse(struct options *options, int argc, char **argv, struct verdict *v);
void options_free(struct options *options);

#endif
