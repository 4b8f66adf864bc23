/* SPDX-License-Identifier: MIT */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include <stdio.h>

#include "control.h"
#include "options.h"
#include "verdict.h"

/* What a report is made from. */
struct report_source {
	const struct verdict *verdict;
	const struct guest_report *guest; /* all unknown when nothing ran */
	uint64_t wall_ns;		  /* 0: no machine was started */
	const char *accel;		  /* NULL: no machine was started */
	bool deterministic;
};

int report_open(const char *path, FILE **out, struct verdict *v);
int report_write(FILE *out, const struct report_source *source);

#endif
