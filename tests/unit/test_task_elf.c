/* SPDX-License-Identifier: MIT */
/* The ELF reader: what is let through, what is refused and how, and that no number makes it read or reckon
 * wrongly. */
#include "unit.h"
#include "elf_invariants.h"
#include <elf.h>

#define FILE_BYTES 0x3000
#define TEXT_ADDR  0x400000ul
#define DATA_ADDR  0x402f80ul
#define DATA_BYTES 0x80ul
#define BSS_BYTES  0x5123ul
#define NAME_AT	   0x200ul
#define PHDRS	   4

/* A program with text, data and BSS, a dynamic loader and a stack note: the good case that others are bent
 * from. */
struct sample {
	u8 bytes[FILE_BYTES];
	size_t size;
};

static const char loader_name[] = "/lib64/ld-linux-x86-64.so.2";

static Elf64_Ehdr *header(struct sample *s)
{
	return (Elf64_Ehdr *)s->bytes;
}

static Elf64_Phdr *phdr(struct sample *s, unsigned i)
{
	return (Elf64_Phdr *)(s->bytes + sizeof(Elf64_Ehdr)) + i;
}

static void sample_init(struct sample *s)
{
	static const Elf64_Phdr phdrs[PHDRS] = {
		{.p_type = PT_INTERP, .p_offset = NAME_AT, .p_filesz = sizeof(loader_name), .p_flags = PF_R},
		{.p_type = PT_LOAD,
		 .p_flags = PF_R | PF_X,
		 .p_vaddr = TEXT_ADDR,
		 .p_filesz = 0x2000,
		 .p_memsz = 0x2000,
		 .p_align = 0x1000},
		{.p_type = PT_LOAD,
		 .p_flags = PF_R | PF_W,
		 .p_offset = 0x2f80,
		 .p_vaddr = DATA_ADDR,
		 .p_filesz = DATA_BYTES,
		 .p_memsz = DATA_BYTES + BSS_BYTES,
		 .p_align = 0x1000},
		{.p_type = PT_GNU_STACK, .p_flags = PF_R | PF_W},
	};

	memset(s, 0, sizeof(*s));
	s->size = FILE_BYTES;
	*header(s) = (Elf64_Ehdr){
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
		.e_type = ET_EXEC,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_entry = TEXT_ADDR + 0x1000,
		.e_phoff = sizeof(Elf64_Ehdr),
		.e_ehsize = sizeof(Elf64_Ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = PHDRS,
	};
	memcpy(phdr(s, 0), phdrs, sizeof(phdrs));
	memcpy(s->bytes + NAME_AT, loader_name, sizeof(loader_name));
}

/* The error for this file; whatever is let through must keep the promises of elf.h. */
static int read_it(const u8 *bytes, size_t size)
{
	struct elf_read r;
	int err = elf_read_bytes(bytes, size, &r);

	if (!err) {
		assert_true(elf_read_holds(&r, size));
		free(r.segments);
	}
	return err;
}

static int read_sample(struct sample *s)
{
	return read_it(s->bytes, s->size);
}

static void test_good_program(void **state)
{
	struct sample s;
	struct elf_read r;

	(void)state;
	sample_init(&s);
	assert_int_equal(elf_read_bytes(s.bytes, s.size, &r), 0);
	assert_int_equal(r.image.type, ET_EXEC);
	assert_int_equal(r.image.entry, TEXT_ADDR + 0x1000);
	assert_int_equal(r.image.phdr_addr, TEXT_ADDR + sizeof(Elf64_Ehdr));
	assert_int_equal(r.image.phdr_count, PHDRS);
	assert_int_equal(r.image.segment_count, 2);
	assert_int_equal(r.image.pages.start, TEXT_ADDR);
	assert_int_equal(r.image.pages.end, ALIGN_UP(DATA_ADDR + DATA_BYTES + BSS_BYTES, PAGE_SIZE));
	assert_int_equal(r.image.brk, DATA_ADDR + DATA_BYTES + BSS_BYTES);
	assert_int_equal(r.image.align, PAGE_SIZE);
	assert_false(r.image.stack_exec);
	assert_int_equal(r.interp.offset, NAME_AT);
	assert_int_equal(r.interp.bytes, sizeof(loader_name));
	assert_int_equal(r.segments[0].prot, ELF_READ | ELF_EXEC);
	assert_int_equal(r.segments[0].mem.start, TEXT_ADDR);
	assert_int_equal(r.segments[0].mem.end, TEXT_ADDR + 0x2000);
	assert_int_equal(r.segments[1].prot, ELF_READ | ELF_WRITE);
	assert_int_equal(r.segments[1].file_offset, 0x2f80);
	assert_int_equal(r.segments[1].file_bytes, DATA_BYTES);
	assert_int_equal(r.segments[1].mem.end, DATA_ADDR + DATA_BYTES + BSS_BYTES);
	free(r.segments);
}

/* Cut off anywhere, the file lacks its headers, its loader's name, or a part of a segment. */
static void test_truncated_everywhere(void **state)
{
	struct sample s;

	(void)state;
	sample_init(&s);
	for (size_t len = 0; len < FILE_BYTES; len++) {
		bool name_cut = len >= sizeof(Elf64_Ehdr) + PHDRS * sizeof(Elf64_Phdr) &&
				len < NAME_AT + sizeof(loader_name);

		assert_int_equal(read_it(s.bytes, len), name_cut ? -EIO : -ENOEXEC);
	}
	assert_int_equal(read_it(s.bytes, FILE_BYTES), 0);
}

static void test_header_refused(void **state)
{
	static const struct {
		size_t offset;
		u16 value;
	} bad[] = {
		{offsetof(Elf64_Ehdr, e_ident[0]), 0},
		{offsetof(Elf64_Ehdr, e_ident[2]), 0},
		{offsetof(Elf64_Ehdr, e_ident[EI_CLASS]), ELFCLASS32 | ELFDATA2LSB << 8},
		{offsetof(Elf64_Ehdr, e_type), ET_NONE},
		{offsetof(Elf64_Ehdr, e_type), ET_REL},
		{offsetof(Elf64_Ehdr, e_type), ET_CORE},
		{offsetof(Elf64_Ehdr, e_machine), EM_386},
		{offsetof(Elf64_Ehdr, e_machine), EM_AARCH64},
		{offsetof(Elf64_Ehdr, e_phentsize), sizeof(Elf32_Phdr)},
		{offsetof(Elf64_Ehdr, e_phentsize), 0},
		{offsetof(Elf64_Ehdr, e_phnum), 0},
		{offsetof(Elf64_Ehdr, e_phnum), 1171},
		{offsetof(Elf64_Ehdr, e_phnum), 0xffff},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct sample s;

		sample_init(&s);
		memcpy(s.bytes + bad[i].offset, &bad[i].value, sizeof(u16));
		assert_int_equal(read_sample(&s), -ENOEXEC);
	}
}

/* What Linux does not look at is not looked at here. */
static void test_header_ignored(void **state)
{
	struct sample s;

	(void)state;
	sample_init(&s);
	header(&s)->e_ident[EI_OSABI] = 0x77;
	header(&s)->e_version = 99;
	header(&s)->e_ehsize = 0;
	header(&s)->e_shoff = UINT64_MAX;
	header(&s)->e_shnum = 0xffff;
	header(&s)->e_shstrndx = 0xffff;
	header(&s)->e_flags = UINT32_MAX;
	assert_int_equal(read_sample(&s), 0);
}

static void test_most_program_headers(void **state)
{
	const size_t size = 0x20000;
	struct sample s;
	u8 *big = calloc(1, size);

	(void)state;
	sample_init(&s);
	memcpy(big, s.bytes, s.size);
	memset(big + sizeof(Elf64_Ehdr) + PHDRS * sizeof(Elf64_Phdr), 0, 0x100);
	((Elf64_Ehdr *)big)->e_phnum = 1170;
	((Elf64_Phdr *)(big + sizeof(Elf64_Ehdr)))->p_type = PT_NULL;
	assert_int_equal(read_it(big, size), 0);
	((Elf64_Ehdr *)big)->e_phnum = 1171;
	assert_int_equal(read_it(big, size), -ENOEXEC);
	free(big);
}

/* Each 64-bit number of the file, one after the other, at each value that could make a sum wrap. */
static void test_every_field_extreme(void **state)
{
	static const u64 values[] = {
		0,
		1,
		2,
		0xfff,
		0x1000,
		0x1001,
		0x7fff,
		0x8000,
		0xffff,
		0x10000,
		FILE_BYTES - 1,
		FILE_BYTES,
		FILE_BYTES + 1,
		0x7fffffff,
		0x80000000,
		0xffffffff,
		0x100000000,
		USER_TOP - 0x1000,
		USER_TOP - 1,
		USER_TOP,
		USER_TOP + 1,
		1ull << 47,
		1ull << 48,
		0xffff800000000000,
		INT64_MAX,
		1ull << 63,
		UINT64_MAX - 0xfff,
		UINT64_MAX - 1,
		UINT64_MAX,
	};
	const size_t headers = sizeof(Elf64_Ehdr) + PHDRS * sizeof(Elf64_Phdr);

	(void)state;
	for (unsigned width = 1; width <= 8; width *= 2) {
		for (size_t at = 0; at + width <= headers; at += width) {
			for (size_t v = 0; v < ARRAY_SIZE(values); v++) {
				struct sample s;

				sample_init(&s);
				memcpy(s.bytes + at, &values[v], width);
				read_sample(&s);
			}
		}
	}
}

/* Two fields at once, at random: sums of two wrong numbers. */
static void test_random_pairs(void **state)
{
	const u64 words = (sizeof(Elf64_Ehdr) + PHDRS * sizeof(Elf64_Phdr)) / sizeof(u64);
	u64 seed = 1;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		struct sample s;

		sample_init(&s);
		for (int k = 0; k < 2; k++) {
			u64 word = unit_random(&seed) >> unit_random_below(&seed, 64);

			if (unit_random_below(&seed, 2))
				word = -word;
			memcpy(s.bytes + 8 * (3 + unit_random_below(&seed, words - 3)), &word, sizeof(word));
		}
		read_sample(&s);
	}
}

