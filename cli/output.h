/* SPDX-License-Identifier: MIT */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <stddef.h>

int output_write(int fd, const char *data, size_t bytes);
int output_wait(int fd, short events);

#endif
