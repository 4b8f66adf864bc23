/* SPDX-License-Identifier: MIT */
/*
 * What the tests of loading programs share: files from a table, so that the file system is not part of them, a program that
 * is made here, and looking at what a load made of it. After each test every frame and every byte of heap must have come
 * back.
 */
#ifndef LOAD_FIXTURE_H
#define LOAD_FIXTURE_H

#include "mm_fixture.h"
#include <elf.h>
#include <linux/auxvec.h>
#include <arch/images.h>
#include <arch/machine.h>
#include <arch/timer.h>
#include <moat/exec.h>
#include <moat/object.h>

#define PIE_FIXED   0x555555554000ul
#define MMAP_FIXED  0x7ffff7fff000ul
#define TEXT_BYTES  0x1800ul
#define DATA_OFFSET 0x1800ul
#define DATA_ADDR   0x3800ul
#define DATA_BYTES  0x234ul
#define BSS_BYTES   0x3000ul
#define ENTRY	    0x1000ul
#define NAME_AT	    0x400ul
#define FILE_BYTES  (DATA_OFFSET + DATA_BYTES + 0x300) /* the file goes on behind its data */
#define IMAGE_END   (DATA_ADDR + DATA_BYTES + BSS_BYTES)

/* The machine and the clock, as far as exec sees them. */
asm(".section .rodata\n"
    ".globl arch_vdso_start, arch_vdso_end, arch_baseline_start, arch_baseline_end\n"
    "arch_vdso_start: .ascii \"vdso code\"\n .zero 5000\n arch_vdso_end:\n"
    "arch_baseline_start: .ascii \"baseline\"\n arch_baseline_end: .byte 0\n"
    ".text\n");

static void (*clock_listener)(const struct clock_params *p);

void clock_set_listener(void (*fn)(const struct clock_params *p))
{
	clock_listener = fn;
}

u64 machine_hwcap(void)
{
	return 0x178bfbff;
}

u64 machine_hwcap2(void)
{
	return 2;
}

/* Files by name, each with a count of its references. */
#define FILES_MAX 10
static struct test_file {
	struct file file; /* first: a struct file is its test_file */
	const char *path;
	struct mobj *object;
	struct file_facts facts;
} files[FILES_MAX];
static unsigned file_count;

/* The table itself holds one reference to each file, so none is ever the last. */
void file_destroy(struct file *f)
{
	(void)f;
	fail();
}

int exec_open(struct fs_context *fs, struct dentry *base, const char *path, struct file **out)
{
	assert_non_null(fs);
	assert_null(base);
	for (unsigned i = 0; i < file_count; i++) {
		if (strcmp(files[i].path, path) == 0) {
			*out = &files[i].file;
			file_get(*out);
			return 0;
		}
	}
	return -ENOENT;
}

struct mobj *vfs_object(struct file *f, int *err)
{
	struct test_file *file = (struct test_file *)f;

	*err = -ENODEV;
	if (file->object)
		mobj_get(file->object);
	return file->object;
}

void vfs_facts(const struct file *f, struct file_facts *out)
{
	*out = ((const struct test_file *)f)->facts;
}

bool vfs_is_nosuid(const struct file *f)
{
	(void)f;
	return false;
}

static struct fs_context context; /* nobody looks into it */
static struct fs_context *const fs = &context;
static const struct vma_file_ops count_files = {.get = file_get, .put = file_put};
static u64 frames_before, heap_before;

static inline struct file *add_file(const char *path, const void *bytes, size_t len)
{
	struct test_file *file = &files[file_count++];
	struct uio u;

	*file = (struct test_file){.path = path, .object = mobj_create(NULL, NULL)};
	ref_init(&file->file.refs, 1);
	assert_non_null(file->object);
	uio_init_kernel(&u, (void *)(uintptr_t)bytes, len);
	assert_int_equal(mobj_write(file->object, 0, &u), len);
	return &file->file;
}

/* One machine for all tests: the vDSO's pages are kept for ever. */
static inline int start(void **state)
{
	machine_setup(state);
	vma_register_file_ops(&count_files);
	vdso_init();
	aspace_put(aspace_create()); /* makes the zero frame */
	return 0;
}

