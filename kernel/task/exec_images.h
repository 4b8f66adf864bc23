/* SPDX-License-Identifier: MIT */
/* The ELF files that the kernel carries, as memory objects. */
#ifndef TASK_EXEC_IMAGES_H
#define TASK_EXEC_IMAGES_H

#include <moat/object.h>

/* A new memory object that holds a copy of [start, end) at byte `offset`; NULL when memory is out. */
struct mobj *__must_check object_of_bytes(const u8 *start, const u8 *end, u64 offset);

#endif