struct segment_case {
	const char *what;
	Elf64_Phdr p;
	int err;
};

static void test_segments_refused(void **state)
{
	static const struct segment_case cases[] = {
		{"file longer than memory", {.p_vaddr = TEXT_ADDR, .p_filesz = 2, .p_memsz = 1}, -EINVAL},
		{"address in the kernel half", {.p_vaddr = 0xffff800000000000, .p_memsz = 1}, -EINVAL},
		{"address at the end", {.p_vaddr = USER_TOP, .p_memsz = 1}, -EINVAL},
		{"empty, but in the kernel half", {.p_vaddr = 1ull << 63}, -EINVAL},
		{"last byte is the last of user space", {.p_vaddr = USER_TOP - 1, .p_memsz = 1}, 0},
		{"one byte too far", {.p_vaddr = USER_TOP - 1, .p_memsz = 2}, -EINVAL},
		{"sum wraps", {.p_vaddr = TEXT_ADDR, .p_memsz = UINT64_MAX}, -EINVAL},
		{"sum wraps to nothing", {.p_vaddr = TEXT_ADDR, .p_memsz = -TEXT_ADDR}, -EINVAL},
		{"all of user space", {.p_vaddr = TEXT_ADDR, .p_memsz = USER_TOP - TEXT_ADDR}, 0},
		{"page zero", {.p_vaddr = 0, .p_memsz = 1}, -EINVAL},
		{"below 64 KiB", {.p_vaddr = USER_MIN - 1, .p_memsz = 1}, -EINVAL},
		{"just above 64 KiB", {.p_vaddr = USER_MIN, .p_memsz = 1}, 0},
		{"offset and address disagree",
		 {.p_vaddr = TEXT_ADDR, .p_offset = 1, .p_filesz = 1, .p_memsz = 1},
		 -EINVAL},
		{"they may when there is no file part",
		 {.p_vaddr = TEXT_ADDR, .p_offset = 1, .p_memsz = 1},
		 0},
		{"offset wraps",
		 {.p_vaddr = TEXT_ADDR, .p_offset = -0x1000, .p_filesz = 0x1001, .p_memsz = 0x1001},
		 -EINVAL},
		{"offset past the end",
		 {.p_vaddr = TEXT_ADDR, .p_offset = FILE_BYTES, .p_filesz = 1, .p_memsz = 1},
		 -ENOEXEC},
		{"file ends in it",
		 {.p_vaddr = TEXT_ADDR, .p_filesz = FILE_BYTES + 1, .p_memsz = FILE_BYTES + 1},
		 -ENOEXEC},
		{"file ends with it",
		 {.p_vaddr = TEXT_ADDR, .p_filesz = FILE_BYTES, .p_memsz = FILE_BYTES},
		 0},
		{"empty: nothing to load", {.p_vaddr = TEXT_ADDR}, -ENOEXEC},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct sample s;

		sample_init(&s);
		header(&s)->e_phnum = 1;
		*phdr(&s, 0) = cases[i].p;
		phdr(&s, 0)->p_type = PT_LOAD;
		if (read_sample(&s) != cases[i].err)
			fail_msg("%s: %d", cases[i].what, read_sample(&s));
	}
}

