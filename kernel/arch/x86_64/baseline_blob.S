/* SPDX-License-Identifier: MIT */
/* The boot-regression program inside the kernel image; tools/vdso.part.mk builds it first. */
	.section .rodata.baseline, "a", @progbits
	.globl arch_baseline_start, arch_baseline_end
	.hidden arch_baseline_start, arch_baseline_end
	.balign 16
arch_baseline_start:
	.incbin "baseline.elf"
arch_baseline_end:
	.section .note.GNU-stack, "", @progbits
