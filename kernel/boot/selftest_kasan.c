/* SPDX-License-Identifier: MIT */
/*
 * Mistakes with memory that the address checker must see, one for each test: each ends in a report (kasan.c). The
 * pointers are volatile, so that the compiler neither sees the mistake nor leaves it out.
 */
#include <moat/frame.h>
#include <moat/heap.h>
#include <moat/string.h>
#include "selftest_lib.h"

#define OBJECT_BYTES 44 /* ends within 8 bytes */

static u8 global[13];
static volatile u8 sink;

static u8 *volatile object;

static void make_object(void)
{
	object = kmalloc(OBJECT_BYTES);
	EXPECT(object);
	/* All of it may be used. */
	for (unsigned i = 0; i < OBJECT_BYTES; i++)
		object[i] = (u8)i;
	sink = object[OBJECT_BYTES - 1];
}

void test_kasan_read(void)
{
	make_object();
	sink = object[OBJECT_BYTES];
}

void test_kasan_write(void)
{
	make_object();
	memset(object, 0, OBJECT_BYTES + 1);
}

void test_kasan_late_use(void)
{
	make_object();
	kfree(object);
	*(volatile u64 *)(object + 8) = 1;
}

void test_kasan_double_free(void)
{
	make_object();
	kfree(object);
	kfree(object);
}

void test_kasan_frame(void)
{
	struct page *p = frame_alloc(0, FRAME_ZERO, FRAME_KERNEL);

	EXPECT(p);
	object = page_address(p);
	sink = object[100];
	frame_put(p);
	sink = object[100];
}

void test_kasan_global(void)
{
	object = global;
	object[sizeof(global) - 1] = 1;
	object[sizeof(global)] = 1;
}
