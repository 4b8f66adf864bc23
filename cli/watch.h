/* SPDX-License-Identifier: MIT */
#ifndef CLI_WATCH_H
#define CLI_WATCH_H

#include "machine.h"
#include "options.h"
#include "streams.h"
#include "verdict.h"

int watch_open(int *signals, struct verdict *v);
void watch_machine(int signals, const struct machine *machine, struct streams *streams,
		   const struct options *options, struct machine_end *end);

#endif