static inline int load_setup(void **state)
{
	(void)state;
	frames_before = frames_used();
	heap_before = heap_bytes();
	file_count = 0;
	return 0;
}

static inline int load_teardown(void **state)
{
	(void)state;
	frame_fail_after(0);
	heap_fail_after(0);
	fake_use_aspace(NULL);
	for (unsigned i = 0; i < file_count; i++) {
		assert_int_equal(ref_read(&files[i].file.refs), 1);
		if (files[i].object)
			mobj_put(files[i].object);
	}
	assert_int_equal(frames_used(), frames_before);
	assert_int_equal(heap_bytes(), heap_before);
	return 0;
}

#define LOAD_TEST(f) cmocka_unit_test_setup_teardown(f, load_setup, load_teardown)

/* A program: text with headers, and data with BSS that starts and ends inside pages. */
struct program {
	u8 bytes[FILE_BYTES];
};

static inline Elf64_Ehdr *header(struct program *p)
{
	return (Elf64_Ehdr *)p->bytes;
}

static inline Elf64_Phdr *phdr(struct program *p, unsigned i)
{
	return (Elf64_Phdr *)(p->bytes + sizeof(Elf64_Ehdr)) + i;
}

static inline u8 byte_of_file(u64 offset)
{
	return (u8)(offset * 7 + (offset >> 8));
}

