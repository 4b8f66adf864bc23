/* SPDX-License-Identifier: MIT */
#ifndef CLI_ACCEL_H
#define CLI_ACCEL_H

#include "options.h"

enum accel accel_choose(const struct options *options);
bool accel_kvm_runs(void);
const char *accel_name(enum accel accel);

#endif
