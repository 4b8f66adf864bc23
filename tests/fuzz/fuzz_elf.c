/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer target: any bytes as a program. Nothing may be read outside them (AddressSanitizer), no sum may
 * wrap, and what is let through keeps the promises of elf.h.
 */
#include <elf.h>
#include <elf_invariants.h>
#include "seeds.h"

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

/* A header, its table and some bytes: one segment at each of the places where sums could wrap. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const u64 places[] = {0, 0x400000, USER_TOP - PAGE_SIZE, UINT64_MAX - PAGE_SIZE + 1};
	const char *folder = seed_folder(*argc, *argv);
	struct {
		Elf64_Ehdr header;
		Elf64_Phdr phdr[3];
		char rest[256];
	} file = {
		.header = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
				       EV_CURRENT},
			   .e_machine = EM_X86_64,
			   .e_phoff = sizeof(Elf64_Ehdr),
			   .e_phentsize = sizeof(Elf64_Phdr),
			   .e_phnum = 3},
		.phdr = {{.p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_filesz = 300, .p_memsz = 300},
			 {.p_type = PT_GNU_STACK, .p_flags = PF_R | PF_W},
			 {.p_type = PT_INTERP, .p_offset = 240, .p_filesz = 8}},
	};

	for (unsigned i = 0; folder && i < ARRAY_SIZE(places); i++) {
		char name[16];

		file.header.e_type = i % 2 ? ET_EXEC : ET_DYN;
		file.header.e_entry = file.phdr[0].p_vaddr = places[i];
		snprintf(name, sizeof(name), "%u", i);
		seed_write(folder, name, &file, sizeof(file));
	}
	return 0;
}
