/* SPDX-License-Identifier: MIT */
#ifndef CLI_KERNEL_H
#define CLI_KERNEL_H

#include "options.h"

int kernel_find(const struct options *options, char **path, struct verdict *v);

#endif