static void test_no_segments(void **state)
{
	struct sample s;

	(void)state;
	sample_init(&s);
	phdr(&s, 1)->p_type = phdr(&s, 2)->p_type = PT_NOTE;
	assert_int_equal(read_sample(&s), -ENOEXEC);
}

/* Overlapping and unsorted segments are mapped in the order of the file; the bounds are those of all. */
static void test_unsorted_and_overlapping(void **state)
{
	struct sample s;
	struct elf_read r;

	(void)state;
	sample_init(&s);
	*phdr(&s, 0) = (Elf64_Phdr){.p_type = PT_LOAD, .p_vaddr = 0x700000, .p_memsz = 0x10, .p_flags = PF_W};
	*phdr(&s, 3) = (Elf64_Phdr){.p_type = PT_LOAD, .p_vaddr = TEXT_ADDR + 0x800, .p_memsz = 0x9000};
	assert_int_equal(elf_read_bytes(s.bytes, s.size, &r), 0);
	assert_true(elf_read_holds(&r, s.size));
	assert_int_equal(r.image.segment_count, 4);
	assert_int_equal(r.segments[0].mem.start, 0x700000);
	assert_int_equal(r.segments[0].prot, ELF_WRITE);
	assert_int_equal(r.segments[3].prot, 0);
	assert_int_equal(r.image.pages.start, TEXT_ADDR);
	assert_int_equal(r.image.pages.end, 0x701000);
	free(r.segments);
}

