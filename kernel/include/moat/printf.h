/* SPDX-License-Identifier: MIT */
/* room: lib */
/* Formatting: %d %i %u %x %X %o %c %s %p %% flags (- 0 + space #), width, precision, hh h l ll z j t. */
#ifndef MOAT_PRINTF_H
#define MOAT_PRINTF_H

#include <stdarg.h>
#include <moat/types.h>

/* As ISO C snprintf: writes at most size bytes with the terminator, returns what the text would need. */
int kvsnprintf(char *buf, size_t size, const char *fmt, va_list ap);
int ksnprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);

#endif
