/* SPDX-License-Identifier: MIT */
#ifndef CLI_ALLOC_H
#define CLI_ALLOC_H

#include <stddef.h>

void *must_have(void *memory);
void *must_alloc(size_t bytes);
void *must_grow(void *old, size_t count, size_t size);
char *must_copy(const char *text);
char *must_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
