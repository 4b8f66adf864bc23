/* SPDX-License-Identifier: MIT */
/* The kernel half of every address space; docs/memory-layout.md draws it. */
#ifndef ARCH_IMPL_KERNEL_LAYOUT_H
#define ARCH_IMPL_KERNEL_LAYOUT_H

#define KERNEL_HALF	   0xffff800000000000ull
#define DIRECT_MAP_MIN	   0xffff800000000000ull
#define DIRECT_MAP_MAX	   0xffffc00000000000ull
#define KMAP_BASE	   0xfffff00000000000ull
#define KMAP_STACKS	   KMAP_BASE
#define KMAP_STACKS_END	   (KMAP_BASE + 0x4000000000ull) /* 256 GiB */
#define KMAP_MMIO	   KMAP_STACKS_END
#define KMAP_MMIO_END	   (KMAP_MMIO + 0x40000000ull)
#define KERNEL_PHYS_BASE   0x200000 /* as in kernel.ld */
#define KERNEL_LINK_BASE   0xffffffff80000000ull
#define KERNEL_IMAGE_SLOTS 0x40000ull /* pages of the 1 GiB in which the image may start */

#define KSTACK_BYTES 16384ull
#define KSTACK_SLOT  32768ull /* guard pages, then the stack */

#define MULTIBOOT2_BOOT_MAGIC 0x36d76289u

#endif
