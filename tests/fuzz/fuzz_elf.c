/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer target: any bytes as a program. Nothing may be read outside them (AddressSanitizer), no sum may
 * wrap, and what is let through keeps the promises of elf.h.
 */
#include <elf_invariants.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct elf_read r;

	if (elf_read_bytes(data, size, &r))
		return 0;
	if (!elf_read_holds(&r, size))
		abort();
	free(r.segments);
	return 0;
}
