/* SPDX-License-Identifier: MIT */
#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

#include <stdbool.h>

#include "options.h"

bool terminal_size(unsigned int *rows, unsigned int *columns);
bool terminal_is_taken(const struct options *options);
void terminal_take(const struct options *options);
void terminal_take_again(void);
void terminal_give_back(void);
bool terminal_is_raw(void);

#endif
