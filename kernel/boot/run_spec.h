/* SPDX-License-Identifier: MIT */
/* The run spec: what the command wants run, and how (docs/host-interface.md, The archive). */
#ifndef BOOT_RUN_SPEC_H
#define BOOT_RUN_SPEC_H

#include <moat/block.h>
#include <moat/share.h>
#include <moat/types.h>

struct run_spec {
	char *text;	     /* the records, a copy; everything below points into it */
	const char *exe;     /* NULL: no program given */
	const char **argv;   /* ends in NULL */
	const char **envp;   /* ends in NULL */
	const char **shares; /* ends in NULL; run_spec_share */
	const char **disks;  /* ends in NULL; run_spec_disk */
	const char **hides;  /* paths that are not seen; ends in NULL */
	const char *cwd;
	const char *stdin_path; /* NULL: port 1 */
	u8 seed[64];
	u64 epoch_ns;
	bool aslr, deterministic, trace, strict, wx_strict;
	bool tty[3];
	bool host_edits; /* the host's terminal edits lines, echoes and makes signals of keys */
	u16 rows, cols;
};

/* Copies and parses the records. 0, -EINVAL (a malformed record), -ENOMEM. On failure nothing is kept. */
int __must_check run_spec_parse(const void *bytes, size_t len, struct run_spec *out);
/* Takes a record of `shares` apart: "TAG MODE UID GID PATH". *text is cut up. 0 or -EINVAL. */
int __must_check run_spec_share(const char *record, char tag[], size_t size, struct share *out);
/* The same of `disks`: "NAME PATH". out->path is something to show in any case. */
int __must_check run_spec_disk(const char *record, char name[], size_t size, struct disk *out);
void run_spec_destroy(struct run_spec *s);

#endif
