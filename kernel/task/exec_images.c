/* SPDX-License-Identifier: MIT */
/* The ELF files that the kernel carries: bytes of its image, copied into memory objects that can be mapped.
 */
#include <arch/images.h>
#include <moat/exec.h>
#include <moat/uio.h>

#include "exec_images.h"

struct mobj *object_of_bytes(const u8 *start, const u8 *end, u64 offset)
{
	size_t len = (uintptr_t)end - (uintptr_t)start;
	struct mobj *obj = mobj_create(NULL, NULL);
	struct uio u;

	if (!obj)
		return NULL;
	/* A uio reads or writes its buffer; mobj_write only reads this one. */
	uio_init_kernel(&u, (void *)(uintptr_t)start, len);
	if (mobj_write(obj, offset, &u) != (ssize_t)len) {
		mobj_put(obj);
		return NULL;
	}
	return obj;
}

struct mobj *baseline_object(void)
{
	return object_of_bytes(arch_baseline_start, arch_baseline_end, 0);
}
