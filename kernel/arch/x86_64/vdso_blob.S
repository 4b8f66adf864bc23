/* SPDX-License-Identifier: MIT */
/* The vDSO inside the kernel image; tools/vdso.part.mk builds it first. */
	.section .rodata.vdso, "a", @progbits
	.globl arch_vdso_start, arch_vdso_end
	.hidden arch_vdso_start, arch_vdso_end
	.balign 16
arch_vdso_start:
	.incbin "vdso.so"
arch_vdso_end:
	.section .note.GNU-stack, "", @progbits