static void test_interp(void **state)
{
	static const struct {
		u64 offset, bytes;
		int err;
	} cases[] = {
		{NAME_AT, 0, -ENOEXEC},	  {NAME_AT, 1, -ENOEXEC},    {NAME_AT, 2, 0},
		{NAME_AT, 4096, 0},	  {NAME_AT, 4097, -ENOEXEC}, {NAME_AT, UINT64_MAX, -ENOEXEC},
		{FILE_BYTES - 2, 2, 0},	  {FILE_BYTES - 1, 2, -EIO}, {INT64_MAX, 2, -EIO},
		{1ull << 63, 2, -EINVAL}, {UINT64_MAX, 2, -EINVAL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct sample s;

		sample_init(&s);
		phdr(&s, 0)->p_offset = cases[i].offset;
		phdr(&s, 0)->p_filesz = cases[i].bytes;
		assert_int_equal(read_sample(&s), cases[i].err);
		/* A bad segment does not hide the loader's error. */
		phdr(&s, 1)->p_vaddr = UINT64_MAX;
		assert_int_equal(read_sample(&s), cases[i].err ? cases[i].err : -EINVAL);
	}
}

static void test_first_interp_counts(void **state)
{
	struct sample s;
	struct elf_read r;

	(void)state;
	sample_init(&s);
	*phdr(&s, 3) = (Elf64_Phdr){.p_type = PT_INTERP, .p_filesz = 0};
	assert_int_equal(elf_read_bytes(s.bytes, s.size, &r), 0);
	assert_int_equal(r.interp.offset, NAME_AT);
	free(r.segments);
}

static void test_stack_note(void **state)
{
	struct sample s;
	struct elf_read r;

	(void)state;
	sample_init(&s);
	phdr(&s, 3)->p_flags = PF_R | PF_W | PF_X;
	assert_int_equal(elf_read_bytes(s.bytes, s.size, &r), 0);
	assert_true(r.image.stack_exec);
	free(r.segments);
}

static void test_position_independent(void **state)
{
	struct sample s;
	struct elf_read r;

	(void)state;
	sample_init(&s);
	header(&s)->e_type = ET_DYN;
	header(&s)->e_entry = 0x1000;
	phdr(&s, 1)->p_vaddr = 0;
	phdr(&s, 1)->p_align = 0x200000;
	phdr(&s, 2)->p_vaddr = 0x2f80;
	phdr(&s, 2)->p_align = 0x300000; /* not a power of two: does not count */
	assert_int_equal(elf_read_bytes(s.bytes, s.size, &r), 0);
	assert_int_equal(r.image.pages.start, 0);
	assert_int_equal(r.image.phdr_addr, sizeof(Elf64_Ehdr));
	assert_int_equal(r.image.align, 0x200000);
	free(r.segments);
	header(&s)->e_entry = UINT64_MAX;
	assert_int_equal(read_sample(&s), -EINVAL);
}

/* The tests' own program and the host's commands are ELF files too. */
static void test_real_program(void **state)
{
	static const char *const paths[] = {"/proc/self/exe", "/bin/sh", "/bin/busybox"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		FILE *f = fopen(paths[i], "rb");
		const size_t max = 64u << 20;
		u8 *bytes;
		size_t size;

		if (!f)
			continue;
		bytes = malloc(max);
		size = fread(bytes, 1, max, f);
		fclose(f);
		assert_int_equal(read_it(bytes, size), 0);
		free(bytes);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good_program),
		cmocka_unit_test(test_truncated_everywhere),
		cmocka_unit_test(test_header_refused),
		cmocka_unit_test(test_header_ignored),
		cmocka_unit_test(test_most_program_headers),
		cmocka_unit_test(test_every_field_extreme),
		cmocka_unit_test(test_random_pairs),
		cmocka_unit_test(test_segments_refused),
		cmocka_unit_test(test_no_segments),
		cmocka_unit_test(test_unsorted_and_overlapping),
		cmocka_unit_test(test_interp),
		cmocka_unit_test(test_first_interp_counts),
		cmocka_unit_test(test_stack_note),
		cmocka_unit_test(test_position_independent),
		cmocka_unit_test(test_real_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
