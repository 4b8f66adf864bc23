/* SPDX-License-Identifier: MIT */
/* The program that the run is about. */
#ifndef BOOT_PROGRAM_H
#define BOOT_PROGRAM_H

#include "run_spec.h"

/* Starts it, waits for its end, and sends the report over the control port. */
void program_run(const struct run_spec *spec);

#endif
