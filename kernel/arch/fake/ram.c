/* SPDX-License-Identifier: MIT */
/*
 * The fake machine's memory: one anonymous mapping of the host, and the direct map over it. Physical
 * addresses start at FAKE_RAM_BASE, so that a mix-up of physical address and offset shows. struct page
 * entries start as rubbish: the frame allocator promises to write each before it reads it.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <arch/impl/fake.h>
#include <moat/panic.h>

#define RUBBISH 0xa7

static u8 *ram;
static u64 ram_bytes;
static struct page *pages;

void fake_start_bare(u64 bytes, u64 boot_frames)
{
	u64 max_pfn = (FAKE_RAM_BASE + bytes) >> PAGE_SHIFT;

	ram = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ASSERT(ram != MAP_FAILED);
	ram_bytes = bytes;
	pages = malloc(max_pfn * sizeof(*pages));
	ASSERT(pages);
	memset(pages, RUBBISH, max_pfn * sizeof(*pages));
	zero_frame = NULL;
	guard_frame = NULL;
	fake_tlb_reset();
	frames_init(pages, max_pfn, boot_frames);
}

void fake_start(u64 bytes)
{
	fake_start_bare(bytes, 0);
	frames_add_span((struct range){FAKE_RAM_BASE, FAKE_RAM_BASE + bytes});
}

void fake_stop(void)
{
	struct numa_topology one;

	fake_use_aspace(NULL);
	munmap(ram, ram_bytes);
	free(pages);
	pages = NULL;
	numa_one_node(&one);
	frames_set_topology(&one, NULL, 0);
}

void *direct_map(paddr_t pa)
{
	ASSERT(pa.raw >= FAKE_RAM_BASE && pa.raw - FAKE_RAM_BASE < ram_bytes);
	return ram + (pa.raw - FAKE_RAM_BASE);
}

paddr_t direct_map_paddr(const void *p)
{
	u64 offset = (u64)((const u8 *)p - ram);

	ASSERT(offset < ram_bytes);
	return paddr(FAKE_RAM_BASE + offset);
}

void arch_clear_page(void *page)
{
	memset(page, 0, PAGE_SIZE);
}

void arch_copy_page(void *dst, const void *src)
{
	memcpy(dst, src, PAGE_SIZE);
}
