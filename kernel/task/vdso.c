/* SPDX-License-Identifier: MIT */
/*
 * The vDSO: a small shared library that the kernel maps into every program, so that reading a clock needs no
 * system call (vdso(7)). One memory object holds it for all:
 *
 *     page 0     struct vdso_data: the clock's parameters, written here     [vvar]  r--
 *     page 1 …   the library, built from arch/x86_64/vdso                   [vdso]  r-x
 *
 * The library finds its data by address, one page below itself.
 */
#include <arch/images.h>
#include <arch/timer.h>
#include <moat/exec.h>
#include <moat/frame.h>
#include <moat/object.h>
#include <moat/panic.h>

#include "exec_images.h"

static struct mobj *object;    /* [I after vdso_init] */
static struct vdso_data *data; /* [I after vdso_init] page 0; its fields: the clock's one writer */

static u64 code_bytes(void)
{
	return ALIGN_UP((uintptr_t)arch_vdso_end - (uintptr_t)arch_vdso_start, PAGE_SIZE);
}

u64 vdso_map_bytes(void)
{
	return PAGE_SIZE + code_bytes();
}

/* The clock has new numbers. A reader sees all of them or tries again; may run in interrupt context. */
static void follow_clock(const struct clock_params *p)
{
	u32 seq = data->seq;

	__atomic_store_n(&data->seq, seq + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	data->base_tsc = p->base_tsc;
	data->base_ns = p->base_ns;
	data->mult = p->mult;
	data->realtime_offset_ns = p->realtime_offset_ns;
	__atomic_store_n(&data->seq, seq + 2, __ATOMIC_RELEASE);
}

void vdso_init(void)
{
	struct page *first;

	object = object_of_bytes(arch_vdso_start, arch_vdso_end, PAGE_SIZE);
	if (!object || mobj_resize(object, vdso_map_bytes()) || mobj_page(object, 0, MOBJ_CREATE, &first))
		panic("no memory for the vDSO");
	data = page_address(first); /* the reference to the page is kept for ever */
	clock_set_listener(follow_clock);
}

static int map_part(struct aspace *as, const char *name, u64 addr, u64 offset, u64 len, u32 vma_flags)
{
	struct map_request req = {
		.addr = addr,
		.len = len,
		.vma_flags = vma_flags | VMA_SPECIAL,
		.how = MAP_AT,
		.object = object,
		.object_offset = offset,
		.name = name,
	};

	return aspace_map(as, &req, &addr);
}

int vdso_map(struct aspace *as, u64 hint, u64 *base_out)
{
	u64 addr;
	int err = aspace_find_space(as, hint, vdso_map_bytes(), &addr);

	if (!err)
		err = map_part(as, "[vvar]", addr, 0, PAGE_SIZE,
			       VMA_READ | VMA_NO_WRITE | VMA_NO_DUMP | VMA_IO);
	if (!err)
		err = map_part(as, "[vdso]", addr + PAGE_SIZE, PAGE_SIZE, code_bytes(), VMA_READ | VMA_EXEC);
	*base_out = addr + PAGE_SIZE;
	return err;
}