/* loader: its name, or NULL. base: added to all addresses. */
static inline void program_init(struct program *p, u16 type, u64 base, const char *loader)
{
	for (u64 i = 0; i < FILE_BYTES; i++)
		p->bytes[i] = byte_of_file(i);
	*header(p) = (Elf64_Ehdr){
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
		.e_type = type,
		.e_machine = EM_X86_64,
		.e_entry = base + ENTRY,
		.e_phoff = sizeof(Elf64_Ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 3,
	};
	*phdr(p, 0) = (Elf64_Phdr){.p_type = PT_NULL};
	*phdr(p, 1) = (Elf64_Phdr){.p_type = PT_LOAD,
				   .p_flags = PF_R | PF_X,
				   .p_vaddr = base,
				   .p_filesz = TEXT_BYTES,
				   .p_memsz = TEXT_BYTES};
	*phdr(p, 2) = (Elf64_Phdr){.p_type = PT_LOAD,
				   .p_flags = PF_R | PF_W,
				   .p_offset = DATA_OFFSET,
				   .p_vaddr = base + DATA_ADDR,
				   .p_filesz = DATA_BYTES,
				   .p_memsz = DATA_BYTES + BSS_BYTES};
	if (loader) {
		strcpy((char *)p->bytes + NAME_AT, loader);
		*phdr(p, 0) = (Elf64_Phdr){
			.p_type = PT_INTERP, .p_offset = NAME_AT, .p_filesz = strlen(loader) + 1};
	}
}

static inline struct file *add_program(const char *path, u16 type, u64 base, const char *loader)
{
	struct program p;

	program_init(&p, type, base, loader);
	return add_file(path, p.bytes, sizeof(p.bytes));
}

static const char *const argv_default[] = {"prog", "one", "two", NULL};
static const char *const envp_default[] = {"HOME=/", "TERM=dumb", NULL};

static inline struct exec_request request(struct file *file)
{
	return (struct exec_request){
		.file = file,
		.fs = fs,
		.flags = EXEC_FIXED_ADDRESSES,
		.uid = 1,
		.euid = 2,
		.gid = 3,
		.egid = 4,
		.limit_as_bytes = UINT64_MAX,
		.limit_data_bytes = UINT64_MAX,
		.limit_stack_bytes = MIB(8),
		.min_signal_stack_bytes = 3376,
	};
}

/* Loads with the default strings; req->args is filled in and gone afterwards. */
static inline int load(struct exec_request *req, const char *execfn, struct exec_image *out)
{
	int err =
		exec_args_from_kernel(execfn, argv_default, envp_default, req->limit_stack_bytes, &req->args);

	if (err)
		return err;
	err = exec_load(req, out);
	exec_args_destroy(req->args);
	if (!err) {
		aspace_check(out->aspace);
		fake_use_aspace(out->aspace);
	}
	return err;
}

static inline int load_file(struct file *file, struct exec_image *out)
{
	struct exec_request req = request(file);

	return load(&req, "/bin/program", out);
}

static inline void unload(struct exec_image *image)
{
	aspace_check(image->aspace);
	fake_use_aspace(NULL);
	aspace_put(image->aspace);
	if (image->file)
		file_put(image->file);
}

static inline u64 word_at(u64 addr)
{
	u64 word = 0;

	for (unsigned i = 0; i < 8; i++)
		word |= (u64)peek(addr + i) << (8 * i);
	return word;
}

static inline void assert_string_at(u64 addr, const char *expected)
{
	for (size_t i = 0; i <= strlen(expected); i++)
		assert_int_equal(peek(addr + i), (u8)expected[i]);
}

static inline void assert_file_bytes(u64 addr, u64 offset, u64 len)
{
	for (u64 i = 0; i < len; i++)
		assert_int_equal(peek(addr + i), byte_of_file(offset + i));
}

static inline void assert_zeros(u64 addr, u64 len)
{
	for (u64 i = 0; i < len; i++)
		assert_int_equal(peek(addr + i), 0);
}

/* The VMA that starts exactly here. */
static inline const struct vma *vma_at(const struct exec_image *image, u64 start)
{
	struct vma *v;

	rwlock_read(&image->aspace->lock);
	v = aspace_find(image->aspace, start);
	rwlock_read_done(&image->aspace->lock);
	assert_non_null(v);
	assert_int_equal(v->range.start, start);
	return v;
}

static inline u64 auxv_value(const struct exec_image *image, u64 type)
{
	u64 at = image->rsp + 8 * (word_at(image->rsp) + 2);

	while (word_at(at))
		at += 8;
	for (at += 8; word_at(at) != AT_NULL; at += 16) {
		if (word_at(at) == type)
			return word_at(at + 8);
	}
	fail_msg("no auxiliary vector entry %lu", type);
	return 0;
}

static inline void check_segments(const struct exec_image *image, u64 bias)
{
	const struct vma *text = vma_at(image, bias), *data = vma_at(image, bias + ALIGN_DOWN(DATA_ADDR, P));
	u64 zero = bias + DATA_ADDR + DATA_BYTES, end = ALIGN_UP(bias + IMAGE_END, P);

	assert_int_equal(text->flags, VMA_READ | VMA_EXEC);
	assert_int_equal(text->range.end, bias + 2 * P);
	assert_int_equal(data->flags, RW | VMA_ACCOUNT);
	assert_file_bytes(bias + NAME_AT + 64, NAME_AT + 64, TEXT_BYTES - NAME_AT - 64);
	assert_file_bytes(bias + DATA_ADDR, DATA_OFFSET, DATA_BYTES);
	assert_zeros(zero, end - zero);
	assert_int_equal(try_access(end, FAULT_READ), FAULT_NO_VMA);
	assert_int_equal(try_access(bias, FAULT_WRITE), FAULT_NO_ACCESS);
	assert_int_equal(try_access(bias + ENTRY, FAULT_EXEC), FAULT_DONE);
	assert_int_equal(try_access(bias + DATA_ADDR, FAULT_EXEC), FAULT_NO_ACCESS);
	poke(bias + DATA_ADDR, 1);
	poke(end - 1, 1);
}
static inline void check_args(const struct exec_image *image, const char *const *expected)
{
	u64 argc = word_at(image->rsp);
	u64 i = 0;

	for (; expected[i]; i++)
		assert_string_at(word_at(image->rsp + 8 * (i + 1)), expected[i]);
	assert_int_equal(argc, i);
	assert_string_at(word_at(image->rsp + 8 * (argc + 2)), "HOME=/");
}

static inline void drop_files(void)
{
	for (unsigned i = 0; i < file_count; i++) {
		assert_int_equal(ref_read(&files[i].file.refs), 1);
		mobj_put(files[i].object);
	}
	file_count = 0;
}

#endif
